"""The front of a server: proxies that are believed and others that are not, streams ended, what is remembered stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from console.app import front as front_module
from console.app import site as composition
from console.app.database import open_writer
from console.app.front import Front
from console.app.parts import other_ways
from console.app.proxies import Proxies
from console.auth import keys
from console.clock import wall_now
from console.store import accounts, sessions
from console.store.account_terms import Terms
from console.store.sessions import Opening
from console.web.access import Role
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.model import Instant
from monitor.store.database import reading
from tests.site_app import settings_at

FORWARDED = {
    "X-Forwarded-For": "203.0.113.9, 10.0.0.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "city.example",
}


@pytest.mark.parametrize(
    ("networks", "seen"),
    [
        (["127.0.0.0/8"], "10.0.0.7 https city.example"),
        (["127.0.0.0/8", "10.0.0.0/8"], "203.0.113.9 https city.example"),
        (["10.0.0.0/8"], "127.0.0.1 http"),
    ],
)
async def test_only_a_named_proxy_is_believed(networks: list[str], seen: str) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.remote} {request.scheme} {request.host}")

    app = web.Application(middlewares=[Proxies(networks).middleware])
    app.router.add_get("/", echo)
    async with TestClient(TestServer(app)) as client, client.get("/", headers=FORWARDED) as response:
        assert (await response.text()).startswith(seen)


routes = Routes()


@routes.stream("/t/stream", allow=None)
async def _stream(visit: Visit) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(visit.request)
    await response.write(b"data: begun\n\n")
    await asyncio.Event().wait()
    return response


async def test_streams_end_and_what_is_remembered_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = composition.every_route
    monkeypatch.setattr(composition, "every_route", lambda: [*routes, *every()])
    settings = settings_at(tmp_path, serve={"plain_http": True})
    writer = open_writer(settings, "watch")
    said: list[str] = []

    async def on_writer(work: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(work, *arguments)

    begun, word = Instant(wall_now() - 60_000_000), keys.fresh()
    accounts.add(
        writer,
        "root",
        Terms("", frozenset({Role.ADMINISTRATOR})),
        password="x",
        must_change=False,
        at=begun,
        actor="test",
    )
    opening = Opening(keys.digest_of(word), "c", "password", Instant(begun + 3_600_000_000), "", "")
    sessions.open_session(writer, "root", opening, at=begun)
    front = Front(settings, writer, on_writer, CollectorRegistry(), lambda: True, said.append, [], other_ways(settings))
    await front.open("127.0.0.1", 0)
    try:
        base = said[0].split()[2].rstrip("/")
        async with ClientSession() as browser:
            async with browser.get(f"{base}/account", headers={"Cookie": f"camsla={word}"}) as page:
                assert page.status == 200
            async with browser.get(f"{base}/t/stream") as stream:
                assert await stream.content.readuntil(b"\n\n") == b"data: begun\n\n"
                async with asyncio.timeout(3):  # requests under way get five seconds, streams none
                    await front.close()
        with reading(writer.engine) as connection:
            found = sessions.find(connection, keys.digest_of(word))
        assert found is not None and found.seen_at > begun
        assert not any("one-time secret" in line for line in said)
        await front.close()
    finally:
        await front.close()
        writer.close()


async def test_who_says_nothing_is_not_listened_to_and_a_proxys_nonsense_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "SILENT_S", 0.3)
    settings = settings_at(tmp_path, serve={"plain_http": True, "proxies": ["127.0.0.0/8"]})
    writer = open_writer(settings, "watch")
    said: list[str] = []

    async def on_writer(work: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(work, *arguments)

    front = Front(settings, writer, on_writer, CollectorRegistry(), lambda: True, said.append, [], other_ways(settings))
    await front.open("127.0.0.1", 0)
    try:
        base = said[0].split()[2].rstrip("/")
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: x\r\nSlow: "):
            reader, connection = await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2]))
            connection.write(sent)
            assert await asyncio.wait_for(reader.read(), 5) == b""  # closed
            connection.close()
            await connection.wait_closed()
        async with ClientSession() as browser:
            for value in ("not an address", "10.0.0.1, ::1, x"):
                async with browser.get(f"{base}/api/v1/account", headers={"X-Forwarded-For": value}) as answer:
                    assert (answer.status, answer.content_type) == (400, "application/problem+json")
                    assert answer.headers["Content-Security-Policy"] and answer.headers["Server"] == "camsla"
            async with browser.get(f"{base}/metrics") as answer:
                assert answer.status == 200 and answer.headers["Server"] == "camsla"
    finally:
        await front.close()
        writer.close()
