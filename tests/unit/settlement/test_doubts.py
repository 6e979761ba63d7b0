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


TIERS = [
    {"from": "0%", "to": "65%", "pays": "0%"},
    {"from": "65%", "to": "92%", "pays": "65%"},
    {"from": "92%", "to": "100%", "pays": "rate"},
]


@pytest.mark.parametrize(
    ("over", "online", "unknown", "open_"),
    [
        (">", 920, 80, True),  # 92 % exactly still belongs below, one second more does not
        ("≥", 920, 80, False),
        (">", 919, 1, False),  # at best 92 % exactly
        ("≥", 919, 1, True),
        (">", 921, 79, False),
    ],
)
def test_a_bound_that_belongs_below_is_straddled_from_itself_on(
    over: str, online: int, unknown: int, open_: bool
) -> None:
    rule = {"kind": "substituted-tiers", "id": "m", "over": over, "tiers": TIERS}
    contract = terms(reading="none", rules=[rule], target="0.5")
    found = doubts_of(contract, [measured(a=Seconds(online, 1000 - online - unknown, unknown, 0))])
    assert [doubt.kind for doubt in found] == ["straddle"] * open_
    if open_:
        assert "92 %" in found[0].message


def test_where_a_rule_rounds_both_sides_of_a_step_are_asked() -> None:
    rule = {"kind": "per-percentage-point", "id": "pp", "grain": "quarter", "below": "95%", "share_per_point": "1%"}
    for rounding in ("ceil", "floor"):
        contract = terms(rules=[rule | {"rounding": rounding}], target="0.5")
        for online, unknown in ((940, 1), (939, 1)):  # 94 % is the worst, the best
            found = doubts_of(contract, [measured(a=Seconds(online, 1000 - online - unknown, unknown, 0))])
            assert [doubt.kind for doubt in found] == ["straddle"]


HOUR = 3600


@pytest.mark.parametrize(
    ("over", "offline", "unknown", "open_"),
    [
        (">", 160 * HOUR, 30 * HOUR, True),
        (">", 160 * HOUR, 8 * HOUR, False),  # 168 hours exactly are still paid
        ("≥", 160 * HOUR, 8 * HOUR, True),
        (">", 168 * HOUR, 1, True),
        ("≥", 168 * HOUR, 1, False),  # beyond the limit whatever was not seen
        (">", 169 * HOUR, 30 * HOUR, False),
        (">", 160 * HOUR, 0, False),
    ],
)
def test_a_point_that_may_have_failed_beyond_a_rule_s_limit_is_named(
    over: str, offline: int, unknown: int, open_: bool
) -> None:
    rule = {"kind": "point-elimination", "id": "e", "grain": "quarter", "hours": 168, "over": over}
    points = {f"q{n}": Seconds(2208 * HOUR, 0, 0, 0) for n in range(200)}
    points["p"] = Seconds(2208 * HOUR - offline - unknown, offline, unknown, 0)
    points["r"] = Seconds(2208 * HOUR - 5, 0, 5, 0)  # far from the limit
    found = doubts_of(terms(rules=[rule]), [measured(**points)])
    assert [(doubt.kind, doubt.points) for doubt in found] == ([("straddle", (("p", unknown),))] if open_ else [])
    if open_:
        assert "168 h" in found[0].message
    assert doubts_of(terms(rules=[rule | {"phases": ["phase-1"]}]), [measured(**points)]) == []
    assert doubts_of(terms(rules=[rule | {"grain": "month"}]), [measured(**points)]) == []


def test_free_and_flat_and_deadline_hours_are_limits_too() -> None:
    hourly = {
        "kind": "hourly-percentage",
        "id": "h",
        "free_hours": 4,
        "share_per_hour": "2%",
        "rounding": "ceil",
        "flat": {"hours": 25, "share": "50%"},
    }
    late = {
        "kind": "rectification",
        "id": "late",
        "deadline_hours": 24,
        "rounding": "ceil",
        "yuan_per_period": "1.00",
    }
    rules = [rule | {"grain": "quarter"} for rule in (hourly, late)]
    point = Seconds(2208 * HOUR - 25 * HOUR, 3 * HOUR, 22 * HOUR, 0)
    others = {f"q{n}": Seconds(2208 * HOUR, 0, 0, 0) for n in range(20)}
    found = doubts_of(terms(rules=rules), [measured(p=point, **others)])
    assert [(doubt.message.count("rule h"), doubt.message.count("rule late")) for doubt in found] == [
        (1, 0),
        (1, 0),
        (0, 1),
    ]


def test_a_phase_that_is_over_leaves_nothing_open() -> None:
    item = measured(a=Seconds(1, 0, 9_999, 0))
    assert doubts_of(XINJIAN, [item])
    for window in ("2030Q1", "2015Q1"):
        assert doubts_of(XINJIAN, [item._replace(window=window)]) == []
