"""The watcher as settings name it: ledger, passwords, probes, engine and store handed to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from config.settings import Settings
from console.app.database import open_writer, password_cipher
from console.clock import EngineClock
from console.watching import Watching
from monitor.finding import InputError
from monitor.metrics import WatchMetrics
from monitor.model import Instant, Sample
from monitor.points import Target as StoredTarget
from monitor.poller import Job, Pace, Probe, Verdict
from monitor.probes.address import Allowed
from monitor.probes.registry import probe as climb
from monitor.probes.target import BasicUse, Credentials, Target
from monitor.scope import EVERYTHING
from monitor.store import roster
from monitor.store.writer import Ack


def allowed(settings: Settings) -> tuple[Allowed, ...] | None:
    """The allow-list in force; None if the settings name none."""
    return tuple(Allowed.parse(text) for text in settings.watch.allow) or None


class StoreOfWatch:
    """What the watcher needs of the store, for one vantage. Used from the writer's thread only."""

    def __init__(
        self, settings: Settings, clock: Callable[[], Instant], metrics: WatchMetrics, say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._vantage = settings.watch.vantage
        self._cipher = password_cipher(settings)
        self._clock = clock
        self._metrics = metrics
        self.writer = open_writer(settings, "watch")

    def resume(self) -> None:
        """Replay what a crash left unprojected and open the gap since the last committed result."""
        self.writer.resume(self._vantage, self._clock())

    def commit(
        self, samples: Sequence[Sample], gaps: Sequence[tuple[Instant, Instant, str]], flush: bool
    ) -> Ack | None:
        """Commit one batch, or the gaps and runs alone if there are no results."""
        now = self._clock()
        ack = None
        if samples:
            seq = self.writer.next_seq(self._vantage)
            ack = self.writer.commit_batch(self._vantage, seq, samples, gaps_seen=gaps, flush=flush, at=now)
            self._metrics.batches.inc()
            self._metrics.acknowledged.inc(ack.n)
        else:
            for start, end, cause in gaps:
                self.writer.add_gap(self._vantage, start, end, cause, at=now)
            if flush:
                self.writer.project(self._vantage, now)
        for _, _, cause in gaps:
            self._metrics.gaps.labels(cause).inc()
        return ack

    def jobs(self) -> list[Job]:
        """Return the points that have a camera with an address now; what cannot be used is said, not fatal."""
        now = self._clock()
        with self.writer.transaction() as connection:
            found = roster.targets(connection, EVERYTHING, now)
        jobs: list[Job] = []
        troubles: list[str] = []
        for target in found:
            try:
                jobs.append(Job(target.point, str(target.camera_id), self._target(target)))
            except InputError as error:
                troubles.append(f"{target.point}: {error.findings[0].message}")
        if troubles:
            self._say(f"{len(troubles)} 个点位无法探测 points cannot be probed: " + "; ".join(troubles[:3]))
        return jobs

    def _target(self, found: StoredTarget) -> tuple[Target, Credentials | None]:
        credentials = None
        if found.cipher:
            password = self._cipher.decrypt(found.nonce, found.cipher, found.context)
            credentials = Credentials(found.username, password)
        return Target.parse(found.rtsp_url), credentials

    def close(self) -> None:
        """Release the lock."""
        self.writer.close()


def probe_adapter(settings: Settings, metrics: WatchMetrics) -> Probe:
    """Return the probe of the settings' rung as the engine calls it."""
    rung, permitted = settings.watch.rung, allowed(settings)
    digest: dict[str, Credentials] = {}  # who has ever asked for Digest never gets the password by Basic again

    async def probe(job: tuple[Target, Credentials | None], timeout_s: float) -> Verdict:
        target, login = job
        if login is not None and (kept := digest.get(target.text)) is not None and kept.password == login.password:
            login = kept
        result = await climb(target, rung, credentials=login, timeout_s=timeout_s, allowed=permitted)
        if login is not None and result.auth == "digest" and login.basic is not BasicUse.NEVER:
            digest[target.text] = replace(login, basic=BasicUse.NEVER)
        metrics.probe(result.rung, result.reason, result.took_us)
        return Verdict(result.outcome, result.took_us)

    return probe


def pace_of(settings: Settings) -> Pace:
    """Return the engine's pace by the settings."""
    watch = settings.watch
    return Pace(
        watch.interval_s, watch.confirm_every_s, watch.timeout_s, settings.policy.confirm_samples, watch.concurrency
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
        probe_adapter(settings, metrics),
        pace_of(settings),
        settings.watch.vantage,
        clock,
        acks=acks,
        say=say,
        failed=metrics.commit_failures.inc,
    )
    engine, batcher = watcher.engine, watcher.batcher
    metrics.watch(engine.states, lambda: engine.due_lag_s, lambda: engine.running, lambda: batcher.waiting)
    return watcher, store, metrics
