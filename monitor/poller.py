"""The engine: who is due, how many probes run at once, and whether the watcher itself was awake.

One heap of due times serves all points, so a sleeping camera costs a tuple and no task. A failed or changed verdict is
asked again soon (quick confirmation), because an outage counts from its first failing probe and must be
confirmed by further ones. When the event loop itself stalled, verdicts that were under way say nothing about
cameras: the stall becomes a gap and the probes are repeated.

This file decides synchronously and only awaits at its edges; probing, storing and the clock are handed in.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.model import MICROSECONDS, Instant, Outcome, Sample, State

TICK_S = 0.25
STALL_S = 0.5
"""A tick that comes later than this means that verdicts under way cannot be trusted (half a second: the
shortest stop that turned live cameras falsely offline in trials stood well above it)."""


@dataclass(frozen=True, slots=True)
class Job:
    """One point to watch: `target` is whatever the probe understands."""

    point: str
    camera: str
    target: Any


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how patiently. Seconds; `concurrency` bounds the probes under way at once."""

    interval_s: float = 60.0
    retry_s: float = 10.0
    timeout_s: float = 5.0
    confirm_samples: int = 3
    concurrency: int = 200

    @property
    def valid_s(self) -> int:
        """How long a verdict may be held: ceil(2 × interval + timeout), data-model.md step 2."""
        return math.ceil(2 * self.interval_s + self.timeout_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe came back with: the outcome and how long it took."""

    outcome: Outcome
    took_us: int


class Sink(Protocol):
    """Where samples and the watcher's own gaps go."""

    def sample(self, sample: Sample, *, changed: bool) -> None:
        """Take one result; `changed` asks for it to be stored within 50 ms."""

    def gap(self, start: Instant, end: Instant, cause: str) -> None:
        """Take a span in which this watcher was blind."""


Probe = Callable[[Any, float], Awaitable[Verdict]]


class _Watched:
    __slots__ = ("again", "base", "due", "job", "last", "running")

    def __init__(self, job: Job, due: float) -> None:
        self.job = job
        self.base = due  # the point's place in the interval; confirmations do not move it
        self.due = due
        self.last: Outcome | None = None
        self.again = 0  # quick confirmations still owed
        self.running = False


class Engine:
    """Watches a list of jobs until stopped. Not reusable; bounded by `pace.concurrency` probe tasks."""

    def __init__(self, vantage: str, probe: Probe, sink: Sink, pace: Pace, clock: Callable[[], Instant]) -> None:
        self._vantage = vantage
        self._probe = probe
        self._sink = sink
        self._pace = pace
        self._clock = clock
        self._watched: dict[str, _Watched] = {}
        self._heap: list[tuple[float, str]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopped = False
        self._failure: BaseException | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._stalls = 0
        self._last_tick = 0.0
        self._last_tick_at = Instant(0)
        self.probes_done = 0
        self.due_lag_s = 0.0
        """How late the newest probe started, against its due time."""

    @property
    def running(self) -> int:
        """The number of probes under way."""
        return len(self._tasks)

    def states(self) -> dict[State | None, int]:
        """Return how many points stand in which state by their newest verdict; None: not yet probed."""
        counts: dict[State | None, int] = {}
        for watched in self._watched.values():
            state = watched.last.state if watched.last else None
            counts[state] = counts.get(state, 0) + 1
        return counts

    def replace(self, jobs: Sequence[Job]) -> None:
        """Watch exactly these jobs from now on; a point that stays keeps its phase and last outcome."""
        now = asyncio.get_running_loop().time()
        wanted = {job.point: job for job in jobs}
        for point in [p for p in self._watched if p not in wanted]:
            del self._watched[point]
        for point, job in wanted.items():
            watched = self._watched.get(point)
            if watched is None:
                due = now + self._phase(point)
                self._watched[point] = _Watched(job, due)
                heapq.heappush(self._heap, (due, point))
            elif watched.job != job:
                if watched.job.camera != job.camera:
                    watched.last = None
                watched.job = job
        self._wake.set()

    def _phase(self, point: str) -> float:
        # A stable spread over the interval, so that a restart keeps the load even.
        return (zlib.crc32(point.encode()) % 65536) / 65536 * self._pace.interval_s

    async def run(self) -> None:
        """Probe until stop(); returns once no probe is under way. A fault in the probe adapter itself is raised."""
        loop = asyncio.get_running_loop()
        self._last_tick, self._last_tick_at = loop.time(), self._clock()
        self._ticker = loop.call_later(TICK_S, self._tick)
        try:
            while not self._stopped:
                wait_s = self._dispatch(loop.time())
                self._wake.clear()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass
        finally:
            self._ticker.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise RuntimeError("探测器故障 the probe adapter failed") from self._failure

    def stop(self) -> None:
        """Ask run() to end; probes under way are abandoned without a verdict."""
        self._stopped = True
        self._wake.set()

    def _dispatch(self, now: float) -> float | None:
        """Start what is due while slots are free; return the seconds until the next is due, None to wait for a wake."""
        while self._heap:
            due, point = self._heap[0]
            watched = self._watched.get(point)
            if watched is None or watched.due != due or watched.running:
                heapq.heappop(self._heap)  # left over from a job that went or was rescheduled
                continue
            if due > now:
                return due - now
            if len(self._tasks) >= self._pace.concurrency:
                return None  # a finishing probe wakes us
            heapq.heappop(self._heap)
            self.due_lag_s = now - due
            watched.running = True
            task = asyncio.create_task(self._once(watched))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
        return None

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self.stop()

    async def _once(self, watched: _Watched) -> None:
        stalls = self._stalls
        at = self._clock()
        verdict = await self._probe(watched.job.target, self._pace.timeout_s)
        self._detect_stall()
        failed = verdict.outcome.state is not State.ONLINE
        if failed and stalls != self._stalls:
            self._reschedule(watched, 0.0)  # we slept through it: ask again, record no verdict
            return
        self.probes_done += 1
        self._record(watched, at, verdict)

    def _record(self, watched: _Watched, at: Instant, verdict: Verdict) -> None:
        pace = self._pace
        changed = verdict.outcome != watched.last
        if changed:
            known = watched.last is not None
            watched.again = pace.confirm_samples - 1 if known or verdict.outcome.state is State.OFFLINE else 0
        elif watched.again:
            watched.again -= 1
        watched.last = verdict.outcome
        if self._watched.get(watched.job.point) is watched:
            sample = Sample(
                watched.job.point,
                self._vantage,
                at,
                verdict.outcome,
                pace.valid_s,
                verdict.took_us,
                watched.job.camera,
            )
            self._sink.sample(sample, changed=changed)
        self._reschedule(watched, pace.retry_s if watched.again else None)

    def _reschedule(self, watched: _Watched, soon_s: float | None) -> None:
        now = asyncio.get_running_loop().time()
        if soon_s is not None:
            due = now + soon_s
        else:
            # The next turn of the point's own phase after now, so that neither lateness nor confirmations accumulate.
            interval = self._pace.interval_s
            due = watched.base + interval * max(1, math.floor((now - watched.base) / interval) + 1)
        watched.due = due
        watched.running = False
        if self._watched.get(watched.job.point) is watched:
            heapq.heappush(self._heap, (due, watched.job.point))
        self._wake.set()

    def _tick(self) -> None:
        self._detect_stall()
        loop = asyncio.get_running_loop()
        self._last_tick, self._last_tick_at = loop.time(), self._clock()
        if not self._stopped:
            self._ticker = loop.call_later(TICK_S, self._tick)

    def _detect_stall(self) -> None:
        """Compare now with the last tick on engine time, which also counts a suspended machine."""
        now_at = self._clock()
        late_s = (now_at - self._last_tick_at) / MICROSECONDS - TICK_S
        if late_s <= STALL_S:
            return
        self._stalls += 1
        self._sink.gap(self._last_tick_at, now_at, "stalled")
        self._last_tick, self._last_tick_at = asyncio.get_running_loop().time(), now_at
