"""Both event loops the product runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def runner(name: str) -> Run[Any]:
    """Return a function that runs a coroutine on a fresh loop of that kind; anything the loop complains of fails."""

    def run(work: Coroutine[Any, Any, T]) -> T:
        complaints: list[dict[str, Any]] = []

        async def watched() -> T:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
            return await work

        with asyncio.Runner(loop_factory=LOOPS[name]) as own:
            result = own.run(watched())
        assert not complaints, complaints
        return result

    return run
