"""The blindness between a watcher's lives: a gap opened when it resumes and ended by its first new result."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from monitor.model import Instant, Sample
from monitor.store import gaps
from monitor.store.live import Live


def add_gap(
    connection: Connection,
    state: Live,
    start: Instant,
    end: Instant | None,
    cause: str,
    point: str | None,
    at: Instant,
) -> int:
    """Add a gap of the vantage, open if `end` is None, and let it divide the runs; return its number."""
    place = None if point is None else (state.ids[point], point)
    number = gaps.add(connection, state.vantage, start, end, cause, point=place, at=at)
    state.projection.edges.add(start, point)
    if end is not None:
        state.projection.edges.add(end, point)
    return number


def open_after(connection: Connection, state: Live, at: Instant) -> None:
    """Open the gap since the last committed result, or, if the wall clock went back, from `at` until it caught up."""
    floor = Instant(state.floor or 0)
    for gap in gaps.open_gaps(connection, state.id):
        if gap not in state.blind:
            # Whoever opened it is gone; the restart's gap takes over from here.
            end = Instant(max(floor, gap.start + 1))
            gaps.close(connection, state.vantage, gap, end, at=at)
            state.projection.edges.add(end, gap.point)
    if at < floor and all(gap.start > at for gap in state.blind):
        start, cause = at, gaps.CLOCK
    elif not state.blind:
        start, cause = floor, gaps.RESTART
    else:
        return
    number = add_gap(connection, state, start, None, cause, None, at)
    state.blind.append(gaps.OpenGap(number, None, start, cause))


def close_with(connection: Connection, state: Live, samples: Sequence[Sample], at: Instant) -> None:
    """End the gaps of a restart at the first result later than every one before it."""
    if not state.blind:
        return
    floor = state.floor or 0
    first = min((s.at for s in samples if s.at > floor), default=None)
    if first is None:
        return
    for gap in state.blind:
        gaps.close(connection, state.vantage, gap, first, at=at)
    state.projection.edges.add(first)
    state.blind = []
