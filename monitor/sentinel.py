"""The sentinel: is it the watcher that went blind, or an upstream device that went down?

It asks control targets when the brake (monitor/brake.py) suspects a mass failure, and upstream devices on their beat and
when a point behind them fails (monitor/upstreams.py). What it learns are notices beside the record; verdicts are stored
as they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from monitor.brake import Brake
from monitor.model import MICROSECONDS, Instant, State
from monitor.notices import BlindSince, Notice, SightedAgain
from monitor.upstreams import Ask, Upstreams, answers

CAUSE = "mass-failure"


class Sentinel:
    """Watches over the watcher. Without controls it never doubts; without upstreams it attributes nothing.

    Tasks are bounded: one for the controls, and those of the upstream devices.
    """

    def __init__(
        self,
        ask: Ask,
        notice: Callable[[Notice], None],
        clock: Callable[[], Instant],
        brake: Brake,
        *,
        controls: Sequence[Any] = (),
        upstreams: Mapping[str, Any] | None = None,
        every_s: float = 60.0,
        again_s: float = 10.0,
    ) -> None:
        self._ask = ask
        self._notice = notice
        self._clock = clock
        self._brake = brake
        self._controls = tuple(controls)
        self.upstreams = Upstreams(ask, notice, clock, upstreams or {}, every_s=every_s, again_s=again_s)
        self._again_us = round(again_s * MICROSECONDS)
        self._again_s = again_s
        self._online = 0
        self._doubting: asyncio.Task[None] | None = None
        self._next_doubt_at = Instant(0)
        self._down: set[str] = set()
        self._unproven: set[str] = set()
        self._sighted_at = Instant(0)
        self.blind_since: Instant | None = None
        """Since when the watcher has known itself blind; None while it sees."""

    def begin(self) -> None:
        """Ask the upstream devices for the first time, ahead of the points behind them."""
        self.upstreams.begin()

    def saw(self, point: str, upstream: str, at: Instant, state: State, before: State | None) -> None:
        """Take a verdict of a probe that began at `at`; `before` is the point's state until then."""
        self._online += (state is State.ONLINE) - (before is State.ONLINE)
        offline = state is State.OFFLINE
        if self._controls:
            if not offline:
                self._down.discard(point)
                self._unproven.discard(point)
                self._brake.rose(point)
            elif before is not State.OFFLINE or point in self._unproven:
                # A point's first verdict counts as well: a watcher may start blind.
                self._down.add(point)
                self._unproven.discard(point)
                self._brake.dropped(point, at)
        if upstream and (offline or self.upstreams.alive(upstream) is False):
            self.upstreams.suspect(upstream)

    def forget(self, point: str, state: State | None) -> None:
        """Forget a point that is no longer watched, or whose camera changed; `state` is what it was last."""
        self._online -= state is State.ONLINE
        self._down.discard(point)
        self._unproven.discard(point)
        self._brake.rose(point)

    def tick(self, now: Instant) -> None:
        """Look whether there is reason for doubt, and which upstream device is due; called a few times a second."""
        self.upstreams.tick()
        if not self._controls or self._doubting is not None or now < self._next_doubt_at:
            return
        since = self._brake.suspicion(now, self._online)
        if since is not None:
            self._doubting = asyncio.create_task(self._doubt(since))

    async def _doubt(self, since: Instant) -> None:
        try:
            if await self._any_control():
                self._next_doubt_at = Instant(self._clock() + self._again_us)
                return
            # Probes that began earlier may have failed meanwhile: a timeout tells later than a refusal.
            since = min(since, self._brake.suspicion(self._clock(), self._online) or since)
            since = max(since, self._sighted_at)
            self.blind_since = since
            self.upstreams.blinded()
            self._notice(BlindSince(since, CAUSE))
            await self._until_sighted()
            self.blind_since = None
            self._sighted_at = self._clock()
            self._notice(SightedAgain(since, self._sighted_at, CAUSE))
            # What was seen down while blind is proven by nothing: its next failure is a drop again.
            self._brake.clear()
            self._unproven = set(self._down)
            self.upstreams.sighted()
        finally:
            self._doubting = None

    async def _until_sighted(self) -> None:
        while True:
            await asyncio.sleep(self._again_s)
            if await self._any_control():
                return

    async def _any_control(self) -> bool:
        return any(await asyncio.gather(*(answers(self._ask, control) for control in self._controls)))

    def close(self) -> list[asyncio.Task[None]]:
        """Return the tasks under way, for the engine to cancel. A blindness that lasts stays open in the store."""
        return [*self.upstreams.close(), *([] if self._doubting is None else [self._doubting])]
