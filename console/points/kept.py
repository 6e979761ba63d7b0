"""What pages made of points lately, kept in memory until anything stored of a point changes; bounded in number and size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from console.points.watched import Watched

KEPT_POINTS = 200
KEPT_PIECES = 400_000
"""How much is kept at most: points, and pieces of timelines together (about 100 bytes each)."""


class Kept:
    """What was made of points lately, by whatever distinguishes one making from another; bounded, for any thread."""

    def __init__(self, most: int = KEPT_POINTS, pieces: int = KEPT_PIECES) -> None:
        self._most, self._pieces = most, pieces
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[tuple[Any, ...], Watched]] = OrderedDict()
        self._held = 0

    def get(self, key: Hashable, mark: tuple[Any, ...], make: Callable[[], Watched]) -> Watched:
        """Return what was made under a key while the mark was the same; else make it."""
        with self._lock:
            known = self._found.get(key)
            if known is not None and known[0] == mark:
                self._found.move_to_end(key)
                return known[1]
        made = make()
        with self._lock:
            self._drop(key)
            self._found[key] = (mark, made)
            self._held += len(made.timeline.pieces)
            while len(self._found) > 1 and (len(self._found) > self._most or self._held > self._pieces):
                self._drop(next(iter(self._found)))
        return made

    def _drop(self, key: Hashable) -> None:
        gone = self._found.pop(key, None)
        self._held -= 0 if gone is None else len(gone[1].timeline.pieces)
