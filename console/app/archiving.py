"""The raw archive in a server's life: files for the days that are over, before they are sealed; then what may go, goes."""

from __future__ import annotations

from collections.abc import Callable

from config.settings import Settings
from console.archives.archiving import build_owed, place_of
from console.archives.keeping import announce, prune
from console.clock import wall_now
from console.log.sealing import log_of
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.store.writer import Writer

PRUNE_EVERY_S = 6 * 3600
"""Files are read whole before anything is dropped for them: not every hour."""


class Archiving:
    """Archives when it is told to. What goes wrong is said once until it changes, and tried again the next time."""

    def __init__(
        self, settings: Settings, writer: Writer, say: Callable[[str], None], stopping: Callable[[], bool]
    ) -> None:
        self._place = place_of(settings)
        self._rules = settings.archive
        self._log = log_of(settings).folder
        self._writer = writer
        self._say = say
        self._stopping = stopping
        self._told: dict[str, str] = {}
        self._pruned_at = Instant(0)

    def build(self) -> None:
        """Make the files that are owed, and name in the log what no manifest will. StoppedError if told to stop; else never raises."""
        self._try("归档失败 archiving failed", self._build)

    def prune(self) -> None:
        """Drop what may go, now and then; never raises."""
        now = wall_now()
        if not self._stopping() and now - self._pruned_at >= PRUNE_EVERY_S * MICROSECONDS:
            self._try("清理失败 pruning failed", lambda: self._prune(now))

    def _build(self) -> None:
        now = wall_now()
        for part in build_owed(self._place, now, stopping=self._stopping):
            self._say(f"已归档 archived: {part.stem}，{part.rows:,} 个结果 results，{part.bytes:,} 字节 bytes")
        announce(self._writer, self._place, self._log, now)

    def _prune(self, now: Instant) -> None:
        done = prune(self._writer, self._place, self._log, self._rules, now)
        self._pruned_at = now
        if done.batches or done.files:
            self._say(f"已清理 pruned: {done.batches:,} 批 batches，{len(done.files)} 个归档文件 files")

    def _try(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
            self._told.pop(what, None)
        except InputError as error:
            self._tell(what, "；".join(map(str, error.findings)))
        except (
            RuntimeError,
            OSError,
        ) as error:  # a worker that broke down, a disk that is full: no reason to stop watching
            self._tell(what, f"{type(error).__name__}: {str(error).strip().splitlines()[-1:]}")

    def _tell(self, what: str, why: str) -> None:
        if self._told.get(what) != why:
            self._say(f"{what}：{why}")
        self._told[what] = why
