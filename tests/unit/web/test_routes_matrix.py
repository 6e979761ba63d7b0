"""Every role on every route, with the north's objects and with the south's: exactly what `allow` says, and never another's data.

The routes come from the route table: one that is added is tried here without any edit. What to do when a line fails:
give the route the right `allow`, or read through `visit.scope` and `visit.contract()`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from console.app.site import every_route
from console.web import openapi
from console.web.access import EVERYONE, Person, Role
from console.web.reference import sample
from console.web.routes import Route
from tests import two_suppliers as city
from tests.site_app import CSRF, WHO, settings_at

ROUTES = every_route()
IDS = [f"{route.method} {route.path}" for route in ROUTES]
MUST_ANSWER_S = 30.0
SCOPED = "read through visit.scope and visit.contract(), and raise MissingError for what is out of it"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = settings_at(tmp_path_factory.mktemp("north-and-south"))
    city.seed(settings)
    return settings


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(seeded: Any) -> AsyncIterator[Any]:
    async with city.serving(seeded) as found:
        yield found


async def ask(
    client: Any, route: Route, who: str, address: str, token: str = CSRF
) -> tuple[int, str, Mapping[str, str]]:
    """Send the least that the route takes; of a stream only its head is read."""
    headers = {WHO: who, "X-CSRF-Token": token, "Accept-Language": "zh"}
    more: dict[str, Any] = {}
    if route.mutating and route.kind == "endpoint" and route.models is not None and route.models.body is not None:
        more["json"] = body_of(route)[0]
    elif route.kind == "form":
        more["data"] = {"csrf": token}
    async with client.request(route.method, address, headers=headers, allow_redirects=False, **more) as response:
        if "text/event-stream" in response.headers.get("Content-Type", "") and response.status == 200:
            return 200, "", response.headers
        raw = await response.read()
        text = city.shown(raw.decode("utf-8", "replace"))
        return response.status, text, response.headers


@cache
def document() -> Any:
    return openapi.document(ROUTES, "1")


def body_of(route: Route) -> tuple[Any, bool]:
    """The least body that an endpoint's schema asks for, and whether its model takes it: else no handler sees it."""
    assert route.models is not None and route.models.body is not None
    path = openapi.PARAMETER.sub(r"{\1}", route.path)
    operation = document()["paths"][path][route.method.lower()]
    body = sample(document(), operation["requestBody"]["content"]["application/json"]["schema"])
    try:
        route.models.body.model_validate_json(json.dumps(body))
    except ValidationError:
        return body, False
    return body, True


def refused(route: Route, status: int, headers: Mapping[str, str]) -> bool:
    """Whether it is the 403 of the route's kind."""
    problem = "problem+json" in headers.get("Content-Type", "")
    return status == 403 and problem == (route.kind == "endpoint" or route.path.startswith("/api/"))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", ROUTES, ids=IDS)
async def test_who_is_not_allowed_is_refused(client: Any, route: Route) -> None:
    place = city.address(route)
    if route.allow is None:
        status, text, _ = await ask(client, route, city.NOBODY, place)
        assert status < 500 and not city.leaked(text, place), f"{status}: anybody may come here, and sees {text[:200]}"
        return
    status, text, headers = await ask(client, route, city.NOBODY, place)
    if route.kind == "endpoint" or route.path.startswith("/api/"):
        assert status == 401, f"nobody is signed in: {status}, not 401"
    else:
        assert status == 303 and headers["Location"].startswith("/login"), f"nobody is signed in: {status}"
    for who, person in city.PERSONS.items():
        if person.may(route.allow):
            continue
        status, text, headers = await ask(client, route, who, place)
        assert refused(route, status, headers), f"{who} got {status}, but allow= names only {sorted(route.allow)}"
        assert not city.leaked(text, place), f"{who}, who is not allowed, sees {city.leaked(text, place)}"


