"""The store against its limits: raw sqlite3 and plain inserts for writing, DuckDB over raw results for reading.

Peers do the same work in the same run, alternating with ours, best of a few rounds each: the same results or runs made
durable (with the same keys), the same month counted per point.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import insert

from console import views
from console.store.audit import Audit
from monitor.model import MICROSECONDS, Instant, Run, Sample
from monitor.origin import Origin
from monitor.report import parse_by, rate_rows
from monitor.scope import EVERYTHING
from monitor.store.database import open_database, reading
from monitor.store.imports import import_runs
from monitor.store.lock import vantage_role
from monitor.store.queries import timeline_inputs
from monitor.store.tables import point_facts, points
from monitor.store.writer import Writer
from monitor.timeline import Policy
from tests.bench.city import (
    MONTH,
    POINTS,
    START_S,
    Took,
    best,
    code,
    month_of_runs,
    results,
    seconds_of,
)
from tests.bench.figure import Figure
from tests.bench.store_peers import core_insert, raw_runs, raw_scan, raw_sqlite, write_raw
from tests.servers import postgres

BATCHES = 8
SHARE = 20
"""The raw month is 476.7 million rows; DuckDB scans one twentieth of its points, and so do we beside it."""


def ledger(writer: Writer, count: int) -> None:
    held = {"valid_from": 0, "recorded_at": 0, "actor": "bench", "phase": "phase-2", "accepted_on": "2020-01-01"}
    with writer.transaction() as connection:
        connection.execute(insert(points), [{"id": n + 1, "code": code(n)} for n in range(count)])
        connection.execute(insert(point_facts), [{"point_id": n + 1, **held} for n in range(count)])


def committed(url: str, folder: Path, cycles: list[list[Sample]]) -> Took:
    """Return the seconds in which our writer makes the cycles durable, after a first one that opens all the runs."""
    with Writer.open(url, Audit("bench"), folder / "bench.lock", vantage_role("centre")) as writer:
        ledger(writer, max(map(len, cycles)))
        first = writer.resume("centre", Instant(START_S * MICROSECONDS))
        writer.commit_batch("centre", first, cycles[0])

        def work() -> None:
            for seq, cycle in enumerate(cycles[1:], first + 1):
                writer.commit_batch("centre", seq, cycle, flush=seq % 10 == 0)

        return seconds_of(work)


def imported(url: str, folder: Path, runs: list[Run]) -> Took:
    """Return the seconds in which a month of runs is checked and stored."""
    with Writer.open(url, Audit("bench"), folder / "bench.lock") as writer:
        ledger(writer, len({run.point for run in runs}))
        origin = Origin("bench", "0" * 64)

        def work() -> None:
            with writer.transaction() as connection:
                import_runs(connection, writer.audit, runs, actor="bench", at=Instant(0), origin=origin)

        return seconds_of(work)


def in_new_folder(work: Callable[[Path], Took]) -> Callable[[], Took]:
    def once() -> Took:
        with tempfile.TemporaryDirectory() as folder:
            return work(Path(folder))

    return once


def writing(runs: list[Run]) -> Iterator[Figure]:
    """Target 8."""
    cycles = [results(number, POINTS) for number in range(BATCHES)]
    total = sum(map(len, cycles[1:]))
    ours, raw = best(
        in_new_folder(lambda folder: committed(f"sqlite:///{folder / 'bench.db'}", folder, cycles)),
        in_new_folder(lambda folder: raw_sqlite(folder, cycles)),
    )
    yield Figure("results stored, SQLite", total / ours.wall, "rows/s")
    yield Figure(
        "· against sqlite3 executemany", raw.wall / ours.wall, "×", "≥ 0.5 ×", f"{total / raw.wall:,.0f} rows/s"
    )
    ours, raw = best(
        in_new_folder(lambda folder: imported(f"sqlite:///{folder / 'bench.db'}", folder, runs)),
        in_new_folder(lambda folder: raw_runs(folder, runs)),
    )
    yield Figure("runs imported with all checks, SQLite", len(runs) / ours.wall, "rows/s")
    against = f"{len(runs) / raw.wall:,.0f} rows/s"
    yield Figure("· against sqlite3 executemany, unchecked", raw.wall / ours.wall, "×", "≥ 0.5 ×", against)
    with postgres.running() as server:

        def ours_there(folder: Path) -> Took:
            name = server.create()
            try:
                return committed(server.url(name), folder, cycles)
            finally:
                server.drop(name)

        def core_there() -> Took:
            name = server.create()
            try:
                return core_insert(server.url(name), cycles)
            finally:
                server.drop(name)

        ours, core = best(in_new_folder(ours_there), core_there)
    yield Figure("results stored, PostgreSQL", total / ours.wall, "rows/s")
    yield Figure(
        "· against psycopg Core insert", core.wall / ours.wall, "×", "≥ 3 ×", f"{total / core.wall:,.0f} rows/s"
    )


def month_report(url: str) -> Took:
    """Return the seconds from runs to the month's rate by phase, under the whole algorithm."""
    engine = open_database(url)
    question = views.Question(MONTH, "Asia/Shanghai", Policy())
    try:

        def work() -> None:
            with reading(engine) as connection:
                accounts = views.point_seconds(connection, EVERYTHING, question)
            rate_rows(accounts, parse_by("phase"), question.policy, None, "time-weighted")

        return seconds_of(work)
    finally:
        engine.dispose()


