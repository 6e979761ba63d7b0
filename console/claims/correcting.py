"""Reclassification (补判) as somebody claims it: for rows of a file, one span, or every point that a gap left unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from console import views
from monitor.finding import Finding, InputError, refuse
from monitor.given import unknown_in
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Instant, Reclassification, State
from monitor.origin import Origin
from monitor.period import Period
from monitor.rates import service_of
from monitor.scope import EVERYTHING
from monitor.store.tables import gaps, points, vantages
from monitor.timeline import Policy, Timeline

RAW = Policy(confirm_samples=1)
"""What was stored, before any debounce: a second is unknown if no vantage's result holds in it."""


class GapRow(NamedTuple):
    """A gap as it is stored: `point` None is the whole vantage, `end` None is not over."""

    id: int
    vantage: str
    point: str | None
    start: Instant
    end: Instant | None
    cause: str
    recorded_at: Instant


def gaps_in(connection: Connection, span: tuple[Instant, Instant], point: str | None = None) -> list[GapRow]:
    """Return the gaps that meet a span, by time; with `point` those that hold for it."""
    query = (
        select(
            gaps.c.id, vantages.c.name, points.c.code, gaps.c.start_at, gaps.c.end_at, gaps.c.cause, gaps.c.recorded_at
        )
        .select_from(gaps.join(vantages).outerjoin(points))
        .where(gaps.c.start_at < span[1], gaps.c.end_at.is_(None) | (gaps.c.end_at > span[0]))
        .order_by(gaps.c.start_at, gaps.c.id)
    )
    if point is not None:
        query = query.where(gaps.c.point_id.is_(None) | (points.c.code == point))
    return [GapRow(*row) for row in connection.execute(query)]


def of_gap(connection: Connection, number: int, state: State, cause: str, zone: str) -> list[Reclassification]:
    """Return one claim for each point in service whose time is unknown somewhere in a gap, over the gap's whole seconds.

    InputError if there is no such gap, or it is not over.
    """
    query = (
        select(gaps.c.start_at, gaps.c.end_at, points.c.code)
        .select_from(gaps.outerjoin(points))
        .where(gaps.c.id == number)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise refuse(f"没有监测中断 {number} no such gap", "camsla corrections gaps --period …", column="gap")
    if row.end_at is None:
        raise refuse(f"监测中断 {number} 尚未结束 the gap is not over", "结束后再补判 wait for its end", column="gap")
    start, end = row.start_at // MICROSECONDS, -(-row.end_at // MICROSECONDS)
    only = None if row.code is None else frozenset((row.code,))
    claims = []
    served = _served(connection, (start, end), zone)
    for code, timeline in _raw(connection, (start, end), zone, only):
        if code in served and unknown_in(timeline.pieces, (start, end)):
            claims.append(
                Reclassification(code, Instant(start * MICROSECONDS), Instant(end * MICROSECONDS), state, cause)
            )
    return claims


def require_unknown(connection: Connection, rows: Sequence[Reclassification], origin: Origin, zone: str) -> None:
    """Refuse rows in which no second is unknown, each with its line: known time is never given another state."""
    spans = [(row.start // MICROSECONDS, row.end // MICROSECONDS) for row in rows]
    spans = [span for span in spans if span[0] < span[1]]
    if not spans:
        return
    window = min(start for start, _ in spans), max(end for _, end in spans)
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        wanted[row.point].append(number)
    findings = []
    for code, timeline in _raw(connection, window, zone, frozenset(wanted)):
        for number in wanted[code]:
            row = rows[number]
            span = (row.start // MICROSECONDS, row.end // MICROSECONDS)
            if span[0] < span[1] and not unknown_in(timeline.pieces, span):
                message = f"{code} 在该时段没有监测缺失 nothing of the span is unknown"
                line = origin.line(number) if origin.file else 0
                remedy = "已知时间不能补判，先看点位页的时间轴或监测中断 look at the point's timeline, or: camsla corrections gaps"
                findings.append(Finding(origin.file, line, "start", message, remedy))
    if findings:
        raise InputError(sorted(findings))


def _raw(connection: Connection, span: Span, zone: str, only: frozenset[str] | None) -> Iterator[tuple[str, Timeline]]:
    return views.timelines(connection, EVERYTHING, views.Question(_days(span, zone), zone, RAW), only)


def _served(connection: Connection, span: Span, zone: str) -> set[str]:
    """Return the points that were in service at some second of a span."""
    question = views.Question(_days(span, zone), zone, RAW)
    found = set()
    for code, stretches in views.stretches_of(connection, EVERYTHING, question).items():
        for point in stretches:
            service = service_of(point.accepted_on, point.retired_on, zone)
            begun = service.start is None or service.start < span[1]
            gone = service.end is not None and service.end <= span[0]
            held = point.start < span[1] * MICROSECONDS and (point.end is None or point.end > span[0] * MICROSECONDS)
            if begun and not gone and held:
                found.add(code)
    return found


def _days(span: Span, zone: str) -> Period:
    clock = ZoneInfo(zone)
    first, last = (datetime.fromtimestamp(second, clock).date() for second in (span[0], max(span[0], span[1] - 1)))
    return Period(f"{first}..{last}", first, last)
