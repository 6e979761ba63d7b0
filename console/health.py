"""How an installation stands: vantages and their gaps, evidence log, schedule, database, disk and backups, in one reading."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, text

from config.settings import Settings
from console.log.keys import KeyFiles
from console.schedule import IDENTIFY_S, MEASURE_S, daily, hourly, monthly
from console.web.words import N_
from monitor.model import MICROSECONDS, Instant
from monitor.store import log
from monitor.store.database import sqlite_path, sqlite_warning
from monitor.store.tables import batches, gaps, vantages

BACKUP_NAME = re.compile(r"camsla-\d{8}T\d{6}Z\.zip")
MOST_BACKUPS_KEPT = 30
"""So many lie in the installation's folder at most: more would fill the disk that the watcher writes to."""
SEEN_WITHIN_S = 600
"""A vantage of ours whose newest result is older than this is late."""
DAY_US = 86_400 * MICROSECONDS
OURS = ("local", "agent")


@dataclass(frozen=True, slots=True)
class Vantage:
    """A vantage: its newest stored result, batches kept in the database, and its blindness of the last day.

    `lag_s` is the age of the newest result, for vantages that watch; `open_gap` the cause of a gap that is open now.
    """

    name: str
    kind: str
    last_at: Instant | None
    lag_s: int | None
    batches: int
    open_gap: str
    gaps: int

    @property
    def tone(self) -> str:
        """Return how it stands: good, bad, or mute where nobody expects news."""
        if self.kind not in OURS or self.lag_s is None:
            return "mute"
        return "bad" if self.lag_s > SEEN_WITHIN_S or self.open_gap else "good"


@dataclass(frozen=True, slots=True)
class Planned:
    """A job of the schedule: what it does and when it runs next; `every_s` for those that run in intervals."""

    what: str
    next_at: Instant | None
    every_s: int | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that lies in the installation's folder."""

    name: str
    bytes: int
    made_at: Instant


@dataclass(frozen=True, slots=True)
class Health:
    """How everything stands at `at`."""

    at: Instant
    software: str
    revision: str
    database: str
    database_bytes: int
    warning: str
    disk_total: int
    disk_free: int
    vantages: tuple[Vantage, ...]
    log_origin: str
    log_size: int
    log_day: str
    log_sealed_at: Instant | None
    log_waiting: int
    log_waiting_since: Instant | None
    log_key: bool
    planned: tuple[Planned, ...]
    backups: tuple[Backup, ...]


def health(connection: Connection, settings: Settings, at: Instant) -> Health:
    """Read how everything stands."""
    newest, queue = log.newest_day(connection), log.queue(connection)
    path = sqlite_path(connection.engine)
    disk = shutil.disk_usage(settings.data_dir if settings.data_dir.is_dir() else Path.cwd())
    return Health(
        at,
        f"camsla {version('camsla')}",
        str(connection.scalar(text("SELECT version_num FROM alembic_version"))),
        connection.dialect.name,
        database_bytes(connection, path),
        (sqlite_warning() or "") if path is not None else "",
        disk.total,
        disk.free,
        tuple(_vantages(connection, at)),
        settings.evidence.origin,
        log.size(connection),
        "" if newest is None else newest.day,
        None if newest is None else newest.sealed_at,
        queue.rows,
        queue.first,
        KeyFiles(settings.evidence_key_path).there,
        tuple(schedule(settings, at)),
        tuple(backups(settings)),
    )


def _vantages(connection: Connection, at: Instant) -> list[Vantage]:
    b, g = batches.c, gaps.c
    kept = {
        row.vantage_id: row
        for row in connection.execute(
            select(b.vantage_id, func.count().label("n"), func.max(b.last_at).label("last")).group_by(b.vantage_id)
        )
    }
    recent = select(g.vantage_id, func.count()).where((g.end_at.is_(None)) | (g.end_at > at - DAY_US))
    blind = {row[0]: row[1] for row in connection.execute(recent.group_by(g.vantage_id))}
    opened = {
        row.vantage_id: row.cause
        for row in connection.execute(select(g.vantage_id, g.cause).where(g.end_at.is_(None), g.point_id.is_(None)))
    }
    found = []
    for row in connection.execute(select(vantages).order_by(vantages.c.name)):
        its = kept.get(row.id)
        last = None if its is None else Instant(its.last)
        lag = None if last is None else max(0, (at - last) // MICROSECONDS)
        count = 0 if its is None else its.n
        found.append(Vantage(row.name, row.kind, last, lag, count, opened.get(row.id, ""), blind.get(row.id, 0)))
    return found


def database_bytes(connection: Connection, path: Path | None) -> int:
    """Return how much room the database takes."""
    if path is None:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def schedule(settings: Settings, at: Instant) -> list[Planned]:
    """Return the jobs that a server runs, with the next time of each, by the very triggers that it runs them with."""
    zone = settings.zone
    now = datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone))

    def upcoming(trigger: object) -> Instant:
        moment: datetime = trigger.get_next_fire_time(None, now)  # type: ignore[attr-defined]
        return Instant(int(moment.timestamp() * MICROSECONDS))

    return [
        Planned(N_("封存已结束的日"), upcoming(daily(zone, minutes=settings.evidence.seal_delay_minutes))),
        Planned(N_("每小时检查点"), upcoming(hourly(zone, minute=0))),
        Planned(N_("按月关账"), upcoming(monthly(zone, day=1, hour=0, minute=20))),
        Planned(N_("本季度在线率"), None, MEASURE_S),
        Planned(N_("识别到期设备"), None, IDENTIFY_S),
    ]


def backup_folder(settings: Settings) -> Path:
    """Return where backups made in the console lie."""
    return settings.data_dir / "backups"


def backup_name(at: Instant) -> str:
    """Return the name of a backup made at an instant."""
    return datetime.fromtimestamp(at / MICROSECONDS, UTC).strftime("camsla-%Y%m%dT%H%M%SZ.zip")


def backups(settings: Settings) -> list[Backup]:
    """Return the backups made in the console, newest first."""
    folder = backup_folder(settings)
    if not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        if BACKUP_NAME.fullmatch(path.name):
            status = path.stat()
            made = datetime.strptime(path.name, "camsla-%Y%m%dT%H%M%SZ.zip").replace(tzinfo=UTC)
            found.append(Backup(path.name, status.st_size, Instant(int(made.timestamp()) * MICROSECONDS)))
    return sorted(found, key=lambda one: one.name, reverse=True)
