"""Family 1, pro-rata: the fee is paid by the online rate, F · o.

Source: the settlement rules' first family, reading A of the reference contract.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from settlement.facts import Window
from settlement.families.family import Family, Judgement, Over, RuleTerms, beyond
from settlement.families.windows import online, online_text
from settlement.figures import Target
from settlement.notation import equals, money, share


class ProRata(RuleTerms):
    """F · o. With `full_from` the whole fee is paid from that rate on, compared by `over`."""

    kind: Literal["pro-rata"]
    full_from: Target | None = None
    over: Over = "≥"


def judge(rule: ProRata, window: Window) -> Judgement:
    """Deduct F · (1 − o)."""
    o = online(window)
    if rule.full_from is not None and beyond(o, rule.over, rule.full_from):
        text = f"{online_text(window)} {rule.over} {share(rule.full_from)}：全额 full fee {money(window.fee)}"
        return Judgement(Fraction(0), text)
    amount = window.fee * (1 - o)
    return Judgement(amount, f"{money(window.fee)} × (1 − {online_text(window)}) {equals(amount)}")


def thresholds(rule: ProRata) -> tuple[Fraction, ...]:
    """Return the rate from which the whole fee is paid."""
    return () if rule.full_from is None else (rule.full_from,)


FAMILY = Family(1, "pro-rata", "按在线率计付 pro-rata", "rate", ProRata, judge, main=True, thresholds=thresholds)
