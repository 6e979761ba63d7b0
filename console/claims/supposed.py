"""The store as it will be once somebody has approved claims, for one connection alone and without writing anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text, update

from monitor.model import Instant
from monitor.store.database import connect, open_database
from monitor.store.tables import exclusions

WHO = "（试算 supposed）"


@contextmanager
def scratch(url: str) -> Iterator[Connection]:
    """Give a connection with one snapshot of the store on which `suppose` works; whatever is done to it is rolled back.

    InputError if there is no database that can be opened.
    """
    engine = open_database(url)
    try:
        with connect(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()
    finally:
        engine.dispose()


def suppose(connection: Connection, numbers: Sequence[int], at: Instant) -> None:
    """Let these claims and withdrawals count as approved at an instant, for all that this connection reads from now on.

    A temporary table takes the place of the claims' table: on both databases its name comes before the stored one's, so
    that every read model sees what it will see, and no lock of the store is taken.
    """
    connection.execute(text("CREATE TEMPORARY TABLE exclusions AS SELECT * FROM exclusions"))
    connection.execute(
        update(exclusions)
        .where(exclusions.c.id.in_(numbers), exclusions.c.approved_by.is_(None))
        .values(approved_by=WHO, approved_at=at)
    )
