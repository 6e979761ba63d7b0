"""How far a computation in another process is: a stage and two numbers in a small file, written there, read here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from console.web.words import N_

STAGES: Mapping[str, str] = {
    "waiting": N_("等待计算进程空闲"),
    "reading": N_("读取监测记录"),
    "comparing": N_("逐点对照"),
    "settling": N_("计算金额"),
}
"""What a computation does, message ids; in this order."""
_ORDER = tuple(STAGES)
PARTS = 200
"""A stage of many steps is told in so many parts at most."""
_BYTES = 17


class Progress(NamedTuple):
    """A stage of STAGES, and how many of how many steps of it are done; `total` 0 where nobody can tell."""

    stage: str
    done: int
    total: int

    @property
    def percent(self) -> int:
        """Hundredths of the stage."""
        return 100 * min(self.done, self.total) // self.total if self.total else 0


class Slate(NamedTuple):
    """Where a process writes how far it is. An empty path keeps nothing."""

    path: str = ""

    def tell(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Write how far it is; what cannot be written is not worth failing for."""
        if not self.path:
            return
        told = bytes([_ORDER.index(stage)]) + done.to_bytes(8, "big") + total.to_bytes(8, "big")
        try:
            with Path(self.path).open("r+b", buffering=0) as file:
                os.pwrite(file.fileno(), told, 0)
        except OSError:
            return

    def stage(self, stage: str) -> Callable[[int, int], None]:
        """Return what is told how many of how many steps of a stage are done."""

        def moved(done: int, total: int) -> None:
            if done >= total or done % max(1, total // PARTS) == 0:
                self.tell(stage, done, total)

        return moved

    def seen(self) -> Progress:
        """Return how far it is; that it waits where nothing was written yet."""
        try:
            told = Path(self.path).read_bytes() if self.path else b""
        except OSError:
            told = b""
        if len(told) != _BYTES or told[0] >= len(_ORDER):
            return Progress("waiting", 0, 0)
        return Progress(_ORDER[told[0]], int.from_bytes(told[1:9], "big"), int.from_bytes(told[9:], "big"))


UNSEEN = Slate()
"""What nobody looks at."""


@contextmanager
def slate() -> Iterator[Slate]:
    """Keep a slate for as long as a computation runs."""
    number, path = tempfile.mkstemp(prefix="camsla-progress-")
    os.close(number)
    try:
        yield Slate(path)
    finally:
        Path(path).unlink(missing_ok=True)
