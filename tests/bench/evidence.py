"""The evidence log: a month of 1,000 points sealed and read again, and the city's quarter as `verifier.py` takes it.

Processor time of whole processes: what a reader costs on one core, whatever else the machine does.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from monitor.evidence.replay import empty
from monitor.evidence.sums import wrong_sums
from monitor.period import ZONE
from tests.bench import evidence_city
from tests.bench.figure import Figure
from tests.evidence_logs import write_log

VERIFIER = Path("monitor/evidence/verifier.py")
MONTH_POINTS, MONTH_DAYS = 1_000, 31
CITY_POINTS, OUTAGES, QUARTER_DAYS = 11_045, 38, 92


def run() -> Iterator[Figure]:
    """Yield a month's sealing and reading, then the quarter's verification."""
    with tempfile.TemporaryDirectory(prefix="camsla-bench-") as scratch:
        yield from _month(Path(scratch))
        yield from _quarter(Path(scratch))


def _month(scratch: Path) -> Iterator[Figure]:
    begun = time.process_time()
    log = write_log(
        scratch / "log",
        1,
        points=MONTH_POINTS,
        days=MONTH_DAYS,
        first="2020-07-01",
        vantages=1,
        late=False,
        reload=False,
    )
    took = time.process_time() - begun
    sums = MONTH_POINTS * MONTH_DAYS
    yield Figure(f"evidence: {MONTH_POINTS:,} points × {MONTH_DAYS} days sealed, inventing included", took, "s CPU")
    folder, days = log.folder, log.days
    size = sum((folder.path / day / "records.ndjson").stat().st_size for day in days)
    yield Figure("evidence: records of that month", size / sums, "bytes a point and day")
    begun = time.process_time()
    state, wrong = empty(folder.origin, ZONE, log.key.public(1).text()), 0
    for day in days:
        folder.replay(state, folder.read_day(day).lines, day)
        wrong += len(wrong_sums(state))
    if wrong:
        raise RuntimeError(f"{wrong} sums of the month are not what its records say")
    yield Figure("evidence: that month read again by the product", time.process_time() - begun, "s CPU")


def _quarter(scratch: Path) -> Iterator[Figure]:
    pack, trust = scratch / "pack.zip", scratch / "trust.json"
    evidence_city.write(pack, trust, CITY_POINTS, OUTAGES, QUARTER_DAYS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(pack), "--trust", str(trust)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"the city's quarter does not verify:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    name = f"evidence: verifier.py over a quarter of {CITY_POINTS:,} points"
    yield Figure(name, took, "s CPU", "≤ 60", f"{pack.stat().st_size / 1e6:,.0f} MB pack")
