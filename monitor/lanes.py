"""Who is due next, and whether there is a slot for them: two lanes and a limit per host.

Targets that time out have a lane of their own with slots of its own, so that thousands of hung cameras delay no healthy
one. A probe that takes long moves there while it runs. Several channels of one recorder are asked a few at a time. This
file decides and returns what to start; it awaits nothing. Times are the loop's monotonic seconds.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

SLOW_AFTER_S = 0.5
"""A probe that runs longer than this gives its slot back and counts in the slow lane."""

OVERFULL = 2
"""Probes that turn out slow may fill the slow lane to so many times its slots: who is known to time out waits for them."""


class Due(Protocol):
    """What lanes need of a watched point."""

    due: float
    host: str
    slow: bool
    """Whether its last probe timed out."""
    turn: int
    """The number of its valid entry; older ones are left over."""


D = TypeVar("D", bound=Due)


@dataclass(slots=True)
class Lane(Generic[D]):
    """One lane: entries by due time, slots taken, and their bound."""

    slots: int
    heap: list[tuple[float, int, D]] = field(default_factory=list)
    taken: int = 0


class Lanes(Generic[D]):
    """All that waits and runs. Bounds: `fast_slots` and OVERFULL × `slow_slots` probes, `per_host` to one host."""

    def __init__(self, fast_slots: int, slow_slots: int, per_host: int) -> None:
        self._fast: Lane[D] = Lane(fast_slots)
        self._slow: Lane[D] = Lane(slow_slots)
        self._per_host = per_host
        self._hosts: dict[str, int] = {}
        self._parked: dict[str, deque[tuple[int, D]]] = {}
        self._running: dict[int, tuple[Lane[D], str]] = {}
        self._started: deque[tuple[float, int]] = deque()
        self._turns = 0

    @property
    def running(self) -> int:
        """Probes under way."""
        return self._fast.taken + self._slow.taken

    def add(self, item: D, due: float) -> None:
        """Put an item in for `due`; an earlier entry of it no longer counts."""
        self._turns += 1
        item.due, item.turn = due, self._turns
        lane = self._slow if item.slow else self._fast
        heapq.heappush(lane.heap, (due, self._turns, item))

    def drop(self, item: D) -> None:
        """Forget an item that waits; one that runs ends by itself."""
        item.turn = 0

    def runs(self, item: D) -> bool:
        """Tell whether a probe of the item is under way."""
        return item.turn in self._running

    def start(self, now: float) -> Iterator[D]:
        """Yield what is due and has a slot; each is taken as running until `done`."""
        for lane in (self._fast, self._slow):
            while lane.heap and lane.taken < lane.slots and lane.heap[0][0] <= now:
                _, turn, item = heapq.heappop(lane.heap)
                if item.turn != turn:
                    continue
                if self._hosts.get(item.host, 0) >= self._per_host and item.host:
                    self._parked.setdefault(item.host, deque()).append((turn, item))
                    continue
                lane.taken += 1
                self._hosts[item.host] = self._hosts.get(item.host, 0) + 1
                self._running[turn] = lane, item.host
                if lane is self._fast:
                    self._started.append((now, turn))
                yield item

    def wait_s(self, now: float) -> float | None:
        """Return the seconds until something with a free slot falls due; None: only a finishing probe can help."""
        dues = [lane.heap[0][0] for lane in (self._fast, self._slow) if lane.heap and lane.taken < lane.slots]
        return max(0.0, min(dues) - now) if dues else None

    def done(self, turn: int) -> bool:
        """Give back the slot of a probe that ended, and tell whether somebody may have waited for it.

        `turn` is its item's turn when it started.
        """
        lane, host = self._running.pop(turn)
        awaited = lane.taken == lane.slots
        lane.taken -= 1
        left = self._hosts[host] - 1
        if left:
            self._hosts[host] = left
        else:
            del self._hosts[host]
        parked = self._parked.get(host)
        while parked:
            turn, waiting = parked.popleft()
            if waiting.turn == turn:
                self.add(waiting, waiting.due)
                awaited = True
                if left:
                    break  # otherwise nobody would release the others: all go, and wait again where they must
        if parked is not None and not parked:
            self._parked.pop(host, None)
        return awaited

    def make_way(self, now: float) -> bool:
        """Move probes that run long from the fast lane to the slow one; tell whether a fast slot came free."""
        moved = False
        while self._started and now - self._started[0][0] >= SLOW_AFTER_S:
            if self._slow.taken >= OVERFULL * self._slow.slots:
                return moved
            _, turn = self._started.popleft()
            lane, host = self._running.get(turn, (None, ""))
            if lane is self._fast:
                self._running[turn] = self._slow, host
                self._fast.taken -= 1
                self._slow.taken += 1
                moved = True
        return moved
