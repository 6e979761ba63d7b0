"""Notices and results in one transaction, and the same call again after the store's answer was lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from monitor.finding import InputError
from monitor.model import Instant, Sample
from monitor.notices import Blind, BlindSince, ClockStep, Notice, SightedAgain, UpstreamSeen
from monitor.store.writer import Writer
from tests.stores.conftest import Store
from tests.stores.made import at, outcome, sample

EVERY_KIND: list[Notice] = [
    Blind(at(10), at(12), "stalled"),
    BlindSince(at(20), "mass-failure"),
    SightedAgain(at(20), at(50), "mass-failure"),
    BlindSince(at(60), "mass-failure"),
    ClockStep(at(21), 3_600_000_000),
    ClockStep(at(22), -3_600_000_000),
    UpstreamSeen("SW-1", at(30), alive=False),
    UpstreamSeen("SW-1", at(40), alive=True),
    UpstreamSeen("SW-1", at(45), alive=False),
    UpstreamSeen("SW-2", at(46), alive=False),
    UpstreamSeen("SW-2", at(47), alive=True),
]


class LostError(Exception):
    """The connection broke before the answer to COMMIT came."""


def lose_answers(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, lost: Callable[[], bool], stored: bool = True
) -> None:
    """Let COMMIT fail from now on whenever `lost` says so: after it was done, or instead of it."""
    dialect = writer.engine.dialect
    real = dialect.do_commit

    def commit(connection: Any) -> None:
        if not lost():
            real(connection)
            return
        if stored:
            real(connection)
        raise LostError

    monkeypatch.setattr(dialect, "do_commit", commit)


def everything(store: Store, vantage: str = "local") -> list[list[tuple[object, ...]]]:
    """All that a vantage's commits leave in the tables, but for row numbers and names of the vantage."""
    mine = f"(SELECT id FROM vantages WHERE name = '{vantage}')"
    asked = (
        f"SELECT start_at, end_at, cause FROM gaps WHERE vantage_id = {mine} ORDER BY 1, 3, 2",
        f"SELECT kind, replace(source, '{vantage}/', ''), at, until FROM events"
        f" WHERE source LIKE '{vantage}/%' ORDER BY 1, 2, 3",
        f"SELECT seq, first_at, last_at, n FROM batches WHERE vantage_id = {mine} ORDER BY 1",
        f"SELECT point_id, first_at, last_at, n, outcome_id FROM runs WHERE vantage_id = {mine} ORDER BY 1, 2",
        f"SELECT kind, replace(body, '\"{vantage}\"', '') FROM outbox"
        f" WHERE body LIKE '%\"{vantage}\"%' ORDER BY kind, 2",
    )
    return [store.rows(sql) for sql in asked]


@pytest.fixture
def writer(store: Store) -> Writer:
    store.add_points("a", "b")
    writer = store.writer()
    writer.resume("local", at(0))
    return writer


def test_every_kind_of_notice_is_stored_with_the_batch(store: Store, writer: Writer) -> None:
    ack = writer.commit("local", 1, [sample("a", 5)], EVERY_KIND, at=at(70))
    assert ack is not None
    assert (ack.seq, ack.n) == (1, 1)
    gaps, events, batches, runs, outbox = everything(store)
    assert gaps == [
        (at(10), at(12), "stalled"),
        (at(20), at(50), "mass-failure"),
        (at(60), None, "mass-failure"),
    ]
    assert events == [
        ("clock-step", "+3600000000", at(21), at(21)),
        ("clock-step", "-3600000000", at(22), at(22)),
        ("upstream-down", "SW-1", at(30), at(40)),
        ("upstream-down", "SW-1", at(45), None),
        ("upstream-down", "SW-2", at(46), at(47)),
    ]
    assert len(batches) == len(runs) == 1
    assert [kind for kind, _ in outbox] == ["clk", "clk", "gap", "gap", "gap", "gap", "tr"]


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("with_results", [False, True])
def test_a_repeat_after_a_lost_answer_stores_nothing_twice(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch, with_results: bool, flush: bool
) -> None:
    samples = [sample("a", 5), sample("b", 6, "timeout")] if with_results else []
    losses = [True]
    lose_answers(writer, monkeypatch, lambda: bool(losses) and losses.pop())
    with pytest.raises(LostError):
        writer.commit("local", 1, samples, EVERY_KIND, flush=flush, at=at(70))
    once = everything(store)
    assert len(once[0]) == 3, "COMMIT was done, only its answer was lost"
    for known_at in (at(71), at(72)):
        ack = writer.commit("local", 1, samples, EVERY_KIND, flush=flush, at=known_at)
        assert (ack is not None) == with_results
        assert everything(store) == once
    assert writer.next_seq("local") == 1 + with_results


