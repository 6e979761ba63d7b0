"""A child process that is a whole watcher for a while, and looks at its own results as they are committed.

Prints CPU over a stretch of time, memory, how late healthy cameras (numbered below `--healthy`) were asked, and how long
after its first failed verdict each outage was confirmed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from config.settings import Settings, Watch
from console.app import watcher
from monitor.model import Reason, Rung, Sample, State
from tests.bench.onvif_prober import cpu_s

CONFIRM_SAMPLES = 3


class Results:
    """What committed results say. Seconds; instants are those of the watcher's engine."""

    def __init__(self, healthy: int, interval_s: float) -> None:
        self._healthy = healthy
        self._interval_s = interval_s
        self._asked: dict[str, float] = {}
        self._failing: dict[str, list[float]] = {}
        self.late_s = 0.0
        self.own_troubles = 0
        self.false_offline = 0
        self.count = 0

    def take(self, samples: Sequence[Sample]) -> None:
        """Take a committed batch."""
        self.count += len(samples)
        for sample in sorted(samples, key=lambda sample: sample.at):
            at, state = sample.at / 1e6, sample.outcome.state
            self.own_troubles += sample.outcome.reason is Reason.WATCHER
            if int(sample.point[1:]) < self._healthy:
                before = self._asked.get(sample.point)
                if before is not None:
                    self.late_s = max(self.late_s, at - before - self._interval_s)
                self._asked[sample.point] = at
                self.false_offline += state is State.OFFLINE
            elif state is State.OFFLINE:
                verdicts = self._failing.setdefault(sample.point, [])
                if len(verdicts) < CONFIRM_SAMPLES:
                    verdicts.append(at + sample.took_us / 1e6)
            else:
                self._failing.pop(sample.point, None)

    def confirmations(self) -> list[float]:
        """Seconds from the first failed verdict to the confirming one, of every confirmed outage, ascending."""
        return sorted(v[-1] - v[0] for v in self._failing.values() if len(v) == CONFIRM_SAMPLES)


def memory_mb() -> tuple[float, float]:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["VmHWM"].split()[0]) / 1024


async def watch(words: argparse.Namespace) -> dict[str, float]:
    """Watch the ledger of the data directory by the settings of the command line."""
    settings = Settings(
        data_dir=words.data_dir,
        watch=Watch(
            interval_s=words.interval,
            retry_s=words.retry,
            timeout_s=words.timeout,
            rung=Rung(words.rung),
            slow_concurrency=words.slow,
        ),
    )
    whole, store, _ = watcher.watching(settings, _silent)
    results = Results(words.healthy, words.interval)
    into_store = store.commit

    def commit(samples: Sequence[Sample], notices: Sequence[Any], flush: bool) -> Any:
        acknowledged = into_store(samples, notices, flush)
        results.take(samples)
        return acknowledged

    store.commit = commit  # type: ignore[method-assign]
    stretch: list[tuple[float, float, int]] = []
    most_running = 0

    def look() -> None:
        nonlocal most_running
        most_running = max(most_running, whole.engine.running)
        loop.call_later(0.5, look)

    def mark() -> None:
        stretch.append((time.monotonic(), cpu_s(), results.count))

    loop = asyncio.get_running_loop()
    loop.call_later(words.warm, mark)
    loop.call_later(words.seconds - 1, mark)
    loop.call_soon(look)
    await whole.run(duration_s=words.seconds)
    (since, cpu_before, count_before), (until, cpu_after, count_after) = stretch
    confirmed = results.confirmations()
    resident, peak = memory_mb()
    return {
        "cpu_percent": (cpu_after - cpu_before) / (until - since) * 100,
        "probes_per_s": (count_after - count_before) / (until - since),
        "resident_mb": resident,
        "peak_mb": peak,
        "late_s": results.late_s,
        "running": most_running,
        "own_troubles": results.own_troubles,
        "false_offline": results.false_offline,
        "confirmed": len(confirmed),
        "confirm_median_s": confirmed[len(confirmed) // 2] if confirmed else 0.0,
        "confirm_worst_s": confirmed[-1] if confirmed else 0.0,
    }


def _silent(_text: str) -> None:
    """The figures are all that is printed."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm", type=float, required=True)
    parser.add_argument("--healthy", type=int, required=True)
    parser.add_argument("--rung", default="describe")
    parser.add_argument("--interval", type=float, default=60.0)
    parser.add_argument("--retry", type=float, default=10.0)
    parser.add_argument("--timeout", type=float, default=5.0)
    parser.add_argument("--slow", type=int, default=2_000)
    words = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(watch(words))))


if __name__ == "__main__":
    main()
