"""Coming in and going out: the session that a sign-in opens, its cookie, and the parts that sign-in pages need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from config.serve import Serve
from console.auth import keys
from console.auth.arrival import cookie_name
from console.auth.limits import Limits
from console.auth.oidc import Provider
from console.auth.passwords import Passwords
from console.store.sessions import Opening
from console.web.visit import within
from monitor.model import MICROSECONDS, Instant

if TYPE_CHECKING:
    from console.auth.services import DirectorySignIn

HOUR = 3_600 * MICROSECONDS


@dataclass
class SignIn:
    """What sign-in pages need beside the store: the part of the site of this type. `oidc` and `ldap` only where configured."""

    passwords: Passwords
    limits: Limits
    oidc: Provider | None = None
    ldap: DirectorySignIn | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """A session about to be opened: the word for the browser, and what of it is stored."""

    word: str = field(repr=False)
    opening: Opening

    def put(self, response: web.StreamResponse, serve: Serve) -> None:
        """Give the browser its cookie. It ends with the browser, or before, with the session."""
        response.set_cookie(
            cookie_name(serve), self.word, path="/", httponly=True, secure=not serve.plain_http, samesite="Lax"
        )


def begin(request: web.Request, serve: Serve, means: str, at: Instant, until: Instant | None = None) -> Cookie:
    """Make a session for a sign-in that succeeded; the browser's earlier one is to end. `until` is its end, else the settings'."""
    word = keys.fresh()
    ends = Instant(at + serve.sessions_hours * HOUR) if until is None else until
    opening = Opening(
        keys.digest_of(word),
        keys.fresh(),
        means,
        ends,
        request.remote or "",
        _printable(request.headers.get("User-Agent", "")),
        replaced(request, serve),
    )
    return Cookie(word, opening)


def replaced(request: web.Request, serve: Serve) -> str:
    """Return the digest of the session that the browser has now; empty for none."""
    word = request.cookies.get(cookie_name(serve), "")
    return keys.digest_of(word) if word else ""


def forget(response: web.StreamResponse, serve: Serve) -> None:
    """Take the cookie away."""
    response.del_cookie(cookie_name(serve), path="/", httponly=True, secure=not serve.plain_http, samesite="Lax")


def ours(request: web.Request) -> bool:
    """Tell whether a form without a session's token was sent from our own page, as far as the browser says.

    A stranger's page could otherwise sign somebody in as another.
    """
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin", "")
    return not origin or urlsplit(origin).netloc == request.host


def inside(address: str) -> str:
    """Return an address if it is a page of ours to go to after signing in, else the first page."""
    found = within(address)
    return "/" if found.startswith(("/login", "/logout")) else found


def _printable(text: str) -> str:
    return "".join(ch for ch in text if ch.isprintable())
