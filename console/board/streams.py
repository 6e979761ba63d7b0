"""Streams of events: how many may be open, and how long each lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from console.web.faults import TooManyError

EACH, ALL = 6, 200
"""Streams of one person, and of all."""


class Streams:
    """Counts open streams. Used on the loop only."""

    def __init__(self, each: int = EACH, everyone: int = ALL) -> None:
        self._each, self._all = each, everyone
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many are open."""
        return self._open.total()

    @contextmanager
    def one(self, person: str) -> Iterator[None]:
        """Hold a place. TooManyError where there is none."""
        if self._open[person] >= self._each or self._open.total() >= self._all:
            raise TooManyError(30)
        self._open[person] += 1
        try:
            yield
        finally:
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]
