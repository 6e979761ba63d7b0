"""What runs when. Jobs are defined in code; every trigger names its time zone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger  # noqa: TID251  the one place that may, because it passes timezone=

MEASURE_S = 300
IDENTIFY_S = 600

GRACE_S = 86_400
"""A job missed while the process was down still runs if it is no more than a day late; the close itself catches up."""


def monthly(zone: str, *, day: int, hour: int, minute: int) -> CronTrigger:
    """Return a trigger for a day of each month in the contract's zone."""
    return CronTrigger(day=day, hour=hour, minute=minute, timezone=ZoneInfo(zone))


def daily(zone: str, *, minutes: int) -> CronTrigger:
    """Return a trigger so many minutes after each midnight of the contract's zone."""
    return CronTrigger(hour=minutes // 60, minute=minutes % 60, timezone=ZoneInfo(zone))


def hourly(zone: str, *, minute: int) -> CronTrigger:
    """Return a trigger for a minute of each hour."""
    return CronTrigger(minute=minute, timezone=ZoneInfo(zone))


def scheduler(
    zone: str,
    close_months: Callable[[], Awaitable[None]],
    measure_quarter: Callable[[], Awaitable[None]],
    identify: Callable[[], Awaitable[object]],
    seal: Callable[[bool], Awaitable[None]],
    seal_minutes: int,
) -> AsyncIOScheduler:
    """Return the scheduler with its jobs, not yet started.

    `close_months` freezes the rates of every ended month that is not yet frozen; it runs on the 1st at 00:20, when
    late results have arrived, and once at start, so that a month that ended while nothing ran is closed as well.
    `measure_quarter` refreshes the running quarter's rates every MEASURE_S seconds; `identify` asks the
    devices that are due who they are. `seal(False)` seals the days that are over, `seal_minutes` after midnight;
    `seal(True)` makes a checkpoint as well: every hour, and once at start, when days that were missed are made up for.
    """
    planned = AsyncIOScheduler(timezone=ZoneInfo(zone))
    options = {"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE_S}
    planned.add_job(close_months, monthly(zone, day=1, hour=0, minute=20), id="month-close", **options)
    planned.add_job(close_months, id="month-close-at-start", **options)
    planned.add_job(measure_quarter, "interval", seconds=MEASURE_S, id="quarter-so-far", **options)
    planned.add_job(identify, "interval", seconds=IDENTIFY_S, id="identify", **options)
    planned.add_job(seal, daily(zone, minutes=seal_minutes), args=[False], id="seal", **options)
    planned.add_job(seal, hourly(zone, minute=0), args=[True], id="checkpoint", **options)
    planned.add_job(seal, args=[True], id="seal-at-start", **options)
    return planned
