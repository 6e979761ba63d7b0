"""Whether what is claimed can be true: each check does the arithmetic and returns a flaw, or nothing. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import prod
from typing import Literal, NamedTuple, TypeVar

from settlement.money import round_half_up
from settlement.scorecard.claims import (
    Ceiling,
    Claim,
    Claims,
    Count,
    MonthOfQuarter,
    Order,
    Product,
    Quantity,
    Ratio,
    Sum,
    Survey,
)
from settlement.scorecard.printed import Printed, percent, plain

Place = tuple[str | int, ...]
Level = Literal["error", "warning", "note"]
Side = Literal["rubric", "inputs"]


class Flaw(NamedTuple):
    """Something that does not fit. `place` is where it stands in the file of `side`."""

    kind: str
    level: Level
    side: Side
    place: Place
    message: str
    remedy: str


Said = tuple[str, Level, str, str]
"""A flaw's kind, level, message and remedy."""


def _count(claim: Count) -> Said | None:
    listed = claim.listed if isinstance(claim.listed, int) else len(claim.listed)
    if listed == claim.claimed:
        return None
    message = f"称有 {claim.claimed} 个，列出 {listed} 个 {claim.claimed} claimed, {listed} listed"
    return "count-differs", "error", message, "补列或改数 list what is missing, or correct the number"


def possible(answers: int, share: Printed) -> tuple[int, ...]:
    """Return every k for which k of `answers` is printed as `share`; none means that the percentage is impossible.

    Only the whole numbers within one printed step of the share can be meant.
    """
    low = max(0, round_half_up((share.value - share.step) * answers) - 1)
    high = min(answers, round_half_up((share.value + share.step) * answers) + 1)
    return tuple(k for k in range(low, high + 1) if share.could_be(Fraction(k, answers)))


def _survey(claim: Survey) -> Said | None:
    level: Level = "warning" if claim.answers_assumed else "error"
    remedy = "核对份数与百分比 check the number of answers and the percentage"
    if claim.answers_assumed:
        remedy = "报告未印出此题答卷数，请核对 the number of answers to this question is not printed: check it"
    if claim.yes is not None:
        if claim.percent.could_be(Fraction(claim.yes, claim.answers)):
            return None
        true = claim.percent.write(Fraction(claim.yes, claim.answers))
        message = f"{claim.yes}/{claim.answers} = {true}，不是 is not {claim.percent.text}"
        return "impossible-share", level, message, remedy
    if possible(claim.answers, claim.percent):
        return None
    below = int(claim.percent.value * claim.answers)
    near = [
        f"{k}/{claim.answers} = {percent(Fraction(k, claim.answers), 2)}"
        for k in (below, below + 1)
        if k <= claim.answers
    ]
    message = (
        f"{claim.answers} 份问卷不可能得出 {claim.percent.text} impossible for {claim.answers} answers"
        f"（相邻 nearest: {'，'.join(near)}）"
    )
    return "impossible-share", level, message, remedy


def _ratio(claim: Ratio) -> Said | None:
    exact = claim.num.value / claim.den.value
    if claim.percent.could_be(exact):
        return None
    message = (
        f"{claim.num.text} ÷ {claim.den.text} = {claim.percent.write(exact)}，印作 printed as {claim.percent.text}"
    )
    return "share-differs", "error", message, "核对分子、分母与百分比 check both numbers and the percentage"


def _alike(a: Printed, b: Printed) -> bool:
    """Tell whether two printed numbers can be the same one, the coarser rounded from the finer."""
    fine, coarse = sorted((a, b), key=lambda number: number.step)
    return coarse.could_be(fine.value)


def _quantity(claim: Quantity) -> Said | None:
    numbers = [item.value for item in claim.values]
    if all(_alike(a, b) for n, a in enumerate(numbers) for b in numbers[n + 1 :]):
        return None
    told = "，".join(f"{item.value.text}{f'（{item.where}）' if item.where else ''}" for item in claim.values)
    return "two-values", "error", f"同一数量数值不一 one quantity with several values: {told}", "以一处为准 keep one"


def _sum(claim: Sum) -> Said | None:
    parts = sum((part.value for part in claim.parts), Fraction(0))
    if parts == claim.total.value:
        return None
    slack = sum((part.step / 2 for part in claim.parts), claim.total.step / 2)
    message = (
        f"{' + '.join(part.text for part in claim.parts)} = {claim.total.write(parts)}，合计印作 the total is printed as "
        f"{claim.total.text}，差 difference {plain(claim.total.value - parts)}"
    )
    exact = all(part.step == 1 for part in (*claim.parts, claim.total))
    if not exact and abs(parts - claim.total.value) <= slack:
        message += "（或因各项舍入 rounding of the parts could explain it）"
    return "sum-differs", "error", message, "核对各项与合计 check the parts and the total"


def _product(claim: Product) -> Said | None:
    exact = Fraction(prod(factor.value for factor in claim.factors))
    if exact == claim.total.value:
        return None
    message = (
        f"{' × '.join(factor.text for factor in claim.factors)} = {plain(exact)}，与 {claim.total.text} 相差 "
        f"{plain(claim.total.value - exact)} the product differs from the printed total by that"
    )
    return "product-differs", "error", message, "写明差额由哪一期承担 say which instalment takes the difference"


def _ceiling(claim: Ceiling) -> Said | None:
    if claim.amount.value <= claim.limit.value:
        return None
    message = (
        f"{claim.amount.text} 超过 exceeds {claim.limit_is} {claim.limit.text}，超出 by "
        f"{plain(claim.amount.value - claim.limit.value)}"
    )
    return (
        "exceeds",
        "error",
        message,
        "分清预算项目与合同 a budget project may hold several contracts: tell them apart",
    )


def _order(claim: Order) -> Said | None:
    if claim.then.at.first >= claim.first.at.first:
        return None
    message = f"{claim.then.what}（{claim.then.at.text}）早于 precedes {claim.first.what}（{claim.first.at.text}）"
    return "dates-contradict", "error", message, "核对日期 check the dates"


def _month(claim: MonthOfQuarter) -> Said | None:
    month = claim.month.first.month
    true = (month - 1) % 3 + 1
    if true == claim.claimed:
        return None
    message = (
        f"{claim.month.text} 是季度的第 {true} 个月，不是第 {claim.claimed} 个 "
        f"is month {true} of its quarter, not month {claim.claimed}"
    )
    return "dates-contradict", "error", message, "核对月份 check the month"


One = TypeVar("One", bound=Claim)


def flaws_of(claims: Claims, side: Side) -> Iterator[Flaw]:
    """Check every claim of a file, in the order of their kinds."""

    def each(name: str, group: tuple[One, ...], check: Callable[[One], Said | None]) -> Iterator[Flaw]:
        for n, claim in enumerate(group):
            said = check(claim)
            if said is not None:
                kind, level, message, remedy = said
                where = f"（{claim.where}）" if claim.where else ""
                yield Flaw(kind, level, side, ("claims", name, n), f"{claim.what}{where}: {message}", remedy)

    yield from each("counts", claims.counts, _count)
    yield from each("surveys", claims.surveys, _survey)
    yield from each("shares", claims.shares, _ratio)
    yield from each("quantities", claims.quantities, _quantity)
    yield from each("sums", claims.sums, _sum)
    yield from each("products", claims.products, _product)
    yield from each("ceilings", claims.ceilings, _ceiling)
    yield from each("order", claims.order, _order)
    yield from each("months", claims.months, _month)
