"""A small city of two suppliers under two contracts in two areas: whoever is limited to the north must never see the south.

Every text of the south that no address asks for is a canary. What is seeded goes through the product's own functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Any
from urllib.parse import quote

from aiohttp.test_utils import TestClient
from sqlalchemy import func, insert, select

from config.settings import Settings
from console.app.database import open_writer
from console.app.parts import Parts, other_ways
from console.quarters.carried import Opening
from console.quarters.quarter import Order, draft
from console.quarters.statement_life import Action, issue, link, reconcile, take
from console.store import accounts
from console.store.tables import audit
from console.web.access import Person, Role
from console.web.openapi import PARAMETER
from console.web.routes import Route
from monitor.model import Instant, Run
from monitor.origin import Origin
from monitor.scope import EVERYTHING, Scope
from monitor.store.database import open_database, reading
from monitor.store.imports import import_runs
from monitor.store.tables import point_facts, points
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.store import contracts, invoices
from tests.site_app import person, site_client
from tests.stores.made import outcome
from tests.stores.quarters import instant

QUARTER = "2020Q3"
AT = instant("2020-10-09T10:00:00")
TODAY = date(2020, 10, 9)
SIDES: Mapping[str, Mapping[str, str]] = {
    "north": {"code": "N-{}", "supplier": "城北承建", "area": "城北街道", "name": "城北点位", "price": "100.00"},
    "south": {"code": "S-{}", "supplier": "城南承建", "area": "城南街道", "name": "机密点位", "price": "7654.32"},
}
CANARIES = ("机密", "城南", "7654.32", "7,654.32", "SOUTH-INVOICE", "10.99.88.7")
"""What stands in the south's records and in no address that a test asks for."""
SOUTHERN_CODES = ("S-1", "S-2", "S-3")

_NORTH = Scope(frozenset({"north"}), None, None)
LIMITED: Mapping[str, Person] = {
    "supplier-north": person(
        "supplier-north", Role.SUPPLIER, scope=Scope(frozenset({"north"}), None, SIDES["north"]["supplier"])
    ),
    "evaluator-north": person("evaluator-north", Role.EVALUATOR, scope=_NORTH),
    "handler-north": person("handler-north", Role.HANDLER, scope=_NORTH),
    "duty-north": person(
        "duty-north", Role.OPERATIONS, scope=Scope(frozenset({"north"}), frozenset({"城北街道"}), None)
    ),
    "leader-north": person("leader-north", Role.LEADER, scope=_NORTH),
}
"""Persons who may see the north only."""
WHOLE: Mapping[str, Person] = {role.value: person(role.value, role, scope=EVERYTHING) for role in Role}
"""Somebody of every role who may see everything; the supplier is the north's."""
PERSONS: Mapping[str, Person] = {
    **WHOLE,
    "supplier": person("supplier", Role.SUPPLIER, scope=LIMITED["supplier-north"].scope),
    **LIMITED,
}
NOBODY = ""

_VALUES: Mapping[str, tuple[str, str]] = {
    "code": ("N-1", "S-1"),
    "point": ("N-1", "S-1"),
    "contract": ("north", "south"),
    "supplier": ("城北承建", "城南承建"),
    "area": ("城北街道", "城南街道"),
}
_SAME: Mapping[str, str] = {
    "quarter": QUARTER,
    "period": QUARTER,
    "month": "2020-08",
    "year": "2020",
    "day": "2020-08-03",
    "date": "2020-08-03",
    "due": f"north/{QUARTER}/prepay",
    "start": "1596384000",
    "version": "1",
    "revision": "1",
    "number": "1",
    "n": "0",
    "id": "1",
    "kind": "xlsx",
    "what": "document",
    "sha": "0" * 64,
    "digest": "0" * 64,
}
FOREIGN_NAMES = frozenset({"code", "point", "contract"})
"""A path with one of these names a foreign object plainly: it must be 404."""


_BESIDE: Mapping[str, str] = {"contracts": "contract", "points": "code"}
"""What stands after such a part of a path, whatever its name there."""


def _meant(route: Route, found: re.Match[str]) -> str:
    before = route.path[: found.start()].rstrip("/").rpartition("/")[2]
    return found[1] if found[1] in _VALUES else _BESIDE.get(before, found[1])


def address(route: Route, *, foreign: bool = False, number: str = "") -> str:
    """Return an address of a route, of the north or of the south; `number` stands in for numbers and unknown names."""

    def value(found: re.Match[str]) -> str:
        name, pattern = _meant(route, found), found[2] or ".+"
        if name in _VALUES:
            return quote(_VALUES[name][foreign], safe="")
        wanted = _SAME.get(name, "1")
        if name == "due" and foreign:
            wanted = wanted.replace("north", "south")
        if number and wanted.isdigit():
            wanted = number
        sizes = [int(n) for n in re.findall(r"\{(?:\d+,)?(\d+)\}", pattern)]
        tries = [wanted, *pattern.split("|"), "1", *("0" * n for n in sizes)]
        fitting = [word for word in tries if re.fullmatch(pattern, word)]
        assert fitting, f"{route.path}: nothing known fits {found[0]} → give its name a value in tests/two_suppliers.py"
        return quote(fitting[0], safe="/")

    return PARAMETER.sub(value, route.path)


def names(route: Route) -> set[str]:
    """Return what a route's path names."""
    return {_meant(route, found) for found in PARAMETER.finditer(route.path)}


