"""Prometheus families of the watcher. Labels are bounded: reasons, rungs and states are closed vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.model import Reason, Rung, State
from monitor.notices import Blind, BlindSince, ClockStep, Notice, UpstreamSeen
from monitor.rates import AnyRate

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class WatchMetrics:
    """What the watcher counts, on a registry of its own so that two watchers in one process never collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._probes = Counter(
            "camsla_probes", "Probe results by rung and reason.", ("rung", "reason"), registry=self.registry
        )
        self._seconds = Histogram(
            "camsla_probe_duration_seconds", "How long probes took.", buckets=BUCKETS_S, registry=self.registry
        )
        self.batches = Counter("camsla_batches", "Batches committed.", registry=self.registry)
        self.acknowledged = Counter("camsla_results_acknowledged", "Results made durable.", registry=self.registry)
        self.gaps = Counter(
            "camsla_watcher_gaps", "Spans in which the watcher was blind, by cause.", ("cause",), registry=self.registry
        )
        self._clock_steps = Counter("camsla_clock_steps", "Times the wall clock was set.", registry=self.registry)
        self._upstream = Counter(
            "camsla_upstream_changes", "Upstream devices seen to go or come.", ("to",), registry=self.registry
        )
        self._rates = Gauge(
            "camsla_phase_online_rate",
            "A phase's online rate of the running quarter so far.",
            ("contract", "phase", "bound"),
            registry=self.registry,
        )
        self.commit_failures = Counter("camsla_commit_failures", "Commits that failed.", registry=self.registry)

        self.log = LogMetrics(self.registry)

    def probe(self, rung: Rung, reason: Reason, took_us: int) -> None:
        """Count one verdict."""
        self._probes.labels(rung.value, reason.value).inc()
        self._seconds.observe(took_us / 1e6)

    def notice(self, notice: Notice) -> None:
        """Count what the watcher had to say of itself."""
        match notice:
            case Blind(_, _, cause) | BlindSince(_, cause):
                self.gaps.labels(cause).inc()
            case ClockStep():
                self._clock_steps.inc()
            case UpstreamSeen(_, _, alive):
                self._upstream.labels("back" if alive else "silent").inc()

    def phase(self, contract: str, phase: str, rate: AnyRate) -> None:
        """Publish a phase's rate of the running quarter; bounds that are not assessable are left out."""
        for bound, value in (("rate", rate.value), ("best", rate.best), ("worst", rate.worst)):
            if value is not None:
                self._rates.labels(contract, phase, bound).set(float(value))

    def no_phases(self) -> None:
        """Withdraw all phases' rates: a new quarter has begun."""
        self._rates.clear()

    def watch(self, condition: Condition) -> None:
        """Publish the engine's present condition; its callables are asked at each scrape."""
        self.registry.register(_Live(condition))


class LogMetrics:
    """How the evidence log stands."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.key = Gauge("camsla_log_key", "1 while there is a key to seal with.", registry=registry)
        self.leaves = Gauge("camsla_log_leaves", "Leaves under the newest checkpoint.", registry=registry)
        self.sealed = Gauge(
            "camsla_log_sealed_until_seconds", "End of the newest sealed day, since 1970-01-01 UTC.", registry=registry
        )
        self.waiting = Gauge("camsla_log_records_waiting", "Records without a leaf.", registry=registry)
        self.failures = Counter("camsla_log_failures", "Rounds of sealing that failed.", registry=registry)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of the running watcher."""

    states: Callable[[], Mapping[State | None, int]]
    lateness: Callable[[], tuple[float, float]]
    """Seconds, of the healthy and of the timed-out lane, since the last call."""
    running: Callable[[], int]
    waiting: Callable[[], int]
    kept_back: Callable[[], int]
    blind: Callable[[], bool]
    upstreams: Callable[[], Mapping[str, int]]
    """Upstream devices by state: up, down, unknown."""
    notices: Callable[[], tuple[int, int]]
    """Notices waiting, and those joined with others so far because too many waited."""
    given_up: Callable[[], int]
    """Results given up so far because too many waited."""


class _Live(Collector):
    def __init__(self, condition: Condition) -> None:
        self._now = condition

    def collect(self) -> Iterable[Metric]:
        now = self._now
        points = GaugeMetricFamily("camsla_points", "Points by the newest verdict.", labels=("state",))
        counts = now.states()
        for state in (*State, None):
            points.add_metric(["unprobed" if state is None else state.value], counts.get(state, 0))
        yield points
        late = GaugeMetricFamily(
            "camsla_probe_due_lag_seconds", "Worst lateness of a probe's start since the last scrape.", labels=("lane",)
        )
        for lane, seconds in zip(("healthy", "timed-out"), now.lateness(), strict=True):
            late.add_metric([lane], seconds)
        yield late
        yield GaugeMetricFamily("camsla_probes_running", "Probes under way.", now.running())
        yield GaugeMetricFamily("camsla_results_waiting", "Results not yet acknowledged.", now.waiting())
        yield GaugeMetricFamily("camsla_logins_kept_back", "Points whose password was rejected twice.", now.kept_back())
        devices = GaugeMetricFamily(
            "camsla_upstreams", "Upstream devices by what was last heard of them.", labels=("state",)
        )
        for name, count in now.upstreams().items():
            devices.add_metric([name], count)
        yield devices
        waiting, joined = now.notices()
        yield GaugeMetricFamily("camsla_notices_waiting", "Notices not yet stored.", waiting)
        yield CounterMetricFamily("camsla_notices_joined", "Notices joined because too many waited.", joined)
        yield CounterMetricFamily(
            "camsla_results_given_up", "Results given up because too many waited.", now.given_up()
        )
        yield GaugeMetricFamily("camsla_watcher_blind", "1 while the watcher knows itself blind.", int(now.blind()))
