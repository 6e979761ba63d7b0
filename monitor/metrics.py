"""Prometheus families of the watcher. Labels are bounded: reasons, rungs and states are closed vocabularies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor.model import Reason, Rung, State

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
        self.commit_failures = Counter("camsla_commit_failures", "Commits that failed.", registry=self.registry)

    def probe(self, rung: Rung, reason: Reason, took_us: int) -> None:
        """Count one verdict."""
        self._probes.labels(rung.value, reason.value).inc()
        self._seconds.observe(took_us / 1e6)

    def watch(
        self,
        states: Callable[[], Mapping[State | None, int]],
        due_lag_s: Callable[[], float],
        running: Callable[[], int],
        waiting: Callable[[], int],
    ) -> None:
        """Publish the engine's present condition; the callables are asked at each scrape."""
        self.registry.register(_Condition(states, due_lag_s, running, waiting))


class _Condition(Collector):
    def __init__(
        self,
        states: Callable[[], Mapping[State | None, int]],
        due_lag_s: Callable[[], float],
        running: Callable[[], int],
        waiting: Callable[[], int],
    ) -> None:
        self._states = states
        self._due_lag_s = due_lag_s
        self._running = running
        self._waiting = waiting

    def collect(self) -> Iterable[GaugeMetricFamily]:
        points = GaugeMetricFamily("camsla_points", "Points by the newest verdict.", labels=("state",))
        counts = self._states()
        for state in (*State, None):
            points.add_metric(["unprobed" if state is None else state.value], counts.get(state, 0))
        yield points
        yield GaugeMetricFamily(
            "camsla_probe_due_lag_seconds", "Lateness of the newest probe against its due time.", self._due_lag_s()
        )
        yield GaugeMetricFamily("camsla_probes_running", "Probes under way.", self._running())
        yield GaugeMetricFamily("camsla_results_waiting", "Results not yet acknowledged.", self._waiting())