def test_a_commit_that_fails_leaves_neither_notices_nor_results(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = everything(store)
    with pytest.raises(InputError):
        writer.commit("local", 1, [sample("a", 5), sample("stranger", 6)], EVERY_KIND, at=at(70))
    assert everything(store) == nothing
    with monkeypatch.context() as broken:
        lose_answers(writer, broken, lambda: True, stored=False)
        with pytest.raises(LostError):
            writer.commit("local", 1, [sample("a", 5)], EVERY_KIND, at=at(70))
    assert everything(store) == nothing
    writer.commit("local", 1, [sample("a", 5)], EVERY_KIND, at=at(70))
    assert len(everything(store)[0]) == 3


def test_notices_that_come_with_the_repeat_are_stored_although_the_batch_was(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [True]
    lose_answers(writer, monkeypatch, lambda: bool(losses) and losses.pop())
    with pytest.raises(LostError):
        writer.commit("local", 1, [sample("a", 5)], at=at(6))
    writer.commit("local", 1, [sample("a", 5)], [Blind(at(10), at(12), "overflow")], at=at(20))
    gaps, _, batches, _, _ = everything(store)
    assert gaps == [(at(10), at(12), "overflow")]
    assert len(batches) == 1


def test_a_gap_told_with_its_batch_divides_the_runs(store: Store, writer: Writer) -> None:
    writer.commit("local", 1, [sample("a", 0)], at=at(1))
    writer.commit("local", 2, [sample("a", 60)], [Blind(at(20), at(30), "stalled")], flush=True, at=at(61))
    assert [(first, last) for _, first, last, _, _ in everything(store)[3]] == [(at(0), at(0)), (at(60), at(60))]


def test_blindness_whose_beginning_was_never_stored_is_a_gap_nevertheless(store: Store, writer: Writer) -> None:
    writer.commit("local", None, [], [SightedAgain(at(20), at(50), "mass-failure")], at=at(51))
    assert everything(store)[0] == [(at(20), at(50), "mass-failure")]


def test_a_notice_without_extent_holds_nothing_up(store: Store, writer: Writer) -> None:
    writer.commit("local", 1, [sample("a", 5)], [Blind(at(10), at(10), "stalled")], at=at(11))
    ((start, end, _),) = everything(store)[0]
    assert (start, end) == (at(10), at(10) + 1)


def _history(chance: random.Random) -> list[list[tuple[str, Any]]]:
    """Commits of a life: results of two points, gaps, one blindness at a time, steps, devices that go and come."""
    commits: list[list[tuple[str, Any]]] = []
    blind: Instant | None = None
    down: set[str] = set()
    second = 0.0
    for _ in range(25):
        told: list[tuple[str, Any]] = []
        for _ in range(chance.randrange(5)):
            second += chance.choice((0.25, 7, 100))
            kind = chance.randrange(5)
            if kind == 0:
                told.append(("notice", Blind(at(second), at(second + chance.choice((1, 50))), "stalled")))
            elif kind == 1:
                ended = blind
                blind = at(second) if ended is None else None
                told.append(
                    (
                        "notice",
                        BlindSince(at(second), "mass-failure")
                        if ended is None
                        else SightedAgain(ended, at(second), "mass-failure"),
                    )
                )
            elif kind == 2:
                told.append(("notice", ClockStep(at(second), chance.choice((-1, 1)) * 3_600_000_000)))
            elif kind == 3:
                name = chance.choice(("SW-1", "SW-2"))
                down ^= {name}
                told.append(("notice", UpstreamSeen(name, at(second), alive=name not in down)))
            else:
                told.append(("sample", (chance.choice("ab"), second, chance.choice(("ok", "ok", "timeout")))))
        commits.append(told)
    return commits


@pytest.mark.parametrize("seed", range(4))
def test_a_life_full_of_lost_answers_leaves_what_a_smooth_one_leaves(
    store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    shaky = [""]
    lose_answers(writer, monkeypatch, lambda: shaky[0] == "shaky" and chance.random() < 0.5)
    life = _history(random.Random(seed + 100))
    losses = 0
    for vantage in ("smooth", "shaky"):
        shaky[0] = vantage
        while True:
            try:
                seq = writer.resume(vantage, at(0), blind=False)
                break
            except LostError:
                pass
        for number, told in enumerate(life):
            notices = [what for kind, what in told if kind == "notice"]
            samples = [
                Sample(p, vantage, at(s), outcome(reason), 130, 20_000)
                for kind, (p, s, reason) in ((k, w) for k, w in told if k == "sample")
            ]
            while True:
                try:
                    writer.commit(vantage, seq, samples, notices, flush=number % 3 == 0, at=at(10_000 + number))
                    break
                except LostError:
                    losses += 1
            seq += bool(samples)
        assert writer.next_seq(vantage) == seq
    assert losses > 5
    assert everything(store, "shaky") == everything(store, "smooth")
    assert all(everything(store, "smooth")), "every table has something to compare"
