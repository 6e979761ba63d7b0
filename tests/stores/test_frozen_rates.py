"""Rates of past periods from what months' closes froze: those that measuring gives, and only while nothing has changed them."""

from __future__ import annotations

import hashlib
from datetime import date

import pytest
from sqlalchemy import Engine, event, insert

from console import views
from console.board.frozen import frozen
from console.board.rated import measured
from console.quarters.closing import close_month
from monitor.model import Exclusion, Instant
from monitor.origin import Origin
from monitor.period import parse_period
from monitor.scope import EVERYTHING, Scope
from monitor.store import exclusions
from monitor.store.database import reading
from monitor.store.tables import gaps, point_facts, points, vantages
from settlement.store import contracts
from tests.stores.quarters import CONTRACT, NOW, instant, ready, terms

MONTHS = ("2020-07", "2020-08", "2020-09")
CLOSED = Instant(NOW + 1_000_000)
LATER = Instant(CLOSED + 1_000_000)


def closed(store, **changes: object):
    its = terms(**changes)
    writer = ready(store, its)
    for month in MONTHS:
        close_month(writer, its, month, CLOSED)
    return writer, its


def taken(engine: Engine, its, period: str, scope: Scope = EVERYTHING):
    with reading(engine) as connection:
        return frozen(connection, its, parse_period(period), scope)


@pytest.mark.parametrize("unknown", ["excluded", "online", "offline"])
def test_frozen_seconds_are_those_that_measuring_gives(store, unknown: str):
    _, its = closed(store, policy={"unknown": unknown})
    for period in ("2020-08", "2020Q3", "2020-07-01..2020-08-31"):
        with reading(store.engine) as connection:
            rates = views.phase_rates(connection, EVERYTHING, its, parse_period(period))
        found = taken(store.engine, its, period)
        assert found.keys() == rates.keys() and found
        for phase, tally in found.items():
            rate = rates[phase]
            assert (tally.good, tally.counted, tally.unknown, tally.excluded) == (
                rate.good,
                rate.counted,
                rate.unknown,
                rate.excluded,
            )
            assert (tally.worst, tally.best) == (rate.worst, rate.best)


def test_no_run_is_read_for_a_closed_quarter(store):
    _, its = closed(store)
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with reading(store.engine) as connection:
        rows = measured(connection, (its,), CONTRACT, "2020Q3", EVERYTHING)
    assert rows and rows[0].tally.counted and not any("runs" in statement for statement in asked)


@pytest.mark.parametrize("period", ["2020Q4", "2020-10", "2020-07-01..2020-07-15"])
def test_what_is_not_closed_is_not_taken(store, period: str):
    _, its = closed(store)
    assert taken(store.engine, its, period) == {}


def test_who_does_not_see_every_point_gets_nothing_of_it(store):
    _, its = closed(store)
    for scope in (Scope(contracts=frozenset({CONTRACT})), Scope(areas=frozenset({"x"})), Scope(supplier="x")):
        assert taken(store.engine, its, "2020Q3", scope) == {}


def test_what_was_approved_since_is_measured(store):
    writer, its = closed(store)
    with reading(store.engine) as connection:
        before = measured(connection, (its,), CONTRACT, "2020-08", EVERYTHING)[0].tally
    row = Exclusion("A-1", instant("2020-08-01T00:00:00"), instant("2020-08-31T00:00:00"), "割接")
    origin = Origin("x.csv", hashlib.sha256(b"x").hexdigest(), [2])
    with writer.transaction() as connection:
        numbers = exclusions.claim(connection, writer.audit, [row], actor="甲", at=LATER, origin=origin)
    with writer.transaction() as connection:
        exclusions.approve(connection, writer.audit, numbers, actor="乙", at=LATER)
    assert taken(store.engine, its, "2020-08") == {}
    with reading(store.engine) as connection:
        after = measured(connection, (its,), CONTRACT, "2020-08", EVERYTHING)[0].tally
    assert after.excluded > before.excluded and after.counted < before.counted


@pytest.mark.parametrize("what", ["facts", "facts of a later time", "gap", "gap elsewhere", "agent", "terms"])
def test_whatever_could_change_it_makes_it_be_measured(store, what: str):
    writer, its = closed(store)
    with writer.transaction() as connection:
        number = connection.execute(points.select()).first().id
        vantage = connection.execute(vantages.select()).first().id
        if what.startswith("facts"):
            begins = instant("2020-08-15T00:00:00" if what == "facts" else "2020-10-15T00:00:00")
            told = {"valid_from": begins, "recorded_at": LATER, "actor": "x", "point_id": number}
            connection.execute(insert(point_facts).values(told))
        elif what.startswith("gap"):
            start = instant("2020-09-30T23:00:00" if what == "gap" else "2020-10-02T00:00:00")
            row = {"vantage_id": vantage, "start_at": start, "end_at": start + 60_000_000, "cause": "stopped"}
            connection.execute(insert(gaps).values(recorded_at=LATER, **row))
        elif what == "agent":
            connection.execute(insert(vantages).values(name="街道", kind="agent"))
        else:
            other = its.model_copy(update={"target": its.target / 2})
            day = date(2021, 1, 1)
            version, _ = contracts.add(connection, writer.audit, other, day, (), at=LATER, actor="甲")
            contracts.approve(connection, writer.audit, CONTRACT, version.version, (), at=LATER, actor="乙")
    still = taken(store.engine, its, "2020Q3") != {}
    assert still is (what in {"facts of a later time", "gap elsewhere"})
