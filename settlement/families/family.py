"""What a rule family is: its terms as contract data, its stage, and one pure function from a window to a judgement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from settlement.facts import Window
from settlement.figures import Factor, Fen, Share

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s=,]+$")]
Text = Annotated[str, Field(max_length=2_000)]
Over = Literal[">", "≥", ">="]
"""How a limit is compared. "≥" and ">=" are the same."""
Rounding = Literal["ceil", "floor", "exact"]
Stage = Literal["point", "rate", "event", "score", "payment"]
"""point: judges points one by one, before the pool; rate: judges the pool by its rate; event: counts events;
score: turns the points taken off a score of 100 into money; payment: concerns payments, never a statement's fee."""


def beyond(value: Fraction | int, over: Over, limit: Fraction | int) -> bool:
    """Tell whether a value lies beyond a limit as the contract compares it."""
    return value > limit if over == ">" else value >= limit


def counted(units: Fraction, rounding: Rounding) -> Fraction:
    """Round a count of units (hours, percentage points, periods) as the contract declares."""
    match rounding:
        case "ceil":
            return Fraction(ceil(units))
        case "floor":
            return Fraction(floor(units))
        case "exact":
            return units


class Repeat(BaseModel):
    """How repeats weigh more: the n-th occurrence within `within_days` takes the n-th factor, the last one ever after.

    `by` says what counts as the same: the rule at one point, or the same cause there as well.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    within_days: Annotated[StrictInt, Field(ge=1, le=3_660)]
    by: Literal["point", "cause"] = "point"
    factors: Annotated[tuple[Factor, ...], Field(min_length=2, max_length=20)]


class RuleTerms(BaseModel):
    """What every rule of a contract declares. A family's own terms derive from it and fix `kind`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    id: Name
    title: Text = ""
    clause: Text = ""
    """Where the contract says so."""
    grain: Literal["month", "quarter"] = "month"
    phases: tuple[Name, ...] = ()
    """The phases it applies to; empty: all."""
    components: tuple[Name, ...] = ()
    """The fee components it may touch; empty: the whole fee."""
    cap_share: Share | None = None
    """At most this share of the fee it may touch, per window."""
    cap_fen: Fen | None = Field(alias="cap", default=None)
    """At most this amount per window, in yuan."""
    repeat: Repeat | None = None
    pool: Literal["leaves", "stays"] = "leaves"
    """Whether what was punished singly leaves what the rate rule judges: of a point rule the point (fee and seconds); an
    event rule's item over an outage then bears only what the rate does not take for it."""


Rule = TypeVar("Rule", bound=RuleTerms)


class Item(NamedTuple):
    """One thing that a rule punishes. `amount` is exact fen, or score points. `incident` is "" where there is none.

    An amount that is due for several outages together (a month's sum of hours) names the first as its `incident` and
    the others in `also`: it is one punishment of all of them.

    `at` (seconds) orders repeats; `cause` tells causes apart. Items of one incident are punished once: the engine keeps
    the largest and names in `suppressed_by` the rule that prevailed over the others.
    """

    point: str
    incident: str
    amount: Fraction
    why: str
    at: int = 0
    cause: str = ""
    suppressed_by: str = ""
    also: tuple[str, ...] = ()

    @property
    def incidents(self) -> tuple[str, ...]:
        """All incidents that it punishes."""
        return (self.incident, *self.also) if self.incident else ()


class Judgement(NamedTuple):
    """What a rule says of a window, before repeats, de-duplication and caps.

    `amount` is the deduction in exact fen (never negative), or points off the score where `unit` is "points"; with
    items it is their sum. `formula` is the arithmetic with this window's figures in it. `unpaid` are points that lose
    their whole fee in the window.
    """

    amount: Fraction
    formula: str
    items: tuple[Item, ...] = ()
    unit: Literal["fen", "points"] = "fen"
    unpaid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Family(Generic[Rule]):
    """A family: registered by `kind`, applied at its stage.

    `main` families decide what the pool is paid instead of a reading: a contract has one of them or a reading, not both.
    `thresholds` are the rates above 0 at which the amount may jump, for cliffs and for bounds that straddle one.
    """

    number: int
    kind: str
    name: str
    stage: Stage
    terms: type[Rule]
    judge: Callable[[Rule, Window], Judgement]
    main: bool = False
    thresholds: Callable[[Rule], tuple[Fraction, ...]] = lambda _: ()
    outages: bool = False
    """Whether it looks at points' outages although it is not of the point stage."""


AnyFamily = Family[Any]
