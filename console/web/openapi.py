"""The API's OpenAPI 3.1 document, made from the route table: nothing is described that is not served, and the reverse.

Query and body models are the ones that requests are read with; answers are the ones that are sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from console.web.access import EVERYONE, ROLE_ZH
from console.web.endpoints import KEY_HEADER, MAX_KEY
from console.web.guard import TOKEN_HEADER
from console.web.problem import MEDIA, TITLES, Problem
from console.web.routes import Models, Route

Document = dict[str, Any]
Mode = Literal["validation", "serialization"]
PARAMETER = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}]*(?:\{[^{}]*\}[^{}]*)*))?\}")
"""A part of an address, and the pattern that it may name; as aiohttp reads them."""

DESCRIPTION = """\
camsla 的接口，与页面同权限、同口径。The interface of camsla: the same rights and the same figures as its pages.

- 登录 sign in: `Authorization: Bearer` 令牌（「我的账号」页领取），或浏览器会话 Cookie；用 Cookie 的写请求须带 `X-CSRF-Token`。\
A bearer token from the account's page, or a session's cookie; changes made with a cookie carry `X-CSRF-Token`.
- 可见范围 scope: 范围之外的对象答 404。Objects out of the account's scope are 404.
- 分页 paging: `?after=…&limit=…`；答复的 `next` 为空即到末页。`next` is null on the last page.
- 金额 money: 元，两位小数的字符串 yuan as a string with two decimals, `"1652456.40"`。
- 时刻 instants: ISO 8601 UTC。比率 rates: 六位小数的字符串，并附好、计入、未知、剔除秒数 \
a string with six decimals, beside good, counted, unknown and excluded seconds.
- 幂等 repeating: 写请求可带 `Idempotency-Key`。24 小时内同键同内容的请求得到首次的成功答复；同键异内容答 422；仍在处理答 409；\
被拒绝的请求不占用键。A change may carry a key: within 24 hours the same request gets the first success again, another request of \
the same key 422, one under way 409; a refused request leaves its key free.
- 条件 conditions: 读取答复带 `ETag`，`If-None-Match` 相符答 304；标明 `If-Match` 的写请求，对象已变答 412。Readings carry an \
entity tag; changes that name `If-Match` answer 412 if the object is no longer what was read.
- 错误 errors: `application/problem+json`（RFC 9457），类型见 `/api/v1/problems`。
"""

_READ_PROBLEMS = (
    "malformed",
    "unauthenticated",
    "forbidden",
    "not-found",
    "gone",
    "invalid",
    "too-many",
    "failed",
    "busy",
)
_WRITE_PROBLEMS = (
    *_READ_PROBLEMS,
    "conflict",
    "too-large",
    "media",
)


def document(routes: Iterable[Route], version: str, cookie: str = "__Host-camsla") -> Document:
    """Return the document of the endpoints among the routes; equal tables give equal documents.

    `version` is the program's, `cookie` the name of the session's.
    """
    endpoints = [(route, route.models) for route in routes if route.kind == "endpoint" and route.models is not None]
    schemas = _Schemas(models for _, models in endpoints)
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, None] = {}
    for route, models in sorted(endpoints, key=lambda found: (found[0].path, found[0].method)):
        address = PARAMETER.sub(r"{\1}", route.path)
        item = paths.setdefault(address, {})
        if PARAMETER.search(route.path):
            item["parameters"] = _path_parameters(route.path)
        item[route.method.lower()] = _operation(route, models, schemas)
        tags[models.tag] = None
    return {
        "openapi": "3.1.0",
        "info": {"title": "camsla", "version": version, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted(tags)],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": _responses(),
            "parameters": _PARAMETERS,
            "headers": {"ETag": {"description": "实体标签 entity tag", "schema": {"type": "string"}}},
            "securitySchemes": _security(cookie),
        },
        "security": [{"bearer": []}, {"session": []}],
    }


def operation_id(method: str, path: str) -> str:
    """Return an endpoint's name: it changes only with its method or address. `GET /api/v1/points/{code}` is get_points_by_code."""
    plain = PARAMETER.sub(r"by_\1", path.removeprefix("/api/v1"))
    words = [re.sub(r"\W", "_", part) for part in plain.split("/") if part]
    return "_".join([method.lower(), *words])


class _Schemas:
    """Every model's schema under one name each, whatever modules they come from."""

    def __init__(self, models: Iterable[Models]) -> None:
        wanted: dict[tuple[type[BaseModel], Mode], None] = {(Problem, "serialization"): None}
        for found in models:
            for model, mode in (
                (found.query, "validation"),
                (found.body, "validation"),
                (found.answer, "serialization"),
            ):
                if model is not None:
                    wanted[model, mode] = None  # type: ignore[index]
        self._refs, whole = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
        self.components: dict[str, Any] = dict(sorted(whole.get("$defs", {}).items()))

    def ref(self, model: type[BaseModel], mode: Mode) -> dict[str, Any]:
        """Return the reference to a model's schema."""
        return dict(self._refs[model, mode])

    def fields(self, model: type[BaseModel]) -> tuple[Mapping[str, Any], frozenset[str]]:
        """Return a query model's properties and which of them must be given; the model itself is no component then."""
        whole = self.components[str(self._refs[model, "validation"]["$ref"]).rpartition("/")[2]]
        return whole.get("properties", {}), frozenset(whole.get("required", ()))


