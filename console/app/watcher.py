"""The watcher as settings name it: ledger, passwords, probes, engine and store handed to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.settings import Settings
from console.app.database import open_writer, password_cipher
from console.clock import EngineClock, boot_id
from console.watching import Watching
from monitor.brake import Brake
from monitor.finding import InputError
from monitor.metrics import Condition, WatchMetrics
from monitor.model import Instant, Reason, Rung, Sample, State
from monitor.notices import Notice
from monitor.points import Target as StoredTarget
from monitor.poller import Job, Pace, Probe, Verdict
from monitor.probes.address import Allowed
from monitor.probes.breaker import Breaker
from monitor.probes.registry import probe as climb
from monitor.probes.target import Credentials, Target
from monitor.scope import EVERYTHING
from monitor.sentinel import Sentinel
from monitor.store import happenings, roster
from monitor.store.live import Boot
from monitor.store.lock import vantage_role
from monitor.store.writer import Ack


def allowed(settings: Settings) -> tuple[Allowed, ...] | None:
    """The allow-list in force; None if the settings name none."""
    return tuple(Allowed.parse(text) for text in settings.watch.allow) or None


class StoreOfWatch:
    """What the watcher needs of the store, for one vantage. Used from the writer's thread only."""

    def __init__(
        self, settings: Settings, clock: EngineClock, metrics: WatchMetrics, say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._vantage = settings.watch.vantage
        self._cipher = password_cipher(settings)
        self._clock = clock
        self._metrics = metrics
        self._seq: int | None = None
        self._kept: dict[str, Job] = {}  # made of what the ledger said last
        self.breaker = Breaker()
        self.writer = open_writer(settings, "watch", vantage_role(self._vantage))

    def resume(self, blind: bool) -> None:
        """Replay what a crash left unprojected; with `blind` open the gap since the last committed result.

        Upstream devices that were seen down then are no longer known to be: the next failure behind them asks again.
        """
        boot = boot_id()
        timed = None if boot is None else Boot(boot, self._clock.boot_zero, self._clock.started_at)
        self.writer.resume(self._vantage, self._clock(), blind=blind, boot=timed)
        with self.writer.transaction() as connection:
            happenings.forget_upstreams(connection, self._vantage)

    def commit(self, samples: Sequence[Sample], notices: Sequence[Notice], flush: bool) -> Ack | None:
        """Store the notices and one batch together, or neither; without results the runs alone if `flush`.

        A call that failed is repeated with the same results: they keep their number, so that a batch which was stored
        although its acknowledgement was lost is not stored twice. Notices need no number: one that is stored is known.
        """
        if samples and self._seq is None:
            self._seq = self.writer.next_seq(self._vantage)
        ack = self.writer.commit(self._vantage, self._seq, samples, notices, flush=flush, at=self._clock())
        self._seq = None
        if ack is not None:
            self._metrics.batches.inc()
            self._metrics.acknowledged.inc(ack.n)
        return ack

    def jobs(self) -> list[Job]:
        """Return the points that have a camera with an address now; what cannot be used is said, not fatal."""
        now = self._clock()
        with self.writer.transaction() as connection:
            upstreams = roster.upstreams(connection, EVERYTHING, now)
            jobs: dict[str, Job] = {}
            logins: dict[Credentials, Credentials] = {}
            troubles: list[str] = []
            for found in roster.each_target(connection, EVERYTHING, now):
                try:
                    jobs[found.point] = self._kept_or_made(found, upstreams.get(found.point, ""), logins)
                except InputError as error:
                    troubles.append(f"{found.point}: {error.findings[0].message}")
        if troubles:
            self._say(f"{len(troubles)} 个点位无法探测 points cannot be probed: " + "; ".join(troubles[:3]))
        self._kept = jobs
        self.breaker.keep(
            (job.host, login.username, login.password)
            for job in jobs.values()
            if (login := job.target.credentials) is not None
        )
        return list(jobs.values())

    def _kept_or_made(self, found: StoredTarget, upstream: str, logins: dict[Credentials, Credentials]) -> Job:
        """Return the job as it was while the ledger says the same: not decrypted nor parsed again, nor twice in memory."""
        origin = hash(found)
        before = self._kept.get(found.point)
        if before is not None and before.target.origin == origin and before.upstream == upstream:
            return before
        credentials = None
        if found.cipher:
            password = self._cipher.decrypt(found.nonce, found.cipher, found.context)
            credentials = Credentials(found.username, password)
            credentials = logins.setdefault(credentials, credentials)  # most of a city has one login
        target = Target.parse(found.rtsp_url)
        return Job(found.point, str(found.camera_id), Asked(target, credentials, origin), target.host, upstream)

    def close(self) -> None:
        """Release the lock."""
        self.writer.close()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the engine hands to the probe: whom to ask, and with which login.

    `origin` is the hash of what the ledger said; a city's rows themselves would be half of the watcher's memory.
    """

    target: Target
    credentials: Credentials | None
    origin: int = field(compare=False)


def probe_adapter(settings: Settings, metrics: WatchMetrics, breaker: Breaker) -> Probe:
    """Return the probe of the settings' rung as the engine calls it."""
    rung, permitted = settings.watch.rung, allowed(settings)

    async def probe(asked: Asked, timeout_s: float) -> Verdict:
        login = breaker.login(asked.target.host, asked.target.port, asked.credentials)
        result = await climb(asked.target, rung, credentials=login, timeout_s=timeout_s, allowed=permitted)
        breaker.saw(asked.target.host, asked.target.port, login, result.reason, result.auth)
        metrics.probe(result.rung, result.reason, result.took_us)
        return Verdict(result.outcome, result.took_us)

    return probe


def sentinel_of(settings: Settings, notice: Callable[[Notice], None], clock: Callable[[], Instant]) -> Sentinel:
    """Return the sentinel with the settings' control targets and upstream devices, asked by a TCP connection."""
    watch, permitted = settings.watch, allowed(settings)

    async def answers(target: Target) -> bool | None:
        result = await climb(target, Rung.TCP, timeout_s=watch.timeout_s, allowed=permitted)
        if result.state is State.UNKNOWN:
            return None  # our own trouble says nothing about the device
        # A refusal comes from the device's own system: it lives.
        return result.state is State.ONLINE or result.reason is Reason.REFUSED

    return Sentinel(
        answers,
        notice,
        clock,
        Brake(watch.interval_s + watch.timeout_s),
        controls=[Target.parse(control.address) for control in watch.controls],
        upstreams={name: Target.parse(address) for name, address in watch.upstreams.items()},
        every_s=watch.interval_s,
        again_s=watch.confirm_every_s,
    )


def pace_of(settings: Settings) -> Pace:
    """Return the engine's pace by the settings."""
    watch = settings.watch
    return Pace(
        watch.interval_s,
        watch.confirm_every_s,
        watch.timeout_s,
        settings.policy.confirm_samples,
        watch.concurrency,
        watch.slow_concurrency,
        watch.per_host,
    )


def watching(
    settings: Settings, say: Callable[[str], None], acks: Any = None
) -> tuple[Watching, StoreOfWatch, WatchMetrics]:
    """Put a watcher together. InputError if another process writes to the database."""
    clock = EngineClock()
    metrics = WatchMetrics()
    store = StoreOfWatch(settings, clock, metrics, say)
    watcher = Watching(
        store,
        probe_adapter(settings, metrics, store.breaker),
        pace_of(settings),
        settings.watch.vantage,
        clock,
        sentinel=lambda notice: sentinel_of(settings, notice, clock),
        drift_us=clock.drift_us,
        noticed=metrics.notice,
        acks=acks,
        say=say,
        failed=metrics.commit_failures.inc,
    )
    engine, batcher = watcher.engine, watcher.batcher
    sentinel = engine.sentinel
    metrics.watch(
        Condition(
            engine.states,
            engine.lateness,
            lambda: engine.running,
            lambda: batcher.waiting,
            lambda: store.breaker.open,
            lambda: sentinel is not None and sentinel.blind_since is not None,
            lambda: {} if sentinel is None else sentinel.upstreams.states(),
            lambda: (batcher.notices_waiting, batcher.notices_joined),
            lambda: batcher.overflowed,
        )
    )
    return watcher, store, metrics
