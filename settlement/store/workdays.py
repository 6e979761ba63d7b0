"""Working days: chinesecalendar for the years it knows, an imported table for others and for local differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from chinese_calendar.constants import holidays  # type: ignore[import-untyped]
from chinese_calendar.constants import workdays as make_up_days
from sqlalchemy import Connection, insert, select, update

from monitor.model import Instant
from settlement.calendar import SATURDAY, Calendar, DayNote, checked_table
from settlement.store.audit import AuditSink
from settlement.store.money_tables import workdays

_table = workdays.c


@lru_cache(maxsize=1)
def built_in() -> Calendar:
    """Return what chinesecalendar knows: its years, and the days that differ from Monday to Friday."""
    years = frozenset(day.year for day in holidays)
    differing = {day: False for day in holidays if day.weekday() < SATURDAY}
    differing |= {day: True for day in make_up_days if day.weekday() >= SATURDAY}
    return Calendar(years, differing)


def calendar(connection: Connection) -> Calendar:
    """Return the calendar in force: the built-in one with the imported days over it."""
    base = built_in()
    found = {
        date.fromisoformat(row.day): bool(row.working) for row in connection.execute(select(_table.day, _table.working))
    }
    years = base.years | {day.year for day in found}
    return Calendar(frozenset(years), {**base.exceptions, **found})


def import_table(
    connection: Connection, audit: AuditSink, file: str, rows: Sequence[DayNote], *, at: Instant, actor: str
) -> tuple[int, int]:
    """Store a table of days, with its audit row; return how many days are new and how many changed.

    InputError, with everything that is wrong, for a table that `checked_table` refuses.
    """
    known = calendar(connection).years
    table = checked_table(file, rows, known)
    standing = {row.day: bool(row.working) for row in connection.execute(select(_table.day, _table.working))}
    added = [row for row in table if row.day.isoformat() not in standing]
    changed = [row for row in table if standing.get(row.day.isoformat(), row.working) is not row.working]
    if added:
        connection.execute(
            insert(workdays),
            [
                {
                    "day": row.day.isoformat(),
                    "working": int(row.working),
                    "source": row.source,
                    "recorded_at": at,
                    "actor": actor,
                }
                for row in added
            ],
        )
    for row in changed:
        connection.execute(
            update(workdays)
            .where(_table.day == row.day.isoformat())
            .values(working=int(row.working), source=row.source, recorded_at=at, actor=actor)
        )
    if added or changed:
        audit(
            connection,
            at=at,
            actor=actor,
            action="workdays.import",
            object=file,
            before={row.day.isoformat(): not row.working for row in changed},
            after={row.day.isoformat(): row.working for row in (*added, *changed)},
        )
    return len(added), len(changed)
