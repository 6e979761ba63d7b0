"""How a request's sender is known: by the bearer's token of a program, or by the cookie of a session.

Nothing here writes: when a session was last seen is kept in memory and stored once a minute for all together.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from aiohttp import web
from sqlalchemy import Connection

from config.serve import Serve
from console.auth.keys import TOKEN, digest_of
from console.store import accounts, links, sessions, tokens
from console.store.accounts import Account
from console.store.sessions import Session
from console.web.access import Person, Role, Signed
from console.web.faults import ForbiddenError, GoneError, MissingError
from console.web.periods import named_within, open_to_limited
from monitor.model import MICROSECONDS, Instant
from monitor.scope import Scope

SAFE = frozenset({"GET", "HEAD"})
READING_FIRST = "/evidence"
"""Where a link leads."""
CHANGE_FIRST = "/account/password"
"""Where somebody goes whose password was set by another."""
_ALWAYS = ("/static/", "/logout", "/language", "/account/password")
_OPEN = ("/login", "/first", "/l/", "/static/")
"""What a reader whose link is over can still open, to come in by another way."""


def cookie_name(serve: Serve) -> str:
    """Return the session's cookie. The __Host- prefix makes browsers refuse it over plain HTTP, or from another host."""
    return "camsla" if serve.plain_http else "__Host-camsla"


class Seen:
    """When sessions and tokens were last used, until it is stored. Called from readers' threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sessions: dict[str, Instant] = {}
        self._tokens: dict[int, Instant] = {}

    def session(self, digest: str, at: Instant) -> None:
        """Note a session's use."""
        with self._lock:
            self._sessions[digest] = at

    def token(self, number: int, at: Instant) -> None:
        """Note a token's use."""
        with self._lock:
            self._tokens[number] = at

    def last(self, found: Session) -> Instant:
        """Return when a session was last used."""
        with self._lock:
            return max(found.seen_at, self._sessions.get(found.digest, found.seen_at))

    def taken(self) -> tuple[Mapping[str, Instant], Mapping[int, Instant]]:
        """Return what is to be stored, once."""
        with self._lock:
            found = self._sessions, self._tokens
            self._sessions, self._tokens = {}, {}
            return found


class Arrival:
    """Finds out who sends a request; what `console.web.visit.Site` asks before every handler."""

    def __init__(self, serve: Serve, seen: Seen) -> None:
        self._cookie = cookie_name(serve)
        self._idle = serve.sessions_idle_minutes * 60 * MICROSECONDS
        self._seen = seen

    def __call__(self, connection: Connection, request: web.Request, at: Instant) -> Signed | None:
        """Return who it is; None for nobody. A bearer's token that does not hold is not made up for by a cookie.

        MissingError and ForbiddenError where a link's reader asks for what the link does not open; a redirect to their
        password for whoever must choose one first.
        """
        authorization = request.headers.get("Authorization", "")
        if authorization:
            scheme, _, word = authorization.partition(" ")
            return self._bearer(connection, word.strip(), at) if scheme.lower() == "bearer" else None
        word = request.cookies.get(self._cookie, "")
        found = sessions.find(connection, digest_of(word)) if word else None
        if found is None:
            return None
        if found.link is not None:
            return self._reader(connection, found, request, at)
        if found.expires_at <= at or self._seen.last(found) + self._idle <= at:
            return None
        owner = accounts.find(connection, found.account or "")
        if owner is None or not owner.alive(at):
            return None
        self._seen.session(found.digest, at)
        person = _changing_first(owner, request) if owner.must_change else owner.person
        return Signed(person, found.csrf, found.digest)

    def _bearer(self, connection: Connection, word: str, at: Instant) -> Signed | None:
        found = tokens.find(connection, digest_of(word)) if word.startswith(TOKEN) else None
        if found is None:
            return None
        token, owner = found
        if not token.alive(at) or not owner.alive(at) or owner.must_change:
            return None
        self._seen.token(token.id, at)
        whole = owner.person
        scope = narrowed(whole.scope, token.scope)
        return Signed(Person(whole.name, whole.roles & token.roles, scope, whole.display, whole.language))

    def _reader(self, connection: Connection, found: Session, request: web.Request, at: Instant) -> Signed | None:
        link = links.get(connection, found.link or 0)
        if not link.alive(at):
            if request.path.startswith(_OPEN):
                return None
            raise GoneError(link.label)
        if request.method not in SAFE and not request.path.startswith(_ALWAYS):
            raise ForbiddenError(frozenset())
        if link.period:
            _of_its_period(link.period, request)
        self._seen.session(found.digest, at)
        scope = Scope(contracts=frozenset({link.contract}))
        person = Person(link.actor, frozenset({Role.EVALUATOR}), scope, link.label, period=link.period)
        return Signed(person, found.csrf, found.digest)


def narrowed(whole: Scope, part: Scope) -> Scope:
    """Return what lies in both scopes; two suppliers have nothing in common."""
    supplier = whole.supplier if part.supplier is None else part.supplier
    if whole.supplier is not None and supplier != whole.supplier:
        return Scope(frozenset(), frozenset(), supplier)
    return Scope(_both(whole.contracts, part.contracts), _both(whole.areas, part.areas), supplier)


def _both(whole: frozenset[str] | None, part: frozenset[str] | None) -> frozenset[str] | None:
    if whole is None or part is None:
        return part if whole is None else whole
    return whole & part


def _of_its_period(period: str, request: web.Request) -> None:
    """MissingError where the address leads out of a reader's period; from the first page, which shows today, to theirs."""
    resource = request.match_info.route.resource
    if request.path == "/":
        raise web.HTTPSeeOther(READING_FIRST)
    if resource is None or not open_to_limited(resource.canonical):
        raise MissingError
    if not named_within(period, [*request.match_info.items(), *request.query.items()]):
        raise MissingError


def _changing_first(owner: Account, request: web.Request) -> Person:
    """Let somebody whose password another set do nothing but choose their own."""
    if not request.path.startswith((*_ALWAYS, "/api/")):
        raise web.HTTPSeeOther(CHANGE_FIRST)
    whole = owner.person
    roles = whole.roles if request.path.startswith(_ALWAYS) else frozenset[Role]()
    return Person(whole.name, roles, whole.scope, whole.display, whole.language)
