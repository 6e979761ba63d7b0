"""Every rule's verdicts on a phase's quarter, in the contract's order of evaluation, up to de-duplication.

Per-point rules → pool → rate rule → events → repeats → de-duplicate by incident. Caps come after, in evaluate.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from settlement.bearing import judged_without, net, taken_from
from settlement.charges import ZERO
from settlement.contract import Phase, Reading, Terms
from settlement.facts import Window
from settlement.families.family import AnyFamily, Family, Item, Judgement, RuleTerms, Stage
from settlement.families.registry import FAMILIES
from settlement.grounds import NOBODY, Grounds, Left, Months
from settlement.netting import net_of_the_rate
from settlement.notation import money, number
from settlement.punishing import Claim, Verdict, once, repeated, verdict
from settlement.readings import factor_text, marks_of, paid
from settlement.rules import OnlineRate

READING_RULE = "reading"
"""The id under which the reading's deduction stands among the rules' results."""


class ReadingTerms(RuleTerms):
    """The contract's reading, as if it were a rule."""

    kind: str = READING_RULE
    id: str = READING_RULE


def _nothing(_: ReadingTerms, __: Window) -> Judgement:
    return Judgement(ZERO, "")


READING_FAMILY = Family(0, READING_RULE, "口径 reading", "rate", ReadingTerms, _nothing, main=True)


@dataclass(frozen=True, slots=True)
class Judged:
    """All verdicts in order of evaluation, and who left the pool when. `escalated` are windows whose rate rule was.

    `borne` is what rates from outside were netted with, because single points bear it.
    """

    verdicts: tuple[Verdict, ...]
    left: Left
    escalated: frozenset[str]
    borne: Fraction = ZERO


class NotCounted(Exception):  # no error of the program: a window of which no rate is known
    """A rate rule, or the reading, has a fee to judge and no rate."""

    def __init__(self, window: str) -> None:
        super().__init__(window)
        self.window = window


def rules_of(terms: Terms, phase: Phase, *stages: Stage) -> list[tuple[RuleTerms, AnyFamily]]:
    """A phase's rules of some stages, in the contract's order; the main rule comes before others of its stage."""
    found = [(rule, FAMILIES[rule.kind]) for rule in terms.rules if not rule.phases or phase.id in rule.phases]
    found = [(rule, family) for rule, family in found if family.stage in stages]
    return sorted(found, key=lambda pair: not pair[1].main)


def judge(grounds: Grounds, reading: Reading) -> Judged:
    """Judge a phase's quarter. Raises NotCounted where there is a fee to judge by a rate and nothing was counted."""
    terms, phase = grounds.terms, grounds.phase
    points: list[list[Verdict]] = []
    left: set[tuple[str, int]] = set()
    for rule, family in rules_of(terms, phase, "point"):
        verdicts = _of_all(grounds, rule, family)
        points.append(verdicts)
        if rule.pool == "leaves":
            punished = ((item.point, n) for v in verdicts for item in v.items if item.amount for n in v.months)
            left |= {(code, n) for code, n in punished if grounds.point_fee(code, (n,))}
    gone = frozenset(left)
    rates, escalated = _rates(grounds, reading, gone)
    rates, borne = net(grounds, rates, taken_from(grounds, [v for verdicts in points for v in verdicts], gone))
    events = [_of_all(grounds, rule, family, gone) for rule, family in rules_of(terms, phase, "event")]
    of_points = [v for verdicts in points for v in _repeat(grounds, verdicts)]
    of_events = [v for verdicts in events for v in _repeat(grounds, verdicts)]
    # Money comes before points off the score: what money punished is not scored as well.
    before = [*of_points, *rates, *of_events]
    claims: dict[Claim, str] = {}
    once([v for v in before if v.judgement.unit == "fen"], claims, grounds.seconds_of)
    scored = once([v for v in before if v.judgement.unit == "points"], claims, grounds.seconds_of)
    scores = _scores(grounds, rates, scored, gone)
    fen = once([v for v in before if v.judgement.unit == "fen"] + scores, weigh=grounds.seconds_of)
    fen = net_of_the_rate(grounds, reading, fen, gone)
    done = {(v.rule.id, v.label): v for v in (*scored, *fen)}
    return Judged(tuple(done[v.rule.id, v.label] for v in (*before, *scores)), gone, escalated, borne)


def _of_all(grounds: Grounds, rule: RuleTerms, family: AnyFamily, left: Left = NOBODY) -> list[Verdict]:
    """Judge every window of a rule that looks at points or events: the whole phase, with the pool's rate."""
    looks = family.stage == "point" or family.outages
    return [
        _verdict(grounds, rule, family, months, grounds.window(rule, months, grounds.rate(months, left), cells=looks))
        for months in grounds.windows(rule.grain)
    ]


def _verdict(grounds: Grounds, rule: RuleTerms, family: AnyFamily, months: Months, window: Window) -> Verdict:
    return verdict(rule, family, grounds.label(months), months, family.judge(rule, window))


