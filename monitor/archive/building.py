"""A day's file made of committed batches: sorted, compressed, on the disk whole or not at all.

Memory stays under some 200 MB whatever the day's size; on the disk a day needs 20 bytes a result for a while.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.archive.columns import GROUP_ROWS, NUMBERS, TEXTS, WRITING, about, schema
from monitor.archive.parts import Part, Taken, digest_of, sync, write_record
from monitor.archive.spool import POINT_SHIFT, VANTAGE_SHIFT, Packed, Rows, Spool
from monitor.finding import refuse
from monitor.model import MICROSECONDS
from monitor.period import midnight

_MS = (1 << VANTAGE_SHIFT) - 1


def build(
    folder: Path,
    day: date,
    number: int,
    zone: str,
    batches: Iterable[Packed],
    *,
    points: Sequence[str],
    taken: Mapping[str, Taken],
    expected: int,
) -> Part:
    """Write a part of a day from batches, of which results of other days are left out, and return its record.

    `points` are all codes that may occur, sorted; `taken` says which batches these are; `expected` is about how many
    results. When this returns, file and record are on the disk; otherwise neither is. OSError as the disk says;
    InputError if a file of that name, with other bytes, is there without a record.
    """
    start, end = (midnight(d, zone) * MICROSECONDS for d in (day, day + timedelta(days=1)))
    part = Part(day, number, zone, 0, 0, 0, "", taken)
    scratch, fresh = folder / f".{part.stem}.rows", folder / f".{part.stem}.parquet.part"
    folder.mkdir(parents=True, exist_ok=True)
    clear(folder)
    try:
        scratch.mkdir()
        spool = Spool(scratch, (start, end), points, sorted(taken), expected)
        for batch in batches:
            spool.add(batch)
        count = _write(fresh, spool, about(day, number, zone))
        part = replace(part, rows=spool.rows, points=count, bytes=fresh.stat().st_size, sha256=digest_of(fresh))
        _keep(fresh, part.path(folder), part)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    write_record(folder, part)
    return part


def clear(folder: Path) -> None:
    """Remove what a build that was cut off has left."""
    for path in folder.glob(".*.rows"):
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)


def _keep(fresh: Path, path: Path, part: Part) -> None:
    """Give a finished file its name. One that is there without a record must be the same: a crash came between the two."""
    if path.exists() and digest_of(path) != part.sha256:
        raise refuse(
            "有归档文件而无其记录，且内容不同 a file of the archive without its record, and with other content",
            "查明来历，移走后重试 find out what it is, move it away and try again",
            file=str(path),
        )
    fresh.replace(path)
    sync(path.parent)


def _write(path: Path, spool: Spool, metadata: Mapping[str, str]) -> int:
    """Write the rows in groups of whole points; return how many points there are."""
    count, form = 0, schema()
    with path.open("wb") as file:
        with pq.ParquetWriter(file, form, **WRITING) as writer:
            writer.add_key_value_metadata(metadata)
            for rows in _groups(spool.sorted_rows()):
                table = _table(rows, spool, form)
                count += len(table.column("point").chunk(0).dictionary)
                writer.write_table(table, row_group_size=len(rows))
        file.flush()
        os.fsync(file.fileno())
    return count


def _groups(pieces: Iterator[Rows]) -> Iterator[Rows]:
    """Cut sorted rows into groups of whole points, of GROUP_ROWS and the rest of a point."""
    left: list[Rows] = []
    for piece in pieces:
        rows = np.concatenate([*left, piece]) if left else piece
        while len(rows) >= GROUP_ROWS:
            point = rows["key"] >> np.uint64(POINT_SHIFT)
            cut = int(np.searchsorted(point, point[GROUP_ROWS - 1], "right"))
            yield rows[:cut]
            rows = rows[cut:]
        left = [rows.copy()] if len(rows) else []
    yield from left


def _table(rows: Rows, spool: Spool, form: pa.Schema) -> pa.Table:
    point = (rows["key"] >> np.uint64(POINT_SHIFT)).astype(np.int64)
    vantage = (rows["key"] >> np.uint64(VANTAGE_SHIFT)).astype(np.int64) & 0xFF
    at_ms = (rows["key"] & np.uint64(_MS)).astype(np.int64) + spool.start // 1000
    verdicts = spool.verdicts
    verdict = rows["verdict"]
    columns: dict[str, Any] = {
        "point": _texts(point, spool.points),
        "vantage": _texts(vantage, spool.vantages),
        "camera": _texts(rows["camera"], spool.cameras),
        "state": _texts(verdict, [v.state for v in verdicts]),
        "reason": _texts(verdict, [v.reason for v in verdicts]),
        "rung": _texts(verdict, [v.rung for v in verdicts]),
        "t_cs": pa.array(at_ms // 10),
        "valid_s": pa.array(np.array([v.valid_s for v in verdicts], np.int32)[verdict]),
        "took_us": pa.array(rows["took"].astype(np.int32)),
    }
    return pa.table([columns[name] for name in (*TEXTS, *NUMBERS)], schema=form)


def _texts(numbers: Any, names: Sequence[str]) -> pa.DictionaryArray:
    """Return numbered names as a column whose dictionary has those that occur, sorted, each once."""
    occurring = sorted({names[n] for n in np.flatnonzero(np.bincount(numbers, minlength=len(names))).tolist()})
    place = {name: n for n, name in enumerate(occurring)}
    ranks = np.array([place.get(name, -1) for name in names], np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(ranks[numbers]), pa.array(occurring, pa.string()))
