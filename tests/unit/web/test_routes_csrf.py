"""Every route that changes something, one by one: without the form's token, or with a wrong one, it changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from console.app.site import every_route
from console.web.routes import Route
from tests import two_suppliers as city
from tests.site_app import CSRF, WHO, settings_at

CHANGING = [route for route in every_route() if route.mutating]
GUARDED = [route for route in CHANGING if route.csrf]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = settings_at(tmp_path_factory.mktemp("tokens"))
    city.seed(settings)
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(seeded: Any) -> AsyncIterator[Any]:
    async with city.serving(seeded) as found:
        yield found


def _somebody(route: Route) -> str:
    return next(who for who, person in city.PERSONS.items() if route.allow is None or person.may(route.allow))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("token", [None, "", "wrong", CSRF[:-1], CSRF + "x", "另一个"])
@pytest.mark.parametrize("route", GUARDED, ids=lambda r: f"{r.method} {r.path}")
async def test_a_change_without_its_token_is_refused(client: Any, seeded: Any, route: Route, token: str | None) -> None:
    """By somebody who may, in a form's field and in the header; 403 before anything is read or written."""
    before = city.audited(seeded)
    who = _somebody(route)
    ways: list[dict[str, Any]] = [{"data": {} if token is None else {"csrf": token}}]
    if route.kind == "endpoint":
        ways = [{"json": {}}, {"data": {"csrf": CSRF}}]  # a form's field does not serve for the API
    for way in ways:
        headers = {WHO: who}
        if token is not None and token.isascii():
            headers["X-CSRF-Token"] = token
        async with client.request(
            route.method, city.address(route), headers=headers, allow_redirects=False, **way
        ) as response:
            text = await response.text()
            assert response.status == 403, f"{who} without the token: {response.status} → keep csrf=True on the route"
            assert "problems/token" in text or "表单已失效" in text, "refused, but not for its token"
    assert city.audited(seeded) == before


def test_only_strangers_forms_go_without_a_token() -> None:
    """A form that a session posts must carry its token; only where nobody is signed in yet is there none."""
    wrong = [f"{r.method} {r.path}" for r in CHANGING if not r.csrf and r.allow is not None]
    assert wrong == [], f"csrf=False on routes of signed-in persons → remove it: {wrong}"


def test_reading_routes_change_nothing_by_their_method() -> None:
    """What is read may be linked to, fetched ahead and repeated: a change is never a GET."""
    words = ("delete", "remove", "approve", "revoke", "logout", "reverse", "withdraw")
    wrong = [r.path for r in every_route() if not r.mutating and r.path.rsplit("/", 1)[-1] in words]
    assert wrong == [], f"these read as changes → make them forms: {wrong}"


def test_every_form_posts() -> None:
    assert [r.path for r in CHANGING if r.kind == "form" and r.method != "POST"] == []
    assert GUARDED, "the table of routes has no change at all"
