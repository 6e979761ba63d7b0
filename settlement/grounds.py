"""What rules see of a phase's quarter: windows cut from its facts and its fee, for any rule's months and components."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from monitor.period import midnight, parse_period, quarter_of
from settlement.authority import Monthly, Presence, quarter_of_months
from settlement.charges import MONTHS, ZERO, Charge, Lot, Part, price_on
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.facts import Cell, EventFact, OutageFact, Share, Window
from settlement.families.family import RuleTerms
from settlement.past_rates import past_rate, presence_in
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts, PointMonth

Months = tuple[int, ...]
"""Months of the quarter, 0 to 2."""
Left = frozenset[tuple[str, int]]
"""Points that left the pool, each with the month."""
NOBODY: Left = frozenset()


class Grounds:
    """A phase's quarter as rules may ask about it. Looks things up once; holds nothing that changes."""

    def __init__(self, terms: Terms, phase: Phase, quarter: Quarter, facts: PhaseFacts, basis: Charge) -> None:
        self.terms, self.phase, self.quarter, self.facts, self.basis = terms, phase, quarter, facts, basis
        days = [date.fromordinal(first) for first, _ in quarter.months]
        self.labels = tuple(f"{day:%Y-%m}" for day in days)
        self.starts = tuple(midnight(day, terms.zone) for day in (*days, quarter.end))
        known = {month.month: month for month in facts.months}
        self.months = tuple(known.get(label) for label in self.labels)
        self.lots: dict[str, Lot] = {code: lot for lot in basis.lots for code in lot.codes}
        self._places = {code: n for n, lot in enumerate(basis.lots) for code in lot.codes}
        self._fees: dict[tuple[int, Months, tuple[str, ...]], Fraction] = {}
        self._pools: dict[tuple[Months, Left, tuple[str, ...]], Fraction] = {}
        self._cut: dict[tuple[Months, tuple[str, ...]], tuple[Cell, ...]] = {}
        self._categories = {point.code: point.category for point in facts.roster}
        self._points: tuple[dict[str, PointMonth], ...] = tuple(
            {point.point: point for point in (month.points or ())} if month else {} for month in self.months
        )
        self._before = _outages_before(facts.earlier)

    @property
    def detailed(self) -> bool:
        """Whether single points are known in every month that has a fee."""
        return bool(self.facts.roster) and all(
            month is not None and month.points is not None
            for n, month in enumerate(self.months)
            if self.basis.fee((n,))
        )

    def windows(self, grain: str) -> list[Months]:
        """The quarter's windows of a grain that have a fee."""
        cut = [MONTHS] if grain == "quarter" else [(n,) for n in MONTHS]
        return [months for months in cut if self.basis.fee(months)]

    def last_billed(self, months: Months) -> int:
        """The last month of a window that has a fee; the window must have one."""
        return max(n for n in months if self.basis.fee((n,)))

    def label(self, months: Months) -> str:
        """The window's name: 2020Q3 or 2020-07."""
        return self.quarter.label if months == MONTHS else self.labels[months[0]]

    def point_fee(self, code: str, months: Months, components: Sequence[str] = ()) -> Fraction:
        """One point's full fee in some months; 0 for a point that is not billed."""
        place = self._places.get(code)
        return ZERO if place is None else self._lot_fee(place, months, tuple(components))

    def offline_units(self, code: str, month: int) -> Fraction:
        """What a point was offline in a month, in units of a month: its billed units times its share of offline time."""
        point = self._points[month].get(code)
        if point is None or not point.counted or code not in self.lots:
            return ZERO
        units = sum((part.units for part in self.lots[code].months[month]), ZERO)
        return units * Fraction(point.counted - point.good, point.counted)

    def place(self, code: str) -> int:
        """The place of a billed point's lot."""
        return self._places[code]

    def _lot_fee(self, place: int, months: Months, components: tuple[str, ...]) -> Fraction:
        key = (place, months, components)
        if key not in self._fees:
            lot = self.basis.lots[place]
            self._fees[key] = sum((lot.fee(n, components) for n in months), ZERO)
        return self._fees[key]

    def pool_fee(self, months: Months, left: Left, components: Sequence[str] = ()) -> Fraction:
        """The fee of all points but those that left."""
        key = (months, left, tuple(components))
        if key not in self._pools:
            counts = Counter((self._places[code], n) for code, n in left if n in months and code in self._places)
            gone = (k * self._lot_fee(place, (n,), tuple(components)) for (place, n), k in counts.items())
            self._pools[key] = self.basis.fee(months, components) - sum(gone, ZERO)
        return self._pools[key]

    def rate(self, months: Months, left: Left = NOBODY) -> OnlineRate | None:
        """The rate of a window: all points' for a given figure, without those that left for a measured one."""
        whole = self.quarter_rate() if months == MONTHS else self._month_rate(months[0])
        gone = [self._points[n][code] for code, n in left if n in months and code in self._points[n]]
        if whole is None or whole.source != "measured" or not gone:
            return whole
        good = whole.good - sum(point.good for point in gone)
        counted = whole.counted - sum(point.counted for point in gone)
        return OnlineRate(good, counted) if counted else None

    def quarter_rate(self) -> OnlineRate | None:
        """The quarter's rate; where only its months' were given, they are put together by the contract's rule."""
        if self.facts.rate is not None or not self.facts.months:
            return self.facts.rate
        there = [(label, month.rate if month else None, n) for n, (label, month) in enumerate(self._named())]
        there = [row for row in there if self.basis.fee((row[2],))]
        rates = [rate for _, rate, _ in there if rate is not None]
        if not rates or any(rate.source == "measured" for rate in rates):
            return None
        presence = {label: self._presence(n) for label, _, n in there}
        months = [Monthly(label, rate.value, None) for label, rate, _ in there if rate is not None]
        made = quarter_of_months(self.quarter, months, self.terms.authority.months, presence)
        if made is None:
            return None
        return OnlineRate(made.value.numerator, made.value.denominator, rates[0].source, made.how)

    def _named(self) -> Iterable[tuple[str, MonthFacts | None]]:
        return zip(self.labels, self.months, strict=True)

    def _month_rate(self, n: int) -> OnlineRate | None:
        month = self.months[n]
        return month.rate if month else None

    def _presence(self, n: int) -> Presence:
        return presence_in(self.basis, n, (self.starts[n + 1] - self.starts[n]) // 86_400)

    def window(
        self,
        rule: RuleTerms,
        months: Months,
        rate: OnlineRate | None,
        left: Left = NOBODY,
        *,
        cells: bool = False,
        **sums: Fraction,
    ) -> Window:
        """Cut a window for a rule: fee and points of the pool, events of everybody, and `cells` for rules on points."""
        start, end = self.starts[months[0]], self.starts[months[-1] + 1]
        gone = self._gone(months, left)
        there = [lot for lot in self.basis.lots if any(lot.months[n] for n in months)]
        last_day = self.quarter.months[months[-1]][1] - 1
        return Window(
            label=self.label(months),
            start=start,
            end=end,
            fee=self.pool_fee(months, left, rule.components),
            points=sum(lot.points for lot in there) - len(gone),
            price_fen=price_on(self.phase, last_day)[0],
            yearly_fee=self._yearly(there, months, gone, rule.components),
            rate=None if rate is None else Share(rate.good, rate.counted),
            target=self.terms.target,
            cells=self._cells(months, rule.components) if cells else (),
            events=self._events(months),
            history=tuple((label, Share(r.good, r.counted)) for label, r in self.history(rule.grain) if r is not None),
            **sums,
        )

    def _gone(self, months: Months, left: Left) -> set[str]:
        """Points that left the pool in every month of the window in which they are billed."""
        counts = Counter(code for code, n in left if n in months and code in self.lots)
        return {code for code, n in counts.items() if n >= sum(bool(self.lots[code].months[m]) for m in months)}

    def _yearly(self, lots: Sequence[Lot], months: Months, gone: set[str], components: Sequence[str]) -> Fraction:
        """Twelve months of each point's last price in the window; a later one never reaches back."""
        fee = ZERO
        for lot in lots:
            part = [part for n in months for part in lot.months[n]][-1]
            points = lot.points - sum(code in gone for code in lot.codes) if gone else lot.points
            fee += 12 * points * part._replace(units=Fraction(1)).scoped(components)
        return fee

    def _events(self, months: Months) -> tuple[EventFact, ...]:
        """Events of the months; one that lasts stands in each month that it touches, and comes once."""
        found = {event.id: event for n in months if (month := self.months[n]) for event in month.events}
        return tuple(found.values())

    def _cells(self, months: Months, components: tuple[str, ...]) -> tuple[Cell, ...]:
        key = (months, components)
        if key not in self._cut:
            self._cut[key] = self._cells_of(months, components)
        return self._cut[key]

    def _cells_of(self, months: Months, components: tuple[str, ...]) -> tuple[Cell, ...]:
        start = self.starts[months[0]]
        outages: dict[str, list[OutageFact]] = defaultdict(list)
        for n in months:
            for code, point in self._points[n].items():
                outages[code] += point.outages
        cells = []
        for code in sorted(outages):
            if not outages[code] or code not in self.lots:
                continue
            fee, found = self.point_fee(code, months, components), tuple(outages[code])
            earlier = self._earlier(code, months, start, {outage.incident for outage in found})
            cells.append(Cell(code, self._categories.get(code, ""), fee, found, earlier=earlier))
        return tuple(cells)

    def _earlier(self, code: str, months: Months, start: int, here: set[str]) -> tuple[OutageFact, ...]:
        """A point's outages that ended before a window."""
        known = dict(self._before.get(code, {}))
        for n in range(months[0]):
            if code in self._points[n]:
                _remember(known, self._points[n][code].outages)
        return tuple(_over(outage) for outage in known.values() if outage.end <= start and outage.incident not in here)

    def earlier_windows(self, rule: RuleTerms) -> list[Window]:
        """Windows of a rule's grain before the quarter, from what is known of earlier months; fees at today's price."""
        groups: dict[str, list[MonthFacts]] = defaultdict(list)
        for month in self.facts.earlier:
            groups[month.month if rule.grain == "month" else quarter_of(parse_period(month.month).first).label].append(
                month
            )
        return [self._earlier_window(rule, label, months) for label, months in groups.items()]

    def _earlier_window(self, rule: RuleTerms, label: str, months: Sequence[MonthFacts]) -> Window:
        start, end = parse_period(label).span(self.terms.zone)
        outages: dict[str, list[OutageFact]] = defaultdict(list)
        for month in months:
            for point in month.points or ():
                outages[point.point] += point.outages
        price, components = price_on(self.phase, self.quarter.start.toordinal() - 1)
        fee = Part(Fraction(len(months)), price, components).scoped(rule.components)
        points = sum(lot.points for lot in self.basis.lots)
        rates = [month.rate for month in months if month.rate is not None]
        counted = sum(rate.counted for rate in rates)
        return Window(
            label=label,
            start=start,
            end=end,
            fee=points * fee,
            points=points,
            price_fen=price,
            yearly_fee=12 * points * fee / len(months),
            rate=Share(sum(rate.good for rate in rates), counted) if counted else None,
            target=self.terms.target,
            cells=tuple(
                Cell(code, self._categories.get(code, ""), fee, tuple(found)) for code, found in sorted(outages.items())
            ),
            events=tuple({event.id: event for month in months for event in month.events}.values()),
        )

    def pool_seconds(self, months: Months, left: Left) -> Fraction:
        """The billed seconds of all points but those that left, for rates that are not counted in seconds."""
        total = ZERO
        for lot in self.basis.lots:
            for n in months:
                gone = sum((code, n) in left for code in lot.codes) if left else 0
                units = sum((part.units for part in lot.months[n]), ZERO)
                total += (lot.points - gone) * units * (self.starts[n + 1] - self.starts[n])
        return total

    def seconds_of(self, code: str, incident: str, month: int) -> int:
        """The counted seconds of a point's outage in a month."""
        point = self._points[month].get(code)
        return sum(outage.offline_s for outage in point.outages if outage.incident == incident) if point else 0

    def outages(self, code: str, months: Months) -> tuple[int, int]:
        """How many outages a point had in some months, and their counted seconds."""
        found = [outage for n in months if code in self._points[n] for outage in self._points[n][code].outages]
        found = [outage for outage in found if outage.offline_s]
        return len({outage.incident for outage in found}), sum(outage.offline_s for outage in found)

    def touched(self, months: Months) -> set[str]:
        """Points with outages in some months."""
        return {
            code
            for n in months
            for code, point in self._points[n].items()
            if any(outage.offline_s for outage in point.outages)
        }

    def history(self, grain: str) -> list[tuple[str, OnlineRate | None]]:
        """Earlier windows of a grain with the whole phase's rate, oldest first; a quarter needs its three months."""
        if grain == "month":
            return [(month.month, month.rate) for month in self.facts.earlier]
        quarters: dict[str, list[MonthFacts]] = defaultdict(list)
        for month in self.facts.earlier:
            quarters[quarter_of(parse_period(month.month).first).label].append(month)
        return [
            (label, past_rate(self.terms, self.phase, self.facts, parse_quarter(label), months))
            for label, months in quarters.items()
        ]

    def series(self, grain: str) -> list[tuple[str, OnlineRate | None]]:
        """Earlier windows and the quarter's own, in unbroken order; what is missing between is None."""
        own = [(self.quarter.label, self.quarter_rate())]
        if grain == "month":
            own = [(label, month.rate if month else None) for label, month in self._named()]
        rows = [*self.history(grain), *own]
        filled = rows[:1]
        for (before, _), row in pairwise(rows):
            if _number(row[0]) != _number(before) + 1:
                filled.append(("", None))
            filled.append(row)
        return filled


def _number(label: str) -> int:
    """Count windows so that neighbours differ by one: 2020-07 or 2020Q3."""
    year, _, number = label.replace("Q", "-").partition("-")
    return int(year) * (4 if "Q" in label else 12) + int(number)


def _outages_before(earlier: Iterable[MonthFacts]) -> dict[str, dict[str, OutageFact]]:
    found: dict[str, dict[str, OutageFact]] = defaultdict(dict)
    for month in earlier:
        for point in month.points or ():
            _remember(found[point.point], point.outages)
    return found


def _remember(known: dict[str, OutageFact], outages: Iterable[OutageFact]) -> None:
    """Keep of each outage the last of its parts, behind which nothing of it counted."""
    for outage in outages:
        other = known.get(outage.incident)
        if other is None or outage.before_s + outage.offline_s >= other.before_s + other.offline_s:
            known[outage.incident] = outage


def _over(outage: OutageFact) -> OutageFact:
    """An outage of an earlier window: all that counted of it lies before."""
    after = None
    if outage.reported_s is not None and outage.before_reported_s is not None:
        after = outage.before_reported_s + outage.reported_s
    return outage._replace(
        offline_s=0, reported_s=0, before_s=outage.before_s + outage.offline_s, before_reported_s=after
    )
