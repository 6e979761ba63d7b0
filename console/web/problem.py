"""Errors of the API as problem details (RFC 9457, application/problem+json)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from monitor.finding import Finding

MEDIA = "application/problem+json"


class Wrong(BaseModel):
    """One thing that is wrong, and what would help."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str
    remedy: str = ""
    file: str = ""
    line: int = 0


class Problem(BaseModel):
    """What an endpoint answers when it refuses. `type` is a word of ours under /api/v1/problems/."""

    model_config = ConfigDict(frozen=True)

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[Wrong, ...] = ()


TITLES: Mapping[str, tuple[int, str]] = {
    "not-found": (404, "没有这个对象 there is no such object"),
    "forbidden": (403, "没有权限 not allowed"),
    "unauthenticated": (401, "请先登录或提供令牌 sign in or send a token"),
    "invalid": (422, "内容有误 the request is not valid"),
    "malformed": (400, "请求无法解析 the request cannot be read"),
    "conflict": (409, "与他人的操作冲突 conflicts with what was done meanwhile"),
    "under-way": (409, "同一幂等键的请求正在处理 the request of this key is under way"),
    "interrupted": (
        409,
        "同一幂等键的请求中断，结果不明 the request of this key was interrupted, its outcome is unknown",
    ),
    "stale": (412, "对象已被修改 the object was changed meanwhile"),
    "key-reused": (422, "幂等键已用于另一请求 the key was used for another request"),
    "gone": (410, "链接已过期 the link has expired"),
    "too-large": (413, "内容过大 the content is too large"),
    "too-many": (429, "尝试过多 too many attempts"),
    "method": (405, "不支持的方法 the method is not supported"),
    "media": (415, "不支持的媒体类型 the media type is not supported"),
    "token": (403, "缺少或错误的防伪令牌 the form's token is missing or wrong"),
    "failed": (500, "系统内部错误 internal error"),
    "busy": (503, "暂时繁忙 busy for the moment"),
}


REMEDIES: Mapping[str, str] = {
    "not-found": "检查地址；不在本人可见范围内的对象同样答 404 check the address; objects out of your scope are 404 as well",
    "forbidden": "换用有权限的账号 use an account with one of the roles named in the answer",
    "unauthenticated": "带上 Authorization: Bearer 令牌，或先登录 send a bearer token, or sign in",
    "invalid": "按 errors 逐项改正 correct what `errors` names",
    "malformed": "检查请求的语法 check the request's syntax",
    "conflict": "重新读取对象后再决定 read the object again, then decide",
    "under-way": "稍后用同一幂等键重试 repeat with the same key a little later",
    "interrupted": "先查对象是否已改，再用新的幂等键 look whether it was done, then use a new key",
    "stale": "重新读取对象，用新的 ETag 重试 read the object again and send its new ETag",
    "key-reused": "每个请求用一个新的幂等键 use a new key for each request",
    "gone": "索取新链接 ask for a new link",
    "too-large": "拆分内容 send less at once",
    "too-many": "按 Retry-After 等待 wait as Retry-After says",
    "method": "见 /api/v1/openapi.json see the document for the methods there are",
    "media": "用 Content-Type: application/json send it as JSON, unless the endpoint names another type",
    "token": "用会话登录时带上 X-CSRF-Token with a session's cookie send its token",
    "failed": "已记入日志，没有部分保存；稍后重试 it is in the log and nothing was half saved; try again later",
    "busy": "稍后重试；改动可能仍在进行，用同一幂等键重试最稳妥 try again later, best with the same Idempotency-Key",
}
"""What helps, for each problem."""


def problem(
    kind: str, detail: str = "", errors: Iterable[Wrong] = (), headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a refusal."""
    status, title = TITLES[kind]
    body = Problem(type=f"/api/v1/problems/{kind}", title=title, status=status, detail=detail, errors=tuple(errors))
    text = json.dumps(body.model_dump(mode="json"), ensure_ascii=False)
    return web.Response(text=text, status=status, content_type=MEDIA, headers=dict(headers or {}))


def wrongs(findings: Iterable[Finding]) -> list[Wrong]:
    """Return findings as an API says them."""
    return [Wrong(field=f.column, message=f.message, remedy=f.remedy, file=f.file, line=f.line) for f in findings]


def of_validation(details: Iterable[Mapping[str, Any]]) -> list[Wrong]:
    """Return pydantic's complaints as an API says them."""
    return [Wrong(field=".".join(str(part) for part in d["loc"]), message=str(d["msg"])) for d in details]
