"""What a quarter of a phase is charged on: its exact full fee by month and by lot of points, and its prepayments.

The prepayment counts the points billed on the quarter's first day; later additions and pauses enter with the full fee
at the true-up. Nothing is rounded here but a prepayment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from monitor import intervals
from settlement.contract import Phase, Terms
from settlement.daycount import DayCount, DaySpan, Quarter, months_billed, units_billed, units_in
from settlement.money import round_half_up
from settlement.rules import DaySpans, PhaseFacts

Prices = tuple[tuple[int, int], ...]
"""Fen by the ordinal of the first day, sorted."""
Components = tuple[tuple[str, int], ...]
MONTHS = (0, 1, 2)
ZERO = Fraction(0)


class Part(NamedTuple):
    """Part of a point's month under one price: units of a month, fen per month, the price's components."""

    units: Fraction
    price_fen: int
    components: Components

    @property
    def fee(self) -> Fraction:
        """Exact fen."""
        return self.price_fen * self.units

    def scoped(self, names: Sequence[str]) -> Fraction:
        """The part of the fee that the named components make up, in the contract's proportion; of none, the whole."""
        whole = sum(fen for _, fen in self.components)
        if not names or not whole:
            return self.fee
        return self.fee * sum(fen for name, fen in self.components if name in names) / whole


@dataclass(frozen=True, slots=True)
class Lot:
    """Points that are charged alike: how many, which (for a roster), and what one of them is charged in each month.

    `opening` and `closing` tell whether they are billed on the quarter's first and on its last day.
    """

    points: int
    codes: tuple[str, ...]
    months: tuple[tuple[Part, ...], ...]
    opening: bool
    closing: bool

    def fee(self, month: int, components: Sequence[str] = ()) -> Fraction:
        """One point's fee in a month (0 to 2), of the named components or whole."""
        return sum((part.scoped(components) for part in self.months[month]), ZERO)


class Prepaid(NamedTuple):
    """A prepayment's basis: the points billed on the quarter's first day, their months, their fee in exact fen.

    `shares` is that fee by component; without a fee, the components of the price on that day.
    """

    points: int
    months: Fraction
    fee_fen: Fraction
    shares: tuple[tuple[str, Fraction], ...] = ()


class Alike(NamedTuple):
    """Points and months where all points are charged for the same days, for a plainer arithmetic."""

    points: int
    months: Fraction


@dataclass(frozen=True, slots=True)
class Charge:
    """A phase's quarter before any rate. `priced` are its point-months by price in fen, lowest price first.

    `opening` and `following` are the two prepayments' bases; `following` is None where the phase's term ends with this
    quarter: it is then settled in cash.
    """

    lots: tuple[Lot, ...]
    priced: tuple[tuple[int, Fraction], ...]
    opening: Prepaid
    following: Prepaid | None

    @property
    def point_months(self) -> Fraction:
        """Exact point-months."""
        return sum((units for _, units in self.priced), ZERO)

    @property
    def fee_fen(self) -> Fraction:
        """The full fee: price × point-months, not rounded."""
        return sum((price * units for price, units in self.priced), ZERO)

    @property
    def alike(self) -> Alike | None:
        """The only lot, where there is one and one price."""
        if len(self.lots) != 1 or len(self.priced) != 1:
            return None
        return Alike(self.lots[0].points, self.point_months / self.lots[0].points)

    def units(self, months: Iterable[int]) -> Fraction:
        """The point-months of some months."""
        return sum((lot.points * part.units for n in months for lot in self.lots for part in lot.months[n]), ZERO)

    def fee(self, months: Iterable[int], components: Sequence[str] = ()) -> Fraction:
        """The full fee of some months (0 to 2), of the named components or whole."""
        return sum((lot.points * lot.fee(n, components) for n in months for lot in self.lots), ZERO)

    def component_fees(self, months: Iterable[int] = MONTHS) -> dict[str, Fraction]:
        """The full fee by component, in the contract's order; empty where the contract prints none."""
        fees: dict[str, Fraction] = {}
        for n in months:
            for lot in self.lots:
                for part in lot.months[n]:
                    for name, _ in part.components:
                        fees[name] = fees.get(name, ZERO) + lot.points * part.scoped((name,))
        return fees

    def prepayment_fen(self, share: Fraction) -> int:
        """This quarter's prepayment, rounded."""
        return round_half_up(self.opening.fee_fen * share)

    def next_prepayment_fen(self, share: Fraction) -> int:
        """The next quarter's prepayment, rounded; 0 if there is none."""
        return round_half_up(self.following.fee_fen * share) if self.following else 0


