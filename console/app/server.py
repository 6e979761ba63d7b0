"""The server put together: watcher, schedule, console and API on one loop, all writes on the watcher's thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from config.contracts import load_contract
from config.settings import Settings
from console.app.evidence import Sealing
from console.app.front import Front
from console.app.identifying import Identifying
from console.app.parts import other_ways
from console.app.watcher import watching
from console.backups import noting
from console.clock import today, wall_now
from console.quarters.closing import close_months, quarter_so_far
from console.schedule import scheduler
from console.watching import told_to_end
from settlement.contract import Terms


class Server:
    """One `camsla serve`. Everything wrong with settings and contracts is found before anything starts."""

    def __init__(self, settings: Settings, *, host: str, port: int, watch: bool, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._host = host
        self._port = port
        self._watch = watch
        self._say = say
        self._contracts: list[Terms] = [load_contract(Path(path)) for path in settings.contracts]
        self._ways = other_ways(settings)
        self._ready = False
        self._stopping = threading.Event()
        self._closing = asyncio.Lock()

    async def run(self, *, duration_s: float | None = None) -> None:
        """Serve until SIGTERM, SIGINT or `duration_s`."""
        watcher, store, metrics = watching(self._settings, self._say)
        zone = self._settings.zone

        async def close() -> None:
            async with self._closing:
                await asyncio.to_thread(
                    close_months,
                    store.writer,
                    self._contracts,
                    today(zone),
                    wall_now(),
                    self._say,
                    self._stopping.is_set,
                )

        async def measure() -> None:
            async with self._closing:
                await asyncio.to_thread(
                    quarter_so_far, store.writer.engine, self._contracts, today(zone), metrics.phase, metrics.no_phases
                )

        identifying = Identifying(self._settings, store.writer, store.breaker, wall_now)
        if self._watch:
            watcher.came_back = identifying.came_back

        async def note() -> None:
            if noting.waiting(self._settings.data_dir):
                await watcher.on_writer(noting.take_down, store.writer, self._settings.data_dir)

        async def identify() -> None:
            await note()
            if self._watch:
                await identifying.round()

        sealing = Sealing(self._settings, store.writer, metrics.log, self._say, self._stopping.is_set)

        def ready() -> None:
            """Only now do the runs hold all that was acknowledged: a month closed earlier would lack some of it."""
            planned.start()
            self._ready = True

        async def finish() -> None:
            """Let requests under way be answered, and a close that is under way end with its month, before the store goes."""
            self._stopping.set()
            await front.close()
            if not planned.running:
                return
            planned.pause()
            await sealing.ended()  # before the shutdown, which abandons what is under way in another thread
            async with self._closing:
                planned.shutdown(wait=False)

        delay = self._settings.evidence.seal_delay_minutes
        planned = scheduler(zone, close, measure, identify, sealing.round, delay)
        front = Front(
            self._settings,
            store.writer,
            watcher.on_writer,
            metrics.registry,
            lambda: self._ready,
            self._say,
            self._contracts,
            self._ways,
        )
        with told_to_end(watcher.engine.stop):  # remembered while the front still opens
            try:
                await front.open(self._host, self._port)
                await watcher.run(duration_s=duration_s, probing=self._watch, ready=ready, finish=finish)
            finally:
                self._ready = False
                await front.close()
                store.close()
