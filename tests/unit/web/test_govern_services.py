"""Signing in through the house's own services: a provider and a directory that speak their protocols."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey
from pydantic import ValidationError

from config.accounts import Ldap, Oidc
from console.auth.directory import Directory
from console.auth.oidc import Provider
from console.auth.services import DirectorySignIn
from console.store import accounts
from console.web.access import Role
from monitor.finding import InputError
from monitor.store.database import reading
from tests.servers import directory, oidc_provider
from tests.servers.directory import Entry, People
from tests.servers.oidc_provider import Issuer
from tests.signed_in import AT, Office, office
from tests.site_app import settings_at

ROLES = {"camera-ops": ("operations",), "cn=Admins,dc=city": ("administrator",), "finance": ("handler",)}
BACK = "/login/oidc/back"


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer(
        claims={"preferred_username": "wang", "name": "王五", "groups": ["camera-ops", "x"]}, now=AT // 10**6
    )
    async with oidc_provider.running(found):
        yield found


@pytest.fixture
async def house(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Office]:
    (tmp_path / "secret").write_text(issuer.secret + "\n")
    oidc = {
        "issuer": issuer.address,
        "client_id": issuer.client_id,
        "client_secret_path": tmp_path / "secret",
        "address": "https://camsla.city.example",
        "roles": ROLES,
    }
    settings = settings_at(tmp_path, serve={"plain_http": True}, accounts={"oidc": oidc})
    assert settings.accounts.oidc is not None
    provider = Provider(settings.accounts.oidc)
    async with office(tmp_path, settings, oidc=provider) as found:
        found.add("root", Role.ADMINISTRATOR)
        yield found
    await provider.close()


async def come_back(house: Office, issuer: Issuer, **changed: str) -> tuple[int, str, str]:
    status, _, address = await house.get("/login/oidc?next=/account")
    assert status == 303 and address.startswith(issuer.address + "/authorize?")
    state = parse_qs(urlsplit(address).query)["state"][0]
    query = {"code": issuer.consent(address), "state": state, **changed}
    return await house.get(f"{BACK}?code={query['code']}&state={query['state']}")


async def test_a_provider_signs_somebody_in_with_the_roles_of_their_groups(house: Office, issuer: Issuer) -> None:
    _, text, _ = await house.get("/login")
    assert "/login/oidc?next=" in text
    assert (await come_back(house, issuer))[::2] == (303, "/account")
    assert (await house.get("/account"))[0] == 200
    made = _account(house, "wang")
    assert (made.source, made.subject, made.terms.display) == ("oidc", "subject-1", "王五")
    assert made.terms.roles == {Role.OPERATIONS} and made.password == ""
    assert (await house.sign_in("wang", "anything at all"))[0] == 422
    issuer.claims["groups"] = ["finance"]
    await come_back(house, issuer)
    assert _account(house, "wang").terms.roles == {Role.HANDLER}


async def test_groups_come_from_userinfo_where_the_token_has_none(house: Office, issuer: Issuer) -> None:
    del issuer.claims["groups"]
    issuer.userinfo = {"sub": "another", "groups": ["finance"]}
    status, text, _ = await come_back(house, issuer)
    assert status == 422 and "没有对应的角色" in text
    issuer.userinfo = {"sub": "subject-1", "groups": ["finance"]}
    assert (await come_back(house, issuer))[0] == 303


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"nonce": "other"}, "ID token"),
        ({"aud": "other"}, "ID token"),
        ({"aud": ["camsla", "other"]}, "another party"),
        ({"iss": "https://other.example"}, "ID token"),
        ({"exp": AT // 10**6 - 100}, "ID token"),
        ({"iat": AT // 10**6 + 1_000}, "ID token"),
        ({"preferred_username": ""}, "no name"),
        ({"preferred_username": "../x"}, "not a name"),
        ({"preferred_username": "ROOT"}, "账号已存在"),
    ],
)
async def test_what_a_provider_says_wrongly_signs_nobody_in(
    house: Office, issuer: Issuer, claims: dict[str, Any], said: str
) -> None:
    issuer.claims |= claims
    status, text, _ = await come_back(house, issuer)
    assert status == 422 and said in text
    assert (await house.get("/account"))[0] == 303


async def test_a_token_signed_by_another_key_does_not_hold(house: Office, issuer: Issuer) -> None:
    issuer.published = ECKey.generate_key("P-256", {"kid": "k1"})
    status, text, _ = await come_back(house, issuer)
    assert status == 422 and "签名不成立" in text
    issuer.key, issuer.published = issuer.published, None  # keys that changed are fetched anew
    assert (await come_back(house, issuer))[0] == 303
    issuer.key = ECKey.generate_key("P-256", {"kid": "k2"})
    assert (await come_back(house, issuer))[0] == 303


async def test_a_shared_secret_signs_nothing(house: Office, issuer: Issuer, monkeypatch: Any) -> None:
    monkeypatch.setattr(oidc_provider.jwt, "encode", lambda _head, claims, _key: _hs256(claims, issuer.secret))
    assert (await come_back(house, issuer))[0] == 422


async def test_another_browsers_answer_is_refused(house: Office, issuer: Issuer) -> None:
    assert (await come_back(house, issuer, state="other"))[0] == 422
    assert (await come_back(house, issuer, code="other"))[0] == 422
    _, _, address = await house.get("/login/oidc")
    code, state = issuer.consent(address), parse_qs(urlsplit(address).query)["state"][0]
    house.client.session.cookie_jar.clear()
    status, text, _ = await house.get(f"{BACK}?code={code}&state={state}")
    assert status == 422 and "did not begin in this browser" in text


async def test_a_sign_in_that_took_too_long_is_refused(house: Office, issuer: Issuer) -> None:
    _, _, address = await house.get("/login/oidc")
    code, state = issuer.consent(address), parse_qs(urlsplit(address).query)["state"][0]
    house.pass_minutes(11)
    assert (await house.get(f"{BACK}?code={code}&state={state}"))[0] == 422


async def test_a_closed_account_stays_closed(house: Office, issuer: Issuer) -> None:
    await come_back(house, issuer)
    accounts.disable(house.writer, "wang", at=house.now, actor="root")
    status, text, _ = await come_back(house, issuer)
    assert status == 422 and "已停用" in text


async def test_without_a_provider_there_is_no_such_page(tmp_path: Path) -> None:
    async with office(tmp_path) as house:
        assert (await house.get("/login/oidc"))[0] == 404
        assert (await house.get(BACK))[0] == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "http://idp.example"},
        {"address": "camsla.example"},
        {"roles": {"g": ["supplier"]}},
        {"roles": {"g": ["evaluator"]}},
        {"scopes": ["profile"]},
        {"roles": {}},
    ],
)
def test_settings_of_a_provider_are_checked(changed: dict[str, Any]) -> None:
    given = {"issuer": "https://idp.example", "client_id": "x", "address": "https://c.example", "roles": ROLES}
    Oidc(**given)
    with pytest.raises(ValidationError):
        Oidc(**{**given, **changed})


# -- directory


PEOPLE = {
    "uid=zhao,ou=people,dc=city": Entry(
        "uid=zhao,ou=people,dc=city", "directory pass", "zhao", "赵六", ("CN=admins,DC=city",)
    ),
    "uid=qian,ou=people,dc=city": Entry("uid=qian,ou=people,dc=city", "directory pass", "qian", "钱七"),
}


@pytest.fixture
def people() -> People:
    return People(dict(PEOPLE))


def ldap(port: int, **more: Any) -> Ldap:
    given = {
        "url": f"ldaps://127.0.0.1:{port}",
        "bind": "uid={name},ou=people,dc=city",
        "base": "ou=people,dc=city",
        "roles": ROLES,
        **more,
    }
    return Ldap(**given)


@pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning")  # how the library compares names until 3.12
async def test_a_directory_signs_somebody_in_over_tls(tmp_path: Path, people: People) -> None:
    tls = directory.certificate(tmp_path)
    with directory.running(people, tls) as port:
        found = Directory(ldap(port, ca_path=tls[0]))
        async with office(
            tmp_path, ldap=DirectorySignIn(found, ROLES | {"CN=Admins,DC=city": ("administrator",)})
        ) as house:
            house.add("root", Role.ADMINISTRATOR)
            assert (await house.sign_in("zhao", "wrong"))[0] == 422
            assert (await house.sign_in("zhao", "directory pass"))[0] == 303
            assert (await house.get("/system/accounts"))[0] == 200
            made = _account(house, "zhao")
            assert (made.source, made.terms.display) == ("ldap", "赵六")
            status, text, _ = await house.sign_in("qian", "directory pass")
            assert status == 422 and "没有对应的角色" in text
            tried = len(people.binds)
            assert (await house.sign_in("root", "directory pass"))[0] == 422
            assert len(people.binds) == tried  # an account kept here is nobody else's


def test_a_name_stays_a_name(tmp_path: Path, people: People) -> None:
    with directory.running(people) as port:
        found = Directory(ldap(port, url=f"ldap://127.0.0.1:{port}", plain=True))
        assert found.known("x,ou=admins", "p") is None
        assert people.binds[-1] == "uid=x\\,ou\\=admins,ou=people,dc=city"
        assert found.known("zhao", "") is None
        assert len(people.binds) == 1  # a bind without a password is never tried


def test_a_directory_nobody_vouches_for_is_refused(tmp_path: Path, people: People) -> None:
    with (
        directory.running(people, directory.certificate(tmp_path)) as port,
        pytest.raises(InputError, match="目录服务"),
    ):
        Directory(ldap(port)).known("zhao", "directory pass")
    assert people.binds == []


def test_a_plain_directory_is_not_sent_a_password(people: People) -> None:
    with directory.running(people) as port, pytest.raises(InputError, match="目录服务"):
        Directory(ldap(port, url=f"ldap://127.0.0.1:{port}", timeout_s=1)).known("zhao", "directory pass")
    assert people.binds == []


def test_a_directory_that_is_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="目录服务"):
        Directory(ldap(1)).known("zhao", "directory pass")


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://x"},
        {"url": "ldap://10.0.0.1", "plain": True},
        {"bind": "uid=x"},
        {"roles": {"g": ["supplier"]}},
    ],
)
def test_settings_of_a_directory_are_checked(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ldap(636, **changed)


def _account(house: Office, name: str) -> accounts.Account:
    with reading(house.writer.engine) as connection:
        return accounts.get(connection, name)


def _hs256(claims: dict[str, Any], secret: str) -> str:
    from joserfc import jwt

    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
