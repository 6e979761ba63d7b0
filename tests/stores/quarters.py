"""A small contract with a year of observations in a store, and the steps of its quarters in one word each."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from console.quarters.carried import Opening
from console.quarters.quarter import Drafted, Order, draft
from console.quarters.statement_life import Action, Outcome, issue, link, reconcile, take
from console.store.tables import audit
from monitor.model import Exclusion, Instant, Run
from monitor.origin import Origin
from monitor.store import exclusions
from monitor.store.database import connect
from monitor.store.imports import import_runs
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.store import contracts, statements
from tests.stores.made import outcome

ZONE = ZoneInfo("Asia/Shanghai")
CONTRACT = "small"
POINTS = ("A-1", "A-2", "A-3", "A-4")
TODAY = date(2021, 7, 5)


def instant(text: str) -> Instant:
    return Instant(int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000)


NOW = instant("2021-07-05T09:00:00")


def sha(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def terms(**changes: Any) -> Terms:
    body: dict[str, Any] = {
        "contract": CONTRACT,
        "title": "四点位 four points",
        "tax_rate": "0.06",
        "target": "0.90",
        "prepay_share": "0.90",
        "phases": [
            {
                "id": "p",
                "unit_price": "100.00",
                "components": {"line": "60.00", "platform": "40.00"},
                "in_service_from": "2020-07-01",
                "months": 12,
            }
        ],
    }
    return Terms.model_validate(body | changes)


def observe(writer: Writer, *rows: tuple[str, str, str, str], name: str = "runs", at: Instant = NOW) -> None:
    """Import runs: (point, first, last, reason), each a sample a minute, held 65 s."""
    made = []
    for point, first, last, reason in rows:
        a, b = instant(first), instant(last)
        made.append(Run(point, "import", a, b, (b - a) // 60_000_000 + 1, outcome(reason), 65))
    with writer.transaction() as connection:
        origin = Origin(f"{name}.csv", sha(rows))
        import_runs(connection, writer.audit, made, actor="import", at=at, origin=origin)


def year(writer: Writer) -> None:
    """A-1 is down for most of August and of November, A-2 for two days of September; everything else is online."""
    down = {
        "A-1": [("2020-08-03T00:00:00", "2020-08-28T12:00:00"), ("2020-11-01T00:00:00", "2020-11-25T00:00:00")],
        "A-2": [("2020-09-10T00:00:00", "2020-09-12T00:00:00")],
    }
    rows: list[tuple[str, str, str, str]] = []
    for point in POINTS:
        start = "2020-07-01T00:00:00"
        for first, last in down.get(point, []):
            rows += [(point, start, _minute(first, -1), "ok"), (point, first, _minute(last, -1), "timeout")]
            start = last
        rows.append((point, start, "2021-07-01T00:10:00", "ok"))
    observe(writer, *rows, name="year")


def _minute(text: str, more: int) -> str:
    moment = datetime.fromtimestamp(instant(text) / 1e6 + 60 * more, ZONE)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def contract(writer: Writer, found: Terms, day: date | None = None, at: Instant = NOW) -> int:
    """Store a version and have it approved."""
    with writer.transaction() as connection:
        closed = statements.issued_quarters(connection, found.contract)
        version, _ = contracts.add(connection, writer.audit, found, day, closed, at=at, actor="录入")
        contracts.approve(connection, writer.audit, found.contract, version.version, closed, at=at, actor="批准")
    return version.version


def ready(store: Any, found: Terms | None = None) -> Writer:
    """A writer on a store with points, a year of observations and a contract in force."""
    facts = {"contract": CONTRACT, "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    store.add_points(*POINTS, **facts)
    writer: Writer = store.writer()
    year(writer)
    contract(writer, found or terms())
    return writer


def drafted(writer: Writer, quarter: str, **more: Any) -> Drafted:
    opening = more.pop("opening", Opening())
    at = more.pop("at", NOW)
    today = more.pop("today", TODAY)
    order = Order(CONTRACT, parse_quarter(quarter), opening=opening, **more)
    return draft(writer, order, today=today, at=at, actor="经办")


def action(quarter: str, actor: str, reason: str = "", at: Instant = NOW) -> Action:
    return Action(CONTRACT, quarter, actor, at, TODAY, reason)


def upto(writer: Writer, quarter: str, last: str, at: Instant = NOW) -> Outcome:
    """Walk a draft on to a step: reconcile, confirm, check, approve, issue."""
    steps = {
        "reconcile": lambda: reconcile(writer, action(quarter, "经办", at=at)),
        "confirm": lambda: take(writer, action(quarter, "供应商", at=at), "confirm"),
        "check": lambda: link(writer, action(quarter, "复核", at=at), ("check",)),
        "approve": lambda: link(writer, action(quarter, "审批", at=at), ("approve",)),
        "issue": lambda: issue(writer, action(quarter, "经办", at=at)),
    }
    for name, step in steps.items():
        done = step()
        if name == last:
            return done
    raise AssertionError(last)


def issued(writer: Writer, quarter: str, at: Instant = NOW, **more: Any) -> Outcome:
    """Draft a quarter and walk it to its issue."""
    drafted(writer, quarter, at=at, **more)
    return upto(writer, quarter, "issue", at)


def excluded(writer: Writer, point: str, start: str, end: str, at: Instant = NOW) -> None:
    """Claim an exclusion and have it approved."""
    with writer.transaction() as connection:
        row = Exclusion(point, instant(start), instant(end), "停电")
        origin = Origin("claims.csv", sha((point, start, end)))
        numbers = exclusions.claim(connection, writer.audit, [row], actor="申请", at=at, origin=origin)
        exclusions.approve(connection, writer.audit, numbers, actor="批准", at=at)


def actions(store: Any) -> list[tuple[str, str]]:
    """Every audited action on statements and disputes with who took it, oldest first."""
    with connect(store.engine) as connection, connection.begin():
        query = select(audit.c.action, audit.c.actor).order_by(audit.c.id)
        rows = [(row.action, row.actor) for row in connection.execute(query)]
    return [row for row in rows if row[0].startswith(("statement.", "dispute."))]
