"""The API's document as an installation serves it: made once of the routes that the composition root put together."""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version

from config.serve import Serve
from console.auth.arrival import cookie_name
from console.web import openapi, reference

ORIGIN = "{origin}"


def document(serve: Serve) -> openapi.Document:
    """Return the OpenAPI document. Do not change it: it is kept."""
    return _document(cookie_name(serve))


@cache
def _document(cookie: str) -> openapi.Document:
    from console.app import site  # noqa: PLC0415  the table of routes holds the very route that shows it

    return openapi.document(site.every_route(), version("camsla"), cookie)


@cache
def _encoded(cookie: str) -> bytes:
    return json.dumps(_document(cookie), ensure_ascii=False, indent=1).encode()


def encoded(serve: Serve) -> bytes:
    """Return the document as JSON."""
    return _encoded(cookie_name(serve))


def groups(serve: Serve) -> list[reference.Group]:
    """Return the reference's groups; in their calls ORIGIN stands for the installation's address."""
    return _groups(cookie_name(serve))


@cache
def _groups(cookie: str) -> list[reference.Group]:
    return reference.groups_of(_document(cookie), ORIGIN)
