"""The reference history: a year of invented observations whose quarters have exactly the rates of a printed report.

The report (Xinjian, 2020) gives fault rates for phase 1 in 2019 Q4 (16.38 %) and 2020 Q3 (18.64 %) and for phase 2 in
2020 Q3 (12.29 %), and nothing finer. Everything else here is assumed: 1,000 points in phase 1 too (the report prints
no count), phase 1 in service from 2019-07-01 and phase 2 from 2020-07-01, the rates of the two quarters between
(17.02 % and 17.79 %), which points were down, when and why. The sums are exact: a quarter's offline seconds are
rate × points × days × 86,400, without rounding, which asks for a multiple of 25 points.

Files, UTF-8 CSV, written to one directory; the same seed and number of points give the same bytes:

    points.csv    the ledger (see ledger.py); no addresses, since nobody will probe these points
    runs.csv      point,vantage,first,last,count,state,reason,rung,valid_s; instants ISO 8601 at +08:00
    gaps.csv      vantage,point,start,end,cause; an empty point means all; only the header unless gaps are asked for
    expected.csv  phase,quarter,points,total_s,offline_s,fault_rate: what was put in, to compare results with

Every point is sampled every 60 s by one vantage. Runs of a point abut: the last sample of a run comes at most 60 s
before the next run's first, well inside valid_s = 125, so that without gaps no second is unknown from the first
quarter's first instant to the last one's end; after its end nothing is known. Outages last 300 s or more and online
stretches 600 s or more, so any usual confirmation (3 samples, a few minutes) leaves the sums alone. Outages may
continue over a quarter's edge, or be under way when the history begins or ends.
"""

from __future__ import annotations

import bisect
import csv
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from simulators.ledger import LedgerRow, area_of, supplier_of, write_ledger
from simulators.outages import MIN_OUTAGE_S, PHASES, ZONE, Phase, Quarter, Span, offline_seconds, offline_spans
from simulators.refusal import BadInput

VANTAGE = "centre"
CONTRACT = "xinjian"
INTERVAL_S = 60
VALID_S = 125
MAX_POINTS = 20_000
MAX_GAPS = 50


class Run(NamedTuple):
    """One row of runs.csv in seconds since 1970 UTC."""

    first: int
    last: int
    samples: int
    state: str
    reason: str
    rung: str


_ONLINE = ("online", "ok", "describe")
FAILURES = (("timeout", "tcp"), ("refused", "tcp"), ("unreachable", "tcp"), ("not-found", "describe"))
FAILURE_WEIGHTS = (50, 22, 22, 6)


def _sampled(first: int, end: int, state: str, reason: str, rung: str) -> Run:
    """Return the run of a sample every 60 s over [first, end)."""
    count = (end - 1 - first) // INTERVAL_S + 1
    return Run(first, first + (count - 1) * INTERVAL_S, count, state, reason, rung)


def _states(rng: random.Random, window: Span, outages: Iterable[Span]) -> Iterator[tuple[int, int, str, str, str]]:
    """Cut the window into spans of one outcome each; now and then an outage's reason changes on the way."""
    at = window[0]
    for start, end in outages:
        if at < start:
            yield at, start, *_ONLINE
        reason, rung = rng.choices(FAILURES, FAILURE_WEIGHTS)[0]
        if end - start > 4 * MIN_OUTAGE_S and rng.random() < 0.05:
            turn = rng.randrange(start + MIN_OUTAGE_S, end - MIN_OUTAGE_S)
            yield start, turn, "offline", reason, rung
            start = turn  # noqa: PLW2901  (the rest of the same outage)
            reason, rung = FAILURES[(FAILURES.index((reason, rung)) + 1) % len(FAILURES)]
        yield start, end, "offline", reason, rung
        at = end
    if at < window[1]:
        yield at, window[1], *_ONLINE


