"""What the log says of one point: its runs, corrections, stays, chain, and the sums it was given. PURE.

Whatever changes it returns the first instant, in microseconds, from which its seconds may be others than before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from monitor.debounce import Piece
from monitor.evidence.blindness import Blindness
from monitor.evidence.records import Record
from monitor.evidence.seconds import Seconds as Seconds
from monitor.evidence.seconds import divided
from monitor.given import fill
from monitor.hold import hold, in_order, merge
from monitor.intervals import Span, normalise
from monitor.model import MICROSECONDS, Instant, Outcome, Reason, Run, Rung, State
from monitor.served import Stays, clip_to_stays

LASTING_SAMPLES = 10
LASTING_US = 3_600 * MICROSECONDS
"""What a run must have for a state document to begin with it."""

_first = attrgetter("first")


class Sum(NamedTuple):
    """The newest `sum` of a point's day, and its leaf hash in hexadecimal."""

    rev: int
    seconds: Seconds
    leaf: str


@dataclass(slots=True)
class Trace:
    """One point. `runs` by vantage, each in order of first instants; `adj` what is approved and not revoked, by id."""

    code: str
    ros: Record | None = None
    seq: int = 0
    tip: str = ""
    runs: dict[str, list[Run]] = field(default_factory=dict)
    adj: dict[str, Record] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)
    stays: Stays = field(default_factory=dict)
    excluded: list[Span] = field(default_factory=list)
    given: list[Piece] = field(default_factory=list)
    told_from: int | None = None
    """The instant before which runs may have been forgotten; None if none were."""

    def apart(self) -> Trace:
        """Return a trace that goes on apart from this one; the values in both are the same."""
        runs = {vantage: list(its) for vantage, its in self.runs.items()}
        return replace(self, runs=runs, adj=dict(self.adj), sums=dict(self.sums))

    # -- what changes it

    def opened(self, run: Run) -> int:
        """Take a run, wherever it lies in time."""
        runs = self.runs.setdefault(run.vantage, [])
        if runs and run.first < runs[-1].first:
            runs.insert(bisect_right(runs, run.first, key=_first), run)
        else:
            runs.append(run)
        return run.first

    def newest(self, vantage: str) -> Run | None:
        """Return the vantage's run with the latest first instant."""
        runs = self.runs.get(vantage)
        return runs[-1] if runs else None

    def grown(self, vantage: str, last: int, count: int) -> int | None:
        """Take the newest run's last instant and number of samples; None if both were known. Without a run, nothing.

        ValueError if the log knew of more.
        """
        run = self.newest(vantage)
        if run is None or (run.last == last and run.count == count):
            return None
        if last < run.last or count < run.count:
            raise ValueError(
                f"the run of {self.code} at {vantage} has shrunk: {run.count} to {count} samples, last {last}"
            )
        self.runs[vantage][-1] = Run(
            run.point, run.vantage, run.first, Instant(last), count, run.outcome, run.valid_s, run.camera
        )
        return run.last

    def corrected(self, record: Record) -> int:
        """Take the fields of an approved correction, or withdraw the one that a `revoke` names, else ValueError."""
        if record["what"] == "revoke":
            former = self.adj.pop(record["target"], None)
            if former is None:
                raise ValueError(f"adj {record['id']} withdraws what {self.code} does not have: {record['target']}")
            record = former
        else:
            self.adj[record["id"]] = record
        self._decide()
        return int(record["start"])

    def _decide(self) -> None:
        spans: list[Span] = []
        given: list[Piece] = []
        for one in self.adj.values():
            start, end = one["start"] // MICROSECONDS, one["end"] // MICROSECONDS
            if one["what"] == "exclude":
                spans.append((start, end))
            elif start < end:
                given.append(Piece(start, end, State(one["to"]), None))
        self.excluded = normalise(spans)
        given.sort()
        self.given = given

    def rostered(self, fields: Record, blindness: Blindness) -> int | None:
        """Take the fields of a `ros`; None if the cameras' stays are the same."""
        self.ros = fields
        stays: dict[str, list[tuple[int, int | None]]] = {}
        for camera, start, end in fields["stays"]:
            stays.setdefault(camera, []).append((start, end))
        before, self.stays = self.stays, stays
        if before == stays:
            return None
        changed: list[int] = []
        for camera, edge in _moved(before, stays):
            if self.told_from is not None and edge < self.told_from:
                changed.append(edge)  # of runs that are forgotten nobody can say here how far it reaches
            reached = [
                _reach(run, edge, blindness) for runs in self.runs.values() for run in runs if run.camera == camera
            ]
            changed += [instant for instant in reached if instant is not None]
        return min(changed, default=None)

    # -- what it says

    def pieces(self, start: int, end: int, blindness: Blindness) -> list[Piece]:
        """Return the known pieces that meet the whole seconds [start, end): merged, reclassified, in order, not cut.

        Only their states in [start, end) mean anything: outside, and for samples, more of the history would be needed.
        """
        held = []
        for vantage in self.runs:
            runs = self._around(vantage, start, end)
            if runs:
                since = min(map(_first, runs)) // MICROSECONDS
                gaps = blindness.around(vantage, self.code, since, start, end)
                held.append(hold(in_order(runs), gaps, False))
        known = merge(held, 1)
        given = [one for one in self.given if one.start < end and one.end > start]
        return fill(known, given) if given else known

    def seconds(self, start: int, end: int, blindness: Blindness) -> Seconds:
        """Return the whole seconds [start, end) as they are known."""
        return next(self.seconds_of([(start, end)], blindness))

    def seconds_of(self, days: Sequence[Span], blindness: Blindness) -> Iterator[Seconds]:
        """Yield the whole seconds of days that follow one another, at least one; the record is held only once for all."""
        return divided(self.pieces(days[0][0], days[-1][1], blindness), self.excluded, days)

    def _around(self, vantage: str, start: int, end: int) -> list[Run]:
        """Return the vantage's runs, cut to stays, of which the seconds [start, end) depend, the one in force at start first."""
        runs = self.runs[vantage]
        first = bisect_right(runs, start * MICROSECONDS, key=_first)
        result = clip_to_stays(runs[first : bisect_left(runs, end * MICROSECONDS, key=_first)], self.stays)
        while first > 0:
            # A run outside its camera's stays holds nothing and ends nothing: the one before it may be in force still.
            first -= 1
            before = clip_to_stays(runs[first : first + 1], self.stays)
            result[:0] = before
            if any(run.first <= start * MICROSECONDS for run in before):
                break
        return result

    def served(self) -> list[Run]:
        """Return all runs cut to their cameras' stays, by vantage and first instant."""
        return [run for vantage in sorted(self.runs) for run in clip_to_stays(self.runs[vantage], self.stays)]

    def billed(self, start: int, end: int) -> bool:
        """Tell whether the facts of its `ros` meet the whole seconds [start, end)."""
        if self.ros is None:
            return False
        low, high = start * MICROSECONDS, end * MICROSECONDS
        return any(since < high and (until is None or until > low) for since, until, _ in self.ros["facts"])

    def extents(self) -> list[list[Any]]:
        """Return the `open` of its `sum` records: each vantage's newest run, its last instant and samples."""
        return [[vantage, self.runs[vantage][-1].last, self.runs[vantage][-1].count] for vantage in sorted(self.runs)]

    # -- what a state document keeps

    def kept_runs(self, horizon: int) -> Iterator[Run]:
        """Yield the runs that a state document with H = `horizon` (microseconds) keeps, by vantage and first instant."""
        lasting = self._lasting(horizon)
        for vantage in sorted(self.runs):
            runs = self.runs[vantage]
            if lasting is None:
                yield from runs
                continue
            index = bisect_left(runs, lasting.first, key=_first)
            yield from runs[index if vantage == lasting.vantage else max(0, index - 1) :]

    def _lasting(self, horizon: int) -> Run | None:
        """Return the newest run that a state document can begin with; None: it must hold all runs."""
        lasting: Run | None = None
        for vantage in sorted(self.runs):
            runs = self.runs[vantage]
            for index in range(bisect_right(runs, horizon, key=_first) - 1, -1, -1):
                run = runs[index]
                if lasting is not None and run.first <= lasting.first:
                    break
                if _lasts(run):
                    lasting = run
                    break
        return lasting

    def bounded(self, horizon: int) -> None:
        """Note that runs before H = `horizon` (microseconds) may have been forgotten, if any can have been."""
        self.told_from = None if self._lasting(horizon) is None else horizon

    def trim(self, horizon: int, days: Iterable[str]) -> None:
        """Forget the runs that a state document does not keep, and the sums of other days than these."""
        self.bounded(horizon)
        kept: dict[str, list[Run]] = {}
        for run in self.kept_runs(horizon):
            kept.setdefault(run.vantage, []).append(run)
        self.runs = kept
        self.sums = {day: self.sums[day] for day in days if day in self.sums}

    def document(self, horizon: int, days: Iterable[str]) -> dict[str, Any]:
        """Return what a state document says of the point."""
        runs = [
            [
                run.vantage,
                run.first,
                run.last,
                run.count,
                str(run.outcome.state),
                str(run.outcome.reason),
                str(run.outcome.rung),
                run.valid_s,
                run.camera,
            ]
            for run in self.kept_runs(horizon)
        ]
        sums = {day: [one.rev, *one.seconds, one.leaf] for day in days if (one := self.sums.get(day)) is not None}
        return {"ros": self.ros, "seq": self.seq, "tip": self.tip, "runs": runs, "sums": sums}


