"""Family 9, assessment score: events take points off a score of 100, and the score's band pays a share of the fee.

Source: the settlement rules' ninth family: 7 events of one point and 1 of five make 88; bands at 90 and 80.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Annotated, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidatorFunctionWrapHandler, field_validator

from settlement.facts import EventFact, Window
from settlement.families.bands import band_at, band_text, table
from settlement.families.family import Family, Item, Judgement, Name, Over, RuleTerms
from settlement.families.windows import begun, events_of
from settlement.figures import Factor, Share
from settlement.notation import equals, money, number, share

FULL = Fraction(100)


class ScoreBand(BaseModel):
    """A band of scores from 0 to 100, and the share of the fee that it pays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: Factor = Field(alias="from", default=Fraction(0))
    high: Factor = Field(alias="to", default=FULL)
    pays: Share


class AssessmentScore(RuleTerms):
    """`points`: what an event of each kind takes off. Points that other rules took off come on top.

    `over` "≥": a bound belongs to the band above it, as in "90(含)–100"; ">": to that below. The score never falls below 0.
    """

    kind: Literal["assessment-score"]
    points: Annotated[dict[Name, Factor], Field(max_length=100)] = Field(default_factory=dict)
    bands: Annotated[tuple[ScoreBand, ...], Field(max_length=50)]
    over: Over = "≥"

    @field_validator("bands", mode="wrap")
    @classmethod
    def _whole(cls, value: object, handler: ValidatorFunctionWrapHandler) -> tuple[ScoreBand, ...]:
        return cast(tuple[ScoreBand, ...], table(value, handler, FULL, write=number))


def judge(rule: AssessmentScore, window: Window) -> Judgement:
    """Deduct F · (1 − the share that the score's band pays), spread over what took points off."""
    events = begun(window, events_of(window, rule.points))
    off = sum((rule.points[event.kind] for event in events), Fraction(0)) + window.score_off
    score = max(Fraction(0), FULL - off)
    band = band_at(rule.bands, score, rule.over, FULL)
    if band is None:
        raise ValueError(f"no band for a score of {score}")
    amount = window.fee * (1 - band.pays)
    per_point = amount / off if off else Fraction(0)
    items = [
        Item(
            event.point,
            event.incident,
            per_point * rule.points[event.kind],
            f"{event.kind} −{number(rule.points[event.kind])} 分 points",
            at=event.at,
            cause=event.kind,
        )
        for event in events
    ]
    if off and window.score_off:
        why = f"其他规则 other rules −{number(window.score_off)} 分 points"
        items.append(Item("", "", per_point * window.score_off, why, at=window.start))
    if amount and not items:  # a band below a full score of 100 still withholds
        items.append(Item("", "", amount, "满分仍不全付 even a full score is not paid in full", at=window.start))
    where = band_text(band, rule.over, "得分 score", FULL, number)
    return Judgement(
        amount,
        f"{_score_text(rule, window, events, score)}（{where}）：付 pays {share(band.pays)}；"
        f"{money(window.fee)} × (1 − {share(band.pays)}) {equals(amount)}",
        tuple(items),
    )


def _score_text(rule: AssessmentScore, window: Window, events: list[EventFact], score: Fraction) -> str:
    counts = Counter(event.kind for event in events)
    terms = [f"{n} × {number(rule.points[kind])}（{kind}）" for kind, n in sorted(counts.items())]
    if window.score_off:
        terms.append(f"{number(window.score_off)}（其他规则 other rules）")
    return f"{' − '.join(['100', *terms])} = {number(score)} 分"


FAMILY = Family(9, "assessment-score", "考评得分计付 assessment score", "score", AssessmentScore, judge)