def _operation(route: Route, models: Models, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation_id(route.method, route.path),
        "summary": models.summary,
        "tags": [models.tag],
        "description": _description(route),
        "parameters": _parameters(route, models, schemas),
        "responses": _answers(route, models, schemas),
    }
    if models.body is not None:
        content: dict[str, Any] = {"schema": schemas.ref(models.body, "validation")}
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif models.upload:  # bytes, for which OpenAPI 3.1 needs no schema
        found["requestBody"] = {"required": True, "content": {models.upload: {}}}
    if route.allow is None:
        found["security"] = []
    elif route.mutating:
        found["security"] = [{"bearer": []}, {"session": [], "token": []}]
    return {name: value for name, value in found.items() if value not in ("", [], None) or name == "security"}


def _description(route: Route) -> str:
    words = [" ".join((route.handler.__doc__ or "").split())]
    if route.allow is not None and route.allow != EVERYONE:
        roles = "、".join(f"{ROLE_ZH[role]} {role}" for role in sorted(route.allow))
        words.append(f"角色 roles: {roles}。")
    return "\n\n".join(word for word in words if word)


def _path_parameters(path: str) -> list[dict[str, Any]]:
    found = []
    for name, pattern in PARAMETER.findall(path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if pattern:
            schema["pattern"] = f"^(?:{pattern})$"
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _parameters(route: Route, models: Models, schemas: _Schemas) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if models.query is not None:
        fields, required = schemas.fields(models.query)
        for name, schema in fields.items():
            one: dict[str, Any] = {"name": name, "in": "query", "schema": _of_address(schema)}
            if name in required:
                one["required"] = True
            if text := schema.get("description"):
                one["description"] = text
            found.append(one)
    if not route.mutating:
        found.append({"$ref": "#/components/parameters/IfNoneMatch"})
    elif route.allow is not None:
        found.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if getattr(route.handler, "conditional", False):
        found.append({"$ref": "#/components/parameters/IfMatch"})
    return found


def _of_address(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema as an address can say it: what may be null is left out there instead."""
    found = {name: value for name, value in schema.items() if name not in {"description", "title"}}
    options = [option for option in found.get("anyOf", ()) if option.get("type") != "null"]
    if options and len(options) < len(found["anyOf"]):
        del found["anyOf"]
        found.pop("default", None)
        found |= options[0] if len(options) == 1 else {"anyOf": options}
    return found


def _answers(route: Route, models: Models, schemas: _Schemas) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "成功 done"}
    status = models.status
    if models.answer is not None:
        done["content"] = {models.media: {"schema": schemas.ref(models.answer, "serialization")}}
    elif models.media != "application/json" or not route.mutating:
        # Beside JSON an answer is bytes, for which OpenAPI 3.1 needs no schema.
        done["content"] = {models.media: {}}
    else:
        status = 204 if status == 200 else status
    if not route.mutating:
        done["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
    found: dict[str, Any] = {str(status): done}
    if not route.mutating:
        found["304"] = {"description": "未变 not modified: If-None-Match 相符 matched"}
    kinds = list(_WRITE_PROBLEMS if route.mutating else _READ_PROBLEMS)
    if getattr(route.handler, "conditional", False):
        kinds.append("stale")
    for status_of in sorted({TITLES[kind][0] for kind in kinds}):
        found[str(status_of)] = {"$ref": f"#/components/responses/Problem{status_of}"}
    return found


def _responses() -> dict[str, Any]:
    kinds: dict[int, list[str]] = {}
    for kind, (status, _) in TITLES.items():
        kinds.setdefault(status, []).append(kind)
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        f"Problem{status}": {
            "description": "；".join(f"{TITLES[kind][1]}（{kind}）" for kind in its),
            "content": content,
        }
        for status, its in sorted(kinds.items())
    }


_PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": {
        "name": KEY_HEADER,
        "in": "header",
        "description": "幂等键：24 小时内同键同内容只办一次 within 24 hours the same request is done once",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
        "example": "2020Q3-draft-1",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "已有的 ETag；未变答 304 the entity tag that is known already",
        "schema": {"type": "string", "pattern": "^[!-~ ]*$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "读取时的 ETag；对象已变答 412 the entity tag that was read",
        "schema": {"type": "string", "pattern": "^[!-~ ]*$"},
    },
}


def _security(cookie: str) -> dict[str, Any]:
    bearer = "「我的账号」页领取的令牌 a token from the account's page"
    token = "会话的防伪令牌 the session's token, in the page's hx-headers"  # noqa: S105  a description
    return {
        "bearer": {"type": "http", "scheme": "bearer", "description": bearer},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie, "description": "浏览器会话 a browser's session"},
        "token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER, "description": token},
    }
