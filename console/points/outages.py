"""A point's outages with the upstream device that was down meanwhile; the watcher's gaps and the claims that touch it."""

from __future__ import annotations

from sqlalchemy import Connection

from console.claims.correcting import GapRow, gaps_in
from console.points.watched import Down, Watched, microseconds
from monitor.attribution import upstream_of
from monitor.intervals import Span, clip, intersect, total
from monitor.model import MICROSECONDS, Instant
from monitor.store import one_point
from monitor.store.claims import Claim
from monitor.store.happenings import upstreams_down


def downs(connection: Connection, point: Watched, span: Span, now: int) -> list[Down]:
    """Return the confirmed outages that touch a span of seconds, newest first, each with the upstream device that was down.

    One that is still open is counted up to the second `now`: its newest result holds beyond it.
    """
    its = [row for row in point.outages if row[1][-1][1] > span[0] and row[1][0][0] < span[1]]
    if not its:
        return []
    low, high = its[0][1][0][0], max(spans[-1][1] for _, spans, _ in its)
    down = upstreams_down(connection, Instant(low * MICROSECONDS), Instant(high * MICROSECONDS))
    found = []
    for outage, spans, causes in its:
        open_still = point.timeline.open_chain and outage is point.timeline.outages[-1] and spans[-1][1] == outage.end
        counted = clip(list(spans), spans[0][0], now)
        if not counted:
            continue
        start, end = counted[0][0], counted[-1][1]
        held = next((p for p in point.facts if p.start <= start * MICROSECONDS < microseconds(p.end)), None)
        named = upstream_of((start, end), held.upstream, down) if held is not None and down else None
        excluded = total(intersect(counted, list(point.excluded)))
        found.append(Down(start, end, total(counted), excluded, open_still, named or "", causes))
    return found[::-1]


def gaps_of(connection: Connection, point: Watched, span: Span) -> list[GapRow]:
    """Return the watcher's gaps in a span of seconds that hold for a point, newest first."""
    start, end = Instant(span[0] * MICROSECONDS), Instant(span[1] * MICROSECONDS)
    return gaps_in(connection, (start, end), point.code)[::-1]


def claims_of(connection: Connection, point: Watched) -> list[Claim]:
    """Return the exclusions and reclassifications of a point, newest first, those that the reader's scope sees."""
    seen = point.seen_spans()
    return [claim for claim in one_point.claims(connection, point.code)[::-1] if clip(seen, claim.start, claim.end)]
