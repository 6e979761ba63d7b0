"""What an attacker tries at the door: guesses all at once, races, other hosts, worn-out links, cookies of their own making."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.auth import keys
from console.auth.limits import Limits
from console.store import accounts, links
from console.web import guard
from console.web.access import Role
from console.web.faults import TooManyError
from console.web.visit import FLASH, within
from monitor.scope import Scope
from tests.signed_in import AT, CHEAP, LATER, PASSWORD, Office, office


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as found:
        found.add("root", Role.ADMINISTRATOR)
        found.add("li", Role.OPERATIONS)
        yield found


async def test_guesses_all_at_once_are_no_more_than_one_after_the_other(house: Office) -> None:
    found = await asyncio.gather(*(house.sign_in("li", "guess") for _ in range(40)))
    statuses = [status for status, _, _ in found]
    assert statuses.count(422) == 10 and statuses.count(429) == 30


def test_a_try_that_ends_well_leaves_its_place() -> None:
    limits = Limits()
    for _ in range(100):
        with limits.login("li", "10.0.0.1", AT):
            pass
    with limits.login("li", "10.0.0.1", AT) as failed:
        failed()
    held = [limits.login("li", "10.0.0.1", AT) for _ in range(9)]
    for one in held:
        one.__enter__()
    with pytest.raises(TooManyError) as refused, limits.login("li", "10.0.0.1", AT):
        pass
    assert refused.value.wait_s == 1  # the nine may all be right
    for one in held:
        one.__exit__(None, None, None)
    with limits.login("li", "10.0.0.1", AT):
        pass


def test_who_guesses_wrong_on_purpose_does_not_keep_the_owner_out() -> None:
    limits = Limits()
    with limits.login("li", "10.0.0.1", AT):
        pass
    for _ in range(10):
        with limits.login("li", "10.9.9.9", AT) as failed:
            failed()
    for address in ("10.9.9.9", "10.0.0.2"):
        with pytest.raises(TooManyError), limits.login("li", address, AT):
            pass
    for _ in range(10):  # the owner's own address may fail as often as any
        with limits.login("li", "10.0.0.1", AT) as failed:
            failed()
    with pytest.raises(TooManyError), limits.login("li", "10.0.0.1", AT):
        pass


def test_an_error_is_no_success() -> None:
    limits = Limits()
    with pytest.raises(ValueError, match="x"), limits.login("li", "10.0.0.1", AT):
        raise ValueError("x")
    for _ in range(10):
        with limits.login("li", "10.9.9.9", AT) as failed:
            failed()
    with pytest.raises(TooManyError), limits.login("li", "10.0.0.1", AT):
        pass


@pytest.mark.parametrize("change", ["password", "disabled"])
async def test_a_sign_in_does_not_outlive_what_ended_all_sessions_meanwhile(house: Office, change: str) -> None:
    """The password is right when it is checked; before the session is opened, the owner replaces it, or the account closes."""
    verify = house.part.passwords.verify

    async def slow(known: str, password: str) -> bool:
        right = await verify(known, password)
        if change == "password":
            hashed = CHEAP.hash("another one, quite another")
            accounts.set_password(house.writer, "li", hashed, must_change=False, at=AT, actor="li")
        else:
            accounts.disable(house.writer, "li", at=AT, actor="root")
        return right

    house.part.passwords.verify = slow  # type: ignore[method-assign]
    status, text, _ = await house.sign_in("li")
    assert status == 422 and PASSWORD not in text
    assert (await house.get("/account"))[0] == 303


@pytest.mark.parametrize("names", [[], ["  "], [""]])
@pytest.mark.parametrize("where", ["contracts", "areas"])
async def test_an_empty_scope_is_not_taken_for_everything(house: Office, names: list[str], where: str) -> None:
    await house.sign_in("root")
    headers = {"X-CSRF-Token": await house.csrf()}
    body = {"name": "wu", "roles": ["leader"], "scope": {where: names}}
    status, said = await house.api("POST", "/accounts", body, headers)
    assert status == 422 and said["errors"][0]["field"].startswith(f"scope.{where}")
    token = {"name": "t", "roles": ["administrator"], "scope": {where: names}}
    assert (await house.api("POST", "/account/tokens", token, headers))[0] == 422


async def test_a_token_for_what_its_owner_does_not_see_says_that_it_sees_nothing(house: Office) -> None:
    house.add("wu", Role.LEADER, scope=Scope(contracts=frozenset({"north"})))
    await house.sign_in("wu")
    body = {"name": "t", "roles": ["leader"], "scope": {"contracts": ["south"]}}
    status, said = await house.api("POST", "/account/tokens", body, {"X-CSRF-Token": await house.csrf()})
    assert status == 201
    status, me = await house.api("GET", "/account", headers={"Authorization": f"Bearer {said['word']}"})
    assert (status, me["scope"]["contracts"]) == (200, [])


async def test_a_link_that_is_over_is_no_failure_where_nothing_is(house: Office) -> None:
    wish = links.Wish("评价", "city", "", 1)
    links.add(house.writer, wish, keys.digest_of("word"), at=AT, actor="root")
    await house.get("/l/word")
    house.now = LATER
    for path in ("/nowhere", "/api/v1/nowhere", "/account"):
        assert (await house.get(path))[0] == 410
    assert (await house.api("PATCH", "/account"))[0] == 410


OUTSIDE = ["//evil.example", "/\\evil.example", "/\t/evil.example", "/\n/evil.example", "http://evil.example", "x", ""]


@pytest.mark.parametrize("address", OUTSIDE)
async def test_no_form_leads_elsewhere(house: Office, address: str) -> None:
    await house.sign_in("li")
    csrf = await house.csrf()
    assert (await house.send("/language", {"language": "zh", "back": address}, csrf=csrf))[::2] == (303, "/")
    assert within(address) == "/"
    assert within("/points?q=城 北&page=2#a") == "/points?q=城 北&page=2#a"


@pytest.mark.parametrize("value", ["5b" * 1_900, "zz", "ff", "e2 82", "41" * 1_900])
async def test_a_cookie_of_ones_own_making_breaks_no_page(house: Office, value: str) -> None:
    await house.sign_in("li")
    headers: Any = {"Cookie": f'{FLASH}="{value}"'}
    status, text, _ = await house.get("/account", headers)
    assert status == 200 and "A" * 201 not in text and "[" * 201 not in text


async def _raw_json(house: Office, path: str, body: bytes, **headers: str) -> tuple[int, Any, Any]:
    sent = {"Content-Type": "application/json", "X-CSRF-Token": await house.csrf(), **headers}
    async with house.client.post(f"/api/v1{path}", data=body, headers=sent) as response:
        return response.status, await response.json(content_type=None), response.headers


async def test_nul_is_no_character_anywhere(house: Office) -> None:
    """SQLite would keep it, PostgreSQL refuses it: the same answer on both, before either is asked."""
    assert (await house.sign_in("l\0i"))[0] == 400
    await house.sign_in("root")
    for path in (
        "/api/v1/accounts/%00",
        "/api/v1/system/audit?q=%00",
        "/system/audit?q=a%00",
        "/nowhere/%00",
        "/?%00=1",
    ):
        status, text, _ = await house.get(path)
        assert status == 400 and ("/problems/malformed" in text) is path.startswith("/api/")
    for name in (rb"a\u0000", rb"\\\u0000"):
        status, said, _ = await _raw_json(house, "/accounts", b'{"name":"x","display":"%s","roles":["leader"]}' % name)
        assert (status, said["detail"]) == (400, "NUL")
    status, said, _ = await _raw_json(house, "/accounts", rb'{"name":"x","display":"\\u0000","roles":["leader"]}')
    assert (status, said["account"]["display"]) == (
        201,
        "\\u0000",
    )  # a backslash and five letters, which anybody may write


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_encoded_as_said_is_the_senders_mistake(house: Office, encoding: str) -> None:
    await house.sign_in("root")
    status, said, _ = await _raw_json(house, "/accounts", b"\x1f\x8b not at all", **{"Content-Encoding": encoding})
    assert status == 400 and said["type"].endswith("/malformed")


async def test_a_small_body_that_grows_is_cut(house: Office) -> None:
    await house.sign_in("root")
    status, said, _ = await _raw_json(
        house, "/accounts", gzip.compress(b" " * 50_000_000), **{"Content-Encoding": "gzip"}
    )
    assert status == 413 and said["type"].endswith("/too-large")


@pytest.mark.parametrize("until", ["9999-12-31", "9999-01-01"])
async def test_a_last_day_beyond_calendars_is_refused(house: Office, until: str) -> None:
    await house.sign_in("root")
    status, said, _ = await _raw_json(
        house, "/accounts", b'{"name":"x","roles":["leader"],"until":"%s"}' % until.encode()
    )
    assert status == 422 and said["errors"][0]["field"] == "until"
    fields = {"name": "x", "roles": "leader", "until": until}
    assert (await house.send("/system/new-account", fields, csrf=await house.csrf()))[0] == 422


async def test_refusals_carry_what_http_asks_for(house: Office) -> None:
    async with house.client.get("/api/v1/account") as response:
        assert response.status == 401 and response.headers["WWW-Authenticate"].startswith("Bearer")
    for path in ("/api/v1/account", "/login"):
        async with house.client.patch(path) as response:
            assert response.status == 405 and "GET" in response.headers["Allow"].split(", ")


async def test_a_body_that_never_ends_does_not_hold_its_request(house: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "ANSWER_S", 0.2)
    await house.sign_in("li")
    [cookie] = [c.value for c in house.client.session.cookie_jar if c.key == "camsla"]
    for path in ("/login", "/logout"):
        reader, writer = await asyncio.open_connection(house.client.server.host, house.client.server.port)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nCookie: camsla={cookie}\r\nContent-Length: 1000\r\n"
        writer.write(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\nname=".encode())
        await writer.drain()
        assert (await asyncio.wait_for(reader.readline(), 10)).split()[1] == b"503"
        writer.close()
        await writer.wait_closed()
