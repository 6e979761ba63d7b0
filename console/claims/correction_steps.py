"""Exclusions and reclassifications as the console shows them: claims with their batch, effect, and record in the log."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from console.claims import correcting
from console.documents.handed_in import keep
from console.web.visit import Visit
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant, Reclassification, State
from monitor.origin import Origin
from monitor.scope import Scope
from monitor.sources.exclusions import ExclusionFile, read_exclusions
from monitor.sources.reclassifications import ReclassificationFile, read_reclassifications
from monitor.store import claims, exclusions, reclassifications
from monitor.store.claims import Claim
from monitor.store.identities import point_ids
from monitor.store.queries import visible
from monitor.store.tables import points
from monitor.store.writer import Writer

Kind = Literal["exclude", "online", "offline"]
Read = TypeVar("Read", ExclusionFile, ReclassificationFile, ExclusionFile | ReclassificationFile)
MAX_REASON = 200
MAX_ROWS = 5_000
_PAPER = re.compile(r"（依据 document ([0-9a-f]{16})）$")


class Wish(NamedTuple):
    """What somebody claims: a point and a span in one form, or rows of a CSV file (`rows`), with the document behind it.

    `to` is what unknown time was; for an exclusion it is `exclude`. Instants are ISO 8601, in the zone where they name none.
    """

    to: Kind
    point: str = ""
    start: str = ""
    end: str = ""
    reason: str = ""
    document: tuple[str, bytes] | None = None
    rows: tuple[str, bytes] | None = None


def listed(connection: Connection, scope: Scope) -> list[Claim]:
    """Return every claim at visible points, the newest first."""
    return list(reversed(claims.listed(connection, scope)))


def batch_of(rows: Sequence[Claim], claim: Claim) -> list[Claim]:
    """Return what was claimed together with a claim: by the same person at the same instant on the same document."""
    same = (claim.claimed_by, claim.claimed_at, claim.document_sha, claim.what, claim.revokes is None)
    return [
        row for row in rows if (row.claimed_by, row.claimed_at, row.document_sha, row.what, row.revokes is None) == same
    ]


def pending(rows: Sequence[Claim]) -> list[Claim]:
    """Return those that wait for a second person."""
    return [row for row in rows if not row.approved_by and row.status in {"pending", "revocation"}]


Rows = ExclusionFile | ReclassificationFile


async def claimed(visit: Visit, wish: Wish) -> list[int]:
    """Claim for a visit; return the numbers. InputError as from `claim`. Rows are parsed in a process of their own."""
    rows = None if wish.rows is None else await visit.compute(read, wish.to, wish.rows)
    zone = visit.site.settings.zone
    return await visit.write(claim, wish, rows, zone, visit.scope, at=visit.at, actor=visit.person.name)


def read(to: Kind, file: tuple[str, bytes]) -> Rows:
    """Read the rows of an uploaded file. InputError with every complaint, none or more of them than are taken at once."""
    reader: Callable[[Path], Rows] = read_exclusions if to == "exclude" else read_reclassifications
    found = _read(file, reader)
    count = len(found.exclusions if isinstance(found, ExclusionFile) else found.rows)
    if not count:
        raise refuse("没有数据行 no rows", "至少一行 at least one", column="rows")
    if count > MAX_ROWS:
        raise refuse(f"超过 {MAX_ROWS:,} 行 more rows than allowed", "分成几个文件 split the file", column="rows")
    return found


def claim(
    writer: Writer, wish: Wish, rows: Rows | None, zone: str, scope: Scope, *, at: Instant, actor: str
) -> list[int]:
    """Keep the document and add the claims, all or none; return their numbers. InputError with every complaint.

    `rows` is what `read` made of the wish's file, None where it is one span.
    """
    if wish.to == "exclude":
        return _exclude(writer, wish, rows, zone, scope, at=at, actor=actor)
    if wish.document is None:
        raise refuse(
            "补判须附故障报告 a reclassification needs its fault report", "选择文件 choose it", column="document"
        )
    if not isinstance(rows, ReclassificationFile):
        read_rows, origin = [_reclassification(wish, zone)], Origin()
    else:
        read_rows, origin = rows.rows, rows.origin
    with writer.transaction() as connection:
        _require_seen(connection, scope, [row.point for row in read_rows], origin)
        if {row.point for row in read_rows} <= point_ids(connection).keys():  # else `claim` says which are not
            correcting.require_unknown(connection, read_rows, origin, zone)
        sha, _ = keep(writer, connection, wish.document[1], wish.document[0], at=at, actor=actor)
        return reclassifications.claim(
            connection, writer.audit, read_rows, document=sha, actor=actor, at=at, origin=origin
        )


def _exclude(
    writer: Writer, wish: Wish, given: Rows | None, zone: str, scope: Scope, *, at: Instant, actor: str
) -> list[int]:
    name, body = ("exclusion.csv", _as_file(wish, zone)) if wish.rows is None else wish.rows
    found = given if isinstance(given, ExclusionFile) else _read((name, body), read_exclusions)
    origin = found.origin if wish.rows is not None else found.origin._replace(file="")
    with writer.transaction() as connection:
        _require_seen(connection, scope, [row.point for row in found.exclusions], origin)
        rows = found.exclusions
        if wish.document is not None:
            sha, _ = keep(writer, connection, wish.document[1], wish.document[0], at=at, actor=actor)
            rows = [replace(row, cause=f"{row.cause}（依据 document {sha[:16]}）") for row in rows]
        keep(writer, connection, body, name, at=at, actor=actor)
        return exclusions.claim(connection, writer.audit, rows, actor=actor, at=at, origin=origin)


def _as_file(wish: Wish, zone: str) -> bytes:
    """One form's claim as the file that it would have come in: its digest stands in the claim's record."""
    row = _reclassification(wish._replace(to="online"), zone)
    return as_csv("exclude", [(row.point, _iso(row.start, zone), _iso(row.end, zone), row.cause)])


def as_csv(to: Kind, rows: Iterable[tuple[str, str, str, str]]) -> bytes:
    """Return claims of one kind, (point, start, end, reason) as text, as the file that holds them: row n is on line n + 2.

    A text with a line's end in it would move the rows after it; the caller refuses those.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    states = () if to == "exclude" else (to,)
    writer.writerow(("point", "start", "end", *(("to",) if states else ()), "reason"))
    writer.writerows((point, start, end, *states, reason) for point, start, end, reason in rows)
    return out.getvalue().encode()


