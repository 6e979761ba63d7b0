"""A child process that probes with the product's own parts, as fast as it can, and prints what a probe cost.

Everything of the production path is in it: schedule and timeout (the engine), the probe with its classification and log,
the metrics, and the record (batches into nothing, or into SQLite by the whole watcher). CPU is the process's own, user and
system, all threads, from one batch commit to another, once every camera has had its first verdict.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvloop

from config.settings import Settings, Watch
from console.app import watcher
from monitor.model import Rung, Sample, State

CONCURRENCY = 100
DUE_S = 0.2
"""An interval that asks for more than the machine can do, so that somebody is always due."""
LIMIT_S = 120.0


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Meter:
    """Counts committed results and takes the CPU clock at the first commit after `warm` and the first after `probes` more."""

    def __init__(self, warm: int, probes: int) -> None:
        self._warm = warm
        self._probes = probes
        self._done = 0
        self._from = (0, 0.0)
        self.failed = 0
        self.figure: dict[str, float] | None = None

    def commit(self, samples: Sequence[Sample]) -> bool:
        """Take a committed batch; True once the measurement is over."""
        self._done += len(samples)
        self.failed += sum(sample.outcome.state is not State.ONLINE for sample in samples)
        if not self._from[0]:
            if self._done >= self._warm:
                self._from = (self._done, cpu_s())
        elif self.figure is None and self._done - self._from[0] >= self._probes:
            count = self._done - self._from[0]
            self.figure = {"cpu_us": (cpu_s() - self._from[1]) / count * 1e6, "probes": count, "failed": self.failed}
        return self.figure is not None


async def probe(words: argparse.Namespace, meter: Meter) -> None:
    """Run the whole watcher on the ledger of the data directory; without `--store` its batches are counted and dropped."""
    settings = Settings(
        data_dir=words.data_dir,
        watch=Watch(rung=Rung(words.rung), interval_s=DUE_S, retry_s=DUE_S, concurrency=CONCURRENCY),
    )
    whole, store, _ = watcher.watching(settings, _silent)
    loop = asyncio.get_running_loop()
    into_store = store.commit

    def commit(samples: Sequence[Sample], notices: Sequence[Any], flush: bool) -> Any:
        acknowledged = into_store(samples, notices, flush) if words.store else None
        if meter.commit(samples):
            loop.call_soon_threadsafe(whole.engine.stop)
        return acknowledged

    store.commit = commit  # type: ignore[method-assign]
    await whole.run(duration_s=LIMIT_S)


def _silent(_text: str) -> None:
    """The figures are all that is printed."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rung", default="rtsp")
    parser.add_argument("--loop", choices=("uvloop", "default"), default="uvloop")
    parser.add_argument("--cameras", type=int, default=2_000)
    parser.add_argument("--probes", type=int, default=10_000)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--store", action="store_true")
    words = parser.parse_args()
    meter = Meter(2 * words.cameras, words.probes)
    factory = uvloop.new_event_loop if words.loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(probe(words, meter))
    print(json.dumps(meter.figure))


if __name__ == "__main__":
    main()
