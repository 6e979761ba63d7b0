"""An event loop whose clock jumps to the next timer, so that hours of schedule run in milliseconds and exactly."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

START_US = 1_600_000_000_000_000


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 1000.0
        selector = _Jumping()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.now

    def clock(self) -> int:
        """Engine time in microseconds UTC that goes with the loop's time."""
        return START_US + round((self.now - 1000.0) * 1e6)

    def oversleep(self, seconds: float) -> None:
        """Let time pass while nothing runs, as a stopped process would."""
        self.now += seconds


def run_virtual(main: Coroutine[Any, Any, Any], loop: VirtualLoop) -> Any:
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(asyncio.wait_for(main, 10_000_000))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
