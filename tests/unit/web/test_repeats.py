"""Idempotency keys: done once, answered again, refused for another request; If-Match."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import FormData
from pydantic import BaseModel
from sqlalchemy import select, update

from console.app import site as composition
from console.store.tables import api_requests
from console.web import repeats
from console.web.access import EVERYONE, Role
from console.web.endpoints import Repeats, if_match
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.database import open_database, reading
from tests.site_app import CSRF, WHO, person, settings_at, site_client

routes = Routes()
AT = Instant(1_600_000_000_000_000)
DAY = 86_400_000_000
done: list[str] = []
gates = {"slow": asyncio.Event()}


class Text(BaseModel):
    text: str


@routes.endpoint("POST", "/t/do", allow=EVERYONE, summary="办", tag="t", body=Text, answer=Text, status=201)
async def _do(visit: Visit, body: Text) -> Text:
    if body.text == "refused":
        raise refuse("不行 no", "换 change it")
    if body.text == "slow":
        await gates["slow"].wait()
    done.append(f"{visit.person.name} {body.text}")
    return Text(text=f"{body.text} {len(done)}")


@routes.endpoint("POST", "/t/file", allow=EVERYONE, summary="传", tag="t", answer=Text)
async def _file(visit: Visit) -> Text:
    posted = await visit.request.post()
    content = posted["file"].file.read()  # type: ignore[union-attr]
    done.append(content.decode())
    return Text(text=content.decode())


@routes.endpoint("GET", "/t/it", allow=EVERYONE, summary="读", tag="t", answer=Text)
async def _it(_visit: Visit) -> Text:
    return Text(text=f"第 {len(done)} 版")


@routes.endpoint("PUT", "/t/it", allow=EVERYONE, summary="改", tag="t", body=Text, answer=Text)
async def _put(visit: Visit, body: Text) -> Text:
    if_match(visit).require(Text(text=f"第 {len(done)} 版"))
    done.append(body.text)
    return body


@pytest.fixture
def kept(tmp_path: Any) -> Any:
    return settings_at(tmp_path)


@pytest.fixture
async def client(kept: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    every = composition.every_route
    monkeypatch.setattr(composition, "every_route", lambda: [*routes, *every()])
    done.clear()
    gates["slow"] = asyncio.Event()
    persons = {"a": person("a", Role.LEADER), "b": person("b", Role.LEADER)}
    async with site_client(kept, persons, at=AT, more={Repeats: repeats.StoredRepeats()}) as found:
        yield found


async def send(client: Any, key: str, text: str, who: str = "a", path: str = "/api/v1/t/do") -> tuple[int, Any, str]:
    headers = {WHO: who, "X-CSRF-Token": CSRF, "Idempotency-Key": key}
    async with client.post(path, json={"text": text}, headers=headers) as response:
        found = await response.json()
        return response.status, found.get("text", found.get("type")), response.headers.get("Idempotency-Replayed", "")


async def test_the_same_request_is_done_once_and_answered_again(client: Any) -> None:
    assert await send(client, "k1", "x") == (201, "x 1", "")
    assert await send(client, "k1", "x") == (201, "x 1", "true")
    assert await send(client, "k2", "x") == (201, "x 2", "")
    assert done == ["a x", "a x"]


async def test_another_request_of_the_same_key_is_refused(client: Any) -> None:
    await send(client, "k1", "x")
    assert await send(client, "k1", "y") == (422, "/api/v1/problems/key-reused", "")
    assert (await send(client, "k1", "x", path="/api/v1/t/do?again=1"))[0] == 422
    assert done == ["a x"]


async def test_keys_of_two_persons_do_not_meet(client: Any) -> None:
    await send(client, "k1", "x")
    assert await send(client, "k1", "y", who="b") == (201, "y 2", "")


async def test_a_refusal_leaves_the_key_free(client: Any) -> None:
    assert (await send(client, "k1", "refused"))[0] == 422
    assert await send(client, "k1", "x") == (201, "x 1", "")


async def test_what_is_under_way_is_not_begun_again(client: Any) -> None:
    first = asyncio.ensure_future(send(client, "k1", "slow"))
    await asyncio.sleep(0.1)
    assert await send(client, "k1", "slow") == (409, "/api/v1/problems/under-way", "")
    gates["slow"].set()
    assert await first == (201, "slow 1", "")
    assert await send(client, "k1", "slow") == (201, "slow 1", "true")


async def test_an_asker_who_went_away_finds_the_answer(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.web.guard.ANSWER_S", 0.1)
    assert (await send(client, "k1", "slow"))[:2] == (503, "/api/v1/problems/busy")
    assert (await send(client, "k1", "slow"))[0] == 409
    gates["slow"].set()
    await asyncio.sleep(0.1)
    assert await send(client, "k1", "slow") == (201, "slow 1", "true")
    assert done == ["a slow"]


async def test_a_request_whose_process_is_gone_is_not_done_twice(client: Any, kept: Any) -> None:
    await send(client, "k1", "x")
    engine = open_database(kept.url)
    with engine.begin() as connection:
        connection.execute(update(api_requests).values(status=None, body=None))
    engine.dispose()
    assert await send(client, "k1", "x") == (409, "/api/v1/problems/interrupted", "")
    assert done == ["a x"]


async def test_a_file_is_part_of_the_request(client: Any) -> None:
    async def upload(content: bytes) -> tuple[int, str]:
        form = FormData()
        form.add_field("file", content, filename="f.csv")
        headers = {WHO: "a", "X-CSRF-Token": CSRF, "Idempotency-Key": "k1"}
        async with client.post("/api/v1/t/file", data=form, headers=headers) as response:
            return response.status, (await response.json()).get("text", "")

    assert await upload(b"one") == (200, "one")
    assert await upload(b"one") == (200, "one")
    assert (await upload(b"two"))[0] == 422
    assert done == ["one"]


@pytest.mark.parametrize("key", ["x" * 201, "键"])
async def test_a_key_is_short_and_plain(client: Any, key: str) -> None:
    async with client.post(
        "/api/v1/t/do", json={"text": "x"}, headers={WHO: "a", "X-CSRF-Token": CSRF, "Idempotency-Key": key}
    ) as response:
        assert response.status == (400 if len(key) > 200 else 201)


def test_keys_end_after_a_day_and_are_bounded(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from console.app.database import open_writer

    settings = settings_at(tmp_path)
    monkeypatch.setattr(repeats, "MOST_KEYS", 3)
    with open_writer(settings) as writer:
        for n in range(3):
            assert repeats.claim(writer, "a", f"k{n}", "/x", "d", Instant(AT + n), False) is None
            repeats.settle(writer, "a", f"k{n}", 200, b"{}")
        with pytest.raises(repeats.TooManyError) as caught:
            repeats.claim(writer, "a", "k3", "/x", "d", AT, False)
        assert caught.value.wait_s == 86_400
        assert repeats.claim(writer, "a", "k0", "/x", "d", Instant(AT + DAY), False) == (200, b"{}")
        assert repeats.claim(writer, "a", "k9", "/x", "other", Instant(AT + DAY + 3), True) is None
        with reading(writer.engine) as connection:
            assert list(connection.scalars(select(api_requests.c.key))) == ["k9"]


async def test_if_match_takes_only_what_was_read(client: Any) -> None:
    async def put(tag: str) -> int:
        headers = {WHO: "a", "X-CSRF-Token": CSRF, **({"If-Match": tag} if tag else {})}
        async with client.put("/api/v1/t/it", json={"text": "x"}, headers=headers) as response:
            return int(response.status)

    async with client.get("/api/v1/t/it", headers={WHO: "a"}) as response:
        tag = response.headers["ETag"]
    assert [await put(tag), await put(tag), await put('"other"'), await put("*"), await put("")] == [
        200,
        412,
        412,
        200,
        200,
    ]
