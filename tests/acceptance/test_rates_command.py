"""`camsla rates` from files alone: the one-day case and its three policies, figures typed by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camsla_command import Camsla

FILES = {
    "points.csv": "point,phase,accepted_on\np1,phase-2,2020-07-01\n",
    "states.csv": "point,state,start,end\n"
    "p1,online,2020-07-15T00:00:00+08:00,2020-07-15T08:06:56+08:00\n"
    "p1,offline,2020-07-15T08:06:56+08:00,2020-07-15T09:48:36+08:00\n"
    "p1,online,2020-07-15T09:48:36+08:00,2020-07-16T00:00:00+08:00\n",
    "exclusions.csv": "point,start,end,reason\np1,2020-07-15T08:00:00+08:00,2020-07-15T08:15:00+08:00,停电\n",
}
DAY = ("rates", "--points", "points.csv", "--states", "states.csv", "--period", "2020-07-15..2020-07-15")
EXCLUDED = (*DAY, "--exclusions", "exclusions.csv")


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return Camsla(tmp_path)


@pytest.mark.parametrize(
    ("mode", "good_s", "counted_s", "excluded_s", "rate"),
    [
        ("out_of_both", 79_884, 85_500, 900, "0.934316"),
        ("online", 80_784, 86_400, 900, "0.935000"),
        ("counted", 80_300, 86_400, 0, "0.929398"),
    ],
)
def test_the_one_day_case(camsla: Camsla, mode: str, good_s: int, counted_s: int, excluded_s: int, rate: str) -> None:
    (camsla.folder / "policy.yaml").write_text(f"exclusions: {mode}\n")
    answer = camsla.json(*EXCLUDED, "--policy", "policy.yaml")
    (row,) = answer["rows"]
    assert answer["period"] == "2020-07-15..2020-07-15"
    assert row["key"] == "all"
    assert (row["good_s"], row["counted_s"], row["excluded_s"], row["unknown_s"]) == (good_s, counted_s, excluded_s, 0)
    assert (row["rate"], row["best"], row["worst"]) == (rate, rate, rate)
    assert row["verdict"] == "met"


def test_what_no_row_covers_is_unknown_and_opens_the_bounds(camsla: Camsla) -> None:
    answer = camsla.json(*DAY[:-1], "2020-07-15..2020-07-16")
    (row,) = answer["rows"]
    assert row["unknown_s"] == 86_400
    assert row["rate"] == "0.929398"
    assert row["best"] == "0.964699"  # (80,300 + 86,400) / 172,800
    assert row["worst"] == "0.464699"  # 80,300 / 172,800
    assert row["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("unknown", "rate"), [("online", "0.964699"), ("offline", "0.464699"), ("excluded", "0.929398")]
)
def test_the_policy_says_what_unknown_is_taken_for(camsla: Camsla, unknown: str, rate: str) -> None:
    (camsla.folder / "policy.yaml").write_text(f"unknown: {unknown}\n")
    answer = camsla.json(*DAY[:-1], "2020-07-15..2020-07-16", "--policy", "policy.yaml")
    assert answer["rows"][0]["rate"] == rate


def test_nothing_counted_is_null_not_zero(camsla: Camsla) -> None:
    (row,) = camsla.json(*DAY[:-1], "2020-06")["rows"]
    assert (row["rate"], row["best"], row["worst"]) == (None, None, None)
    assert row["verdict"] == "not-assessable"


def test_a_short_outage_is_forgiven_by_the_policy(camsla: Camsla) -> None:
    (camsla.folder / "policy.yaml").write_text("minimum_outage_s: 6101\n")
    assert camsla.json(*DAY, "--policy", "policy.yaml")["rows"][0]["rate"] == "1.000000"
    (camsla.folder / "policy.yaml").write_text("minimum_outage_s: 6100\n")
    assert camsla.json(*DAY, "--policy", "policy.yaml")["rows"][0]["rate"] == "0.929398"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "states.csv",
            "point,state,start,end\np1,online,2020-07-15T00:00:00+08:00,2020-07-15T09:00:00+08:00\n"
            "p1,offline,2020-07-15T08:00:00+08:00,2020-07-15T10:00:00+08:00\n",
            "states.csv:3",
        ),
        (
            "states.csv",
            "point,state,start,end\np1,online,2020-02-30T00:00:00+08:00,2020-07-15T09:00:00+08:00\n",
            "states.csv:2",
        ),
        (
            "states.csv",
            "point,state,start,end\np1,online,2020-07-15T00:00:00,2020-07-15T09:00:00+08:00\n",
            "states.csv:2",
        ),
        (
            "states.csv",
            "point,state,start,end\np9,online,2020-07-15T00:00:00+08:00,2020-07-15T09:00:00+08:00\n",
            "states.csv:2",
        ),
        ("states.csv", "point,state,start\n", "end"),
        ("points.csv", "point,phase,accepted_on\np1,phase-2,2020-07-01\np1,phase-2,2020-07-01\n", "points.csv:3"),
        ("points.csv", "point,phase,accepted_on\n", "points.csv"),
        ("points.csv", "point,phase,accepted_on\np1,phase-2,2020-02-30\n", "points.csv:2"),
        ("policy.yaml", "unknown: excluded\ncolour: red\n", "policy.yaml:2"),
        ("policy.yaml", "unknown: perhaps\n", "policy.yaml:1"),
    ],
)
def test_bad_files_are_refused_with_their_place(camsla: Camsla, name: str, text: str, message: str) -> None:
    (camsla.folder / "policy.yaml").write_text("unknown: excluded\n")
    (camsla.folder / name).write_text(text)
    assert message in camsla.refused(*DAY, "--policy", "policy.yaml")


def test_a_period_that_is_none_is_refused(camsla: Camsla) -> None:
    for period in ("2020-13", "2020Q5", "2020-07-31..2020-07-01", "yesterday"):
        assert "period" in camsla.refused(*DAY[:-1], period)


def test_the_same_rows_as_csv(camsla: Camsla) -> None:
    text = camsla.ok(*DAY, "--csv")
    header, row = text.splitlines()
    assert header.startswith("key,good_s,counted_s,excluded_s,unknown_s,rate")
    assert row.startswith("all,80300,86400,0,0,0.929398")


def test_an_instant_that_cannot_be_read_is_answered_with_the_forms_that_can(camsla: Camsla) -> None:
    for text in ("ten", "2020-07-15T10:00:00", "10:00Z"):
        said = camsla.refused(*DAY, "--definition", "snapshot", "--at", text)
        assert "2020-07-31T10:00:00+08:00" in said
        assert "every day of the period" in said
    month = (*DAY[:-1], "2020-07", "--definition", "integrity", "--at", "10:00")
    assert "31 were given" in camsla.refused(*month)
    assert camsla.json(*DAY, "--definition", "integrity", "--at", "10:00")["rows"]
