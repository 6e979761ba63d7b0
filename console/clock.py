"""The only place that reads a clock. Everything else is handed instants (`at=`).

Engine time is the wall clock read once at start plus CLOCK_BOOTTIME since then: steps of the wall clock never
move it, and a suspended machine is not skipped over. Where the system has no CLOCK_BOOTTIME the monotonic clock
serves (a suspend then shows as a stall only after the wall clock is compared).
"""

from __future__ import annotations

import time
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.model import Instant

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def wall_now() -> Instant:
    """Return the wall clock's instant, in microseconds UTC."""
    return Instant(time.time_ns() // 1000)  # noqa: TID251  the one reading that every instant comes from


def boot_id() -> str | None:
    """Return the id that the system gave this boot; None where it gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def today(zone: str) -> date:
    """Return the civil date in `zone` (an IANA name) by the wall clock."""
    return datetime.fromtimestamp(wall_now() / 1e6, ZoneInfo(zone)).date()


class EngineClock:
    """Engine time: start wall clock + boot time elapsed, in microseconds UTC; never steps."""

    __slots__ = ("_boot_ns", "_wall_us")

    def __init__(self) -> None:
        self._wall_us = wall_now()
        self._boot_ns = time.clock_gettime_ns(_BOOT)

    def __call__(self) -> Instant:
        """Return the present instant of engine time."""
        return Instant(self._wall_us + (time.clock_gettime_ns(_BOOT) - self._boot_ns) // 1000)

    @property
    def started_at(self) -> Instant:
        """The instant since which this engine time runs."""
        return self._wall_us

    @property
    def boot_zero(self) -> Instant:
        """The instant of engine time at which the machine's monotonic clock stood at zero."""
        return Instant(self._wall_us - self._boot_ns // 1000)

    def drift_us(self) -> int:
        """Return how far the wall clock now stands ahead of engine time (negative: behind)."""
        return wall_now() - self()
