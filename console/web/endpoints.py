"""Endpoints of the API: query and body read strictly into their models, answers as JSON with an entity tag.

Every change may carry an Idempotency-Key: repeated with the same body it gives the first answer again, with another body it
is refused.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from console.web import problem
from console.web.visit import Visit
from console.web.visit import answer as tagged

Model = TypeVar("Model", bound=BaseModel)
KEY_HEADER = "Idempotency-Key"
MAX_KEY = 200
MAX_JSON_BYTES = 1024 * 1024


class RefusedError(Exception):
    """A request that no handler is asked about; `kind` is one of the problems."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Repeats(Protocol):
    """Remembers what was answered to a key, per person and endpoint."""

    async def begin(self, visit: Visit, key: str, digest: str) -> tuple[int, bytes] | None:
        """Claim a key, or return the status and body it was answered with. ConflictError for another body, or one under way."""

    async def end(self, visit: Visit, key: str, status: int, body: bytes) -> None:
        """Remember the answer; a status from 500 on releases the key."""


async def answer(visit: Visit) -> web.StreamResponse:
    """Answer an endpoint's request."""
    models = visit.route.models
    if models is None:
        raise TypeError(f"{visit.route.path} is no endpoint")
    arguments: list[BaseModel] = []
    if models.query is not None:
        arguments.append(_query(visit, models.query))
    raw = b""
    if models.body is not None:
        raw = await _raw(visit.request)
        arguments.append(_body(raw, models.body))
    key = visit.request.headers.get(KEY_HEADER, "") if visit.route.mutating else ""
    if len(key) > MAX_KEY or not key.isprintable():
        raise RefusedError("malformed", f"{KEY_HEADER}: ≤ {MAX_KEY}")
    if not key:
        return await _run(visit, arguments)
    return await _once(visit, arguments, key, raw)


async def _once(visit: Visit, arguments: list[BaseModel], key: str, raw: bytes) -> web.StreamResponse:
    repeats: Repeats = visit.site.part(Repeats)  # type: ignore[type-abstract]
    digest = hashlib.sha256(visit.request.path_qs.encode() + b"\n" + raw).hexdigest()
    known = await repeats.begin(visit, key, digest)
    if known is not None:
        status, body = known
        headers = {"Idempotency-Replayed": "true"}
        return web.Response(body=body or None, status=status, content_type="application/json", headers=headers)
    status, body = 500, b""
    try:
        response = await _run(visit, arguments)
        status = response.status
        body = bytes(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
        return response
    finally:
        await repeats.end(visit, key, status, body)


async def _run(visit: Visit, arguments: list[BaseModel]) -> web.StreamResponse:
    models = visit.route.models
    found: Any = await visit.route.handler(visit, *arguments)
    if isinstance(found, web.StreamResponse):
        return found
    if found is None:
        return web.Response(status=204)
    body = json.dumps(found.model_dump(mode="json", by_alias=True), ensure_ascii=False).encode()
    response = tagged(visit.request, body, "application/json") if not visit.route.mutating else _written(body)
    if response.status == 200 and models is not None and models.status != 200:
        response.set_status(models.status)
    return response


def _written(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json", charset="utf-8")


def _query(visit: Visit, model: type[Model]) -> Model:
    given: dict[str, Any] = {}
    for name in visit.request.query:
        values = visit.request.query.getall(name)
        info = model.model_fields.get(name)
        many = info is not None and getattr(info.annotation, "__origin__", None) in {list, tuple}
        given[name] = values if many else values[-1]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidError(error) from None


async def _raw(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise RefusedError("media", "application/json")
    if (request.content_length or 0) > MAX_JSON_BYTES:
        raise RefusedError("too-large", "≤ 1 MiB")
    raw = await request.content.read(MAX_JSON_BYTES + 1)
    while len(raw) <= MAX_JSON_BYTES and (more := await request.content.read(MAX_JSON_BYTES + 1 - len(raw))):
        raw += more
    if len(raw) > MAX_JSON_BYTES:
        raise RefusedError("too-large", "≤ 1 MiB")
    return raw


def _body(raw: bytes, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise InvalidError(error) from None


class InvalidError(RefusedError):
    """A query or body that its model refuses, with what is wrong at each field."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__("invalid")
        self.errors = problem.of_validation(list(map(dict, error.errors(include_url=False, include_input=False))))
