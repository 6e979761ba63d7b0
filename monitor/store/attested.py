"""`att` records of documents, and their bytes until the log's folder has them.

The record holds the digest only. What has a table of its own (statements, contracts, scans) stays there; other bytes are
kept here and go into the folder. An import's canonical file is kept nowhere: its rows never change, no two imports are
recorded at one instant, and so the file is made again from them when a seal puts it into the folder.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from sqlalchemy import Connection, delete, insert, select

from monitor.model import Gap, Instant, Outcome
from monitor.store.identities import outcomes_by_id, point_ids, vantage_ids
from monitor.store.outbox import report
from monitor.store.tables import gaps, imports, log_blobs, runs

NDJSON = "application/x-ndjson"
RunRow = tuple[int, int, int, int, int, int, int]
"""point, vantage, first, last, n, outcome, valid_s, as numbers of rows."""


def attest(
    connection: Connection,
    *,
    at: Instant,
    what: str,
    id: str,
    version: int,
    sha256: str,
    media: str,
    actor: str,
    of: Mapping[str, int | str],
) -> None:
    """Add the record of a document to the caller's transaction. `of` holds whole numbers and texts."""
    body = {
        "actor": actor,
        "id": id,
        "media": media,
        "of": dict(of),
        "sha256": sha256,
        "version": version,
        "what": what,
    }
    report(connection, at, "att", [body])


def run_text(
    rows: Sequence[RunRow], points: Mapping[int, str], vantages: Mapping[int, str], outcomes: Mapping[int, Outcome]
) -> Iterator[str]:
    """Yield an import's canonical lines of runs, a point's at a vantage at a time, in the file's order.

    `rows` are sorted, so each point's at a vantage stand together; the mappings tell what their numbers mean.
    """
    verdict = {n: f'"{o.state.value}","{o.reason.value}","{o.rung.value}"' for n, o in outcomes.items()}
    series: dict[tuple[str, str], list[str]] = {}
    lines: list[str] = []
    of_point = of_vantage = -1
    head = ""
    for point, vantage, first, last, n, outcome, valid in rows:
        if point != of_point or vantage != of_vantage:
            of_point, of_vantage = point, vantage
            names = points[point], vantages[vantage]
            head = ",".join(json.dumps(name, ensure_ascii=False) for name in names)
            lines = series[names] = []
        lines.append(f"[{head},{first},{last},{n},{verdict[outcome]},{valid}]\n")
    for _, its in sorted(series.items()):
        yield "".join(its)


def gap_text(found: Iterable[Gap]) -> Iterator[str]:
    """Yield an import's canonical lines of gaps, in the file's order: null before a point's code."""
    rows = sorted(
        (
            [gap.vantage, gap.point, int(gap.start), None if gap.end is None else int(gap.end), gap.cause]
            for gap in found
        ),
        key=_gap_order,
    )
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"


def _gap_order(row: Sequence[object]) -> tuple[object, ...]:
    vantage, point, start, end, cause = row
    return vantage, point is not None, point or "", start, end is not None, end or 0, cause


def attest_import(
    connection: Connection,
    texts: Iterable[str],
    *,
    at: Instant,
    what: str,
    rows: int,
    source: str,
    kind: str,
    actor: str,
) -> str:
    """Add the record of an import, whose canonical file is given in pieces; return its digest.

    `what`: runs or gaps; `source`: the digest of the file as it came; `kind`: that of its vantages.
    """
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
    sha256 = digest.hexdigest()
    of: dict[str, int | str] = {"kind": kind, "rows": rows, "source": source}
    attest(connection, at=at, what=what, id=source, version=1, sha256=sha256, media=NDJSON, actor=actor, of=of)
    return sha256


def import_text(connection: Connection, what: str, kind: str, at: Instant) -> Iterator[str]:
    """Yield the canonical file, in pieces, of the import of runs or gaps that was recorded at an instant."""
    names = {number: name for name, (number, its) in vantage_ids(connection).items() if its == kind}
    codes = {number: code for code, number in point_ids(connection).items()}
    if what == "gaps":
        g = gaps.c
        found = select(g.vantage_id, g.start_at, g.end_at, g.cause, g.point_id)
        found = found.where(g.recorded_at == at, g.vantage_id.in_(list(names)))
        yield from gap_text(
            Gap(names[vantage], start, end, cause, None if point is None else codes[point])
            for vantage, start, end, cause, point in connection.execute(found)
        )
        return
    r = runs.c
    query = select(r.point_id, r.vantage_id, r.first_at, r.last_at, r.n, r.outcome_id, r.valid_s)
    query = query.where(r.recorded_at == at, r.vantage_id.in_(list(names)))
    rows = [tuple(row) for row in connection.execute(query.order_by(r.point_id, r.vantage_id, r.first_at))]
    yield from run_text(cast(list[RunRow], rows), codes, names, outcomes_by_id(connection))


def own_instant(connection: Connection, at: Instant) -> Instant:
    """Return the instant, or the first one after it at which no import was recorded yet."""
    taken = set(connection.scalars(select(imports.c.at).where(imports.c.at >= at)))
    while at in taken:
        at = Instant(at + 1)
    return at


def keep(connection: Connection, texts: Iterable[str]) -> str:
    """Keep bytes, given as texts in pieces, until the log's folder has them; return their digest."""
    raw = "".join(texts).encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    if connection.scalar(select(log_blobs.c.sha256).where(log_blobs.c.sha256 == sha256)) is None:
        connection.execute(insert(log_blobs).values(sha256=sha256, body=zlib.compress(raw)))
    return sha256


def kept(connection: Connection, sha256: str) -> bytes | None:
    """Return bytes that wait here, None if the log's folder has them by now. ValueError if they are damaged."""
    body = connection.scalar(select(log_blobs.c.body).where(log_blobs.c.sha256 == sha256))
    if body is None:
        return None
    raw = zlib.decompress(body)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError(f"stored bytes are not those of their digest: {sha256}")
    return raw


def digests_kept(connection: Connection) -> list[str]:
    """Return the digests of what waits here, in their order."""
    return list(connection.scalars(select(log_blobs.c.sha256).order_by(log_blobs.c.sha256)))


def let_go(connection: Connection, digests: Iterable[str]) -> None:
    """Drop bytes that the log's folder has."""
    for sha256 in digests:
        connection.execute(delete(log_blobs).where(log_blobs.c.sha256 == sha256))
