"""The board's numbers as pages and streams tell them: written in the reader's language, by the name of their place on a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from console.board.board import Board
from console.board.city import City
from console.board.summary import Summary, alarms
from console.web.templating import number, percent
from console.web.visit import Visit
from monitor.model import MICROSECONDS, Instant
from monitor.scope import Scope

BEAT_S = 10.0
"""A stream says at least so often that it is alive."""
APART_S = 2.0
"""It tells changes no more often than this."""
STREAM_S = 600.0
"""So long a stream lives; whoever still listens comes again, and is asked anew who they are."""
ENDPOINT_S = 50.0
"""The same under /api/v1, whose answers end within a minute."""

MOVING = ("at", "at_text", "lag_s")
"""What is told with every beat, and is no change by itself."""


def clock(at: Instant | None, zone: str) -> str:
    """Write an instant's date and time in the installation's zone."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def numbers(city: City, summary: Summary, at: Instant, zone: str, say: Callable[[str], str]) -> dict[str, Any]:
    """Return what a page shows of the city now, as texts."""
    n = summary.counts
    found = {name: number(getattr(n, name)) for name in ("expected", "online", "offline", "excluded", "unknown", "out")}
    for name, tally in zip(("day", "month", "quarter"), summary.rates, strict=True):
        found[name] = percent(tally.rate)
    lag = city.lag_s(at)
    return {
        "version": city.version,
        "facts": city.facts_version,
        "at": city.at,
        "at_text": clock(city.at, zone),
        "accounts_at": city.accounts_at,
        "texts": found,
        "lag_s": None if lag is None else round(lag),
        "alarms": alarms(city, at, zone, say),
    }


async def events(
    board: Board,
    scope: Scope,
    now: Callable[[], Instant],
    zone: str,
    say: Callable[[str], str],
    *,
    lasting_s: float = STREAM_S,
    beat_s: float = BEAT_S,
) -> AsyncIterator[tuple[str, str]]:
    """Yield (event, data): `city` whenever what is told differs, `beat` in between; ends when the board stops."""
    loop = asyncio.get_running_loop()
    end, last = loop.time() + lasting_s, None
    while not board.closing.is_set() and loop.time() < end:
        city, at = board.city(scope), now()
        told = numbers(city, board.summary(scope), at, zone, say)
        seen = {name: value for name, value in told.items() if name not in MOVING}
        if seen != last:
            yield "city", json.dumps(told, ensure_ascii=False)
            last = seen
        else:
            yield (
                "beat",
                json.dumps({"at": told["at"], "lag_s": told["lag_s"], "alarms": told["alarms"]}, ensure_ascii=False),
            )
        began = loop.time()
        await board.changed(city.version, min(beat_s, max(0.0, end - began)))
        if not board.closing.is_set():
            await asyncio.sleep(max(0.0, min(APART_S, beat_s) - (loop.time() - began)))


async def stream(visit: Visit, lasting_s: float = STREAM_S) -> web.StreamResponse:
    """Send a person's events until the page goes, the stream has lived long enough, or the server stops."""
    board = visit.site.part(Board)
    with board.streams.one(visit.person.name):
        told = events(board, visit.scope, visit.site.now, visit.site.settings.zone, visit.say, lasting_s=lasting_s)
        source = EventSourceResponse()
        await source.prepare(visit.request)
        with suppress(ConnectionResetError):  # the page has gone
            async with source:
                async for event, data in told:
                    if not source.is_connected():
                        break
                    await source.send(data, event=event)
        return source
