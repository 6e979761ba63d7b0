"""The OpenAPI document: valid, whole, stable, and readable as a page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import jsonschema_rs
import pytest
from pydantic import BaseModel, ConfigDict, Field
from schemathesis.specs.openapi import definitions

from console.app.site import every_route
from console.web.access import EVERYONE, FINANCE, Role
from console.web.endpoints import conditional
from console.web.openapi import document, operation_id
from console.web.problem import REMEDIES, TITLES
from console.web.reference import groups_of, sample
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.model import Instant
from tests.site_app import WHO, get, person, settings_at, site_client

routes = Routes()


class Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    after: str | None = Field(None, description="上页的 next")
    limit: int = Field(50, ge=1, le=500)
    state: list[Literal["online", "offline"]] = []


class Line(BaseModel):
    code: str = Field(min_length=1, examples=["A-1"])
    fen: int = 0


class Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    lines: list[Line] = Field(min_length=1)


class Given(BaseModel):
    id: str
    parent: Line | None


@routes.endpoint("GET", "/things", allow=EVERYONE, summary="众物 things", tag="物", query=Wanted, answer=Given)
async def _things(_visit: Visit, _query: Wanted) -> Given:
    raise NotImplementedError


@routes.endpoint(
    "PUT", r"/things/{name:\w+}", allow=FINANCE, summary="改 change", tag="物", body=Sent, answer=Given, status=201
)
@conditional
async def _change(_visit: Visit, _body: Sent) -> Given:
    """改一物 change it."""
    raise NotImplementedError


@routes.endpoint("DELETE", "/things/{name}", allow=FINANCE, summary="删 delete", tag="物")
async def _delete(_visit: Visit) -> None:
    raise NotImplementedError


@routes.endpoint("GET", "/things/{name}/file", allow=None, summary="文件 file", tag="物", media="application/pdf")
async def _file(_visit: Visit) -> Any:
    raise NotImplementedError


MADE = document(routes, "1")


def _complaints(found: Any) -> list[str]:
    # The document travels as JSON: what JSON cannot say is a fault as well.
    validator = jsonschema_rs.validator_for(definitions.OPENAPI_31)
    return [
        f"{'/'.join(map(str, e.instance_path))}: {e.message[:200]}"
        for e in validator.iter_errors(json.loads(json.dumps(found)))
    ]


@pytest.mark.parametrize("found", [MADE, document(every_route(), "1")], ids=["made", "served"])
def test_it_is_valid(found: Any) -> None:
    assert _complaints(found) == []


def test_the_validator_finds_faults() -> None:
    broken = json.loads(json.dumps(MADE))
    broken["paths"]["/api/v1/things"]["get"]["responses"] = {"ok": {}}
    assert _complaints(broken)


def test_every_endpoint_is_in_it_once_and_nothing_else() -> None:
    found = document(every_route(), "1")
    named = {
        (method.upper(), path) for path, item in found["paths"].items() for method in item if method != "parameters"
    }
    served = [
        (
            route.method,
            "/".join(p.partition(":")[0] + "}" if ":" in p and p.startswith("{") else p for p in route.path.split("/")),
        )
        for route in every_route()
        if route.kind == "endpoint"
    ]
    assert sorted(served) == sorted(named), "two endpoints under one address, or one that the document lacks"
    ids = [item[m]["operationId"] for item in found["paths"].values() for m in item if m != "parameters"]
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)


def test_every_reference_leads_somewhere() -> None:
    found = document(every_route(), "1")
    text = json.dumps(found)
    for ref in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        place: Any = found
        for name in ref.removeprefix("#/").split("/"):
            assert name in place, ref
            place = place[name]


def test_every_endpoint_says_what_it_is_in_both_languages() -> None:
    for route in every_route():
        if route.kind == "endpoint" and route.models is not None:
            words = route.models.summary
            both = any("\u4e00" <= c <= "\u9fff" for c in words) and any(c.isascii() and c.isalpha() for c in words)
            assert both, f"{route.method} {route.path}: summary={words!r} → give it Chinese and English"


def test_names_do_not_change() -> None:
    assert operation_id("GET", "/api/v1/points/{code}/outages") == "get_points_by_code_outages"
    assert operation_id("PUT", r"/api/v1/things/{name:\w+}") == "put_things_by_name"
    assert document(routes, "1") == MADE


def test_what_an_operation_says() -> None:
    listing = MADE["paths"]["/api/v1/things"]["get"]
    by_name = {one.get("name"): one for one in listing["parameters"]}
    assert by_name["after"] == {
        "name": "after",
        "in": "query",
        "schema": {"type": "string"},
        "description": "上页的 next",
    }
    assert by_name["limit"]["schema"] == {"default": 50, "maximum": 500, "minimum": 1, "type": "integer"}
    assert {"$ref": "#/components/parameters/IfNoneMatch"} in listing["parameters"]
    assert {"200", "304", "401", "404", "500"} <= set(listing["responses"])
    item = MADE["paths"]["/api/v1/things/{name}"]
    assert item["parameters"][0]["name"] == "name"
    change = item["put"]
    assert change["security"] == [{"bearer": []}, {"session": [], "token": []}]
    assert {"$ref": "#/components/parameters/IdempotencyKey"} in change["parameters"]
    assert {"$ref": "#/components/parameters/IfMatch"} in change["parameters"]
    assert {"201", "409", "412", "422"} <= set(change["responses"])
    assert "200" not in change["responses"]
    assert "财务经办 handler" in change["description"]
    assert "204" in item["delete"]["responses"] and "412" not in item["delete"]["responses"]
    file = MADE["paths"]["/api/v1/things/{name}/file"]["get"]
    assert file["security"] == [] and file["responses"]["200"]["content"] == {"application/pdf": {}}


def test_the_reference_shows_fields_within_fields_and_a_call() -> None:
    (group,) = groups_of(MADE, "https://city")
    shown = {one.id: one for one in group.endpoints}
    change = shown["put_things_by_name"]
    assert [(f.name, f.required) for f in change.body] == [
        ("title", True),
        ("lines", True),
        ("lines[].code", True),
        ("lines[].fen", False),
    ]
    assert "-X PUT 'https://city/api/v1/things/{name}'" in change.curl
    assert '{"title": "…", "lines": [{"code": "A-1"}]}' in change.curl
    assert "Authorization" not in shown["get_things_by_name_file"].curl
    assert [f.name for f in shown["get_things"].answers[0].fields] == ["id", "parent", "parent.code", "parent.fen"]
    assert sample(MADE, {"$ref": "#/components/schemas/Sent"}) == {"title": "…", "lines": [{"code": "A-1"}]}


def test_every_problem_says_what_helps() -> None:
    assert set(REMEDIES) == set(TITLES)


AT = Instant(1_600_000_000_000_000)


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(settings_at(tmp_path), {"o": person("o", Role.REPORTER)}, at=AT) as found:
        yield found


async def test_it_is_served_to_whoever_is_signed_in(client: Any) -> None:
    async with client.get("/api/v1/openapi.json", headers={WHO: "o"}) as response:
        assert response.status == 200
        found, tag = await response.json(), response.headers["ETag"]
    assert found["openapi"] == "3.1.0" and "/api/v1/openapi.json" in found["paths"]
    async with client.get("/api/v1/openapi.json", headers={WHO: "o", "If-None-Match": tag}) as response:
        assert response.status == 304
    async with client.get("/api/v1/openapi.json") as response:
        assert response.status == 401
        kind = (await response.json())["type"]
    async with client.get(kind, headers={WHO: "o"}) as response:
        assert (await response.json())["status"] == 401


async def test_the_page_shows_every_endpoint(client: Any) -> None:
    status, text = await get(client, "/reference", "o")
    assert status == 200
    missing = [
        r.path for r in every_route() if r.kind == "endpoint" and f'id="{operation_id(r.method, r.path)}"' not in text
    ]
    assert missing == []
    assert "{origin}" not in text and "curl" in text


def test_a_request_that_is_a_file_says_so() -> None:
    whole = document(every_route(), "1")
    files = {f"{r.method} {r.path}" for r in every_route() if r.models is not None and r.models.upload}
    assert {"POST /api/v1/points/import", "POST /api/v1/payments/papers", "POST /api/v1/authority/files"} == files
    for path in ("/api/v1/points/import", "/api/v1/payments/papers", "/api/v1/authority/files"):
        body = whole["paths"][path]["post"]["requestBody"]
        assert body == {"required": True, "content": {"application/octet-stream": {}}}
    shown = [one for group in groups_of(whole, "http://x") for one in group.endpoints if one.upload]
    assert len(shown) == 3 and all("--data-binary @" in one.curl and "octet-stream" in one.curl for one in shown)
