"""`att` records of documents, and the bytes that no other table keeps: an import's canonical file of lines.

Those bytes wait here, deflated, until the log's folder has them; statements, contracts and scans stay in the tables of
those who made them, and the record holds their digest only.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter

from sqlalchemy import Connection, delete, insert, select

from monitor.model import Gap, Instant, Run
from monitor.store.outbox import report
from monitor.store.tables import log_blobs

NDJSON = "application/x-ndjson"
_LEVEL = 1
"""Level 6 takes four times as long for a fifth less."""
_run_order = attrgetter("point", "vantage", "first")
CHUNK = 5_000


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


def run_lines(runs: Iterable[Run]) -> list[str]:
    """Return the canonical lines of an import's runs, in the file's order."""
    ordered = sorted(runs, key=_run_order)
    names = {run.point for run in ordered} | {run.vantage for run in ordered}
    text = {name: json.dumps(name, ensure_ascii=False) for name in names}
    # By identity: readers hand out a few outcomes many times, and to hash one takes longer than the line.
    seen = {id(run.outcome): run.outcome for run in ordered}
    verdict = {n: f'"{o.state.value}","{o.reason.value}","{o.rung.value}"' for n, o in seen.items()}
    return [
        f"[{text[r.point]},{text[r.vantage]},{r.first},{r.last},{r.count},{verdict[id(r.outcome)]},{r.valid_s}]"
        for r in ordered
    ]


def gap_lines(gaps: Iterable[Gap]) -> list[str]:
    """Return the canonical lines of an import's gaps, in the file's order: null before a point's code."""
    rows = sorted(
        (
            [gap.vantage, gap.point, int(gap.start), None if gap.end is None else int(gap.end), gap.cause]
            for gap in gaps
        ),
        key=_gap_order,
    )
    return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]


def _gap_order(row: Sequence[object]) -> tuple[object, ...]:
    vantage, point, start, end, cause = row
    return vantage, point is not None, point or "", start, end is not None, end or 0, cause


def attest_import(
    connection: Connection, lines: Sequence[str], *, at: Instant, what: str, source: str, kind: str, actor: str
) -> str:
    """Keep an import's canonical file and add its record; return its digest.

    `what`: runs or gaps; `source`: the digest of the file as it came; `kind`: that of its vantages.
    """
    sha256 = keep(
        connection, ("".join(f"{line}\n" for line in lines[n : n + CHUNK]) for n in range(0, len(lines), CHUNK))
    )
    of: dict[str, int | str] = {"kind": kind, "rows": len(lines), "source": source}
    attest(connection, at=at, what=what, id=source, version=1, sha256=sha256, media=NDJSON, actor=actor, of=of)
    return sha256


def keep(connection: Connection, parts: Iterable[str]) -> str:
    """Keep bytes, given as texts in pieces, until the log's folder has them; return their digest."""
    digest, deflate = hashlib.sha256(), zlib.compressobj(_LEVEL)
    packed = []
    for part in parts:
        raw = part.encode()
        digest.update(raw)
        packed.append(deflate.compress(raw))
    packed.append(deflate.flush())
    sha256 = digest.hexdigest()
    if connection.scalar(select(log_blobs.c.sha256).where(log_blobs.c.sha256 == sha256)) is None:
        connection.execute(insert(log_blobs).values(sha256=sha256, body=b"".join(packed)))
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
