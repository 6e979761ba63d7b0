"""Family 4, per percentage point: each point of the online rate below a line costs a share of the fee.

Source: the settlement rules' fourth family: each point below 95 % costs 1/45 of the yearly fee; whether points begun
count in full (ceil), not at all (floor) or in part (exact) the contract must say.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, field_validator, model_validator

from settlement.facts import Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Judgement, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.timed import BRACKETS
from settlement.families.windows import online, online_text
from settlement.figures import Factor, Target, complaint
from settlement.notation import equals, money, number, share

POINT = Fraction(1, 100)


class Step(BaseModel):
    """From more than `beyond` percentage points on, each costs `share`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beyond: Annotated[StrictInt, Field(ge=1, le=99)]
    share: Factor


class PerPercentagePoint(RuleTerms):
    """A rate below `below` costs `share_per_point` for each percentage point below `counted_from`, by default the same.

    `over` ">": the line itself is not below it; "≥": it is. `of`: the points' yearly fee, or the window's fee. `steps`
    make further points cost more; `mode` bracket: all points cost what the last one costs; marginal: each its own.
    """

    kind: Literal["per-percentage-point"]
    below: Target
    over: Over = ">"
    counted_from: Target | None = None
    share_per_point: Factor
    of: Literal["year", "window"] = "year"
    rounding: Rounding
    steps: Annotated[tuple[Step, ...], Field(max_length=20)] = ()
    mode: Literal["bracket", "marginal"] = "marginal"

    @property
    def line(self) -> Fraction:
        """The rate from which points are counted."""
        return self.below if self.counted_from is None else self.counted_from

    @field_validator("steps")
    @classmethod
    def _ascending(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        refuse_all(
            "steps",
            [
                (
                    (n, "beyond"),
                    complaint(
                        "bands",
                        f"级距未按序 steps out of order: {b.beyond} 在 after {a.beyond}",
                        "从小到大 write them ascending",
                    ),
                )
                for n, (a, b) in enumerate(pairwise(steps), 1)
                if b.beyond <= a.beyond
            ],
        )
        return steps

    @model_validator(mode="after")
    def _lines(self) -> Self:
        if self.counted_from is not None and self.counted_from < self.below:
            message = f"计数线 {share(self.counted_from)} 低于考核线 {share(self.below)} points are counted from below the line"
            refuse_all(
                "lines",
                [(("counted_from",), complaint("bands", message, "不低于 below write `below` or a higher rate"))],
            )
        return self


def judge(rule: PerPercentagePoint, window: Window) -> Judgement:
    """Deduct the base fee times the shares of the percentage points that the rate lies below the line."""
    o = online(window)
    if not beyond(rule.below - o, rule.over, Fraction(0)):
        return Judgement(Fraction(0), f"{online_text(window)} 不低于 not below {share(rule.below)}")
    exact = (rule.line - o) / POINT
    points = counted(exact, rule.rounding)
    fee = window.yearly_fee if rule.of == "year" else window.fee
    cost, cost_text = _cost(rule, points)
    amount = fee * cost
    left, right = BRACKETS[rule.rounding]
    name = "年费 yearly fee" if rule.of == "year" else "本期费用 fee of the window"
    text = (
        f"{left}({share(rule.line)} − {online_text(window)}) × 100{right} = {number(points)} 个百分点 points；"
        f"{name} {money(fee)} × {cost_text} {equals(amount)}"
    )
    return Judgement(amount, text)


def _cost(rule: PerPercentagePoint, points: Fraction) -> tuple[Fraction, str]:
    """Return the share of the fee that so many percentage points cost, with its arithmetic."""
    rows = [(0, rule.share_per_point), *((step.beyond, step.share) for step in rule.steps)]
    if rule.mode == "bracket":
        each = next(each for start, each in reversed(rows) if start == 0 or beyond(points, rule.over, start))
        rows = [(0, each)]
    ends = [Fraction(start) for start, _ in rows[1:]] + [points]
    parts = [(min(end, points) - start, each) for (start, each), end in zip(rows, ends, strict=True) if points > start]
    cost = sum((n * each for n, each in parts), Fraction(0))
    text = " + ".join(f"{number(n)} × {share(each)}" for n, each in parts) or "0"
    return cost, f"({text})" if len(parts) > 1 else text


def thresholds(rule: PerPercentagePoint) -> tuple[Fraction, ...]:
    """Return the rates at which a count, a step or the line itself makes the amount jump."""
    jumps = {rule.below} if rule.line != rule.below else set()
    if rule.rounding != "exact":
        jumps |= {rule.line - n * POINT for n in range(ceil(rule.line / POINT) + 1)}
    if rule.mode == "bracket":
        jumps |= {rule.line - step.beyond * POINT for step in rule.steps}
    return tuple(sorted(rate for rate in jumps if 0 < rate <= rule.below))


FAMILY = Family(
    4,
    "per-percentage-point",
    "按百分点扣减 per percentage point",
    "rate",
    PerPercentagePoint,
    judge,
    thresholds=thresholds,
)
