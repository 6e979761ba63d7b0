"""Live numbers: told when they change, alive in between, so many streams and no more, ended with the server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.board import telling
from console.board.streams import Streams
from console.web.faults import TooManyError
from monitor.scope import EVERYTHING
from tests.site_app import WHO, get
from tests.watched_city import NOON, samples, watched_site


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(telling, "APART_S", 0.0)
    async with watched_site(tmp_path) as found:
        yield found


async def _event(response: Any) -> tuple[str, dict[str, Any]]:
    name = ""
    while True:
        line = (await asyncio.wait_for(response.content.readline(), 10)).decode().strip()
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if line.startswith("data: "):
            return name, json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("path", ["/live", "/api/v1/live"])
async def test_a_stream_tells_what_changed_and_ends_with_the_board(site: Any, path: str) -> None:
    city, board, client = site
    async with client.get(path, headers={WHO: "值班"}) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        name, told = await _event(response)
        assert (name, told["texts"]["online"], told["at_text"]) == ("city", "1", "2020-07-01 12:00:30")
        city.watch(samples("A-1", NOON + 60, NOON + 60, "timeout"))
        city.clock = NOON + 65
        await board.refresh()
        name, told = await _event(response)
        assert (name, told["texts"]["online"], told["texts"]["offline"]) == ("city", "0", "2")
        assert board.streams.open == 1
        await board.stop()
        assert (await asyncio.wait_for(response.content.read(), 10)).strip() == b""
    assert board.streams.open == 0


async def test_a_stream_that_has_nothing_to_tell_says_that_it_lives(site: Any) -> None:
    city, board, _ = site
    found = []
    told = telling.events(board, EVERYTHING, city.now, "Asia/Shanghai", str, lasting_s=5, beat_s=0.05)
    async for name, _ in told:
        found.append(name)
        if len(found) == 3:
            break
    assert found == ["city", "beat", "beat"]


async def test_a_stream_shows_only_what_its_person_may_see(site: Any) -> None:
    told = json.loads((await get(site[2], "/live/now", "甲方"))[1])
    assert told["texts"]["expected"] == "2" and told["alarms"] == []
    for path in ("/live", "/live/now"):
        assert (await get(site[2], path, "数据员"))[0] == 403
        assert (await get(site[2], path, ""))[0] == 303


async def test_streams_are_counted_per_person_and_in_all() -> None:
    streams = Streams(each=1, everyone=2)
    with streams.one("a"), streams.one("b"):
        for person in ("a", "c"):
            with pytest.raises(TooManyError), streams.one(person):
                pass
    with streams.one("a"):
        assert streams.open == 1
    assert streams.open == 0
