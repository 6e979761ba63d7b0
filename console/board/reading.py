"""What the board reads of the store: the ledger's facts, every point's newest runs, and what the observers are doing.

The newest runs are one query of seeks in the runs' primary key: its cost grows with points × observers, not with history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, bindparam, text

from console import views
from console.board.card import Facts
from console.board.city import GapNow, VantageNow
from monitor.model import MICROSECONDS, Gap, Instant, Outcome, State
from monitor.period import Period
from monitor.points import host_of
from monitor.rates import service_of
from monitor.scope import EVERYTHING
from monitor.store import gaps, roster
from monitor.store.exclusions import exclusions_for
from monitor.store.identities import outcomes_by_id
from monitor.timeline import Policy

DAY_US = 86_400 * MICROSECONDS
CHUNK = 500
"""Points asked about at once."""
SHOWN_GAPS = 50


class Newest(NamedTuple):
    """A point's newest run at one vantage: row numbers, microseconds, samples, seconds."""

    point: int
    vantage: int
    first: int
    last: int
    n: int
    outcome: int
    valid_s: int
    camera: int | None


class Past(NamedTuple):
    """What went before a point's present state: when the last believed outage began, since when it has been online again,
    and what its newest online run had proven."""

    down: int | None
    up_since: int | None
    outcome: int | None


_SERVING = text(
    "SELECT p.id, o.camera_id, c.make, c.model, c.rtsp_url FROM points p"
    " JOIN occupancies o ON o.point_id = p.id AND o.superseded_at IS NULL AND o.valid_from <= :at"
    " AND (o.valid_to IS NULL OR o.valid_to > :at) JOIN cameras c ON c.id = o.camera_id"
)
_NEWEST = text(  # CROSS JOIN: SQLite then seeks each point's newest run, and does not read the runs of all years
    "SELECT p.id, v.id, r.first_at, r.last_at, r.n, r.outcome_id, r.valid_s, r.camera_id FROM points p CROSS JOIN vantages v"
    " CROSS JOIN runs r WHERE r.point_id = p.id AND r.vantage_id = v.id AND r.first_at ="
    " (SELECT max(s.first_at) FROM runs s WHERE s.point_id = p.id AND s.vantage_id = v.id)"
)
_VANTAGES = text(
    "SELECT v.id, v.name, v.kind, (SELECT b.last_at FROM batches b WHERE b.vantage_id = v.id ORDER BY b.seq DESC LIMIT 1)"
    " FROM vantages v ORDER BY v.name"
)
_SIGNATURE = (
    "SELECT count(*), max(id), max(superseded_at) FROM point_facts",
    "SELECT count(*), max(id), max(superseded_at) FROM occupancies",
    "SELECT count(*), max(id), max(approved_at) FROM exclusions",
    "SELECT count(*), max(approved_at) FROM contract_versions",
)
_PAST = text(
    "WITH pairs AS MATERIALIZED (SELECT p.id AS pid, v.id AS vid,"
    " (SELECT r.first_at FROM runs r WHERE r.point_id = p.id AND r.vantage_id = v.id AND r.outcome_id IN :down"
    " AND r.n >= :samples ORDER BY r.first_at DESC LIMIT 1) AS down,"
    " (SELECT r.first_at FROM runs r WHERE r.point_id = p.id AND r.vantage_id = v.id AND r.outcome_id IN :up"
    " ORDER BY r.first_at DESC LIMIT 1) AS newest FROM points p CROSS JOIN vantages v WHERE p.id IN :points)"
    " SELECT q.pid, q.down, (SELECT min(r.first_at) FROM runs r WHERE r.point_id = q.pid AND r.vantage_id = q.vid"
    " AND r.outcome_id IN :up AND r.first_at > coalesce(q.down, 0)),"
    " (SELECT r.outcome_id FROM runs r WHERE r.point_id = q.pid AND r.vantage_id = q.vid AND r.first_at = q.newest)"
    " FROM pairs q"
).bindparams(*(bindparam(name, expanding=True) for name in ("points", "down", "up")))


def signature(connection: Connection) -> tuple[object, ...]:
    """Return what differs when ledger, exclusions or contracts have changed; costs a few milliseconds for a city."""
    return tuple(value for query in _SIGNATURE for value in connection.execute(text(query)).one())


