"""How the system stands and its backups, for programs: monitoring reads it, a nightly job backs up."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web
from pydantic import BaseModel

from console.backups.backing_up import Progress, delete, made_by, note_begun, note_fetched, path_of
from console.health import MOST_BACKUPS_KEPT, Backup, backups, health
from console.web.access import ADMINISTRATORS
from console.web.endpoints import IfMatch, conditional, if_match
from console.web.faults import ConflictError, MissingError
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.model import MICROSECONDS, Instant
from monitor.store.writer import Writer

routes = Routes()
TAG = "系统 system"


class VantageAnswer(BaseModel):
    """A vantage: age of its newest stored result, and its blindness."""

    name: str
    kind: str
    last_at: datetime | None
    lag_s: int | None
    batches: int
    open_gap: str
    gaps_in_a_day: int


class LogAnswer(BaseModel):
    """How the evidence log stands."""

    origin: str
    leaves: int
    sealed_day: str
    sealed_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    key: bool


class JobAnswer(BaseModel):
    """A planned job; `every_s` for those that run in intervals."""

    what: str
    next_at: datetime | None
    every_s: int | None


class HealthAnswer(BaseModel):
    """How the installation stands."""

    at: datetime
    software: str
    revision: str
    database: str
    database_bytes: int
    disk_total_bytes: int
    disk_free_bytes: int
    vantages: list[VantageAnswer]
    log: LogAnswer
    planned: list[JobAnswer]


class BackupAnswer(BaseModel):
    """A backup that lies in the installation's folder."""

    name: str
    bytes: int
    made_at: datetime


class ProgressAnswer(BaseModel):
    """The backup under way, or the last one: rows and files done of how many."""

    name: str
    actor: str
    running: bool
    done: int
    total: int
    failed: str


class BackupList(BaseModel):
    """Every backup, newest first, and the one under way."""

    items: list[BackupAnswer]
    progress: ProgressAnswer | None


def _time(at: Instant | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at / MICROSECONDS, UTC)


def _exact(at: Instant) -> datetime:
    return datetime.fromtimestamp(at / MICROSECONDS, UTC)


def _backup(found: Backup) -> BackupAnswer:
    return BackupAnswer(name=found.name, bytes=found.bytes, made_at=_exact(found.made_at))


def _progress(found: Progress) -> ProgressAnswer:
    return ProgressAnswer(
        name=found.name,
        actor=found.actor,
        running=found.running,
        done=found.done,
        total=found.total,
        failed=found.failed,
    )


@routes.endpoint(
    "GET", "/system", allow=ADMINISTRATORS, summary="系统现状 how the system stands", tag=TAG, answer=HealthAnswer
)
async def system(visit: Visit) -> HealthAnswer:
    """Vantages, evidence log, schedule, database and disk."""
    found = await visit.read(health, visit.site.settings, visit.at)
    return HealthAnswer(
        at=_exact(found.at),
        software=found.software,
        revision=found.revision,
        database=found.database,
        database_bytes=found.database_bytes,
        disk_total_bytes=found.disk_total,
        disk_free_bytes=found.disk_free,
        vantages=[
            VantageAnswer(
                name=one.name,
                kind=one.kind,
                last_at=_time(one.last_at),
                lag_s=one.lag_s,
                batches=one.batches,
                open_gap=one.open_gap,
                gaps_in_a_day=one.gaps,
            )
            for one in found.vantages
        ],
        log=LogAnswer(
            origin=found.log_origin,
            leaves=found.log_size,
            sealed_day=found.log_day,
            sealed_at=_time(found.log_sealed_at),
            waiting=found.log_waiting,
            waiting_since=_time(found.log_waiting_since),
            key=found.log_key,
        ),
        planned=[JobAnswer(what=one.what, next_at=_time(one.next_at), every_s=one.every_s) for one in found.planned],
    )


@routes.endpoint("GET", "/system/backups", allow=ADMINISTRATORS, summary="备份列表 backups", tag=TAG, answer=BackupList)
async def listing(visit: Visit) -> BackupList:
    """Every backup and the one under way."""
    progress = made_by(visit.site).progress
    found = await visit.aside(backups, visit.site.settings)
    return BackupList(items=[_backup(one) for one in found], progress=None if progress is None else _progress(progress))


@routes.endpoint(
    "POST",
    "/system/backups",
    allow=ADMINISTRATORS,
    summary="开始备份 begin a backup",
    tag=TAG,
    answer=ProgressAnswer,
    status=202,
)
async def begin(visit: Visit) -> ProgressAnswer:
    """Begin a backup; ask the list how far it is. 409 while one is under way, or when 30 are kept already."""
    if len(await visit.aside(backups, visit.site.settings)) >= MOST_BACKUPS_KEPT:
        raise ConflictError(f"已有 {MOST_BACKUPS_KEPT} 份备份，先删除旧的 delete an old one first")
    progress = made_by(visit.site).begin(visit.person.name, visit.at)
    await visit.write(note_begun, progress.name, at=visit.at, actor=visit.person.name)
    return _progress(progress)


@routes.endpoint(
    "GET",
    "/system/backups/{name}",
    allow=ADMINISTRATORS,
    summary="一份备份 one backup",
    tag=TAG,
    answer=BackupAnswer,
)
async def one(visit: Visit) -> BackupAnswer:
    """A backup's size and time."""
    return await visit.aside(_found, visit, visit.path("name"))


def _found(visit: Visit, name: str) -> BackupAnswer:
    found = next((one for one in backups(visit.site.settings) if one.name == name), None)
    if found is None:
        raise MissingError
    return _backup(found)


@routes.endpoint(
    "GET",
    "/system/backups/{name}/file",
    allow=ADMINISTRATORS,
    summary="下载备份 fetch a backup",
    tag=TAG,
    media="application/zip",
)
async def fetch(visit: Visit) -> web.StreamResponse:
    """The archive itself; who fetched it is in the audit log."""
    path = path_of(visit.site.settings, visit.path("name"))
    if visit.request.method == "GET":
        await visit.write(note_fetched, path.name, at=visit.at, actor=visit.person.name)
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})


@routes.endpoint("DELETE", "/system/backups/{name}", allow=ADMINISTRATORS, summary="删除备份 delete a backup", tag=TAG)
@conditional
async def remove(visit: Visit) -> None:
    """Delete a backup."""
    await visit.write(_removed, visit, visit.path("name"), if_match(visit))


def _removed(writer: Writer, visit: Visit, name: str, expected: IfMatch) -> None:
    expected.require(_found(visit, name))
    delete(writer, visit.site.settings, name, at=visit.at, actor=visit.person.name)