def _rates(grounds: Grounds, reading: Reading, left: Left) -> tuple[list[Verdict], frozenset[str]]:
    """The reading or the main rule, escalated where the contract says so, then the other rules that judge a rate."""
    terms = grounds.terms
    done: list[Verdict] = []
    escalated: set[str] = set()
    if reading is not Reading.NONE:
        for months in grounds.windows(terms.grain):
            rate = _rate(grounds, months, left, ReadingTerms())
            if rate is not None:
                done.append(_by_reading(grounds, reading, months, rate, judged_without(grounds, months, left)))
    for rule, family in rules_of(terms, grounds.phase, "rate"):
        for months in grounds.windows(rule.grain):
            rate = _rate(grounds, months, left, rule)
            if rate is None:
                continue
            gone = judged_without(grounds, months, left)
            window = grounds.window(rule, months, rate, gone, deducted=_deducted(grounds, done, months, gone))
            done.append(_verdict(grounds, rule, family, months, window))
    for n, one in enumerate(done):
        if one.family.main and (factor := escalation(grounds, one.months)) != 1:
            done[n] = _escalated(one, factor)
            escalated.add(one.label)
    return done, frozenset(escalated)


def _rate(grounds: Grounds, months: Months, left: Left, rule: RuleTerms) -> OnlineRate | None:
    """The pool's rate in a window; None where the pool has no fee, so that there is nothing to judge."""
    if not grounds.pool_fee(months, left, rule.components):
        return None
    rate = grounds.rate(months, left)
    if rate is None:
        raise NotCounted(grounds.label(months))
    return rate


def _by_reading(grounds: Grounds, reading: Reading, months: Months, rate: OnlineRate, left: Left) -> Verdict:
    marks, fee = marks_of(grounds.terms), grounds.pool_fee(months, left)
    title = f"口径 reading {reading.value}"
    amount = fee - paid(reading, fee, rate.value, marks)
    text = f"{money(fee)} × (1 − {factor_text(reading, rate, marks)}) = {money(amount)}"
    judgement = Judgement(amount, text)
    rule = ReadingTerms(title=title, grain=grounds.terms.grain)
    return verdict(rule, READING_FAMILY, grounds.label(months), months, judgement)


def escalation(grounds: Grounds, months: Months) -> Fraction:
    """By how much the rate rule's deduction is multiplied in a window: the largest factor of those that apply."""
    factors = [
        clause.factor
        for clause in grounds.terms.escalations
        if any(
            run >= clause.consecutive
            for label, run in runs_below(grounds, clause.grain, clause.below)
            if _touches(grounds, label, months)
        )
    ]
    return max(factors, default=Fraction(1))


def runs_below(grounds: Grounds, grain: str, below: Fraction | None) -> list[tuple[str, int]]:
    """How many windows in a row, up to and with each of a grain, had a rate below a line (None: the target).

    A window of which no rate is known ends a run: nobody can say that it was below.
    """
    line = grounds.terms.target if below is None else below
    found: list[tuple[str, int]] = []
    run = 0
    for label, rate in grounds.series(grain):
        run = run + 1 if rate is not None and rate.value < line else 0
        found.append((label, run))
    return found


def _touches(grounds: Grounds, label: str, months: Months) -> bool:
    """Whether a window of that label shares a month with the given ones."""
    return label == grounds.quarter.label or label in {grounds.labels[n] for n in months}


def _escalated(one: Verdict, factor: Fraction) -> Verdict:
    text = f"({one.judgement.formula}) × {number(factor)}（连续未达标加重 escalated）"
    judgement = one.judgement._replace(amount=one.judgement.amount * factor, formula=text)
    items = tuple(item._replace(amount=item.amount * factor) for item in one.items)
    return replace(one, judgement=judgement, items=items)


def _deducted(grounds: Grounds, done: Iterable[Verdict], months: Months, left: Left) -> Fraction:
    """What earlier rate rules took off the pool in a window; of a wider one, the part of its fee."""
    total = ZERO
    for one in done:
        inside = tuple(n for n in one.months if n in months)
        if inside == one.months:
            total += one.amount
        elif inside:
            total += one.amount * grounds.pool_fee(inside, left) / grounds.pool_fee(one.months, left)
    return total


def _repeat(grounds: Grounds, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Apply repeats; what the rule would have found in earlier months counts as earlier occurrences."""
    if not verdicts or verdicts[0].rule.repeat is None:
        return list(verdicts)
    return repeated(verdicts, earlier_items(grounds, verdicts[0].rule, verdicts[0].family))


def earlier_items(grounds: Grounds, rule: RuleTerms, family: AnyFamily) -> list[Item]:
    """What a rule finds in the months before the quarter, as far as their facts are given."""
    items: list[Item] = []
    for window in grounds.earlier_windows(rule):
        items += family.judge(rule, window).items
    return items


def _scores(grounds: Grounds, rates: Sequence[Verdict], scored: Sequence[Verdict], left: Left) -> list[Verdict]:
    """Rules that turn points off the score into money. Points of a wider window count in its last billed month."""
    done: list[Verdict] = []
    for rule, family in rules_of(grounds.terms, grounds.phase, "score"):
        for months in grounds.windows(rule.grain):
            off = sum((v.amount for v in scored if grounds.last_billed(v.months) in months), ZERO)
            deducted = _deducted(grounds, rates, months, left)
            window = grounds.window(rule, months, grounds.rate(months, left), score_off=off, deducted=deducted)
            done.append(_verdict(grounds, rule, family, months, window))
    return done
