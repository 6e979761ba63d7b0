"""What is known of a phase in a quarter: who was billed when, at what rate, and what happened to its points.

Facts are either a roster, point by point, or a count that is billed for the phase's whole term. Rules that look at points
need months in detail; a count and a rate are enough for contracts without such rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor import intervals
from monitor.finding import Finding, InputError, refuse
from monitor.rates import Seconds
from settlement.contract import Terms
from settlement.daycount import DaySpan, Quarter
from settlement.facts import EventFact, OutageFact
from settlement.figures import fraction_of

DaySpans = tuple[DaySpan, ...]
ALWAYS: DaySpans = ((date.min.toordinal(), date.max.toordinal()),)
"""Billed whenever the phase is in service."""

MAX_POINTS = 10_000_000


@dataclass(frozen=True, slots=True)
class OnlineRate:
    """An online rate as its two counts, never a rounded percentage.

    `source` is "measured", "given" or "authority"; only a measured one can be taken apart by points. `reference` is the
    paper that it stands on.
    """

    good: int
    counted: int
    source: str = "measured"
    reference: str = ""

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


class PointFact(NamedTuple):
    """A point of the roster: its billed days, its service class, and its prices of the ledger by their first day (fen).

    The prices count where the contract says `prices_from: ledger`; before the first of them, and without any, the
    contract's price holds.
    """

    code: str
    billed: DaySpans
    category: str = ""
    prices: tuple[tuple[int, int], ...] = ()


class PointMonth(NamedTuple):
    """A point to which something happened in a month: its own two counts of the month's rate, and its outages."""

    point: str
    good: int
    counted: int
    outages: tuple[OutageFact, ...] = ()


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """A phase's month, like "2020-07": its rate, its seconds, its events, and the points that rules may look at.

    `points` need only hold those with outages in the quarter, but those in each of its months: a rule by quarter takes
    the seconds of all three out of the pool. None says that single points are not known at all. Counts of points are of
    the same unit as the month's measured rate.
    """

    month: str
    rate: OnlineRate | None
    seconds: Seconds | None = None
    points: tuple[PointMonth, ...] | None = None
    events: tuple[EventFact, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseFacts:
    """What is known of a phase in a quarter: points grouped by equal billed days, and its rate (None: not assessable).

    Build it with `count_facts` or `roster_facts`. `codes` and `roster` name the points, sorted; they are empty for a
    count. `months` are the quarter's own, `earlier` the months before it, for repeats and consecutive windows, oldest
    first. `rate` is what pays; `own_rate` and `authority_rate` are told beside it.
    """

    groups: tuple[tuple[DaySpans, int], ...]
    rate: OnlineRate | None
    codes: tuple[str, ...] = ()
    roster: tuple[PointFact, ...] = ()
    months: tuple[MonthFacts, ...] = ()
    earlier: tuple[MonthFacts, ...] = ()
    own_rate: OnlineRate | None = None
    authority_rate: OnlineRate | None = None
    seconds: Seconds | None = None

    @property
    def points(self) -> int:
        """How many points there are, billed in this quarter or not."""
        return sum(n for _, n in self.groups)


def count_facts(count: int, rate: OnlineRate | None, months: Iterable[MonthFacts] = ()) -> PhaseFacts:
    """Facts of a phase of which only the number of points is given: all are billed for the phase's whole term."""
    if count <= 0:
        raise _empty()
    return PhaseFacts(((ALWAYS, count),), rate, months=tuple(months))


def roster_facts(
    roster: Iterable[tuple[str, Iterable[DaySpan]] | PointFact],
    rate: OnlineRate | None,
    months: Iterable[MonthFacts] = (),
) -> PhaseFacts:
    """Facts of a phase from its roster: points, or (code, billed days as from `billed_days`), in any order.

    InputError names every code that occurs twice, and refuses an empty roster.
    """
    points: list[PointFact] = []
    groups: Counter[DaySpans] = Counter()
    for row in roster:
        point = row if isinstance(row, PointFact) else PointFact(row[0], tuple(row[1]))
        billed = tuple(intervals.normalise(list(point.billed)))
        groups[billed] += 1
        points.append(point._replace(billed=billed))
    if not points:
        raise _empty()
    doubled = [
        Finding("", 0, code, f"点位重复 duplicate point: {code}", "每个点位只列一次 list each point once")
        for code, n in sorted(Counter(point.code for point in points).items())
        if n > 1
    ]
    if doubled:
        raise InputError(doubled)
    points.sort()
    codes = tuple(point.code for point in points)
    return PhaseFacts(tuple(sorted(groups.items())), rate, codes, tuple(points), tuple(months))


def outside(terms: Terms, quarter: Quarter) -> bool:
    """Tell whether no phase of the contract is in service in the quarter."""
    return all(
        phase.in_service_until <= quarter.start or quarter.end <= phase.in_service_from for phase in terms.phases
    )
