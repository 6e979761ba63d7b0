"""Budget projects in the store: a changed figure is a further revision of the project's year."""

from __future__ import annotations

import json
from dataclasses import replace

from sqlalchemy import Connection, Row, insert, select

from monitor.finding import InputError
from monitor.model import Instant
from settlement.budget import BudgetYear, budget_findings
from settlement.canonical import canonical
from settlement.store.audit import AuditSink
from settlement.store.money_tables import budgets

_table = budgets.c


def newest(connection: Connection, project: str, year: int) -> BudgetYear | None:
    """Return a project's year as last recorded; None if there is none."""
    query = select(budgets).where(_table.project == project, _table.year == year)
    row = connection.execute(query.order_by(_table.revision.desc()).limit(1)).one_or_none()
    return None if row is None else _budget(row)


def listed(connection: Connection, project: str | None = None) -> list[BudgetYear]:
    """Return all projects' years as last recorded, by project and year."""
    query = select(budgets).order_by(_table.project, _table.year, _table.revision)
    if project is not None:
        query = query.where(_table.project == project)
    return list({(row.project, row.year): _budget(row) for row in connection.execute(query)}.values())


def save(connection: Connection, audit: AuditSink, budget: BudgetYear, *, at: Instant, actor: str) -> BudgetYear:
    """Store a project's year as a further revision, with its audit row; the same figures again add nothing.

    InputError for impossible figures. Returns it with its revision.
    """
    if errors := [finding for finding in budget_findings(budget) if finding.level == "error"]:
        raise InputError(errors)
    standing = newest(connection, budget.project, budget.year)
    revision = 0 if standing is None else standing.revision + 1
    if standing is not None and replace(budget, revision=standing.revision) == standing:
        return standing
    stored = replace(budget, revision=revision)
    connection.execute(
        insert(budgets).values(
            project=stored.project,
            year=stored.year,
            revision=revision,
            name=stored.name,
            unit=stored.unit,
            initial_fen=stored.initial_fen,
            adjusted_fen=stored.adjusted_fen,
            in_place_fen=stored.in_place_fen,
            functional=stored.functional,
            economic=stored.economic,
            contracts=canonical(list(stored.contracts)),
            recorded_at=at,
            actor=actor,
        )
    )
    audit(
        connection,
        at=at,
        actor=actor,
        action="budget.set",
        object=f"{budget.project} {budget.year}",
        before=None if standing is None else _figures(standing),
        after=_figures(stored),
    )
    return stored


def _figures(budget: BudgetYear) -> dict[str, object]:
    return {
        "revision": budget.revision,
        "initial_fen": budget.initial_fen,
        "adjusted_fen": budget.adjusted_fen,
        "in_place_fen": budget.in_place_fen,
        "contracts": list(budget.contracts),
    }


def _budget(row: Row[tuple[object, ...]]) -> BudgetYear:
    return BudgetYear(
        project=row.project,
        year=row.year,
        initial_fen=row.initial_fen,
        adjusted_fen=row.adjusted_fen,
        in_place_fen=row.in_place_fen,
        name=row.name,
        unit=row.unit,
        functional=row.functional,
        economic=row.economic,
        contracts=tuple(json.loads(row.contracts)),
        revision=row.revision,
    )
