"""A disk that loses power: what was synced stays, of the rest any part may, and the order means nothing.

The disk writes sectors of 512 bytes whole. Between two syncs of a file each of its sectors may be as it was or as any
of the writes since left it; sizes, new names and removals may or may not have arrived. That is no more than POSIX
promises, and so harsher than any one file system.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.power_cut.recorder import Create, Event, Said, Sync, Truncate, Unlink, Write

SECTOR = 512


@dataclass(slots=True)
class File:
    """`kept` is on the platters; `waiting` is what happened since the last sync."""

    kept: bytearray = field(default_factory=bytearray)
    waiting: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.waiting:
            _apply(self.kept, change)
        self.waiting.clear()

    def after_cut(self, chance: random.Random, share: float) -> bytearray:
        """Return what might be found: of the sectors written since the last sync, about a `share` arrived."""
        found = bytearray(self.kept)
        reached: dict[int, int] = {}
        for number, change in enumerate(self.waiting):
            if isinstance(change, Truncate):
                if chance.random() < share:
                    _apply(found, change)
                continue
            for start, data in _sectors(change):
                sector = start // SECTOR
                if sector not in reached:
                    # As the sector was before the change of this number.
                    arrived = chance.random() < share
                    reached[sector] = chance.randint(number + 1, len(self.waiting)) if arrived else number
                if number < reached[sector]:
                    _apply(found, Write(change.path, start, data))
        if self.waiting and chance.random() < share:
            # The size arrived before the data: the rest reads as zeros.
            found.extend(bytes(max(0, self._size() - len(found))))
        return found

    def _size(self) -> int:
        size = len(self.kept)
        for change in self.waiting:
            size = change.size if isinstance(change, Truncate) else max(size, change.offset + len(change.data))
        return size


class Disk:
    """Plays a recording; at any moment `cut` writes out what a machine might find after the power came back."""

    def __init__(self) -> None:
        self._files: dict[str, File] = {}
        self._named: dict[str, File] = {}
        """The names that are on the platters."""
        self._renamed: set[str] = set()
        """Paths made or removed since their folder was synced."""
        self.said = b""

    def play(self, event: Event) -> None:
        if isinstance(event, Said):
            self.said += event.data
        elif isinstance(event, Create):
            if event.emptied and event.path in self._files:
                self._files[event.path].waiting.append(Truncate(event.path, 0))
            else:
                self._files[event.path] = File()
                self._renamed.add(event.path)
        elif isinstance(event, Unlink):
            self._files.pop(event.path, None)
            self._renamed.add(event.path)
        elif isinstance(event, Sync):
            if event.path in self._files:
                self._files[event.path].sync()
            else:
                self._sync_folder(event.path)
        else:
            self._files[event.path].waiting.append(event)

    def _sync_folder(self, folder: str) -> None:
        for path in [p for p in self._renamed if str(PurePosixPath(p).parent) == folder]:
            self._renamed.discard(path)
            if path in self._files:
                self._named[path] = self._files[path]
            else:
                self._named.pop(path, None)

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Cut the power and write what is found after it into an empty folder."""
        share = chance.choice((0.0, 1.0, chance.random(), chance.random()))
        names = dict(self._named)
        for path in sorted(self._renamed):
            if chance.random() < 0.5:  # the name's fate
                if path in self._files:
                    names[path] = self._files[path]
                else:
                    names.pop(path, None)
        for path, file in sorted(names.items()):
            name = PurePosixPath(path).name
            (folder / name).write_bytes(file.after_cut(chance, share))
            if name.endswith("-wal") and chance.random() < 0.5:
                # SQLite's index of the log is never synced: anything may be in it.
                (folder / name.replace("-wal", "-shm")).write_bytes(chance.randbytes(32_768))


def _sectors(change: Write) -> list[tuple[int, bytes]]:
    parts = []
    place, end = change.offset, change.offset + len(change.data)
    while place < end:
        stop = min((place // SECTOR + 1) * SECTOR, end)
        parts.append((place, change.data[place - change.offset : stop - change.offset]))
        place = stop
    return parts


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        content.extend(bytes(max(0, change.size - len(content))))
        del content[change.size :]
        return
    content.extend(bytes(max(0, change.offset - len(content))))
    content[change.offset : change.offset + len(change.data)] = change.data
