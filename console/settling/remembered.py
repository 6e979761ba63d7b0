"""Values that cost time to make and never change, kept by the digest of what they were made from; the oldest go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """At most `most` values, and of these at most `most_weight` together, as their makers weigh them."""

    def __init__(self, most: int, most_weight: int = 2**62) -> None:
        self._most, self._most_weight = most, most_weight
        self._known: OrderedDict[str, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def get(self, key: str) -> Value | None:
        """Return what is known of a key."""
        with self._lock:
            found = self._known.get(key)
            if found is None:
                return None
            self._known.move_to_end(key)
            return found[0]

    def get_or(self, key: str, make: Callable[[], tuple[Value, int]]) -> Value:
        """Return what is known of a key, else make it with its weight; of several who ask at once one makes it."""
        found = self.get(key)
        if found is not None:
            return found
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        try:
            with making:
                found = self.get(key)
                if found is not None:
                    return found
                value, weight = make()
                self.put(key, value, weight)
                return value
        finally:
            with self._lock:
                self._making.pop(key, None)

    def put(self, key: str, value: Value, weight: int = 1) -> None:
        """Keep a value; the newest one stays even if it alone is heavier than all may be."""
        with self._lock:
            old = self._known.pop(key, None)
            self._weight += weight - (old[1] if old else 0)
            self._known[key] = (value, weight)
            while len(self._known) > 1 and (len(self._known) > self._most or self._weight > self._most_weight):
                _, (_, gone) = self._known.popitem(last=False)
                self._weight -= gone
