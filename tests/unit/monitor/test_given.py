"""Reclassified seconds: typed by hand, second by second."""

from __future__ import annotations

from monitor.debounce import Piece
from monitor.given import fill, unknown_in
from monitor.model import Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.timeline import NOTHING, Policy, Timeline, build

ON, OFF = State.ONLINE, State.OFFLINE
OK = Outcome(ON, Reason.OK, Rung.DESCRIBE)
SILENT = Outcome(OFF, Reason.TIMEOUT, Rung.TCP)
S = 1_000_000


def run(first: int, last: int, count: int, outcome: Outcome) -> Run:
    return Run("p", "v", Instant(first * S), Instant(last * S), count, outcome, 130)


def given(start: int, end: int, state: State) -> Piece:
    return Piece(start, end, state, None)


def states(timeline: Timeline) -> list[tuple[int, int, State]]:
    return [(piece.start, piece.end, piece.state) for piece in timeline.pieces]


WATCHED = (run(0, 600, 11, OK), run(1200, 1800, 11, OK))
BLIND = (Gap("v", Instant(600 * S), Instant(1190 * S), "stalled"),)


def test_a_gap_that_was_the_suppliers_becomes_an_outage():
    before = build(WATCHED, BLIND, Policy())
    assert states(before) == [(0, 600, ON), (600, 1200, State.UNKNOWN), (1200, 1930, ON)]
    after = build(WATCHED, BLIND, Policy(), [given(600, 1200, OFF)])
    assert states(after) == [(0, 600, ON), (600, 1200, OFF), (1200, 1930, ON)]
    assert [(o.start, o.end) for o in after.outages] == [(600, 1200)]
    assert after.pieces[1].samples is None


def test_known_seconds_are_never_given_another_state():
    after = build(WATCHED, BLIND, Policy(), [given(-100, 3000, OFF)])
    assert states(after) == [(-100, 0, OFF), (0, 600, ON), (600, 1200, OFF), (1200, 1930, ON), (1930, 3000, OFF)]
    assert after.open_chain


def test_debounce_judges_what_was_given():
    decided = [given(600, 1200, OFF)]
    short = Policy(minimum_outage_s=601)
    assert states(build(WATCHED, BLIND, short, decided)) == [(0, 1930, ON)]
    assert build(WATCHED, BLIND, Policy(minimum_outage_s=600), decided).outages


def test_a_single_failed_probe_beside_given_offline_is_confirmed():
    runs = (run(0, 600, 11, OK), run(660, 660, 1, SILENT), run(1200, 1800, 11, OK))
    blind = (Gap("v", Instant(661 * S), Instant(1200 * S), "stalled"),)
    assert not build(runs, blind, Policy()).outages
    assert [(o.start, o.end) for o in build(runs, blind, Policy(), [given(661, 1200, OFF)]).outages] == [(660, 1200)]


def test_a_point_that_nobody_saw_has_what_was_given_alone():
    assert build((), (), Policy()) == NOTHING
    assert states(build((), (), Policy(), [given(10, 20, ON)])) == [(10, 20, ON)]


def test_online_comes_before_offline_where_two_meet():
    assert fill([Piece(5, 6, OFF, 3)], [given(0, 10, OFF), given(4, 8, ON)]) == [
        Piece(0, 4, OFF, None),
        Piece(4, 5, ON, None),
        Piece(5, 6, OFF, 3),
        Piece(6, 8, ON, None),
        Piece(8, 10, OFF, None),
    ]


def test_rejected_logins_that_the_contract_reads_as_offline_are_known():
    rejected = Outcome(State.UNKNOWN, Reason.AUTH_REJECTED, Rung.DESCRIBE)
    runs = (run(0, 600, 11, rejected),)
    assert states(build(runs, (), Policy(), [given(0, 600, ON)])) == [(0, 600, ON)]
    assert states(build(runs, (), Policy(auth_rejected="offline"), [given(0, 600, ON)])) == [(0, 730, OFF)]


def test_unknown_seconds_of_a_span():
    pieces = [Piece(0, 10, ON, 1), Piece(10, 20, State.UNKNOWN, 0), Piece(20, 30, OFF, 2)]
    assert unknown_in(pieces, (5, 40)) == [(10, 20), (30, 40)]
    assert unknown_in(pieces, (0, 10)) == []
    assert unknown_in(pieces, (5, 5)) == []