def charge(terms: Terms, phase: Phase, quarter: Quarter, facts: PhaseFacts) -> Charge:
    """Count a phase's quarter. Billed days outside the phase's term are not charged."""
    term = (phase.in_service_from.toordinal(), phase.in_service_until.toordinal())
    lots: list[Lot] = []
    priced: dict[int, Fraction] = defaultdict(Fraction)
    alike = list(_alike(terms, facts, term))
    for spans, prices, codes, n in alike:
        months = tuple(_parts(terms, phase, spans, prices, month) for month in quarter.months)
        parts = [part for month in months for part in month]
        if not parts:
            continue
        first, last = quarter.start.toordinal(), quarter.end.toordinal() - 1
        opening, closing = (bool(intervals.clip(spans, day, day + 1)) for day in (first, last))
        lots.append(Lot(n, codes, months, opening, closing))
        for part in parts:
            priced[part.price_fen] += n * part.units
    following = quarter.following()
    return Charge(
        lots=tuple(lots),
        priced=tuple(sorted(priced.items())),
        opening=_prepaid(terms, phase, term, alike, quarter),
        following=_prepaid(terms, phase, term, alike, following) if term[1] > following.start.toordinal() else None,
    )


def price_on(phase: Phase, day: int) -> tuple[int, Components]:
    """Return a phase's contractual price on a day (an ordinal) and its components."""
    price, components = phase.unit_price_fen, phase.weights
    for later in phase.prices:
        if later.valid_from.toordinal() <= day:
            price, components = later.unit_price_fen, tuple(later.components_fen.items())
    return price, components


Charged = tuple[DaySpans, Prices, tuple[str, ...], int]


def _alike(terms: Terms, facts: PhaseFacts, term: DaySpan) -> Iterator[Charged]:
    """Yield what is charged alike: days within the phase's term, the ledger's prices where they count, points."""
    if not facts.roster:
        clipped: dict[DaySpans, int] = defaultdict(int)
        for spans, n in facts.groups:
            clipped[tuple(intervals.clip(spans, *term))] += n
        yield from ((spans, (), (), n) for spans, n in sorted(clipped.items()))
        return
    codes: dict[tuple[DaySpans, Prices], list[str]] = defaultdict(list)
    for point in facts.roster:
        codes[point.billed, point.prices if terms.prices_from == "ledger" else ()].append(point.code)
    together: dict[tuple[DaySpans, Prices], list[str]] = defaultdict(list)
    for (spans, prices), names in codes.items():
        together[tuple(intervals.clip(spans, *term)), prices] += names
    for (spans, prices), names in sorted(together.items()):
        yield spans, prices, tuple(sorted(names)), len(names)


def _parts(terms: Terms, phase: Phase, spans: DaySpans, prices: Prices, month: DaySpan) -> tuple[Part, ...]:
    """Cut a month at the days on which a price changes; without a change it is one part."""
    rule = terms.day_count
    billed = intervals.clip(spans, *month)
    if not billed:
        return ()
    changes = {later.valid_from.toordinal() for later in phase.prices} | {day for day, _ in prices}
    inside = sorted(day for day in changes if month[0] < day < month[1])
    if not inside or rule is not DayCount.ACTUAL:
        units = Fraction(units_billed(spans, month, rule), units_in(month, rule))
        return (_part(phase, prices, billed[0][0], units),) if units else ()
    days = month[1] - month[0]
    cut = [
        (start, intervals.total(intervals.clip(billed, start, end)))
        for start, end in pairwise([month[0], *inside, month[1]])
    ]
    return tuple(_part(phase, prices, start, Fraction(n, days)) for start, n in cut if n)


def _part(phase: Phase, prices: Prices, day: int, units: Fraction) -> Part:
    price, components = price_on(phase, day)
    for start, fen in prices:
        if start <= day:
            price = fen
    return Part(units, price, components)


def _prepaid(terms: Terms, phase: Phase, term: DaySpan, alike: Sequence[Charged], quarter: Quarter) -> Prepaid:
    first = quarter.start.toordinal()
    points, fee = 0, ZERO
    by_component: dict[str, Fraction] = {}
    for spans, prices, _, n in alike:
        if intervals.clip(spans, first, first + 1):
            points += n
            for part in (part for month in quarter.months for part in _parts(terms, phase, (term,), prices, month)):
                fee += n * part.fee
                for name, _ in part.components:
                    by_component[name] = by_component.get(name, ZERO) + n * part.scoped((name,))
    if not any(by_component.values()):
        by_component = {name: Fraction(fen) for name, fen in price_on(phase, first)[1]}
    months = months_billed([((term,), 1)], quarter.months, terms.day_count)
    return Prepaid(points, months, fee, tuple(by_component.items()))
