"""What a phase's quarter pays as a function of its online rate: cliffs, gains by failing, prepayments out of reach.

The curve is asked of the settlement itself, one rate at a time, with the rules that need no points; so it can say
nothing that a statement would not say. Amounts are for a whole quarter of so many points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.families.family import RuleTerms
from settlement.families.registry import FAMILIES
from settlement.lint.remark import Remark
from settlement.money import grouped
from settlement.past import given_facts
from settlement.readings import STEP, percent
from settlement.rules import OnlineRate
from settlement.statement import Kind, settle

ASIDE = Fraction(1, 10**13)
"""So near a threshold that no slope moves a fen: what differs across it is a jump."""
JUMP_FEN = 2
"""Rounding alone may differ by a fen on either side."""
GRID = [Fraction(n, 200) for n in range(201)]


@dataclass(frozen=True, slots=True)
class Curve:
    """A phase's whole quarter of `points` points under a contract, as far as rates decide it."""

    terms: Terms
    phase: Phase
    quarter: Quarter
    points: int

    def at(self, o: Fraction) -> int:
        """What is payable at this online rate, in fen."""
        return self._lines(o)[Kind.PAYABLE]

    @property
    def prepaid_fen(self) -> int:
        """The quarter's prepayment."""
        return self._lines(Fraction(1))[Kind.PREPAYMENT]

    @property
    def full_fen(self) -> int:
        """The full fee."""
        lines = self._lines(Fraction(1))
        return lines[Kind.PAYABLE] + lines[Kind.DEDUCTION]

    def _lines(self, o: Fraction) -> dict[Kind, int]:
        rate = OnlineRate(o.numerator, o.denominator, "given")
        statement, _ = settle(self.terms, self.quarter, {self.phase.id: given_facts(self.quarter, self.points, [rate])})
        sums = dict.fromkeys(Kind, 0)
        for line in statement.lines:
            sums[line.kind] += line.amount.line.gross_fen
        return sums

    def without(self, rule: RuleTerms) -> Curve:
        """The same curve if the contract did not have this rule."""
        kept = tuple(other for other in self.terms.rules if other is not rule)
        return Curve(self.terms.model_copy(update={"rules": kept}), self.phase, self.quarter, self.points)

    def alone(self, rule: RuleTerms) -> Curve:
        """The curve of one rate rule by itself: what it takes in a window whose rate is not the others'."""
        update = {"rules": (rule,), "reading": Reading.NONE}
        return Curve(self.terms.model_copy(update=update), self.phase, self.quarter, self.points)

    @property
    def edges(self) -> list[Fraction]:
        """The rates at which something may change, from the lowest up."""
        found = {self.terms.target, self.terms.prepay_share}
        for rule in self.terms.rules:
            found |= set(FAMILIES[rule.kind].thresholds(rule))
        return sorted(edge for edge in found if 0 < edge <= 1)


def curve_of(terms: Terms, phase: Phase, quarter: Quarter, points: int) -> Curve:
    """Cut a contract down to what rates alone decide for one phase, and draw it."""
    rules = tuple(rule for rule in rules_for(terms, phase) if FAMILIES[rule.kind].stage == "rate")
    update = {"rules": rules, "escalations": (), "breaches": (), "relocation": None, "retention": None}
    return Curve(terms.model_copy(update=update), phase, quarter, points)


def rules_for(terms: Terms, phase: Phase) -> list[RuleTerms]:
    """The rules that apply to a phase, in the contract's order."""
    return [rule for rule in terms.rules if not rule.phases or phase.id in rule.phases]


def judged(curve: Curve, place: tuple[str | int, ...]) -> Iterator[Remark]:
    """Yield what is to be said of a phase's curve; `place` is where the phase stands in the contract."""
    yield from _cliffs(curve, place)
    yield from _falling(curve, place)
    yield from _against_the_prepayment(curve)


def _sized(curve: Curve) -> str:
    return f"{curve.points:,} 点一季度 points, one quarter"


def _jump(curve: Curve, edge: Fraction) -> tuple[int, Fraction]:
    """How much more the rate `edge` pays than one just below it, or just above it pays than it; and from which rate."""
    here = curve.at(edge)
    below = here - curve.at(max(Fraction(0), edge - ASIDE))
    above = curve.at(edge + ASIDE) - here if edge < 1 else 0
    return (below, edge) if abs(below) >= abs(above) else (above, edge + STEP)


