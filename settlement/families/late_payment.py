"""Family 15, late payment: the purchaser owes a daily share of what it pays late.

Source: the settlement rules' fifteenth family: 1,695,600 yuan, 75 days late at 0.05 % a day, cost 63,585.00.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from settlement.facts import Window
from settlement.families.family import Family, Item, Judgement, Name, Over, RuleTerms, beyond
from settlement.families.windows import added, begun, events_of, sum_text
from settlement.figures import Factor, Share
from settlement.notation import equals, money, number, share


class LatePayment(RuleTerms):
    """`per_day` of the late amount for each day; `free_days` cost nothing (`over` ">": so many exactly neither).

    `mode` marginal: only the days beyond them count; bracket: all. `most` is the interest's cap as a share of the amount.
    Late payments are events of kind `event` with the counts `amount_fen` and `days`.
    """

    kind: Literal["late-payment"]
    per_day: Factor
    free_days: Annotated[StrictInt, Field(ge=0, le=366)] = 0
    over: Over = ">"
    mode: Literal["marginal", "bracket"] = "marginal"
    most: Share | None = None
    event: Name = "late-payment"


def late_payment(amount_fen: int, days: int, per_day: Fraction, cap: Fraction | None = None) -> Fraction:
    """Return the interest in exact fen: amount × days × daily share, at most `cap` (a share) of the amount.

    Days that are not late (zero or negative) cost nothing. ValueError on a negative amount.
    """
    if amount_fen < 0:
        raise ValueError("a negative amount is never late")
    due = amount_fen * max(0, days) * per_day
    return Fraction(due if cap is None else min(due, amount_fen * cap))


def due(rule: LatePayment, amount_fen: int, days: int) -> Fraction:
    """Return what the rule charges on an amount that was so many days late, in exact fen."""
    return late_payment(amount_fen, _days(rule, days), rule.per_day, rule.most)


def _days(rule: LatePayment, days: int) -> int:
    if not beyond(days, rule.over, rule.free_days):
        return 0
    return days - rule.free_days if rule.mode == "marginal" else days


def judge(rule: LatePayment, window: Window) -> Judgement:
    """Add up the interest on the window's late payments: the purchaser owes it, it is never off the supplier's fee."""
    items = []
    for event in begun(window, events_of(window, [rule.event])):
        details = dict(event.details)
        amount_fen, days = max(0, details.get("amount_fen", 0)), details.get("days", 0)
        interest = due(rule, amount_fen, days)
        if interest:
            cap = "" if rule.most is None else f"，以 {share(rule.most)} 为限 at most"
            why = f"{money(amount_fen)} × {number(_days(rule, days))} 天 d × {share(rule.per_day)}{cap} {equals(interest)}"
            items.append(Item("", event.incident, interest, why, at=event.at, cause=rule.event))
    return Judgement(added(items), f"{len(items)} 笔逾期支付 late payments：{sum_text(items)}", tuple(items))


FAMILY = Family(15, "late-payment", "逾期付款利息 late payment", "payment", LatePayment, judge)
