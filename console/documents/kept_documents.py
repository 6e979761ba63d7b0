"""Documents that were handed in, given back: pictures and PDFs to be looked at, all else only to be saved."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from console.web.export import attachment
from console.web.faults import MissingError
from monitor.finding import InputError
from settlement.store import documents

SHOWN = frozenset({"application/pdf", "image/jpeg", "image/png"})
"""What a browser may show by itself; the kind is told by the bytes, never by the name."""


def document(connection: Connection, sha: str) -> web.Response:
    """Return a document of the store. MissingError where there is none of that digest."""
    if not sha:
        raise MissingError
    try:
        name, body = documents.body_of(connection, sha)
    except InputError:
        if documents.media_known(connection, sha) == "application/octet-stream":
            raise MissingError from None
        raise
    media = documents.media_of(body, name)
    response = attachment(body, media if media in SHOWN else "application/octet-stream", name)
    if media in SHOWN:
        response.headers["Content-Disposition"] = response.headers["Content-Disposition"].replace(
            "attachment", "inline", 1
        )
    return response
