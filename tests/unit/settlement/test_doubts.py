from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.contracts import load_contract
from monitor.rates import Seconds, rate_of, sum_of
from settlement.contract import Terms
from settlement.daycount import Quarter
from settlement.doubts import MAX_POINTS, Doubt, Measured, doubts_of, thresholds, unrated
from settlement.rules import ALWAYS, count_facts, parse_rate

XINJIAN = load_contract(Path("xinjian"))


def terms(**changes: object) -> Terms:
    document = XINJIAN.document()
    document.update(changes)
    return Terms.model_validate(document)


def measured(**points: Seconds) -> Measured:
    return Measured("phase-2", "2020Q3", "quarter", sum_of(points.values()), points)


def one(found: list[Doubt]) -> Doubt:
    assert len(found) == 1, found
    return found[0]


def test_nothing_unknown_is_no_doubt_on_either_side_of_the_target() -> None:
    for online in (0, 899, 900, 901, 1000):
        assert doubts_of(XINJIAN, [measured(a=Seconds(online, 1000 - online, 0, 0))]) == []


@pytest.mark.parametrize(
    ("online", "offline", "unknown", "open_"),
    [
        (900, 99, 1, False),  # worst is 90 % exactly: met, whatever the unknown second was
        (899, 100, 1, True),  # best is 90 % exactly: it may be met
        (899, 101, 0, False),
        (898, 101, 1, False),  # best is below
        (880, 90, 30, True),
    ],
)
def test_the_target_is_straddled_exactly_where_unknown_time_decides(
    online: int, offline: int, unknown: int, open_: bool
) -> None:
    found = doubts_of(XINJIAN, [measured(a=Seconds(online, offline, unknown, 0))])
    assert [doubt.kind for doubt in found] == (["straddle"] if open_ else [])


def test_the_points_that_would_decide_it_are_enough_and_come_largest_first() -> None:
    points = {
        "small": Seconds(900, 95, 5, 0),
        "large": Seconds(700, 100, 200, 0),
        "middle": Seconds(850, 50, 100, 0),
        "none": Seconds(1000, 0, 0, 0),
    }
    item = measured(**points)
    doubt = one(doubts_of(XINJIAN, [item]))
    codes = [code for code, _ in doubt.points]
    assert codes == ["large", "middle"][: len(codes)]
    for code, unknown in doubt.points:
        assert points[code].unknown == unknown
    resolved = sum(unknown for _, unknown in doubt.points)
    total = item.seconds
    base = total.online + total.offline + total.unknown
    assert Fraction(total.online + resolved, base) >= XINJIAN.target, "all of them online: met"
    assert Fraction(total.online + total.unknown - resolved, base) < XINJIAN.target, "all of them offline: missed"
    text = str(doubt.finding())
    assert "large（200 s）" in text
    assert "90 %" in text
    assert "--override" in text


@given(
    st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 400), st.integers(0, 400), st.integers(0, 50)),
        min_size=1,
        max_size=6,
    )
)
def test_a_doubt_is_a_verdict_that_unknown_time_leaves_open(rows: list[tuple[int, int, int, int]]) -> None:
    points = {f"p{n}": Seconds(*row) for n, row in enumerate(rows)}
    item = measured(**points)
    rate = rate_of(item.seconds, XINJIAN.policy)
    found = doubts_of(XINJIAN, [item])
    if not item.seconds.total():
        assert found == []
        return
    if rate.value is None:
        assert one(found).kind == "nothing-counted"
        return
    best, worst = rate.best, rate.worst
    assert best is not None
    assert worst is not None
    straddles = worst < XINJIAN.target <= best
    assert [doubt.kind for doubt in found] == ["straddle"] * straddles
    if straddles:
        resolved = sum(unknown for _, unknown in found[0].points)
        total = item.seconds
        base = total.online + total.offline + total.unknown
        all_of_it = resolved == total.unknown
        assert Fraction(total.online + resolved, base) >= XINJIAN.target or all_of_it
        assert Fraction(total.online + total.unknown - resolved, base) < XINJIAN.target or all_of_it


def test_less_coverage_than_the_contract_asks_for() -> None:
    strict = terms(policy={**XINJIAN.document()["policy"], "minimum_coverage": "0.99"})
    assert doubts_of(strict, [measured(a=Seconds(990, 0, 10, 0))]) == []
    doubt = doubts_of(strict, [measured(a=Seconds(500, 0, 9, 0), b=Seconds(480, 0, 11, 5))])[0]
    assert doubt.kind == "coverage"
    assert doubt.points == (("b", 11),), "one of the two would make up for it"
    assert "99 %" in doubt.message


def test_nothing_counted_and_nobody_in_service() -> None:
    doubt = one(doubts_of(XINJIAN, [measured(a=Seconds(0, 0, 86_400, 0))]))
    assert (doubt.kind, doubt.points) == ("nothing-counted", (("a", 86_400),))
    assert doubts_of(XINJIAN, [measured(a=Seconds(0, 0, 0, 0))]) == []
    assert doubts_of(XINJIAN, []) == []


def test_billed_without_a_rate() -> None:
    quarter = Quarter(2020, 3)
    assert unrated(XINJIAN, quarter, {"phase-2": count_facts(5, parse_rate("0.9"))}) == []
    assert one(unrated(XINJIAN, quarter, {"phase-2": count_facts(5, None)})).phase == "phase-2"
    assert unrated(XINJIAN, Quarter(2020, 2), {"phase-2": count_facts(5, None)}) == [], "not in service yet"
    assert ALWAYS


def test_which_rates_matter() -> None:
    assert [t.at for t in thresholds(XINJIAN, "phase-2", "quarter")] == [Fraction(9, 10)]
    assert thresholds(XINJIAN, "phase-2", "month") == []
    other = terms(reading="E", prepay_share="0.85", breaches=[{"below": "0.8", "consecutive": 3, "text": "解约"}])
    assert [t.at for t in thresholds(other, "phase-2", "quarter")] == [Fraction(17, 20), Fraction(9, 10)]
    assert [t.at for t in thresholds(other, "phase-2", "month")] == [Fraction(4, 5)]


def test_a_long_list_is_cut_in_the_text_not_in_the_doubt() -> None:
    points = {f"p{n:03d}": Seconds(90, 9, 1, 0) for n in range(200)}
    points["z"] = Seconds(0, 81, 0, 0)
    doubt = doubts_of(XINJIAN, [measured(**points)])[0]
    assert len(doubt.points) > MAX_POINTS
    assert f"and {len(doubt.points) - MAX_POINTS:,} more" in str(doubt.finding())
