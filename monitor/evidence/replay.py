"""From records to what they say together: each is fed in order, and its chain, order and form are checked. PURE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from sys import intern
from typing import Any, Final, NamedTuple

from monitor.canonical import canonical
from monitor.evidence.known import FORMAT, KEPT_DAYS, Known, day_after, day_before
from monitor.evidence.known import Newest as Newest
from monitor.evidence.records import Record as Record
from monitor.evidence.records import check, claim_id, imported_gap, imported_run
from monitor.evidence.trace import Seconds as Seconds
from monitor.evidence.trace import Sum, outcome_of, read_trace
from monitor.model import MICROSECONDS, Instant, Run

Imported = Callable[[str], Iterable[bytes]]
"""Gives the lines, without LF, of an import's file by the file's digest; raises what it likes if it is not there."""

IMPORTS: Final = frozenset({"runs", "gaps"})
"""What an `att` that brings records of an import is called."""

FIXED: Final = frozenset({"contract", "inputs", "statement", "issued"})
"""Documents of which a version has one content for ever."""

_ORDER: Final = {"ros": 1, "sum": 2, "man": 3}
_ID: Final = ("what", "id", "version")
_OUTSIDE: Final = frozenset({"k", "at"})


class Said(NamedTuple):
    """A `sum` record: what it says, and the one that it follows, None where none is known."""

    point: str
    day: str
    now: Sum
    before: Sum | None


class State(Known):
    """What the records fed so far say. After a ValueError it is of no use any more.

    `only`: it keeps records of these points alone, None for all. `first` is the first leaf of the day that is not closed yet,
    `said` the `sum` records of that day or, right after its `man`, of the day it closed.
    """

    def __init__(self, origin: str, zone: str, key: str = "", only: frozenset[str] | None = None) -> None:
        super().__init__(origin, zone, key)
        self.only = only
        self.first = 0
        self.said: list[Said] = []
        self._stage = 0
        self._recorded = 0
        self._closers: set[int] = set()
        self._closed = False

    def apart(self) -> State:
        """Return a state that goes on apart from this one; the values in both are the same."""
        other = super().apart()
        other.said, other._closers = list(self.said), set(self._closers)
        return other

    def feed(self, record: Record, leaf: bytes, imported: Imported) -> None:
        """Take the next record and its leaf hash. ValueError: a broken chain, an unknown kind, a wrong order, …"""
        check(record)
        self.open_day()
        kind, at = record["k"], record["at"]
        stage = _ORDER.get(kind, 0)
        if stage < self._stage:
            raise ValueError(f"{kind} after a record that closes the day")
        self._stage = stage
        if stage:
            self._closers.add(at)
        elif at > self._recorded:
            self._recorded = at
        point = record.get("point")
        if self.only is None or point is None or point in self.only:
            self._take(kind, record, leaf, imported)
        self.size += 1
        self._closed = kind == "man"

    def skip(self, leaf: bytes) -> None:
        """Count a leaf whose record is withheld or not wanted."""
        del leaf
        self.open_day()
        self.size += 1

    def open_day(self) -> None:
        """Leave a day that was closed behind, as the next record does; what is asked or grown before it is the next day's."""
        if not self._closed:
            return
        self._closed = False
        self._stage, self._recorded, self.first = 0, 0, self.size
        self._closers.clear()
        self.said = []
        self.untouch()

    def _take(self, kind: str, record: Record, leaf: bytes, imported: Imported) -> None:
        match kind:
            case "tr":
                self._tr(record, leaf)
            case "sum":
                self._sum(record, leaf)
            case "ros":
                self._ros(record)
            case "gap":
                self.blind(record["vantage"], record["point"], record["start"], record["end"], record["cause"])
            case "adj":
                self._adj(record)
            case "att":
                self._att(record, imported)
            case "key":
                self._key(record)
            case "man":
                self._man(record)
            case _:
                pass  # of clk and agt nothing follows here

    def _tr(self, record: Record, leaf: bytes) -> None:
        trace = self.trace(record["point"])
        if record["seq"] != trace.seq + 1 or record["prev"] != trace.tip:
            raise ValueError(f"tr {record['seq']} of {trace.code} does not follow its tr {trace.seq}")
        vantage: str = record["vantage"]
        if record["last"] is not None and record["n"] is not None:
            self.touch(trace, trace.grown(vantage, record["last"], record["n"]))
        outcome = outcome_of(record["to"], record["reason"], record["rung"])
        at = Instant(record["t"])
        run = Run(trace.code, vantage, at, at, 1, outcome, record["valid"], record["camera"])
        self.touch(trace, trace.opened(run))
        trace.seq, trace.tip = record["seq"], leaf.hex()

    def _adj(self, record: Record) -> None:
        what, claim = record["what"], record["id"]
        wrong = {
            "ends before it starts": record["end"] <= record["start"],
            "was approved by who claimed it": record["approver"] == record["claimed_by"],
            "names a state though it is no reclassify, or none though it is": (record["to"] != "")
            != (what == "reclassify"),
            "names a target though it is no revoke, or none though it is": (record["target"] != "")
            != (what == "revoke"),
            "has an id that is not the digest of what was claimed": claim != claim_id(record),
        }
        for told, holds in wrong.items():
            if holds:
                raise ValueError(f"adj {claim} {told}")
        trace = self.trace(record["point"])
        self.touch(trace, trace.corrected(_fields(record)))

    def _ros(self, record: Record) -> None:
        trace = self.trace(record["point"])
        known = 0 if trace.ros is None else trace.ros["rev"]
        if record["rev"] != known + 1:
            raise ValueError(f"ros {record['rev']} of {trace.code} does not follow its ros {known}")
        self.touch(trace, trace.rostered(_fields(record), self.blindness))

    def _sum(self, record: Record, leaf: bytes) -> None:
        trace, day = self.trace(record["point"]), intern(record["day"])  # a year of a city names few days
        before = trace.sums.get(day)
        if before is not None or day >= self.since:
            rev, prev = (0, "") if before is None else (before.rev + 1, before.leaf)
            if (record["rev"], record["prev"]) != (rev, prev):
                raise ValueError(f"sum {record['rev']} of {trace.code} on {day} does not follow the one before it")
        if (record["seq"], record["tip"]) != (trace.seq, trace.tip):
            raise ValueError(f"sum of {trace.code} on {day} names another tr than its last, {trace.seq}")
        if [row[0] for row in record["open"]] != sorted(trace.runs):
            raise ValueError(f"sum of {trace.code} on {day} tells other vantages than those with runs")
        for vantage, last, count in record["open"]:
            self.touch(trace, trace.grown(vantage, last, count))
        seconds = Seconds(record["on"], record["off"], record["un"], record["ex"])
        start, end = self.span(day)
        if sum(seconds) != end - start:
            raise ValueError(f"sum of {trace.code} on {day} does not add up to the day")
        now = trace.sums[day] = Sum(record["rev"], seconds, leaf.hex())
        self.said.append(Said(trace.code, day, now, before))

    def _att(self, record: Record, imported: Imported) -> None:
        name, sha256 = " ".join(str(record[part]) for part in _ID), record["sha256"]
        if record["what"] in FIXED and self.att.get(name, sha256) != sha256:
            raise ValueError(f"att {name} was said before, with other bytes")
        self.att[name] = sha256
        if record["what"] in IMPORTS:
            read, take = _READERS[record["what"]]
            before: tuple[Any, ...] = ()
            for line in imported(sha256):
                row = read(line)
                order = tuple((cell is not None, cell) for cell in row)
                if before and order < before:
                    raise ValueError(f"att {name}: its lines are out of order: {line[:120]!r}")
                before = order
                take(self, *row)

    def _imported_gap(self, vantage: str, point: str | None, start: int, end: int | None, cause: str) -> None:
        if self.only is None or point is None or point in self.only:
            self.blind(vantage, point, start, end, cause)

    def _imported_run(
        self, point: str, vantage: str, first: int, last: int, n: int, state: str, reason: str, rung: str, valid: int
    ) -> None:
        if self.only is None or point in self.only:
            trace, outcome = self.trace(point), outcome_of(state, reason, rung)
            self.touch(trace, trace.opened(Run(point, vantage, Instant(first), Instant(last), n, outcome, valid)))

    def _key(self, record: Record) -> None:
        if self.key and record["old"] != self.key:
            raise ValueError("key: the old key is not the collector's")
        self.key = record["new"]

    def _man(self, record: Record) -> None:
        day: str = record["day"]
        end = self.span(day)[1] * MICROSECONDS
        wrong = {
            f"the day before it, {self.day}, is followed by another": bool(self.day) and day != day_after(self.day),
            f"cut in another zone, {record['zone']:.60}": record["zone"] != self.zone,
            f"the day's leaves are {self.first} to {self.size}": record["first"] != self.first
            or record["count"] != self.size + 1 - self.first,
            f"the tree before the day has {self.first} leaves": record["prev"]["size"] != self.first,
            "another number of first sums than there are": self.only is None
            and record["points"] != sum(one.now.rev == 0 for one in self.said),
            "a record of the day was recorded after its end": self._recorded >= end,
            "a closing record does not bear the day's last microsecond": self._closers != {end - 1},
            "a sum of a later day": any(one.day > day for one in self.said),
        }
        for what, holds in wrong.items():
            if holds:
                raise ValueError(f"man of {day}: {what}")
        self.day = day


