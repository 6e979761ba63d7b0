"""Reads. Every one takes a Scope and returns the same rows in the same order on SQLite and PostgreSQL."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import accumulate, groupby, islice
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, TextClause, bindparam, or_, select, text, true

from monitor.debounce import Piece
from monitor.model import MICROSECONDS, Gap, Instant, Outcome, Run, State
from monitor.scope import EVERYTHING, Scope
from monitor.store.given import given_to
from monitor.store.identities import outcomes_by_id
from monitor.store.tables import gaps, point_facts, points, vantages
from monitor.timeline import RunRow

Window = tuple[Instant, Instant]
"""Half-open, in microseconds."""

CHUNK_POINTS = 250
MOST_NAMED = 1_000
"""So many points are named in a query; of more all are read."""
_Row = tuple[int, int, int, int, int, int, int, int | None, int | None, int | None]
"""point, vantage, first, last, n, outcome, valid_s, camera, and the bounds of the history that was asked for."""
_PLACE = itemgetter(0, 1, 2)
_FOREVER = 2**62


class PointHistory:
    """A point's part of the timeline's input: its runs and the gaps that matter to them, by vantage and time.

    `given` is what reclassifications say of its unknown seconds, at any time.
    """

    __slots__ = ("_names", "_rows", "_runs", "_seen", "code", "gaps", "given")

    def __init__(
        self,
        code: str,
        rows: list[_Row],
        gaps: Sequence[Gap],
        names: Mapping[int, str],
        seen: Mapping[int, Outcome],
        given: Sequence[Piece] = (),
    ) -> None:
        self.code = code
        self.gaps = gaps
        self.given = given
        self._rows = rows
        self._names = names
        self._seen = seen
        self._runs: list[Run] | None = None

    @property
    def runs(self) -> list[Run]:
        """The runs, by vantage name and time; made when first asked for."""
        if self._runs is None:
            self._runs = _runs_of(self.code, self._rows, self._names, self._seen)
        return self._runs

    def alone(self) -> list[RunRow] | None:
        """Return the runs as rows in order of time if one vantage saw the point and nothing else matters, else None."""
        rows = self._rows
        if self.gaps or self.given or not rows or rows[0][1] != rows[-1][1]:
            return None
        seen = self._seen
        return [(first, last, n, seen[outcome], valid_s) for _, _, first, last, n, outcome, valid_s, _, _, _ in rows]

    def cameras(self) -> dict[str, tuple[int, int]]:
        """Return the first and last instant of each camera that a run names."""
        found: dict[str, tuple[int, int]] = {}
        for camera in {row[7] for row in self._rows} - {None}:
            its = [row for row in self._rows if row[7] == camera]
            found[str(camera)] = min(row[2] for row in its), max(row[3] + row[6] * MICROSECONDS for row in its)
        return found


def visible(scope: Scope, window: Window | None = None) -> ColumnElement[bool]:
    """Return the condition on `points` that a scope means: some fact, as now known, meets all its sides at once.

    With a window, the fact must hold at some instant of it. An unrestricted scope sees points without facts too.
    """
    if scope == EVERYTHING:
        return true()
    f = point_facts.c
    met: list[ColumnElement[bool]] = [f.superseded_at.is_(None)]
    if scope.contracts is not None:
        met.append(f.contract.in_(sorted(scope.contracts)))
    if scope.areas is not None:
        met.append(f.area.in_(sorted(scope.areas)))
    if scope.supplier is not None:
        met.append(f.supplier == scope.supplier)
    if window is not None:
        met += [f.valid_from < window[1], or_(f.valid_to.is_(None), f.valid_to > window[0])]
    return points.c.id.in_(select(f.point_id).where(*met))


def among(only: Collection[str] | None) -> ColumnElement[bool]:
    """Return the condition that a point's code is one of some; nothing for None, or for too many to be named.

    Whoever asks leaves the others out of the rows besides.
    """
    return true() if only is None or len(only) > MOST_NAMED else points.c.code.in_(sorted(only))


def codes(
    connection: Connection, scope: Scope, window: Window | None = None, only: Collection[str] | None = None
) -> list[tuple[str, int]]:
    """Return the visible points' codes and row numbers, by code; with `only`, those of its codes."""
    query = select(points.c.code, points.c.id).where(visible(scope, window), among(only)).order_by(points.c.code)
    return [(code, number) for code, number in connection.execute(query) if only is None or code in only]


# Reach back to the nearest online run that passes recovery, whatever vantage saw it, and from there take every
# vantage's run that spans this instant; forward likewise. All look-ups are seeks in the runs' primary key.
_PASSES = (
    "r.point_id = p.id AND r.vantage_id = v.id AND r.n >= :samples AND r.last_at - r.first_at >= :lasting"
    " AND r.outcome_id IN :online"
)
_BY_THEN = " AND (r.recorded_at IS NULL OR r.recorded_at <= :known_at)"
_ROWS = "SELECT r.point_id, r.vantage_id, r.first_at, r.last_at, r.n, r.outcome_id, r.valid_s, r.camera_id"


