"""Reclassifications: two people, a document, unknown time only; timelines, rates and what was known follow."""

from __future__ import annotations

import hashlib
import json
import random

import pytest
from sqlalchemy import insert, update

from console import views
from console.claims import correcting
from monitor.canonical import canonical
from monitor.finding import InputError
from monitor.model import Exclusion, Gap, Reclassification, State
from monitor.origin import Origin
from monitor.period import parse_period
from monitor.scope import EVERYTHING, Scope
from monitor.store import exclusions as stored_exclusions
from monitor.store.claims import approve, listed, revoke
from monitor.store.database import connect, reading
from monitor.store.imports import import_runs
from monitor.store.queries import timeline_inputs
from monitor.store.reclassifications import claim, reclassified
from monitor.store.tables import exclusions
from monitor.timeline import Policy, build, build_alone
from tests.stores.made import T0, at, run

NOWHERE = Origin()
REPORT = hashlib.sha256(b"report").hexdigest()
NOW = at(200_000)
ON, OFF = State.ONLINE, State.OFFLINE
ZONE = "Asia/Shanghai"
DAY = views.Question(parse_period("2020-07-01..2020-07-01"), ZONE, Policy())


def row(point: str, start: float, end: float, state: State = OFF, cause: str = "环网故障") -> Reclassification:
    return Reclassification(point, at(start), at(end), state, cause)


def claimed(writer, *rows, actor="ann", origin=NOWHERE, when=NOW):
    with writer.transaction() as connection:
        return claim(connection, writer.audit, rows, document=REPORT, actor=actor, at=when, origin=origin)


def approved(writer, numbers, actor="bob", when=NOW, what="reclassify"):
    with writer.transaction() as connection:
        return approve(connection, writer.audit, numbers, actor=actor, at=when, what=what)


def revoked(writer, number, actor="ann", when=NOW, what="reclassify"):
    with writer.transaction() as connection:
        return revoke(connection, writer.audit, number, actor=actor, at=when, reason="报告有误", what=what)


def account(store, question=DAY):
    with reading(store.engine) as connection:
        return {found.point: tuple(found.seconds) for found in views.point_seconds(connection, EVERYTHING, question)}


