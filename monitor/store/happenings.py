"""What the watcher noticed besides results: gaps, clock steps for the evidence log, upstream devices as events.

Every notice has a natural key (a gap its span and cause, the others their instant), so that the same one told again
changes nothing: a commit whose answer was lost is simply repeated. An upstream device's fall and return are attribution:
they stand beside the runs and never change them.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select, update

from monitor.intervals import Span, normalise
from monitor.model import MICROSECONDS, Instant
from monitor.notices import Blind, BlindSince, ClockStep, Notice, SightedAgain, UpstreamSeen
from monitor.store import gaps, restart
from monitor.store.live import Live
from monitor.store.outbox import report
from monitor.store.tables import batches, events, vantages

UPSTREAM_DOWN = "upstream-down"
CLOCK_STEP = "clock-step"


def store(connection: Connection, state: Live, notices: Iterable[Notice], at: Instant) -> None:
    """Store a vantage's notices, in their order, as known at `at`. Those stored before have no effect."""
    for notice in notices:
        match notice:
            case Blind(start, end, cause):
                restart.add_gap(connection, state, start, _after(start, end), cause, None, at)
            case BlindSince(start, cause):
                if gaps.begun(connection, state.id, start, cause) is None:
                    restart.add_gap(connection, state, start, None, cause, None, at)
            case SightedAgain(start, end, cause):
                _sighted_again(connection, state, start, _after(start, end), cause, at)
            case ClockStep(when, step_us):
                clock_step(connection, state.name, when, step_us, at)
            case UpstreamSeen(name, when, alive):
                upstream_seen(connection, state.name, name, when, alive, at)


def _after(start: Instant, end: Instant) -> Instant:
    """A gap's end, after its start in any case: one that the store refused would hold up all results behind it."""
    return Instant(max(end, start + 1))


def _sighted_again(connection: Connection, state: Live, start: Instant, end: Instant, cause: str, at: Instant) -> None:
    begun = gaps.begun(connection, state.id, start, cause)
    if begun is None or not begun[1]:
        restart.add_gap(connection, state, start, end, cause, None, at)
    else:
        gaps.close(connection, state.vantage, begun[0], end, at=at)
        state.projection.edges.add(end)


def clock_step(connection: Connection, vantage: str, at: Instant, step_us: int, recorded_at: Instant) -> None:
    """Add the event and the `clk` record of a wall clock that was set by `step_us` at engine time `at`, once."""
    if _begin(connection, CLOCK_STEP, f"{vantage}/{step_us:+d}", at, at, recorded_at):
        report(connection, at, "clk", [{"step_us": step_us, "t": at, "vantage": vantage}])


def upstream_seen(
    connection: Connection, vantage: str, name: str, at: Instant, alive: bool, recorded_at: Instant
) -> None:
    """Begin or end the event of an upstream device being down, as this vantage saw it. Repeats have no effect."""
    source = f"{vantage}/{name}"
    open_ones = (events.c.kind == UPSTREAM_DOWN, events.c.source == source, events.c.until.is_(None))
    if alive:
        # Only what began before: a repeated return must not end a later fall.
        connection.execute(update(events).where(*open_ones, events.c.at <= at).values(until=at))
    elif connection.scalar(select(events.c.id).where(*open_ones)) is None:
        _begin(connection, UPSTREAM_DOWN, source, at, None, recorded_at)


def _begin(
    connection: Connection, kind: str, source: str, at: Instant, until: Instant | None, recorded_at: Instant
) -> bool:
    """Add an event without a point, unless it is there; tell whether it was added."""
    same = (events.c.source == source, events.c.kind == kind, events.c.point_id.is_(None), events.c.at == at)
    if connection.scalar(select(events.c.id).where(*same)) is not None:
        return False
    connection.execute(
        insert(events).values(kind=kind, point_id=None, at=at, until=until, source=source, recorded_at=recorded_at)
    )
    return True


def forget_upstreams(connection: Connection, vantage: str) -> None:
    """End this vantage's open events at its last committed result: since then nobody has looked."""
    last = connection.scalar(
        select(func.max(batches.c.last_at))
        .join(vantages, vantages.c.id == batches.c.vantage_id)
        .where(vantages.c.name == vantage)
    )
    open_ones = select(events.c.id, events.c.at).where(
        events.c.kind == UPSTREAM_DOWN,
        events.c.source.startswith(f"{vantage}/", autoescape=True),
        events.c.until.is_(None),
    )
    for number, at in connection.execute(open_ones).all():
        connection.execute(update(events).where(events.c.id == number).values(until=max(at + 1, last or 0)))


def upstreams_down(
    connection: Connection, start: Instant, end: Instant, known_at: Instant | None = None
) -> dict[str, list[Span]]:
    """Return the seconds, by device, in which any vantage saw an upstream device down; an open one lasts to `end`.

    As known at an instant: only what was recorded by then, and open if its end had not come; when an end was recorded is
    not known.
    """
    query = select(events.c.source, events.c.at, events.c.until).where(
        events.c.kind == UPSTREAM_DOWN, events.c.at < end, (events.c.until.is_(None)) | (events.c.until > start)
    )
    if known_at is not None:
        query = query.where(events.c.recorded_at <= known_at)
    found: dict[str, list[Span]] = {}
    for source, at, until in connection.execute(query):
        name = source.split("/", 1)[1]
        last = end if until is None or (known_at is not None and until > known_at) else until
        found.setdefault(name, []).append((at // MICROSECONDS, -(-last // MICROSECONDS)))
    return {name: normalise(spans) for name, spans in found.items()}
