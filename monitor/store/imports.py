"""Bring in runs that somebody else recorded: a whole file or nothing, and a file given again changes nothing.

An import leaves one `att` record for the evidence log, not one `tr` per run: those are for what we saw ourselves. The
record holds the digest of the import's canonical file, which can be made again from the rows: no two imports are recorded
at one instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, select, text

from monitor.finding import Finding, InputError
from monitor.model import Gap, Instant, Run
from monitor.origin import Origin as Origin
from monitor.store.attested import RunRow, attest_import, gap_text, own_instant, run_text
from monitor.store.audit import AuditSink
from monitor.store.identities import outcome_ids, point_ids, register_vantage
from monitor.store.tables import gaps, imports, runs
from monitor.store.tables import vantages as sources

CHUNK_ROWS = 10_000
MAX_FINDINGS = 1_000
ANALYZE_ROWS = 50_000


_point, _vantage, _outcome = map(attrgetter, ("point", "vantage", "outcome"))
_Row = RunRow
"""Sorting puts them into the primary key's order."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import stored; `repeated` if every file was known already and nothing changed."""

    runs: int
    gaps: int
    repeated: bool


def import_runs(
    connection: Connection,
    audit: AuditSink,
    runs_seen: Sequence[Run],
    gaps_seen: Sequence[Gap] = (),
    *,
    actor: str,
    at: Instant,
    origin: Origin,
    gap_origin: Origin | None = None,
    kind: str = "import",
    progress: Callable[[int, int], None] | None = None,
) -> ImportResult:
    """Store a file of runs, and of gaps, at vantages of `kind` (import or platform); all or nothing.

    A file whose digest is known is skipped. `progress` gets (rows stored, rows in all) every CHUNK_ROWS rows. Raises
    InputError for points that are not in the ledger, vantages of another kind, and runs that overlap each other or
    stored ones of the same point and vantage.
    """
    new_runs = bool(runs_seen) and _is_new(connection, origin.sha256)
    new_gaps = bool(gaps_seen) and gap_origin is not None and _is_new(connection, gap_origin.sha256)
    run_rows = runs_seen if new_runs else ()
    gap_list = gaps_seen if new_gaps else ()
    if not run_rows and not gap_list:
        return ImportResult(0, 0, repeated=bool(runs_seen or gaps_seen))
    place = gap_origin or origin
    at = own_instant(connection, at)
    ids = point_ids(connection)
    _check_points(ids, run_rows, gap_list, origin, place)
    vantages = {
        name: register_vantage(connection, name, kind)
        for name in sorted({*map(_vantage, run_rows), *map(_vantage, gap_list)})
    }
    # By identity: readers hand out a few outcomes many times, and to hash one takes longer than to store a row.
    seen = {id(outcome): outcome for outcome in map(_outcome, run_rows)}
    known = outcome_ids(connection, seen.values())
    numbers = {number: known[outcome] for number, outcome in seen.items()}
    rows: list[_Row] = [
        (ids[r.point], vantages[r.vantage], r.first, r.last, r.count, numbers[id(r.outcome)], r.valid_s)
        for r in run_rows
    ]
    rows.sort()
    _check_overlaps(connection, rows, run_rows, ids, vantages, origin)
    _store(connection, rows, at, progress)
    if gap_list:
        connection.execute(
            insert(gaps),
            [
                {
                    "vantage_id": vantages[g.vantage],
                    "point_id": None if g.point is None else ids[g.point],
                    "start_at": g.start,
                    "end_at": g.end,
                    "cause": g.cause,
                    "recorded_at": at,
                }
                for g in gap_list
            ],
        )
    if run_rows:
        seen_as = {numbers[number]: outcome for number, outcome in seen.items()}
        texts = run_text(rows, {n: code for code, n in ids.items()}, {n: v for v, n in vantages.items()}, seen_as)
        _note(connection, audit, origin, kind, "runs", texts, len(rows), actor, at)
    if gap_list:
        _note(connection, audit, place, kind, "gaps", gap_text(gap_list), len(gap_list), actor, at)
    return ImportResult(len(run_rows), len(gap_list), repeated=False)


def _is_new(connection: Connection, sha256: str) -> bool:
    return connection.scalar(select(imports.c.sha256).where(imports.c.sha256 == sha256)) is None


def _note(
    connection: Connection,
    audit: AuditSink,
    origin: Origin,
    kind: str,
    what: str,
    texts: Iterable[str],
    count: int,
    actor: str,
    at: Instant,
) -> None:
    name = f"{kind}-{what}"
    connection.execute(insert(imports).values(sha256=origin.sha256, kind=name, at=at, rows=count))
    attest_import(connection, texts, at=at, what=what, rows=count, source=origin.sha256, kind=kind, actor=actor)
    after = {"file": origin.file, "rows": count, "sha256": origin.sha256}
    audit(connection, at=at, actor=actor, action=f"{what}.import", object=name, before=None, after=after)


