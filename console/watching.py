"""The watcher put together: ledger → engine → batches → store, until told to stop.

All writes go through one thread, so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Protocol, TextIO

from monitor.batcher import Batcher
from monitor.model import Instant, Sample, State
from monitor.notices import Blind, BlindSince, ClockStep, Notice, SightedAgain, UpstreamSeen
from monitor.poller import Engine, Job, Pace, Probe
from monitor.sentinel import Sentinel

RELOAD_S = 60.0
PROGRESS_S = 1.0
COLLECT_OBJECTS = 20_000
"""New objects before Python looks for unreachable cycles. Probes leave none behind, and looking at its usual pace would
cost an eighth of the probing."""


class WatchStore(Protocol):
    """What the watcher needs of the store; called from the writer thread only."""

    def resume(self, blind: bool) -> None:
        """Replay what a crash left unprojected; with `blind` open the gap since the last committed result."""

    def commit(self, samples: Sequence[Sample], notices: Sequence[Notice], flush: bool) -> Any:
        """Commit one batch; return its acknowledgement (with seq, sha256 and n)."""

    def jobs(self) -> list[Job]:
        """Return the points to watch now."""

    def close(self) -> None:
        """Release the lock."""


class Watching:
    """One watcher's life. `progress` receives a line a second; acknowledgements go to `acks` as JSON lines."""

    def __init__(
        self,
        store: WatchStore,
        probe: Probe,
        pace: Pace,
        vantage: str,
        clock: Callable[[], Instant],
        *,
        acks: TextIO | None = None,
        say: Callable[[str], None] = print,
        failed: Callable[[], object] = lambda: None,
        sentinel: Callable[[Callable[[Notice], None]], Sentinel] | None = None,
        drift_us: Callable[[], int] = lambda: 0,
        noticed: Callable[[Notice], object] = lambda _: None,
    ) -> None:
        self._store = store
        self._acks = acks
        self._say = _unfailing(say)
        self._failed = failed
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._failing = False
        self.batches = 0
        self.acknowledged = 0
        self.batcher = Batcher(self._commit, self._commit_failed)
        self._noticed = noticed
        self.came_back: Callable[[str], object] = lambda _: None
        """Called with a point that answers (again)."""
        self.engine = Engine(
            vantage,
            probe,
            self,
            pace,
            clock,
            sentinel=sentinel(self.notice) if sentinel is not None else None,
            drift_us=drift_us,
        )

    def sample(self, sample: Sample, *, changed: bool) -> None:
        """Take one result of the engine."""
        self.batcher.sample(sample, changed=changed)
        if changed and sample.outcome.state is State.ONLINE:
            self.came_back(sample.point)

    def notice(self, notice: Notice) -> None:
        """Take what the engine has to say of itself: to be stored, counted, and shown."""
        self.batcher.notice(notice)
        self._noticed(notice)
        self._say(_words(notice))

    async def on_writer(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run blocking work that writes on the one thread that may."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def _commit(self, samples: list[Sample], notices: list[Notice], flush: bool) -> None:
        ack = await self.on_writer(self._store.commit, samples, notices, flush)
        self._failing = False
        if ack is None:
            return
        self.batches += 1
        self.acknowledged += ack.n
        if self._acks is not None:
            line = {"vantage": ack.vantage, "seq": ack.seq, "sha256": ack.sha256, "n": ack.n}
            try:
                print(json.dumps(line), file=self._acks, flush=True)
            except OSError as error:  # the batch is stored; only nobody reads about it any more
                self._acks = None
                self._say(f"确认无法输出，不再打印 acknowledgements can no longer be printed: {error}")

    def _commit_failed(self, error: Exception) -> None:
        self._failed()
        if not self._failing:
            self._say(
                f"存储失败，结果暂存内存并重试 cannot store, keeping results and trying again: {type(error).__name__}: {error}"
            )
        self._failing = True

    async def run(
        self,
        *,
        duration_s: float | None = None,
        probing: bool = True,
        ready: Callable[[], None] = lambda: None,
        finish: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Watch until `engine.stop` or `duration_s`; everything acknowledged is durable when this returns.

        Without `probing` only the rest of the process lives: nothing is due, and no gap is opened. `ready` is called
        once the runs hold all that was ever acknowledged; `finish` is awaited before the store closes.
        """
        if duration_s is not None:
            asyncio.get_running_loop().call_later(duration_s, self.engine.stop)
        try:
            await self.on_writer(self._store.resume, probing)
            ready()
            if probing:
                jobs = await self.on_writer(self._store.jobs)
                if not jobs:
                    self._say(
                        "台账中没有带地址的点位，无可巡检 no point of the ledger has an address: nothing to watch"
                    )
                self.engine.replace(jobs)
            with _collecting_seldom():
                await self._live(probing)
        finally:
            if finish is not None:
                await finish()
            await self.on_writer(self._store.close)
            self._thread.shutdown()

    async def _live(self, probing: bool) -> None:
        batching = asyncio.create_task(self.batcher.run())
        # Without somebody to store them, results would only pile up.
        batching.add_done_callback(lambda _: self.engine.stop())
        helpers = [asyncio.create_task(self._reload()), asyncio.create_task(self._progress())] if probing else []
        try:
            if probing and self.engine.sentinel is not None:
                self.engine.sentinel.begin()
            await self.engine.run()
        finally:
            self.batcher.close()
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await batching

    async def _reload(self) -> None:
        while True:
            await asyncio.sleep(RELOAD_S)
            try:
                self.engine.replace(await self.on_writer(self._store.jobs))
            except Exception as error:  # the store is foreign ground; the points known so far are watched on
                self._say(f"无法重读台账 cannot read the ledger again: {type(error).__name__}: {error}")

    async def _progress(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            self._say(self.summary())

    def summary(self) -> str:
        """Return the state of the watch in one line."""
        states = self.engine.states()
        given_up, joined = self.batcher.overflowed, self.batcher.notices_joined
        return (
            f"应在线 {sum(states.values()):,}｜在线 {states.get(State.ONLINE, 0):,}｜离线 {states.get(State.OFFLINE, 0):,}"
            f"｜未知 {states.get(State.UNKNOWN, 0):,}｜待测 {states.get(None, 0):,}"
            f"｜已存 stored {self.acknowledged:,}｜待存 waiting {self.batcher.waiting:,}"
            + (f"｜弃存 given up {given_up:,}" if given_up else "")
            + (f"｜通知合并 notices joined {joined:,}" if joined else "")
        )


def _unfailing(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return a `say` that a full disk or a closed terminal cannot turn into an error of the watcher."""

    def said(text: str) -> None:
        with suppress(OSError, ValueError):
            say(text)

    return said


def _words(notice: Notice) -> str:
    match notice:
        case Blind(start, end, cause):
            return f"本系统监测中断 the watcher was blind for {(end - start) / 1e6:.1f} s ({cause})，不计入"
        case BlindSince(_, cause):
            return f"大面积掉线且对照点无应答，疑为本系统失明 mass failure and no control answers: blind ({cause})"
        case SightedAgain(start, end, _):
            return f"对照点恢复应答 a control answers again: blind for {(end - start) / 1e6:.1f} s"
        case ClockStep(_, step_us):
            return f"系统时钟被拨动 the wall clock was set by {step_us / 1e6:+.1f} s；计时不受影响 timing is unaffected"
        case UpstreamSeen(name, _, alive):
            return f"上联设备 upstream device {name}: {'恢复 back' if alive else '无应答 silent'}"


@contextmanager
def told_to_end(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGTERM and SIGINT: to be entered before anything that a sudden end would leave behind."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Look for unreachable cycles seldom, and not among what exists already (the ledger's jobs above all)."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def progress_printer(stream: TextIO = sys.stderr) -> Callable[[str], None]:
    """Return a printer that rewrites one line on a terminal and prints every tenth line elsewhere."""
    count = 0

    def say(text: str) -> None:
        nonlocal count
        if stream.isatty():
            stream.write("\r\x1b[K" + text)
        elif count % 10 == 0 or not text.startswith("应在线"):
            stream.write(text + "\n")
        count += 1
        stream.flush()

    return say
