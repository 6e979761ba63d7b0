"""From waiting rows and a state to the log's lines: numbered as they come, and what closes a day. PURE.

Every line is fed to the state as it is made, so the state afterwards is the one after the day. The tree is not kept
here: whoever calls appends the lines to its frontier. Made again from the same rows, extents and roster, the lines are the
same bytes: no clock is read, and a day's closing records bear its last microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from monitor.evidence.replay import Imported, Record, State
from monitor.evidence.tree import Frontier


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
    raise NotImplementedError


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
    """
    raise NotImplementedError


def keeps_state(state: State, day: str) -> bool:
    """Tell whether the `man` of a day names its state document: on the log's first day and the last of each month."""
    raise NotImplementedError
