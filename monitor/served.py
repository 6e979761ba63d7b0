"""Runs cut to the time their camera served the point: what a camera showed elsewhere says nothing about this point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitor.model import MICROSECONDS, Instant, Run

Stays = Mapping[str, Sequence[tuple[int, int | None]]]
"""A point's cameras and when each served it: half-open spans in microseconds, an open end is None."""


def clip_to_stays(runs: Sequence[Run], stays: Stays) -> list[Run]:
    """Return the runs, those that name a camera cut to its stays; a run that lies outside all of them is dropped.

    The verdict is not held beyond the stay either. A cut run keeps its sample count: only its edges are known.
    """
    clipped: list[Run] = []
    for run in runs:
        if not run.camera:
            clipped.append(run)
            continue
        for start, end in stays.get(run.camera, ()):
            if run.last < start or (end is not None and run.first >= end):
                continue
            last, valid_s = run.last, run.valid_s
            if end is not None:
                last = Instant(min(last, end - 1))
                valid_s = min(valid_s, -(-(end - last) // MICROSECONDS))
            first = Instant(max(run.first, start))
            whole = first == run.first and last == run.last and valid_s == run.valid_s
            clipped.append(run if whole else replace(run, first=first, last=last, valid_s=valid_s))
    return clipped
