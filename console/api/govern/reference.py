"""The API's own document, and what its problems mean."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from console import interface
from console.web.access import EVERYONE
from console.web.faults import MissingError
from console.web.problem import REMEDIES, TITLES
from console.web.routes import Routes
from console.web.visit import Visit, answer

routes = Routes()
TAG = "接口 reference"


class ProblemKind(BaseModel):
    """A kind of refusal: the `type` that problems carry, its status, what it means and what helps."""

    model_config = ConfigDict(frozen=True)

    type: str
    kind: str
    status: int
    title: str
    remedy: str


class ProblemKinds(BaseModel):
    """Every kind of refusal that there is."""

    model_config = ConfigDict(frozen=True)

    problems: tuple[ProblemKind, ...]


def _kind(name: str) -> ProblemKind:
    status, title = TITLES[name]
    return ProblemKind(
        type=f"/api/v1/problems/{name}", kind=name, status=status, title=title, remedy=REMEDIES.get(name, "")
    )


@routes.endpoint("GET", "/openapi.json", allow=EVERYONE, summary="接口说明文件 the OpenAPI 3.1 document", tag=TAG)
async def openapi(visit: Visit) -> web.Response:
    """This document, for programs that make clients or tests of it."""
    return answer(visit.request, interface.encoded(visit.site.settings.serve), "application/json")


@routes.endpoint("GET", "/problems", allow=EVERYONE, summary="错误类型 kinds of problems", tag=TAG, answer=ProblemKinds)
async def problems(_visit: Visit) -> ProblemKinds:
    """Every kind of refusal with its status and what helps."""
    return ProblemKinds(problems=tuple(_kind(name) for name in TITLES))


@routes.endpoint(
    "GET", "/problems/{kind}", allow=EVERYONE, summary="一种错误 one kind of problem", tag=TAG, answer=ProblemKind
)
async def problem(visit: Visit) -> ProblemKind:
    """What a problem's `type` leads to."""
    name = visit.path("kind")
    if name not in TITLES:
        raise MissingError
    return _kind(name)
