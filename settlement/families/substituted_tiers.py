"""Family 2, substituted tiers: a band of the online rate pays a share of the fee in the rate's stead.

Source: the settlement rules' second family: from 80 % the rate itself, 65 to 80 % 65 %, below nothing.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal, cast

from pydantic import Field, PlainSerializer, PlainValidator, TypeAdapter, ValidatorFunctionWrapHandler, field_validator

from settlement.facts import Window
from settlement.families.bands import RateBand, band_at, band_text, inner_bounds, table
from settlement.families.family import Family, Judgement, Over, RuleTerms
from settlement.families.windows import online, online_text
from settlement.figures import Share
from settlement.notation import equals, money, share

_SHARE: TypeAdapter[Fraction] = TypeAdapter(Share)


def _paid(value: Any) -> Any:
    return value if value == "rate" else _SHARE.validate_python(value)


Paid = Annotated[Fraction | Literal["rate"], PlainValidator(_paid), PlainSerializer(str, when_used="json")]


class Tier(RateBand):
    """A band of rates and the share of the fee that it pays: a figure, or `rate`, the rate itself."""

    pays: Paid


class SubstitutedTiers(RuleTerms):
    """`tiers` cover every rate from 0 to 100 %. `over` "≥": a bound belongs to the tier above it; ">": to that below."""

    kind: Literal["substituted-tiers"]
    tiers: Annotated[tuple[Tier, ...], Field(max_length=50)]
    over: Over = "≥"

    @field_validator("tiers", mode="wrap")
    @classmethod
    def _whole(cls, value: object, handler: ValidatorFunctionWrapHandler) -> tuple[Tier, ...]:
        return cast(tuple[Tier, ...], table(value, handler, Fraction(1)))


def judge(rule: SubstitutedTiers, window: Window) -> Judgement:
    """Deduct F · (1 − the share that the rate's tier pays)."""
    o = online(window)
    tier = band_at(rule.tiers, o, rule.over, Fraction(1))
    if tier is None:
        raise ValueError(f"no tier for {o}")
    paid = o if isinstance(tier.pays, str) else tier.pays
    amount = window.fee * (1 - paid)
    paid_text = online_text(window) if isinstance(tier.pays, str) else share(tier.pays)
    where = band_text(tier, rule.over, "o", Fraction(1))
    return Judgement(
        amount, f"o = {online_text(window)}（{where}）：{money(window.fee)} × (1 − {paid_text}) {equals(amount)}"
    )


def thresholds(rule: SubstitutedTiers) -> tuple[Fraction, ...]:
    """Return the bounds between tiers."""
    return inner_bounds(rule.tiers, Fraction(1))


FAMILY = Family(
    2,
    "substituted-tiers",
    "分档代替 substituted tiers",
    "rate",
    SubstitutedTiers,
    judge,
    main=True,
    thresholds=thresholds,
)
