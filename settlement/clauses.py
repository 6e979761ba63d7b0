"""A contract's further clauses as data: the authority's figures, approval, payment, instalments, retention, prices.

Each is optional in the contract; where it is missing, the default printed here holds and the linter says so where it
matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from settlement.figures import Day, Factor, Fen, Price, Share, Target, TaxRate, complaint
from settlement.money import grouped, yuan

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s=,]+$")]
Text = Annotated[str, Field(max_length=2_000)]
Place = tuple[str | int, ...]


def _of_pairs(value: Any) -> Any:
    """Take a list of [name, yuan] for the mapping that it stands for; anything else is left to be judged as it is."""
    if not isinstance(value, list) or not all(isinstance(row, list) and len(row) == 2 for row in value):
        return value
    names = [row[0] for row in value]
    doubled = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if doubled is not None:
        message = f"费用构成重复 a fee component twice: {str(doubled)[:40]}"
        raise complaint("components", message, "只留一个 keep one of them")
    return dict(value)


def _as_pairs(components: dict[str, int]) -> list[list[str]]:
    return [[name, yuan(fen)] for name, fen in components.items()]


Components = Annotated[
    dict[Name, Fen], BeforeValidator(_of_pairs), PlainSerializer(_as_pairs, return_type=list, when_used="json")
]
"""A price's parts by name. As JSON a list of [name, yuan], so that the contract's order survives sorted keys."""


class Clause(BaseModel):
    """Frozen data; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AuthorityClause(Clause):
    """Which online rate pays: our own measurement (own) or the authority's (authority), or the lower or higher one.

    `months` is how the authority's months become a quarter. `tolerance` is the difference of rates, as a share, that needs
    no explanation. If no figure came by `by_day` days after the quarter: wait, take our own provisionally, or pay the
    prepayment alone.
    """

    pays: Literal["own", "authority", "lower", "higher"] = "own"
    level: Literal["phase", "point"] = "phase"
    months: Literal["simple-mean", "by-points", "by-point-days"] = "simple-mean"
    tolerance: Share = Fraction(0)
    by_day: Annotated[StrictInt, Field(ge=0, le=366)] | None = None
    if_missing: Literal["wait", "provisional-own", "prepay-only"] = "wait"


class ApprovalClause(Clause):
    """The persons after the maker, in order, each another one; and what silence of the supplier means."""

    chain: Annotated[tuple[Literal["check", "review", "approve"], ...], Field(min_length=1, max_length=10)] = (
        "check",
        "approve",
    )
    objection_days: Annotated[StrictInt, Field(ge=1, le=366)] | None = None
    silence: Literal["confirms", "waits"] = "waits"


class DatedTaxRate(Clause):
    """A tax rate from a day on, of one fee component or ("") of all that have none of their own."""

    component: Name | Literal[""] = ""
    valid_from: Day = Field(alias="from")
    rate: TaxRate


class PaymentClause(Clause):
    """When an issued amount falls due, and what lateness costs: days from an event, in calendar or working days.

    `quarter-start` counts from the first day of the quarter in which the amount is paid, `quarter-end` from the last day
    of the settled quarter, `invoice` from the invoice's date. Calendar days are not moved off holidays.
    `interest_per_day` is the daily share of the late amount that the purchaser owes (family 15), `interest_cap` its
    most as a share of that amount. `tax_rates` are those that invoices print, where they differ from the contract's.
    """

    due_days: Annotated[StrictInt, Field(ge=0, le=366)] = 30
    days: Literal["calendar", "workday"] = "calendar"
    counted_from: Literal["quarter-start", "quarter-end", "issued", "invoice"] = "quarter-end"
    interest_per_day: Factor = Fraction(0)
    interest_cap: Share | None = None
    last_quarter: Literal["cash", "no-prepayment"] = "cash"
    tax_rates: Annotated[tuple[DatedTaxRate, ...], Field(max_length=100)] = ()


def foreign_tax_rates(clause: PaymentClause, known: Collection[str]) -> Iterable[tuple[Place, PydanticCustomError]]:
    """Yield a complaint for each dated tax rate of a component that no price of the contract has."""
    for n, rate in enumerate(clause.tax_rates):
        if rate.component and rate.component not in known:
            message = f"没有这项费用 no price has such a fee component: {rate.component}"
            remedy = (
                f"可用 use one of {', '.join(sorted(known))}"
                if known
                else "写明费用构成，或不写 component add components"
            )
            yield ("payment", "tax_rates", n, "component"), complaint("component", message, remedy)


class InstalmentClause(Clause):
    """A fixed amount in equal instalments, each shared by payers; the last absorbs what equal parts leave over."""

    total_fen: Price = Field(alias="total")
    each_fen: Price | None = Field(alias="each", default=None)
    count: Annotated[StrictInt, Field(ge=1, le=100)]
    first_due: Day
    every_months: Annotated[StrictInt, Field(ge=1, le=120)] = 12
    payers: dict[Name, Fen] = Field(default_factory=dict, max_length=20)
    """Fixed shares of one instalment by payer, in yuan; the payer `rest`, if named with 0, takes what is left."""

    @model_validator(mode="after")
    def _shared(self) -> Self:
        each = self.each_fen if self.each_fen is not None else self.total_fen // self.count
        last = self.total_fen - each * (self.count - 1)
        fixed = sum(self.payers.values())
        takers = [payer for payer, share in self.payers.items() if not share]
        wrong = ""
        if last <= 0 or each <= 0:
            wrong = f"前 {self.count - 1} 期已超过总额 {grouped(self.total_fen)} the instalments exceed the total"
        elif fixed > min(each, last):
            wrong = f"各方合计 {grouped(fixed)} 超过一期 {grouped(min(each, last))} the shares exceed an instalment"
        elif len(takers) > 1:
            wrong = f"多于一方承担余额 more than one payer takes the rest: {', '.join(takers)}"
        elif self.payers and not takers and (fixed != each or fixed != last) and "rest" in self.payers:
            wrong = "rest 须写 0，由它承担余额 the payer `rest` takes what is left: write 0"
        if wrong:
            raise complaint("instalments", wrong, "核对总额、每期与各方份额 check total, instalment and shares")
        return self


class RetentionClause(Clause):
    """A share of each payable that is kept back until a day."""

    share: Share
    released_on: Day


class RelocationClause(Clause):
    """Relocations of poles: so many a year are free, each further one has a price."""

    free_per_year: Annotated[StrictInt, Field(ge=0, le=100_000)]
    price_fen: Fen = Field(alias="price")


class DatedPrice(Clause):
    """A phase's price from a day on: an extension, a bridging period, a renegotiation."""

    valid_from: Day = Field(alias="from")
    unit_price_fen: Price = Field(alias="unit_price")
    components_fen: Components = Field(alias="components", default_factory=dict, max_length=100)
    reason: Text = ""


class EscalationClause(Clause):
    """From the n-th consecutive window below a rate on, the rate rule's deduction is multiplied."""

    below: Target | None = None
    """None: the contract's target."""
    consecutive: Annotated[StrictInt, Field(ge=2, le=60)]
    factor: Factor
    grain: Literal["month", "quarter"] = "month"


class BreachClause(Clause):
    """A notice after so many consecutive windows below a rate, with what the contract then allows."""

    below: Target | None = None
    consecutive: Annotated[StrictInt, Field(ge=1, le=60)]
    grain: Literal["month", "quarter"] = "month"
    text: Text
