"""The evidence log in a server's life: rounds of sealing off the loop, and what the operator hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, timedelta

from config.settings import Settings
from console.app.archiving import Archiving
from console.clock import wall_now
from console.log.sealing import BusyError, Sealer, log_of
from console.log.steps import Step
from console.worker import StoppedError
from monitor.finding import InputError
from monitor.metrics import LogMetrics
from monitor.period import midnight
from monitor.store import log
from monitor.store.database import reading
from monitor.store.writer import Writer


class Sealing:
    """Seals when it is told to, one round at a time. What goes wrong is said once until it changes, counted, and tried again."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        metrics: LogMetrics,
        say: Callable[[str], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._writer = writer
        self._metrics = metrics
        self._say = say
        self._zone = settings.zone
        self._turn = asyncio.Lock()
        self._told = ""
        self._log = log_of(settings)
        self._archiving = Archiving(settings, writer, say, stopping)
        self._sealer = Sealer(
            self._log,
            writer,
            delay_minutes=settings.evidence.seal_delay_minutes,
            stopping=stopping,
            recorded=self._recorded,
        )

    async def round(self, checkpoint: bool) -> None:
        """Seal what is due, and make a checkpoint if asked for; never raises."""
        async with self._turn:
            await asyncio.to_thread(self._round, checkpoint)

    async def ended(self) -> None:
        """Wait for a round under way: told to stop, it ends within a second or with its transaction."""
        async with self._turn:
            pass

    def _round(self, checkpoint: bool) -> None:
        there = self._log.keys.there
        self._metrics.key.set(int(there))
        try:
            self._archiving.build()  # before the seal: the day's manifest names its file
            if there:
                self._sealer.round(wall_now(), checkpoint=checkpoint)
                self._told = ""
            else:
                self._tell(
                    f"没有封存密钥 {self._log.keys.path}，证据不封存，记录留待以后 there is no key: nothing is sealed and "
                    "records wait. camsla evidence keygen"
                )
            self._measure()
            self._archiving.prune()
        except (StoppedError, BusyError):
            return  # the other server's round is as good as ours
        except InputError as error:
            self._metrics.failures.inc()
            self._tell("；".join(str(finding) for finding in error.findings))
        except Exception as error:  # the log is no reason to stop watching
            self._metrics.failures.inc()
            self._tell(f"封存失败 sealing failed: {type(error).__name__}: {str(error).strip().splitlines()[-1:]}")

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._say(f"证据日志 evidence log: {text}")
        self._told = text

    def _recorded(self, step: Step) -> None:
        if step.day:
            self._say(f"已封存 sealed: {step.day}，{step.size - step.first:,} 条 records，共 {step.size:,} in all")

    def _measure(self) -> None:
        with reading(self._writer.engine) as connection:
            newest, leaves, queue = log.newest_day(connection), log.size(connection), log.queue(connection)
        self._metrics.leaves.set(leaves)
        self._metrics.waiting.set(queue.rows)
        if newest is not None:
            end = date.fromisoformat(newest.day) + timedelta(days=1)
            self._metrics.sealed.set(midnight(end, self._zone))
