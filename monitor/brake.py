"""The mass-failure brake: when very many points drop at once, ask whether it was not the watcher that went blind.

The brake only decides when to ask and since when to doubt. The answer comes from control targets on at least two
upstreams, one of them outside the supplier's network: alive, and what dropped is down; all silent, and nothing is known.
"""

from __future__ import annotations

from collections import deque

from monitor.model import MICROSECONDS, Instant

SHARE = 0.3
LEAST = 5
"""Fewer points than this are never a mass: three cameras on a shelf may well fail together."""


class Brake:
    """Counts drops (online, then offline) within one cycle. Memory is bounded by the points watched."""

    def __init__(self, cycle_s: float, share: float = SHARE, least: int = LEAST) -> None:
        self._cycle_us = round(cycle_s * MICROSECONDS)
        self._share = share
        self._least = least
        self._drops: deque[tuple[Instant, str]] = deque()
        self._down: dict[str, Instant] = {}

    def saw(self, point: str, at: Instant, *, offline: bool, was_online: bool) -> None:
        """Take one verdict of a probe that began at `at`."""
        if offline and was_online:
            self._drops.append((at, point))
            self._down[point] = at
        elif not offline:
            self._down.pop(point, None)

    def forget(self, point: str) -> None:
        """Forget a point that is no longer watched."""
        self._down.pop(point, None)

    def suspicion(self, now: Instant, online: int) -> Instant | None:
        """Return since when to doubt, if a large share dropped within the last cycle; `online` points still are."""
        while self._drops and (
            now - self._drops[0][0] > self._cycle_us or self._down.get(self._drops[0][1]) != self._drops[0][0]
        ):
            at, point = self._drops.popleft()
            if self._down.get(point) == at:
                del self._down[point]
        dropped = len(self._down)
        if dropped < self._least or dropped < self._share * (dropped + online):
            return None
        return min(self._down.values())
