"""A disk that loses power: what was synced stays, of the rest any part may, and the order means nothing.

The disk writes sectors of 512 bytes whole. Between two syncs of a file each of its sectors may be as it was or as any
of the writes since left it; sizes, new names, removals and renames may or may not have arrived. That is no more than POSIX
promises, and so harsher than any one file system.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.power_cut.recorder import Create, Event, Mkdir, Rename, Said, Sync, Truncate, Unlink, Write

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


@dataclass(slots=True)
class Folder:
    """`kept` is on the platters; `entries` is what programs see; `waiting` are the changes of names since the last sync.

    Changes that concern one name, or names that a rename joins, arrive in their order or not at all: a rename is one step.
    """

    kept: dict[str, Inode] = field(default_factory=dict)
    entries: dict[str, Inode] = field(default_factory=dict)
    waiting: list[dict[str, Inode | None]] = field(default_factory=list)

    def change(self, names: dict[str, Inode | None]) -> None:
        """Give names other contents, None: remove them, in one step."""
        _renamed(self.entries, names)
        self.waiting.append(names)

    def sync(self) -> None:
        self.kept = dict(self.entries)
        self.waiting.clear()

    def after_cut(self, chance: random.Random) -> dict[str, Inode]:
        """Return the names that might be found: of each chain of changes some first part arrived."""
        found = dict(self.kept)
        for chain in self._chains():
            for names in chain[: chance.randint(0, len(chain))]:
                _renamed(found, names)
        return found

    def _chains(self) -> list[list[dict[str, Inode | None]]]:
        chains: list[tuple[set[str], list[dict[str, Inode | None]]]] = []
        for names in self.waiting:
            joined = [chain for chain in chains if chain[0] & names.keys()]
            chains = [chain for chain in chains if not chain[0] & names.keys()]
            # In the order of time: what a later rename joins was one line all along.
            steps = [step for step in self.waiting if any(step is other for chain in joined for other in chain[1])]
            chains.append((set(names).union(*(chain[0] for chain in joined)), [*steps, names]))
        return [steps for _, steps in chains]


Inode = File | Folder


def _renamed(entries: dict[str, Inode], names: dict[str, Inode | None]) -> None:
    for name, inode in names.items():
        if inode is None:
            entries.pop(name, None)
        else:
            entries[name] = inode


class Disk:
    """Plays a recording; at any moment `cut` writes out what a machine might find after the power came back."""

    def __init__(self, root: str) -> None:
        self._place = PurePosixPath(root)
        self._root = Folder()
        self.said = b""

    def play(self, event: Event) -> None:
        match event:
            case Said(data):
                self.said += data
            case Create(path, emptied):
                folder, name = self._at(path)
                there = folder.entries.get(name)
                if emptied and isinstance(there, File):
                    there.waiting.append(Truncate(path, 0))
                else:
                    folder.change({name: File()})
            case Mkdir(path):
                folder, name = self._at(path)
                folder.change({name: Folder()})
            case Unlink(path):
                folder, name = self._at(path)
                folder.change({name: None})
            case Rename(path, to):
                folder, name = self._at(path)
                other, new = self._at(to)
                if folder is not other:
                    raise ValueError(f"a rename into another folder is not replayed: {path} to {to}")
                folder.change({name: None, new: folder.entries[name]})
            case Sync(path):
                self._inode(path).sync()
            case Write() | Truncate():
                inode = self._inode(event.path)
                assert isinstance(inode, File)
                inode.waiting.append(event)

    def _at(self, path: str) -> tuple[Folder, str]:
        parts = PurePosixPath(path).relative_to(self._place).parts
        folder = self._root
        for part in parts[:-1]:
            inner = folder.entries[part]
            assert isinstance(inner, Folder)
            folder = inner
        return folder, parts[-1]

    def _inode(self, path: str) -> Inode:
        if PurePosixPath(path) == self._place:
            return self._root
        folder, name = self._at(path)
        return folder.entries[name]

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Cut the power and write what is found after it into an empty folder."""
        share = chance.choice((0.0, 1.0, chance.random(), chance.random()))
        _write_out(self._root, folder, chance, share)


def _write_out(found: Folder, folder: Path, chance: random.Random, share: float) -> None:
    for name, inode in sorted(found.after_cut(chance).items()):
        if isinstance(inode, Folder):
            (folder / name).mkdir()
            _write_out(inode, folder / name, chance, share)
            continue
        (folder / name).write_bytes(inode.after_cut(chance, share))
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
