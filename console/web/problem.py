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
    "gone": (410, "链接已过期 the link has expired"),
    "too-large": (413, "内容过大 the content is too large"),
    "too-many": (429, "尝试过多 too many attempts"),
    "method": (405, "不支持的方法 the method is not supported"),
    "media": (415, "不支持的媒体类型 the media type is not supported"),
    "token": (403, "缺少或错误的防伪令牌 the form's token is missing or wrong"),
    "failed": (500, "系统内部错误 internal error"),
    "busy": (503, "暂时繁忙 busy for the moment"),
}


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
