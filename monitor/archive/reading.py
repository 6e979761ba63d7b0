"""Rows of the archive turned into runs again, as the store's projection does (step 2 of the timeline algorithm).

One row group after the other: what is kept are runs, so memory grows with them and not with results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from monitor.archive.columns import TEXTS
from monitor.finding import refuse
from monitor.model import CS_US, Gap

READ: Final = (*TEXTS, "t_cs", "valid_s")
Numbers = NDArray[np.int64]


class Names:
    """Texts numbered as they come: one number a text, whatever row group or file it stands in."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def __call__(self, texts: Iterable[Any]) -> Numbers:
        """Return the texts' numbers; new ones get the next."""
        numbers = self._numbers
        return np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)

    def all(self) -> list[Any]:
        """Return the texts by number."""
        return list(self._numbers)

    def find(self, text: Any) -> int:
        """Return a text's number, -1 if it has none."""
        return self._numbers.get(text, -1)


class Edges:
    """Where gaps begin and end, in hundredths of a second: a run never goes on over one.

    A gap begins after all results of its first hundredth, as a gap of the watcher's own begins with its last result.
    """

    def __init__(self, gaps: Iterable[Gap]) -> None:
        found: dict[tuple[str, str | None], set[int]] = {}
        for gap in gaps:
            edges = found.setdefault((gap.vantage, gap.point), set())
            edges.add(gap.start // CS_US + 1)
            if gap.end is not None:
                edges.add(gap.end // CS_US)
        self._of = {whose: np.array(sorted(edges), np.int64) for whose, edges in found.items()}

    def within(
        self, after: Numbers, upto: Numbers, point: Numbers, vantage: Numbers, names: tuple[Names, Names]
    ) -> Iterator[tuple[int, Numbers]]:
        """Yield place and edges of those spans (after, upto] of points and vantages in which any lies."""
        points, vantages = names
        for (whose, code), edges in self._of.items():
            v, p = vantages.find(whose), -1 if code is None else points.find(code)
            if v < 0 or (code is not None and p < 0):
                continue
            low, high = np.searchsorted(edges, after, "right"), np.searchsorted(edges, upto, "right")
            over = (low < high) & (vantage == v)
            if code is not None:
                over &= point == p
            for place in np.flatnonzero(over).tolist():
                yield place, edges[low[place] : high[place]]


class Stretches(NamedTuple):
    """Runs as columns; `first` and `last` in hundredths of a second, names and verdicts by number."""

    point: Numbers
    vantage: Numbers
    camera: Numbers
    verdict: Numbers
    valid_s: Numbers
    first: Numbers
    last: Numbers
    samples: Numbers


class Book:
    """What has been read so far."""

    def __init__(self, gaps: Iterable[Gap]) -> None:
        self.points, self.vantages, self.cameras, self.verdicts = Names(), Names(), Names(), Names()
        self._edges = Edges(gaps)
        self._read: list[Stretches] = []

    def read(self, path: Path, points: Collection[str] | None = None) -> int:
        """Read a file's rows, or those of some points; return how many. InputError if it is damaged."""
        rows = 0
        with open_file(path) as file:
            for group in range(file.metadata.num_row_groups):
                if points is not None and not _may_have(file, group, points):
                    continue
                table = file.read_row_group(group, columns=list(READ))
                if points is not None:
                    wanted = pa.array(sorted(points), pa.string())
                    table = table.filter(pa.compute.is_in(table.column("point").cast(pa.string()), wanted))
                if table.num_rows:
                    rows += table.num_rows
                    self._read.append(self._group(table))
        return rows

    def _group(self, table: pa.Table) -> Stretches:
        t = table.column("t_cs").to_numpy()
        valid = table.column("valid_s").to_numpy()
        local = {name: _coded(table, name) for name in TEXTS}
        opens = np.ones(len(t), bool)
        changed = valid[1:] != valid[:-1]
        for name in ("point", "vantage", "camera", "state", "reason", "rung"):
            numbers = local[name][0]
            if len(local[name][1]) > 1:
                changed |= numbers[1:] != numbers[:-1]
        changed |= np.diff(t) > valid[1:].astype(np.int64) * 100
        opens[1:] = changed
        first = np.flatnonzero(opens)
        point = self.points(local["point"][1])[local["point"][0][first]]
        vantage = self.vantages(local["vantage"][1])[local["vantage"][0][first]]
        cuts = self._cuts(t, first, point, vantage)
        if len(cuts):
            owner = np.searchsorted(first, cuts, "right") - 1
            place = np.concatenate([np.arange(len(first)), owner])
            first = np.concatenate([first, cuts])
            order = np.argsort(first, kind="stable")
            first, place = first[order], place[order]
            point, vantage = point[place], vantage[place]
        return self._stretches(local, first, t, valid, point, vantage)

    def _cuts(self, t: Numbers, first: Numbers, point: Numbers, vantage: Numbers) -> Numbers:
        """Return the rows before which a gap's edge divides a run."""
        last = np.append(first[1:], len(t)) - 1
        found: list[Numbers] = []
        for run, edges in self._edges.within(t[first], t[last], point, vantage, (self.points, self.vantages)):
            low, high = int(first[run]), int(last[run]) + 1
            found.append(low + np.searchsorted(t[low:high], edges))
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def _stretches(
        self,
        local: Mapping[str, tuple[Numbers, list[str]]],
        first: Numbers,
        t: Numbers,
        valid: Numbers,
        point: Numbers,
        vantage: Numbers,
    ) -> Stretches:
        last = np.append(first[1:], len(t)) - 1
        words = [[local[name][1][n] for n in local[name][0][first].tolist()] for name in _VERDICT]
        camera = self.cameras(local["camera"][1])[local["camera"][0][first]]
        verdict = self.verdicts(zip(*words, strict=True))
        return Stretches(
            point, vantage, camera, verdict, valid[first].astype(np.int64), t[first], t[last], last - first + 1
        )

    def stretches(self) -> Stretches:
        """Return all runs by point, vantage and time: those that go on over midnight as one."""
        if not self._read:
            return Stretches(*(np.empty(0, np.int64) for _ in Stretches._fields))
        whole = Stretches(*map(np.concatenate, zip(*self._read, strict=True)))
        order = np.lexsort((whole.last, whole.first, whole.vantage, whole.point))
        whole = Stretches(*(column[order] for column in whole))
        self._read = [whole]
        opens = np.ones(len(whole.first), bool)
        changed = whole.first[1:] - whole.last[:-1] > whole.valid_s[1:] * 100
        for column in whole[:5]:
            changed |= column[1:] != column[:-1]
        opens[1:] = changed | self._edge_between(whole)
        begin = np.flatnonzero(opens)
        columns = [column[begin] for column in whole[:6]]
        ends, samples = np.maximum.reduceat(whole.last, begin), np.add.reduceat(whole.samples, begin)
        return Stretches._make([*columns, ends, samples])

    def _edge_between(self, runs: Stretches) -> NDArray[np.bool_]:
        """Tell for each run but the first whether an edge lies between the one before and it."""
        result = np.zeros(len(runs.first) - 1, bool)
        after, upto, point, vantage = runs.last[:-1], runs.first[1:], runs.point[1:], runs.vantage[1:]
        for place, _ in self._edges.within(after, upto, point, vantage, (self.points, self.vantages)):
            result[place] = True
        return result


_VERDICT: Final = ("state", "reason", "rung")
_REMEDY = "从备份恢复 restore it from a backup"


@contextmanager
def open_file(path: Path) -> Iterator[pq.ParquetFile]:
    """Give an archive's file to read. InputError if it is none, or turns out damaged while it is read."""
    try:
        with pq.ParquetFile(path, read_dictionary=list(TEXTS)) as file:
            missing = [name for name in (*READ, "took_us") if name not in file.schema_arrow.names]
            if missing:
                raise pa.ArrowInvalid(f"no column {missing[0]}")
            yield file
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        message = f"归档文件无法读取 cannot read the archive's file: {_said(error)}"
        raise refuse(message, _REMEDY, file=str(path)) from None


def _said(error: Exception) -> str:
    """What a library says of a file, in one line; of a column that is not there it says only the name, in bytes."""
    if isinstance(error, KeyError):
        name = error.args[0]
        return f"no column {name.decode() if isinstance(name, bytes) else name}"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _coded(table: pa.Table, name: str) -> tuple[Numbers, list[str]]:
    """Return a text column's numbers and the texts that they stand for."""
    column = table.column(name).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.unify_dictionaries().combine_chunks()
    return column.indices.to_numpy(), column.dictionary.to_pylist()


def _may_have(file: pq.ParquetFile, group: int, points: Sequence[str] | Collection[str]) -> bool:
    about = file.metadata.row_group(group).column(0).statistics
    return about is None or not about.has_min_max or any(about.min <= code <= about.max for code in points)
