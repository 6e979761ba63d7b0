"""A visit: one request with its person, language and instant, and the ways to the store that a handler has.

Reads run on a few threads, each on one committed snapshot; writes on the one thread that may write; heavy work in a
process of its own. A handler holds no connection and reads no clock.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Engine

from config.settings import Settings
from console.web import forms
from console.web.access import Roles, Signed
from console.web.faults import ForbiddenError, MissingError
from console.web.routes import Route
from console.web.words import translations
from monitor.model import Instant
from monitor.scope import Scope
from monitor.store.database import reading
from monitor.store.writer import Writer

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
FLASH = "camsla-said"
MOST_SAID = 200
"""Characters of what a form has to say."""
MOST_ADDRESS = 2_000


class Threads(Protocol):
    """Runs blocking work on the thread that writes."""

    def __call__(self, work: Callable[..., Any], *arguments: Any) -> Awaitable[Any]: ...


@dataclass
class Site:
    """What the composition root hands to every visit. `more` holds what single chapters need, by their type; `streams`
    are the tasks that answer with streams of events now, to be ended with the server."""

    settings: Settings
    engine: Engine
    writer: Writer
    on_writer: Threads
    readers: Executor
    workers: Executor
    now: Callable[[], Instant]
    today: Callable[[], date]
    identify: Callable[[Connection, web.Request, Instant], Signed | None]
    more: dict[type, Any] = field(default_factory=dict)
    streams: set[asyncio.Task[Any]] = field(default_factory=set)

    def part(self, kind: type[Result]) -> Result:
        """Return a chapter's own part. KeyError if the composition root made none."""
        found: Result = self.more[kind]
        return found


SITE: web.AppKey[Site] = web.AppKey("site", Site)


async def read_on(
    site: Site,
    work: Callable[Concatenate[Connection, Arguments], Result],
    /,
    *arguments: Arguments.args,
    **named: Arguments.kwargs,
) -> Result:
    """Run a read on one committed snapshot, on a reader's thread."""

    def run() -> Result:
        with reading(site.engine) as connection:
            return work(connection, *arguments, **named)

    return await asyncio.get_running_loop().run_in_executor(site.readers, run)


