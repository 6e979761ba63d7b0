"""What is asked of a round of sealing, and what it tells the database to record. Plain values: they go between processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.log.keys import KeyFiles
from monitor.evidence.folder import LogFolder
from monitor.model import Instant
from monitor.store.log import Leaf, Waiting


@dataclass(frozen=True, slots=True)
class Log:
    """Where a log lies and by what it is made. Can be handed to another process."""

    url: str
    root: Path
    origin: str
    zone: str
    keys: KeyFiles
    software: str
    archive: Path | None = None
    """The raw archive's folder: a day's manifest names its file."""

    @property
    def folder(self) -> LogFolder:
        """The log's folder."""
        return LogFolder(self.root, self.origin)


@dataclass(frozen=True, slots=True)
class Step:
    """What the database is to record: a sealed day (`day`) or a checkpoint between (`day` is "").

    Leaves [first, size); `leaves` are those that get their number now; `expected` is how many had one before.
    """

    day: str
    first: int
    size: int
    root: str
    note: str
    at: Instant
    expected: int
    leaves: tuple[Leaf, ...]
    blobs: tuple[str, ...] = ()
    """Digests of bytes that the folder has by now."""
    key: str = ""
    """The public key that the log names from the next day on."""

    def packed(self) -> dict[str, Any]:
        """Return the step as JSON knows it."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def unpacked(cls, value: dict[str, Any]) -> Step:
        """Read `packed` back."""
        leaves = tuple(Leaf(*leaf) for leaf in value["leaves"])
        return cls(**{**value, "leaves": leaves, "blobs": tuple(value["blobs"])})


@dataclass(frozen=True, slots=True)
class Order:
    """What to make: every day that was over `delay_us` ago (up to `until`), then a checkpoint if asked for."""

    now: Instant
    delay_us: int
    checkpoint: bool
    until: str = ""


def leaves_of(rows: Sequence[Waiting], lines: Sequence[bytes], first: int) -> tuple[Leaf, ...]:
    """Pair rows with their lines, numbered from `first` on."""
    return tuple(
        Leaf(row.id, first + place, line.decode()) for place, (row, line) in enumerate(zip(rows, lines, strict=True))
    )
