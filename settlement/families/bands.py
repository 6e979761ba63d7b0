"""Tables of bands: every value lies in exactly one of them, and the contract says to which a bound itself belongs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from settlement.families.family import Over, beyond
from settlement.figures import Share, complaint, fraction_of
from settlement.notation import share

Place = tuple[str | int, ...]


class Bounded(Protocol):
    """A band from its lower bound up to its upper one."""

    @property
    def low(self) -> Fraction: ...

    @property
    def high(self) -> Fraction: ...


Row = TypeVar("Row", bound=Bounded)


class RateBand(BaseModel):
    """A band of online rates. Which of its bounds belongs to it is the rule's `over`: "≥" the lower, ">" the upper."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: Share = Field(alias="from", default=Fraction(0))
    high: Share = Field(alias="to", default=Fraction(1))


def refuse_all(title: str, errors: Sequence[tuple[Place, PydanticCustomError]]) -> None:
    """Raise all errors together, each at its own place. Does nothing if there are none."""
    if errors:
        raise ValidationError.from_exception_data(
            title, [InitErrorDetails(type=error, loc=place, input=None) for place, error in errors]
        )


class _Written(NamedTuple):
    """A row's bounds as they are written, where the row is wrong in something else."""

    low: Fraction
    high: Fraction


def table(
    value: object,
    handler: ValidatorFunctionWrapHandler,
    most: Fraction,
    *,
    open_top: bool = False,
    write: Callable[[Fraction], str] = share,
) -> Any:
    """Validate rows, and refuse a table that overlaps or leaves a value from 0 to `most` without a band.

    `open_top` allows values above the highest band. ValidationError names every fault at its row, those of single rows
    and those between them together.
    """
    wrong: list[InitErrorDetails] = []
    rows: Sequence[Bounded] = ()
    try:
        rows = valid = handler(value)
    except ValidationError as error:
        wrong = [_again(detail) for detail in error.errors(include_url=False)]
        rows = _written(value, most)
    else:
        if not rows:
            raise complaint("bands", "分档表为空 an empty table of bands", "至少一档 write at least one band")
    errors = _faults(rows, most, open_top, write) if rows else []
    wrong += [InitErrorDetails(type=error, loc=place, input=None) for place, error in errors]
    if wrong:
        raise ValidationError.from_exception_data("bands", wrong)
    return valid


def _again(detail: ErrorDetails) -> InitErrorDetails:
    """Carry an error of one row along unchanged in kind, place and message."""
    context = {**detail.get("ctx", {}), "message": detail["msg"]}
    return InitErrorDetails(
        type=PydanticCustomError(detail["type"], "{message}", context), loc=detail["loc"], input=detail["input"]
    )


def _written(value: object, most: Fraction) -> Sequence[_Written]:
    """Read the bounds of raw rows; nothing where a bound itself is wrong."""
    rows = []
    for row in value if isinstance(value, list | tuple) else ():
        if not isinstance(row, dict):
            return ()
        try:
            low, high = fraction_of(row.get("from", 0)), fraction_of(row.get("to", most))
        except ValueError:
            return ()
        if max(low, high) > most:
            return ()
        rows.append(_Written(low, high))
    return rows


def _faults(
    rows: Sequence[Bounded], most: Fraction, open_top: bool, write: Callable[[Fraction], str]
) -> list[tuple[Place, PydanticCustomError]]:
    errors: list[tuple[Place, PydanticCustomError]] = []
    for n, row in enumerate(rows):
        if row.low >= row.high:
            message = f"分档上下限颠倒 bounds the wrong way round: {write(row.low)} – {write(row.high)}"
            errors.append(((n, "from"), complaint("bands", message, "下限须小于上限 `from` must be below `to`")))
    return errors or _seams(rows, most, open_top, write)


def _seams(
    rows: Sequence[Bounded], most: Fraction, open_top: bool, write: Callable[[Fraction], str]
) -> list[tuple[Place, PydanticCustomError]]:
    errors: list[tuple[Place, PydanticCustomError]] = []
    order = sorted(range(len(rows)), key=lambda n: (rows[n].low, rows[n].high))
    reached = Fraction(0)
    for n in order:
        row = rows[n]
        if row.low > reached:
            message = f"分档有空档 a gap in the table: {write(reached)} – {write(row.low)}"
            remedy = "补上这一档，或改相邻界限 add that band, or move a bound next to it"
            errors.append(((n, "from"), complaint("gap", message, remedy)))
        elif row.low < reached:
            message = f"分档重叠 bands overlap: {write(row.low)} – {write(min(reached, row.high))}"
            remedy = "每个数值只能落在一档 let each value lie in one band"
            errors.append(((n, "from"), complaint("overlap", message, remedy)))
        reached = max(reached, row.high)
    if reached > most:
        message = f"分档超出 {write(most)} a band beyond that: {write(reached)}"
        errors.append(((order[-1], "to"), complaint("bands", message, f"至多 at most {write(most)}")))
    if reached < most and not open_top:
        message = f"分档有空档 a gap in the table: {write(reached)} – {write(most)}"
        errors.append(((order[-1], "to"), complaint("gap", message, "补上最高一档 add the highest band")))
    return errors


def band_at(rows: Sequence[Row], value: Fraction, over: Over, most: Fraction) -> Row | None:
    """Return the band of a value from 0 to `most`; None above the highest band of a table that is open there."""
    ordered = sorted(rows, key=lambda row: row.low, reverse=True)
    top = ordered[0]
    if top.high < most and beyond(value, over, top.high):
        return None
    return next((row for row in ordered if beyond(value, over, row.low)), ordered[-1])


def band_text(row: Bounded, over: Over, name: str, most: Fraction, write: Callable[[Fraction], str] = share) -> str:
    """Write a band as a condition: "65 % ≤ o < 80 %"; bounds that nothing can pass are left out."""
    lower, upper = ("<", "≤") if over == ">" else ("≤", "<")
    if row.high >= most:
        return f"{name} {'>' if over == '>' else '≥'} {write(row.low)}" if row.low > 0 else name
    left = f"{write(row.low)} {lower} " if row.low > 0 else ""
    return f"{left}{name} {upper} {write(row.high)}"


def inner_bounds(rows: Sequence[Bounded], most: Fraction) -> tuple[Fraction, ...]:
    """Return the bounds between bands, ascending."""
    return tuple(sorted({bound for row in rows for bound in (row.low, row.high) if 0 < bound < most}))
