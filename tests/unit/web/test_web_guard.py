"""Who may take a route, which forms are ours, and how refusals read."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.app import site as composition
from console.web.access import ADMINISTRATORS, Role
from console.web.faults import ConflictError, MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.model import Instant
from tests.site_app import WHO, get, person, post, settings_at, site_client

AT = Instant(1_600_000_000_000_000)
PERSONS = {"a": person("a", Role.ADMINISTRATOR), "o": person("o", Role.OPERATIONS)}
routes = Routes()


@routes.page("/t/open", allow=None)
async def _open(visit: Visit) -> Any:
    return visit.render("refused.html", kind="busy", detail="", ask=[], findings=(), wait_s=0)


@routes.page("/t/admin", allow=ADMINISTRATORS)
async def _admin(visit: Visit) -> Any:
    return visit.render("refused.html", kind="busy", detail="", ask=[], findings=(), wait_s=0)


LEFT, GO_ON, DONE = asyncio.Event(), asyncio.Event(), asyncio.Event()


@routes.page("/t/leave", allow=ADMINISTRATORS)
async def _leave(visit: Visit) -> Any:
    LEFT.set()
    await GO_ON.wait()
    while visit.request.transport is not None and not visit.request.transport.is_closing():  # noqa: ASYNC110  no event says it
        await asyncio.sleep(0.01)
    DONE.set()
    raise AssertionError("the connection is gone")


@routes.page("/t/{what}", allow=ADMINISTRATORS)
async def _fails(visit: Visit) -> Any:
    raise {
        "missing": MissingError(),
        "input": refuse("第三行有误 line three is wrong", "改正 correct it", column="q"),
        "conflict": ConflictError("乙已先办理"),
        "bug": RuntimeError("secret-detail"),
    }[visit.path("what")]


@routes.form("/t/form", allow=ADMINISTRATORS)
async def _form(visit: Visit) -> Any:
    return visit.see("//evil.example/", "已保存")


@pytest.fixture
async def client(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    every = composition.every_route
    monkeypatch.setattr(composition, "every_route", lambda: [*routes, *every()])
    async with site_client(settings_at(tmp_path), PERSONS, at=AT) as found:
        yield found


async def test_a_stranger_is_sent_to_the_login_and_comes_back(client: Any) -> None:
    async with client.get("/t/admin?x=1", allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == "/login?next=%2Ft%2Fadmin%3Fx%3D1"


async def test_another_role_is_told_whom_to_ask(client: Any) -> None:
    status, text = await get(client, "/t/admin", "o")
    assert status == 403
    assert "系统管理员" in text


@pytest.mark.parametrize(
    ("what", "status", "shown"),
    [
        ("missing", 404, "可见范围"),
        ("input", 422, "line three"),
        ("conflict", 409, "乙已先办理"),
        ("bug", 500, "已记入日志"),
    ],
)
async def test_refusals_are_pages(client: Any, what: str, status: int, shown: str) -> None:
    found, text = await get(client, f"/t/{what}", "a")
    assert found == status
    assert shown in text
    assert "secret-detail" not in text


@pytest.mark.parametrize("csrf", ["", "wrong", "另一个"])
async def test_a_form_without_its_token_is_refused(client: Any, csrf: str) -> None:
    status, _, _ = await post(client, "/t/form", "a", {}, csrf)
    assert status == 403


async def test_a_form_leads_to_our_own_pages_only(client: Any) -> None:
    status, _, location = await post(client, "/t/form", "a", {})
    assert (status, location) == (303, "/")


async def test_every_answer_carries_the_policy(client: Any) -> None:
    for path, who in (("/t/open", ""), ("/t/admin", "a"), ("/nowhere", "a"), ("/t/missing", "a"), ("/t/admin", "")):
        async with client.get(path, headers={WHO: who}, allow_redirects=False) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy and "unsafe" not in policy


async def test_an_upload_beyond_the_limit_is_named(client: Any) -> None:
    status, text, _ = await post(client, "/t/form", "a", {"file": io.BytesIO(b"x" * (12 * 1024 * 1024))})
    assert status == 413
    assert "10 MB" in text


async def test_who_leaves_before_the_answer_is_no_failure(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    _, writer = await asyncio.open_connection(client.server.host, client.server.port)
    writer.write(f"GET /t/leave HTTP/1.1\r\nHost: x\r\n{WHO}: a\r\n\r\n".encode())
    await writer.drain()
    await LEFT.wait()
    writer.close()
    await writer.wait_closed()
    GO_ON.set()
    await asyncio.wait_for(DONE.wait(), 10)
    assert (await get(client, "/t/admin", "a"))[0] == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def _raw(client: Any, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    writer.write(sent)
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    await writer.wait_closed()
    return head


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /t/open HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /t/bug HTTP/1.1\r\nHost: x\r\nX-Test-Person: a\r\n\r\n",
        b"not http at all\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nLong: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_no_answer_says_what_it_was_made_with(client: Any, sent: bytes) -> None:
    head = await _raw(client, sent)
    assert b"\r\nServer: camsla\r\n" in head
    assert b"python" not in head.lower() and b"aiohttp" not in head.lower()
