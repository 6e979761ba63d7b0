"""The audit log: who changed what, from where, and what it was before."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from console import audit_reading
from console.audit_reading import Entry, Wanted, difference
from console.web.access import ADMINISTRATORS
from console.web.export import exported
from console.web.faults import MissingError
from console.web.routes import Routes
from console.web.table import MOST_EXPORT_ROWS, Column, TableQuery, page_of
from console.web.visit import Visit
from console.web.words import N_
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight

routes = Routes()
Text = Annotated[str, Field(max_length=200)]


class AuditQuery(TableQuery):
    """Which changes; days are whole days of the installation's zone."""

    actor: Text = ""
    action: Text = ""
    object: Text = ""
    since: date | None = None
    until: date | None = None

    def wanted(self, zone: str) -> Wanted:
        """Return it as the log is read with."""
        since = None if self.since is None else Instant(midnight(self.since, zone))
        until = None if self.until is None else Instant(midnight(self.until, zone) + 86_400 * MICROSECONDS)
        return Wanted(self.actor, self.action, self.object, self.q, since, until)


def summary(entry: Entry) -> str:
    """Return the first fields that a change touched, in one line."""
    found = [f"{d.name}: {_short(d.before)} → {_short(d.after)}" for d in difference(entry)]
    return "；".join(found[:3]) + (f" … +{len(found) - 3}" if len(found) > 3 else "")


def _short(value: str | None) -> str:
    return "—" if value is None else value if len(value) <= 24 else value[:23] + "…"


COLUMNS: tuple[Column[Entry], ...] = (
    Column("at", N_("时间"), lambda e: e.at, "instant", link=lambda e: f"/system/audit/{e.id}"),
    Column("actor", N_("操作人"), lambda e: e.actor),
    Column("action", N_("动作"), lambda e: e.action, "code"),
    Column("object", N_("对象"), lambda e: e.object),
    Column("origin", N_("来自"), lambda e: e.origin, "code"),
    Column("changed", N_("改动"), summary, sortable=False),
    Column("before", N_("改动前"), lambda e: e.before, "code", sortable=False, shown=False),
    Column("after", N_("改动后"), lambda e: e.after, "code", sortable=False, shown=False),
)


def _read(connection: Connection, query: AuditQuery, zone: str) -> tuple[list[Entry], int, list[str]]:
    wanted = query.wanted(zone)
    if query.format:
        rows, total = audit_reading.page(connection, wanted, sort=query.sort, offset=0, limit=MOST_EXPORT_ROWS + 1)
        return rows, total, []
    offset = (query.page - 1) * query.size
    rows, total = audit_reading.page(connection, wanted, sort=query.sort, offset=offset, limit=query.size)
    if not rows and total:
        last = (total - 1) // query.size * query.size
        rows, total = audit_reading.page(connection, wanted, sort=query.sort, offset=last, limit=query.size)
    return rows, total, audit_reading.actions(connection)


@routes.page("/system/audit", allow=ADMINISTRATORS, section="system")
async def listing(visit: Visit) -> web.Response:
    """A page of the log, or all that the filters find as a file."""
    query = visit.query(AuditQuery)
    rows, total, actions = await visit.read(_read, query, visit.site.settings.zone)
    if query.format:
        plain = query.model_copy(update={"q": "", "sort": ""})  # the database has searched and sorted
        wanted = plain if query.columns else plain.model_copy(update={"columns": ",".join(c.key for c in COLUMNS)})
        return await exported(visit, rows, COLUMNS, wanted, "audit")
    table = page_of(rows, total, COLUMNS, query)
    return visit.render("govern/audit.html", table=table, query=query, actions=actions)


@routes.page("/system/audit/{id:[0-9]{1,18}}", allow=ADMINISTRATORS, section="system")
async def one(visit: Visit) -> web.Response:
    """One change, field by field."""
    entry = await visit.read(audit_reading.one, int(visit.path("id")))
    if entry is None:
        raise MissingError
    return visit.render("govern/audit_one.html", entry=entry, difference=difference(entry))
