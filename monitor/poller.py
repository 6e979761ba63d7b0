"""The engine: probe every point at its pace, and never take the watcher's own blindness for a camera's fault.

Lanes (monitor/lanes.py) say who is due; a sleeping camera costs an entry in a heap and no task. A changed or failed
verdict is asked again soon (quick confirmation), because an outage counts from its first failing probe and must be
confirmed by further ones. When the loop itself stalled, verdicts under way say nothing about cameras: the stall becomes
a gap and the probes are repeated. When very many points drop at once, the sentinel (monitor/sentinel.py) asks the
control targets before anybody is blamed.

Probing, storing and the clock are handed in.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from monitor.lanes import Lanes
from monitor.model import CS_US, MICROSECONDS, Instant, Outcome, Reason, Sample, State
from monitor.notices import Blind, ClockStep, Notice
from monitor.sentinel import Sentinel

TICK_S = 0.25
STALL_S = 0.5
"""A tick that comes later than this means that verdicts under way cannot be trusted."""
GRAIN_S = 0.1
"""Probes that fall due within this of each other (or within a twentieth of the interval) start together, none before its
time. A city at its pace has two hundred a second: what a probe costs beyond its own work is mostly wake-ups."""
STEP_US = 200_000
"""A wall clock that moves by more than this against engine time within a tick has been set."""


@dataclass(frozen=True, slots=True)
class Job:
    """One point to watch: `target` is whatever the probe understands; `host` limits how many are asked at once."""

    point: str
    camera: str
    target: Any
    host: str = ""
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how patiently. Seconds; slots bound the probes under way: healthy ones, timed-out ones, one host."""

    interval_s: float = 60.0
    retry_s: float = 10.0
    timeout_s: float = 5.0
    confirm_samples: int = 3
    concurrency: int = 200
    slow_concurrency: int = 2_000
    per_host: int = 2

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
    """Where results go, and what the watcher has to say of itself."""

    def sample(self, sample: Sample, *, changed: bool) -> None:
        """Take one result; `changed` asks for it to be stored within 50 ms."""

    def notice(self, notice: Notice) -> None:
        """Take a notice; it is stored at once."""


Probe = Callable[[Any, float], Awaitable[Verdict]]


class _Watched:
    """A point with its place in the schedule. `turn` and `slow` belong to the lanes."""

    __slots__ = ("again", "base", "due", "host", "job", "last", "point", "slow", "turn")

    def __init__(self, job: Job, base: float) -> None:
        self.job = job
        self.point = job.point
        self.host = job.host
        self.base = base  # the point's place in the interval; confirmations do not move it
        self.due = base
        self.turn = 0
        self.slow = False
        self.last: Outcome | None = None
        self.again = 0  # quick confirmations still owed


