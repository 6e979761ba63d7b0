"""The truth file: what every fake camera really was, and when. A measurement is compared with it afterwards.

CSV, UTF-8, header `camera,state,start,end,fault`. Instants are ISO 8601 in UTC with microseconds; spans are half-open.
A row is written, and flushed, the moment its span has ended, so every row is final and rows stand in order of their
end; the spans still open are written when the fleet ends. Per camera the spans abut without hole or overlap from
the fleet's start to its end. A fleet that is killed with SIGKILL loses its open spans only.

`state` is what a faithful watcher of the video would have to say: `online`, `offline`, or `unknown` where the camera
lives but turns away the credentials on file. `fault` names the fault in force and is empty where there is none.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

COLUMNS = ("camera", "state", "start", "end", "fault")

MICROSECONDS = 1_000_000


def wall_clock() -> Callable[[], int]:
    """Return a clock in microseconds UTC that starts at the wall clock and never steps afterwards."""
    start_us, start_ns = time.time_ns() // 1000, time.monotonic_ns()
    return lambda: start_us + (time.monotonic_ns() - start_ns) // 1000


def instant_text(at_us: int) -> str:
    """Write microseconds since 1970 UTC as ISO 8601, e.g. 2020-07-01T00:00:00.000000Z."""
    seconds, us = divmod(at_us, MICROSECONDS)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{us:06d}Z"


class TruthFile:
    """Writes the truth file; use as a context manager. Holds one open span per camera, nothing else."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(COLUMNS)
        self._file.flush()
        self._open: dict[str, tuple[str, str, int]] = {}

    def __enter__(self) -> TruthFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def change(self, camera: str, state: str, fault: str, at_us: int) -> None:
        """Say that the camera is in this state, by this fault, from this instant on. Repeating it changes nothing."""
        held = self._open.get(camera)
        if held is not None:
            if held[:2] == (state, fault):
                return
            self._end(camera, at_us)
        self._open[camera] = (state, fault, at_us)

    def _end(self, camera: str, at_us: int) -> None:
        state, fault, start_us = self._open.pop(camera)
        if at_us > start_us:
            self._rows.writerow((camera, state, instant_text(start_us), instant_text(at_us), fault))
            self._file.flush()

    def counts(self) -> dict[str, int]:
        """Return how many cameras are in each state now."""
        counts = {"online": 0, "offline": 0, "unknown": 0}
        for state, _, _ in self._open.values():
            counts[state] += 1
        return counts

    def finish(self, camera: str, at_us: int) -> None:
        """End the camera's account, if it has begun: its open span is written."""
        if camera in self._open:
            self._end(camera, at_us)
