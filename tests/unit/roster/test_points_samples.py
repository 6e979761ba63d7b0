"""The samples that ship are clean, and the template has every column there is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from monitor.points import Stored
from monitor.roster.columns import COLUMNS
from monitor.roster.difference import HEADER, summary, to_json, to_rows, to_text
from monitor.roster.parse import read_points, roster_of
from monitor.roster.plan import plan_import

SAMPLES = Path(__file__).resolve().parents[3] / "config" / "samples"


def test_the_samples_import_without_a_word() -> None:
    for name, count in (("points.csv", 8), ("archive_template.csv", 1)):
        plan = plan_import(Stored(), read_points(SAMPLES / name), date(2020, 7, 1))
        assert plan.warnings == ()
        assert plan.counts["new"] == count


def test_the_template_has_every_column() -> None:
    headers = read_points(SAMPLES / "archive_template.csv").headers
    assert [*headers] == [column.field for column in COLUMNS if column.field != "no"]


def test_a_roster_straight_from_a_file() -> None:
    points = roster_of(read_points(SAMPLES / "points.csv").checked())
    assert [point.code for point in points] == [f"XJ{phase}-000{n}" for phase in (1, 2) for n in (1, 2, 3, 4)]
    assert (points[3].retired_on, points[7].accepted_on) == (date(2020, 8, 16), date(2020, 7, 15))
    assert [len(point.pauses) for point in points] == [0, 0, 1, 0, 0, 0, 0, 0]


def test_a_difference_for_people_and_for_programs() -> None:
    plan = plan_import(Stored(), read_points(SAMPLES / "points.csv"), date(2020, 7, 1))
    assert summary(plan) == "新增 new 8｜不变 unchanged 0"
    text = to_text(plan, limit=3).splitlines()
    assert len(text) == 1 + 1 + 3 + 1
    assert "另有 5 行" in text[-1]
    assert to_rows(plan)[0] == ("2", "XJ1-0001", "新增 new", "2019-07-01", "", "", "人民路口北")
    assert len(HEADER) == 7
    assert '"counts":{"changed":0,"new":8,' in to_json(plan)
