"""What a quarter of a phase is charged on: its facts (who was billed when, at what rate) and its exact full fee.

Facts are either a roster, point by point, or a count that is billed for the phase's whole term. The prepayment counts
the points billed on the quarter's first day; later additions and pauses enter with the full fee at the true-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor import intervals
from monitor.finding import Finding, InputError, refuse
from settlement.contract import Phase, Terms
from settlement.daycount import DayCount, DaySpan, Quarter, months_billed
from settlement.figures import fraction_of
from settlement.money import round_half_up

DaySpans = tuple[DaySpan, ...]
ALWAYS: DaySpans = ((date.min.toordinal(), date.max.toordinal()),)
"""Billed whenever the phase is in service."""

MAX_POINTS = 10_000_000


@dataclass(frozen=True, slots=True)
class OnlineRate:
    """An online rate as its two counts, never a rounded percentage. `source` is "measured" or "given"."""

    good: int
    counted: int
    source: str = "measured"

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.counted or self.counted == 0:
            raise ValueError(f"no rate: {self.good} of {self.counted}")

    @property
    def value(self) -> Fraction:
        """The exact rate, between 0 and 1."""
        return Fraction(self.good, self.counted)


def measured_rate(good: int, counted: int) -> OnlineRate | None:
    """Take a measured rate (both in the same unit, usually seconds); None, not assessable, if nothing was counted."""
    return OnlineRate(good, counted) if counted else None


def parse_rate(text: str) -> OnlineRate:
    """Read a party's figure, "0.8362" or "83.62%", exactly: 8362 of 10000. InputError on nonsense or beyond 0 to 1."""
    try:
        value = fraction_of(text)
    except ValueError as error:
        raise refuse(str(error), "写成 0.8362 或 83.62% write it like that", column="rate") from None
    if value > 1:
        raise refuse(
            f"在线率大于 1 a rate above 1: {text[:40]}", "写成 0.8362 或 83.62% write it like that", column="rate"
        )
    scale = 1
    while (value * scale).denominator != 1 and scale < 10**22:
        scale *= 10
    if (value * scale).denominator == 1:
        return OnlineRate(int(value * scale), scale, "given")
    return OnlineRate(value.numerator, value.denominator, "given")


def parse_count(text: str) -> int:
    """Read a number of points. InputError on zero (an empty roster), negatives and nonsense."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= MAX_POINTS):
        raise refuse(f"不是点数 not a number of points: {text[:40]!r}", f"1–{MAX_POINTS:,}", column="count")
    if int(digits) == 0:
        raise _empty()
    return int(digits)


def _empty() -> InputError:
    return refuse("点位名册为空 an empty roster", "至少一个计费点位 name at least one billed point", column="count")


def billed_days(start: date | None, until: date | None, pauses: Iterable[tuple[date, date | None]] = ()) -> DaySpans:
    """Return the days from 计费起 (inclusive) until 计费止 (exclusive; None: open) less the 暂停计费 spans.

    A point without a start is not billed.
    """
    if start is None:
        return ()
    last = date.max.toordinal()
    term = intervals.normalise([(start.toordinal(), last if until is None else until.toordinal())])
    breaks = intervals.normalise([(a.toordinal(), last if b is None else b.toordinal()) for a, b in pauses])
    return tuple(intervals.subtract(term, breaks))


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """What is known of a phase in a quarter: points grouped by equal billed days, and its rate (None: not assessable).

    Build it with `count_facts` or `roster_facts`. `codes` names the roster's points, sorted; it is empty for a count.
    """

    groups: tuple[tuple[DaySpans, int], ...]
    rate: OnlineRate | None
    codes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """How many points there are, billed in this quarter or not."""
        return sum(n for _, n in self.groups)


def count_facts(count: int, rate: OnlineRate | None) -> PhaseFacts:
    """Facts of a phase of which only the number of points is given: all are billed for the phase's whole term."""
    if count <= 0:
        raise _empty()
    return PhaseFacts(((ALWAYS, count),), rate)


