"""A day's results on their way from batches in order of time to rows by point, through files, so that memory stays small.

Pass one spreads the results over files by point; pass two reads these one by one, sorted. What is written depends on the
results alone, not on how they came in batches or in which order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.archive.columns import GROUP_ROWS, rounded

POINT_SHIFT: Final = 36
VANTAGE_SHIFT: Final = 28
"""Of a row's key: the point's place, eight bits of the vantage's, the milliseconds since the day's midnight."""
MAX_VANTAGES: Final = 256
MAX_BUCKETS: Final = 256
MAX_ROWS: Final = 2_000_000_000
PENDING_ROWS: Final = 200_000
ROW: Final = np.dtype([("key", "<u8"), ("took", "<u4"), ("camera", "<u4"), ("verdict", "<u4")])
Rows = NDArray[np.void]


class Packed(Protocol):
    """A batch as the store gives it: see monitor/store/batch.py's Columns."""

    @property
    def vantage(self) -> str: ...
    @property
    def points(self) -> Sequence[str]: ...
    @property
    def cameras(self) -> Sequence[str]: ...
    @property
    def outcomes(self) -> Sequence[tuple[str, str, str]]: ...
    @property
    def columns(self) -> Sequence[memoryview]: ...


class Verdict(NamedTuple):
    """What a result says besides its time: outcome and validity (s)."""

    state: str
    reason: str
    rung: str
    valid_s: int


class Spool:
    """The results of one day, [start, end) in microseconds, of the given points and vantages (both sorted)."""

    def __init__(
        self, folder: Path, span: tuple[int, int], points: Sequence[str], vantages: Sequence[str], expected: int
    ) -> None:
        """`folder` exists and is empty; `expected` rows decide into how many files they are spread.

        ValueError for more vantages or rows than fit.
        """
        if len(vantages) > MAX_VANTAGES or expected > MAX_ROWS:
            raise ValueError(f"{len(vantages)} vantages, {expected} results: too many for a day's file")
        self._folder = folder
        self.start, self._end = span
        self.points, self.vantages = points, vantages
        self._point = {code: n for n, code in enumerate(points)}
        self._vantage = {name: n for n, name in enumerate(vantages)}
        self._camera: dict[str, int] = {}
        self._verdict: dict[Verdict, int] = {}
        buckets = max(1, min(MAX_BUCKETS, -(-expected // GROUP_ROWS)))
        self._per_bucket = max(1, -(-len(points) // buckets))
        self._pending: list[Rows] = []
        self._waiting = 0
        self._files: dict[int, int] = {}
        self.rows = 0

    def add(self, batch: Packed) -> None:
        """Take a batch's results of this day; KeyError for a point or vantage that was not named."""
        delta, point, camera, outcome, valid, took = (
            np.frombuffer(column, kind)
            for column, kind in zip(batch.columns, ("<i8", "<u4", "<u4", "<u2", "<u4", "<i8"), strict=True)
        )
        at = np.cumsum(delta)
        rows = np.empty(len(at), ROW)
        key = (at - self.start) // 1000
        ours = (at >= self.start) & (at < self._end)
        point_of = np.fromiter((self._point[code] for code in batch.points), np.int64, len(batch.points))
        key += point_of[point] << POINT_SHIFT
        key += self._vantage[batch.vantage] << VANTAGE_SHIFT
        rows["key"] = key
        rows["took"] = rounded(took)
        cameras = [self._camera.setdefault(name, len(self._camera)) for name in batch.cameras]
        rows["camera"] = np.array(cameras, np.uint32)[camera]
        rows["verdict"] = self._verdicts(batch.outcomes, outcome, valid)
        if not ours.all():
            rows = rows[ours]
        self._pending.append(rows)
        self._waiting += len(rows)
        self.rows += len(rows)
        if self._waiting >= PENDING_ROWS:
            self._spread()

    def _verdicts(
        self, outcomes: Sequence[tuple[str, str, str]], outcome: NDArray[np.uint16], valid: NDArray[np.uint32]
    ) -> NDArray[np.uint32]:
        both, place = np.unique(outcome.astype(np.int64) << 32 | valid, return_inverse=True)
        numbers = [
            self._verdict.setdefault(_verdict(outcomes[pair >> 32], pair & 0xFFFFFFFF), len(self._verdict))
            for pair in both.tolist()
        ]
        return np.array(numbers, np.uint32)[place]

    def _spread(self) -> None:
        """Append what is pending to the files of its points."""
        if not self._waiting:
            return
        rows = np.concatenate(self._pending)
        bucket = (rows["key"] >> np.uint64(POINT_SHIFT)).astype(np.int64) // self._per_bucket
        order = np.argsort(bucket, kind="stable")
        rows, bucket = rows[order], bucket[order]
        cuts = np.flatnonzero(np.diff(bucket)) + 1
        for first, last in zip([0, *cuts.tolist()], [*cuts.tolist(), len(rows)], strict=True):
            self._append(int(bucket[first]), rows[first:last])
        self._pending, self._waiting = [], 0

    def _append(self, bucket: int, rows: Rows) -> None:
        with (self._folder / f"{bucket:03d}").open("ab") as file:
            rows.tofile(file)
        self._files[bucket] = self._files.get(bucket, 0) + len(rows)

    @property
    def cameras(self) -> list[str]:
        """The cameras' names by the numbers that `sorted_rows` gives, sorted."""
        return sorted(self._camera)

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts by the numbers that `sorted_rows` gives, sorted."""
        return sorted(self._verdict)

    def sorted_rows(self) -> Iterator[Rows]:
        """Yield all rows by point, vantage, time and then all the rest, in pieces that end with whole points."""
        self._spread()
        camera, verdict = _ranks(self._camera), _ranks(self._verdict)
        for bucket in sorted(self._files):
            path = self._folder / f"{bucket:03d}"
            rows = np.fromfile(path, ROW)
            if len(rows) != self._files[bucket]:
                raise OSError(0, "short read", os.fspath(path))
            path.unlink()
            rows["camera"], rows["verdict"] = camera[rows["camera"]], verdict[rows["verdict"]]
            ordered = rows[np.argsort(rows["key"], kind="stable")]
            if (ordered["key"][1:] == ordered["key"][:-1]).any():  # two results of one millisecond
                ordered = rows[np.lexsort((rows["took"], rows["camera"], rows["verdict"], rows["key"]))]
            yield ordered


def _verdict(outcome: tuple[str, str, str], valid_s: int) -> Verdict:
    state, reason, rung = outcome
    return Verdict(state, reason, rung, valid_s)


def _ranks(numbers: dict[str, int] | dict[Verdict, int]) -> NDArray[np.uint32]:
    """Return each number's place in the order of the names."""
    ranks = np.zeros(len(numbers), np.uint32)
    for rank, (_, number) in enumerate(sorted(numbers.items())):
        ranks[number] = rank
    return ranks
