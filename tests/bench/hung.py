"""A city with many dead-alive cameras: 10,000 that hang and 500 that drip beside 5,000 healthy ones, at 60 s.

What counts is the healthy ones' lateness: the longest distance between two of their probes, beyond the interval.
"""

from __future__ import annotations

import csv
import itertools
import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from monitor.store.batch import unpack
from tests.bench.figure import Figure
from tests.camsla_command import Camsla
from tests.servers import fleet

HEALTHY, HUNG, DRIPPING, SECONDS = (
    int(part) for part in os.environ.get("CAMSLA_HUNG", "5000,10000,500,130").split(",")
)
INTERVAL_S = 60.0


def peak_mib(pid: int) -> float:
    """Read the highest resident memory of a live process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """Read the CPU time of a live process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def lateness(database: Path, healthy: set[str]) -> tuple[float, int]:
    """Return the worst lateness of a healthy camera's probe, and how many of their results are not online."""
    times: dict[str, list[int]] = defaultdict(list)
    wrong = 0
    with closing(sqlite3.connect(database)) as connection:
        for body, sha256 in connection.execute("SELECT body, sha256 FROM batches ORDER BY seq"):
            for sample in unpack(body, sha256):
                if sample.point in healthy:
                    times[sample.point].append(sample.at)
                    wrong += sample.outcome.state != "online"
    worst = max((b - a) / 1e6 for found in times.values() for a, b in itertools.pairwise(found))
    return worst - INTERVAL_S, wrong


def run() -> Iterator[Figure]:
    """One run of SECONDS seconds."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        extra = ["--hung", str(HUNG), "--drip", str(DRIPPING), "--onvif-port", "0", "--auth", "open"]
        with fleet.running(home / "fleet", cameras=HEALTHY, host_base="127.40.0.0", port=19554, extra=extra) as city:
            camsla = Camsla(home)
            camsla.ok("points", "import", str(city.points), "--actor", "bench")
            with city.points.open(newline="") as file:
                codes = [row["code"] for row in csv.DictReader(file)]
            watch = camsla.start("watch", "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(SECONDS)
            memory, cpu = peak_mib(watch.pid), cpu_s(watch.pid)
            watch.send_signal(signal.SIGTERM)
            watch.wait(60)
        late_s, wrong = lateness(home / "data" / "camsla.db", set(codes[:HEALTHY]))
    what = f"{HEALTHY:,} healthy, {HUNG:,} hung, {DRIPPING:,} dripping"
    yield Figure(f"{what}: worst lateness of a healthy probe", late_s, "s", f"≤ {INTERVAL_S:g} s")
    yield Figure("  healthy results that are not online", wrong, "", "0")
    yield Figure(
        "  peak memory of the whole watcher", memory, "MiB", "", "11,045 healthy + engine ≤ 150; 10,000 hung ≤ 110"
    )
    yield Figure("  CPU of the watcher", 100 * cpu / SECONDS, "% of a core")
