"""Rules on the store: events kept once, and a quarter's close under rules that look at points, on both databases."""

from __future__ import annotations

import json

import pytest

from console.quarters.survey import survey
from monitor.finding import InputError
from monitor.model import Event, Instant
from monitor.origin import Origin
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from monitor.store import events as stored
from monitor.store.database import connect
from settlement.canonical import canonical
from settlement.inputs import from_document, settle_inputs
from settlement.looking import EXCUSE, REPORT, months_back
from tests.stores.quarters import NOW, drafted, excluded, instant, issued, observe, ready, terms

RULES = [
    {"kind": "point-elimination", "id": "elimination", "hours": 168},
    {"kind": "daily-fee", "id": "daily", "rounding": "ceil", "days_per_month": 30, "clock": "report"},
    {
        "kind": "unit-fine",
        "id": "clock",
        "events": ["clock-off"],
        "fine": "5.00",
        "repeat": {"within_days": 30, "factors": [1, 2]},
    },
]


def event(kind: str, point: str, at: str, until: str = "", **more: object) -> Event:
    return Event(kind, point, instant(at), instant(until) if until else None, "patrol", **more)  # type: ignore[arg-type]


def add(writer, *rows: Event) -> stored.Imported:
    with writer.transaction() as connection:
        origin = Origin("events.csv", canonical([repr(rows)])[:64], [n + 2 for n in range(len(rows))])
        return stored.add(connection, writer.audit, rows, actor="巡检", at=NOW, origin=origin)


def test_events_are_kept_once(store):
    writer = ready(store)
    rows = (
        event("clock-off", "A-1", "2020-08-01T09:00:00"),
        event("clock-off", "", "2020-08-01T09:00:00", phase="p", counts=(("sample", 60),)),
    )
    assert add(writer, *rows) == (2, 0, 0)
    audits = store.rows("SELECT count(*) FROM audit")[0][0]
    assert add(writer, *rows) == (0, 0, 2)
    assert store.rows("SELECT count(*) FROM audit")[0][0] == audits
    ended = event("clock-off", "A-1", "2020-08-01T09:00:00", "2020-08-03T09:00:00")
    assert add(writer, ended) == (0, 1, 0)
    assert add(writer, rows[0]) == (0, 0, 1)  # told again without its end
    with connect(writer.engine) as connection:
        assert stored.touching(connection, EVERYTHING, (NOW, NOW + 1)) == [rows[1]]  # it has no end
        august = (instant("2020-08-02T00:00:00"), instant("2020-08-03T00:00:00"))
        assert stored.touching(connection, EVERYTHING, august) == [rows[1], ended]
        assert stored.touching(connection, EVERYTHING, august, {"other"}) == []
        assert stored.touching(connection, EVERYTHING, august, known_at=Instant(NOW - 1)) == []


def test_events_that_contradict_the_record_are_refused_together_and_nothing_is_stored(store):
    writer = ready(store)
    add(writer, event("clock-off", "A-1", "2020-08-01T09:00:00", "2020-08-02T09:00:00"))
    with pytest.raises(InputError) as caught:
        add(
            writer,
            event("clock-off", "A-1", "2020-08-01T09:00:00", "2020-08-04T09:00:00"),
            event("clock-off", "A-9", "2020-08-01T09:00:00"),
            event("clock-step", "A-1", "2020-08-01T09:00:00"),
            event("clock-off", "A-2", "2020-08-01T09:00:00"),
        )
    assert [(finding.line, finding.column) for finding in caught.value.findings] == [
        (2, "event"),
        (3, "point"),
        (4, "event"),
    ]
    assert store.rows("SELECT count(*) FROM events WHERE kind = 'clock-off'")[0][0] == 1


def test_a_survey_tells_outages_outside_exclusions_with_reports_and_excuses(store):
    writer = ready(store)
    excluded(writer, "A-1", "2020-08-10T00:00:00", "2020-08-11T00:00:00")
    add(
        writer,
        event(REPORT, "A-2", "2020-09-11T00:00:00"),
        event(EXCUSE, "A-1", "2020-08-01T00:00:00", "2020-09-01T00:00:00"),
    )
    with connect(writer.engine) as connection:
        found = survey(connection, EVERYTHING, terms(rules=RULES), parse_period("2020Q3"))
    months = found.months["p"]
    (august,) = months["2020-08"].points
    (outage,) = august.outages
    assert outage.incident == "A-1@2020-08-02T16:00:00Z"
    assert outage.offline_s == 51 * 43_200 - 86_400
    assert outage.excused
    assert outage.reported_at is None
    assert august.counted == 31 * 86_400 - 86_400
    assert months["2020-07"].points == ()
    (september,) = months["2020-09"].points
    (other,) = september.outages
    assert (other.offline_s, other.reported_s, other.excused) == (2 * 86_400, 86_400, False)
    for label, seconds in found.seconds["p"].items():
        whole = months[label].seconds
        assert whole is not None
        assert tuple(sum(part) for part in zip(*seconds.values(), strict=True)) == whole
        assert whole.total() == 4 * (parse_period(label).last.day) * 86_400


