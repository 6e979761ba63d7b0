"""Reads: scopes, order, and a window's history that is enough to give what the whole history gives."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import insert

from monitor.model import Gap
from monitor.scope import EVERYTHING, Scope
from monitor.store.database import reading
from monitor.store.imports import Origin, import_runs
from monitor.store.queries import Devices, codes, timeline_inputs
from monitor.store.tables import point_facts, points
from monitor.timeline import Policy, build, build_alone
from tests.stores.made import at, run

DAY = 86_400


def bring(store, runs, gaps=()):
    writer = store.writer()
    with writer.transaction() as connection:
        import_runs(
            connection,
            writer.audit,
            runs,
            gaps,
            actor="ann",
            at=at(0),
            origin=Origin("r", "1" * 64),
            gap_origin=Origin("g", "2" * 64),
        )
    writer.close()


def inputs(store, start, end, scope=EVERYTHING, **options):
    with reading(store.engine) as connection:
        return list(timeline_inputs(connection, scope, (at(start), at(end)), **options))


def spans(history):
    return [(r.vantage, (r.first - at(0)) // 1_000_000) for r in history.runs]


def test_points_come_by_code_and_without_runs_too(store):
    store.add_points("b", "点", "A", "a")
    bring(store, [run("a", 0, 600), run("点", 0, 600)])
    found = inputs(store, 0, DAY)
    assert [history.code for history in found] == ["A", "a", "b", "点"]
    assert [len(history.runs) for history in found] == [0, 1, 0, 1]
    assert found[1].runs == [run("a", 0, 600)]


def test_an_empty_roster_has_nothing(store):
    assert inputs(store, 0, DAY) == []
    store.add_points("a")
    assert [(h.code, h.runs, h.gaps) for h in inputs(store, 0, DAY)] == [("a", [], [])]


def test_history_reaches_back_and_forward_to_a_recovery(store):
    store.add_points("a", "b", "c")
    bring(
        store,
        [
            run("a", 0, 600),
            run("a", 660, 1200, "timeout"),
            run("a", 1260, 1800),
            run("a", 1860, 2400, "timeout"),
            run("a", 2460, 9000, "refused"),
            run("a", 9060, 9600),
            run("a", 9660, 9900, "timeout"),
            run("a", 9960, 11_000),
            run("b", 0, 600, "timeout"),
            run("b", 5000, 6000),
            run("c", 0, 600),
            run("c", 700, 9000),
            run("c", 9060, 9900),
        ],
    )
    a, b, c = inputs(store, 3000, 4000)
    assert spans(a) == [("import", 1260), ("import", 1860), ("import", 2460), ("import", 9060)]
    assert spans(b) == [("import", 0), ("import", 5000)], "nothing online before: from the first run on"
    assert spans(c) == [("import", 700), ("import", 9060)]


def test_a_recovery_that_the_policy_doubts_is_passed_over(store):
    store.add_points("a")
    bring(
        store,
        [
            run("a", 0, 3600),
            run("a", 3700, 3700, "timeout", count=1),
            run("a", 3760, 3820),
            run("a", 3880, 5000, "timeout"),
            run("a", 5060, 5120),
            run("a", 5200, 9000),
        ],
    )
    window = (4000, 4500)
    assert spans(inputs(store, *window)[0]) == [("import", s) for s in (3760, 3880, 5060)]
    for doubt in ({"recovery_samples": 3}, {"minimum_recovery_s": 60}):
        assert spans(inputs(store, *window, **doubt)[0]) == [("import", s) for s in (0, 3700, 3760, 3880, 5060, 5200)]


def test_another_vantage_that_spans_the_recovery_is_loaded(store):
    store.add_points("a")
    bring(
        store,
        [
            run("a", 0, 600, vantage="one"),
            run("a", 5000, 6000, vantage="one"),
            run("a", 6060, 9000, "timeout", vantage="one"),
            run("a", 0, 100, vantage="two"),
            run("a", 200, 9000, "timeout", vantage="two"),
        ],
    )
    (found,) = inputs(store, 7000, 8000)
    assert spans(found) == [("one", 5000), ("one", 6060), ("two", 200)]
    (found,) = inputs(store, 7000, 8000, vantage_names=frozenset({"two"}))
    assert spans(found) == [("two", 0), ("two", 200)]
    (found,) = inputs(store, 7000, 8000, vantage_names=frozenset({"none"}))
    assert spans(found) == []


def test_a_recovery_under_a_gap_proves_nothing(store):
    store.add_points("a", "b")
    gap = Gap("import", at(900), at(2500), "blind", "a")
    rows = [
        run(p, s, e, why) for p in "ab" for s, e, why in ((0, 600, "ok"), (1000, 2000, "ok"), (3000, 9000, "timeout"))
    ]
    bring(store, rows, [gap])
    a, b = inputs(store, 4000, 5000)
    assert spans(a) == [("import", 0), ("import", 1000), ("import", 3000)]
    assert a.gaps == [gap]
    assert spans(b) == [("import", 1000), ("import", 3000)]
    assert b.gaps == []


def test_gaps_come_with_the_runs_that_they_can_touch(store):
    store.add_points("a")
    every = [Gap("import", at(s), at(e), "x") for s, e in ((-500, -400), (100, 90_000), (200, 300), (5000, 5100))]
    every.append(Gap("import", at(8900), None, "open"))
    bring(store, [run("a", 0, 600), run("a", 700, 1000)], every)
    (found,) = inputs(store, 800, 900)
    assert [g for g in found.gaps if g in every[1:3]] == every[1:3]
    assert every[0] not in found.gaps
    assert every[4] not in found.gaps


def test_scopes(store):
    store.add_points("a", contract="k1", area="north", supplier="s1")
    store.add_points("b", contract="k1", area="south", supplier="s2")
    store.add_points("c", contract="k2", area="south", supplier="s2")

    def seen(window=None, **scope):
        with reading(store.engine) as connection:
            return "".join(code for code, _ in codes(connection, Scope(**scope), window))

    assert seen() == "abc"
    assert seen(contracts=frozenset({"k1"})) == "ab"
    assert seen(contracts=frozenset({"k1"}), supplier="s2") == "b"
    assert seen(areas=frozenset({"north", "south"})) == "abc"
    assert seen(areas=frozenset()) == ""
    assert seen(supplier="nobody") == ""
    assert [h.code for h in inputs(store, 0, DAY, Scope(supplier="s2"))] == ["b", "c"]


def test_a_scope_is_met_by_one_fact_of_the_window_as_now_known(store):
    writer = store.writer()
    base = {"recorded_at": at(0), "actor": "x"}
    with writer.transaction() as connection:
        number = connection.execute(insert(points).values(code="a").returning(points.c.id)).scalar_one()
        for fact in (
            {"valid_from": 0, "valid_to": at(100), "supplier": "old", "area": "north"},
            {"valid_from": at(100), "valid_to": None, "supplier": "new", "area": "south"},
            {"valid_from": 0, "valid_to": None, "supplier": "mistaken", "area": "north", "superseded_at": at(1)},
        ):
            connection.execute(insert(point_facts).values({**base, **fact, "point_id": number}))

    def seen(start, end, **scope):
        with reading(store.engine) as connection:
            return bool(codes(connection, Scope(**scope), (at(start), at(end))))

    assert seen(0, 100, supplier="old")
    assert not seen(100, 200, supplier="old")
    assert seen(99, 101, supplier="new")
    assert not seen(0, 100, supplier="new")
    assert not seen(0, 200, supplier="mistaken")
    assert not seen(0, 200, supplier="old", areas=frozenset({"south"}))


def test_devices_are_found_by_any_of_their_codes(store):
    store.add_points("a", gb_code="1" * 20, former_gb_code="9" * 20)
    store.add_points("b", gb_code="2" * 20)
    store.add_points("c", gb_code="3" * 20, former_gb_code="2" * 20)
    store.add_points("d", former_gb_code="8" * 20)
    store.add_points("e", former_gb_code="8" * 20)
    with reading(store.engine) as connection:
        devices = Devices(connection, EVERYTHING)
    found = [devices.point_of(code, at(0)) for code in ("a", "1" * 20, "9" * 20, "2" * 20, "8" * 20, "nobody")]
    assert found == ["a", "a", "a", "b", None, None]


@pytest.mark.parametrize("seed", range(25))
def test_a_part_of_the_history_reads_as_the_whole(store, seed):
    """The point of reaching back and forward: inside the window the timeline of a part equals the whole one's."""
    chance = random.Random(seed)
    codes_ = [f"p{i}" for i in range(6)]
    store.add_points(*codes_)
    rows, gaps = [], []
    for code in codes_:
        for vantage in ("one", "two")[: chance.randint(1, 2)]:
            now = chance.randint(0, 500)
            while now < 20_000:
                lasts = chance.choice([0, 0, 60, 120, 600, 1800])
                why = chance.choice(["ok", "timeout", "ok", "auth-rejected"])
                rows.append(run(code, now, now + lasts, why, count=lasts // 60 + 1, vantage=vantage))
                now += lasts + chance.choice([1, 30, 60, 60, 400])
    for _ in range(chance.randint(0, 4)):
        start = chance.randint(0, 20_000)
        point = chance.choice([None, *codes_])
        gaps.append(Gap("one", at(start), at(start + chance.randint(1, 2000)), "x", point))
    bring(store, rows, gaps)
    policy = Policy(
        confirm_samples=chance.choice([1, 3]),
        minimum_outage_s=chance.choice([0, 300]),
        recovery_samples=chance.choice([1, 2, 5]),
        minimum_recovery_s=chance.choice([0, 200]),
    )
    whole = {h.code: h for h in inputs(store, -10, 30_000)}
    assert sum(len(h.runs) for h in whole.values()) == len(rows)
    start = chance.randint(0, 18_000)
    low, high = (at(0) // 1_000_000 + s for s in (start, start + 3_000))
    options = {"recovery_samples": policy.recovery_samples, "minimum_recovery_s": policy.minimum_recovery_s}
    for part in inputs(store, start, start + 3_000, **options):
        one, other = (build(h.runs, h.gaps, policy) for h in (part, whole[part.code]))
        if (alone := part.alone()) is not None:
            assert build_alone(alone, policy) == one
        assert cut(one, low, high) == cut(other, low, high), part.code


def cut(timeline, low, high):
    pieces = [(max(p.start, low), min(p.end, high), p.state) for p in timeline.pieces if p.start < high and p.end > low]
    return pieces, [o for o in timeline.outages if low <= o.start < high]
