"""How long a stream of events lasts: no longer than whoever listens may listen.

Every other request asks once who sends it. A stream goes on, so the question is asked again while it is open: a session
that was ended, an account that was closed, a link that is over, or another role or scope cuts it within STILL_S.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from console.web.visit import Visit, read_on

STILL_S = 5.0
"""Between two questions; also how long a stream may outlive what opened it."""


@asynccontextmanager
async def while_permitted(visit: Visit) -> AsyncIterator[None]:
    """Cut the connection of the request being answered as soon as another request of its sender would be refused.

    TimeoutError is raised within then; the connection is closing already, so that nothing more is answered. Meanwhile the
    task is among the site's streams.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a stream is answered in a task")
    async with asyncio.timeout(None) as limit:
        asking = asyncio.create_task(_ask_again(visit, limit))
        visit.site.streams.add(task)
        try:
            yield
        finally:
            asking.cancel()
            visit.site.streams.discard(task)


async def _ask_again(visit: Visit, limit: asyncio.Timeout) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(STILL_S)
        if not await _still(visit):
            if visit.request.transport is not None:
                visit.request.transport.close()
            limit.reschedule(loop.time())
            return


async def _still(visit: Visit) -> bool:
    """Tell whether the sender is who it was, and may what it might. A store that does not answer says no: streams come again."""
    try:
        return await read_on(visit.site, visit.site.identify, visit.request, visit.site.now()) == visit.signed
    except Exception:  # refused, sent elsewhere, gone, or not to be told
        return False
