"""Making a statement's paper for a visit: from the disk where it was made before, else in a worker process, once for all who ask."""

from __future__ import annotations

import asyncio

from console.quarters.papers import cover_of
from console.settling.heads import Head
from console.settling.jobs import stored_paper
from console.settling.papers import find_paper, keep_paper, paper_key
from console.web.visit import Visit
from settlement.store import statements

_UNDER_WAY: dict[str, asyncio.Future[bytes]] = {}


async def made_paper(visit: Visit, head: Head, kind: str) -> bytes:
    """Return a paper's bytes. `kind`: xlsx, pdf, svg."""
    cover = await visit.read(
        lambda connection: cover_of(
            connection, statements.require(connection, head.contract, head.quarter, head.revision)
        )
    )
    key = paper_key(head.body_sha, head.software, cover, kind)
    folder = visit.site.settings.data_dir
    kept = await visit.aside(find_paper, folder, key, kind)
    if kept is not None:
        return kept
    place = f"{folder} {key}"
    found = _UNDER_WAY.get(place)
    if found is None:
        job = visit.compute(
            stored_paper, visit.site.settings.url, head.contract, head.quarter, head.revision, cover, kind
        )
        found = _UNDER_WAY[place] = asyncio.ensure_future(job)
        found.add_done_callback(lambda _: _UNDER_WAY.pop(place, None))
        body = await asyncio.shield(found)
        await visit.aside(keep_paper, folder, key, kind, body)
        return body
    return await asyncio.shield(found)
