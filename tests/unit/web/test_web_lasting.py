"""A stream of events ends with whatever opened it: session, account, role, link or token; and with nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web

from console.app import site as composition
from console.auth import keys
from console.store import accounts, links, sessions, tokens
from console.store.account_terms import Terms
from console.web import lasting
from console.web.access import EVERYONE, WATCHERS, Role
from console.web.routes import EVENTS, Routes
from console.web.visit import Visit
from monitor.store.database import reading
from tests.signed_in import AT, Office, office

routes = Routes()


async def _endless(visit: Visit) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": EVENTS})
    await response.prepare(visit.request)
    while True:
        await response.write(b": here\n\n")
        await asyncio.sleep(0.01)


@routes.stream("/t/live", allow=WATCHERS)
async def _page(visit: Visit) -> Any:
    return await _endless(visit)


@routes.endpoint("GET", "/t/live", allow=EVERYONE, summary="x", tag="x", media=EVENTS)
async def _endpoint(visit: Visit) -> Any:
    return await _endless(visit)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    every = composition.every_route
    monkeypatch.setattr(composition, "every_route", lambda: [*routes, *every()])
    monkeypatch.setattr(lasting, "STILL_S", 0.05)
    async with office(tmp_path) as found:
        found.add("root", Role.ADMINISTRATOR)
        found.add("li", Role.OPERATIONS, until=found.now + 3_600_000_000)
        yield found


async def _cut_by(
    house: Office, change: Callable[[], Awaitable[None] | None], path: str = "/t/live", **more: Any
) -> None:
    """Open the stream, see it live beyond several questions, change something, and read on to its end."""
    async with house.client.get(path, allow_redirects=False, **more) as response:
        assert response.status == 200
        for _ in range(20):
            assert await asyncio.wait_for(response.content.readline(), 5)
        assert len(house.site.streams) == 1
        done = change()
        if done is not None:
            await done
        with pytest.raises(ClientError):  # cut, not ended: a browser comes again, and is asked who it is
            await asyncio.wait_for(response.content.read(), 5)
    async with asyncio.timeout(5):
        while house.site.streams:  # noqa: ASYNC110  no event says it
            await asyncio.sleep(0.01)
    async with house.client.get(path, allow_redirects=False, **more) as response:
        assert response.status in {303, 401, 403, 410}


async def test_with_its_session(house: Office) -> None:
    await house.sign_in("li")
    await _cut_by(house, lambda: sessions.end_every(house.writer, "li", at=AT, actor="root") and None)


async def test_with_going_out(house: Office) -> None:
    await house.sign_in("li")
    csrf = await house.csrf()

    async def go() -> None:
        assert (await house.send("/logout", {}, csrf=csrf))[0] == 303

    await _cut_by(house, go)


async def test_with_its_account(house: Office) -> None:
    await house.sign_in("li")
    await _cut_by(house, lambda: accounts.disable(house.writer, "li", at=AT, actor="root"))


async def test_with_the_accounts_last_day(house: Office) -> None:
    await house.sign_in("li")
    await _cut_by(house, lambda: house.pass_minutes(61))


async def test_with_the_role_that_let_it_in(house: Office) -> None:
    await house.sign_in("li")
    other = Terms("li", frozenset({Role.CLERK}))
    await _cut_by(house, lambda: accounts.change(house.writer, "li", other, at=AT, actor="root") and None)


async def test_with_a_password_that_another_set(house: Office) -> None:
    await house.sign_in("li")
    hashed = house.part.passwords.hash_now("whatever it is")
    await _cut_by(
        house, lambda: accounts.set_password(house.writer, "li", hashed, must_change=True, at=AT, actor="root")
    )


@pytest.mark.parametrize("revoked", [True, False])
async def test_with_its_link(house: Office, revoked: bool) -> None:
    link = links.add(house.writer, links.Wish("评价", "city", "", 1), keys.digest_of("word"), at=AT, actor="root")
    assert (await house.get("/l/word"))[::2] == (303, "/evidence")

    def over() -> None:
        if revoked:
            links.revoke(house.writer, link.id, at=AT, actor="root")
        else:
            house.pass_minutes(24 * 60)

    await _cut_by(house, over)


@pytest.mark.parametrize("path", ["/t/live", "/api/v1/t/live"])
async def test_with_its_token(house: Office, path: str) -> None:
    with reading(house.writer.engine) as connection:
        owner = accounts.get(connection, "li")
    word = keys.fresh_token()
    wish = tokens.Wish("wall", frozenset({Role.OPERATIONS}), owner.terms.scope, 1)
    made = tokens.add(house.writer, owner, wish, word, keys.digest_of(word), at=AT)
    await _cut_by(
        house,
        lambda: tokens.revoke(house.writer, "li", made.id, at=AT, actor="li") and None,
        path,
        headers={"Authorization": f"Bearer {word}"},
    )
