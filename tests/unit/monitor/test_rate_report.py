from __future__ import annotations

from fractions import Fraction

import pytest

from monitor.finding import InputError
from monitor.model import Instant
from monitor.period import ZONE, parse_period
from monitor.rates import Seconds
from monitor.report import (
    PointSeconds,
    inspection_seconds,
    parse_by,
    parse_definition,
    rate_rows,
    rates_json,
    rates_table,
)
from monitor.timeline import Policy

PLAIN = Policy()
TARGET = Fraction(9, 10)

CITY = [
    PointSeconds("p3", Seconds(50, 50, 0, 0), "phase-2", "south", "acme"),
    PointSeconds("p1", Seconds(95, 5, 0, 10), "phase-1", "north", "acme"),
    PointSeconds("p2", Seconds(80, 0, 20, 0), "phase-1", "south", "birch"),
    PointSeconds("p4", Seconds(0, 0, 0, 0), "phase-3", "", ""),
]


def test_all_in_one_row() -> None:
    assert rates_json("2020-07", rate_rows(CITY, None, PLAIN, TARGET)) == {
        "period": "2020-07",
        "definition": "time-weighted",
        "rows": [
            {
                "key": "all",
                "good_s": 225,
                "counted_s": 280,
                "excluded_s": 10,
                "unknown_s": 20,
                "rate": "0.803571",
                "best": "0.816667",
                "worst": "0.750000",
                "verdict": "missed",
            }
        ],
    }


def test_by_phase_with_a_phase_in_which_nothing_is_counted() -> None:
    rows = rate_rows(CITY, ("phase",), PLAIN, TARGET)
    assert [(row.key, row.points, row.seconds, row.verdict) for row in rows] == [
        ("phase-1", 2, Seconds(175, 5, 20, 10), "undecided"),  # best 195/200, worst 175/200
        ("phase-2", 1, Seconds(50, 50, 0, 0), "missed"),
        ("phase-3", 1, Seconds(0, 0, 0, 0), "not-assessable"),
    ]
    last = rates_json("x", rows)["rows"][2]  # type: ignore[index]
    assert (last["rate"], last["best"], last["worst"], last["counted_s"]) == (None, None, None, 0)


def test_nothing_known_has_neither_rate_nor_bounds() -> None:
    (row,) = rate_rows([PointSeconds("p", Seconds(0, 0, 100, 0))], None, PLAIN, TARGET)
    told = rates_json("x", [row])["rows"][0]  # type: ignore[index]
    assert (told["rate"], told["best"], told["worst"], told["unknown_s"]) == (None, None, None, 100)
    assert told["verdict"] == "not-assessable"


def test_by_two_attributes_joined_by_a_comma() -> None:
    rows = rate_rows(CITY, ("phase", "supplier"), PLAIN, TARGET)
    assert [row.key for row in rows] == ["phase-1,acme", "phase-1,birch", "phase-2,acme", "phase-3,"]


def test_rows_are_sorted_by_bytes() -> None:
    points = [PointSeconds(code, Seconds(1, 0, 0, 0)) for code in ("乙", "a", "Z", "甲", "10", "9", "é")]
    assert [row.key for row in rate_rows(points, ("point",), PLAIN, TARGET)] == ["10", "9", "Z", "a", "é", "乙", "甲"]


def test_the_order_of_points_is_no_matter() -> None:
    for by in (None, ("area",), ("supplier", "phase")):
        assert rate_rows(CITY, by, PLAIN, TARGET) == rate_rows(CITY[::-1], by, PLAIN, TARGET)


def test_a_point_in_two_stretches_is_one_point_of_the_mean() -> None:
    points = [
        PointSeconds("p1", Seconds(10, 0, 0, 0), supplier="acme"),
        PointSeconds("p1", Seconds(0, 10, 0, 0), supplier="birch"),
        PointSeconds("p2", Seconds(1, 0, 0, 0), supplier="birch"),
    ]
    (row,) = rate_rows(points, None, PLAIN, TARGET, "mean-of-points")
    assert (row.points, row.rate.value) == (2, Fraction(3, 4))
    assert [row.rate.value for row in rate_rows(points, ("supplier",), PLAIN, TARGET, "mean-of-points")] == [
        1,
        Fraction(1, 2),
    ]


def test_mean_of_points_says_how_many_and_keeps_the_seconds() -> None:
    rows = rate_rows(CITY, None, PLAIN, TARGET, "mean-of-points")
    assert rates_json("2020Q3", rows, "mean-of-points") == {
        "period": "2020Q3",
        "definition": "mean-of-points",
        "rows": [
            {
                "key": "all",
                "good_s": 225,
                "counted_s": 280,
                "excluded_s": 10,
                "unknown_s": 20,
                "points_n": 3,
                "left_out_n": 1,
                "rate": "0.816667",  # (0.5 + 0.95 + 1) / 3
                "best": "0.816667",
                "worst": "0.750000",  # (0.5 + 0.95 + 0.8) / 3
                "verdict": "missed",
            }
        ],
    }


