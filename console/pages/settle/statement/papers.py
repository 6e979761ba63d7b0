"""Downloads of a statement: workbook, PDF, picture, data, its contract's journal, and the documents behind its steps."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.money.books import beancount_export
from console.pages.settle.statement.shown import statement_of
from console.settling.making import made_paper
from console.settling.papers import MEDIA
from console.web.access import MONEY_READERS
from console.web.export import attachment
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from settlement.store import documents, statements

routes = Routes()
AT = "/settlement/{contract}/{quarter}"


@routes.download(AT + "/paper.{kind:xlsx|pdf|svg}", allow=MONEY_READERS)
async def paper(visit: Visit) -> Any:
    """A paper; made once, kept by digest."""
    found = await statement_of(visit)
    kind = visit.path("kind")
    name = f"{found.head.contract}-{found.head.quarter}-r{found.head.revision}.{kind}"
    return attachment(await made_paper(visit, found.head, kind), MEDIA[kind], name)


@routes.download(AT + "/{what:document|inputs}.json", allow=MONEY_READERS)
async def data(visit: Visit) -> Any:
    """The statement's document or its frozen inputs, to the byte."""
    found = await statement_of(visit)
    head, what = found.head, visit.path("what")
    stored = await visit.read(statements.require, head.contract, head.quarter, head.revision)
    body = stored.body if what == "document" else stored.inputs
    return attachment(body.encode(), "application/json", f"{head.contract}-{head.quarter}-r{head.revision}-{what}.json")


@routes.download(AT + "/journal.beancount", allow=MONEY_READERS)
async def beancount(visit: Visit) -> Any:
    """The contract's journal for Beancount."""
    found = await statement_of(visit)
    text = await visit.read(beancount_export, found.head.contract)
    return attachment(text.encode(), "text/plain", f"{found.head.contract}.beancount")


@routes.download(AT + "/documents/{sha:[0-9a-f]{64}}", allow=MONEY_READERS)
async def document(visit: Visit) -> Any:
    """A document behind a step or a dispute of this statement; others do not exist here."""
    found = await statement_of(visit)
    sha = visit.path("sha")
    if sha not in found.papers:
        raise MissingError
    name, body = await visit.read(documents.body_of, sha)
    response: web.Response = attachment(body, "application/octet-stream", name)
    return response
