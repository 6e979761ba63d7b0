"""What goes wrong in a request turned into an answer: a page for people, a problem for programs, in one place for all routes."""

from __future__ import annotations

import logging
from urllib.parse import quote

from aiohttp import web

from console.web import endpoints, problem
from console.web.access import EVERYONE, ROLE_ZH, Roles
from console.web.faults import ConflictError, ForbiddenError, GoneError, MissingError, TooManyError
from console.web.forms import MAX_UPLOAD_BYTES
from console.web.visit import Visit
from monitor.finding import InputError

log = logging.getLogger(__name__)


class AnonymousError(Exception):
    """Nobody is signed in where somebody must be."""


class TokenError(Exception):
    """A form without the token of its session."""


def refusal(visit: Visit, error: Exception) -> web.StreamResponse:
    """Turn what went wrong into an answer of the route's kind: a problem of the API, or a page. Redirects are raised again."""
    kind, detail = _kind(error)
    if kind == "":
        raise error  # a redirect that a handler raised
    if kind == "failed":
        log.error("%s %s failed", visit.request.method, visit.request.path, exc_info=error)
    if visit.route.kind == "endpoint" or visit.request.path.startswith("/api/"):
        errors = problem.wrongs(error.findings) if isinstance(error, InputError) else []
        errors += error.errors if isinstance(error, endpoints.InvalidError) else []
        return problem.problem(kind, detail, errors, _headers(error))
    if kind == "unauthenticated":
        return _to_login(visit)
    status, _ = problem.TITLES[kind]
    ask = _whom(error.allow) if isinstance(error, ForbiddenError) else []
    findings = error.findings if isinstance(error, InputError) else ()
    wait_s = error.wait_s if isinstance(error, TooManyError) else 0
    page = visit.render(
        "refused.html", status=status, kind=kind, detail=detail, ask=ask, findings=findings, wait_s=wait_s
    )
    page.headers.update(_headers(error))
    return page


def _headers(error: Exception) -> dict[str, str]:
    """What HTTP asks an answer of its status to carry."""
    match error:
        case TooManyError():
            return {"Retry-After": str(error.wait_s)}
        case AnonymousError():
            return {"WWW-Authenticate": 'Bearer realm="camsla"'}
        case web.HTTPMethodNotAllowed():
            return {"Allow": ", ".join(sorted(error.allowed_methods))}
        case _:
            return {}


def _kind(error: Exception) -> tuple[str, str]:
    match error:
        case MissingError():
            return "not-found", ""
        case ForbiddenError():
            return "forbidden", "、".join(ROLE_ZH[role] for role in sorted(error.allow))
        case AnonymousError():
            return "unauthenticated", ""
        case TokenError():
            return "token", ""
        case ConflictError():
            return "conflict", str(error)
        case GoneError():
            return "gone", str(error)
        case TooManyError():
            return "too-many", ""
        case InputError():
            return "invalid", str(error.findings[0].message) if error.findings else ""
        case endpoints.RefusedError():
            return error.kind, error.detail
        case TimeoutError():
            return "busy", ""
        case web.HTTPRequestEntityTooLarge():
            return "too-large", f"≤ {MAX_UPLOAD_BYTES // 1024 // 1024} MB"
        case web.HTTPException() if error.status < 400:
            return "", ""
        case web.HTTPNotFound():
            return "not-found", ""
        case web.HTTPMethodNotAllowed():
            return "method", ""
        case web.HTTPException() if error.status < 500:
            return "malformed", error.reason or ""
        case ValueError() if isinstance(error, UnicodeError):
            return "malformed", ""
        case web.RequestPayloadError():  # a body that is not encoded as its headers say
            return "malformed", "Content-Encoding"
        case _:
            return "failed", ""


def _whom(allow: Roles) -> list[str]:
    """The roles that would be allowed, as message ids."""
    return [ROLE_ZH[role] for role in sorted(allow)] if allow != EVERYONE else []


def _to_login(visit: Visit) -> web.Response:
    back = visit.request.path_qs if visit.request.method == "GET" else "/"
    address = f"/login?next={quote(back, safe='')}"
    if visit.request.headers.get("HX-Request"):
        return web.Response(status=204, headers={"HX-Redirect": address})
    return web.Response(status=303, headers={"Location": address})