@pytest.mark.parametrize("definition", ["snapshot", "integrity"])
def test_counts_stand_beside_the_seconds(definition: str) -> None:
    points = [
        PointSeconds("p1", Seconds(95, 5, 0, 0), inspections=Seconds(9, 0, 0, 0)),
        PointSeconds("p2", Seconds(90, 10, 0, 0), inspections=Seconds(0, 1, 0, 2)),
    ]
    known = parse_definition(definition)
    told = rates_json("x", rate_rows(points, None, PLAIN, TARGET, known), known)["rows"][0]  # type: ignore[index]
    assert (told["good_s"], told["counted_s"]) == (185, 200)
    assert (told["good_n"], told["counted_n"], told["excluded_n"], told["unknown_n"]) == (9, 10, 2, 0)
    assert (told["rate"], told["verdict"]) == ("0.900000", "met")


def test_a_snapshot_needs_its_inspections() -> None:
    with pytest.raises(ValueError, match="p1"):
        rate_rows(CITY[1:2], None, PLAIN, TARGET, "snapshot")


def test_no_points_is_one_row_that_cannot_be_assessed() -> None:
    (row,) = rate_rows([], None, PLAIN, TARGET)
    assert (row.key, row.points, row.verdict) == ("all", 0, "not-assessable")
    assert rate_rows([], ("phase",), PLAIN, TARGET) == []


def test_table_for_spreadsheets() -> None:
    points = [PointSeconds("=1+1", Seconds(1, 1, 0, 0)), PointSeconds("p", Seconds(0, 0, 0, 0))]
    assert rates_table(rate_rows(points, ("point",), PLAIN, TARGET)) == [
        ["key", "good_s", "counted_s", "excluded_s", "unknown_s", "rate", "best", "worst", "verdict"],
        ["'=1+1", "1", "2", "0", "0", "0.500000", "0.500000", "0.500000", "missed"],
        ["p", "0", "0", "0", "0", "", "", "", "not-assessable"],
    ]


def test_parse_by() -> None:
    assert parse_by(None) is None
    assert parse_by("point") == ("point",)
    assert parse_by("phase,supplier") == ("phase", "supplier")


@pytest.mark.parametrize("text", ["", "street", "phase,", "phase,phase", "Phase"])
def test_bad_by(text: str) -> None:
    with pytest.raises(InputError):
        parse_by(text)


def test_bad_definition() -> None:
    with pytest.raises(InputError):
        parse_definition("median")


def test_inspections_are_whole_seconds_each_once() -> None:
    start, end = parse_period("2020-07").span()
    at = [Instant(second * 1_000_000 + 7) for second in (end - 1, start, start)]
    assert inspection_seconds("snapshot", at, parse_period("2020-07"), ZONE) == [start, end - 1]
    assert inspection_seconds("time-weighted", [], parse_period("2020-07"), ZONE) == []


@pytest.mark.parametrize(
    ("definition", "offsets"),
    [
        ("snapshot", []),
        ("snapshot", [-1]),
        ("snapshot", [31 * 86_400]),
        ("integrity", []),
        ("integrity", [0, 1]),
        ("time-weighted", [0]),
        ("mean-of-points", [0]),
    ],
)
def test_inspections_that_do_not_fit(definition: str, offsets: list[int]) -> None:
    start, _ = parse_period("2020-07").span()
    at = [Instant((start + offset) * 1_000_000) for offset in offsets]
    with pytest.raises(InputError):
        inspection_seconds(parse_definition(definition), at, parse_period("2020-07"), ZONE)


@pytest.mark.parametrize(
    ("definition", "count", "forms"),
    [
        ("integrity", 31, ("none for the period's end", "2020-07-31T10:00:00+08:00", "one day only")),
        ("snapshot", 0, ("10:00", "2020-07-31T10:00:00+08:00")),
        ("time-weighted", 1, ("leave --at out", "--definition snapshot")),
    ],
)
def test_inspections_that_do_not_fit_are_told_which_forms_do(
    definition: str, count: int, forms: tuple[str, ...]
) -> None:
    start, _ = parse_period("2020-07").span()
    at = [Instant((start + day * 86_400) * 1_000_000) for day in range(count)]
    with pytest.raises(InputError) as caught:
        inspection_seconds(parse_definition(definition), at, parse_period("2020-07"), ZONE)
    (finding,) = caught.value.findings
    assert f"{count} were given" in finding.message
    assert all(form in finding.remedy for form in forms)
