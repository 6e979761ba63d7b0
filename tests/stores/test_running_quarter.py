"""The running quarter to date under contracts that look at months, points and events, on both databases."""

from __future__ import annotations

import hashlib
from datetime import date

from console.quarters.accruing import running_quarter
from monitor.model import Event
from monitor.origin import Origin
from monitor.store import events
from monitor.store.database import reading
from tests.stores.quarters import CONTRACT, NOW, instant, ready, terms

FINE = {"kind": "unit-fine", "id": "clock", "events": ["clock-off"], "fine": "5.00"}
ELIMINATION = {"kind": "point-elimination", "id": "elimination", "hours": 168}


def with_events(store, **changes: object):
    writer = ready(store, terms(**changes))
    rows = [
        Event("clock-off", "A-3", instant(f"{day}T09:00:00"), instant(f"{day}T10:00:00"), "patrol")
        for day in ("2020-07-05", "2020-08-05", "2020-09-20")
    ]
    with writer.transaction() as connection:
        origin = Origin("e.csv", hashlib.sha256(b"e").hexdigest(), [2, 3, 4])
        events.add(connection, writer.audit, rows, actor="巡检", at=NOW, origin=origin)
    return writer


def to_date(store, today: date):
    with reading(store.engine) as connection:
        return running_quarter(connection, {CONTRACT}, today)


def test_months_are_judged_one_by_one_and_the_running_one_through_yesterday(store):
    with_events(store, grain="month", rules=[FINE])
    [row], findings = to_date(store, date(2020, 9, 16))
    # July is whole. Of August's 124 point-days A-1 was down 25.5, of 60 in September A-2 two; half of September is billed.
    # Two events by then; that of 20 September is not yet.
    assert [finding for finding in findings if finding.level == "error"] == []
    assert row.full_fen == 40_000 + 40_000 + 20_000
    assert row.deduction_fen == 500 + (8_226 + 500) + 667
    assert row.payable_fen == row.full_fen - row.deduction_fen


def test_a_rule_on_points_takes_them_from_the_outages_so_far(store):
    with_events(store, grain="month", rules=[ELIMINATION])
    [before], _ = to_date(store, date(2020, 8, 3))
    assert before.deduction_fen == 0
    [after], _ = to_date(store, date(2020, 9, 1))
    assert after.full_fen == 80_000
    assert after.deduction_fen == 10_000  # A-1's whole August, and no rate is left to pay for it again


def test_rules_by_quarter_give_figures_too(store):
    with_events(store, rules=[{**FINE, "grain": "quarter"}])
    [row], _ = to_date(store, date(2020, 9, 1))
    plain = 80_000 * 255 / 2_480
    assert row.deduction_fen == round(plain + 1_000)
