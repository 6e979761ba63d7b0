"""Family 14, excess surcharge: the fault rate beyond the allowed one is taken off once more, or k times.

Source: the settlement rules' fourteenth family, F · k · max(0, f − allowed); with reading A it makes reading H.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, Self

from pydantic import model_validator

from settlement.facts import Window
from settlement.families.bands import refuse_all
from settlement.families.family import Family, Judgement, Over, Rounding, RuleTerms, beyond, counted
from settlement.families.timed import BRACKETS
from settlement.families.windows import online, online_text
from settlement.figures import Factor, Share, complaint
from settlement.notation import equals, money, number, share

POINT = Fraction(1, 100)


class ExcessSurcharge(RuleTerms):
    """`allowed` is a fault rate; left out, what the target allows. `factor` is k.

    `mode` marginal: only the fault rate beyond the allowed one counts; bracket: all of it once that is exceeded, as `over`
    compares. `rounding` other than exact counts whole percentage points. Where an amount can jump, `allowed` is written out.
    """

    kind: Literal["excess-surcharge"]
    allowed: Share | None = None
    factor: Factor = Fraction(1)
    over: Over = ">"
    mode: Literal["marginal", "bracket"] = "marginal"
    rounding: Rounding = "exact"

    @model_validator(mode="after")
    def _written(self) -> Self:
        if self.allowed is None and (self.mode == "bracket" or self.rounding != "exact"):
            message = "跳变处须写明允许故障率 the allowed fault rate is missing where the amount jumps"
            refuse_all("allowed", [(("allowed",), complaint("bands", message, "写 allowed: 10% write it out"))])
        return self


def judge(rule: ExcessSurcharge, window: Window) -> Judgement:
    """Deduct F · k · the excess."""
    o = online(window)
    allowed = 1 - window.target if rule.allowed is None else rule.allowed
    fault = 1 - o
    if fault < allowed or not beyond(fault, rule.over, allowed):
        text = f"故障率 fault rate 1 − {online_text(window)} 未超过 not above {share(allowed)}"
        return Judgement(Fraction(0), text)
    excess = fault - allowed if rule.mode == "marginal" else fault
    excess = counted(excess / POINT, rule.rounding) * POINT
    amount = window.fee * rule.factor * excess
    left, right = BRACKETS[rule.rounding]
    less = f" − {share(allowed)}" if rule.mode == "marginal" else ""
    text = (
        f"{left}1 − {online_text(window)}{less}{right} = {share(excess)}；"
        f"{money(window.fee)} × {number(rule.factor)} × {share(excess)} {equals(amount)}"
    )
    return Judgement(amount, text)


def thresholds(rule: ExcessSurcharge) -> tuple[Fraction, ...]:
    """Return the rate at which a bracket begins, and those at which whole points jump, where the allowance is given."""
    if rule.allowed is None:
        return ()
    line = 1 - rule.allowed
    jumps = {line} if rule.mode == "bracket" else set()
    if rule.rounding != "exact":
        start = line if rule.mode == "marginal" else Fraction(1)
        jumps |= {start - n * POINT for n in range(101)}
    return tuple(sorted(rate for rate in jumps if 0 < rate <= line))


FAMILY = Family(
    14, "excess-surcharge", "超标加扣 excess surcharge", "rate", ExcessSurcharge, judge, thresholds=thresholds
)
