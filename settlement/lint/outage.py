"""What one point's outage costs as it grows: rules that never fire, that cost less for failing longer, and cliffs.

Each point rule is asked about one point with one outage of every whole hour of its window, and a second beside where it
changes. Nothing else fails meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from settlement.contract import Phase, Terms
from settlement.daycount import add_months
from settlement.facts import DAY_S, HOUR_S, Cell, EventFact, OutageFact, Share, Window
from settlement.families.family import Judgement, RuleTerms
from settlement.families.registry import FAMILIES
from settlement.lint.curve import Curve
from settlement.lint.remark import Remark
from settlement.money import grouped, round_half_up
from settlement.readings import percent

WORST = (("sample", 1), ("defects", 1), ("amount_fen", 100), ("days", 366))
"""The counts of an event that is as bad as it can be, for the families that read them."""
STEEP = Fraction(1, 20)
"""A second that costs this share of the point's fee in the window is a cliff worth telling."""
OTHERS = [Fraction(n, 20) for n in range(21)]
"""Rates of all other points at which a point's leaving is tried, beside the thresholds."""


class Step(NamedTuple):
    """From one number of offline seconds to a larger one, with what the rule takes at both."""

    low_s: int
    high_s: int
    before: Fraction
    after: Fraction


@dataclass(frozen=True, slots=True)
class Failing:
    """One point rule over one point of a phase, in a whole window of its grain. `taken(s)` is asked once per length."""

    rule: RuleTerms
    fee: Fraction
    length_s: int
    judged: Callable[[int], Judgement]

    def taken(self, offline_s: int) -> Fraction:
        """What the rule takes after so many offline seconds: fen, or points off the score."""
        return self.judged(offline_s).amount

    @property
    def unit(self) -> str:
        """The unit of `taken`."""
        return self.judged(self.length_s).unit


def failing(terms: Terms, phase: Phase, rule: RuleTerms, category: str = "") -> Failing:
    """Set a point of this class to fail under a rule; every kind of event that the rule knows happens once as well."""
    months = 1 if rule.grain == "month" else 3
    first = add_months(phase.in_service_from.replace(day=1), 1)
    start = first.toordinal() * DAY_S  # any instant does: nothing here depends on the year
    length_s = (add_months(first, months) - first).days * DAY_S
    fee = Fraction(phase.unit_price_fen * months)
    if rule.components and phase.components_fen:
        fee = Fraction(months * sum(phase.components_fen.get(name, 0) for name in rule.components))

    kinds = kinds_of(rule)

    def judged(offline_s: int) -> Judgement:
        outages: tuple[OutageFact, ...] = ()
        if offline_s:
            outages = (OutageFact("x", start, start + offline_s, offline_s, cause="x", reported_at=start),)
        window = Window(
            label="",
            start=start,
            end=start + length_s,
            fee=fee,
            points=1,
            price_fen=phase.unit_price_fen,
            yearly_fee=fee / months * 12,
            rate=Share(length_s - offline_s, length_s),
            target=terms.target,
            cells=(Cell("x", category, fee, outages),),
            events=tuple(
                EventFact(kind, kind, "x", start, start + length_s, details=WORST)
                for kind in (kinds if offline_s else ())
            ),
        )
        judgement: Judgement = FAMILIES[rule.kind].judge(rule, window)
        return judgement

    return Failing(rule, fee, length_s, judged)


def longest(terms: Terms, phase: Phase, rule: RuleTerms) -> Failing:
    """Set a point to fail of the class that the rule punishes most."""
    classes = {"", *getattr(rule, "classes", ()), *getattr(rule, "weights", ())}
    every = [failing(terms, phase, rule, category) for category in sorted(classes)]
    return max(every, key=lambda one: one.taken(one.length_s))


def kinds_of(rule: RuleTerms) -> tuple[str, ...]:
    """The kinds of events that a rule counts, in order."""
    named: Iterable[str] = getattr(rule, "events", ())
    scored = getattr(rule, "points", None)
    one = getattr(rule, "event", None)
    return tuple(dict.fromkeys([*named, *(scored if isinstance(scored, dict) else ()), *([one] if one else ())]))


def in_points(terms: Terms, rule: RuleTerms) -> bool:
    """Tell whether a rule takes points off the score instead of money."""
    return FAMILIES[rule.kind].stage == "event" and failing(terms, terms.phases[0], rule).unit == "points"


def judged(one: Failing, place: tuple[str | int, ...]) -> Iterator[Remark]:
    """Yield what is to be said of a point rule; `place` is where it stands in the contract."""
    hours = range(0, one.length_s + 1, HOUR_S)
    taken = [one.taken(s) for s in hours]
    if not any(taken):
        yield Remark(
            "warning",
            "never-fires",
            place,
            f"此条永不生效：整个周期掉线、各种事件都发生也不扣 rule {one.rule.id} can never fire: a point that is offline all the "
            f"{one.length_s // HOUR_S} hours of the window, with every event that counts, loses nothing",
            "检查界限、比例与单位 check its limit, share and units",
        )
        return
    steps = [
        Step(low, high, before, after)
        for low, high, before, after in zip(hours, hours[1:], taken, taken[1:], strict=False)
    ]
    yield from _falling(one, steps, place)
    yield from _cliff(one, steps, place)


