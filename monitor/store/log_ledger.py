"""What the log asks of the tables when a day is closed: the ledger as it was known, and how far runs have grown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, tuple_

from monitor.model import Instant
from monitor.period import ZONE
from monitor.store.identities import ROWS_AT_ONCE, point_ids, vantage_ids
from monitor.store.roster import known, pauses_by_point
from monitor.store.tables import occupancies, point_facts, points, runs, vantages

PRICE = "unit_price"
"""The ledger's further column 单价."""
DATES = ("accepted_on", "billed_from", "billed_until", "retired_on")
TEXTS = ("area", "contract", "phase", "supplier")


def ledger(connection: Connection, known_at: Instant, zone: str = ZONE) -> dict[str, dict[str, Any]]:
    """Return the `facts`, `pauses` and `stays` of each point with facts, as known at an instant, by code.

    Facts that change nothing of what the log keeps of them (an address) do not divide a span.
    """
    codes: dict[int, str] = {}
    found: dict[int, dict[str, Any]] = {}
    query = select(point_facts, points.c.code).join(points, points.c.id == point_facts.c.point_id)
    query = query.where(known(point_facts, known_at)).order_by(
        points.c.code, point_facts.c.valid_from, point_facts.c.id
    )
    for row in connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)).mappings():
        codes[row["point_id"]] = row["code"]
        its = found.setdefault(row["point_id"], {"facts": [], "pauses": [], "stays": []})
        facts = {name: row[name] or None for name in DATES} | {name: row[name] for name in TEXTS}
        facts |= {"category": row["class"], "price": str(json.loads(row["extra"]).get(PRICE, ""))}
        spans = its["facts"]
        if spans and spans[-1][1] == row["valid_from"] and spans[-1][2] == facts:
            spans[-1][1] = row["valid_to"]
        else:
            spans.append([row["valid_from"], row["valid_to"], facts])
    for number, pauses in pauses_by_point(connection, known_at, zone).items():
        if number in found:
            found[number]["pauses"] = [
                [pause.first.isoformat(), None if pause.until is None else pause.until.isoformat()]
                for _, pause in pauses
            ]
    o = occupancies.c
    served = select(o.point_id, o.camera_id, o.valid_from, o.valid_to).where(known(occupancies, known_at))
    for number, camera, start, end in connection.execute(served.order_by(o.point_id, o.valid_from, o.id)):
        if number in found:
            found[number]["stays"].append([str(camera), start, end])
    return {codes[number]: its for number, its in found.items()}


class Grown(NamedTuple):
    """A run as the table has it: its first and last sample and their number."""

    point: str
    vantage: str
    first: int
    last: int
    n: int


def grown(connection: Connection, wanted: Iterable[tuple[str, str, int]]) -> Iterator[Grown]:
    """Yield the runs with these points, vantages and first instants, as far as there are such runs."""
    source = iter(wanted)
    query = (
        select(points.c.code, vantages.c.name, runs.c.first_at, runs.c.last_at, runs.c.n)
        .join_from(runs, points, points.c.id == runs.c.point_id)
        .join(vantages, vantages.c.id == runs.c.vantage_id)
    )
    codes, names = point_ids(connection), vantage_ids(connection)
    key = tuple_(runs.c.point_id, runs.c.vantage_id, runs.c.first_at)
    while part := list(islice(source, ROWS_AT_ONCE)):
        keys = [
            (codes[point], names[vantage][0], first)
            for point, vantage, first in part
            if point in codes and vantage in names
        ]
        if keys:
            for row in connection.execute(query.where(key.in_(keys))):
                yield Grown(*row)
