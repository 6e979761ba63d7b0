"""Signing in: who gets a session, for how long, and what ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.auth import keys
from console.auth.arrival import cookie_name
from console.store import accounts, first, links, sessions
from console.store.tables import sessions as session_rows
from console.web.access import Role
from monitor.store.database import reading
from tests.signed_in import AT, LATER, PASSWORD, Office, office
from tests.site_app import settings_at


@pytest.fixture
async def house(tmp_path: Any) -> AsyncIterator[Office]:
    async with office(tmp_path) as found:
        found.add("root", Role.ADMINISTRATOR)
        found.add("li", Role.OPERATIONS)
        yield found


async def test_a_password_opens_a_session_that_lasts_as_the_settings_say(house: Office) -> None:
    assert (await house.sign_in("li", next="/account?x=1"))[::2] == (303, "/account?x=1")
    assert (await house.get("/account"))[0] == 200
    for _ in range(14):  # busy: idle time never runs out, until the absolute end after 12 hours
        house.pass_minutes(55)
        status, _, _ = await house.get("/account")
        if house.now - AT < 12 * 3_600_000_000:
            assert status == 200
    assert (await house.get("/account"))[::2] == (303, "/login?next=%2Faccount")


async def test_an_idle_session_ends(house: Office) -> None:
    await house.sign_in("li")
    house.pass_minutes(59)
    assert (await house.get("/account"))[0] == 200
    house.pass_minutes(60)
    assert (await house.get("/account"))[0] == 303


async def test_a_name_is_known_however_it_is_written(house: Office) -> None:
    house.add("Wang", Role.OPERATIONS)
    assert (await house.sign_in("ＷＡＮＧ"))[0] == 303


@pytest.mark.parametrize(("name", "password"), [("li", "wrong"), ("nobody", PASSWORD), ("li", PASSWORD + " x")])
async def test_what_is_wrong_is_not_told_apart(house: Office, name: str, password: str) -> None:
    status, text, _ = await house.sign_in(name, password)
    assert status == 422
    assert "账号或密码不对" in text and f'value="{name}"' in text and password not in text
    assert (await house.get("/account"))[0] == 303


async def test_a_sign_in_rotates_the_session(house: Office) -> None:
    await house.sign_in("li")
    before = _cookie(house)
    await house.sign_in("li")
    after = _cookie(house)
    assert before != after
    assert (await house.get("/account", {"Cookie": f"camsla={before}"}))[
        0
    ] == 200  # the jar's own cookie is sent beside
    house.client.session.cookie_jar.clear()
    assert (await house.get("/account", {"Cookie": f"camsla={before}"}))[0] == 303
    assert (await house.get("/account", {"Cookie": f"camsla={after}"}))[0] == 200


async def test_the_database_holds_no_word_that_opens_anything(house: Office) -> None:
    await house.sign_in("li")
    with reading(house.writer.engine) as connection:
        row = connection.execute(session_rows.select()).one()
    assert row.digest == keys.digest_of(_cookie(house))
    assert _cookie(house) not in str(tuple(row))


async def test_going_out_ends_the_session_in_the_database(house: Office) -> None:
    await house.sign_in("li")
    word = _cookie(house)
    assert (await house.send("/logout", {}, csrf=await house.csrf()))[::2] == (303, "/login")
    assert (await house.get("/account", {"Cookie": f"camsla={word}"}))[0] == 303


async def test_an_account_is_kept_from_guessing(house: Office) -> None:
    for _ in range(10):
        assert (await house.sign_in("li", "guess"))[0] == 422
    status, text, _ = await house.sign_in("li")
    assert status == 429
    assert "秒后重试" in text
    assert (await house.sign_in("root"))[0] == 303  # another account from the same address may still try


async def test_an_address_is_kept_from_trying_many_names(house: Office) -> None:
    statuses = [(await house.sign_in(f"name{n}", "guess"))[0] for n in range(41)]
    assert statuses == [422] * 40 + [429]


async def test_a_strangers_page_cannot_sign_anybody_in(house: Office) -> None:
    fields = {"name": "li", "password": PASSWORD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert (await house.send("/login", fields, headers=headers))[0] == 409
    own = f"http://127.0.0.1:{house.client.port}"
    assert (await house.send("/login", fields, headers={"Origin": own}))[0] == 303


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "/\\evil", "/logout", "x"])
async def test_nobody_is_led_elsewhere(house: Office, wanted: str) -> None:
    assert (await house.sign_in("li", next=wanted))[2] == "/"


async def test_a_large_form_is_refused_before_it_is_read(house: Office) -> None:
    assert (await house.sign_in("li", "x" * 40_000))[0] == 413


async def test_an_account_that_is_over_gets_no_session(house: Office) -> None:
    await house.sign_in("li")
    accounts.disable(house.writer, "li", at=house.now, actor="root")
    assert (await house.get("/account"))[0] == 303
    assert (await house.sign_in("li"))[0] == 422
    house.add("eva", Role.EVALUATOR, until=LATER)
    await house.sign_in("eva")
    house.now = LATER
    assert (await house.get("/account"))[0] == 303


async def test_another_password_ends_every_session(house: Office) -> None:
    await house.sign_in("li")
    accounts.set_password(house.writer, "li", "x", must_change=False, at=house.now, actor="root")
    assert (await house.get("/account"))[0] == 303


async def test_a_password_set_by_another_is_changed_first(house: Office) -> None:
    house.add("new", Role.OPERATIONS, must_change=True)
    await house.sign_in("new")
    assert (await house.get("/account"))[::2] == (303, "/account/password")
    assert (await house.api("GET", "/account"))[0] == 403
    fields = {"current": PASSWORD, "password": "another good one", "again": "another good one"}
    assert (await house.send("/account/password", fields, csrf=await house.csrf()))[0] == 303
    assert (await house.get("/account"))[0] == 200


async def test_language_is_chosen_before_anybody_is_known(house: Office) -> None:
    _, text, _ = await house.get("/login")
    assert "登录" in text
    assert (await house.get("/login?language=en&next=/points"))[::2] == (303, "/login?next=%2Fpoints")
    _, text, _ = await house.get("/login")
    assert "Sign in" in text


async def test_the_cookie_is_bound_to_this_host_and_to_tls(tmp_path: Any) -> None:
    async with office(tmp_path, settings_at(tmp_path)) as house:
        house.add("root", Role.ADMINISTRATOR)
        async with house.client.post(
            "/login", data={"name": "root", "password": PASSWORD}, allow_redirects=False
        ) as response:
            cookie = response.headers.getall("Set-Cookie")[0]
        assert cookie.startswith("__Host-camsla=")
        assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Path=/", "Secure", "SameSite=Lax"}
        word = cookie.partition(";")[0].partition("=")[2]
        assert len(word) * 6 >= 256
        assert (await house.get("/account", {"Cookie": f"__Host-camsla={word}"}))[0] == 200
        assert (await house.get("/account", {"Cookie": f"camsla={word}"}))[0] == 303


async def test_the_first_administrator_is_made_once(tmp_path: Any) -> None:
    async with office(tmp_path) as house:
        word = keys.fresh_typed()
        assert first.prepare(house.writer, keys.digest_of(word), at=AT)
        assert not first.prepare(house.writer, keys.digest_of("other"), at=AT)  # the first start's stays
        assert (await house.get("/login"))[::2] == (303, "/first")
        fields = {"secret": keys.fresh_typed(), "name": "root", "password": PASSWORD, "again": PASSWORD}
        status, text, _ = await house.send("/first", fields)
        assert status == 422 and "一次性口令不对" in text
        fields |= {"secret": word.lower().replace("-", " "), "again": "different"}
        assert (await house.send("/first", fields))[0] == 422
        fields |= {"again": PASSWORD}
        assert (await house.send("/first", fields))[::2] == (303, "/system/accounts")
        assert (await house.get("/system/accounts"))[0] == 200
        assert (await house.get("/first"))[0] == 404
        assert (await house.send("/first", fields))[0] == 404
        assert not first.prepare(house.writer, keys.digest_of(word), at=AT, renew=True)


async def test_the_first_secret_is_kept_from_guessing(tmp_path: Any) -> None:
    async with office(tmp_path) as house:
        first.prepare(house.writer, keys.digest_of(keys.fresh_typed()), at=AT)
        fields = {"secret": "guess", "name": "root", "password": PASSWORD, "again": PASSWORD}
        assert [(await house.send("/first", fields))[0] for _ in range(21)] == [422] * 20 + [429]


async def test_a_link_opens_one_contract_to_be_read_until_its_end(house: Office) -> None:
    word = keys.fresh()
    wish = links.Wish("某评价公司", "c1", "2020Q3", 30)
    link = links.add(house.writer, wish, keys.digest_of(word), at=AT, actor="root")
    assert (await house.get(f"/l/{word}"))[::2] == (303, "/evidence")
    _, text, _ = await house.get("/account")
    assert "某评价公司" in text and "c1" in text
    assert (await house.get("/system/accounts"))[0] == 404
    csrf = await house.csrf("/account")
    assert (await house.send("/account/tokens", {"name": "x", "roles": "evaluator"}, csrf=csrf))[0] == 403
    assert (await house.get("/account?quarter=2020Q2"))[0] == 404
    assert (await house.get("/account?quarter=2020Q3"))[0] == 200
    assert (await house.get("/account?month=2020-10"))[0] == 404
    assert (await house.get("/account?month=2020-09"))[0] == 200
    house.now = link.expires_at
    status, text, _ = await house.get("/account")
    assert status == 410 and "索取新链接" in text
    assert (await house.get(f"/l/{word}"))[0] == 410
    assert (await house.get("/login"))[0] == 200


async def test_a_revoked_link_ends_its_readers(house: Office) -> None:
    word = keys.fresh()
    link = links.add(house.writer, links.Wish("x", "c1", "", 30), keys.digest_of(word), at=AT, actor="root")
    await house.get(f"/l/{word}")
    links.revoke(house.writer, link.id, at=AT, actor="root")
    assert (await house.get("/account"))[0] == 303
    assert (await house.get(f"/l/{word}"))[0] == 410
    assert (await house.get(f"/l/{keys.fresh()}"))[0] == 404


async def test_an_account_has_so_many_sessions_at_most(house: Office) -> None:
    for _ in range(sessions.MOST_SESSIONS + 3):
        house.client.session.cookie_jar.clear()
        house.pass_minutes(0.1)
        await house.sign_in("li")
    with reading(house.writer.engine) as connection:
        assert len(sessions.of_account(connection, "li", house.now)) == sessions.MOST_SESSIONS
    assert (await house.get("/account"))[0] == 200


async def test_what_was_done_is_in_the_audit_log(house: Office) -> None:
    await house.sign_in("li")
    await house.send("/logout", {}, csrf=await house.csrf())
    assert house.audited()[-2:] == [("li", "session.open", "li"), ("li", "session.end", "li")]


def _cookie(house: Office) -> str:
    name = cookie_name(house.site.settings.serve)
    return next(cookie.value for cookie in house.client.session.cookie_jar if cookie.key == name)
