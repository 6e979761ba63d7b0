"""From waiting rows and a state to the log's lines: numbered as they come, and what closes a day. PURE.

Every line is fed to the state as it is made, so the state afterwards is the one after the day. The tree is not kept
here: whoever calls appends the lines to its frontier. Made again from the same rows, extents and roster, the lines are the
same bytes: no clock is read, and a day's closing records bear its last microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from monitor.canonical import canonical, digest
from monitor.evidence.replay import Imported, Record, State
from monitor.evidence.sums import due
from monitor.evidence.tree import Frontier, leaf_hash
from monitor.model import MICROSECONDS

ROSTER_FIELDS = ("facts", "pauses", "stays")


class Row(NamedTuple):
    """A waiting row: `body` is the record without k, at, and, of a `tr`, without seq and prev."""

    id: int
    at: int
    kind: str
    body: Record


class Extent(NamedTuple):
    """A row of the runs' table as the store has it now: how far a run has grown."""

    point: str
    vantage: str
    first: int
    last: int
    n: int


Earlier = Callable[[Mapping[str, str]], State]
"""Asked for points whose seconds may have changed before what the state can tell, with the earliest day of each.

Gives a state that can tell them (its `since` not after any of the days) and that was fed the same leaves as the state
being closed has been fed before the closing, but never trimmed; it may leave out other points (`only`). The folder's
`LogFolder.earlier` makes one.
"""


def numbered(state: State, rows: Iterable[Row], imported: Imported) -> Iterator[bytes]:
    """Yield the lines of rows, without LF: k and at added, and of a `tr` its seq and prev; each is fed to the state.

    ValueError names the row that the log cannot take.
    """
    for row in rows:
        record: Record = {**row.body, "k": row.kind, "at": row.at}
        if row.kind == "tr":
            trace = state.traces.get(row.body.get("point", ""))
            record["seq"], record["prev"] = (1, "") if trace is None else (trace.seq + 1, trace.tip)
        try:
            yield _fed(state, record, imported)
        except ValueError as error:
            raise ValueError(f"row {row.id}: {error}") from error


def closing(
    state: State,
    day: str,
    before: Frontier,
    *,
    roster: Mapping[str, Record],
    extents: Callable[[State], Iterable[Extent]],
    earlier: Earlier,
    software: str,
    archive: Record | None = None,
) -> Iterator[bytes]:
    """Yield the lines that close a day, `ros`, `sum` and `man`, each fed to the state; then the state is trimmed.

    `before` is the tree before the day (`man.prev`). `roster` has the fields of `ros` but point and rev (facts, pauses,
    stays) of every point of the ledger: only what differs from the log's last word becomes a record. `extents` gives rows
    of the runs' table for those that `state.newest()` names (others are ignored, missing ones keep what the log knows).
    All lines must be taken, or the state is of no use.
    """
    state.open_day()  # a day may have no records but those that close it
    at = state.span(day)[1] * MICROSECONDS - 1
    rosters = list(_rosters(state, roster, at))
    for record in rosters:
        yield _fed(state, record, _nothing)
    grown = list(extents(state))
    news = {extent.point for extent in grown if state.grow(*extent)}
    helper = _earlier_state(state, earlier, rosters, grown)
    first_sums = 0
    for one in due(state, day, news, helper):
        trace = state.traces[one.point]
        record = {
            "k": "sum",
            "at": at,
            "day": one.day,
            "point": one.point,
            "rev": 0 if one.before is None else one.before.rev + 1,
            **one.seconds._asdict(),
            "seq": trace.seq,
            "tip": trace.tip,
            "open": trace.extents(),
            "prev": "" if one.before is None else one.before.leaf,
        }
        first_sums += one.before is None
        yield _fed(state, record, _nothing)
    yield _manifest(state, day, before, at, first_sums, software, archive)


def keeps_state(state: State, day: str) -> bool:
    """Tell whether the `man` of a day names its state document: on the log's first day and the last of each month."""
    return state.first == 0 or (date.fromisoformat(day) + timedelta(days=1)).day == 1


def _manifest(
    state: State, day: str, before: Frontier, at: int, points: int, software: str, archive: Record | None
) -> bytes:
    """The day's last line. The state that it names is the one after it, which its own digest does not enter."""
    record: Record = {
        "k": "man",
        "at": at,
        "day": day,
        "first": state.first,
        "count": state.size + 1 - state.first,
        "prev": {"size": before.size, "root": before.root().hex() if before.size else ""},
        "points": points,
        "software": software,
        "zone": state.zone,
        "archive": archive,
        "state": "",
    }
    if before.size != state.first:
        raise ValueError(f"the tree before {day} has {before.size} leaves, the state {state.first}")
    named = keeps_state(state, day)
    # A state document says nothing of the `man` but day and size, so it can be made before the `man` names it.
    state.feed(record, b"", _nothing)
    state.trim()
    if named:
        record["state"] = digest(state.document())
    return canonical(record).encode()


def _rosters(state: State, roster: Mapping[str, Record], at: int) -> Iterator[Record]:
    for point in sorted(roster):
        fields = {name: roster[point][name] for name in ROSTER_FIELDS}
        known = state.roster(point)
        if known is None or any(known[name] != fields[name] for name in ROSTER_FIELDS):
            yield {"k": "ros", "at": at, "point": point, "rev": 1 if known is None else known["rev"] + 1, **fields}


def _earlier_state(state: State, earlier: Earlier, rosters: Sequence[Record], grown: Sequence[Extent]) -> State | None:
    """The state for points that have changed before what the state can tell, with the day's closing records; None if none.

    A state that knows more may find that a change reaches back further still: then a yet earlier one is asked for.
    """
    wanted = {point: day for point, day in state.touched().items() if day < state.since}
    while wanted:
        found = earlier(wanted)
        first = min(wanted.values())
        if found.since > first:
            raise ValueError(f"the earlier state cannot tell {first}: it begins with {found.since}")
        found.open_day()
        for record in rosters:
            if record["point"] in wanted:
                found.feed(record, b"", _nothing)
        for extent in grown:
            if extent.point in wanted:
                found.grow(*extent)
        further = {point: day for point, day in found.touched().items() if point in wanted and day < found.since}
        if not further:
            return found
        wanted = {point: min(day, further.get(point, day)) for point, day in wanted.items()}
    return None


def _fed(state: State, record: Record, imported: Imported) -> bytes:
    line = canonical(record).encode()
    state.feed(record, leaf_hash(line), imported)
    return line


def _nothing(sha256: str) -> Iterable[bytes]:
    raise ValueError(f"no import closes a day: {sha256}")