class Visit:
    """One request. `signed` is None only on routes that are open to anybody."""

    def __init__(self, request: web.Request, site: Site, route: Route, signed: Signed | None, language: str) -> None:
        self.request = request
        self.site = site
        self.route = route
        self.signed = signed
        self.language = language
        self.at = site.now()
        self.today = site.today()
        self.say: Callable[[str], str] = translations(language).gettext

    @property
    def person(self) -> Any:
        """The person. ForbiddenError where nobody is signed in."""
        if self.signed is None:
            raise ForbiddenError(self.route.allow or frozenset())
        return self.signed.person

    @property
    def scope(self) -> Scope:
        """Whose points the person sees."""
        found: Scope = self.person.scope
        return found

    def may(self, allow: Roles) -> bool:
        """Tell whether the person has one of the roles."""
        return self.signed is not None and self.signed.person.may(allow)

    def require(self, allow: Roles) -> None:
        """ForbiddenError unless the person has one of the roles: for parts of a page that need more than the page."""
        if not self.may(allow):
            raise ForbiddenError(allow)

    def contract(self, name: str) -> str:
        """Return a contract's name if the person sees it. MissingError otherwise."""
        if not self.person.sees_contract(name):
            raise MissingError
        return name

    def path(self, name: str) -> str:
        """Return a part of the address."""
        return self.request.match_info[name]

    async def read(
        self,
        work: Callable[Concatenate[Connection, Arguments], Result],
        /,
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Run a read on one committed snapshot, on a reader's thread."""
        return await read_on(self.site, work, *arguments, **named)

    async def write(
        self,
        work: Callable[Concatenate[Writer, Arguments], Result],
        /,
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Run a change on the thread that writes; it commits by itself, and its audit rows say where it came from."""

        def run() -> Result:
            return work(self.site.writer, *arguments, **named)

        found: Result = await self.site.on_writer(copy_context().run, run)
        return found

    async def compute(self, work: Callable[..., Result], /, *arguments: Any) -> Result:
        """Run heavy work in a process of its own. The function and all it is given must be picklable."""
        return await asyncio.get_running_loop().run_in_executor(self.site.workers, work, *arguments)

    async def aside(self, work: Callable[..., Result], /, *arguments: Any) -> Result:
        """Run blocking work that needs no database on a reader's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.site.readers, work, *arguments)

    def query(self, model: type[Model]) -> Model:
        """Return the address's query as a model. What cannot be read falls back to its default: an address is no form."""
        given = {name: value for name, value in self.request.query.items() if value and name in model.model_fields}
        several = {name: self.request.query.getall(name) for name in given if _many(model, name)}
        given_all: dict[str, Any] = {**given, **several}
        try:
            return model.model_validate(given_all)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            return model.model_validate({name: value for name, value in given_all.items() if name not in wrong})

    async def enter(self, model: type[Model]) -> forms.Entered[Model]:
        """Read the posted form."""
        return await forms.entered(self.request, model, self.say)

    def render(self, template: str, *, status: int = 200, **context: Any) -> web.Response:
        """Return a page. An htmx request for a part names it in HX-Target; the template decides what that part is."""
        whole = {"visit": self, "part": self.request.headers.get("HX-Target", ""), **context}
        response = aiohttp_jinja2.render_template(template, self.request, whole, status=status)
        response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
        if FLASH in self.request.cookies and not self.request.headers.get("HX-Request"):
            response.del_cookie(FLASH, path="/")
        return response

    @property
    def said(self) -> str:
        """What the last form had to say, shown once."""
        return _decoded(self.request.cookies.get(FLASH, ""))[:MOST_SAID]

    def see(self, address: str, said: str = "") -> web.Response:
        """Return the answer to a form that was accepted: go to a page of ours, with a word on what was done."""
        response = web.Response(status=303, headers={"Location": within(address)})
        if said:
            value = said[:MOST_SAID].encode().hex()
            response.set_cookie(FLASH, value, path="/", httponly=True, samesite="Strict", max_age=60)
        return response

    def here(self, **changed: object) -> str:
        """Return this page's address with some of its query changed; None leaves a name out."""
        query = [(name, value) for name, value in self.request.query.items() if name not in changed]
        query += [(name, str(value)) for name, value in changed.items() if value is not None and value != ""]
        return f"{self.request.path}?{urlencode(query)}" if query else self.request.path


def _many(model: type[BaseModel], name: str) -> bool:
    origin = getattr(model.model_fields[name].annotation, "__origin__", None)
    return origin in {list, tuple, set, frozenset}


def _decoded(value: str) -> str:
    try:
        return bytes.fromhex(value).decode()
    except ValueError:
        return ""


def within(address: str) -> str:
    """Return an address if it is a page of ours, else the first page.

    Browsers take // and /\\ for the beginning of a host, and drop tabs and line feeds before they look.
    """
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if ours and len(address) <= MOST_ADDRESS else "/"


def etag_of(body: bytes) -> str:
    """Return a strong entity tag of a body."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def answer(request: web.Request, body: bytes, media: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a body with its entity tag, or 304 where the asker has it already."""
    tag = etag_of(body)
    known = {part.strip().removeprefix("W/") for part in request.headers.get("If-None-Match", "").split(",")}
    if tag in known or "*" in known:
        return web.Response(status=304, headers={"ETag": tag, **(headers or {})})
    return web.Response(
        body=body, content_type=media, charset=_charset(media), headers={"ETag": tag, **(headers or {})}
    )


def _charset(media: str) -> str | None:
    return "utf-8" if media.startswith("text/") or media in {"application/json", "image/svg+xml"} else None
