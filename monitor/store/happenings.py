"""What the watcher noticed besides results: clock steps for the evidence log, upstream devices as events.

An upstream device's fall and return are attribution: they stand beside the runs and never change them.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from monitor.intervals import Span, normalise
from monitor.model import MICROSECONDS, Instant
from monitor.store.outbox import report
from monitor.store.tables import batches, events, vantages

UPSTREAM_DOWN = "upstream-down"


def clock_step(connection: Connection, vantage: str, at: Instant, step_us: int) -> None:
    """Add the `clk` record of a wall clock that was set by `step_us` at engine time `at`."""
    report(connection, at, "clk", [{"at": at, "step_us": step_us, "vantage": vantage}])


def upstream_seen(
    connection: Connection, vantage: str, name: str, at: Instant, alive: bool, recorded_at: Instant
) -> None:
    """Begin or end the event of an upstream device being down, as this vantage saw it. Repeats have no effect."""
    source = f"{vantage}/{name}"
    open_ones = (events.c.kind == UPSTREAM_DOWN, events.c.source == source, events.c.until.is_(None))
    standing = connection.scalar(select(events.c.id).where(*open_ones))
    if alive:
        connection.execute(update(events).where(*open_ones).values(until=at))
    elif standing is None:
        connection.execute(
            insert(events).values(
                kind=UPSTREAM_DOWN, point_id=None, at=at, until=None, source=source, recorded_at=recorded_at
            )
        )


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


def upstreams_down(connection: Connection, start: Instant, end: Instant) -> dict[str, list[Span]]:
    """Return the seconds, by device, in which any vantage saw an upstream device down; an open one lasts to `end`."""
    query = select(events.c.source, events.c.at, events.c.until).where(
        events.c.kind == UPSTREAM_DOWN, events.c.at < end, (events.c.until.is_(None)) | (events.c.until > start)
    )
    found: dict[str, list[Span]] = {}
    for source, at, until in connection.execute(query):
        name = source.split("/", 1)[1]
        last = end if until is None else until
        found.setdefault(name, []).append((at // MICROSECONDS, -(-last // MICROSECONDS)))
    return {name: normalise(spans) for name, spans in found.items()}
