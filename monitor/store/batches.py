"""Which batches there are, what they hold, and dropping those that the raw archive has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, delete, func, select

from monitor.finding import refuse
from monitor.store.batch import Columns, columns_of
from monitor.store.tables import batches, log_batches, points, projections, vantages

AT_ONCE = 200
"""Bodies read at once: a batch is small, a day's are not."""
ROWS_AT_ONCE = 10_000


class Listed(NamedTuple):
    """A batch without its content: instants in microseconds, `n` results."""

    seq: int
    first_at: int
    last_at: int
    n: int


def sources(connection: Connection) -> dict[str, tuple[int, int, int]]:
    """Return row number, lowest and highest batch number of every vantage that has batches, by name."""
    query = (
        select(vantages.c.name, vantages.c.id, func.min(batches.c.seq), func.max(batches.c.seq))
        .join(batches, batches.c.vantage_id == vantages.c.id)
        .group_by(vantages.c.name, vantages.c.id)
        .order_by(vantages.c.name)
    )
    return {name: (number, low, high) for name, number, low, high in connection.execute(query)}


def listed(connection: Connection, vantage_id: int, after: int) -> Iterator[Listed]:
    """Yield a vantage's batches with a number greater than `after`, by number."""
    query = (
        select(batches.c.seq, batches.c.first_at, batches.c.last_at, batches.c.n)
        .where(batches.c.vantage_id == vantage_id, batches.c.seq > after)
        .order_by(batches.c.seq)
    )
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as found:
        for row in found:
            yield Listed(*row)


def contents(
    connection: Connection, vantage: tuple[int, str], ranges: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, Columns]]:
    """Yield number and columns of a vantage's batches in ranges [first, last] of numbers. InputError names a damaged one."""
    number, name = vantage
    for first, last in ranges:
        query = (
            select(batches.c.seq, batches.c.sha256, batches.c.body)
            .where(batches.c.vantage_id == number, batches.c.seq >= first, batches.c.seq <= last)
            .order_by(batches.c.seq)
        )
        with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as found:
            for seq, sha256, body in found:
                yield seq, _whole(name, seq, sha256, body)


def _whole(vantage: str, seq: int, sha256: str, body: bytes) -> Columns:
    try:
        return columns_of(body, sha256)
    except ValueError as error:
        message = f"批次损坏 batch {seq} of {vantage}: {error}"
        remedy = "从备份恢复数据库 restore the database from a backup"
        raise refuse(message, remedy, column="batches") from None


def point_codes(connection: Connection) -> list[str]:
    """Return the codes of all points, by bytes."""
    return list(connection.scalars(select(points.c.code).order_by(points.c.code)))


def projected(connection: Connection) -> dict[str, int]:
    """Return by vantage the number up to which the runs hold every batch."""
    return _reached(connection, projections.c.vantage_id, projections.c.projected_seq)


def covered(connection: Connection) -> dict[str, int]:
    """Return by vantage the number up to which the evidence log has a record of every batch."""
    return _reached(connection, log_batches.c.vantage_id, log_batches.c.seq)


def _reached(connection: Connection, whose: Column[int], upto: Column[int]) -> dict[str, int]:
    query = select(vantages.c.name, upto).join(vantages, vantages.c.id == whose)
    return {row[0]: row[1] for row in connection.execute(query)}


def drop(connection: Connection, vantage_id: int, first: int, last: int) -> int:
    """Delete a vantage's batches from number `first` to `last` and return how many there were."""
    gone = connection.execute(
        delete(batches).where(batches.c.vantage_id == vantage_id, batches.c.seq >= first, batches.c.seq <= last)
    )
    return gone.rowcount


def held(connection: Connection, vantage_id: int, first: int, last: int) -> tuple[int, int]:
    """Return how many of a vantage's batches from number `first` to `last` are there, and how many results they hold."""
    query = select(func.count(), func.coalesce(func.sum(batches.c.n), 0)).where(
        batches.c.vantage_id == vantage_id, batches.c.seq >= first, batches.c.seq <= last
    )
    count, results = connection.execute(query).one()
    return int(count), int(results)
