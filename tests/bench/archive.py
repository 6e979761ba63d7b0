"""The raw archive: bytes a result, the making of a day, and a month computed again, beside DuckDB on the same files.

A tenth of the city for the day, a twentieth for the month: 476.7 million rows would take the better part of an hour to make.
Probes start late as measured on the engine with 11,045 cameras (mostly under 2 ms, three in ten up to 100 ms); answers take
20 ms, each camera around a time of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from console import views
from console.archives import archived_rates
from console.archives.archiving import Building, Place
from console.store.audit import Audit
from monitor.archive.building import build
from monitor.archive.parts import Part, Taken, parts_of
from monitor.model import MICROSECONDS, Instant, Reason, Sample
from monitor.period import ZONE, midnight, parse_period
from monitor.rates import Seconds, rate_of, sum_of
from monitor.report import PointSeconds
from monitor.scope import EVERYTHING
from monitor.store.database import open_database, reading
from monitor.store.lock import vantage_role
from monitor.store.writer import Writer
from monitor.timeline import Policy
from tests.bench.city import (
    INTERVAL_S,
    MONTH,
    POINTS,
    START_S,
    Took,
    best,
    code,
    month_of_runs,
    read_outcome,
    seconds_of,
)
from tests.bench.figure import Figure
from tests.bench.store import ledger

DAY_POINTS, MONTH_POINTS = POINTS // 10, POINTS // 20
A_DAY = parse_period("2020-07-01..2020-07-01")
VALID_S = 125
CYCLES = 86_400 // INTERVAL_S
TOOK_US, OWN, AROUND = 20_000, 0.6, 0.25
"""The median answer; how cameras differ, and one camera's answers (standard deviations of the logarithm)."""


@dataclass
class Cycle:
    """A batch as the store gives it: see monitor/store/batch.py."""

    vantage: str
    points: list[str]
    cameras: list[str]
    outcomes: list[tuple[str, str, str]]
    columns: tuple[memoryview, ...]


class City:
    """Cameras with their places in the interval and their answers."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.count = count
        self.chance = np.random.default_rng(seed)
        self.phase = self.chance.uniform(0, INTERVAL_S * MICROSECONDS, count)
        self.took = TOOK_US * self.chance.lognormal(0, OWN, count)
        self.codes = [code(n) for n in range(count)]

    def cycle(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Instants and durations of all cameras' results in a cycle, microseconds."""
        late = self.chance.exponential(1_000, self.count)
        waits = self.chance.random(self.count) < 0.3
        late[waits] = self.chance.uniform(0, 100_000, int(waits.sum()))
        at = (START_S + number * INTERVAL_S) * MICROSECONDS + self.phase + late
        took = self.took * self.chance.lognormal(0, AROUND, self.count)
        return at.astype(np.int64), took.astype(np.int64)

    def batch(self, number: int, offline: NDArray[np.bool_]) -> Cycle:
        """A cycle as one batch."""
        at, took = self.cycle(number)
        order = np.argsort(at)
        columns = (
            np.diff(at[order], prepend=0),
            order.astype(np.uint32),
            order.astype(np.uint32),
            offline[order].astype(np.uint16),
            np.full(self.count, VALID_S, np.uint32),
            took[order],
        )
        cameras = [f"{10_000 + n}" for n in range(self.count)]
        outcomes = [("online", "ok", "describe"), ("offline", "timeout", "describe")]
        views_of = tuple(memoryview(np.ascontiguousarray(column)).cast("B") for column in columns)
        return Cycle("centre", self.codes, cameras, outcomes, views_of)


def watched_day(url: str, folder: Path, count: int) -> None:
    """A store with a day's results of `count` points, a thousandth of them failed."""
    city = City(count)
    ok, failed = read_outcome(Reason.OK), read_outcome(Reason.TIMEOUT)
    with Writer.open(url, Audit("bench"), folder / "bench.lock", vantage_role("centre")) as writer:
        ledger(writer, count)
        first = writer.resume("centre", Instant(START_S * MICROSECONDS))
        for number in range(CYCLES):
            at, took = city.cycle(number)
            writer.commit_batch(
                "centre",
                first + number,
                [
                    Sample(
                        city.codes[n], "centre", Instant(t), failed if (n + number) % 1000 == 0 else ok, VALID_S, k, ""
                    )
                    for n, (t, k) in enumerate(zip(at.tolist(), took.tolist(), strict=True))
                ],
                flush=number == CYCLES - 1,
            )


def archived(url: str, folder: Path) -> tuple[Took, Part]:
    """What it takes to make the day's file from the store, in this process."""
    where = Place(url, folder, ZONE)
    took = seconds_of(lambda: Building(where, Instant((START_S + 3 * 86_400) * MICROSECONDS))(lambda *_: None))
    return took, parts_of(folder)[0]