def facts(connection: Connection, at: Instant, zone: str) -> dict[int, Facts]:
    """Return the facts of every point that the ledger knows at an instant, by its row number and in order of code."""
    cameras = {row[0]: row for row in connection.execute(_SERVING, {"at": at})}
    second = at // MICROSECONDS
    found: dict[int, Facts] = {}
    for point in roster.roster_at(connection, EVERYTHING, at, zone=zone):
        service = service_of(point.accepted_on, point.retired_on, zone)
        serving = (service.start is None or service.start <= second) and (service.end is None or second < service.end)
        _, camera, make, model, url = cameras.get(point.id, (point.id, None, "", "", ""))
        host = host_of(url)
        words = (point.code, point.name, point.gb_code, point.former_gb_code, point.address, point.area, host, model)
        found[point.id] = Facts(
            point.id,
            point.code,
            point.name,
            point.gb_code,
            point.former_gb_code,
            point.contract,
            point.phase,
            point.area,
            point.supplier,
            point.upstream,
            point.category,
            point.address,
            None if point.lon_e7 is None else point.lon_e7 / 1e7,
            None if point.lat_e7 is None else point.lat_e7 / 1e7,
            serving,
            camera,
            make,
            model,
            host,
            bool(url),
            "\n".join(words).casefold(),
        )
    return found


def excluded(connection: Connection, at: Instant) -> dict[str, list[tuple[int, int]]]:
    """Return the approved exclusions that hold at an instant or begin within a day, by point, in microseconds."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in exclusions_for(connection, EVERYTHING, (at, Instant(at + DAY_US))):
        found.setdefault(row.point, []).append((row.start, row.end))
    return found


def newest(connection: Connection) -> list[tuple[Any, ...]]:
    """Return every point's newest run at every vantage that ever saw it: the fields of Newest, as the driver gives them."""
    with connection.execute(_NEWEST) as result:
        return cast("list[tuple[Any, ...]]", result.cursor.fetchall())


def outcomes(connection: Connection) -> dict[int, Outcome]:
    """Return every outcome by its row number."""
    return outcomes_by_id(connection)


def observers(connection: Connection, at: Instant) -> tuple[dict[int, VantageNow], list[GapNow], list[Gap]]:
    """Return the vantages by row number, the whole vantages' gaps of the last day, and all gaps that may hold now."""
    recent = gaps.touching(connection, at - DAY_US, at + 1)
    whole = [GapNow(gap.vantage, gap.start, gap.end, gap.cause) for gap in recent if gap.point is None]
    since: dict[str, Instant] = {}
    for gap in whole:
        if gap.end is None:
            since[gap.vantage] = min(gap.start, since.get(gap.vantage, gap.start))
    found = {row[0]: VantageNow(row[1], row[2], row[3], since.get(row[1])) for row in connection.execute(_VANTAGES)}
    return found, sorted(whole, key=lambda gap: gap.start, reverse=True)[:SHOWN_GAPS], recent


def past(connection: Connection, points: Sequence[int], seen: Mapping[int, Outcome], samples: int) -> dict[int, Past]:
    """Return what went before, for points by their row numbers; an outage counts from so many failed samples of a reason on."""
    up = [number for number, outcome in seen.items() if outcome.state is State.ONLINE]
    down = [number for number, outcome in seen.items() if outcome.state is State.OFFLINE]
    found: dict[int, Past] = {}
    for n in range(0, len(points), CHUNK):
        values = {"points": points[n : n + CHUNK], "up": up, "down": down, "samples": samples}
        for point, fell, rose, outcome in connection.execute(_PAST, values):
            before = found.get(point, Past(None, None, None))
            found[point] = Past(_greater(before.down, fell), _less(before.up_since, rose), before.outcome or outcome)
    return {
        point: its if its.down is None or its.up_since is None else its._replace(up_since=max(its.down, its.up_since))
        for point, its in found.items()
    }


def outages_since(
    connection: Connection, codes: Iterable[str], period: Period, zone: str, policy: Policy
) -> dict[str, Instant]:
    """Return when the outage began that each of the points is in at the end of what is known of it, as timelines say."""
    wanted = frozenset(codes)
    if not wanted:
        return {}
    question = views.Question(period, zone, policy)
    return {
        code: Instant(line.outages[-1].start * MICROSECONDS)
        for code, line in views.timelines(connection, EVERYTHING, question, only=wanted)
        if line.open_chain and line.outages
    }


def _greater(a: int | None, b: int | None) -> int | None:
    return max((n for n in (a, b) if n is not None), default=None)


def _less(a: int | None, b: int | None) -> int | None:
    return min((n for n in (a, b) if n is not None), default=None)
