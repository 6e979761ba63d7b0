"""How far long work is: a bar for who watches, a line every few seconds for a log file."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

from console.cli.frame import progress_bar

EVERY_S = 5.0
"""A line at least this often where no bar can be drawn, whether or not anything has moved."""


class Progress:
    """A context in which `moved(done, total)` is shown in hundredths on the error stream until it ends."""

    def __init__(self, what: str, *, stream: TextIO | None = None, every_s: float = EVERY_S) -> None:
        """`what` names the work; without `stream` it is the error stream."""
        self._what, self._every_s = what, every_s
        self._stream = sys.stderr if stream is None else stream
        self._hundredths = 0
        self._over = threading.Event()
        self._bar = progress_bar(f"{what} % ") if self._stream.isatty() else None
        self._teller = None if self._bar is not None else threading.Thread(target=self._tell, daemon=True)

    def moved(self, done: int, total: int) -> None:
        """Take how far the work is."""
        self._hundredths = 100 * done // max(total, 1)
        if self._bar is not None:
            self._bar[1](self._hundredths, 100)

    def _tell(self) -> None:
        begun = time.monotonic()
        while not self._over.wait(self._every_s):
            elapsed = time.monotonic() - begun
            print(f"{self._what} {self._hundredths} %，已用 elapsed {elapsed:,.0f} s", file=self._stream, flush=True)

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar[0].start()
        if self._teller is not None:
            self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._bar is not None:
            self._bar[0].stop()
        if self._teller is not None:
            self._teller.join()
