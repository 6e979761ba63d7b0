"""Samples into runs, by step 2 of the timeline algorithm. PURE: no I/O and no clock, live and in replay alike.

A run's samples have one outcome, one valid_s and one camera, are no two further apart than valid_s, and have no gap's
start or end between them. A sample at or before its point's newest one changes nothing: so replaying what was already
projected is harmless, and results of a clock set back are left to the gap `clock` that covers them.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.model import MICROSECONDS, Instant, Outcome, Sample, State

KEPT_US = 2 * 86_400 * MICROSECONDS
"""How long a gap's edge is remembered: longer than any sample of the live path may be held."""


@dataclass(slots=True)
class OpenRun:
    """The newest run of a point at one vantage, still growing. `stored` once the database has its row."""

    point: str
    first: int
    last: int
    count: int
    outcome: Outcome
    valid_s: int
    camera: str
    stored: bool = False


class Transition(NamedTuple):
    """A run was opened: what the point was held to be until `at`, and what it was found to be.

    `last` and `n` are the newest sample and the number of samples of the run before it, None for the first run.
    """

    point: str
    at: Instant
    before: State
    outcome: Outcome
    valid_s: int
    camera: str
    last: int | None
    n: int | None


class Pending(NamedTuple):
    """Runs that the database lacks (`opened`) or has with an older end (`extended`), and the transitions."""

    opened: tuple[OpenRun, ...]
    extended: tuple[OpenRun, ...]
    transitions: tuple[Transition, ...]


@dataclass(slots=True)
class Edges:
    """Starts and ends of a vantage's gaps, for all its points and for single ones."""

    _all: list[int] = field(default_factory=list)
    _of: dict[str, list[int]] = field(default_factory=dict)

    def add(self, at: int, point: str | None = None) -> None:
        """Note an edge."""
        insort(self._all if point is None else self._of.setdefault(point, []), at)

    def between(self, point: str, after: int, upto: int) -> bool:
        """Tell whether an edge lies in (after, upto] for the point."""
        if not (self._all or self._of):
            return False
        return any(
            bisect_right(edges, upto) > bisect_right(edges, after)
            for edges in (self._all, self._of.get(point, ()))
            if edges
        )

    def forget(self, before: int) -> None:
        """Drop the edges before an instant."""
        del self._all[: bisect_right(self._all, before)]
        for point, edges in list(self._of.items()):
            del edges[: bisect_right(edges, before)]
            if not edges:
                del self._of[point]


def continues(run: OpenRun, sample: Sample, edge_between: bool) -> bool:
    """Tell whether a later sample belongs to the run (step 2)."""
    a, b = run.outcome, sample.outcome
    return (
        not edge_between
        # One by one and by identity, as there is one member each: this runs for every result.
        and a.state is b.state
        and a.reason is b.reason
        and a.rung is b.rung
        and run.valid_s == sample.valid_s
        and run.camera == sample.camera
        and sample.at - run.last <= run.valid_s * MICROSECONDS
    )


class Projection:
    """The newest run of every point at one vantage; memory is bounded by the roster."""

    def __init__(self, newest: Iterable[OpenRun] = ()) -> None:
        self._newest = {run.point: run for run in newest}
        self.edges = Edges()
        self.floor: int | None = max((run.last for run in self._newest.values()), default=None)
        """The latest instant of any sample seen."""
        self.stale = 0
        """Samples that were at or before their point's newest, and so changed nothing."""
        self._opened: list[OpenRun] = []
        self._closed: list[OpenRun] = []
        self._grown: dict[str, OpenRun] = {}
        self._transitions: list[Transition] = []

    def add(self, sample: Sample) -> bool:
        """Extend the point's newest run or open another; tell whether one was opened."""
        run = self._newest.get(sample.point)
        if self.floor is None or sample.at > self.floor:
            self.floor = sample.at
        before = State.UNKNOWN
        if run is not None:
            if sample.at <= run.last:
                self.stale += 1
                return False
            edge = self.edges.between(sample.point, run.last, sample.at)
            if continues(run, sample, edge):
                run.last = sample.at
                run.count += 1
                if run.stored:
                    self._grown[run.point] = run
                return False
            if not edge and sample.at - run.last <= run.valid_s * MICROSECONDS:
                before = run.outcome.state
            grown = self._grown.pop(run.point, None)
            if grown is not None:
                self._closed.append(grown)
        opened = OpenRun(sample.point, sample.at, sample.at, 1, sample.outcome, sample.valid_s, sample.camera)
        self._newest[sample.point] = opened
        self._opened.append(opened)
        last, count = (None, None) if run is None else (run.last, run.count)
        self._transitions.append(
            Transition(sample.point, sample.at, before, sample.outcome, sample.valid_s, sample.camera, last, count)
        )
        return True

    def changed(self) -> Pending:
        """Return the opened runs and the final state of those they followed; runs that only grew are left out."""
        return Pending(tuple(self._opened), tuple(self._closed), tuple(self._transitions))

    def everything(self) -> Pending:
        """Return all that the database lacks."""
        return Pending(tuple(self._opened), (*self._closed, *self._grown.values()), tuple(self._transitions))

    def written(self, pending: Pending) -> None:
        """Note that `pending`, the latest answer of changed() or everything(), is committed."""
        for run in pending.opened:
            run.stored = True
        for run in pending.extended:
            self._grown.pop(run.point, None)
        self._opened.clear()
        self._closed.clear()
        self._transitions.clear()
        if self.floor is not None:
            self.edges.forget(self.floor - KEPT_US)