def _runs_query(by_then: str) -> TextClause:
    passes = _PASSES + by_then
    return text(
        "WITH pairs AS MATERIALIZED (SELECT p.id AS pid, v.id AS vid,"
        f" (SELECT r.first_at FROM runs r WHERE {passes} AND r.first_at <= :start ORDER BY r.first_at DESC LIMIT 1)"
        " AS back,"
        f" (SELECT r.first_at FROM runs r WHERE {passes} AND r.first_at >= :end ORDER BY r.first_at LIMIT 1) AS ahead"
        " FROM points p CROSS JOIN vantages v WHERE p.id IN :points AND v.id IN :vantages),"
        " bounds AS MATERIALIZED (SELECT pid, max(back) AS low, min(ahead) AS high FROM pairs GROUP BY pid),"
        " spans AS MATERIALIZED (SELECT q.pid, q.vid, b.low, b.high, coalesce((SELECT max(s.first_at) FROM runs s"
        " WHERE s.point_id = q.pid AND s.vantage_id = q.vid AND s.first_at <= b.low), b.low, 0) AS since"
        " FROM pairs q JOIN bounds b ON b.pid = q.pid)"
        # CROSS JOIN: SQLite then seeks each span in the runs, and does not read a point's runs of all years.
        f" {_ROWS}, t.low, t.high"
        " FROM spans t CROSS JOIN runs r WHERE r.point_id = t.pid AND r.vantage_id = t.vid"
        f" AND r.first_at >= t.since AND r.first_at <= coalesce(t.high, :forever){by_then}"
    ).bindparams(*(bindparam(name, expanding=True) for name in ("points", "vantages", "online")))


def _whole_query(by_then: str) -> TextClause:
    return text(
        f"{_ROWS}, NULL, NULL FROM runs r WHERE r.point_id IN :points AND r.vantage_id IN :vantages{by_then}"
    ).bindparams(bindparam("points", expanding=True), bindparam("vantages", expanding=True))


_RUNS, _WHOLE = _runs_query(""), _whole_query("")
_RUNS_BY_THEN, _WHOLE_BY_THEN = _runs_query(_BY_THEN), _whole_query(_BY_THEN)


def timeline_inputs(
    connection: Connection,
    scope: Scope,
    window: Window,
    vantage_names: frozenset[str] | None = None,
    *,
    recovery_samples: int = 1,
    minimum_recovery_s: int = 0,
    known_at: Instant | None = None,
    only: Collection[str] | None = None,
) -> Iterator[PointHistory]:
    """Yield every visible point's runs and gaps for a window, by code; points without runs as well.

    With `known_at`, only what was seen or imported by that instant, the gaps that were recorded by then, and the
    reclassifications that stood then. With `only`, those of the visible points that have one of its codes.

    Step 9 of the timeline algorithm: so much history that nothing inside the window can read differently under a
    policy with this recovery. Takes the named vantages or all. Memory is bounded by CHUNK_POINTS points.
    """
    wanted = {
        number: name
        for name, number in connection.execute(select(vantages.c.name, vantages.c.id).order_by(vantages.c.name))
        if vantage_names is None or name in vantage_names
    }
    seen = outcomes_by_id(connection)
    blind = _Blindness(connection, wanted, seen, known_at)
    values: dict[str, Any] = {
        "vantages": list(wanted),
        "online": [number for number, outcome in seen.items() if outcome.state is State.ONLINE],
        "samples": recovery_samples,
        # A second more: quantising may take one away.
        "lasting": (minimum_recovery_s + 1) * MICROSECONDS,
        "start": window[0],
        "end": window[1],
        "forever": _FOREVER,
    }
    runs_of, whole = (_RUNS, _WHOLE) if known_at is None else (_RUNS_BY_THEN, _WHOLE_BY_THEN)
    listed = iter(codes(connection, scope, window, only))
    while chunk := list(islice(listed, CHUNK_POINTS)):
        found = _load(connection, runs_of, {**values, "points": [n for _, n in chunk]}, known_at)
        doubtful = [n for code, n in chunk if blind.spoils(code, found.get(n, ()), recovery_samples, values["lasting"])]
        if doubtful:
            found |= _load(connection, whole, {"points": doubtful, "vantages": list(wanted)}, known_at)
        given = given_to(connection, [code for code, _ in chunk], known_at)
        for code, n in chunk:
            rows = found.get(n, [])
            yield PointHistory(code, rows, blind.around(code, rows), wanted, seen, given.get(code, ()))


def _load(
    connection: Connection, query: TextClause, values: Mapping[str, object], known_at: Instant | None = None
) -> dict[int, list[_Row]]:
    """Return the rows of runs of a chunk of points by the point's row number, each point's by vantage and time.

    As the driver gives them: integers need no conversion, and a row object costs time.
    """
    if not values["vantages"]:
        return {}
    known = values if known_at is None else {**values, "known_at": known_at}
    with connection.execute(query, known) as result:
        rows = cast(list[_Row], result.cursor.fetchall())
    if known_at is not None:
        rows = [_seen_by(row, known_at) for row in rows if row[2] <= known_at]
    rows.sort(key=_PLACE)  # they come nearly so; a database sorts them as if they came at random
    return {point: list(its) for point, its in groupby(rows, key=itemgetter(0))}


