"""The contract's terms as data: phases, fees, components, shares, calendar, exclusion policy.

Amounts are read as yuan, with at most two decimals, and kept as integer fen; shares and rates are read as 0.9, "90%" or
"9/10" and kept as exact fractions. What is wrong with a contract is reported completely, each complaint at its own key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.timeline import Policy
from settlement.daycount import FIRST_YEAR, LAST_YEAR, DayCount, add_months
from settlement.money import fen, grouped, yuan

Place = tuple[str | int, ...]
_SHARE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)(%?)|(\d{1,18})/(\d{1,18})", re.ASCII)


class Reading(StrEnum):
    """How the contract's "accounted by the actual online rate" is read; the formulas are in readings.py."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    G = "G"
    H = "H"


def complaint(kind: str, message: str, remedy: str) -> PydanticCustomError:
    """Build a validation error whose message and remedy reach the reader as they are."""
    return PydanticCustomError(kind, "{message}", {"message": message, "remedy": remedy})


def fraction_of(value: object) -> Fraction:
    """Read 0.9, "0.9", "90%" or "9/10" exactly. ValueError on binary floats, negatives and anything else."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"不是比率 not a share: {value!r}")
    text = (format(value, "f") if isinstance(value, Decimal) else str(value)).strip().replace(" %", "%")
    match = _SHARE.fullmatch(text)
    if text.startswith("-"):
        raise ValueError(f"比率为负 a negative share: {text[:40]}")
    if not match or (match[4] and int(match[4]) == 0):
        raise ValueError(f"不是比率 not a share: {text[:40]!r}")
    if match[3]:
        return Fraction(int(match[3]), int(match[4]))
    return Fraction(match[1]) / (100 if match[2] else 1)


def _fen(value: object) -> int:
    try:
        amount = fen(value)  # type: ignore[arg-type]  # fen() refuses what is no amount
    except ValueError as error:
        raise complaint("money", str(error), '写成元，至多两位小数 write yuan, like "628.00"') from None
    if amount < 0:
        raise complaint("money", f"金额为负 a negative amount: {value}", "须不小于零 must not be below zero")
    return amount


def _price(value: object) -> int:
    amount = _fen(value)
    if amount == 0:
        raise complaint("money", "单价为零 a price of zero", "写合同单价 write the contract's price")
    return amount


def _share(value: object) -> Fraction:
    try:
        share = fraction_of(value)
    except ValueError as error:
        raise complaint("share", str(error), '须在 0 与 1 之间 between 0 and 1, like 0.90 or "90%"') from None
    if share > 1:
        raise complaint("share", f"比率大于 1 a share above 1: {value}", '写成 0.90 或 "90%" write 0.90 or "90%"')
    return share


def _target(value: object) -> Fraction:
    share = _share(value)
    if share == 0:
        raise complaint("share", "考核线为零 a target of zero", "须大于零 must be above zero")
    return share


def _tax(value: object) -> Fraction:
    try:
        rate = fraction_of(value)
    except ValueError as error:
        raise complaint("tax", str(error), "写成 0.06 write it like 0.06") from None
    if rate >= 1:
        raise complaint("tax", f"税率超出范围 tax rate out of range: {value}", "写成 0.06 而不是 6 write 0.06, not 6")
    return rate


def _factor(value: object) -> Fraction:
    try:
        return fraction_of(value)
    except ValueError as error:
        raise complaint("factor", str(error), "写不小于零的数 write a number not below zero") from None


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise complaint("date", f"不可能的日期 impossible date: {value}", "核对日历 check the calendar") from None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise complaint("date", f"不是日期 not a date: {str(value)[:40]!r}", "写成 2020-07-01 write it like 2020-07-01")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise complaint("date", f"不可能的日期 impossible date: {value}", f"{FIRST_YEAR}–{LAST_YEAR}")
    return value


def _exact(value: Fraction) -> str:
    return str(value)


_as_yuan = PlainSerializer(yuan, return_type=str, when_used="json")
_as_fraction = PlainSerializer(_exact, return_type=str, when_used="json")
Fen = Annotated[int, BeforeValidator(_fen), _as_yuan]
Price = Annotated[int, BeforeValidator(_price), _as_yuan]
Share = Annotated[Fraction, BeforeValidator(_share), _as_fraction]
Target = Annotated[Fraction, BeforeValidator(_target), _as_fraction]
TaxRate = Annotated[Fraction, BeforeValidator(_tax), _as_fraction]
Factor = Annotated[Fraction, BeforeValidator(_factor), _as_fraction]
Day = Annotated[date, BeforeValidator(_day)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s=,]+$")]
Text = Annotated[str, Field(max_length=2_000)]


def _errors(title: str, errors: Iterable[tuple[Place, PydanticCustomError]]) -> ValidationError:
    return ValidationError.from_exception_data(
        title, [InitErrorDetails(type=error, loc=place, input=None) for place, error in errors]
    )


class Contracted(BaseModel):
    """What the contract prints about a phase's size. Checked against the price; never settled on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: Annotated[StrictInt, Field(ge=1, le=10_000_000)]
    total_fen: Price = Field(alias="total")


