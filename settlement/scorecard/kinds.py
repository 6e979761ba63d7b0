"""The kinds of formulas as data: proportional, tiers, per unit, per event, manual. No I/O, no clock."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from settlement.figures import complaint
from settlement.scorecard.claims import Text, least
from settlement.scorecard.printed import Number, Points, Printed, printed

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s=,]+$")]
Title = Annotated[str, Field(max_length=500)]


class Part(BaseModel):
    """Frozen data; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Position = tuple[int, Fraction, int]
"""A place on the line of numbers: (0, v, 0) is v itself, (0, v, 1) just above it; -1 and 1 first are the two ends."""
LOWEST: Position = (-1, Fraction(0), 0)
HIGHEST: Position = (1, Fraction(0), 0)


class Tier(Part):
    """One band of values and what it is worth: `score` points, the weight less `off`, or `share` of the weight.

    `not_printed` where the report does not say what the band is worth.
    """

    at_least: Number | None = None
    above: Number | None = None
    below: Number | None = None
    at_most: Number | None = None
    score: Points | None = None
    off: Points | None = None
    share: Number | None = None
    not_printed: bool = False

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.at_least is not None and self.above is not None:
            raise complaint("tier", "同时有 at_least 与 above both of them", "只留一个 keep one")
        if self.below is not None and self.at_most is not None:
            raise complaint("tier", "同时有 below 与 at_most both of them", "只留一个 keep one")
        worth = [self.score is not None, self.off is not None, self.share is not None, self.not_printed]
        if sum(worth) != 1:
            message = "须恰有一个 exactly one is needed: score, off, share, not_printed"
            raise complaint("tier", message, "写明此档得分 say what the band is worth")
        if self.start >= self.end:
            raise complaint("tier", f"空档 an empty band: {self.text}", "核对上下限 check its limits")
        return self

    @property
    def start(self) -> Position:
        """Where the band begins, inclusive."""
        if self.at_least is not None:
            return 0, self.at_least.value, 0
        return (0, self.above.value, 1) if self.above is not None else LOWEST

    @property
    def end(self) -> Position:
        """Where the band ends, exclusive."""
        if self.below is not None:
            return 0, self.below.value, 0
        return (0, self.at_most.value, 1) if self.at_most is not None else HIGHEST

    @property
    def limits(self) -> tuple[Printed, ...]:
        """Its limits, those that are given."""
        given = (self.at_least, self.above, self.below, self.at_most)
        return tuple(limit for limit in given if limit is not None)

    @property
    def text(self) -> str:
        """The band as people write it: ≥ 95%, < 100%."""
        signs = (("≥", self.at_least), (">", self.above), ("<", self.below), ("≤", self.at_most))
        limits = [f"{sign} {limit.text}" for sign, limit in signs if limit is not None]
        return ", ".join(limits) or "任何值 any"

    def holds(self, value: Fraction) -> bool:
        """Tell whether a value lies in the band."""
        return self.start <= (0, value, 0) < self.end

    def worth(self, weight: Fraction | None) -> Fraction | None:
        """Return the points; None where they are not printed, or hang on a weight that is not."""
        if self.score is not None:
            return self.score
        if weight is None or self.not_printed:
            return None
        if self.off is not None:
            return max(Fraction(0), weight - self.off)
        assert self.share is not None  # noqa: S101  the validator has seen to it
        return weight * self.share.value


Items = Annotated[tuple[Name, ...], Field(max_length=100)]


class Proportional(Part):
    """Weight × (value − zero_at) / (full_at − zero_at), between nothing and the weight."""

    kind: Literal["proportional"]
    zero_at: Number = printed(0)
    full_at: Number = printed(1)
    text: Text = ""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.zero_at.value == self.full_at.value:
            raise complaint("proportional", "零分与满分同值 zero_at equals full_at", "改其一 change one")
        return self


class Tiers(Part):
    """The points of the band in which the value lies; with `items`, of each item by itself, summed.

    `measure` says which values there are: a share lies in [0, 1], a number at or above 0, a deviation anywhere.
    """

    kind: Literal["tiers"]
    measure: Literal["share", "number", "deviation"] = "share"
    tiers: Annotated[tuple[Tier, ...], Field(max_length=50), least(1)]
    items: Items = ()
    text: Text = ""

    @property
    def domain(self) -> tuple[Position, Position]:
        """All values that there are, half-open."""
        zero, one = (0, Fraction(0), 0), (0, Fraction(1), 1)
        return {"share": (zero, one), "number": (zero, HIGHEST), "deviation": (LOWEST, HIGHEST)}[self.measure]


class PerUnit(Part):
    """`points` off for each unit beyond the allowance, down to nothing."""

    kind: Literal["per-unit"]
    points: Points
    unit: Number = printed(1)
    allowance: Number = printed(0)
    rounding: Literal["ceil", "floor", "exact"] = "ceil"
    of: Literal["excess", "shortfall"] = "excess"
    """excess: units above the allowance count; shortfall: units below it."""
    unit_name: Title = ""
    text: Text = ""

    @model_validator(mode="after")
    def _some_unit(self) -> Self:
        if self.unit.value <= 0:
            raise complaint("unit", "单位须大于零 a unit must be above zero", "写成 1% 或 1 write it like 1% or 1")
        return self


class PerEvent(Part):
    """Points off for each event of a kind, down to nothing."""

    kind: Literal["per-event"]
    events: Annotated[dict[Name, Points], Field(max_length=100), least(1)]
    text: Text = ""


class Manual(Part):
    """A person's score with a reason. `most` (or `each` for each of the items) is what the rule's text allows."""

    kind: Literal["manual"]
    items: Items = ()
    each: Points | None = None
    most: Points | None = None
    text: Text = ""


_KINDS: dict[str, type[Proportional | Tiers | PerUnit | PerEvent | Manual]] = {
    "proportional": Proportional,
    "tiers": Tiers,
    "per-unit": PerUnit,
    "per-event": PerEvent,
    "manual": Manual,
}


def _of_kind(value: object) -> object:
    """Read a formula by its kind, so that a complaint stands at the key that it is about."""
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    known = ", ".join(_KINDS)
    if kind is None:
        raise complaint("kind", "缺少键 missing key: kind", f"可用 use one of {known}")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise complaint("kind", f"未知的种类 unknown kind: {str(kind)[:40]!r}", f"可用 use one of {known}")
    return _KINDS[kind].model_validate(value)


Formula = Annotated[Proportional | Tiers | PerUnit | PerEvent | Manual, BeforeValidator(_of_kind)]