def seed(settings: Settings) -> None:
    """Fill the settings' database."""
    with open_writer(settings) as writer:
        for name, somebody in PERSONS.items():
            until = Instant(AT + 90 * 86_400_000_000) if Role.EVALUATOR in somebody.roles else None
            terms = accounts.Terms(somebody.display, somebody.roles, somebody.scope, until)
            accounts.add(writer, name, terms, password="no hash", must_change=False, at=AT, actor="test")
        for contract, side in SIDES.items():
            _points(writer, contract, side)
            _runs(writer, contract, side)
            _contract(writer, contract, side)
            _statement(writer, contract)
            with writer.transaction() as connection:
                invoices.add(
                    connection,
                    writer.audit,
                    number=f"{contract.upper()}-INVOICE",
                    contract=contract,
                    due="",
                    gross_fen=10_600,
                    tax_fen=None,
                    issued_on=date(2020, 10, 8),
                    document_sha="",
                    at=AT,
                    actor="handler",
                )


def _points(writer: Writer, contract: str, side: Mapping[str, str]) -> None:
    facts = {
        "contract": contract,
        "phase": "p",
        "accepted_on": "2020-07-01",
        "billed_from": "2020-07-01",
        "supplier": side["supplier"],
        "area": side["area"],
        "class": "1",
        "lon_e7": 1_158_000_000,
        "lat_e7": 286_000_000,
    }
    with writer.transaction() as connection:
        for n in (1, 2, 3):
            number = connection.execute(
                insert(points).values(code=side["code"].format(n)).returning(points.c.id)
            ).scalar_one()
            name = f"{side['name']}{n}"
            held = {"point_id": number, "valid_from": 0, "recorded_at": 0, "actor": "duty", "name": name, **facts}
            held["address"] = f"{side['area']}{n}号"
            connection.execute(insert(point_facts).values(held))


def _runs(writer: Writer, contract: str, side: Mapping[str, str]) -> None:
    made = []
    first, down, up, last = (
        instant(text)
        for text in ("2020-07-01T00:00:00", "2020-08-03T00:00:00", "2020-08-09T00:00:00", "2020-10-09T09:59:00")
    )
    minute = 60_000_000
    for n in (1, 2, 3):
        spans = [(first, last, "ok")]
        if n == 1:
            spans = [(first, Instant(down - minute), "ok"), (down, Instant(up - minute), "timeout"), (up, last, "ok")]
        for start, end, reason in spans:
            count = (end - start) // minute + 1
            made.append(Run(side["code"].format(n), "import", start, end, count, outcome(reason), 86_400))
    with writer.transaction() as connection:
        origin = Origin(f"{contract}.csv", contract.encode().hex().ljust(64, "0"))
        import_runs(connection, writer.audit, made, actor="duty", at=Instant(AT - 1_000_000), origin=origin)


def _contract(writer: Writer, contract: str, side: Mapping[str, str]) -> None:
    terms = Terms.model_validate(
        {
            "contract": contract,
            "title": f"{side['name']}租赁合同",
            "purchaser": "公安局",
            "supplier": side["supplier"],
            "tax_rate": "0.06",
            "target": "0.90",
            "prepay_share": "0.90",
            "phases": [
                {
                    "id": "p",
                    "title": f"{side['name']}一期",
                    "unit_price": side["price"],
                    "components": {"line": side["price"]},
                    "in_service_from": "2020-07-01",
                    "months": 12,
                }
            ],
        }
    )
    with writer.transaction() as connection:
        version, _ = contracts.add(connection, writer.audit, terms, None, [], at=AT, actor="handler")
        contracts.approve(connection, writer.audit, contract, version.version, [], at=AT, actor="approver")


def _statement(writer: Writer, contract: str) -> None:
    quarter = parse_quarter(QUARTER)
    draft(writer, Order(contract, quarter, opening=Opening(computed=True)), today=TODAY, at=AT, actor="handler")
    act = lambda actor: Action(contract, QUARTER, actor, AT, TODAY, "")  # noqa: E731
    reconcile(writer, act("handler"))
    take(writer, act("supplier"), "confirm")
    link(writer, act("checker"), ("check",))
    link(writer, act("approver"), ("approve",))
    if contract == "south":
        issue(writer, act("handler"))


def audited(settings: Settings) -> int:
    """Return how many audit rows there are."""
    engine = open_database(settings.url)
    try:
        with reading(engine) as connection:
            return connection.scalar(select(func.count()).select_from(audit)) or 0
    finally:
        engine.dispose()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve the seeded city to PERSONS with every part that chapters need."""
    workers = ThreadPoolExecutor(max_workers=1)
    parts = Parts(settings, lambda: AT, workers, [], other_ways(settings))
    await parts.start()
    try:
        async with site_client(settings, PERSONS, at=AT, more=parts.by_type) as client:
            yield client
    finally:
        await parts.stop()
        workers.shutdown()


def leaked(text: str, asked: str) -> list[str]:
    """Return what of the south stands in an answer to somebody who may not see it, and was not in the asked address."""
    return [word for word in (*CANARIES, *SOUTHERN_CODES) if word in text and word not in asked]


def shown(text: str) -> str:
    """Return an answer's text with JSON's escapes undone, so that no canary hides in them."""
    with suppress(ValueError):
        return json.dumps(json.loads(text), ensure_ascii=False)
    return text
