"""Cards being filled: each question asked once, in the worker process, and its answer kept for a while."""

from __future__ import annotations

import asyncio
import hashlib

from console.evaluator.score_cards import Asked, Filled, filled
from console.settling.remembered import Remembered
from console.web.visit import Visit
from monitor.model import MICROSECONDS

MOST_KEPT = 40
KEPT_S = 600
"""An answer is measured anew after so long: corrections and payments may have changed it."""
PATIENCE_S = 5.0
_KNOWN: Remembered[Filled] = Remembered(MOST_KEPT)
_UNDER_WAY: dict[str, asyncio.Future[Filled]] = {}


def key_of(url: str, asked: Asked) -> str:
    """Return what tells one question from another."""
    inputs = hashlib.sha256(asked.inputs.encode()).hexdigest() if asked.inputs else ""
    when = asked.at // (KEPT_S * MICROSECONDS)
    return f"{url} {asked.rubric} {asked.contract} {asked.period} {inputs} {when}"


async def fill_of(visit: Visit, asked: Asked, patience_s: float = PATIENCE_S) -> Filled | None:
    """Return the filled card, or None where it is still being measured after `patience_s`: ask again."""
    url = visit.site.settings.url
    key = key_of(url, asked)
    known = _KNOWN.get(key)
    if known is not None:
        return known
    task = _UNDER_WAY.get(key)
    if task is None or task.get_loop() is not asyncio.get_running_loop():
        task = asyncio.ensure_future(visit.compute(filled, url, asked))
        _UNDER_WAY[key] = task
        task.add_done_callback(lambda done: _ended(key, done))
    try:
        return await asyncio.wait_for(asyncio.shield(task), patience_s)
    except TimeoutError:
        return None


def _ended(key: str, done: asyncio.Future[Filled]) -> None:
    _UNDER_WAY.pop(key, None)
    if not done.cancelled() and done.exception() is None:
        _KNOWN.put(key, done.result())