def runs_of(rng: random.Random, window: Span, outages: Iterable[Span], gaps: Sequence[Span] = ()) -> Iterator[Run]:
    """Yield a point's runs over the window. A gap ends a run, and sampling resumes at the instant the gap ends."""
    gap_ends = [end for _, end in gaps]
    for start, end, state, reason, rung in _states(rng, window, outages):
        at = start
        for gap_start, gap_end in gaps[bisect.bisect_right(gap_ends, start) :]:
            if gap_start >= end:
                break
            if at < gap_start:
                yield _sampled(at, gap_start, state, reason, rung)
            at = max(at, gap_end)
        if at < end - VALID_S and end == window[1]:
            # The very last sample comes so early that its verdict lapses exactly when the history ends.
            last = end - VALID_S
            yield Run(at, last, -((at - last) // INTERVAL_S) + 1, state, reason, rung)
        elif at < end:
            yield _sampled(at, end, state, reason, rung)


def blind_spans(seed: int, count: int) -> list[Span]:
    """Return spans of 2 to 40 minutes, one in each of `count` equal parts of the year, in which the centre was blind."""
    rng = random.Random(f"gaps/{seed}")
    start, end = PHASES[0].quarters[0].span()[0], PHASES[0].quarters[-1].span()[1]
    part = (end - start) // max(count, 1)
    firsts = (start + part * n + rng.randrange(part - 2400) for n in range(count))
    return [(first, first + rng.randrange(120, 2400)) for first in firsts]


def _ledger(phase: Phase, points: int) -> Iterator[LedgerRow]:
    for n in range(1, points + 1):
        code, area = f"{phase.code}-{n:05d}", area_of(n)
        name = f"{area}{phase.name}{n:05d}号点"
        day = phase.in_service_from
        yield LedgerRow(code, name, CONTRACT, phase.id, area, supplier_of(n), day, day)


def instant(at: int) -> str:
    """Write seconds since 1970 UTC as ISO 8601 in the ledger's zone."""
    return datetime.fromtimestamp(at, ZONE).isoformat(timespec="seconds")


def write_history(seed: int, points: int, gaps: int, out: Path) -> list[str]:
    """Write the four files and return a summary, one text a line; BadInput before anything is written."""
    if not 1 <= points <= MAX_POINTS or not 0 <= gaps <= MAX_GAPS:
        raise BadInput([f"--points 须为 must be 1..{MAX_POINTS}，--gaps 0..{MAX_GAPS}"])
    down = {phase.id: offline_spans(seed, phase, points) for phase in PHASES}
    blind = blind_spans(seed, gaps)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_ledger(out / "points.csv", (row for phase in PHASES for row in _ledger(phase, points)))
        runs = _write_runs(out / "runs.csv", seed, down, blind)
        header = ("vantage", "point", "start", "end", "cause")
        write_csv(out / "gaps.csv", header, ((VANTAGE, "", instant(a), instant(b), "stopped") for a, b in blind))
        expected = [_expected(phase, quarter, points) for phase in PHASES for quarter in phase.quarters]
        columns = ("phase", "quarter", "points", "total_s", "offline_s", "fault_rate")
        write_csv(out / "expected.csv", columns, expected)
    except OSError as error:
        raise BadInput([f"{out}: 写不进 cannot write: {error}"]) from error
    lines = [f"{e[0]} {e[1]}: {e[2]} 点 points, 离线 offline {e[4]} s, 故障率 fault rate {e[5]}" for e in expected]
    return [*lines, f"{out}: {runs} 段 runs, {gaps} 段监测中断 gaps"]


def _expected(phase: Phase, quarter: Quarter, points: int) -> tuple[str | int, ...]:
    start, end = quarter.span()
    rate = f"{float(quarter.fault_rate):.4f}"  # four decimals print these rates exactly
    return phase.id, quarter.label, points, points * (end - start), offline_seconds(quarter, points), rate


def _write_runs(path: Path, seed: int, down: dict[str, list[list[Span]]], blind: Sequence[Span]) -> int:
    def rows() -> Iterator[tuple[str | int, ...]]:
        for phase in PHASES:
            rng = random.Random(f"runs/{seed}/{phase.id}")
            window = phase.quarters[0].span()[0], phase.quarters[-1].span()[1]
            for number, outages in enumerate(down[phase.id], 1):
                code = f"{phase.code}-{number:05d}"
                for run in runs_of(rng, window, outages, blind):
                    outcome = (run.state, run.reason, run.rung)
                    yield (code, VANTAGE, instant(run.first), instant(run.last), run.samples, *outcome, VALID_S)

    header = ("point", "vantage", "first", "last", "count", "state", "reason", "rung", "valid_s")
    return write_csv(path, header, rows())


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str | int]]) -> int:
    """Write the rows under the header and return their number."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
