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
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.timeline import Policy
from settlement.clauses import (
    ApprovalClause,
    AuthorityClause,
    BreachClause,
    DatedPrice,
    EscalationClause,
    InstalmentClause,
    PaymentClause,
    RelocationClause,
    RetentionClause,
)
from settlement.daycount import FIRST_YEAR, LAST_YEAR, DayCount, add_months
from settlement.families.family import RuleTerms
from settlement.figures import Day, Factor, Fen, Price, Share, Target, TaxRate, complaint
from settlement.money import grouped

Place = tuple[str | int, ...]


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
    components_fen: dict[Name, Fen] = Field(alias="components", default_factory=dict, max_length=100)
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
    grain: Literal["month", "quarter"] = "quarter"
    """Whether the reading, or the main rule, judges each month by itself or the quarter as a whole."""
    reading: Reading = Reading.A
    excess_surcharge: Factor = Fraction(1)
    """Reading H's k: how many times the fault rate beyond the allowed one is taken off again."""
    day_count: DayCount = DayCount.ACTUAL
    policy: Policy = Policy()
    rules: Annotated[tuple[RuleTerms, ...], Field(max_length=100)] = ()
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