def tried_by(route: Route) -> Iterator[tuple[str, Person]]:
    for who, person in city.PERSONS.items():
        if route.allow is None or person.may(route.allow):
            yield who, person


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", [r for r in ROUTES if not r.mutating], ids=lambda r: f"{r.method} {r.path}")
async def test_who_is_allowed_is_answered(client: Any, route: Route) -> None:
    """No failure, no 403 behind `allow`, and whoever is limited to the north sees nothing of the south."""
    place = city.address(route)
    for who, _ in tried_by(route):
        status, text, _ = await ask(client, route, who, place)
        assert status < 500, f"{who} {place}: {status} → see the log of the handler\n{text[:600]}"
        assert status not in {401, 403}, f"{who} {place}: {status}, though allow= names the role → narrow allow="
        if who in city.LIMITED or who == "supplier":
            assert not city.leaked(text, place), f"{who} {place} sees {city.leaked(text, place)} → {SCOPED}"


ASKING = (
    "?contract=south&code=S-1&point=S-1&supplier=城南承建&area=城南街道&quarter=2020Q3&q=",
    "?q=点位&limit=500&size=500",
    "?format=json&size=500",
    "?format=csv&contract=south",
)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", [r for r in ROUTES if not r.mutating], ids=lambda r: f"{r.method} {r.path}")
async def test_the_south_is_out_of_sight(client: Any, route: Route) -> None:
    """Persons limited to the north ask for the south by path, by filter, by search, by export and by counting numbers up."""
    named = city.names(route)
    places = [city.address(route) + query for query in ASKING] if route.kind != "stream" else []
    if named:
        places = [city.address(route, foreign=True)] + ([] if "code" in named else places[:2])
        places += [city.address(route, number=str(n)) for n in (2, 3)] if not named <= city.FOREIGN_NAMES else []
    for who in (*city.LIMITED, "supplier"):
        if route.allow is not None and not city.PERSONS[who].may(route.allow):
            continue
        for place in places:
            status, text, _ = await ask(client, route, who, place)
            assert status < 500, f"{who} {place}: {status}\n{text[:600]}"
            found = city.leaked(text, place)
            assert not found, f"{who} {place} sees {found} → {SCOPED}"
        if named & city.FOREIGN_NAMES:
            place = city.address(route, foreign=True)
            status, _, _ = await ask(client, route, who, place)
            if status in {400, 422}:  # what is wrong with the request is said before any object is looked for
                own, _, _ = await ask(client, route, who, city.address(route))
                assert own == status, f"{who} {place}: {status} for the south, {own} for the north → {SCOPED}"
                continue
            assert status == 404, f"{who} {place}: {status}, not 404 → {SCOPED}"


CHANGING = [r for r in ROUTES if r.mutating and r.csrf and city.names(r) & city.FOREIGN_NAMES]
"""The routes that change an object of a contract or a supplier, which their paths name."""


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("route", CHANGING, ids=lambda r: f"{r.method} {r.path}")
async def test_nobody_changes_the_south(client: Any, seeded: Any, route: Route) -> None:
    """Changes of the south's objects by persons limited to the north: no failure, nothing told, nothing written."""
    before = city.audited(seeded)
    for who in (*city.LIMITED, "supplier"):
        if route.allow is not None and not city.PERSONS[who].may(route.allow):
            continue
        place = city.address(route, foreign=True)
        status, text, _ = await ask(client, route, who, place)
        assert status == 404, (
            f"{who} {place}: {status}, not 404 → look for the object, within the scope, before the form"
        )
        assert not city.leaked(text, place), f"{who} {place} sees {city.leaked(text, place)}"
    assert city.audited(seeded) == before, f"{route.method} {route.path} wrote something of the south → {SCOPED}"


def test_the_matrix_has_somebody_for_every_role_and_every_limit() -> None:
    assert {role for person in city.WHOLE.values() for role in person.roles} == set(Role) == EVERYONE
    assert len(CHANGING) > 10
    assert all(not person.sees_contract("south") for person in city.LIMITED.values())


@pytest.mark.asyncio(loop_scope="module")
async def test_the_canaries_sing(client: Any) -> None:
    """What would be a leak is there to be seen by whoever may see everything: the matrix is not blind."""
    seen = ""
    for route in ROUTES:
        if route.mutating or route.kind in {"stream", "endpoint"} or route.allow is None:
            continue
        who = next((w for w in city.WHOLE if w != "supplier" and city.WHOLE[w].may(route.allow)), None)
        if who is not None:
            _, text, _ = await ask(client, route, who, city.address(route, foreign=True))
            seen += text
    assert "机密" in seen and any(code in seen for code in ("S-2", "S-3"))