class Phase(BaseModel):
    """A batch of points with its own fee and dates. Prices are fen per point and month, tax included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    title: Text = ""
    unit_price_fen: Price = Field(alias="unit_price")
    components_fen: dict[Name, Fen] = Field(alias="components", default_factory=dict, max_length=100)
    in_service_from: Day
    months: Annotated[StrictInt, Field(ge=1, le=600)]
    contracted: Contracted | None = None
    assumed: tuple[Text, ...] = ()

    @property
    def in_service_until(self) -> date:
        """The first day after the phase's term."""
        return add_months(self.in_service_from, self.months)

    @property
    def weights(self) -> tuple[tuple[str, int], ...]:
        """The fee components as (id, fen), in the contract's order."""
        return tuple(self.components_fen.items())

    @model_validator(mode="after")
    def _sums(self) -> Self:
        errors: list[tuple[Place, PydanticCustomError]] = []
        parts = sum(self.components_fen.values())
        if self.components_fen and parts != self.unit_price_fen:
            message = (
                f"费用构成合计 {grouped(parts)} 不等于单价 {grouped(self.unit_price_fen)} "
                "fee components do not add up to the price"
            )
            errors.append((("components",), complaint("components", message, "核对各项 check each component")))
        if self.contracted is not None:
            product = self.unit_price_fen * self.contracted.points * self.months
            if product != self.contracted.total_fen:
                message = (
                    f"单价 × 点数 × 月数 = {grouped(product)} 不等于合同总价 {grouped(self.contracted.total_fen)} "
                    "price × points × months is not the contract's total"
                )
                errors.append(
                    (("contracted", "total"), complaint("total", message, "核对合同 check it against the contract"))
                )
        if errors:
            raise _errors("Phase", errors)
        return self


class Terms(BaseModel):
    """A lease contract: everything that a settlement takes from paper rather than from measurement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    contract: Name
    title: Text = ""
    purchaser: Text = ""
    supplier: Text = ""
    zone: str = "Asia/Shanghai"
    tax_rate: TaxRate
    target: Target
    prepay_share: Share
    grain: Literal["quarter"] = "quarter"
    reading: Reading = Reading.A
    excess_surcharge: Factor = Fraction(1)
    """Reading H's k: how many times the fault rate beyond the allowed one is taken off again."""
    day_count: DayCount = DayCount.ACTUAL
    policy: Policy = Policy()
    assumed: tuple[Text, ...] = ()
    phases: Annotated[tuple[Phase, ...], Field(max_length=1_000)]

    def phase(self, name: str) -> Phase | None:
        """Return the phase of that id, or None."""
        return next((phase for phase in self.phases if phase.id == name), None)

    def document(self) -> dict[str, Any]:
        """Return the terms as JSON data that reads back as equal terms; amounts in yuan, shares exact."""
        return self.model_dump(mode="json", by_alias=True)

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise complaint("zone", f"没有这个时区 no such time zone: {value[:40]!r}", "Asia/Shanghai") from None
        return value

    @field_validator("phases", mode="wrap")
    @classmethod
    def _apart(cls, value: object, handler: ValidatorFunctionWrapHandler) -> tuple[Phase, ...]:
        """Check the phases against each other even where one of them is wrong in itself."""
        wrong: list[InitErrorDetails] = []
        phases: tuple[Phase, ...] = ()
        try:
            phases = handler(value)
        except ValidationError as error:
            wrong = [_again(detail) for detail in error.errors(include_url=False)]
        if not wrong and not phases:
            raise complaint("phases", "没有期次 no phases", "至少一个期次 the contract needs at least one")
        rows = phases or (value if isinstance(value, list | tuple) else ())
        wrong += [InitErrorDetails(type=error, loc=place, input=None) for place, error in _doubled(rows)]
        if wrong:
            raise ValidationError.from_exception_data("Terms", wrong)
        return phases


def _again(detail: Any) -> InitErrorDetails:
    """Carry an error of one phase along unchanged in kind, place and message."""
    context = {**detail.get("ctx", {}), "message": detail["msg"]}
    return InitErrorDetails(
        type=PydanticCustomError(detail["type"], "{message}", context), loc=detail["loc"], input=detail["input"]
    )


def _doubled(rows: Iterable[object]) -> Iterable[tuple[Place, PydanticCustomError]]:
    seen: dict[str, list[tuple[date, date] | None]] = {}
    for n, row in enumerate(rows):
        if isinstance(row, Phase):
            name, term = row.id, (row.in_service_from, row.in_service_until)
        elif isinstance(row, dict) and isinstance(row.get("id"), str):
            name, term = row["id"], _term(row)  # a raw row: some phase did not pass by itself
        else:
            continue
        earlier = seen.setdefault(name, [])
        if term and any(other and term[0] < other[1] and other[0] < term[1] for other in earlier):
            yield (
                (n, "id"),
                complaint("overlap", f"期次重叠 overlapping phases: {name}", "改日期或编号 change dates or id"),
            )
        elif earlier:
            yield (
                (n, "id"),
                complaint("duplicate", f"期次编号重复 duplicate phase id: {name}", "换一个编号 use another id"),
            )
        earlier.append(term)


def _term(row: dict[str, Any]) -> tuple[date, date] | None:
    start, months = row.get("in_service_from"), row.get("months")
    if not isinstance(start, date) or isinstance(start, datetime) or not FIRST_YEAR <= start.year <= LAST_YEAR:
        return None
    if isinstance(months, int) and 0 < months <= 600:
        return start, add_months(start, months)
    return None