def _cliffs(curve: Curve, place: tuple[str | int, ...]) -> Iterator[Remark]:
    cliffs = []
    for edge in curve.edges:
        jump, top = _jump(curve, edge)
        if jump > JUMP_FEN and top <= 1:
            low = max(Fraction(0), top - STEP)
            cliffs.append((curve.at(top) - curve.at(low), top, low))
    if not cliffs:
        return
    amount, top, low = max(cliffs)
    rest = f"；共 {len(cliffs)} 处 {len(cliffs)} in all: " if len(cliffs) > 1 else ""
    rest += ", ".join(f"{percent(edge)} {grouped(step)}" for step, edge, _ in cliffs[:12]) if rest else ""
    yield Remark(
        "warning",
        "cliff",
        (*place, "id"),
        f"临界跳变：在线率 {percent(top)} 付 {grouped(curve.at(top))}，{percent(low)} 付 {grouped(curve.at(low))}，"
        f"0.01 个百分点差 {grouped(amount)} 元 cliff: 0.01 percentage point is worth {grouped(amount)} yuan "
        f"({_sized(curve)}){rest}",
        "以连续公式或分段边际计算取代整段跳变 use a continuous formula or marginal bands",
        amount,
    )


class Fall(NamedTuple):
    """Where being online more pays less: between which rates, and by how many fen."""

    fen: int
    low: Fraction
    high: Fraction

    @property
    def start(self) -> str:
        """The lower rate as people read it."""
        return f"不到 just below {percent(self.high)}" if self.high - self.low == ASIDE else percent(self.low)


def worst_fall(curve: Curve) -> Fall | None:
    """Return the deepest fall of a curve; None where it falls nowhere."""
    beside = {edge + side for edge in curve.edges for side in (-ASIDE, Fraction(0), ASIDE)}
    rates = sorted({*GRID, *(rate for rate in beside if 0 <= rate <= 1)})
    paid = [curve.at(rate) for rate in rates]
    falls = [
        Fall(before - after, low, high)
        for low, high, before, after in zip(rates, rates[1:], paid, paid[1:], strict=False)
    ]
    worst = max(falls, default=None)
    return worst if worst is not None and worst.fen > 0 else None


def _falling(curve: Curve, place: tuple[str | int, ...]) -> Iterator[Remark]:
    """Find rates at which being online more pays less."""
    fall = worst_fall(curve)
    if fall is not None:
        yield Remark(
            "error",
            "gains-by-failing",
            (*place, "id"),
            f"在线率从 {fall.start} 升到 {percent(fall.high)}，应付反而减少 {grouped(fall.fen)} 元 being online more pays "
            f"{grouped(fall.fen)} yuan less ({_sized(curve)})",
            "检查各档比例的次序 check the order of the bands",
            fall.fen,
        )


def falling_alone(curve: Curve, rule: RuleTerms, place: tuple[str | int, ...]) -> Iterator[Remark]:
    """Find a rate rule that by itself takes more from a better rate.

    Where all windows have one rate, the reading or another rule may hide it; a month that differs from its quarter shows it.
    """
    fall = worst_fall(curve.alone(rule))
    if fall is not None:
        yield Remark(
            "error",
            "gains-by-failing",
            place,
            f"单看 {rule.id}：在线率从 {fall.start} 升到 {percent(fall.high)}，多扣 {grouped(fall.fen)} 元 by itself rule {rule.id} "
            f"takes {grouped(fall.fen)} yuan more from the better rate ({_sized(curve)})",
            "检查各档比例的次序 check the order of the bands",
            fall.fen,
        )


def _against_the_prepayment(curve: Curve) -> Iterator[Remark]:
    prepaid, target = curve.prepaid_fen, curve.terms.target
    if not prepaid:
        return
    if curve.at(Fraction(1)) <= prepaid:
        yield Remark(
            "warning",
            "no-shortfall-payment",
            ("prepay_share",),
            f"不可能少补：在线率 100 % 时应付 {grouped(curve.at(Fraction(1)))}，不超过预付 {grouped(prepaid)} 元 a shortfall "
            f"payment is impossible: 100 % online pays no more than was prepaid ({_sized(curve)})",
            "降低预付比例，或核对口径 lower the prepaid share, or check the reading",
            prepaid - curve.at(Fraction(1)),
        )
    gain = curve.at(max(Fraction(0), target - STEP)) - prepaid
    if gain > 0:
        low, high = 0, int(target / STEP)  # what is payable grows with the rate, or the remark above has said so
        while low < high:
            middle = (low + high) // 2
            if curve.at(middle * STEP) > prepaid:
                high = middle
            else:
                low = middle + 1
        yield Remark(
            "warning",
            "supplier-gains",
            ("reading",),
            f"未达标仍获补付：在线率从 {percent(low * STEP)} 起、不到 {percent(target)} 时应付高于预付，最多补付 {grouped(gain)} 元 "
            f"a supplier who misses the target is still paid on top of the prepayment from {percent(low * STEP)} on, up "
            f"to {grouped(gain)} yuan ({curve.phase.id}, {_sized(curve)})",
            "未达标时不再补付，或降低预付比例 pay nothing on top below the target, or prepay less",
            gain,
        )


def idle(curve: Curve, rule: RuleTerms) -> bool:
    """Tell whether a rate rule changes what is payable at no rate at all."""
    other = curve.without(rule)
    beside = {edge + side for edge in curve.edges for side in (-ASIDE, Fraction(0), ASIDE)}
    return all(curve.at(rate) == other.at(rate) for rate in {*GRID, *beside} if 0 <= rate <= 1)
