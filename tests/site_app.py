"""A site for tests: the real application over a real database, with persons named by a header instead of signed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Connection

from config.settings import Settings
from console.app.database import open_writer
from console.app.site import application, readers
from console.web.access import Person, Role, Signed
from console.web.visit import Site
from monitor.model import Instant
from monitor.scope import EVERYTHING

CSRF = "the-token-of-the-test"
WHO = "X-Test-Person"


def person(name: str, *roles: Role, scope: Any = EVERYTHING) -> Person:
    return Person(name, frozenset(roles), scope, name)


class PersonByHeader:
    """Signs in whoever the header names, of the persons that the test gave."""

    def __init__(self, persons: Mapping[str, Person]) -> None:
        self.persons = persons

    def __call__(self, _connection: Connection, request: web.Request, _at: Instant) -> Signed | None:
        found = self.persons.get(request.headers.get(WHO, ""))
        return None if found is None else Signed(found, CSRF, "session")


@asynccontextmanager
async def site_client(
    settings: Settings,
    persons: Mapping[str, Person],
    *,
    at: Instant,
    more: Mapping[type, Any] | None = None,
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Serve the settings' database on loopback; the clock stands at `at`."""
    writer = open_writer(settings, "watch")
    thread = ThreadPoolExecutor(max_workers=1)
    reading = readers()
    workers = ThreadPoolExecutor(max_workers=1)  # in the test's process: its errors are seen, nothing is spawned

    def on_writer(work: Any, *arguments: Any) -> Any:
        return asyncio.get_running_loop().run_in_executor(thread, work, *arguments)

    today: date = datetime.fromtimestamp(at / 1e6, ZoneInfo(settings.zone)).date()
    site = Site(
        settings,
        writer.engine,
        writer,
        on_writer,
        reading,
        workers,
        lambda: at,
        lambda: today,
        PersonByHeader(persons),
        dict(more or {}),
    )
    client = TestClient(TestServer(application(site)))
    await client.start_server()
    try:
        yield client
    finally:
        await client.close()
        for executor in (reading, workers, thread):
            executor.shutdown()
        writer.close()


def settings_at(folder: Path, **named: Any) -> Settings:
    return Settings(data_dir=folder, **named)


async def get(client: TestClient[web.Request, web.Application], path: str, who: str) -> tuple[int, str]:
    async with client.get(path, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, await response.text()


async def post(
    client: TestClient[web.Request, web.Application], path: str, who: str, fields: Mapping[str, Any], csrf: str = CSRF
) -> tuple[int, str, str]:
    """Post a form; returns status, text and where it leads."""
    data = {**fields, "csrf": csrf}
    async with client.post(path, data=data, headers={WHO: who}, allow_redirects=False) as response:
        return response.status, await response.text(), response.headers.get("Location", "")


__all__ = ["CSRF", "WHO", "ClientSession", "get", "person", "post", "settings_at", "site_client"]
