"""The board: keeps the city in memory up to date and answers at once.

States are read every few seconds on a thread of its own; seconds so far are counted in a process of their own every few
minutes. Whatever fails or takes too long leaves the last city standing, with its time on it and what went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from config.settings import Settings
from console.board.city import City
from console.board.counting import accounts_of
from console.board.memory import Memory
from console.board.prepared import Prepared
from console.board.sieve import Sieves
from console.board.streams import Streams
from console.board.summary import Rates, Summary, rates_of, summary_of
from monitor.model import Instant
from monitor.scope import EVERYTHING, Scope
from monitor.store.database import open_database, reading
from settlement.contract import Terms

Result = TypeVar("Result")
log = logging.getLogger(__name__)
REFRESH_S = 5.0
"""Between two readings; after a reading that took long, REST times as long as it took."""
REST = 4
COUNT_S = 300.0
READ_LIMIT_S, COUNT_LIMIT_S = 30.0, 240.0
"""What takes longer is said on the page; the next attempt waits until it has ended."""
SCOPES = 64
"""So many persons' views of the city are kept."""


class Board:
    """Start with `async with board:` (or start/stop); `city` may be asked from then on. One per server.

    `workers` counts the seconds; without one the board's own thread does. Everything else runs on the loop.
    """

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], Instant],
        workers: Executor | None = None,
        contracts: Sequence[Terms] = (),
    ) -> None:
        self._settings, self._now, self._contracts = settings, now, tuple(contracts)
        self._engine = open_database(settings.url)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="board")
        self._workers = workers or self._thread
        self._memory = Memory(settings.zone, settings.policy, contracts)
        self._city = City(interval_s=settings.watch.interval_s)
        self._views: OrderedDict[Scope, City] = OrderedDict()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._troubles: dict[str, str] = {}
        self._pause = REFRESH_S
        self._recounted = False
        self._summaries: dict[Scope, Summary] = {}
        self._rates: dict[tuple[Scope, Instant | None, int], Rates] = {}
        self.streams = Streams()
        self.prepared = Prepared()
        self.sieves = Sieves()
        self.closing = asyncio.Event()
        """Set when the board stops: streams end then."""

    def city(self, scope: Scope = EVERYTHING) -> City:
        """Return the city as somebody with a scope sees it, at once."""
        found = self._views.get(scope)
        if found is None:
            found = self._views[scope] = self._city.narrowed(scope)
            if len(self._views) > SCOPES:
                self._views.popitem(last=False)
        return found

    def summary(self, scope: Scope = EVERYTHING) -> Summary:
        """Return the overview of the city as somebody with a scope sees it."""
        found = self._summaries.get(scope)
        if found is None:
            found = self._summaries[scope] = self._summary_of(self.city(scope))
            if len(self._summaries) > SCOPES:
                del self._summaries[next(iter(self._summaries))]
        return found

    def _summary_of(self, city: City) -> Summary:
        key = (city.scope, city.accounts_at, city.facts_version)
        rates = self._rates.get(key)
        if rates is None:
            rates = self._rates[key] = rates_of(city)
            if len(self._rates) > SCOPES:
                del self._rates[next(iter(self._rates))]
        return summary_of(city, rates)

    async def measured(
        self, workers: Executor, work: Callable[..., bytes], asked: tuple[str, ...], scope: Scope, keeps_s: float
    ) -> bytes:
        """Run a measurement in a process of its own, once for all who ask the same, and keep it for a while."""
        make = partial(work, self._settings.url, self._contracts, *asked, scope)
        return (await self.prepared.body(("measured", asked, scope), 0, workers, make, keeps_s)).plain

    async def changed(self, version: int, timeout_s: float) -> bool:
        """Wait until the city's version is another than `version`; tell whether it became so in time."""
        end = time.monotonic() + timeout_s
        while self._city.version == version and not self.closing.is_set():
            left = end - time.monotonic()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(self._news.wait(), left)
            except TimeoutError:
                return False
        return not self.closing.is_set()

    async def start(self) -> None:
        """Read the states once, then go on in the background."""
        await self.refresh()
        self._tasks = [asyncio.create_task(self._reading()), asyncio.create_task(self._counting())]

    async def stop(self) -> None:
        """End streams and reading; waits for a reading that is under way."""
        self.closing.set()
        self._tell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def refresh(self) -> None:
        """Read the states now."""
        job = asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        found = await self._attempt("读取状态 reading states", job, READ_LIMIT_S)
        if found is not None:
            read, changed = found
            await self._publish_with_summary(read, changed)

    async def count(self) -> None:
        """Count the seconds so far now, then read the states, so that the cards carry them."""
        loop = asyncio.get_running_loop()
        s = self._settings
        job = loop.run_in_executor(self._workers, accounts_of, s.url, self._contracts, s.policy, s.zone, self._now())
        found = await self._attempt("计算在线率 counting seconds", job, COUNT_LIMIT_S)
        if found is None:
            return
        await loop.run_in_executor(self._thread, self._memory.count, found)
        accounts = found.accounts
        times: dict[str, Any] = {"accounts_at": accounts.at, "day": accounts.day, "month": accounts.month}
        self._city = replace(self._city, **times, quarter=accounts.quarter)
        self._recounted = True
        await self.refresh()

    def _read(self) -> tuple[dict[str, Any], bool]:
        at, memory = self._now(), self._memory
        with reading(self._engine) as connection:
            changed = memory.step(connection, at)
        names = ("facts_version", "cards", "phases", "gaps", "vantages")
        return {"at": at, **{name: getattr(memory, name) for name in names}}, changed

    async def _attempt(self, what: str, job: asyncio.Future[Result], limit_s: float) -> Result | None:
        """Wait for a job; what goes wrong, or is not over in time, is told on the city. None if it failed."""
        try:
            try:
                found = await asyncio.wait_for(asyncio.shield(job), limit_s)
            except TimeoutError:
                self._trouble(what, f"超过 {limit_s:g} 秒 longer than that")
                found = await job
        except Exception as error:  # the store is foreign ground; the last city stands and says how old it is
            log.warning("%s failed", what, exc_info=error)
            self._trouble(what, type(error).__name__)
            return None
        self._trouble(what, "")
        return found

    def _trouble(self, what: str, why: str) -> None:
        before = dict(self._troubles)
        self._troubles = {**before, what: why} if why else {k: v for k, v in before.items() if k != what}
        if self._troubles != before:
            text = "；".join(f"{key}：{value}" for key, value in sorted(self._troubles.items()))
            self._publish(replace(self._city, trouble=text), True)

    async def _publish_with_summary(self, read: dict[str, Any], changed: bool) -> None:
        """Publish a city together with its overview, which is made off the loop: it looks at every card."""
        changed, self._recounted = changed or self._recounted, False
        summary = None
        if changed:
            city = replace(self._city, **read)
            summary = await asyncio.get_running_loop().run_in_executor(self._thread, self._summary_of, city)
        self._publish(replace(self._city, **read), changed)
        if summary is not None:
            self._summaries[EVERYTHING] = summary

    def _publish(self, city: City, changed: bool) -> None:
        self._city = replace(city, version=self._city.version + changed)
        self._views = OrderedDict({EVERYTHING: self._city})
        if changed:
            self._summaries.clear()
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _reading(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            begun = time.monotonic()
            await self.refresh()
            self._pause = max(REFRESH_S, REST * (time.monotonic() - begun))

    async def _counting(self) -> None:
        while True:
            begun = time.monotonic()
            await self.count()
            await asyncio.sleep(max(COUNT_S, REST * (time.monotonic() - begun)))
