"""The life of the evidence log: hourly checkpoints, a seal a day, and whatever was missed, one day after the other.

A round: batches are covered by `agt` records; lines and files are made from one snapshot, in a process of their own so that
no watcher waits for them; then one short transaction per step numbers the rows and records it. A crash anywhere leaves
either the round undone or a day in the folder that the next round takes over.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from config.settings import Settings
from console.log.keys import KeyFiles
from console.log.making import Making, make, read_answer
from console.log.steps import Log, Order, Step
from console.worker import in_worker
from monitor.evidence.durable import settled_folder
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.store import attested, log, log_batches
from monitor.store.database import reading
from monitor.store.lock import WriterLock
from monitor.store.log import Between, SealedDay
from monitor.store.writer import Writer

DEADLINE_S = 6 * 3600.0
"""A month of a large city takes minutes; what has not ended by then hangs."""
KEPT_DAYS = 7
"""So many sealed days back numbered rows stay in the database, although the folder has their lines."""


def log_of(settings: Settings) -> Log:
    """Return the settings' log."""
    return Log(
        settings.url,
        settings.evidence_dir,
        settings.evidence.origin,
        settings.zone,
        KeyFiles(settings.evidence_key_path, settings.evidence.passphrase_path),
        f"camsla {version('camsla')}",
        settings.archive_dir,
    )


class BusyError(InputError):
    """Another process seals this log at the moment."""


class Sealer:
    """Makes what is due and records it. One at a time: a lock beside the folder decides among processes."""

    def __init__(
        self,
        where: Log,
        writer: Writer,
        *,
        delay_minutes: int,
        apart: bool = True,
        stopping: Callable[[], bool] = lambda: False,
        recorded: Callable[[Step], object] = lambda _: None,
    ) -> None:
        """`apart`: in a process of its own; else here, where nobody waits for the processor."""
        self.where = where
        self._writer = writer
        self._delay_us = delay_minutes * 60 * MICROSECONDS
        self._apart = apart
        self._stopping = stopping
        self._recorded = recorded

    def round(self, now: Instant, *, checkpoint: bool, until: str = "") -> list[Step]:
        """Seal every day that is due, up to `until`, then make a checkpoint if asked for; return what was recorded.

        InputError says why nothing, or no more, can be done: no key, a full disk, a folder that is another database's;
        BusyError that somebody else is at it.
        StoppedError if told to stop; whatever was made by then stands.
        """
        order = Order(now, self._delay_us, checkpoint, until)
        settled_folder(self.where.root)  # a day in a folder whose own name the disk does not have yet would go with it
        lock = WriterLock(self.where.root / f"{self.where.folder.path.name}.lock")
        try:
            lock.acquire()
        except InputError as error:
            raise BusyError(error.findings) from None
        try:
            done: list[Step] = []
            while not self._stopping():
                self._cover(now)
                before = len(done)
                for step in self._made(order):
                    self._record(step)
                    done.append(step)
                if not any(step.day for step in done[before:]):
                    return done
            return done
        finally:
            lock.release()

    def _cover(self, now: Instant) -> None:
        more = True
        while more and not self._stopping():
            with self._writer.transaction() as connection:
                more = log_batches.cover(connection, now)

    def _made(self, order: Order) -> Iterator[Step]:
        """Yield what is made; what was made before a failure is yielded before it is raised, and so recorded."""
        if not self._apart:
            with reading(self._writer.engine) as connection:
                yield from make(connection, self.where, order)
            return
        with tempfile.TemporaryDirectory(prefix="camsla-") as folder:
            answer = Path(folder) / "steps"
            try:
                in_worker(Making(self.where, order, answer), DEADLINE_S, lambda *_: None, self._stopping)
            except (InputError, RuntimeError):
                yield from read_answer(answer)
                raise
            yield from read_answer(answer)

    def _record(self, step: Step) -> None:
        with self._writer.transaction() as connection:
            if step.day:
                sealed = SealedDay(step.day, step.first, step.size, step.root, step.note, step.at)
                log.seal_day(connection, sealed, step.leaves, step.expected)
                log.prune(connection, KEPT_DAYS)
            else:
                point = Between(step.size, step.at, step.root, step.note)
                log.add_checkpoint(connection, point, step.leaves, step.expected)
            attested.let_go(connection, step.blobs)
        if step.day:
            self.where.keys.settle(step.key)
        self._recorded(step)
