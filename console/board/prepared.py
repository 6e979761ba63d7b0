"""Bodies that many ask for and few change: made once per version off the loop, kept compressed, given with their tag."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import NamedTuple

from aiohttp import web

from console.web.visit import etag_of

KEPT = 64
GZIP_LEVEL = 5


class Body(NamedTuple):
    """Bytes, the same compressed, and their entity tag."""

    plain: bytes
    packed: bytes
    tag: str


class Prepared:
    """The newest body of each key. Whoever asks while one is being made waits for that one. Used on the loop only."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Hashable, float, asyncio.Future[Body]]] = OrderedDict()

    async def body(
        self, key: Hashable, version: Hashable, executor: Executor, make: Callable[[], bytes], keeps_s: float = 3_600.0
    ) -> Body:
        """Return the body of a key in its version; `make` runs on the executor, once. Its errors reach all who wait."""
        found = self._kept.get(key)
        if found is None or found[0] != version or time.monotonic() - found[1] > keeps_s or _failed(found[2]):
            job = asyncio.get_running_loop().run_in_executor(executor, _packed, make)
            found = self._kept[key] = (version, time.monotonic(), job)
            self._kept.move_to_end(key)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return await asyncio.shield(found[2])


def _failed(job: asyncio.Future[Body]) -> bool:
    return job.done() and (job.cancelled() or job.exception() is not None)


def _packed(make: Callable[[], bytes]) -> Body:
    plain = make()
    return Body(plain, gzip.compress(plain, GZIP_LEVEL, mtime=0), etag_of(plain))


def respond(request: web.Request, body: Body, media: str) -> web.Response:
    """Return a body, compressed where the asker takes that, or 304 where the asker has it already."""
    headers = {"ETag": body.tag, "Vary": "Accept-Encoding, Cookie"}
    known = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if body.tag in known or "*" in known:
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return web.Response(body=body.packed, content_type=media, charset="utf-8", headers=headers)
    return web.Response(body=body.plain, content_type=media, charset="utf-8", headers=headers)