def roster_facts(roster: Iterable[tuple[str, Iterable[DaySpan]]], rate: OnlineRate | None) -> PhaseFacts:
    """Facts of a phase from its roster: (code, billed days as from `billed_days`), in any order.

    InputError names every code that occurs twice, and refuses an empty roster.
    """
    codes: Counter[str] = Counter()
    groups: Counter[DaySpans] = Counter()
    for code, spans in roster:
        codes[code] += 1
        groups[tuple(intervals.normalise(list(spans)))] += 1
    if not codes:
        raise _empty()
    doubled = [
        Finding("", 0, code, f"点位重复 duplicate point: {code}", "每个点位只列一次 list each point once")
        for code, n in sorted(codes.items())
        if n > 1
    ]
    if doubled:
        raise InputError(doubled)
    return PhaseFacts(tuple(sorted(groups.items())), rate, tuple(sorted(codes)))


class Prepaid(NamedTuple):
    """A prepayment's basis: the points billed on the quarter's first day, and the months that each is charged."""

    points: int
    months: Fraction


@dataclass(frozen=True, slots=True)
class Charge:
    """A phase's quarter before any rate: exact point-months, full fee in fen, and both prepayments' bases.

    `following` is None where the phase's term ends with this quarter: it is then settled in cash.
    """

    price_fen: int
    point_months: Fraction
    opening: Prepaid
    following: Prepaid | None
    alike: Prepaid | None
    """Points and months where all points are billed for the same days, for a plainer arithmetic."""

    @property
    def fee_fen(self) -> Fraction:
        """The full fee: price × point-months, not rounded."""
        return self.price_fen * self.point_months

    def prepayment_fen(self, share: Fraction) -> int:
        """This quarter's prepayment, rounded."""
        return round_half_up(self.price_fen * self.opening.points * self.opening.months * share)

    def next_prepayment_fen(self, share: Fraction) -> int:
        """The next quarter's prepayment, rounded; 0 if there is none."""
        base = self.following
        return round_half_up(self.price_fen * base.points * base.months * share) if base else 0


def charge(phase: Phase, quarter: Quarter, groups: Sequence[tuple[DaySpans, int]], rule: DayCount) -> Charge:
    """Count a phase's quarter. Billed days outside the phase's term are not charged."""
    term = (phase.in_service_from.toordinal(), phase.in_service_until.toordinal())
    clipped: Counter[DaySpans] = Counter()
    for spans, n in groups:
        clipped[tuple(intervals.clip(spans, *term))] += n
    start, end = quarter.start.toordinal(), quarter.end.toordinal()
    billed = {spans: n for spans, n in clipped.items() if intervals.clip(spans, start, end)}
    alike = None
    if len(billed) == 1:
        spans, n = next(iter(billed.items()))
        alike = Prepaid(n, months_billed([(spans, 1)], quarter.months, rule))
    return Charge(
        price_fen=phase.unit_price_fen,
        point_months=months_billed(billed.items(), quarter.months, rule),
        opening=_prepaid(term, clipped, quarter, rule),
        following=_prepaid(term, clipped, quarter.following(), rule) if term[1] > end else None,
        alike=alike,
    )


def _prepaid(term: DaySpan, groups: Counter[DaySpans], quarter: Quarter, rule: DayCount) -> Prepaid:
    first = quarter.start.toordinal()
    points = sum(n for spans, n in groups.items() if intervals.clip(spans, first, first + 1))
    return Prepaid(points, months_billed([((term,), 1)], quarter.months, rule))


def outside(terms: Terms, quarter: Quarter) -> bool:
    """Tell whether no phase of the contract is in service in the quarter."""
    return all(
        phase.in_service_until <= quarter.start or quarter.end <= phase.in_service_from for phase in terms.phases
    )
