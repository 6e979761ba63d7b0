"""One's own account and others': passwords, tokens, sessions, roles, and the rules that keep somebody in charge."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from console.auth import keys
from console.auth.arrival import narrowed
from console.auth.wording import browser
from console.store import accounts, tokens
from console.store.account_terms import Terms
from console.store.tables import accounts as account_rows
from console.store.tables import api_requests
from console.store.tables import tokens as token_rows
from console.web.access import Role
from monitor.finding import InputError
from monitor.scope import EVERYTHING, Scope
from monitor.store.database import reading
from tests.signed_in import AT, LATER, PASSWORD, Office, office

ANOTHER = "another good one"


@pytest.fixture
async def house(tmp_path: Any) -> AsyncIterator[Office]:
    async with office(tmp_path) as found:
        found.add("root", Role.ADMINISTRATOR)
        found.add("li", Role.OPERATIONS, Role.LEADER, scope=Scope(areas=frozenset({"东街", "西街"})))
        yield found


def bearer(word: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {word}"}


async def token_of(house: Office, **fields: Any) -> str:
    """Make a token on the page, as its owner does; return its word."""
    csrf = await house.csrf()
    form = [("name", "大屏"), ("days", fields.pop("days", "30")), *fields.pop("more", [])]
    form += [("roles", role) for role in fields.pop("roles", ["operations"])]
    status, text, _ = await house.send("/account/tokens", form, csrf=csrf)
    assert status == 200, text
    found = re.search(r"camsla_[\w-]{43}", text)
    assert found is not None
    return found[0]


# -- one's own


async def test_a_password_is_changed_by_who_knows_it(house: Office) -> None:
    await house.sign_in("li")
    csrf = await house.csrf()
    for current, password, again, said in (
        ("wrong", ANOTHER, ANOTHER, "当前密码不对"),
        (PASSWORD, ANOTHER, "different", "两次输入的密码不同"),
        (PASSWORD, "short", "short", "10–200"),
        (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa", "太容易猜到"),
        (PASSWORD, PASSWORD, PASSWORD, "相同"),
    ):
        fields = {"current": current, "password": password, "again": again}
        status, text, _ = await house.send("/account/password", fields, csrf=csrf)
        assert status == 422 and said in text
    fields = {"current": PASSWORD, "password": ANOTHER, "again": ANOTHER}
    assert (await house.send("/account/password", fields, csrf=csrf))[0] == 303
    assert (await house.get("/account"))[0] == 200
    assert (await house.sign_in("li"))[0] == 422
    assert (await house.sign_in("li", ANOTHER))[0] == 303


async def test_another_session_is_ended_and_only_ones_own(house: Office) -> None:
    await house.sign_in("root")
    roots = house.client.session.cookie_jar.filter_cookies(house.client.make_url("/"))["camsla"].value
    house.client.session.cookie_jar.clear()
    await house.sign_in("li")
    first = house.client.session.cookie_jar.filter_cookies(house.client.make_url("/"))["camsla"].value
    house.client.session.cookie_jar.clear()
    await house.sign_in("li")
    csrf = await house.csrf()
    assert (await house.send(f"/account/sessions/{keys.digest_of(roots)}/end", {}, csrf=csrf))[0] == 404
    _, text, _ = await house.get("/account")
    assert text.count("/end") == 2 and "本次登录" in text
    assert (await house.send(f"/account/sessions/{keys.digest_of(first)}/end", {}, csrf=csrf))[0] == 303
    house.client.session.cookie_jar.clear()
    assert (await house.get("/account", {"Cookie": f"camsla={first}"}))[0] == 303
    assert (await house.get("/account", {"Cookie": f"camsla={roots}"}))[0] == 200


async def test_a_token_may_what_its_owner_lets_it(house: Office) -> None:
    await house.sign_in("li")
    word = await token_of(house, roles=["operations"], more=[("areas", "东街、南街")])
    house.client.session.cookie_jar.clear()
    status, me = await house.api("GET", "/account", headers=bearer(word))
    assert status == 200
    assert (me["name"], me["roles"], me["scope"]["areas"]) == ("li", ["operations"], ["东街"])
    terms = Terms("li", frozenset({Role.LEADER}), Scope(contracts=frozenset({"c1"})))
    accounts.change(house.writer, "li", terms, at=AT, actor="root")
    assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 403  # no role is left
    with reading(house.writer.engine) as connection:
        row = connection.execute(token_rows.select()).one()
    assert word not in str(tuple(row)) and row.digest == keys.digest_of(word) and word.startswith(row.begins)


async def test_a_token_ends(house: Office) -> None:
    await house.sign_in("li")
    word, other = await token_of(house, days="2"), await token_of(house)
    assert (await house.send("/account/tokens/2/revoke", {}, csrf=await house.csrf()))[0] == 303
    house.client.session.cookie_jar.clear()
    assert (await house.api("GET", "/account", headers=bearer(other)))[0] == 401
    house.pass_minutes(2 * 24 * 60 - 1)
    assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 200
    house.pass_minutes(1)
    assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 401


async def test_a_wrong_token_is_not_made_up_for_by_a_cookie(house: Office) -> None:
    await house.sign_in("li")
    assert (await house.api("GET", "/account"))[0] == 200
    for word in ("camsla_wrong", "", "x y z"):
        assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 401
    assert (await house.api("GET", "/account", headers={"Authorization": "Basic bGk6eA=="}))[0] == 401


async def test_a_token_makes_no_other_and_changes_no_password(house: Office) -> None:
    await house.sign_in("li")
    word = await token_of(house)
    house.client.session.cookie_jar.clear()
    body = {"name": "x", "roles": ["operations"]}
    assert (await house.api("POST", "/account/tokens", body, bearer(word)))[0] == 403
    change = {"current": PASSWORD, "password": ANOTHER}
    assert (await house.api("POST", "/account/password", change, bearer(word)))[0] == 403


async def test_nobody_hands_out_more_than_they_have(house: Office) -> None:
    await house.sign_in("li")
    form = [("name", "x"), ("days", "30"), ("roles", "administrator")]
    status, text, _ = await house.send("/account/tokens", form, csrf=await house.csrf())
    assert status == 422 and "本人角色之内" in text
    assert narrowed(Scope(supplier="甲"), Scope(supplier="乙")) == Scope(frozenset(), frozenset(), "乙")
    assert narrowed(EVERYTHING, Scope(supplier="乙")) == Scope(supplier="乙")
    assert narrowed(Scope(supplier="甲"), EVERYTHING) == Scope(supplier="甲")


async def test_an_answer_with_a_secret_is_never_kept(house: Office) -> None:
    await house.sign_in("li")
    headers = {"X-CSRF-Token": await house.csrf(), "Idempotency-Key": "k"}
    body = {"name": "x", "roles": ["operations"]}
    async with house.client.post("/api/v1/account/tokens", json=body, headers=headers) as response:
        assert response.status == 400
    with reading(house.writer.engine) as connection:
        assert connection.execute(token_rows.select()).all() == []
        assert connection.execute(api_requests.select()).all() == []


async def test_what_a_program_sees_of_its_account(house: Office) -> None:
    await house.sign_in("li")
    headers = {"X-CSRF-Token": await house.csrf()}
    status, made = await house.api("POST", "/account/tokens", {"name": "x", "roles": ["leader"], "days": 5}, headers)
    assert status == 201 and made["token"]["begins"] == made["word"][:12]
    status, found = await house.api("GET", "/account/tokens")
    assert [token["name"] for token in found["items"]] == ["x"] and found["next"] is None
    assert made["word"] not in str(found)
    status, found = await house.api("GET", "/account/sessions?limit=1")
    assert [session["this"] for session in found["items"]] == [True]
    assert (await house.api("DELETE", f"/account/tokens/{made['token']['id']}", headers=headers))[0] == 204
    assert (await house.api("DELETE", "/account/tokens/999", headers=headers))[0] == 404
    assert (await house.api("PUT", "/account/language", {"language": "en"}, headers))[0] == 204
    assert (await house.api("GET", "/account"))[1]["language"] == "en"
    assert (await house.api("GET", "/account/tokens?after=nobody"))[0] == 422


# -- others'


async def test_an_account_is_made_with_a_password_shown_once(house: Office) -> None:
    await house.sign_in("root")
    form = [("name", "wu"), ("display", "吴九"), ("roles", "handler"), ("roles", "clerk"), ("contracts", "c1, c2")]
    status, text, _ = await house.send("/system/new-account", form, csrf=await house.csrf())
    assert status == 200, text
    word = re.search(r'<p class="once">([\w-]+)</p>', text)
    assert word is not None
    _, text, _ = await house.get("/system/accounts/wu")
    assert word[1] not in text and "c1、c2" in text
    status, text, _ = await house.send(
        "/system/new-account", [("name", "WU"), ("roles", "clerk")], csrf=await house.csrf()
    )
    assert status == 422 and "账号已存在" in text and 'value="WU"' in text
    house.client.session.cookie_jar.clear()
    assert (await house.sign_in("wu", word[1]))[0] == 303
    assert (await house.get("/account"))[2] == "/account/password"
    with reading(house.writer.engine) as connection:
        row = connection.execute(account_rows.select().where(account_rows.c.name == "wu")).one()
    assert row.password.startswith("$argon2id$") and word[1] not in str(tuple(row))


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ([("name", "x")], "没有角色"),
        ([("name", "x"), ("roles", "supplier")], "哪家供应商"),
        ([("name", "x"), ("roles", "supplier"), ("roles", "leader"), ("supplier", "甲")], "不得与其他角色同用"),
        ([("name", "x"), ("roles", "evaluator")], "须有截止日期"),
        ([("name", "x"), ("roles", "administrator"), ("roles", "approver")], "不得兼任"),
        ([("name", "a/b"), ("roles", "leader")], "名称不可用"),
        ([("name", "Watch"), ("roles", "leader")], "名称不可用"),
        ([("name", "x"), ("roles", "king")], "不在可选之列"),
    ],
)
async def test_what_does_not_hold_together_is_said_at_its_field(house: Office, form: Any, said: str) -> None:
    await house.sign_in("root")
    status, text, _ = await house.send("/system/new-account", form, csrf=await house.csrf())
    assert status == 422 and said in text
    for name, value in form[1:]:
        if name == "roles" and value != "king":
            assert re.search(rf'value="{value}" checked', text)


async def test_somebody_stays_in_charge(house: Office) -> None:
    await house.sign_in("root")
    csrf = await house.csrf()
    status, text, _ = await house.send("/system/accounts/root", [("roles", "operations")], csrf=csrf)
    assert status == 422 and "不能取消自己" in text
    status, text, _ = await house.send("/system/accounts/root/disable", {}, csrf=csrf)
    assert status == 422 and "不能停用自己" in text
    with pytest.raises(InputError, match="最后一位"):
        accounts.disable(house.writer, "root", at=AT, actor="somebody")
    with pytest.raises(InputError, match="最后一位"):
        accounts.change(house.writer, "root", Terms("", frozenset({Role.LEADER})), at=AT, actor="somebody")
    with pytest.raises(InputError, match="最后一位"):
        accounts.change(house.writer, "root", Terms("", frozenset({Role.ADMINISTRATOR}), until=AT), at=AT, actor="x")
    house.add("second", Role.ADMINISTRATOR)
    accounts.disable(house.writer, "root", at=AT, actor="second")
    assert (await house.get("/system/accounts"))[0] == 303


async def test_closing_an_account_ends_all_its_ways_in(house: Office) -> None:
    await house.sign_in("li")
    word = await token_of(house)
    accounts.disable(house.writer, "li", at=AT, actor="root")
    assert (await house.get("/account"))[0] == 303
    house.client.session.cookie_jar.clear()
    assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 401
    accounts.enable(house.writer, "li", at=AT, actor="root")
    assert (await house.api("GET", "/account", headers=bearer(word)))[0] == 401


async def test_a_role_that_is_taken_is_gone_at_once(house: Office) -> None:
    house.add("second", Role.ADMINISTRATOR)
    await house.sign_in("second")
    assert (await house.get("/system/accounts"))[0] == 200
    accounts.change(house.writer, "second", Terms("", frozenset({Role.LEADER})), at=AT, actor="root")
    assert (await house.get("/system/accounts"))[0] == 403


async def test_the_table_of_accounts_is_filtered_and_exported(house: Office) -> None:
    await house.sign_in("root")
    _, text, _ = await house.get("/system/accounts?role=leader")
    assert 'accounts/li"' in text and 'accounts/root"' not in text
    _, text, _ = await house.get("/system/accounts?format=csv")
    assert "li" in text and "argon2" not in text
    accounts.disable(house.writer, "li", at=AT, actor="root")
    _, text, _ = await house.get("/system/accounts?state=已停用")
    assert 'accounts/li"' in text and 'accounts/root"' not in text


async def test_programs_administer_under_the_same_rules(house: Office) -> None:
    await house.sign_in("root")
    headers = {"X-CSRF-Token": await house.csrf()}
    body = {"name": "wu", "roles": ["evaluator"], "until": "2020-12-31", "scope": {"contracts": ["c1"]}}
    status, made = await house.api("POST", "/accounts", body, headers)
    assert status == 201 and made["account"]["until"] == "2020-12-31" and len(made["one_time_password"]) == 29
    assert (await house.api("POST", "/accounts", {**body, "name": "eve", "extra": 1}, headers))[0] == 422
    status, said = await house.api("POST", "/accounts", {"name": "x", "roles": ["supplier"]}, headers)
    assert status == 422 and said["errors"][0]["field"] == "supplier"
    async with house.client.get("/api/v1/accounts/wu") as response:
        tag = response.headers["ETag"]
    change = {"roles": ["leader"]}
    assert (await house.api("PUT", "/accounts/wu", change, {**headers, "If-Match": '"other"'}))[0] == 412
    status, found = await house.api("PUT", "/accounts/wu", change, {**headers, "If-Match": tag})
    assert status == 200 and found["roles"] == ["leader"] and found["scope"]["contracts"] is None
    assert (await house.api("POST", "/accounts/root/disable", None, headers))[0] == 422
    status, found = await house.api("POST", "/accounts/wu/disable", None, headers)
    assert status == 200 and found["state"] == "disabled"
    assert (await house.api("GET", "/accounts/nobody"))[0] == 404
    status, found = await house.api("GET", "/accounts?limit=2")
    assert [item["name"] for item in found["items"]] == ["li", "root"] and found["next"] == "root"
    house.client.session.cookie_jar.clear()
    await house.sign_in("li")
    assert (await house.api("GET", "/accounts"))[0] == 403


async def test_links_are_for_contracts_that_one_sees(house: Office) -> None:
    house.add("wu", Role.HANDLER)
    await house.sign_in("wu")
    form = {"label": "某评价公司", "contract": "none", "days": "30"}
    status, text, _ = await house.send("/links", form, csrf=await house.csrf())
    assert status == 422
    assert "还没有您可见的合同" in text
    headers = {"X-CSRF-Token": await house.csrf()}
    assert (await house.api("POST", "/links", {"label": "x", "contract": "none"}, headers))[0] == 422
    assert (await house.api("GET", "/links"))[1] == {"items": [], "next": None}
    assert (await house.api("DELETE", "/links/1", headers=headers))[0] == 404


async def test_every_change_is_in_the_audit_log(house: Office) -> None:
    house.add("eva", Role.EVALUATOR, until=LATER)
    accounts.change(house.writer, "li", Terms("李", frozenset({Role.LEADER})), at=AT, actor="root")
    accounts.set_language(house.writer, "li", "en", at=AT, actor="li")
    accounts.set_password(house.writer, "li", "x", must_change=True, at=AT, actor="root")
    accounts.disable(house.writer, "li", at=AT, actor="root")
    accounts.enable(house.writer, "li", at=AT, actor="root")
    with reading(house.writer.engine) as connection:
        found = accounts.get(connection, "eva")
    wish = tokens.Wish("t", frozenset({Role.EVALUATOR}), EVERYTHING, 1)
    made = tokens.add(house.writer, found, wish, "w" * 20, keys.digest_of("w"), at=AT)
    tokens.revoke(house.writer, "eva", made.id, at=AT, actor="eva")
    assert house.audited()[2:] == [
        ("test", "account.add", "eva"),
        ("root", "account.change", "li"),
        ("li", "account.language", "li"),
        ("root", "account.password", "li"),
        ("root", "account.disable", "li"),
        ("root", "account.enable", "li"),
        ("eva", "token.add", f"eva/{made.id}"),
        ("eva", "token.revoke", f"eva/{made.id}"),
    ]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 · Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
            " Safari/537.36 Edg/120.0.0.0",
            "Edge 120 · Windows",
        ),
        ("Python/3.11 aiohttp/3.14", "Python/3.11 aiohttp/3.14"),
        ("", ""),
    ],
)
def test_browsers_are_called_by_their_names(agent: str, name: str) -> None:
    assert browser(agent) == name


async def test_what_would_be_of_no_use_is_said(house: Office) -> None:
    await house.sign_in("root")
    csrf = await house.csrf()
    form = {"name": "wang", "roles": "leader"}
    status, text, _ = await house.send("/system/new-account", {**form, "until": "2001-01-01"}, csrf=csrf)
    assert status == 422 and "有效至已过" in text.split('id="f-until"')[1].split("</div>")[0]
    status, text, _ = await house.send("/system/new-account", {"name": "wang"}, csrf=csrf)
    assert status == 422 and "没有角色" in text.split('class="checks"')[1].split("</fieldset>")[0]
    status, text, _ = await house.send("/system/new-account", {**form, "areas": "没有这个镇"}, csrf=csrf)
    assert status == 200 and "台账和合同里没有：没有这个镇" in text
    status, text, _ = await house.send("/system/new-account", form, csrf=csrf)  # as a reload of the page does
    assert status == 422 and 'href="/system/accounts/wang">查看已有的账号' in text
