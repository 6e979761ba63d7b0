"""Endpoints of the API: query and body read strictly into their models, answers as JSON with an entity tag.

Every change may carry an Idempotency-Key: repeated with the same body it gives the first answer again, with another body it
is refused. The key is claimed before the work and the answer kept after it; work that was begun is carried to its end even
when the asker has gone, so that whoever asks again finds out.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import Any, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from console.web import problem
from console.web.forms import MAX_UPLOAD_BYTES, NUL_REASON
from console.web.routes import Handler
from console.web.visit import Visit, etag_of
from console.web.visit import answer as tagged
from monitor.finding import refuse

Model = TypeVar("Model", bound=BaseModel)
KEY_HEADER = "Idempotency-Key"
MAX_KEY = 200
MAX_JSON_BYTES = 1024 * 1024
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The character NUL as JSON writes it: no text of ours holds it, and PostgreSQL does not take it."""
_UNDER_WAY: set[asyncio.Future[web.StreamResponse]] = set()
"""Held, because the loop holds its tasks weakly."""


class RefusedError(Exception):
    """A request that no handler is asked about; `kind` is one of the problems."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


class Repeats(Protocol):
    """Remembers what was answered to a key, per person."""

    async def begin(self, visit: Visit, key: str, digest: str) -> tuple[int, bytes] | None:
        """Claim a key, or return the status and body it was answered with. RefusedError for another body, or one under way."""

    async def end(self, visit: Visit, key: str, status: int, body: bytes) -> None:
        """Remember the answer; a status from 400 on releases the key: nothing was done."""


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
    if not key or visit.signed is None:
        return await _run(visit, arguments)
    return await _once(visit, arguments, key, raw)


async def _once(visit: Visit, arguments: list[BaseModel], key: str, raw: bytes) -> web.StreamResponse:
    repeats: Repeats = visit.site.part(Repeats)  # type: ignore[type-abstract]
    known = await repeats.begin(visit, key, await _digest(visit.request, raw))
    if known is not None:
        status, body = known
        media = visit.route.models.media if visit.route.models is not None else "application/json"
        headers = {"Idempotency-Replayed": "true"}
        return web.Response(body=body or None, status=status, content_type=media, headers=headers)
    # The change commits whether or not its asker still waits: the answer must be kept in any case.
    task = asyncio.ensure_future(_kept(visit, arguments, key, repeats))
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)
    return await asyncio.shield(task)


async def _kept(visit: Visit, arguments: list[BaseModel], key: str, repeats: Repeats) -> web.StreamResponse:
    status, body = 500, b""
    try:
        response = await _run(visit, arguments)
        status = response.status
        body = bytes(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
        return response
    finally:
        await repeats.end(visit, key, status, body)


async def _digest(request: web.Request, raw: bytes) -> str:
    """Return what tells one request from another: method, address and everything sent."""
    found = hashlib.sha256(f"{request.method} {request.path_qs}\n".encode() + raw)
    if raw or not request.can_read_body:
        return found.hexdigest()
    if not request.content_type.startswith("multipart/"):
        found.update(await request.read())
        return found.hexdigest()
    for name, value in (await request.post()).items():  # kept by the request: the handler reads it again
        said = [name]
        if isinstance(value, web.FileField):
            said += [value.filename, hashlib.sha256(value.file.read()).hexdigest()]
            value.file.seek(0)
        elif isinstance(value, str):
            said.append(value)
        found.update(json.dumps(said).encode())  # brackets and quotes: no two forms are written alike
    return found.hexdigest()


async def _run(visit: Visit, arguments: list[BaseModel]) -> web.StreamResponse:
    models = visit.route.models
    found: Any = await visit.route.handler(visit, *arguments)
    if isinstance(found, web.StreamResponse):
        return found
    if found is None:
        return web.Response(status=204)
    body = encoded(found)
    response = tagged(visit.request, body, "application/json") if not visit.route.mutating else _written(body)
    if response.status == 200 and models is not None and models.status != 200:
        response.set_status(models.status)
    return response


class IfMatch:
    """What a change expects the object to be: the entity tag that its reading gave, if the asker sent one."""

    def __init__(self, tags: frozenset[str] | None) -> None:
        self._tags = tags

    def require(self, current: BaseModel) -> None:
        """RefusedError (412) unless the object, as its own endpoint would give it now, is what the asker has read.

        Call it under the writer's lock, in the transaction that changes the object.
        """
        if self._tags is not None and "*" not in self._tags and etag_of(encoded(current)) not in self._tags:
            raise RefusedError("stale")


def if_match(visit: Visit) -> IfMatch:
    """Return what the request's If-Match expects; without one anything will do. Mark the handler `conditional`."""
    given = visit.request.headers.get("If-Match", "")
    tags = frozenset(part.strip() for part in given.split(",") if part.strip())
    return IfMatch(tags or None)


def conditional(handler: Handler) -> Handler:
    """Mark a handler that honours If-Match, for the OpenAPI document."""
    handler.conditional = True  # type: ignore[attr-defined]
    return handler


def encoded(answer: BaseModel) -> bytes:
    """Return an answer as it is sent; its entity tag is that of these bytes."""
    return json.dumps(answer.model_dump(mode="json", by_alias=True), ensure_ascii=False).encode()


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
    if _NUL.search(raw):
        raise RefusedError("malformed", NUL_REASON)
    return raw


async def uploaded(visit: Visit, most: int = MAX_UPLOAD_BYTES) -> bytes:
    """Return the file that a request is by itself. RefusedError for a form, or more bytes than `most`; InputError for none."""
    if visit.request.content_type.startswith("multipart/"):
        raise RefusedError("media", "application/octet-stream")
    body = await visit.request.read()
    if len(body) > most:
        raise RefusedError("too-large", f"≤ {most // 1024 // 1024} MB")
    if not body:
        raise refuse("没有内容 the body is empty", "以文件为请求体 send the file as the body", column="body")
    return body


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
