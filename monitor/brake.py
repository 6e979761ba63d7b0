"""The mass-failure brake: when very many points drop at once, ask whether it was not the watcher that went blind.

The brake only decides when to ask and since when to doubt. The answer comes from control targets on at least two
upstreams, one of them outside the supplier's network: alive, and what dropped is down; all silent, and nothing is known.
"""

from __future__ import annotations

from monitor.model import MICROSECONDS, Instant

SHARE = 0.3
LEAST = 5
"""Fewer points than this are never a mass: three cameras on a shelf may well fail together."""


class Brake:
    """Counts drops within one cycle: verdicts of offline about points not known to be down. Bounded by the points."""

    def __init__(self, cycle_s: float, share: float = SHARE, least: int = LEAST) -> None:
        self._cycle_us = round(cycle_s * MICROSECONDS)
        self._share = share
        self._least = least
        self._dropped: dict[str, Instant] = {}

    def dropped(self, point: str, at: Instant) -> None:
        """Take a point's drop, by a probe that began at `at`."""
        self._dropped[point] = at

    def rose(self, point: str) -> None:
        """Take that a point is not offline, or no longer watched."""
        self._dropped.pop(point, None)

    def clear(self) -> None:
        """Forget all drops: they have been explained."""
        self._dropped.clear()

    def suspicion(self, now: Instant, online: int) -> Instant | None:
        """Return since when to doubt, if a large share dropped within the last cycle; `online` points still are."""
        for point in [point for point, at in self._dropped.items() if now - at > self._cycle_us]:
            del self._dropped[point]
        count = len(self._dropped)
        if count < self._least or count < self._share * (count + online):
            return None
        return min(self._dropped.values())
