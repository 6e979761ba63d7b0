"""The store's peers, doing the same work: raw sqlite3, SQLAlchemy Core through psycopg, DuckDB over raw results."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import duckdb
from sqlalchemy import BigInteger, Column, MetaData, Table, create_engine, insert

from monitor.model import MICROSECONDS, Reason, Run, Sample
from tests.bench.city import POINTS, Took, code, seconds_of

_ROW = tuple[int, int, int, int, int, int]


def _rows(cycle: list[Sample], ids: dict[str, int]) -> list[_ROW]:
    return [(ids[s.point], 1, s.at, 1 if s.outcome.reason is Reason.OK else 2, s.valid_s, s.took_us) for s in cycle]


def raw_sqlite(folder: Path, cycles: list[list[Sample]]) -> Took:
    """Return the seconds in which sqlite3's executemany makes the same results durable, one keyed row each."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "CREATE TABLE results (point INTEGER, vantage INTEGER, at INTEGER, outcome INTEGER, valid_s INTEGER,"
            " took_us INTEGER, PRIMARY KEY (point, vantage, at)) WITHOUT ROWID"
        )
        ids = {code(n): n + 1 for n in range(POINTS)}

        def work() -> None:
            for cycle in cycles[1:]:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO results VALUES (?, ?, ?, ?, ?, ?)", _rows(cycle, ids))
                connection.execute("COMMIT")

        return seconds_of(work)
    finally:
        connection.close()


def raw_runs(folder: Path, runs: list[Run]) -> Took:
    """Return the seconds in which sqlite3's executemany stores the same runs unchecked, in the same kind of table."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    try:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(
            "CREATE TABLE runs (point_id INTEGER, vantage_id INTEGER, first_at INTEGER, last_at INTEGER, n INTEGER,"
            " outcome_id INTEGER, valid_s INTEGER, PRIMARY KEY (point_id, vantage_id, first_at))"
        )
        ids = {code(n): n + 1 for n in range(POINTS)}

        def work() -> None:
            rows = [
                (ids[r.point], 1, r.first, r.last, r.count, 1 if r.outcome.reason is Reason.OK else 2, r.valid_s)
                for r in runs
            ]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

        return seconds_of(work)
    finally:
        connection.close()


def core_insert(url: str, cycles: list[list[Sample]]) -> Took:
    """Return the seconds in which SQLAlchemy Core's insert through psycopg makes the same results durable."""
    names = ("point", "vantage", "at", "outcome", "valid_s", "took_us")
    keyed = {"point", "vantage", "at"}
    tables = MetaData()
    table = Table(
        "results", tables, *(Column(n, BigInteger, primary_key=n in keyed, autoincrement=False) for n in names)
    )
    engine = create_engine(url)
    try:
        tables.create_all(engine)
        ids = {code(n): n + 1 for n in range(POINTS)}
        with engine.connect() as connection:

            def work() -> None:
                for cycle in cycles[1:]:
                    rows = [dict(zip(names, row, strict=True)) for row in _rows(cycle, ids)]
                    with connection.begin():
                        connection.execute(insert(table), rows)

            return seconds_of(work)
    finally:
        engine.dispose()


def raw_scan(parquet: Path) -> Took:
    """Return the seconds in which DuckDB counts a raw month per point."""
    with duckdb.connect() as connection:
        query = f"SELECT point, count(*) FILTER (online), count(*) FROM '{parquet}' GROUP BY point"
        return seconds_of(lambda: connection.execute(query).fetchall())


def write_raw(parquet: Path, runs: list[Run]) -> int:
    """Write every result of the runs as a row, by point and time; return how many."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE runs (point INTEGER, first BIGINT, n BIGINT, online BOOLEAN)")
        text = ",".join(
            f"({int(r.point[1:])},{r.first // MICROSECONDS},{r.count},{r.outcome.reason is Reason.OK})" for r in runs
        )
        connection.execute(f"INSERT INTO runs VALUES {text}")
        connection.execute(
            "COPY (SELECT point, first + 60 * unnest(range(n)) AS t, online, CAST(random() * 30000 AS USMALLINT) AS rtt"
            f" FROM runs ORDER BY point, t) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)"
        )
        found = connection.execute(f"SELECT count(*) FROM '{parquet}'").fetchone()
    assert found is not None
    assert found[0] == sum(r.count for r in runs)
    return int(found[0])
