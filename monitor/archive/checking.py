"""A file of the archive read to its last row: is it what its record says, and what the format promises?"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.archive.columns import KEY, about, schema
from monitor.archive.parts import Part, sound
from monitor.archive.reading import open_file
from monitor.finding import InputError, refuse
from monitor.period import midnight

_REMEDY = "从备份恢复 restore it from a backup"


def check(folder: Path, part: Part, moved: Callable[[int, int], None] = lambda *_: None) -> None:
    """Raise InputError, with the file's name, unless digest, rows, order and days of a part are as its record says."""
    sound(folder, part)
    path = part.path(folder)
    points: set[str] = set()
    rows = 0
    before: tuple[str, str, int] | None = None
    with open_file(path) as file:
        _form(file, part, path)
        for group in range(file.metadata.num_row_groups):
            table = file.read_row_group(group)
            last = _ordered(table, before, path)
            _within(table, part.day, part.zone, path)
            points.update(table.column("point").unique().to_pylist())
            rows, before = rows + table.num_rows, last
            moved(rows, part.rows)
    if rows != part.rows or len(points) != part.points:
        raise _damaged(path, f"{rows} rows of {len(points)} points, not {part.rows} of {part.points}")


def _form(file: pq.ParquetFile, part: Part, path: Path) -> None:
    if file.schema_arrow.remove_metadata() != schema():
        raise _damaged(path, "its columns are not the archive's")
    said = (file.metadata.metadata or {}).get(KEY.encode(), b"{}")
    if json.loads(said) != json.loads(about(part.day, part.number, part.zone)[KEY]):
        raise _damaged(path, f"it says of itself that it is {said[:100]!r}")


def _ordered(table: pa.Table, before: tuple[str, str, int] | None, path: Path) -> tuple[str, str, int]:
    """Return a group's last row by point, vantage and time; its rows must be in that order and go on from the one before."""
    # By numbers of the texts in their order: dictionaries are sorted in each group.
    point, vantage = (table.column(name).combine_chunks() for name in ("point", "vantage"))
    t = table.column("t_cs").to_numpy()
    for column in (point, vantage):
        texts = column.dictionary.to_pylist()
        if texts != sorted(texts):
            raise _damaged(path, "a dictionary is out of order")
    p, v = (column.indices.to_numpy().astype(np.int64) for column in (point, vantage))
    key = p * len(vantage.dictionary) + v
    if not ((np.diff(key) > 0) | ((np.diff(key) == 0) & (np.diff(t) >= 0))).all():
        raise _damaged(path, "rows are out of order")
    first, last = ((point[n].as_py(), vantage[n].as_py(), int(t[n])) for n in (0, len(t) - 1))
    if before is not None and first[0] <= before[0]:
        raise _damaged(path, "row groups are out of order")
    return last


def _within(table: pa.Table, day: date, zone: str, path: Path) -> None:
    t = table.column("t_cs").to_numpy()
    start, end = (midnight(d, zone) * 100 for d in (day, day + timedelta(days=1)))
    if t.min() < start or t.max() >= end:
        raise _damaged(path, f"a result is not of {day}")


def _damaged(path: Path, what: str) -> InputError:
    return refuse(f"归档文件内容不符 the archive's file is not what it should be: {what}", _REMEDY, file=str(path))