def _reclassification(wish: Wish, zone: str) -> Reclassification:
    findings = []
    start, end = _instant(wish.start, zone), _instant(wish.end, zone)
    for name, value in (("start", start), ("end", end)):
        if value is None:
            findings.append(Finding("", 0, name, "不是时刻 not an instant", "写成 like 2020-07-01T08:00"))
    if not wish.point.strip():
        findings.append(Finding("", 0, "point", "点位编号为空 no point code", "补上编号 give one"))
    if not wish.reason.strip() or len(wish.reason) > MAX_REASON:
        findings.append(
            Finding("", 0, "reason", f"事由须为 1–{MAX_REASON} 字 1 to {MAX_REASON} characters", "改写 rewrite it")
        )
    if findings or start is None or end is None:
        raise InputError(findings)
    state = State.ONLINE if wish.to == "exclude" else State(wish.to)
    return Reclassification(wish.point.strip(), start, end, state, wish.reason.strip())


def _instant(text: str, zone: str) -> Instant | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return Instant(round(moment.timestamp()) * MICROSECONDS)


def _iso(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at // MICROSECONDS, ZoneInfo(zone)).isoformat()


def _read(file: tuple[str, bytes], reader: Callable[[Path], Read]) -> Read:
    """Read an upload as the file that it was, under its own name."""
    with tempfile.TemporaryDirectory(prefix="camsla-claims-") as folder:
        path = Path(folder) / "upload.csv"
        path.write_bytes(file[1])
        try:
            found = reader(path)
            return replace(found, origin=found.origin._replace(file=file[0]))
        except InputError as error:
            raise InputError(
                Finding(file[0], f.line, f.column, f.message, f.remedy, f.level) for f in error.findings
            ) from None


def _require_seen(connection: Connection, scope: Scope, codes: Sequence[str], origin: Origin) -> None:
    """Refuse points out of the person's scope in the words for those that there are not."""
    seen = set(connection.scalars(select(points.c.code).where(visible(scope))))
    findings = [
        Finding(
            origin.file,
            origin.line(n) if origin.file else 0,
            "point",
            f"台账中没有点位 no such point {code!r}",
            "改正编号 correct the code",
        )
        for n, code in enumerate(codes)
        if code not in seen
    ]
    if findings:
        raise InputError(findings)


def paper_of(row: Claim) -> str:
    """Return how the digest begins of the paper that an exclusion's reason names, "" where it names none."""
    found = _PAPER.search(row.cause) if row.what == "exclude" else None
    return "" if found is None else found[1]


def reason_of(row: Claim) -> str:
    """Return why, as somebody wrote it: without what names the paper."""
    return _PAPER.sub("", row.cause) if row.what == "exclude" else row.cause


def approve(writer: Writer, numbers: Sequence[int], what: claims.What, *, at: Instant, actor: str) -> int:
    """Approve claims or withdrawals of a kind; all or none. InputError for one's own, and those decided already."""
    with writer.transaction() as connection:
        return claims.approve(connection, writer.audit, numbers, actor=actor, at=at, what=what)


def revoke(
    writer: Writer, numbers: Sequence[int], what: claims.What, reason: str, *, at: Instant, actor: str
) -> list[int]:
    """Withdraw claims, which refuses those that are pending; one that was approved waits for a second person."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise refuse(f"理由须为 1–{MAX_REASON} 字 1 to {MAX_REASON} characters", "改写 rewrite it", column="reason")
    with writer.transaction() as connection:
        return [
            claims.revoke(connection, writer.audit, n, actor=actor, at=at, reason=reason.strip(), what=what)
            for n in numbers
        ]
