"""The log's folder on disk: a day's files all or nothing, state documents, and blobs by their digest.

`<root>/<origin with / as _>/` holds `<day>/` (the format's four files), `states/<day>.json` and `blobs/<sha256>`. What is
being written lies in names that begin with a dot; `recover` removes what a crash left of them. Errors of the disk and files
that are damaged are InputErrors with the file's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.evidence.note import Note
from monitor.evidence.replay import State
from monitor.evidence.tree import Frontier


@dataclass(frozen=True, slots=True)
class Day:
    """A sealed day: its lines without LF, the tree before it, the checkpoint before it (None at first) and after it."""

    day: str
    lines: tuple[bytes, ...]
    frontier: Frontier
    prev_note: bytes
    note: Note


class LogFolder:
    """One log's folder."""

    def __init__(self, root: Path, origin: str) -> None:
        """Name the folder `<root>/<origin with / as _>`; nothing is read or made yet."""
        self.origin = origin
        self.path = root / origin.replace("/", "_")

    def days(self) -> list[str]:
        """Return the sealed days, in order."""
        raise NotImplementedError

    def read_day(self, day: str) -> Day:
        """Read a sealed day and check its files' form. InputError names file and line."""
        raise NotImplementedError

    def write_day(
        self,
        day: str,
        lines: Iterable[bytes],
        frontier: Frontier,
        prev_note: bytes,
        note: Note,
        state: bytes,
    ) -> None:
        """Write a day and its state document's line (without LF): when this returns all of it is on the disk.

        If it does not return, nothing of it is there, or, if the power fails, all or nothing. InputError if the day is
        there already with other bytes, is not after the last, or cannot be written.
        """
        raise NotImplementedError

    def set_note(self, day: str, note: Note) -> None:
        """Put a note with more signatures in the place of a day's checkpoint. InputError if its text is another's."""
        raise NotImplementedError

    def states(self) -> list[str]:
        """Return the days of which a state document is kept: the first, ends of months, and the latest."""
        raise NotImplementedError

    def state(self, day: str) -> bytes:
        """Return the state document after a day, without LF. InputError if it is not kept."""
        raise NotImplementedError

    def earlier(self, wanted: Mapping[str, str], today: Iterable[bytes], zone: str, key: str) -> State:
        """Replay the log for these points from a kept state that can tell their days, `today`'s lines at its end.

        `key` is the collector's first public key, for a log that must be read from its beginning.
        """
        raise NotImplementedError

    def blob(self, sha256: str) -> bytes:
        """Return a blob. InputError if it is not there or its bytes have another digest."""
        raise NotImplementedError

    def put_blob(self, data: bytes) -> str:
        """Keep bytes on the disk and return their digest; what is there already is not written again."""
        raise NotImplementedError

    def imported(self, sha256: str) -> list[bytes]:
        """Return the lines, without LF, of an import's file among the blobs."""
        raise NotImplementedError

    def recover(self) -> list[str]:
        """Remove what a crash left half-written and return the removed names."""
        raise NotImplementedError