def outages(store, question=DAY):
    with reading(store.engine) as connection:
        return [
            (o.point, o.start - T0 // 10**6, o.end - T0 // 10**6)
            for o in views.outages(connection, EVERYTHING, question)
        ]


@pytest.fixture
def writer(store):
    """Two points, online all day, but for a gap of the vantage from 10:00 to 10:30 after which a minute is unknown too."""
    store.add_points("a", area="north", accepted_on="2020-06-01")
    store.add_points("b", area="south", accepted_on="2020-06-01")
    writer = store.writer()
    runs = [run(code, *span) for code in "ab" for span in ((0, 35_940), (37_860, 86_340))]
    gaps = [Gap("import", at(36_000), at(37_800), "uplink")]
    with writer.transaction() as connection:
        origins = {"origin": Origin("r", "1" * 64), "gap_origin": Origin("g", "2" * 64)}
        import_runs(connection, writer.audit, runs, gaps, actor="x", at=at(100_000), **origins)
    return writer


def test_only_what_a_second_person_approved_counts(store, writer):
    assert account(store)["a"] == (84_540, 0, 1_860, 0)
    (number,) = claimed(writer, row("a", 36_000, 37_800))
    assert account(store)["a"] == (84_540, 0, 1_860, 0)
    for spelling in ("ann", "Ann", " ＡＮＮ", "os:ann"):
        with pytest.raises(InputError, match="claimant cannot approve"):
            approved(writer, [number], actor=spelling)
    assert approved(writer, [number]) == 1
    assert account(store) == {"a": (84_540, 1_800, 60, 0), "b": (84_540, 0, 1_860, 0)}
    assert outages(store) == [("a", 36_000, 37_800)]


def test_known_seconds_stay_and_a_withdrawal_by_two_gives_the_rest_back(store, writer):
    (number,) = claimed(writer, row("b", 0, 86_400, OFF))
    approved(writer, [number])
    assert account(store)["b"] == (84_540, 1_860, 0, 0)
    back = revoked(writer, number, actor="bob")
    assert account(store)["b"] == (84_540, 1_860, 0, 0)
    with pytest.raises(InputError, match="claimant cannot approve"):
        approved(writer, [back], actor="bob")
    approved(writer, [back], actor="ann")
    assert account(store)["b"] == (84_540, 0, 1_860, 0)
    (again,) = claimed(writer, row("b", 36_000, 37_860, ON))
    approved(writer, [again])
    assert account(store)["b"] == (86_400, 0, 0, 0)


def test_what_was_known_at_an_instant_is_honoured(store, writer):
    (number,) = claimed(writer, row("a", 36_000, 37_860), when=at(150_000))
    approved(writer, [number], when=at(160_000))
    back = revoked(writer, number, when=at(170_000))
    approved(writer, [back], when=at(180_000), actor="bob")

    def offline(second):
        return account(store, views.Question(DAY.period, ZONE, Policy(), known_at=at(second)))["a"][1]

    known = [(second, offline(second)) for second in (159_999, 160_000, 179_999, 180_000)]
    assert known == [(159_999, 0), (160_000, 1_860), (179_999, 1_860), (180_000, 0)]


def test_what_counts_is_listed_by_scope_window_and_time(store, writer):
    numbers = claimed(writer, row("b", 36_000, 37_800), row("a", 36_000, 37_000, ON), row("a", 37_000, 37_800))
    approved(writer, numbers)
    with reading(store.engine) as connection:
        day = (at(0), at(86_400))
        assert reclassified(connection, EVERYTHING, day) == [
            row("a", 36_000, 37_000, ON),
            row("a", 37_000, 37_800),
            row("b", 36_000, 37_800),
        ]
        assert reclassified(connection, EVERYTHING, (at(0), at(36_000))) == []
        south = Scope(areas=frozenset({"south"}))
        assert reclassified(connection, south, day) == [row("b", 36_000, 37_800)]
        assert reclassified(connection, EVERYTHING, day, at(0)) == []


def test_bad_rows_are_all_reported_with_their_lines_and_none_kept(store, writer):
    approved(writer, claimed(writer, row("b", 36_000, 36_600)))
    rows = [
        row("x", 36_000, 37_000),
        row("a", 37_000, 36_000),
        row("a", 36_000, 36_000.5),
        row("a", 199_000, 200_001),
        row("a", 36_000, 37_000),
        row("a", 36_999, 37_100, ON),
        row("b", 36_599, 37_000),
    ]
    with pytest.raises(InputError) as caught:
        claimed(writer, *rows, origin=Origin("c.csv", "3" * 64, [2, 3, 4, 5, 6, 8, 9]))
    assert [(f.file, f.line, f.column) for f in caught.value.findings] == [
        ("c.csv", 2, "point"),
        ("c.csv", 3, "end"),
        ("c.csv", 4, "end"),
        ("c.csv", 5, "end"),
        ("c.csv", 8, "start"),
        ("c.csv", 9, "start"),
    ]
    assert "line 6" in str(caught.value)
    with reading(store.engine) as connection:
        assert len(listed(connection, EVERYTHING)) == 1
    with pytest.raises(InputError, match="nothing to reclassify"):
        claimed(writer)


def test_a_span_without_an_unknown_second_is_refused(store, writer):
    rows = [row("a", 36_000, 37_800), row("b", 0, 35_000), row("a", 37_860, 50_000)]
    with reading(store.engine) as connection, pytest.raises(InputError) as caught:
        correcting.require_unknown(connection, rows, Origin("c.csv", "3" * 64, [2, 3, 7]), ZONE)
    assert [(f.line, f.column) for f in caught.value.findings] == [(3, "start"), (7, "start")]
    with reading(store.engine) as connection:
        correcting.require_unknown(connection, rows[:1], Origin(), ZONE)


def test_a_gap_becomes_a_claim_for_each_point_that_it_left_unknown(store, writer):
    store.add_points("later", accepted_on="2020-07-02")
    store.add_points("gone", accepted_on="2020-01-01", retired_on="2020-07-01")
    store.add_points("seen", accepted_on="2020-01-01")
    store.add_points("never")
    with writer.transaction() as connection:
        runs = [run("seen", 35_000, 38_000, vantage="other")]
        import_runs(connection, writer.audit, runs, actor="x", at=at(100_000), origin=Origin("s", "4" * 64))
    with reading(store.engine) as connection:
        (gap,) = correcting.gaps_in(connection, (at(0), at(86_400)))
        assert (gap.vantage, gap.point, gap.cause) == ("import", None, "uplink")
        found = correcting.of_gap(connection, gap.id, OFF, "环网故障", ZONE)
        assert found == [row("a", 36_000, 37_800), row("b", 36_000, 37_800)]
        with pytest.raises(InputError, match="no such gap"):
            correcting.of_gap(connection, gap.id + 99, OFF, "x", ZONE)
        assert correcting.gaps_in(connection, (at(0), at(36_000))) == []


def test_a_gap_that_is_not_over_cannot_be_claimed(store, writer):
    with writer.transaction() as connection:
        connection.exec_driver_sql("UPDATE gaps SET end_at = NULL")
        (gap,) = correcting.gaps_in(connection, (at(50_000), at(86_400)), "a")
        with pytest.raises(InputError, match="not over"):
            correcting.of_gap(connection, gap.id, OFF, "x", ZONE)


def test_each_kind_is_decided_by_its_own_command(store, writer):
    (mine,) = claimed(writer, row("a", 36_000, 37_800))
    with writer.transaction() as connection:
        rows, origin = [Exclusion("a", at(0), at(60), "停电")], Origin("e.csv", "5" * 64)
        (other,) = stored_exclusions.claim(connection, writer.audit, rows, actor="ann", at=NOW, origin=origin)
    with pytest.raises(InputError, match="camsla exclusions"):
        approved(writer, [other])
    with pytest.raises(InputError, match="camsla corrections"):
        approved(writer, [mine], what="exclude")
    with pytest.raises(InputError, match="camsla corrections"):
        revoked(writer, mine, what="exclude")
    with pytest.raises(InputError, match="no such claim"):
        approved(writer, [999])
    approved(writer, [mine])
    with reading(store.engine) as connection:
        assert [c.id for c in listed(connection, EVERYTHING, "exclude")] == [other]
        assert [c.id for c in listed(connection, EVERYTHING, "reclassify")] == [mine]
        assert stored_exclusions.exclusions_for(connection, EVERYTHING, (at(0), at(86_400))) == []


def test_approvals_are_records_of_what_was_claimed(store, writer):
    (number,) = claimed(writer, row("a", 36_000, 37_800))
    approved(writer, [number])
    approved(writer, [revoked(writer, number)])
    records = [json.loads(body) for (body,) in store.rows("SELECT body FROM outbox WHERE kind = 'adj' ORDER BY id")]
    content = {
        "cause": "环网故障",
        "claimed_at": NOW,
        "claimed_by": "ann",
        "document": REPORT,
        "end": at(37_800),
        "point": "a",
        "start": at(36_000),
        "target": "",
        "to": "offline",
        "what": "reclassify",
    }
    identity = hashlib.sha256(canonical(content).encode()).hexdigest()
    assert records[0] == {**content, "approver": "bob", "id": identity}
    assert (records[1]["what"], records[1]["to"], records[1]["target"]) == ("revoke", "", identity)
    actions = store.rows("SELECT actor, action FROM audit WHERE action LIKE 'corrections.%' ORDER BY id")
    assert actions == [
        ("ann", "corrections.claim"),
        ("bob", "corrections.approve"),
        ("ann", "corrections.revoke"),
        ("bob", "corrections.approve"),
    ]


def test_the_database_itself_refuses_other_states(store, writer):
    (number,) = claimed(writer, row("a", 36_000, 37_800))
    with pytest.raises(Exception, match="exclusion_to_state"), writer.transaction() as connection:
        connection.execute(update(exclusions).where(exclusions.c.id == number).values(to_state="unknown"))


@pytest.mark.parametrize("seed", range(20))
def test_a_part_of_the_history_reads_as_the_whole_with_what_was_given(store, seed):
    """Reclassifications before and behind what a window loads change nothing inside it."""
    chance = random.Random(seed)
    codes = [f"p{i}" for i in range(6)]
    store.add_points(*codes)
    rows, given = [], []
    for code in codes:
        now = chance.randint(0, 500)
        while now < 20_000:
            lasts = chance.choice([0, 0, 60, 120, 600, 1800])
            why = chance.choice(["ok", "timeout", "ok", "auth-rejected"])
            rows.append(run(code, now, now + lasts, why, count=lasts // 60 + 1))
            now += lasts + chance.choice([1, 30, 60, 60, 400])
        for _ in range(chance.randint(0, 5)):
            start = chance.randint(0, 20_000)
            given.append((code, start, start + chance.randint(1, 1500), chance.choice(["online", "offline"])))
    writer = store.writer()
    with writer.transaction() as connection:
        import_runs(connection, writer.audit, rows, actor="x", at=at(0), origin=Origin("r", "1" * 64))
    with connect(store.engine, writes=True) as connection, connection.begin():
        for code, start, end, state in given:
            values = {"scope_kind": "point", "scope_id": code, "start_at": at(start), "end_at": at(end), "cause": "x"}
            who = {"claimed_by": "a", "claimed_at": 0, "approved_by": "b", "approved_at": 0, "to_state": state}
            connection.execute(insert(exclusions).values(**values, **who))
    policy = Policy(
        confirm_samples=chance.choice([1, 3]),
        minimum_outage_s=chance.choice([0, 300]),
        recovery_samples=chance.choice([1, 2, 5]),
        minimum_recovery_s=chance.choice([0, 200]),
    )
    options = {"recovery_samples": policy.recovery_samples, "minimum_recovery_s": policy.minimum_recovery_s}
    start = chance.randint(0, 18_000)
    low, high = (at(0) // 1_000_000 + s for s in (start, start + 3_000))
    with reading(store.engine) as connection:
        whole = {h.code: h for h in timeline_inputs(connection, EVERYTHING, (at(-10), at(30_000)))}
        for part in timeline_inputs(connection, EVERYTHING, (at(start), at(start + 3_000)), **options):
            one, other = (build(h.runs, h.gaps, policy, h.given) for h in (part, whole[part.code]))
            assert cut(one, low, high) == cut(other, low, high), part.code
            if (alone := part.alone()) is not None:
                assert build_alone(alone, policy) == one
        some = list(timeline_inputs(connection, EVERYTHING, (at(start), at(start + 3_000)), only={"p1", "p4", "?"}))
        assert [history.code for history in some] == ["p1", "p4"]


def cut(timeline, low, high):
    pieces = [(max(p.start, low), min(p.end, high), p.state) for p in timeline.pieces if p.start < high and p.end > low]
    return pieces, [o for o in timeline.outages if low <= o.start < high]
