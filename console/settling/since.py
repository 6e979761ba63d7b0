"""What came between two statements: the decisions and data recorded since an earlier one that an adjustment line rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from console import views
from console.quarters.record import period_of
from console.store.tables import audit
from console.web.words import N_
from monitor.model import Instant
from monitor.scope import EVERYTHING
from monitor.store.exclusions import exclusions_for
from monitor.store.reclassifications import reclassified
from settlement.authority import periods_in
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.store import authority

MOST = 200
EXCLUDED, NO_MORE, GIVEN, NOT_GIVEN = N_("同意剔除"), N_("撤销剔除"), N_("补判"), N_("撤销补判")
FILE, TAKEN_BACK, IMPORTED = N_("公安数据核对"), N_("公安数据撤回"), N_("导入监测记录")
IMPORTS = ("runs.import",)


class Since(NamedTuple):
    """One thing that was decided or came in; `kind` is a message id. `file` is the authority's file, if it is one."""

    kind: str
    point: str
    start: Instant | None
    end: Instant | None
    text: str
    file: int | None = None


def since(connection: Connection, terms: Terms, quarter: Quarter, was: Instant, now: Instant) -> Sequence[Since]:
    """Return what was recorded after `was`, until `now`, of a quarter of the contract's points; at most 200 things."""
    then = views.Question(period_of(quarter), terms.zone, terms.policy, known_at=was)
    ours = {point.code for point in views.contract_roster(connection, EVERYTHING, terms, then)}
    window = then.window_us
    found: list[Since] = []
    pairs = ((exclusions_for, EXCLUDED, NO_MORE), (reclassified, GIVEN, NOT_GIVEN))
    for read, more, less in pairs:
        before, after = (read(connection, EVERYTHING, window, at) for at in (was, now))
        for kind, rows, others in ((more, after, before), (less, before, after)):
            rest = set(others)
            found += [
                Since(kind, row.point, row.start, row.end, row.cause)
                for row in rows
                if row not in rest and row.point in ours
            ]
    wanted = set(periods_in(quarter))
    for file in authority.list_files(connection, terms.contract):
        for kind, at in ((FILE, file.checked_at), (TAKEN_BACK, file.withdrawn_at)):
            if at is not None and was < at <= now:
                if wanted & {figure.period for figure in authority.figures_of(connection, file)}:
                    found.append(Since(kind, "", None, None, file.reference or file.name, file.id))
    table = audit.c
    imports = select(table.object).where(table.action.in_(IMPORTS), table.at > was, table.at <= now).order_by(table.id)
    found += [Since(IMPORTED, "", None, None, str(text)) for text in connection.scalars(imports.limit(MOST))]
    return found[:MOST]
