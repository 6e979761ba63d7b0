"""The archive held against what is left of its sources: the batches in the database, and the evidence log's manifests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
from sqlalchemy import Connection

from console.archives.archiving import Place, contents
from console.archives.keeping import named_in
from monitor.archive.checking import check
from monitor.archive.parts import Cut, Part, Taken
from monitor.evidence.folder import LogFolder
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS
from monitor.period import midnight
from monitor.store import batches, log

AS_IT_SHOULD = "查明原因；勿再清理批次 find out why; prune no batches meanwhile"


def verify(
    connection: Connection, place: Place, folder: LogFolder, parts: Sequence[Part], moved: Callable[[int, int], None]
) -> list[Finding]:
    """Read every part to its last row and return what is wrong, file by file; `moved` counts results."""
    findings: list[Finding] = []
    total, done = sum(part.rows for part in parts), 0

    def more(rows: int, _: int) -> None:
        moved(done + rows, total)

    for part in parts:
        try:
            check(place.folder, part, more)
            _against_batches(connection, place, part)
            _against_log(connection, place, folder, part)
        except InputError as error:
            findings += error.findings
        done += part.rows
    return findings


def _against_batches(connection: Connection, place: Place, part: Part) -> None:
    """Raise InputError if all of a part's batches are still there and hold another number of results."""
    sources = batches.sources(connection)
    expected = 0
    for vantage, taken in part.taken.items():
        if vantage not in sources:
            return
        for first, last in taken.whole:
            found, results = batches.held(connection, sources[vantage][0], first, last)
            if found != last - first + 1:
                return
            expected += results
        for cut in taken.cut:
            counted = _of_day(connection, place, part, vantage, cut)
            if counted is None:
                return
            expected += counted
    if expected != part.rows:
        raise refuse(
            f"文件有 {part.rows:,} 个结果，其批次有 {expected:,} 个 results in the file, {expected:,} in its batches",
            AS_IT_SHOULD,
            file=str(part.path(place.folder)),
        )


def _of_day(connection: Connection, place: Place, part: Part, vantage: str, cut: Cut) -> int | None:
    start, end = (midnight(d, place.zone) * MICROSECONDS for d in (part.day, part.day + timedelta(days=1)))
    for batch in contents(connection, {vantage: Taken((), (cut,))}):
        at = np.cumsum(np.frombuffer(batch.columns[0], "<i8"))
        return int(((at >= start) & (at < end)).sum())
    return None


def _against_log(connection: Connection, place: Place, folder: LogFolder, part: Part) -> None:
    """Raise InputError if the part's day is sealed with another file's digest."""
    if part.number or log.find_day(connection, str(part.day)) is None:
        return
    named = named_in(folder, part.day)
    if named and named != part.sha256:
        raise refuse(
            f"封存的清单记的是另一个文件 the sealed manifest names another file: {named[:16]}…，此处 here {part.sha256[:16]}…",
            AS_IT_SHOULD,
            file=str(part.path(place.folder)),
        )
