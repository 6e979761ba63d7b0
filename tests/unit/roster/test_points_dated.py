"""Dated facts and stays against a day-by-day model that shares no code with them."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from monitor.points import Piece, Stay
from monitor.roster.dated import covering, difference, end_stays, merged, occupy, rewrite

DAYS = 12
NAMES = ("area", "supplier", "extra:status")


def facts_on(pieces: list[Piece], day: int) -> dict[str, Any]:
    (held,) = [p for p in pieces if p.start <= day and (p.end is None or day < p.end)]
    return dict(held.facts)


def check_whole(pieces: list[Piece]) -> None:
    assert pieces[-1].end is None
    for before, after in pairwise(pieces):
        assert before.end == after.start > before.start
        assert before.facts != after.facts


change = st.tuples(st.integers(0, DAYS - 1), st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "a", "b"])))


@given(st.lists(change, max_size=6))
def test_a_change_holds_until_that_fields_next_change(changes: list[tuple[int, dict[str, str]]]) -> None:
    pieces = [Piece(1, 5, None, merged({}, {}))]
    model: dict[str, list[str]] = {name: [""] * DAYS for name in NAMES}
    for at, stated in changes:
        index = covering(pieces, at)
        assert index is not None
        for days in model.values():  # what was first known reaches back to the day now spoken of
            days[at : pieces[0].start] = [days[pieces[0].start]] * max(0, pieces[0].start - at)
        pieces = rewrite(pieces, min(at, pieces[0].start), at, difference(pieces[index].facts, stated))
        for name, value in stated.items():
            days, old = model[name], model[name][at]
            day = at
            while day < DAYS and days[day] == old:
                days[day] = value
                day += 1
        check_whole(pieces)
    for day in range(pieces[0].start, DAYS):
        held = facts_on(pieces, day)
        assert {name: held.get(name, "") for name in NAMES} == {name: model[name][day] for name in NAMES}


@given(st.lists(change, max_size=6))
def test_stating_again_what_is_so_keeps_every_row(changes: list[tuple[int, dict[str, str]]]) -> None:
    pieces = [Piece(1, 0, None, merged({}, {}))]
    for at, stated in changes:
        index = covering(pieces, at)
        pieces = rewrite(pieces, 0, at, difference(pieces[index or 0].facts, stated))
        pieces = [piece._replace(id=n) for n, piece in enumerate(pieces)]
        index = covering(pieces, at)
        assert difference(pieces[index or 0].facts, stated) == {}
        assert rewrite(pieces, 0, at, {}) == pieces


def test_milestones_reach_back_within_their_contract_and_phase() -> None:
    start = merged({}, {"phase": "phase-1"})
    pieces = rewrite([Piece(1, 0, None, start)], 0, 10, {"phase": "phase-2"})
    pieces = rewrite(pieces, 0, 20, {"area": "a"})
    pieces = rewrite(pieces, 0, 30, {"accepted_on": date(2020, 7, 1), "area": "b"})
    assert [(p.start, p.facts["accepted_on"], p.facts["area"]) for p in pieces] == [
        (0, None, ""),
        (10, date(2020, 7, 1), ""),
        (20, date(2020, 7, 1), "a"),
        (30, date(2020, 7, 1), "b"),
    ]


def test_milestones_of_a_new_phase_leave_the_old_phases_alone() -> None:
    start = merged({}, {"phase": "phase-1", "billed_from": date(2019, 7, 1)})
    pieces = rewrite([Piece(1, 0, None, start)], 0, 10, {"phase": "phase-2", "billed_from": date(2020, 7, 1)})
    assert [(p.start, p.facts["billed_from"]) for p in pieces] == [(0, date(2019, 7, 1)), (10, date(2020, 7, 1))]


def test_a_correction_that_undoes_a_change_joins_the_pieces() -> None:
    pieces = rewrite([Piece(1, 0, None, merged({}, {"area": "a"}))], 0, 10, {"area": "b"})
    assert [(p.start, p.end) for p in pieces] == [(0, 10), (10, None)]
    assert [(p.id, p.start, p.end) for p in rewrite(pieces, 0, 10, {"area": "a"})] == [(None, 0, None)]


def test_cameras_follow_each_other() -> None:
    stays = occupy([Stay(1, 0, None, 7)], 0, 10, (None,))
    assert stays == [Stay(None, 0, 10, 7), Stay(None, 10, None, None)]
    stored = [Stay(1, 0, 10, 7), Stay(2, 10, None, 8)]
    # a camera that served before the one known at day 10: it stays until then
    assert occupy(stored, 0, 5, (None,)) == [Stay(None, 0, 5, 7), Stay(None, 5, 10, None), Stay(2, 10, None, 8)]
    assert occupy(stored, -5, 3, None) == [Stay(None, -5, 10, 7), Stay(2, 10, None, 8)]
    # after the device left, another one comes
    assert occupy([Stay(1, 0, 10, 7)], 0, 12, (None,)) == [Stay(1, 0, 10, 7), Stay(None, 12, None, None)]


def test_service_ends_and_its_end_is_corrected() -> None:
    stored = [Stay(1, 0, 10, 7), Stay(2, 10, None, 8)]
    assert end_stays(stored, None, 20) == [Stay(1, 0, 10, 7), Stay(None, 10, 20, 8)]
    assert end_stays(stored, None, 5) == [Stay(None, 0, 5, 7)]
    assert end_stays([Stay(1, 0, 20, 7)], 20, None) == [Stay(None, 0, None, 7)]
    assert end_stays([Stay(1, 0, 20, 7)], 20, 30) == [Stay(None, 0, 30, 7)]
    assert end_stays([Stay(1, 0, 20, 7)], 20, 20) == [Stay(1, 0, 20, 7)]
    # the device had left before: putting the end off does not bring it back
    assert end_stays([Stay(1, 0, 8, 7)], 20, None) == [Stay(1, 0, 8, 7)]
