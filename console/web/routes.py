"""Routes as data: who may take each, what kind it is, and for the API which models go in and out.

The table serves three: the server that answers, the OpenAPI document, and the tests that try every route as every role.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from console.web.access import EVERYONE, Roles

Kind = Literal["page", "form", "download", "stream", "endpoint"]
Handler = Callable[..., Awaitable[Any]]
API = "/api/v1"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Models:
    """What an endpoint takes and gives. `summary` is Chinese and English, `tag` its chapter in the reference.

    `upload` is the media type of a request that is a file by itself, instead of a `body` in JSON.
    """

    summary: str
    tag: str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    media: str = "application/json"
    status: int = 200
    upload: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One way in. `allow` None is open to anybody; `models` belong to endpoints alone."""

    method: str
    path: str
    handler: Handler
    allow: Roles | None
    kind: Kind
    section: str = ""
    models: Models | None = None
    csrf: bool = True

    @property
    def mutating(self) -> bool:
        """Whether it changes something, and so must carry the form's token."""
        return self.method not in {"GET", "HEAD"}

    @property
    def streaming(self) -> bool:
        """Whether its answer goes on for as long as somebody listens."""
        return self.kind == "stream" or (self.models is not None and self.models.media == EVENTS)

    @property
    def arguments(self) -> list[str]:
        """The names in the path."""
        parts = (part for part in self.path.split("/") if part.startswith("{"))
        return [part.strip("{}").partition(":")[0] for part in parts]


class Routes:
    """A table of routes that modules fill with decorators."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def page(self, path: str, *, allow: Roles | None = EVERYONE, section: str = "") -> Callable[[Handler], Handler]:
        """Add a page that a person reads; `section` is the menu entry that it belongs to."""
        return self._add("GET", path, allow, "page", section)

    def form(
        self, path: str, *, allow: Roles | None = EVERYONE, section: str = "", csrf: bool = True
    ) -> Callable[[Handler], Handler]:
        """Add what a form posts to. Only what is posted by strangers to a session goes without its token."""
        return self._add("POST", path, allow, "form", section, csrf=csrf)

    def download(self, path: str, *, allow: Roles | None = EVERYONE) -> Callable[[Handler], Handler]:
        """Add a file, a picture or data for a page."""
        return self._add("GET", path, allow, "download")

    def stream(self, path: str, *, allow: Roles | None = EVERYONE) -> Callable[[Handler], Handler]:
        """Add a stream of events."""
        return self._add("GET", path, allow, "stream")

    def endpoint(
        self,
        method: str,
        path: str,
        *,
        allow: Roles | None,
        summary: str,
        tag: str,
        query: type[BaseModel] | None = None,
        body: type[BaseModel] | None = None,
        answer: type[BaseModel] | None = None,
        media: str = "application/json",
        status: int = 200,
        upload: str = "",
    ) -> Callable[[Handler], Handler]:
        """Add an endpoint of the API under /api/v1.

        Its handler takes the visit, then `query` and `body` where it has them, and returns `answer` (as JSON with an
        ETag), or a response where `media` is something else.
        """
        models = Models(summary, tag, query, body, answer, media, status, upload)
        return self._add(method, API + path, allow, "endpoint", models=models)

    def _add(
        self,
        method: str,
        path: str,
        allow: Roles | None,
        kind: Kind,
        section: str = "",
        models: Models | None = None,
        csrf: bool = True,
    ) -> Callable[[Handler], Handler]:
        def decorate(handler: Handler) -> Handler:
            self._routes.append(Route(method, path, handler, allow, kind, section, models, csrf))
            return handler

        return decorate
