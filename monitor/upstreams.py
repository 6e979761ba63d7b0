"""Upstream devices (switches, ring nodes, gateways): is the one that a point lies behind alive?

They are asked on a beat of their own, all at the start and then each at its place in the interval, so that the answer is
there when a point behind one fails; it is asked anew then too. What is learnt is attribution: it stands beside the record
and alters no verdict. An answer that says nothing (the watcher's own trouble, or its blindness) changes nothing.
"""

from __future__ import annotations

import asyncio
import heapq
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from monitor.model import MICROSECONDS, Instant
from monitor.notices import Notice, UpstreamSeen

ATTEMPTS = 2
"""A target is silent only if it does not answer this many times in a row."""
AT_ONCE = 200
"""Devices asked at the same time at most. More than that silent ones make the beat slower, never the load higher."""

Ask = Callable[[Any], Awaitable[bool | None]]
"""Tell whether a target answers at all, within its own deadline; None if that cannot be told."""


async def answers(ask: Ask, target: Any, attempts: int = ATTEMPTS) -> bool | None:
    """Ask until there is an answer; False if all attempts were silent, None if any of them said nothing."""
    silent = True
    for _ in range(attempts):
        answer = await ask(target)
        if answer:
            return True
        silent = silent and answer is False
    return False if silent else None


class _Device:
    """An upstream device with its place in the schedule. Instants are engine time."""

    __slots__ = ("alive", "asked_at", "asking", "base", "name", "suspected_at", "target", "turn")

    def __init__(self, name: str, target: Any) -> None:
        self.name = name
        self.target = target
        self.alive: bool | None = None
        self.asking = False
        self.base = 0
        self.turn = 0  # the number of its valid entry in the heap; older ones are left over
        self.asked_at = 0
        self.suspected_at = 0


class Upstreams:
    """Asks every device once in `every_s`, and at once (at most once in `again_s`) when it is suspected.

    Bounded: one question under way for each device, `at_once` in all.
    """

    def __init__(
        self,
        ask: Ask,
        notice: Callable[[Notice], None],
        clock: Callable[[], Instant],
        targets: Mapping[str, Any],
        *,
        every_s: float,
        again_s: float,
        at_once: int = AT_ONCE,
    ) -> None:
        self._ask = ask
        self._notice = notice
        self._clock = clock
        self._devices = {name: _Device(name, target) for name, target in targets.items()}
        self._every_us = round(every_s * MICROSECONDS)
        self._again_us = round(again_s * MICROSECONDS)
        self._at_once = at_once
        self._heap: list[tuple[int, int, _Device]] = []
        self._turns = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = False
        self._closed = False
        self._blind = False
        self._blindnesses = 0

    def states(self) -> dict[str, int]:
        """Return how many devices are up, down, or unknown because nothing was heard of them yet."""
        counts = Counter(device.alive for device in self._devices.values())
        return {"up": counts[True], "down": counts[False], "unknown": counts[None]}

    def alive(self, name: str) -> bool | None:
        """Return what was last learnt of a device; None if nothing was, or if it is none of those asked."""
        device = self._devices.get(name)
        return None if device is None else device.alive

    def begin(self) -> None:
        """Ask every device for the first time. Harmless when repeated."""
        if self._begun:
            return
        self._begun = True
        now = self._clock()
        for device in self._devices.values():
            # A stable spread over the interval: only the first round comes all at once.
            device.base = now + zlib.crc32(device.name.encode()) % 65536 * self._every_us // 65536
            self._put(device, now)
        self._start()

    def tick(self) -> None:
        """Ask whoever is due, once begun; called a few times a second."""
        self._start()

    def suspect(self, name: str) -> None:
        """Ask a device at once, ahead of those that are merely due: a point behind it fails, or one answers again."""
        self.begin()
        device, now = self._devices.get(name), self._clock()
        if device is None or device.asking or now - device.suspected_at < self._again_us:
            return
        device.suspected_at = now
        self._put(device, 0)
        self._start()

    def blinded(self) -> None:
        """Stop asking and take no answer any more: silence would be the watcher's own."""
        self._blind = True
        self._blindnesses += 1

    def sighted(self) -> None:
        """Go on; whoever was not known to be up is asked first."""
        self._blind = False
        for device in self._devices.values():
            if device.alive is not True and not device.asking:
                self._put(device, 0)
        self._start()

    def close(self) -> list[asyncio.Task[None]]:
        """Return the questions under way, for the caller to cancel; no more are asked."""
        self._closed = True
        return list(self._tasks)

    def _put(self, device: _Device, due: int) -> None:
        self._turns += 1
        device.turn = self._turns
        heapq.heappush(self._heap, (due, device.turn, device))

    def _start(self) -> None:
        now = self._clock()
        while self._heap and len(self._tasks) < self._at_once and not self._closed and not self._blind:
            due, turn, device = self._heap[0]
            if turn == device.turn and due > now:
                return
            heapq.heappop(self._heap)
            if turn != device.turn:
                continue  # asked at another time meanwhile
            device.asking = True
            device.asked_at = now
            task = asyncio.create_task(self._see(device, now))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._start()

    async def _see(self, device: _Device, at: Instant) -> None:
        blindnesses = self._blindnesses
        try:
            # One that is known to be silent is not waited for twice.
            alive = await answers(self._ask, device.target, 1 if device.alive is False else ATTEMPTS)
        finally:
            device.asking = False
            self._put(device, self._next(device))
        if alive is None or blindnesses != self._blindnesses:
            return
        if alive is not (device.alive is not False):
            self._notice(UpstreamSeen(device.name, at, alive))
        device.alive = alive

    def _next(self, device: _Device) -> int:
        """The next turn of the device's place in the interval, at least half an interval after it was asked last."""
        now = self._clock()
        due = device.base + self._every_us * ((now - device.base) // self._every_us + 1)
        return due if due - device.asked_at >= self._every_us // 2 else due + self._every_us
