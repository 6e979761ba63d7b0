"""What the log's records say together: runs, gaps, corrections and seconds per point and day. PURE: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from monitor.debounce import Piece
from monitor.intervals import Span
from monitor.model import Gap, Run

Record = dict[str, Any]
"""A record as its line says it."""

Imported = Callable[[str], Iterable[bytes]]
"""Gives the lines, without LF, of an import's file by the file's digest; ValueError or KeyError if it is not there."""


class Seconds(NamedTuple):
    """A point's day in whole seconds: online, offline, unknown, excluded; together the day's length."""

    on: int
    off: int
    un: int
    ex: int


class Newest(NamedTuple):
    """The newest run that the log knows of a point at a vantage, by its first instant."""

    point: str
    vantage: str
    first: int


class State:
    """What the records fed so far say. Changes while it is fed; after a ValueError it is of no use any more.

    `day` is the last day that a `man` closed ("" before the first), `size` the number of leaves fed, `key` the
    collector's public key as text. `since` is the first day whose seconds it can tell: "" if it was fed from the log's
    beginning, else two days before the day of its state document.
    """

    day: str
    size: int
    origin: str
    zone: str
    key: str
    since: str

    def feed(self, record: Record, leaf: bytes, imported: Imported) -> None:
        """Take the next record and its leaf hash. ValueError: a broken chain, an unknown kind, a wrong order, …"""
        raise NotImplementedError

    def skip(self, leaf: bytes) -> None:
        """Count a leaf whose record is withheld or not wanted."""
        raise NotImplementedError

    @property
    def points(self) -> list[str]:
        """The codes that any record named, sorted."""
        raise NotImplementedError

    def seconds(self, point: str, day: str) -> Seconds:
        """Return a point's seconds of a day, as known now. ValueError for a day before `since`."""
        raise NotImplementedError

    def history(self, point: str) -> tuple[list[Run], list[Gap], list[Piece]]:
        """Return a point's runs cut to its cameras' stays, the gaps of its vantages, and what is reclassified."""
        raise NotImplementedError

    def exclusions(self, point: str) -> list[Span]:
        """Return the union of a point's approved exclusions, in whole seconds, sorted and apart."""
        raise NotImplementedError

    def roster(self, point: str) -> Record | None:
        """Return the fields of the point's newest `ros` (without k and at), or None."""
        raise NotImplementedError

    def newest(self) -> Iterator[Newest]:
        """Yield the newest run of every point and vantage: those whose extents a day's `open` tells."""
        raise NotImplementedError

    def touched(self) -> dict[str, str]:
        """Return, since the last `man`, each point whose seconds may have changed and the earliest such day."""
        raise NotImplementedError

    def wrong_sums(self) -> list[str]:
        """Compare the `sum` records since the last `man` with the seconds: a line per one that is wrong or missing."""
        raise NotImplementedError

    def document(self) -> dict[str, Any]:
        """Return the state document after the last closed day."""
        raise NotImplementedError

    def trim(self) -> None:
        """Forget what the state document does not hold."""
        raise NotImplementedError


def empty(origin: str, zone: str, key: str = "", only: frozenset[str] | None = None) -> State:
    """Return the state of a log that has not begun. With `only`, it keeps records of these points alone."""
    raise NotImplementedError


def read_state(document: dict[str, Any], zone: str, only: frozenset[str] | None = None) -> State:
    """Return the state that a document says. ValueError if it is none."""
    raise NotImplementedError
