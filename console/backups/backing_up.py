"""Backups made in the console: one at a time, in a process of its own, with progress that pages can show."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from console.backups import backup
from console.health import BACKUP_NAME, backup_folder, backup_name
from console.web.faults import ConflictError, MissingError
from console.web.visit import Site
from console.worker import StoppedError, in_worker
from monitor.finding import InputError
from monitor.model import Instant
from monitor.store.writer import Writer

log = logging.getLogger(__name__)
NICE = 10
DEADLINE_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Making:
    """A backup for a worker to make."""

    settings: Settings
    target: Path
    at: Instant

    def __call__(self, moved: Callable[[int, int], None]) -> None:
        """Make it, stepping back for the watcher."""
        os.nice(NICE)
        told = -1

        def hears(done: int, total: int) -> None:
            nonlocal told
            share = 100 * done // max(total, 1)
            if share != told:
                told = share
                moved(done, total)

        backup.make(self.settings, self.target, at=self.at, moved=hears)


@dataclass(slots=True)
class Progress:
    """A backup under way or the last one: rows and files done of how many; `failed` says why it came to nothing."""

    name: str
    actor: str
    begun_at: Instant
    done: int = 0
    total: int = 0
    running: bool = True
    failed: str = ""


class Backups:
    """Makes backups for the console; one per server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.progress: Progress | None = None

    def begin(self, actor: str, at: Instant) -> Progress:
        """Start one. ConflictError while one is being made."""
        if self.progress is not None and self.progress.running:
            raise ConflictError("备份正在进行 a backup is being made")
        self.progress = Progress(backup_name(at), actor, at)
        self._task = asyncio.create_task(self._run(self.progress))
        return self.progress

    async def ended(self) -> None:
        """Wait for the one under way."""
        if self._task is not None:
            await self._task

    async def _run(self, progress: Progress) -> None:
        def moved(done: int, total: int) -> None:
            progress.done, progress.total = done, total

        folder = backup_folder(self._settings)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            job = Making(self._settings, folder / progress.name, progress.begun_at)
            await asyncio.to_thread(in_worker, job, DEADLINE_S, moved, lambda: self._stopping)
        except InputError as error:
            progress.failed = "；".join(str(finding) for finding in error.findings)
        except asyncio.CancelledError:
            self._stopping = True  # the worker's thread sees it within a second, and ends the process
            raise
        except StoppedError:
            progress.failed = "服务停止，备份未完成 the server stopped, there is no backup"
        except Exception:
            log.exception("a backup failed")
            progress.failed = "备份失败，详见日志 it failed, see the log"
        finally:
            progress.running = False


def made_by(site: Site) -> Backups:
    """Return what makes the site's backups."""
    if Backups not in site.more:
        site.more[Backups] = Backups(site.settings)
    return site.part(Backups)


def note_begun(writer: Writer, name: str, *, at: Instant, actor: str) -> None:
    """Take down who made a backup: it holds everything that anybody may not see."""
    with writer.transaction() as connection:
        writer.audit(
            connection, at=at, actor=actor, action="system.backup", object=name, before={}, after={"file": name}
        )


def note_fetched(writer: Writer, name: str, *, at: Instant, actor: str) -> None:
    """Take down who fetched a backup."""
    with writer.transaction() as connection:
        writer.audit(
            connection, at=at, actor=actor, action="system.backup-fetched", object=name, before={}, after={"file": name}
        )


def delete(writer: Writer, settings: Settings, name: str, *, at: Instant, actor: str) -> None:
    """Delete a backup. MissingError if there is none of that name."""
    path = path_of(settings, name)
    with writer.transaction() as connection:
        size = path.stat().st_size
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="system.backup-deleted",
            object=name,
            before={"file": name, "bytes": size},
            after={},
        )
    path.unlink()


def path_of(settings: Settings, name: str) -> Path:
    """Return where a backup lies. MissingError if there is none of that name."""
    path = backup_folder(settings) / name
    if not BACKUP_NAME.fullmatch(name) or not path.is_file():
        raise MissingError
    return path
