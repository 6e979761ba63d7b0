"""The contract's terms as data: phases, fees, components, shares, calendar, exclusion policy.

What is wrong with a contract is reported completely, each complaint at its own key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.timeline import Policy
from settlement.clauses import (
    ApprovalClause,
    AuthorityClause,
    BreachClause,
    Components,
    DatedPrice,
    EscalationClause,
    InstalmentClause,
    PaymentClause,
    Place,
    RelocationClause,
    RetentionClause,
    foreign_tax_rates,
)
from settlement.daycount import FIRST_YEAR, LAST_YEAR, DayCount, add_months
from settlement.families.family import RuleTerms
from settlement.figures import Day, Factor, Price, Share, Target, TaxRate, complaint
from settlement.money import grouped
from settlement.ruleset import again, beyond_memory, misfits, read_rules

MAX_RULES = 100


class Reading(StrEnum):
    """How the contract's "accounted by the actual online rate" is read; the formulas are in readings.py."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    G = "G"
    H = "H"
    NONE = "none"
    """No reading: the full fee, less what the contract's rules take. Required beside a `main` rule."""


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
    components_fen: Components = Field(alias="components", default_factory=dict, max_length=100)
    in_service_from: Day
    months: Annotated[StrictInt, Field(ge=1, le=600)]
    contracted: Contracted | None = None
    prices: Annotated[tuple[DatedPrice, ...], Field(max_length=100)] = ()
    """Later prices, by their first day; `unit_price` holds until the first of them."""
    assumed: tuple[Text, ...] = ()

    @property
    def in_service_until(self) -> date:
        """The first day after the phase's term."""
        return add_months(self.in_service_from, self.months)

    @property
    def weights(self) -> tuple[tuple[str, int], ...]:
        """The fee components as (id, fen), in the contract's order."""
        return tuple(self.components_fen.items())

    @property
    def component_names(self) -> frozenset[str]:
        """The names that its price has in every version; none where the price is not broken down."""
        names = frozenset(self.components_fen)
        return names.intersection(*(price.components_fen for price in self.prices))

    def _price_errors(self) -> Iterable[tuple[Place, PydanticCustomError]]:
        yield from _added_up((), self.components_fen, self.unit_price_fen)
        before = self.in_service_from
        for n, price in enumerate(self.prices):
            yield from _added_up(("prices", n), price.components_fen, price.unit_price_fen)
            if bool(price.components_fen) != bool(self.components_fen):
                message = "费用构成须在每个单价下都写，或都不写 a price broken down beside one that is not"
                place: Place = ("prices", n, "components" if price.components_fen else "unit_price")
                yield place, complaint("components", message, "补上或删去 add the components or leave them out")
            if not before < price.valid_from < self.in_service_until:
                message = f"变价日期不按顺序或在期次之外 a price out of order or outside the phase: {price.valid_from}"
                remedy = f"须在 after {before}、之前 before {self.in_service_until}"
                yield ("prices", n, "from"), complaint("prices", message, remedy)
            before = max(before, price.valid_from)

    @model_validator(mode="after")
    def _sums(self) -> Self:
        errors = list(self._price_errors())
        if self.contracted is not None and not self.prices:
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
    grain: Literal["month", "quarter"] = "quarter"
    """Whether the reading, or the main rule, judges each month by itself or the quarter as a whole."""
    reading: Reading = Reading.A
    excess_surcharge: Factor = Fraction(1)
    """Reading H's k: how many times the fault rate beyond the allowed one is taken off again."""
    day_count: DayCount = DayCount.ACTUAL
    policy: Policy = Policy()
    rules: tuple[RuleTerms, ...] = ()
    escalations: Annotated[tuple[EscalationClause, ...], Field(max_length=20)] = ()
    breaches: Annotated[tuple[BreachClause, ...], Field(max_length=20)] = ()
    prices_from: Literal["contract", "ledger"] = "contract"
    """Whose unit price counts where the ledger's 单价 differs from the contract's."""
    total_fen: Price | None = Field(alias="total", default=None)
    """合同总金额: what is paid in all may never exceed it."""
    authority: AuthorityClause = AuthorityClause()
    approval: ApprovalClause = ApprovalClause()
    payment: PaymentClause = PaymentClause()
    instalments: InstalmentClause | None = None
    retention: RetentionClause | None = None
    relocation: RelocationClause | None = None
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

    @field_validator("rules", mode="plain")
    @classmethod
    def _by_kind(cls, value: object, info: ValidationInfo) -> tuple[RuleTerms, ...]:
        rules = read_rules(value, info.data.get("grain", "quarter"))
        if len(rules) > MAX_RULES:
            raise complaint("too_long", "项数过多 too many items", f"至多 at most {MAX_RULES}")
        return rules

    @field_serializer("rules", when_used="json")
    def _written(self, rules: tuple[RuleTerms, ...]) -> list[dict[str, Any]]:
        return [rule.model_dump(mode="json", by_alias=True) for rule in rules]

    @model_validator(mode="after")
    def _fit(self) -> Self:
        errors = misfits(self.rules, self.phases, self.reading, self.grain)
        errors += beyond_memory(self.rules, self.escalations, self.breaches)
        errors += [error for n, phase in enumerate(self.phases) for error in self._dated(n, phase)]
        priced = [(phase.components_fen, *(price.components_fen for price in phase.prices)) for phase in self.phases]
        errors += foreign_tax_rates(self.payment, {name for prices in priced for price in prices for name in price})
        errors += [
            (
                ("escalations", n, "factor"),
                complaint("factor", f"加重系数小于 1 a factor below 1: {clause.factor}", "≥ 1"),
            )
            for n, clause in enumerate(self.escalations)
            if clause.factor < 1
        ]
        if errors:
            raise _errors("Terms", errors)
        return self

    def _dated(self, n: int, phase: Phase) -> Iterable[tuple[Place, PydanticCustomError]]:
        if self.day_count is DayCount.ACTUAL:
            return
        for k, price in enumerate(phase.prices):
            if price.valid_from.day != 1:
                message = (
                    f"{price.valid_from} 月中变价，而 day_count 为 {self.day_count} a price changes inside a month"
                )
                remedy = (
                    "改为每月 1 日，或 day_count: actual let it change on a month's first day, or count actual days"
                )
                yield ("phases", n, "prices", k, "from"), complaint("prices", message, remedy)

    @field_validator("phases", mode="wrap")
    @classmethod
    def _apart(cls, value: object, handler: ValidatorFunctionWrapHandler) -> tuple[Phase, ...]:
        """Check the phases against each other even where one of them is wrong in itself."""
        wrong: list[InitErrorDetails] = []
        phases: tuple[Phase, ...] = ()
        try:
            phases = handler(value)
        except ValidationError as error:
            wrong = [again(detail) for detail in error.errors(include_url=False)]
        if not wrong and not phases:
            raise complaint("phases", "没有期次 no phases", "至少一个期次 the contract needs at least one")
        rows = phases or (value if isinstance(value, list | tuple) else ())
        wrong += [InitErrorDetails(type=error, loc=place, input=None) for place, error in _doubled(rows)]
        if wrong:
            raise ValidationError.from_exception_data("Terms", wrong)
        return phases


def _added_up(place: Place, components: dict[str, int], price_fen: int) -> Iterable[tuple[Place, PydanticCustomError]]:
    parts = sum(components.values())
    if components and parts != price_fen:
        message = (
            f"费用构成合计 {grouped(parts)} 不等于单价 {grouped(price_fen)} fee components do not add up to the price"
        )
        yield (*place, "components"), complaint("components", message, "核对各项 check each component")


def _doubled(rows: Iterable[object]) -> Iterable[tuple[Place, PydanticCustomError]]:
    seen: dict[str, list[tuple[date, date] | None]] = {}
    for n, row in enumerate(rows):
        if isinstance(row, Phase):
            name = row.id
            term: tuple[date, date] | None = (row.in_service_from, row.in_service_until)
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
