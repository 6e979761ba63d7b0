"""A site with the real sign-in: accounts in a real database, cookies in a real client, cheap hashes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from config.settings import Settings
from console.auth.arrival import Arrival, Seen
from console.auth.coming_in import SignIn
from console.auth.limits import Limits
from console.auth.passwords import Passwords
from console.store import accounts
from console.store.account_terms import Terms
from console.web.access import Role
from console.web.endpoints import Repeats
from console.web.repeats import StoredRepeats
from console.web.visit import SITE, Site
from monitor.model import MICROSECONDS, Instant
from monitor.scope import EVERYTHING, Scope
from tests.site_app import settings_at, site_client

AT = Instant(1_600_000_000_000_000)
PASSWORD = "correct horse battery"
LATER = Instant(AT + 400 * 86_400 * MICROSECONDS)
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Office:
    """The site, its one browser, and ways to make accounts and to let time pass."""

    def __init__(self, client: Any, site: Site, part: SignIn) -> None:
        self.client, self.site, self.part = client, site, part
        self.writer = site.writer
        self.now = AT
        site.now = lambda: self.now

    def pass_minutes(self, minutes: float) -> None:
        self.now = Instant(self.now + int(minutes * 60 * MICROSECONDS))

    def add(
        self,
        name: str,
        *roles: Role,
        scope: Scope = EVERYTHING,
        until: Instant | None = None,
        must_change: bool = False,
        **more: Any,
    ) -> None:
        accounts.add(
            self.writer,
            name,
            Terms(name, frozenset(roles), scope, until),
            password=CHEAP.hash(PASSWORD),
            must_change=must_change,
            at=self.now,
            actor="test",
            **more,
        )

    async def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> tuple[int, str, str]:
        return await self.send("/login", {"name": name, "password": password, **fields})

    async def send(
        self, path: str, fields: Any, *, csrf: str | None = None, headers: Any = None
    ) -> tuple[int, str, str]:
        data = list(fields.items() if isinstance(fields, dict) else fields)
        if csrf is not None:
            data.append(("csrf", csrf))
        async with self.client.post(path, data=data, allow_redirects=False, headers=headers) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def get(self, path: str, headers: Any = None) -> tuple[int, str, str]:
        async with self.client.get(path, allow_redirects=False, headers=headers) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def api(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        async with self.client.request(
            method, f"/api/v1{path}", json=body, headers=headers, allow_redirects=False
        ) as response:
            text = await response.text()
            return response.status, await response.json(content_type=None) if text else None

    async def csrf(self, path: str = "/account/password") -> str:
        """Return the token of the session's forms, as a page holds it."""
        _, text, _ = await self.get(path)
        found = re.search(r'name="csrf" value="([^"]+)"', text)
        assert found is not None, text
        return found[1]

    def audited(self) -> list[tuple[str, str, str]]:
        from console.store.audit import entries
        from monitor.store.database import reading

        with reading(self.writer.engine) as connection:
            return [(row["actor"], row["action"], row["object"]) for row in entries(connection, limit=1_000)][::-1]


@asynccontextmanager
async def office(folder: Path, settings: Settings | None = None, **more: Any) -> AsyncIterator[Office]:
    found = settings or settings_at(folder, serve={"plain_http": True})
    passwords = Passwords(CHEAP)
    part = SignIn(passwords, Limits(), **more)
    async with site_client(found, {}, at=AT, more={SignIn: part, Repeats: StoredRepeats()}) as client:
        site = client.app[SITE]
        site.identify = Arrival(found.serve, Seen())
        try:
            yield Office(client, site, part)
        finally:
            passwords.close()