def _seen_by(row: _Row, known_at: Instant) -> _Row:
    """Cut a run to what was seen of it by an instant; its samples are taken as evenly spaced."""
    point, vantage, first, last, n, outcome, valid_s, camera, low, high = row
    if last > known_at:
        n = 1 + (known_at - first) * (n - 1) // (last - first)
        last = int(known_at)
    return point, vantage, first, last, n, outcome, valid_s, camera, low, high if (high or 0) <= known_at else None


def _runs_of(code: str, rows: Sequence[_Row], names: Mapping[int, str], seen: Mapping[int, Outcome]) -> list[Run]:
    """Return rows as runs, by vantage name and time."""
    runs = [
        Run(
            code,
            names[vantage],
            Instant(first),
            Instant(last),
            n,
            seen[outcome],
            valid_s,
            "" if camera is None else str(camera),
        )
        for _, vantage, first, last, n, outcome, valid_s, camera, _, _ in rows
    ]
    if len(names) > 1:
        runs.sort(key=lambda run: (run.vantage, run.first))
    return runs


class _Blindness:
    """The gaps of the chosen vantages, found by time."""

    def __init__(
        self,
        connection: Connection,
        names: Mapping[int, str],
        seen: Mapping[int, Outcome],
        known_at: Instant | None = None,
    ) -> None:
        self._names = names
        self._seen = seen
        query = (
            select(gaps.c.vantage_id, points.c.code, gaps.c.start_at, gaps.c.end_at, gaps.c.cause)
            .outerjoin_from(gaps, points)
            .where(gaps.c.vantage_id.in_(list(names)))
            .order_by(gaps.c.start_at, gaps.c.id)
        )
        if known_at is not None:
            query = query.where(gaps.c.recorded_at <= known_at)
        self._all: list[Gap] = []
        self._of: dict[str, list[Gap]] = {}
        for vantage, code, start, end, cause in connection.execute(query):
            gap = Gap(names[vantage], start, end, cause, code)
            (self._all if code is None else self._of.setdefault(code, [])).append(gap)
        self._starts = [gap.start for gap in self._all]
        # Ends may come out of order; what none of the first i gaps passes, all of them end before.
        self._reach = list(accumulate((_end(gap) for gap in self._all), max))

    def _between(self, code: str, start: int, end: int) -> list[Gap]:
        """Return the gaps of a point that meet [start, end), and perhaps some more before it."""
        wide = self._all[bisect_right(self._reach, start) : bisect_left(self._starts, end)]
        own = self._of.get(code)
        return wide + [g for g in own if g.start < end and _end(g) > start] if own else wide

    def around(self, code: str, rows: Sequence[_Row]) -> list[Gap]:
        """Return the gaps that can matter to runs: those from the first one on, as far as any of them holds."""
        if not rows or not (self._all or self._of):
            return []
        end = max(row[3] + row[6] * MICROSECONDS for row in rows)
        return self._between(code, min(row[2] for row in rows), end)

    def spoils(self, code: str, rows: Sequence[_Row], samples: int, lasting: int) -> bool:
        """Tell whether a gap cuts into every run that history was to reach to, so that none proves a recovery."""
        if not (self._all or self._of) or not rows:
            return False
        runs = _runs_of(code, rows, self._names, self._seen)
        for edge in rows[0][8:]:
            if edge is not None and not any(
                self._whole(run)
                for run in runs
                if run.first == edge and run.outcome.state is State.ONLINE and run.count >= samples
                if run.last - run.first >= lasting
            ):
                return True
        return False

    def _whole(self, run: Run) -> bool:
        return not any(
            gap.vantage == run.vantage and gap.start <= run.last and _end(gap) > run.first
            for gap in self._between(run.point, run.first, run.last + 1)
        )


def _end(gap: Gap) -> int:
    return _FOREVER if gap.end is None else gap.end


class Devices:
    """Whose device a code names: the point's own code, its GB code at an instant, or the GB code it had before."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self._codes = {code for code, _ in codes(connection, scope)}
        f = point_facts.c
        query = (
            select(f.gb_code, f.former_gb_code, f.valid_from, f.valid_to, points.c.code)
            .join_from(point_facts, points)
            .where(f.superseded_at.is_(None), visible(scope))
            .order_by(points.c.code, f.valid_from, f.id)
        )
        self._present: dict[str, list[tuple[int, int, str]]] = {}
        self._former: dict[str, set[str]] = {}
        for gb_code, former, start, end, code in connection.execute(query):
            if gb_code:
                self._present.setdefault(gb_code, []).append((start, _FOREVER if end is None else end, code))
            if former:
                self._former.setdefault(former, set()).add(code)

    def point_of(self, device: str, at: Instant) -> str | None:
        """Return the point's code, or None if no point, or more than one, had the device at the instant."""
        if device in self._codes:
            return device
        present = {code for start, end, code in self._present.get(device, ()) if start <= at < end}
        found = present or self._former.get(device) or {code for _, _, code in self._present.get(device, ())}
        return next(iter(found)) if len(found) == 1 else None