def read_trace(code: str, value: Mapping[str, Any], horizon: int) -> Trace:
    """Return what a state document with H = `horizon` says of a point, its corrections aside.

    KeyError, TypeError, ValueError if it is none.
    """
    trace = Trace(code, seq=value["seq"], tip=value["tip"])
    if value["ros"] is not None:
        trace.rostered(value["ros"], Blindness())
    for vantage, first, last, count, state, reason, rung, valid_s, camera in value["runs"]:
        outcome = outcome_of(state, reason, rung)
        trace.opened(Run(code, vantage, Instant(first), Instant(last), count, outcome, valid_s, camera))
    for day, (rev, on, off, un, ex, leaf) in value["sums"].items():
        trace.sums[day] = Sum(rev, Seconds(on, off, un, ex), leaf)
    trace.bounded(horizon)
    return trace


@lru_cache(maxsize=4_096)
def outcome_of(state: str, reason: str, rung: str) -> Outcome:
    """Return the outcome of a record's three words. ValueError if one is not known."""
    return Outcome(State(state), Reason(reason), Rung(rung))


def _lasts(run: Run) -> bool:
    return run.outcome.state is State.ONLINE and run.count >= LASTING_SAMPLES and run.last - run.first >= LASTING_US


def _moved(before: Stays, after: Stays) -> Iterator[tuple[str, int]]:
    """Yield cameras and the instants from which their stays are others than before."""
    for camera in before.keys() | after.keys():
        old, new = _ends(before, camera), _ends(after, camera)
        for start in old.keys() | new.keys():
            if start not in old or start not in new:
                yield camera, start
            elif old[start] != new[start]:
                yield camera, min(end for end in (old[start], new[start]) if end is not None)


def _ends(stays: Stays, camera: str) -> Mapping[int, int | None]:
    return dict(stays.get(camera, ()))


def _reach(run: Run, edge: int, blindness: Blindness) -> int | None:
    """The first instant from which a run may hold otherwise when a stay's edge moves; None if it never does."""
    if run.last + run.valid_s * MICROSECONDS <= edge:
        return None
    if run.first < edge and blindness.cuts(run.vantage, run.point, run.first, run.last):
        # Where it is proven again after a gap depends on how long it may be held, and a stay's end shortens that.
        return run.first
    return max(run.first, edge)