class Engine:
    """Watches a list of jobs until stopped. Not reusable. `drift_us` tells the wall clock's lead over engine time."""

    def __init__(
        self,
        vantage: str,
        probe: Probe,
        sink: Sink,
        pace: Pace,
        clock: Callable[[], Instant],
        *,
        sentinel: Sentinel | None = None,
        drift_us: Callable[[], int] = lambda: 0,
    ) -> None:
        self._vantage = vantage
        self._probe = probe
        self._sink = sink
        self._pace = pace
        self._valid_s = pace.valid_s
        self._clock = clock
        self.sentinel = sentinel
        self._drift_us = drift_us
        self._watched: dict[str, _Watched] = {}
        self._states: dict[State | None, int] = {}
        self._lanes: Lanes[_Watched] = Lanes(pace.concurrency, pace.slow_concurrency, pace.per_host)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._asleep_until = -math.inf  # on the loop's clock; whatever falls due earlier must wake us
        self._stopped = False
        self._failure: BaseException | None = None
        self._ticker: asyncio.TimerHandle | None = None
        self._stalls = 0
        self._last_tick_at = self._alive_at = Instant(0)
        self._last_drift_us = 0
        self._late_s = [0.0, 0.0]
        self.probes_done = 0

    @property
    def running(self) -> int:
        """The number of probes under way."""
        return self._lanes.running

    def lateness(self) -> tuple[float, float]:
        """Return how late the latest probe since the last call started, in the healthy and in the timed-out lane."""
        fast_s, slow_s = self._late_s
        self._late_s = [0.0, 0.0]
        return fast_s, slow_s

    def states(self) -> dict[State | None, int]:
        """Return how many points stand in which state by their newest verdict; None: not yet probed."""
        return {state: count for state, count in self._states.items() if count}

    def _moved(self, before: State | None, after: State | None) -> None:
        # Kept as they change: who asks every second should not go through a whole city.
        self._states[before] -= 1
        self._states[after] = self._states.get(after, 0) + 1

    def replace(self, jobs: Sequence[Job]) -> None:
        """Watch exactly these jobs from now on; a point that stays keeps its phase and last outcome."""
        now = asyncio.get_running_loop().time()
        wanted = {job.point: job for job in jobs}
        for point in [p for p in self._watched if p not in wanted]:
            gone = self._watched.pop(point)
            self._lanes.drop(gone)
            self._forget(gone)
            self._states[None] -= 1
        for point, job in wanted.items():
            watched = self._watched.get(point)
            if watched is None:
                watched = self._watched[point] = _Watched(job, now + self._phase(point))
                self._states[None] = self._states.get(None, 0) + 1
                self._lanes.add(watched, watched.base)
            elif watched.job != job:
                if watched.job.camera != job.camera:
                    self._forget(watched)
                moved = watched.host != job.host
                watched.job, watched.host = job, job.host
                if moved and not self._lanes.runs(watched):
                    self._lanes.add(watched, watched.due)  # it may have been waiting for a slot of the old host
        self._wake.set()

    def _forget(self, watched: _Watched) -> None:
        state = watched.last.state if watched.last else None
        if self.sentinel is not None:
            self.sentinel.forget(watched.point, state)
        self._moved(state, None)
        watched.last = None

    def _phase(self, point: str) -> float:
        # A stable spread over the interval, so that a restart keeps the load even.
        return (zlib.crc32(point.encode()) % 65536) / 65536 * self._pace.interval_s

    async def run(self) -> None:
        """Probe until stop(); returns once no probe is under way. A fault in the probe adapter itself is raised."""
        loop = asyncio.get_running_loop()
        self._last_tick_at = self._alive_at = self._clock()
        self._last_drift_us = self._drift_us()
        self._ticker = loop.call_later(TICK_S, self._tick)
        grain_s = min(GRAIN_S, self._pace.interval_s / 20)
        try:
            while not self._stopped:
                now = loop.time()
                for watched in self._lanes.start(now):
                    self._begin(watched, now)
                self._wake.clear()
                wait_s = self._lanes.wait_s(loop.time())
                if wait_s is not None and wait_s <= 0:
                    await asyncio.sleep(0)
                    continue
                timer = None if wait_s is None else loop.call_later(wait_s + grain_s, self._wake.set)
                self._asleep_until = math.inf if wait_s is None else loop.time() + wait_s
                await self._wake.wait()
                if timer is not None:
                    timer.cancel()
        finally:
            self._ticker.cancel()
            tasks = [*self._tasks, *([] if self.sentinel is None else self.sentinel.close())]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure is not None:
            raise RuntimeError("探测器故障 the probe adapter failed") from self._failure

    def stop(self) -> None:
        """Ask run() to end; probes under way are abandoned without a verdict."""
        self._stopped = True
        self._wake.set()

    def _begin(self, watched: _Watched, now: float) -> None:
        lane = 1 if watched.slow else 0
        self._late_s[lane] = max(self._late_s[lane], now - watched.due)
        task = asyncio.create_task(self._once(watched, watched.turn))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
            self.stop()

    async def _once(self, watched: _Watched, turn: int) -> None:
        stalls = self._stalls
        job = watched.job
        at = self._alive_at = self._clock()
        try:
            verdict = await self._probe(job.target, self._pace.timeout_s)
        finally:
            if self._lanes.done(turn):
                self._wake.set()
        if self._watched.get(watched.point) is not watched:
            return  # no longer watched
        self._detect_stall()
        slept = verdict.outcome.state is not State.ONLINE and stalls != self._stalls
        if slept or watched.job is not job:
            # We slept through it, or the ledger has another device there by now: ask again, record no verdict.
            self._again(watched, 0.0)
            return
        self.probes_done += 1
        self._record(watched, at, verdict)

    def _record(self, watched: _Watched, at: Instant, verdict: Verdict) -> None:
        pace, outcome, before = self._pace, verdict.outcome, watched.last
        changed = outcome is not before and outcome != before
        if changed:
            self._moved(before.state if before else None, outcome.state)
            confirm = before is not None or outcome.state is State.OFFLINE
            watched.again = pace.confirm_samples - 1 if confirm else 0
        elif watched.again:
            watched.again -= 1
        watched.last = outcome
        watched.slow = outcome.reason is Reason.TIMEOUT
        job = watched.job
        sample = Sample(job.point, self._vantage, at, outcome, self._valid_s, verdict.took_us, job.camera)
        self._sink.sample(sample, changed=changed)
        if self.sentinel is not None:
            self.sentinel.saw(job.point, job.upstream, at, outcome.state, before.state if before else None)
        # From the start of the attempt: a timeout must not be added to each confirmation.
        self._again(watched, max(0.0, pace.retry_s - verdict.took_us / MICROSECONDS) if watched.again else None)

    def _again(self, watched: _Watched, soon_s: float | None) -> None:
        now = asyncio.get_running_loop().time()
        if soon_s is not None:
            due = now + soon_s
        else:
            # The next turn of the point's own phase after now, so that neither lateness nor confirmations accumulate.
            interval = self._pace.interval_s
            due = watched.base + interval * max(1, math.floor((now - watched.base) / interval) + 1)
        self._lanes.add(watched, due)
        if due < self._asleep_until:
            self._wake.set()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._stopped:
            self._ticker = loop.call_later(TICK_S, self._tick)
        self._detect_stall()
        self._last_tick_at = self._clock()
        drift_us = self._drift_us()
        if abs(drift_us - self._last_drift_us) > STEP_US:
            self._sink.notice(ClockStep(self._last_tick_at, drift_us - self._last_drift_us))
        self._last_drift_us = drift_us
        if self._lanes.make_way(loop.time()):
            self._wake.set()
        if self.sentinel is not None:
            self.sentinel.tick(self._last_tick_at)

    def _detect_stall(self) -> None:
        """Compare now with the last tick on engine time, which also counts a suspended machine."""
        now_at, alive_at = self._clock(), self._alive_at
        self._alive_at = now_at
        late_s = (now_at - self._last_tick_at) / MICROSECONDS - TICK_S
        if late_s <= STALL_S:
            return
        self._stalls += 1
        self._last_tick_at = now_at
        # No result lies after its start, to the archive's grain either: a stretch that is stored already keeps its samples.
        begun = Instant((alive_at // CS_US + 1) * CS_US)
        if begun < now_at:
            self._sink.notice(Blind(begun, now_at, "stalled"))