_READERS: Final[Mapping[str, tuple[Callable[[bytes], list[Any]], Callable[..., None]]]] = {
    "runs": (imported_run, State._imported_run),
    "gaps": (imported_gap, State._imported_gap),
}
"""How an import's lines are read, and taken."""


def empty(origin: str, zone: str, key: str = "", only: frozenset[str] | None = None) -> State:
    """Return the state of a log that has not begun. With `only`, it keeps records of these points alone."""
    return State(origin, zone, key, only)


def read_state(document: Mapping[str, Any], zone: str, only: frozenset[str] | None = None) -> State:
    """Return the state that a document says. ValueError if it is none."""
    if document.get("format") != FORMAT:
        raise ValueError(f"not a state document: format is {document.get('format')!r:.60}")
    try:
        state = State(document["origin"], zone, document["key"], only)
        state.day, state.size = document["day"], document["size"]
        state.first = state.size
        state.since = day_before(state.day, KEPT_DAYS)
        state.att = dict(document["att"])
        horizon = state.span(state.since)[0] * MICROSECONDS
        for code, value in document["points"].items():
            if only is None or code in only:
                state.traces[code] = read_trace(code, value, horizon)
        for vantage, point, start, end, cause in document["gaps"]:
            if only is None or point is None or point in only:
                state.blindness.add(vantage, point, start, end, cause)
        for fields in document["adj"]:
            if fields["point"] in state.traces:
                state.traces[fields["point"]].corrected(fields)
        whole = only is not None or canonical(state.document()) == canonical(document)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise ValueError(f"not a state document: {error!r:.120}") from None
    if not whole:
        raise ValueError("not a state document: read and written again it is another")
    return state


def _fields(record: Record) -> Record:
    """A record without its kind and instant, as state documents keep it."""
    return {name: value for name, value in record.items() if name not in _OUTSIDE}
