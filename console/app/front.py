"""The front of a server: pages, API, metrics and health under one address, over the watcher's own writer.

/metrics, /healthz and /readyz answer anybody who reaches the address, as monitoring systems expect; they name no point and
no person. Everything else asks who it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from config.settings import Settings
from console.app import site as composition
from console.app.parts import OtherWays, Parts
from console.app.proxies import Proxies
from console.auth import keys
from console.auth.arrival import Arrival, Seen
from console.clock import today, wall_now
from console.store import first, sessions
from console.web.visit import SITE, Site, Threads
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.contract import Terms

log = logging.getLogger(__name__)
SEEN_S = 60.0
"""Between two writings of when sessions were last seen."""
SILENT_S = 75.0
"""A connection that has sent no whole head of a request for so long is closed."""
LEAVE_S = 5.0
"""How long a request under way may take after the end was asked for; streams end at once."""


class Front:
    """One server's front. `open` after the writer is there, `close` before it goes; both on the loop."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        on_writer: Threads,
        registry: CollectorRegistry,
        ready: Callable[[], bool],
        say: Callable[[str], None],
        contracts: list[Terms],
        ways: OtherWays,
    ) -> None:
        self._settings, self._writer, self._on_writer = settings, writer, on_writer
        self._registry, self._ready, self._say = registry, ready, say
        self._seen = Seen()
        self._readers, self._workers = composition.readers(), composition.workers()
        self._parts = Parts(settings, wall_now, self._workers, contracts, ways)
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._open = False

    async def open(self, host: str, port: int) -> None:
        """Listen, and say where. InputError if the address cannot be listened on."""
        self._open = True
        word = keys.fresh_typed()
        made = await self._on_writer(_prepare_first, self._writer, keys.digest_of(word), wall_now())
        await self._parts.start()
        application = composition.application(self._site(), self._monitoring())
        if (
            self._settings.serve.proxies
        ):  # behind `strangers`, so that what is wrong with a proxy's words is told as all else
            application.middlewares.append(Proxies(self._settings.serve.proxies).middleware)
        application.on_shutdown.append(self._end_streams)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=LEAVE_S, keepalive_timeout=SILENT_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise refuse(
                f"无法监听 cannot listen on {host}:{port}: {error.strerror}",
                "换一个端口 choose another port: --port",
            ) from None
        base = f"http://{_shown(host)}:{self._runner.addresses[0][1]}"
        self._say(f"已就绪 ready: {base}/ （指标 metrics: {base}/metrics）")
        if made is not None:
            secret = (
                word if made else "已在首次启动时显示，遗失时 shown at the first start; if lost: camsla account first"
            )
            self._say(f"还没有系统管理员 no administrator yet: {base}/first\n一次性口令 one-time secret: {secret}\n")
        self._tasks = [asyncio.create_task(self._remember())]

    async def close(self) -> None:
        """End streams, let requests under way finish, and store what is remembered; harmless when repeated."""
        if not self._open:
            return
        self._open = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._parts.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        await self._store_seen()
        self._readers.shutdown(wait=False, cancel_futures=True)
        _end(self._workers)

    def _site(self) -> Site:
        zone = self._settings.zone
        return Site(
            self._settings,
            self._writer.engine,
            self._writer,
            self._on_writer,
            self._readers,
            self._workers,
            wall_now,
            lambda: today(zone),
            Arrival(self._settings.serve, self._seen),
            self._parts.by_type,
        )

    def _monitoring(self) -> list[web.RouteDef]:
        async def metrics(_request: web.Request) -> web.Response:
            return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

        async def healthz(_request: web.Request) -> web.Response:
            return web.Response(text="ok\n")

        async def readyz(_request: web.Request) -> web.Response:
            ready = self._ready()
            return web.Response(text="ready\n" if ready else "starting\n", status=200 if ready else 503)

        return [web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)]

    async def _end_streams(self, application: web.Application) -> None:
        for task in list(application[SITE].streams):
            task.cancel()

    async def _remember(self) -> None:
        while True:
            await asyncio.sleep(SEEN_S)
            await self._store_seen()

    async def _store_seen(self) -> None:
        last, used = self._seen.taken()
        if not last and not used:
            return
        try:
            await self._on_writer(sessions.seen, self._writer, last, used)
        except Exception as error:  # the store is foreign ground; sessions then look idle for a minute longer
            log.warning("cannot store when sessions were seen", exc_info=error)


def _prepare_first(writer: Writer, digest: str, at: Instant) -> bool | None:
    """Tell whether the secret was stored just now; None where an administrator is there."""
    made = first.prepare(writer, digest, at=at)
    with writer.transaction() as connection:
        return made if first.waiting(connection) else None


def _shown(host: str) -> str:
    if host in {"0.0.0.0", "::", ""}:
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _end(workers: Executor) -> None:
    """End the processes of heavy work now: what they compute is nobody's any more, and the exit would wait for it."""
    processes = list((getattr(workers, "_processes", None) or {}).values())
    workers.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