def _amount(one: Failing, value: Fraction) -> str:
    return f"{grouped(round_half_up(value))} 元 yuan" if one.unit == "fen" else f"{float(value):g} 分 points"


def _falling(one: Failing, steps: Sequence[Step], place: tuple[str | int, ...]) -> Iterator[Remark]:
    worst = max(steps, key=lambda step: step.before - step.after)
    if worst.before > worst.after:
        yield Remark(
            "error",
            "gains-by-failing",
            place,
            f"掉线 {worst.low_s // HOUR_S} 小时扣 {_amount(one, worst.before)}，{worst.high_s // HOUR_S} 小时反而只扣 "
            f"{_amount(one, worst.after)} rule {one.rule.id} takes less from a point that fails longer",
            "检查各档的次序与封顶 check the order of its steps and its cap",
            round_half_up(worst.before - worst.after) if one.unit == "fen" else None,
        )


def _cliff(one: Failing, steps: Sequence[Step], place: tuple[str | int, ...]) -> Iterator[Remark]:
    sharp = sharpest(one, max(steps, key=lambda step: step.after - step.before))
    rise = sharp.after - sharp.before
    if one.unit == "fen" and one.fee and rise > one.fee * STEEP:
        yield Remark(
            "info",
            "cliff",
            place,
            f"临界跳变：一个点位掉线到 {_hours(sharp.high_s)} 时，多一秒多扣 {_amount(one, rise)}（{percent(rise / one.fee)} 的"
            f"周期费用） cliff: at {_hours(sharp.high_s)} one more second costs one point {_amount(one, rise)}",
            "确认界限含不含本数 agree whether the limit itself still counts as within",
            round_half_up(rise),
        )


def _hours(seconds: int) -> str:
    hours, rest = divmod(seconds, HOUR_S)
    return f"{hours} h" if not rest else f"{hours} h {rest // 60} min {rest % 60} s"


def sharpest(one: Failing, step: Step) -> Step:
    """Halve a step towards the second at which most of its rise happens."""
    low, high, before, after = step
    while high - low > 1:
        middle = (low + high) // 2
        here = one.taken(middle)
        if here - before > after - here:
            high, after = middle, here
        else:
            low, before = middle, here
    return Step(low, high, before, after)


def gains_by_leaving(one: Failing, curve: Curve, place: tuple[str | int, ...]) -> Iterator[Remark]:
    """Find whether a point that fails a second longer, and so leaves the pool, makes the supplier receive more.

    All others are at one rate. On a threshold, the failing point is all that keeps the pool below it, and its leaving
    lifts the whole pool; anywhere else the rule may take less than the reading did before.
    """
    if one.rule.pool != "leaves" or one.unit != "fen" or curve.points < 2:
        return
    first, fee = _first_punished(one), Fraction(curve.full_fen)
    if first is None or not fee:
        return
    part = Fraction(curve.phase.unit_price_fen * (1 if one.rule.grain == "month" else 3))  # of one point, in its window
    share = part * curve.points / fee
    own = Fraction(one.length_s - first, one.length_s)
    kept = part - min(_capped(one, first, fee), part)
    worst, at = Fraction(0), Fraction(0)
    for edge in sorted({*curve.edges, *OTHERS}):
        together = ((curve.points - 1) * edge + own * share + edge * (1 - share)) / curve.points
        gain = curve.at(edge) * (1 - part / fee) + kept - curve.at(together)
        if gain > worst:
            worst, at = gain, edge
    if round_half_up(worst) > 0:
        grave = worst > part
        yield Remark(
            "warning" if grave else "info",
            "gains-by-leaving",
            (*place, "pool"),
            f"点位掉线满 {_hours(first)} 被单独扣罚并剔出，其余点位在线率 {percent(at)} 时，供应商反多得 {grouped(round_half_up(worst))} 元 a point "
            f"that fails for {_hours(first)} leaves the pool; with the others at {percent(at)} the supplier receives "
            f"{grouped(round_half_up(worst))} yuan more for failing longer",
            "写明 pool: stays，或改用无跳变的口径 let punished points stay in the pool, or drop the cliff"
            if grave
            else "核对起扣处的金额 check what the rule takes where it begins",
            round_half_up(worst),
        )


def _capped(one: Failing, offline_s: int, fee: Fraction) -> Fraction:
    """What a rule takes from one point within its own caps, `fee` being all points': capped at nothing it leaves for nothing."""
    limits = [one.taken(offline_s)]
    if one.rule.cap_share is not None:
        limits.append(fee * one.rule.cap_share)
    if one.rule.cap_fen is not None:
        limits.append(Fraction(one.rule.cap_fen))
    return min(limits)


def _first_punished(one: Failing) -> int | None:
    """The fewest offline seconds that the rule punishes."""
    low, high = 0, one.length_s
    if not one.judged(high).items:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if one.judged(middle).items:
            high = middle
        else:
            low = middle
    return high
