"""A city of 11,045 points through the program: ledger in, runs in, a month's rates, a quarter's statement."""

from __future__ import annotations

import csv
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.bench.figure import Figure
from tests.camsla_command import Camsla

POINTS = 11_045
SHANGHAI = timezone(timedelta(hours=8))
START = datetime(2020, 7, 1, tzinfo=SHANGHAI)
DAYS = 92


def ledger(path: Path) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "code",
                "name",
                "contract",
                "phase",
                "area",
                "supplier",
                "accepted_on",
                "billed_from",
                "rtsp_url",
                "username",
                "password",
            ]
        )
        for n in range(POINTS):
            url = f"rtsp://10.{n // 60000}.{n // 250 % 240}.{n % 250 + 1}/live"
            rows.writerow(
                [
                    f"P{n:05d}",
                    f"point {n}",
                    "xinjian",
                    "phase-2",
                    f"area {n % 8}",
                    "carrier",
                    "2020-07-01",
                    "2020-07-01",
                    url,
                    "admin",
                    f"pw{n}",
                ]
            )


def history(path: Path) -> int:
    """About 25 runs a point and month, like the month of 280,365 runs that limits were measured on, over one quarter."""
    chance = random.Random(1)
    count = 0
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["point", "vantage", "first", "last", "count", "state", "reason", "rung", "valid_s"])
        for n in range(POINTS):
            at, end, online = START, START + timedelta(days=DAYS), True
            while at < end:
                lasting = timedelta(seconds=60 * round(chance.expovariate(1 / (9_000 if online else 900)) + 5))
                until = min(at + lasting, end)
                samples = max(1, int((until - at).total_seconds()) // 60)
                last = at + timedelta(seconds=60 * (samples - 1))
                state, reason = ("online", "ok") if online else ("offline", "timeout")
                rows.writerow(
                    [f"P{n:05d}", "centre", at.isoformat(), last.isoformat(), samples, state, reason, "describe", 125]
                )
                at, online, count = until, not online, count + 1
    return count


def timed(camsla: Camsla, *words: str) -> float:
    begun = time.perf_counter()
    camsla.ok(*words)
    return time.perf_counter() - begun


def run() -> Iterator[Figure]:
    """Whole processes, start included."""
    with tempfile.TemporaryDirectory() as folder:
        camsla = Camsla(Path(folder))
        ledger(camsla.folder / "points.csv")
        runs = history(camsla.folder / "runs.csv")
        start = min(timed(camsla, "settle", "--help") for _ in range(3))
        yield Figure("start of the program", start, "s")
        yield Figure(f"import of {POINTS:,} points", timed(camsla, "points", "import", "points.csv"), "s", "≤ 5 s")
        yield Figure("the same again (unchanged)", timed(camsla, "points", "import", "points.csv"), "s")
        seconds = timed(camsla, "runs", "import", "runs.csv")
        yield Figure(f"import of {runs:,} runs", seconds, "s", "", f"{runs / seconds:,.0f} rows/s")
        yield Figure("a month's rates by phase", timed(camsla, "rates", "--period", "2020-08", "--by", "phase"), "s")
        yield Figure(
            "a quarter's rates by point", timed(camsla, "rates", "--period", "2020Q3", "--by", "point", "--csv"), "s"
        )
        quarter = ("settle", "--contract", "xinjian", "--quarter", "2020Q3", "--json")
        yield Figure("a quarter's statement from the store", timed(camsla, *quarter), "s")
        given = (*quarter, "--count", f"phase-2={POINTS}", "--rate", "phase-2=0.9")
        yield Figure("a quarter's statement, rate given", timed(camsla, *given), "s", "≤ 1 s")