def day() -> Iterator[Figure]:
    """A day of a tenth of the city, from batches to the file; beside a hundredth of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {}
        for count in (DAY_POINTS // 10, DAY_POINTS):
            url = f"sqlite:///{folder / f'{count}.db'}"
            watched_day(url, folder, count)
            found[count] = min((archived(url, folder / f"{count}-{n}") for n in range(3)), key=lambda one: one[0].cpu)
        took, part = found[DAY_POINTS]
        yield Figure(
            "archive, bytes a result at 60 s", part.bytes / part.rows, "B", "≤ 1.6 B", f"{part.rows:,} results"
        )
        what = f"archive, a day of {DAY_POINTS:,} points made from its batches"
        yield Figure(
            what, took.wall, "s", "", f"{part.rows / took.wall:,.0f} results/s; the city has ten times as many"
        )
        growth = took.cpu / found[DAY_POINTS // 10][0].cpu
        yield Figure("· 10 × the points, processor time", growth, "×", "≤ 11 ×")
        question = views.Question(A_DAY, ZONE, Policy())
        engine = open_database(f"sqlite:///{folder / f'{DAY_POINTS}.db'}")
        try:
            with reading(engine) as connection:
                runs = views.point_seconds(connection, EVERYTHING, question)
                again, _ = archived_rates.from_store(connection, folder / f"{DAY_POINTS}-0", question)
        finally:
            engine.dispose()
        apart = abs(rate(runs) - rate(again))
        yield Figure("· rate from it, difference to the rate from runs", float(apart), "", "≤ 1e-5")


def rate(accounts: list[PointSeconds]) -> Fraction:
    value = rate_of(sum_of(account.seconds for account in accounts), Policy()).value
    assert value is not None
    return value


def month_of_files(folder: Path) -> int:
    """A month's files of a twentieth of the city, with the outages of `month_of_runs`; returns the results."""
    city, rows = City(MONTH_POINTS, 2), 0
    days = (MONTH.last - MONTH.first).days + 1
    offline = np.zeros((MONTH_POINTS, days * CYCLES), bool)
    for run in month_of_runs(MONTH_POINTS):
        if run.outcome.reason is not Reason.OK:
            begun = (run.first // MICROSECONDS - START_S) // INTERVAL_S
            offline[int(run.point[1:]), begun : begun + run.count] = True
    for number in range(days):
        cycles = range(number * CYCLES, (number + 1) * CYCLES)
        batches = (city.batch(cycle, offline[:, cycle]) for cycle in cycles)
        taken, expected = {"centre": Taken()}, MONTH_POINTS * CYCLES
        made = build(
            folder,
            MONTH.first + timedelta(days=number),
            0,
            ZONE,
            batches,
            points=city.codes,
            taken=taken,
            expected=expected,
        )
        rows += made.rows
    return rows


def by_duckdb(folder: Path) -> tuple[Took, Seconds]:
    """Seconds and result of a plain query that holds every result to the next one, as far as it is valid."""
    query = (
        "SELECT CAST(sum(held) FILTER (state = 'online') AS DOUBLE), CAST(sum(held) FILTER (state = 'offline') AS DOUBLE)"
        " FROM (SELECT state, least(coalesce(lead(t_cs) OVER (PARTITION BY point, vantage ORDER BY t_cs), 9e18),"
        f" t_cs + 100 * valid_s) - t_cs AS held FROM '{folder}/*.parquet')"
    )
    found: list[tuple[float, float]] = []
    with duckdb.connect() as connection:
        took = seconds_of(lambda: found.extend(connection.execute(query).fetchall()))
    (online, off) = found[0]
    return took, Seconds(round(online / 100), round(off / 100), 0, 0)


def month() -> Iterator[Figure]:
    """The month's rate from every result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = month_of_files(folder / "archive")
        points = folder / "points.csv"
        points.write_text(
            "point,phase,accepted_on\n" + "".join(f"{code(n)},one,2020-01-01\n" for n in range(MONTH_POINTS))
        )
        question = views.Question(MONTH, ZONE, Policy())
        accounts: list[PointSeconds] = []

        def ours() -> Took:
            return seconds_of(
                lambda: accounts.__setitem__(
                    slice(None), archived_rates.from_files(folder / "archive", question, points, None, None)[0]
                )
            )

        theirs: list[Seconds] = []

        def duck() -> Took:
            took, seconds = by_duckdb(folder / "archive")
            theirs.append(seconds)
            return took

        mine, plain = best(ours, duck)
        what = f"a month again from every result, {MONTH_POINTS:,} points, {rows:,} results"
        yield Figure(what, mine.wall, "s", "", f"{rows / mine.wall / 1e6:,.0f} million results/s")
        against = f"{plain.wall:.2f} s, {duckdb.__version__}"
        yield Figure(
            "· against DuckDB's gap-aware query on the same files", mine.wall / plain.wall, "×", "≤ 1.5 ×", against
        )
        value = rate_of(theirs[0], Policy()).value
        assert value is not None
        yield Figure("· difference to its rate", float(abs(rate(accounts) - value)), "", "≤ 1e-5")


def run() -> Iterator[Figure]:
    """In this process; files in the system's temporary folder."""
    assert midnight(MONTH.first) == START_S
    yield from day()
    yield from month()
