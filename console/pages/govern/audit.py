"""The audit log: who changed what, from where, and what it was before."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Annotated
from urllib.parse import quote

from aiohttp import web
from pydantic import Field
from sqlalchemy import Connection

from console import audit_reading
from console.audit_reading import Difference, Entry, Wanted, difference
from console.audit_words import action_word, field_word, origin_word, value_word
from console.backups import noting
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
DIGEST = re.compile(r"[0-9a-f]{64}")
SHOWN_FIELDS, SHOWN_LETTERS = 3, 24
"""So much of a change is told in its row."""
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


def summary(entry: Entry, say: Callable[[str], str]) -> str:
    """Return the first fields that a change touched, in one line; what was set for the first time without a before."""
    found = [_told(d, say) for d in difference(entry)]
    return "；".join(found[:SHOWN_FIELDS]) + (f" … +{len(found) - SHOWN_FIELDS}" if len(found) > SHOWN_FIELDS else "")


def _told(changed: Difference, say: Callable[[str], str]) -> str:
    before, after = (
        "—" if value is None else _short(value_word(changed.name, value, say))
        for value in (changed.before, changed.after)
    )
    return f"{field_word(changed.name, say)}：{after if changed.before is None else f'{before} → {after}'}"


def _short(value: str) -> str:
    return value if len(value) <= SHOWN_LETTERS else value[: SHOWN_LETTERS - 1] + "…"


def _object(entry: Entry) -> str:
    """Return what was changed; of a digest its beginning, which is enough to search for."""
    return entry.object[:12] if DIGEST.fullmatch(entry.object) else entry.object


def columns(visit: Visit) -> tuple[Column[Entry], ...]:
    """Return the table's columns in the reader's words; a file has the log's own words beside them."""
    say = visit.say
    told: dict[str, Callable[[Entry], str]] = {
        "action": lambda e: action_word(e.action, say),
        "origin": lambda e: origin_word(e.origin, say),
        "changed": lambda e: summary(e, say),
    }
    return tuple(replace(column, value=told[column.key]) if column.key in told else column for column in COLUMNS)


COLUMNS: tuple[Column[Entry], ...] = (
    Column("at", N_("时间"), lambda e: e.at, "instant", link=lambda e: f"/system/audit/{e.id}"),
    Column("actor", N_("操作人"), lambda e: e.actor),
    Column("action", N_("动作"), lambda e: e.action),
    Column("object", N_("对象"), _object, link=lambda e: f"/system/audit?object={quote(e.object)}"),
    Column("origin", N_("来自"), lambda e: e.origin, "badge"),
    Column("changed", N_("改动"), lambda e: e.after, sortable=False),
    Column("code", N_("动作代码"), lambda e: e.action, "code", sortable=False, shown=False),
    Column("whole", N_("对象全称"), lambda e: e.object, "code", sortable=False, shown=False),
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
    if noting.waiting(visit.site.settings.data_dir):
        await visit.write(noting.take_down, visit.site.settings.data_dir)
    rows, total, actions = await visit.read(_read, query, visit.site.settings.zone)
    if query.format:
        plain = query.model_copy(update={"q": "", "sort": ""})  # the database has searched and sorted
        wanted = plain if query.columns else plain.model_copy(update={"columns": ",".join(c.key for c in COLUMNS)})
        return await exported(visit, rows, columns(visit), wanted, "audit")
    table = page_of(rows, total, columns(visit), query)
    return visit.render(
        "govern/audit.html", table=table, query=query, actions=[(one, action_word(one, visit.say)) for one in actions]
    )


@routes.page("/system/audit/{id:[0-9]{1,18}}", allow=ADMINISTRATORS, section="system")
async def one(visit: Visit) -> web.Response:
    """One change, field by field."""
    entry = await visit.read(audit_reading.one, int(visit.path("id")))
    if entry is None:
        raise MissingError
    return visit.render(
        "govern/audit_one.html",
        entry=entry,
        difference=difference(entry),
        action_word=action_word,
        field_word=field_word,
        origin_word=origin_word,
    )
