"""Pages and API put together: every chapter's routes behind the guard, and what their handlers need."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

from aiohttp import web, web_response

from console import api, pages
from console.orphan import dependent
from console.web import frame, templating
from console.web.guard import MAX_BODY_BYTES, strangers, taken
from console.web.routes import Route, Routes
from console.web.visit import SITE, Site

READERS = 4
"""Threads that read: each holds one connection to the database while it works."""
SERVER = "camsla"
"""What answers call the server: neither version nor language, which would only help whoever looks for a known hole."""
WORKER_JOBS = 200
"""After so many heavy jobs a worker process is replaced, so that no leak lives long."""


def every_route() -> list[Route]:
    """Return every route there is, in a fixed order."""
    chapters: Iterable[Routes] = (frame.routes, *pages.CHAPTERS, *api.CHAPTERS)
    return [route for routes in chapters for route in routes]


def readers() -> Executor:
    """Return the threads that read."""
    return ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="reader")


def workers() -> Executor:
    """Return the process that heavy work runs in; it starts with the first job."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=get_context("spawn"),
        initializer=dependent,
        max_tasks_per_child=WORKER_JOBS,
    )


def application(site: Site, more: Iterable[web.RouteDef] = ()) -> web.Application:
    """Return the aiohttp application of a site; `more` are routes beside pages and API (metrics, health)."""
    web_response.SERVER_SOFTWARE = SERVER  # type: ignore[attr-defined]  # the library's own refusals pass no hook
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[strangers])
    app[SITE] = site
    templating.set_up(app)
    for route in every_route():
        app.router.add_route(route.method, route.path, taken(route))
        if route.method == "GET" and route.kind != "stream":
            app.router.add_route("HEAD", route.path, taken(route))
    app.add_routes(more)
    return app
