"""The evidence log: a month of 1,000 points sealed and read again, and the city's quarter as `verifier.py` takes it.

Processor time of whole steps or processes: what they cost on one core, whatever else the machine does. What is invented is
invented before a step's time begins.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from monitor.canonical import canonical
from monitor.evidence.folder import LogFolder
from monitor.evidence.keys import PrivateKey
from monitor.evidence.note import Checkpoint, Note, sign
from monitor.evidence.replay import State, empty
from monitor.evidence.sealing import Extent, Row, closing, numbered
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import EMPTY
from monitor.period import ZONE
from tests.bench import evidence_city
from tests.bench.evidence_city import DAY, FIRST, ORIGIN, START, City, S
from tests.bench.figure import Figure

VERIFIER = Path("monitor/evidence/verifier.py")
MONTH_POINTS, MONTH_OUTAGES, MONTH_DAYS = 1_000, 13, 31
CITY_POINTS, OUTAGES, QUARTER_DAYS = 11_045, 38, 92


def run() -> Iterator[Figure]:
    """Yield a month's sealing and reading, then the quarter's verification."""
    with tempfile.TemporaryDirectory(prefix="camsla-bench-") as scratch:
        yield from _month(Path(scratch))
        yield from _quarter(Path(scratch))


def _month(scratch: Path) -> Iterator[Figure]:
    month = _Month(City(MONTH_POINTS, MONTH_OUTAGES, MONTH_DAYS), LogFolder(scratch / "log", ORIGIN))
    begun = time.process_time()
    for number in range(MONTH_DAYS):
        month.seal(number)
    took = time.process_time() - begun
    folder, days = month.folder, month.folder.days()
    name = f"evidence: {MONTH_POINTS:,} points × {MONTH_DAYS} days"
    yield Figure(f"{name} sealed", took, "s CPU")
    size = sum((folder.path / day / "records.ndjson").stat().st_size for day in days)
    yield Figure(f"{name}, records", size / (MONTH_POINTS * MONTH_DAYS), "bytes a point and day")
    begun = time.process_time()
    state, wrong = empty(ORIGIN, ZONE, month.key.public(1).text()), 0
    for day in days:
        folder.replay(state, folder.read_day(day).lines, day)
        wrong += len(wrong_sums(state))
    if wrong:
        raise RuntimeError(f"{wrong} sums of the month are not what its records say")
    yield Figure(f"{name} verified by the product", time.process_time() - begun, "s CPU")


@dataclass
class _Month:
    """A month as its days are sealed: rows as the outbox would hold them, runs as the store would have them."""

    city: City
    folder: LogFolder
    key: PrivateKey = field(init=False)
    state: State = field(init=False)
    rows: dict[int, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.key = PrivateKey(ORIGIN, random.Random(1).randbytes(32))
        self.state = empty(ORIGIN, ZONE, self.key.public(1).text())
        self.ledger = self.city.ledger()
        self.tree, self.note = EMPTY, b""
        self.places = {code: n for n, code in enumerate(self.city.codes)}
        self.runs = [{run[0] * S: k for k, run in enumerate(runs)} for runs in self.city.runs]
        told = [(run[0], "tr", (n, k)) for n, runs in enumerate(self.city.runs) for k, run in enumerate(runs)]
        told += [(start + 60, "gap", (start, 0)) for start, _ in self.city.dark]
        self.rows = defaultdict(list)
        for number, (second, kind, (n, k)) in enumerate(sorted(told)):
            body = self.city.opened(n, k) if kind == "tr" else self.city.gap(n)
            self.rows[(second - START) // DAY].append(Row(number, second * S, kind, body))

    def extents(self, end: int) -> Iterable[Extent]:
        """How far the newest runs have grown 300 s after a second."""
        for point, vantage, first in self.state.newest():
            n = self.places[point]
            since, last, count, _ = self.city.grown(n, self.runs[n][first], end)
            yield Extent(point, vantage, since * S, last * S, count)

    def seal(self, number: int) -> None:
        """Seal a day of the month, as the product does once its rows are read."""
        end, day = START + (number + 1) * DAY, str(FIRST + timedelta(number))
        lines = list(numbered(self.state, self.rows[number], self.folder.imported))
        lines += closing(
            self.state,
            day,
            self.tree,
            roster=self.ledger,
            extents=lambda _: self.extents(end),
            earlier=lambda wanted: self.folder.earlier(wanted, lines, ZONE, ""),
            software="bench",
        )
        after = self.tree.appended(lines)
        text = Checkpoint.of(ORIGIN, after, f"day {day}").text()
        note = Note(text, (sign(text, self.key),))
        document = canonical(self.state.document()).encode()
        self.folder.write_day(day, lines, self.tree, self.note, note, document)
        self.tree, self.note = after, note.encode()


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
