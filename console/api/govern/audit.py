"""The audit log for programs: the same filters, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field

from console import audit_reading
from console.audit_reading import Entry, Wanted, difference
from console.web.access import ADMINISTRATORS
from console.web.faults import MissingError
from console.web.paging import Strict
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant

routes = Routes()
TAG = "系统 system"
Text = Annotated[str, Field(max_length=200)]


class AuditPage(Strict):
    """Which changes; texts match from their beginning, `q` anywhere; `after` is the `next` of the page before."""

    actor: Text = ""
    action: Text = ""
    object: Text = ""
    q: Text = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    after: Annotated[int, Field(ge=1, le=2**53)] | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class Changed(BaseModel):
    """A field that a change set, changed or took away."""

    name: str
    before: str | None
    after: str | None


class AuditEntry(BaseModel):
    """One change: who, when, from where, what it did to which object."""

    id: int
    at: datetime
    actor: str
    origin: str
    action: str
    object: str
    changed: list[Changed]


class AuditList(BaseModel):
    """A page of changes, newest first."""

    items: list[AuditEntry]
    next: int | None


def _entry(found: Entry) -> AuditEntry:
    return AuditEntry(
        id=found.id,
        at=datetime.fromtimestamp(found.at / MICROSECONDS, UTC),
        actor=found.actor,
        origin=found.origin,
        action=found.action,
        object=found.object,
        changed=[Changed(name=d.name, before=d.before, after=d.after) for d in difference(found)],
    )


def _instant(value: datetime | None) -> Instant | None:
    if value is None:
        return None
    try:
        return Instant(int(value.timestamp() * MICROSECONDS))
    except (OverflowError, ValueError):
        raise refuse("时间超出范围 the time is out of range", "用近期的时间 use a recent one") from None


@routes.endpoint(
    "GET",
    "/system/audit",
    allow=ADMINISTRATORS,
    summary="审计日志 the audit log",
    tag=TAG,
    query=AuditPage,
    answer=AuditList,
)
async def listing(visit: Visit, query: AuditPage) -> AuditList:
    """Changes, newest first."""
    wanted = Wanted(query.actor, query.action, query.object, query.q, _instant(query.since), _instant(query.until))
    rows = await visit.read(audit_reading.after, wanted, before_id=query.after, limit=query.limit + 1)
    shown = rows[: query.limit]
    following = shown[-1].id if len(rows) > query.limit else None
    return AuditList(items=[_entry(row) for row in shown], next=following)


@routes.endpoint(
    "GET",
    "/system/audit/{id:[0-9]{1,18}}",
    allow=ADMINISTRATORS,
    summary="一条审计记录 one change",
    tag=TAG,
    answer=AuditEntry,
)
async def one(visit: Visit) -> Any:
    """One change, field by field."""
    found = await visit.read(audit_reading.one, int(visit.path("id")))
    if found is None:
        raise MissingError
    return _entry(found)