def test_a_survey_tells_what_counted_of_an_outage_before_the_month_and_lists_what_has_not_ended(store):
    writer = ready(store)
    facts = {"contract": "small", "phase": "p", "accepted_on": "2020-07-01", "billed_from": "2020-07-01"}
    store.add_points("B-1", **facts)
    observe(
        writer,
        ("B-1", "2020-09-01T00:00:00", "2020-09-30T11:59:00", "ok"),
        ("B-1", "2020-09-30T12:00:00", "2020-10-01T11:59:00", "timeout"),
        ("B-1", "2020-10-01T12:00:00", "2020-10-30T20:59:00", "ok"),
        ("B-1", "2020-10-30T21:00:00", "2020-12-01T23:59:00", "timeout"),
        ("B-1", "2020-12-02T00:00:00", "2021-01-02T00:00:00", "ok"),
        name="over",
    )
    excluded(writer, "B-1", "2020-09-30T12:00:00", "2020-09-30T18:00:00")
    excluded(writer, "B-1", "2020-11-01T00:00:00", "2020-12-01T00:00:00")
    add(
        writer,
        event(REPORT, "B-1", "2020-09-30T20:00:00", "2020-09-30T20:01:00"),
        event("clock-off", "A-3", "2020-08-20T09:00:00"),
    )
    rules = [
        {"kind": "daily-fee", "id": "daily", "rounding": "ceil"},
        {"kind": "unit-fine", "id": "clock", "events": ["clock-off"], "fine": "5.00", "open": "runs"},
    ]
    with connect(writer.engine) as connection:
        found = survey(connection, EVERYTHING, terms(rules=rules), parse_period("2020Q4"))
    months = found.months["p"]
    told = {
        label: [
            (outage.incident, outage.before_s // 3600, outage.before_reported_s, outage.offline_s // 3600)
            for point in month.points or ()
            if point.point == "B-1"
            for outage in point.outages
        ]
        for label, month in months.items()
    }
    over, long = "B-1@2020-09-30T04:00:00Z", "B-1@2020-10-30T13:00:00Z"
    assert told == {
        "2020-10": [(over, 6, 4 * 3600, 12), (long, 0, None, 27)],
        "2020-11": [(long, 27, None, 0)],  # it went on, and nothing of it counts
        "2020-12": [(long, 27, None, 24)],
    }
    assert all([event.kind for event in month.events] == ["clock-off"] for month in months.values())


def test_a_quarter_closes_under_rules_and_comes_out_of_its_frozen_inputs(store):
    writer = ready(store, terms(rules=RULES))
    add(
        writer,
        event("clock-off", "A-3", "2020-06-20T09:00:00"),
        event("clock-off", "A-3", "2020-07-05T09:00:00"),
        event("clock-off", "A-3", "2020-09-05T09:00:00"),
        event(REPORT, "A-2", "2020-09-11T00:00:00"),
    )
    issued(writer, "2020Q2")
    document = drafted(writer, "2020Q3").stored.document
    (phase,) = document["phases"]
    amounts = {(rule["rule"], rule["window"]): rule["amount"] for rule in phase["rules"]}
    assert amounts["elimination", "2020-08"] == "100.00"  # A-1 for 25.5 days
    assert amounts["daily", "2020-09"] == "3.33"  # one day after the report, of 100.00 / 30
    # the phase began in July: what came before is not looked at
    assert amounts["clock", "2020-07"] == "5.00"
    assert amounts["clock", "2020-09"] == "5.00"
    # all others were online: 1,200.00 − 100.00 − 3.333… − 10.00
    (payable,) = [line for line in phase["lines"] if line["kind"] == "payable"]
    assert payable["gross"] == "1086.67"
    assert {line["code"]: line["rules"] for line in phase["point_lines"]} == {
        "A-1": ["elimination"],
        "A-2": ["daily"],
        "A-3": ["clock"],
        "A-4": [],
    }
    ((frozen, body),) = store.rows("SELECT inputs, body FROM statements WHERE period = '2020Q3'")
    assert canonical(settle_inputs(from_document(json.loads(frozen)))[1]) == body


def test_how_far_back_a_contract_looks():
    assert months_back(terms()) == 0
    assert months_back(terms(rules=RULES)) == 2
    assert months_back(terms(breaches=[{"consecutive": 3, "grain": "quarter", "text": "x"}])) == 6
    again = {"kind": "rectification", "id": "r", "deadline_hours": 24, "rounding": "ceil", "share_per_period": "1%"}
    assert months_back(terms(rules=[again])) == 0
    assert months_back(terms(rules=[again | {"again_hours": 72}])) == 1
    # 1,000 + 2 × 72 hours: so that a fault which comes again is known to have been late, and charged
    assert months_back(terms(rules=[again | {"again_hours": 72, "deadline_hours": 1_000}])) == 2
    assert months_back(terms(escalations=[{"consecutive": 3, "factor": 2}])) == 2