def _check_points(
    ids: dict[str, int], run_rows: Sequence[Run], gap_list: Sequence[Gap], origin: Origin, gap_origin: Origin
) -> None:
    """Raise InputError with one finding per unknown point, at its first row."""
    if {*map(_point, run_rows), *map(_point, gap_list)} - {None} <= ids.keys():
        return
    first: dict[tuple[str, str], tuple[int, int]] = {}
    for source, codes in ((origin, (r.point for r in run_rows)), (gap_origin, (g.point for g in gap_list))):
        for row, code in enumerate(codes):
            if code is not None and code not in ids:
                line, count = first.get((source.file, code), (source.line(row), 0))
                first[source.file, code] = (line, count + 1)
    if not ids:
        remedy = "台账为空，先导入点位 the ledger is empty: camsla points import FILE --actor NAME"
    else:
        remedy = "改正编号或先导入该点位 correct the code or import the point first"
    raise InputError(
        _capped(
            Finding(file, line, "point", f"台账中没有点位 no such point {code!r}（{count} 行 rows）", remedy)
            for (file, code), (line, count) in sorted(first.items(), key=lambda item: item[1])
        )
    )


def _check_overlaps(
    connection: Connection,
    rows: list[_Row],
    run_rows: Sequence[Run],
    ids: dict[str, int],
    vantages: dict[str, int],
    origin: Origin,
) -> None:
    clashes: dict[tuple[int, int, int], str] = {}
    of_point = of_vantage = -1
    reach = 0
    for point, vantage, first, last, _, _, _ in rows:
        if point != of_point or vantage != of_vantage:
            of_point, of_vantage, reach = point, vantage, last
        elif first > reach:
            reach = last
        else:
            clashes[point, vantage, first] = "与文件中另一行重叠 overlaps another row of the file"
            reach = max(reach, last)
    for key in _clashes_with_stored(connection, rows, sorted(vantages.values())):
        clashes[key] = "与已入库的记录重叠 overlaps a stored run"
    if not clashes:
        return
    raise InputError(
        _capped(
            Finding(
                origin.file,
                origin.line(row),
                "first",
                f"{run.point} @ {run.vantage}: {clashes[key]}",
                "每个点位每个观测源的时段不得相交 runs of one point and vantage must not meet",
            )
            for row, run in enumerate(run_rows)
            if (key := (ids[run.point], vantages[run.vantage], run.first)) in clashes
        )
    )


def _clashes_with_stored(connection: Connection, rows: list[_Row], vantages: list[int]) -> list[tuple[int, int, int]]:
    """Walk new and stored runs side by side, both by point, vantage and time."""
    if not rows:
        return []
    low, high = min(map(itemgetter(2), rows)), max(map(itemgetter(3), rows))
    span = {"low": low, "high": high, "vantages": vantages}
    query = text(
        "SELECT point_id, vantage_id, first_at, last_at FROM runs WHERE vantage_id IN :vantages"
        " AND last_at >= :low AND first_at <= :high ORDER BY point_id, vantage_id, first_at"
    ).bindparams(bindparam("vantages", expanding=True))
    found: list[tuple[int, int, int]] = []
    row = 0
    for point, vantage, first, last in connection.execute(query, span):
        # New runs that end before this stored one cannot meet it or any later one.
        while row < len(rows) and (rows[row][0], rows[row][1], rows[row][3]) < (point, vantage, first):
            row += 1
        ahead = row
        while ahead < len(rows) and rows[ahead][:2] == (point, vantage) and rows[ahead][2] <= last:
            found.append((point, vantage, rows[ahead][2]))
            ahead += 1
    return found


def _store(connection: Connection, rows: list[_Row], at: Instant, progress: Callable[[int, int], None] | None) -> None:
    source = iter(rows)
    done = 0
    while chunk := list(islice(source, CHUNK_ROWS)):
        if connection.dialect.name == "postgresql":
            _copy(connection, chunk, at)
        else:
            connection.exec_driver_sql(
                "INSERT INTO runs (point_id, vantage_id, first_at, last_at, n, outcome_id, valid_s, recorded_at)"
                f" VALUES (?, ?, ?, ?, ?, ?, ?, {int(at)})",
                chunk,
            )
        done += len(chunk)
        if progress is not None:
            progress(done, len(rows))
    if done >= ANALYZE_ROWS and connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {runs.name}"))


def _copy(connection: Connection, rows: list[_Row], at: Instant) -> None:
    """COPY is several times as fast as INSERT and takes part in the same transaction."""
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(
            "COPY runs (point_id, vantage_id, first_at, last_at, n, outcome_id, valid_s, recorded_at)"
            " FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.set_types(["int8", "int8", "int8", "int8", "int8", "int8", "int4", "int8"])
        for row in rows:
            copy.write_row((*row, at))


def _capped(findings: Iterable[Finding]) -> list[Finding]:
    """Keep a hopeless file's report readable and its memory bounded."""
    kept = list(islice(findings, MAX_FINDINGS + 1))
    if len(kept) > MAX_FINDINGS:
        kept[-1] = Finding("", 0, "", f"其余从略 more than {MAX_FINDINGS} findings", "先改正以上 correct these first")
    return kept


def imported_vantages(connection: Connection, window: tuple[int, int]) -> list[str]:
    """Return the names of vantages whose runs somebody else recorded and that have any in a window."""
    query = (
        select(sources.c.name)
        .where(
            sources.c.kind.in_(("import", "platform", "gb28181")),
            exists().where(runs.c.vantage_id == sources.c.id, runs.c.first_at < window[1], runs.c.last_at >= window[0]),
        )
        .order_by(sources.c.name)
    )
    return list(connection.scalars(query))
