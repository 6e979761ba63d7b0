"""A table's filters under a name, each person's own. Saving under a known name replaces what it meant."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from console.store.tables import saved_views
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.writer import Writer

MAX_VIEWS = 50
MAX_NAME, MAX_QUERY = 40, 2_000
_table = saved_views.c


class SavedView(NamedTuple):
    """A saved view: `query` is the address's query without its question mark."""

    id: int
    name: str
    query: str


def views_of(connection: Connection, person: str, table: str) -> list[SavedView]:
    """Return a person's views of a table, by name."""
    query = select(_table.id, _table.name, _table.query).where(_table.person == person, _table.table == table)
    return [SavedView(*row) for row in connection.execute(query.order_by(_table.name))]


def save(writer: Writer, person: str, table: str, name: str, query: str, *, at: Instant) -> None:
    """Keep a query under a name. InputError: no name, too long, or more than MAX_VIEWS."""
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise refuse(f"名称须 1–{MAX_NAME} 个字 a name of that length", "改短 shorten it", column="name")
    if len(query) > MAX_QUERY:
        raise refuse("筛选条件过长 the filters are too long", "减少条件 use fewer", column="name")
    with writer.transaction() as connection:
        its = (_table.person == person, _table.table == table)
        before = connection.execute(select(_table.id, _table.query).where(*its, _table.name == name)).one_or_none()
        if before is not None:
            connection.execute(update(saved_views).where(_table.id == before.id).values(query=query, at=at))
        else:
            if (connection.scalar(select(func.count()).where(*its)) or 0) >= MAX_VIEWS:
                raise refuse(
                    f"已有 {MAX_VIEWS} 个筛选 there are as many already", "先删去一些 remove some", column="name"
                )
            row = {"person": person, "table": table, "name": name, "query": query, "at": at}
            connection.execute(insert(saved_views).values(row))
        writer.audit(
            connection,
            at=at,
            actor=person,
            action="view.save",
            object=f"{table}/{name}",
            before=None if before is None else {"query": before.query},
            after={"query": query},
        )


def remove(writer: Writer, person: str, table: str, number: int, *, at: Instant) -> bool:
    """Remove one of a person's own views; tell whether there was one."""
    with writer.transaction() as connection:
        its = (_table.person == person, _table.table == table, _table.id == number)
        before = connection.execute(select(_table.name, _table.query).where(*its)).one_or_none()
        if before is None:
            return False
        connection.execute(delete(saved_views).where(*its))
        writer.audit(
            connection,
            at=at,
            actor=person,
            action="view.remove",
            object=f"{table}/{before.name}",
            before={"query": before.query},
            after=None,
        )
    return True
