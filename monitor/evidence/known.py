"""What a log's records have told so far: per point, of gaps, of documents; and what follows from it by day. PURE.

The seconds come from the product's own timeline steps (monitor/hold.py, served.py, given.py); nothing of them is said anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple, Self
from zoneinfo import ZoneInfo

from monitor.debounce import Piece
from monitor.evidence.blindness import Blindness
from monitor.evidence.records import Record
from monitor.evidence.trace import Seconds, Trace
from monitor.intervals import Span
from monitor.model import MICROSECONDS, Gap, Run
from monitor.period import midnight

FORMAT: Final = "camsla-state/1"

KEPT_DAYS: Final = 2
"""How many days before its own a state document can tell."""


class Newest(NamedTuple):
    """The newest run that the log knows of a point at a vantage, by its first instant."""

    point: str
    vantage: str
    first: int


class Known:
    """What is known after some records, and which points' seconds they have touched.

    `day` is the last day that a `man` closed ("" before the first), `size` the number of leaves, `key` the collector's
    public key as text. `since` is the first day whose seconds can be told: "" if everything was fed from the log's
    beginning, else two days before the day of the state document.
    """

    def __init__(self, origin: str, zone: str, key: str = "") -> None:
        self.origin = origin
        self.zone = zone
        self.key = key
        self.day = ""
        self.since = ""
        self.size = 0
        self.att: dict[str, str] = {}
        self.traces: dict[str, Trace] = {}
        self.blindness = Blindness()
        self._since_point: dict[str, int] = {}
        self._since_vantage: dict[str, int] = {}

    def apart(self) -> Self:
        """Return a state that goes on apart from this one; the values in both are the same."""
        other = copy(self)
        other.att = dict(self.att)
        other.traces = {code: trace.apart() for code, trace in self.traces.items()}
        other.blindness = self.blindness.apart()
        other._since_point, other._since_vantage = dict(self._since_point), dict(self._since_vantage)
        return other

    # -- changing

    def trace(self, point: str) -> Trace:
        """Return what is known of a point, beginning with nothing."""
        found = self.traces.get(point)
        if found is None:
            found = self.traces[point] = Trace(point)
        return found

    def touch(self, trace: Trace, instant: int | None) -> None:
        """Note that a point's seconds may be others from an instant on; None is no instant."""
        if instant is not None:
            second = instant // MICROSECONDS
            if second < self._since_point.get(trace.code, second + 1):
                self._since_point[trace.code] = second

    def blind(self, vantage: str, point: str | None, start: int, end: int | None, cause: str) -> None:
        """Take a gap. ValueError if it ends before it starts."""
        if end is not None and end <= start:
            raise ValueError(f"a gap of {vantage} ends before it starts: {start}")
        instant = self.blindness.add(vantage, point, start, end, cause)
        if point is not None:
            self.touch(self.trace(point), instant)
            return
        second = instant // MICROSECONDS
        if second < self._since_vantage.get(vantage, second + 1):
            self._since_vantage[vantage] = second

    def grow(self, point: str, vantage: str, first: int, last: int, count: int) -> bool:
        """Take how far a run has grown, if it is the newest one of point and vantage; tell whether that was news.

        Less than the log knows (of a store that was put back from a backup) is no news.
        """
        trace = self.traces.get(point)
        run = None if trace is None else trace.newest(vantage)
        if trace is None or run is None or run.first != first or last < run.last or count < run.count:
            return False
        instant = trace.grown(vantage, last, count)
        self.touch(trace, instant)
        return instant is not None

    def untouch(self) -> None:
        """Forget which points were touched."""
        self._since_point.clear()
        self._since_vantage.clear()

    # -- reading

    @property
    def points(self) -> list[str]:
        """The codes that any record named, sorted."""
        return sorted(self.traces)

    def span(self, day: str) -> Span:
        """Return the whole seconds of a day of the log's zone."""
        return _span(day, self.zone)

    def seconds(self, point: str, day: str) -> Seconds:
        """Return a point's seconds of a day, as known now. ValueError for a day before `since`."""
        return next(self.days(point, day, day))[1]

    def days(self, point: str, first: str, last: str) -> Iterator[tuple[str, Seconds]]:
        """Yield each day from `first` to `last` with a point's seconds, as known now: at the price of about one day.

        ValueError for days before `since`, or none.
        """
        if first < self.since:
            raise ValueError(f"the seconds of {first} cannot be told by a state that begins with {self.since}")
        if first > last:
            raise ValueError(f"no days from {first} to {last}")
        days = _days(first, last)
        spans = [self.span(day) for day in days]
        trace = self.traces.get(point)
        if trace is None:
            return iter([(day, Seconds(0, 0, end - start, 0)) for day, (start, end) in zip(days, spans, strict=True)])
        return zip(days, trace.seconds_of(spans, self.blindness), strict=True)

    def history(self, point: str) -> tuple[list[Run], list[Gap], list[Piece]]:
        """Return a point's runs cut to its cameras' stays, the gaps of its vantages, and what is reclassified."""
        trace = self.traces.get(point)
        if trace is None:
            return [], [], []
        gaps = [gap for vantage in sorted(trace.runs) for gap in self.blindness.of(vantage, point)]
        return trace.served(), gaps, list(trace.given)

    def exclusions(self, point: str) -> list[Span]:
        """Return the union of a point's approved exclusions, in whole seconds, sorted and apart."""
        trace = self.traces.get(point)
        return [] if trace is None else list(trace.excluded)

    def roster(self, point: str) -> Record | None:
        """Return the fields of the point's newest `ros` (without k and at), or None."""
        trace = self.traces.get(point)
        return None if trace is None else trace.ros

    def newest(self) -> Iterator[Newest]:
        """Yield the newest run of every point and vantage: those whose extents a day's `open` tells."""
        for code, trace in sorted(self.traces.items()):
            for vantage in sorted(trace.runs):
                yield Newest(code, vantage, trace.runs[vantage][-1].first)

    def touched(self) -> dict[str, str]:
        """Return each point whose seconds may have changed since the last `man`, and the earliest such day.

        Right after a `man` that is what the day it closed has touched.
        """
        since = dict(self._since_point)
        if self._since_vantage:
            for code, trace in self.traces.items():
                for vantage, second in self._since_vantage.items():
                    if vantage in trace.runs and second < since.get(code, second + 1):
                        since[code] = second
        zone = ZoneInfo(self.zone)
        return {code: str(datetime.fromtimestamp(second, zone).date()) for code, second in since.items()}

    def trim(self) -> None:
        """Forget what the state document after the last closed day does not hold."""
        days = self.kept_days()
        horizon = self.span(days[0])[0] * MICROSECONDS
        for trace in self.traces.values():
            trace.trim(horizon, days)
        self.since = days[0]

    def kept_days(self) -> list[str]:
        """Return the days that a state document can tell: two before the last closed one, and that one."""
        return [day_before(self.day, back) for back in range(KEPT_DAYS, -1, -1)]

    def document(self) -> dict[str, Any]:
        """Return the state document after the last closed day."""
        days = self.kept_days()
        horizon = self.span(days[0])[0] * MICROSECONDS
        return {
            "format": FORMAT,
            "origin": self.origin,
            "day": self.day,
            "size": self.size,
            "points": {code: trace.document(horizon, days) for code, trace in self.traces.items()},
            "gaps": [list(row) for row in self.blindness.rows()],
            "adj": sorted((one for trace in self.traces.values() for one in trace.adj.values()), key=itemgetter("id")),
            "att": self.att,
            "key": self.key,
        }


@lru_cache(maxsize=10_000)
def day_after(day: str) -> str:
    """Return the calendar day after a day."""
    return str(date.fromisoformat(day) + timedelta(days=1))


def day_before(day: str, back: int) -> str:
    """Return the calendar day `back` days before a day."""
    return str(date.fromisoformat(day) - timedelta(days=back))


@lru_cache(maxsize=64)
def _days(first: str, last: str) -> tuple[str, ...]:
    """The days from the first to the last."""
    start, end = date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal()
    return tuple(str(date.fromordinal(day)) for day in range(start, end + 1))


@lru_cache(maxsize=10_000)
def _span(day: str, zone: str) -> Span:
    first = date.fromisoformat(day)
    return midnight(first, zone), midnight(first + timedelta(days=1), zone)
