"""What a restart finds, whatever moment the last life ended at."""

from __future__ import annotations

import random

import pytest

from monitor.finding import InputError
from tests.stores.made import at, sample
from tests.stores.test_store_writer import gaps, records, runs


def lives(store, *codes):
    """Return a function that starts the next life: the last one ends without a word, as a killed process does."""
    store.add_points(*(codes or ("a", "b")))

    def start(second, **options):
        if store.writers:
            store.writers[-1].close()
        writer = store.writer()
        writer.resume("local", at(second), **options)
        return writer

    return start


def test_the_first_start_ever_has_no_gap(store):
    writer = lives(store)(0)
    writer.commit_batch("local", 1, [sample("a", 5)])
    assert gaps(store) == []


def test_a_restart_replays_and_writes_the_gap(store):
    start = lives(store)
    writer = start(0)
    for seq, second in enumerate((0, 60, 120), 1):
        writer.commit_batch("local", seq, [sample("a", second), sample("b", second + 5)])
    assert runs(store) == [("a", 0, 0, 1, "ok"), ("b", 5, 5, 1, "ok")]
    writer = start(150)
    assert runs(store) == [("a", 0, 120, 3, "ok"), ("b", 5, 125, 3, "ok")]
    assert gaps(store) == [(125, None, "restart", None)]
    assert writer.next_seq("local") == 4
    writer.commit_batch("local", 4, [sample("b", 161), sample("a", 160)])
    assert gaps(store) == [(125, 160, "restart", None)]
    assert runs(store)[1] == ("a", 160, 160, 1, "ok"), "a gap opens a new run although the sample is still valid"
    assert [(r["start"], r["end"]) for r in records(store, "gap")] == [(at(125), None), (at(125), at(160))]


def test_replay_does_not_repeat_transitions(store):
    start = lives(store)
    writer = start(0)
    writer.commit_batch("local", 1, [sample("a", 0), sample("a", 60, "timeout"), sample("a", 120)])
    writer.commit_batch("local", 2, [sample("a", 180)])
    before = records(store, "tr")
    start(200)
    assert runs(store) == [("a", 0, 0, 1, "ok"), ("a", 60, 60, 1, "timeout"), ("a", 120, 180, 2, "ok")]
    assert records(store, "tr") == before


def test_a_crash_before_the_first_result_keeps_one_gap(store):
    start = lives(store)
    start(0).commit_batch("local", 1, [sample("a", 0)])
    start(100)
    start(200)
    assert gaps(store) == [(0, None, "restart", None)]
    start(300).commit_batch("local", 2, [sample("a", 301)])
    assert gaps(store) == [(0, 301, "restart", None)]


def test_an_earlier_wall_time_is_a_gap_until_caught_up(store):
    start = lives(store)
    start(0).commit_batch("local", 1, [sample("a", 0), sample("a", 60), sample("b", 10)], flush=True)
    writer = start(-3600)
    assert gaps(store) == [(-3600, None, "clock", None)]
    writer.commit_batch("local", 2, [sample("a", -3590)])
    writer.commit_batch("local", 3, [sample("a", 60, "timeout"), sample("b", 60)])
    assert gaps(store) == [(-3600, None, "clock", None)]
    writer.commit_batch("local", 4, [sample("b", 70)])
    writer.commit_batch("local", 5, [sample("a", 120)], flush=True)
    assert gaps(store) == [(-3600, 70, "clock", None)]
    assert [run for run in runs(store) if run[0] == "a"] == [("a", 0, 60, 2, "ok"), ("a", 120, 120, 1, "ok")]


def test_a_second_restart_still_earlier_widens_the_gap(store):
    start = lives(store)
    start(0).commit_batch("local", 1, [sample("a", 0)])
    start(-100)
    start(-200)
    start(-50)
    assert gaps(store) == [(-200, None, "clock", None), (-100, None, "clock", None)]
    start(-60).commit_batch("local", 2, [sample("a", 7)])
    assert [gap[1] for gap in gaps(store)] == [7, 7]


def test_gaps_that_a_dead_engine_left_open_are_ended(store):
    start = lives(store)
    writer = start(0)
    writer.commit_batch("local", 1, [sample("a", 0), sample("b", 50)])
    writer.open_gap("local", at(20), "mass-failure", at=at(50))
    writer.open_gap("local", at(60), "lag", "a", at=at(60))
    writer = start(100)
    writer.commit_batch("local", 2, [sample("a", 110)])
    assert gaps(store) == [(20, 50, "mass-failure", None), (50, 110, "restart", None), (60, 60, "lag", "a")]


def test_an_agent_that_keeps_its_results_is_not_blind(store):
    start = lives(store)
    start(0, blind=False, kind="agent").commit_batch("local", 1, [sample("a", 0)])
    start(500, blind=False, kind="agent").commit_batch("local", 2, [sample("a", 60)], flush=True)
    assert gaps(store) == []
    assert runs(store) == [("a", 0, 60, 2, "ok")]


def test_a_vantage_keeps_its_kind(store):
    start = lives(store)
    start(0)
    with pytest.raises(InputError, match="registered as local"):
        start(1, kind="import")


@pytest.mark.parametrize("seed", range(6))
def test_crashes_anywhere_give_the_runs_of_an_undisturbed_life(store, seed):
    """Agents' resumes write no gap, so the projection must come out the same however often it is interrupted."""
    chance = random.Random(seed)
    start = lives(store, *"abcd")
    expected: dict[str, list[list[object]]] = {code: [] for code in "abcd"}
    writer = start(0, blind=False)
    for seq in range(1, 60):
        sent = []
        for code in chance.sample("abcd", chance.randint(1, 4)):
            why = chance.choice(["ok", "ok", "ok", "timeout"])
            sent.append(sample(code, seq * 60, why))
            mine = expected[code]
            if mine and mine[-1][4] == why and seq * 60 - mine[-1][2] <= 130:
                mine[-1][2:4] = [seq * 60, mine[-1][3] + 1]
            else:
                mine.append([code, seq * 60, seq * 60, 1, why])
        writer.commit_batch("local", seq, sent, flush=chance.random() < 0.1)
        if chance.random() < 0.2:
            writer = start(seq * 60 + 1, blind=False)
    writer.project("local", at(4000))
    assert runs(store) == [tuple(run) for code in "abcd" for run in expected[code]]
    assert len(records(store, "tr")) == sum(map(len, expected.values()))