def parts(url: str, whole: Took) -> Iterator[Figure]:
    """What the month report spends its processor time on."""
    engine = open_database(url)
    question = views.Question(MONTH, "Asia/Shanghai", Policy())
    try:
        with reading(engine) as connection:
            ledger_alone = seconds_of(lambda: views.stretches_of(connection, EVERYTHING, question))
            rows_alone = seconds_of(
                lambda: deque(timeline_inputs(connection, EVERYTHING, question.window_us), maxlen=0)
            )
            timelines = seconds_of(lambda: deque(views.timelines(connection, EVERYTHING, question), maxlen=0))
    finally:
        engine.dispose()
    yield Figure("· of it reading the ledger", ledger_alone.cpu, "s CPU")
    yield Figure("· of it reading the runs", rows_alone.cpu, "s CPU")
    yield Figure("· of it from runs to timelines", timelines.cpu - rows_alone.cpu, "s CPU")
    rest = whole.cpu - timelines.cpu - ledger_alone.cpu
    yield Figure("· of it accounts and rates", rest, "s CPU")


def store_of(folder: Path, count: int, runs: list[Run]) -> str:
    url = f"sqlite:///{folder / f'{count}.db'}"
    imported(url, folder, runs)
    return url


def report(runs: list[Run]) -> Iterator[Figure]:
    """Target 6, and target 9 for reading."""
    few = POINTS // SHARE
    part = [run for run in runs if run.point < code(few)]
    tenth = [run for run in runs if run.point < code(POINTS // 10)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small, medium, whole = (store_of(folder, *x) for x in ((few, part), (POINTS // 10, tenth), (POINTS, runs)))
        parquet = folder / "raw.parquet"
        rows = write_raw(parquet, part)
        ours, raw = best(lambda: month_report(small), lambda: raw_scan(parquet))
        what = f"month report, {few:,} points, {len(part):,} runs"
        yield Figure(what, ours.wall, "s")
        against = f"{raw.wall:.3f} s for {rows:,} rows"
        yield Figure("· against DuckDB's raw scan of as many points", ours.wall / raw.wall, "×", "≤ 0.1 ×", against)
        large, middle = best(lambda: month_report(whole), lambda: month_report(medium))
        yield Figure(f"month report, {POINTS:,} points, {len(runs):,} runs", large.wall, "s")
        yield from parts(whole, large)
        yield Figure("· 10 × the points, processor time", large.cpu / middle.cpu, "×", "≤ 11 ×")


def growth(runs: list[Run]) -> Iterator[Figure]:
    """Target 9 for writing."""
    tenth = [run for run in runs if run.point < code(POINTS // 10)]
    many, few = [results(n, POINTS) for n in range(BATCHES)], [results(n, POINTS // 10) for n in range(BATCHES)]
    large, small = best(
        in_new_folder(lambda folder: committed(f"sqlite:///{folder / 'bench.db'}", folder, many)),
        in_new_folder(lambda folder: committed(f"sqlite:///{folder / 'bench.db'}", folder, few)),
    )
    yield Figure("results stored, 10 × the points, processor time", large.cpu / small.cpu, "×", "≤ 11 ×")
    large, small = best(
        in_new_folder(lambda folder: imported(f"sqlite:///{folder / 'bench.db'}", folder, runs)),
        in_new_folder(lambda folder: imported(f"sqlite:///{folder / 'bench.db'}", folder, tenth)),
    )
    yield Figure("runs imported, 10 × the points, processor time", large.cpu / small.cpu, "×", "≤ 11 ×")


def run() -> Iterator[Figure]:
    """In this process; the database's folder is the system's temporary one."""
    runs = month_of_runs(POINTS)
    yield from writing(runs)
    yield from report(runs)
    yield from growth(runs)
