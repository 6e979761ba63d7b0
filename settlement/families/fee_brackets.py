"""Family 8, fee brackets: a bracket of the online rate costs a share of the whole fee.

Source: the settlement rules' eighth family: 99 to 99.9 % costs 20 %, 95 to 99 % 30 %, below 95 % half, which is the cap.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self, cast

from pydantic import Field, ValidatorFunctionWrapHandler, field_validator, model_validator

from settlement.facts import Window
from settlement.families.bands import RateBand, band_at, band_text, inner_bounds, refuse_all, table
from settlement.families.family import Family, Judgement, Over, RuleTerms
from settlement.families.windows import online, online_text
from settlement.figures import Share, complaint
from settlement.notation import equals, money, share


class Bracket(RateBand):
    """A band of rates and the share of the fee that it costs."""

    deducts: Share


class FeeBrackets(RuleTerms):
    """`brackets` run from 0 up without gaps; above the highest nothing is deducted.

    `over` "≥": a bound belongs to the bracket above it; ">": to that below. `mode` bracket: the rate's bracket sets the
    share of the whole fee; marginal: each part of the shortfall is charged at the share of its own bracket.
    """

    kind: Literal["fee-brackets"]
    brackets: Annotated[tuple[Bracket, ...], Field(max_length=50)]
    over: Over = "≥"
    mode: Literal["bracket", "marginal"] = "bracket"

    @field_validator("brackets", mode="wrap")
    @classmethod
    def _whole(cls, value: object, handler: ValidatorFunctionWrapHandler) -> tuple[Bracket, ...]:
        return cast(tuple[Bracket, ...], table(value, handler, Fraction(1), open_top=True))

    @model_validator(mode="after")
    def _capped(self) -> Self:
        cap = self.cap_share
        if cap is not None and self.mode == "bracket":
            refuse_all(
                "brackets",
                [
                    (
                        ("brackets", n, "deducts"),
                        complaint(
                            "cap",
                            f"该档 {share(row.deducts)} 高于上限 {share(cap)} a bracket above the cap",
                            "改档或改 cap_share lower it or raise cap_share",
                        ),
                    )
                    for n, row in enumerate(self.brackets)
                    if row.deducts > cap
                ],
            )
        return self


def judge(rule: FeeBrackets, window: Window) -> Judgement:
    """Deduct the bracket's share of the fee, or the sum over the brackets that the shortfall reaches into."""
    o = online(window)
    if rule.mode == "marginal":
        return _marginal(rule, window, o)
    row = band_at(rule.brackets, o, rule.over, Fraction(1))
    if row is None:
        return Judgement(Fraction(0), f"o = {online_text(window)}：高于各档 above all brackets")
    amount = window.fee * row.deducts
    where = band_text(row, rule.over, "o", Fraction(1))
    return Judgement(
        amount, f"o = {online_text(window)}（{where}）：{money(window.fee)} × {share(row.deducts)} {equals(amount)}"
    )


def _marginal(rule: FeeBrackets, window: Window, o: Fraction) -> Judgement:
    rows = sorted((row for row in rule.brackets if row.high > o), key=lambda row: row.low, reverse=True)
    parts = [(row.high - max(row.low, o), row.deducts) for row in rows]
    amount = window.fee * sum((width * each for width, each in parts), Fraction(0))
    text = " + ".join(f"{share(width)} × {share(each)}" for width, each in parts) or "0"
    return Judgement(amount, f"o = {online_text(window)}：{money(window.fee)} × ({text}) {equals(amount)}")


def thresholds(rule: FeeBrackets) -> tuple[Fraction, ...]:
    """Return the bounds of brackets; none where parts are charged marginally, which never jumps."""
    return () if rule.mode == "marginal" else inner_bounds(rule.brackets, Fraction(1))


FAMILY = Family(8, "fee-brackets", "分档扣减 fee brackets", "rate", FeeBrackets, judge, thresholds=thresholds)
