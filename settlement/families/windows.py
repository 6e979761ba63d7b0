"""What families look up in a window, so that the order of facts and the way they were cut never matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from settlement.facts import Cell, EventFact, OutageFact, Window
from settlement.families.family import Item
from settlement.money import grouped, round_half_up
from settlement.notation import equals, number, share

MOST_TERMS = 6
"""So many different amounts are written out in a sum; more are only counted."""


def online(window: Window) -> Fraction:
    """Return the pool's online rate. ValueError where nothing was counted: such a window must not reach a rule."""
    if window.rate is None or window.rate.counted == 0:
        raise ValueError(f"no rate was counted in {window.label}")
    return window.rate.value


def online_text(window: Window) -> str:
    """Write the pool's rate so that it can be recomputed: "83.62 %", or its counts where the percentage never ends."""
    value = online(window)
    text = share(value)
    if text.endswith("%") or window.rate is None:
        return text
    return f"({window.rate.good:,} ÷ {window.rate.counted:,})"


def outages_of(cell: Cell) -> tuple[OutageFact, ...]:
    """Return the cell's outages by their start, the parts of one incident put together."""
    return _joined(cell.outages)


def history_of(cell: Cell) -> tuple[OutageFact, ...]:
    """Return the cell's outages with those before the window, by their start."""
    return _joined((*cell.earlier, *cell.outages))


def _joined(outages: Sequence[OutageFact]) -> tuple[OutageFact, ...]:
    if len(outages) < 2:
        return tuple(outages)
    known: dict[str, OutageFact] = {}
    for outage in sorted(outages, key=lambda outage: outage[:5]):
        other = known.get(outage.incident)
        known[outage.incident] = outage if other is None else _one(other, outage)
    return tuple(sorted(known.values(), key=lambda outage: (outage.start, outage.incident)))


def _one(a: OutageFact, b: OutageFact) -> OutageFact:
    reported = [at for at in (a.reported_at, b.reported_at) if at is not None]
    after = None if a.reported_s is None or b.reported_s is None else a.reported_s + b.reported_s
    earlier = [seconds for seconds in (a.before_reported_s, b.before_reported_s) if seconds is not None]
    return OutageFact(
        a.incident,
        min(a.start, b.start),
        max(a.end, b.end),
        a.offline_s + b.offline_s,
        max(a.cause, b.cause),
        min(reported) if reported else None,
        a.excused and b.excused,
        after,
        min(a.before_s, b.before_s),  # the earliest part's: what follows it lies within the window
        min(earlier) if len(earlier) == 2 else None,
    )


def events_of(window: Window, kinds: Iterable[str]) -> list[EventFact]:
    """Return the window's events of these kinds, of the phase and of its points, each once, by time."""
    wanted = frozenset(kinds)
    found = {event.id: event for event in window.events if event.kind in wanted}
    for cell in window.cells:
        found.update((event.id, event) for event in cell.events if event.kind in wanted)
    return sorted(found.values(), key=lambda event: (event.at, event.point, event.id))


def begun(window: Window, events: Iterable[EventFact]) -> list[EventFact]:
    """Keep the events that began in the window: each counts in one window only."""
    return [event for event in events if window.start <= event.at < window.end]


def within(fee: Fraction, items: Iterable[Item]) -> list[Item]:
    """Cut a point's items, in their order, to its fee; drop what comes to nothing."""
    left, kept = fee, []
    for item in items:
        amount = min(item.amount, left)
        if amount <= 0:
            continue
        left -= amount
        cut = (
            item
            if amount == item.amount
            else item._replace(amount=amount, why=f"{item.why}，以点位费用为限 at most its fee")
        )
        kept.append(cut)
    return kept


def added(items: Sequence[Item]) -> Fraction:
    """Add up the items' amounts."""
    by_denominator: dict[int, int] = {}  # a city's items share few denominators: their numerators add up as integers
    for item in items:
        amount = item.amount
        by_denominator[amount.denominator] = by_denominator.get(amount.denominator, 0) + amount.numerator
    return sum((Fraction(top, bottom) for bottom, top in by_denominator.items()), Fraction(0))


def sum_text(items: Sequence[Item]) -> str:
    """Write the sum of the items' amounts: "37 × 628.00 = 23,236.00", "75.36 + 20.93 ≈ 96.29"."""
    ended = equals(added(items))
    return _sum(items, lambda fen: grouped(round_half_up(fen)), ended)


def points_text(items: Sequence[Item]) -> str:
    """Write the sum of the items' points off: "7 × 1 + 5 = 12"."""
    return _sum(items, number, f"= {number(added(items))}")


def _sum(items: Sequence[Item], write: Callable[[Fraction], str], ended: str) -> str:
    """Write a sum up to its end ("= total"); of less than two items the total alone."""
    if len(items) < 2:
        return ended.removeprefix("= ")
    amounts = Counter(item.amount for item in items)
    if len(amounts) > MOST_TERMS:
        return f"Σ {len(items):,} 项 items {ended}"
    terms = [f"{n:,} × {write(amount)}" if n > 1 else write(amount) for amount, n in amounts.items()]
    return f"{' + '.join(terms)} {ended}"
