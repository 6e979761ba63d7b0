"""Rates from files alone: what the files may say, and every complaint about what they may not."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from pydantic import ValidationError

from monitor.finding import InputError
from monitor.period import Period, parse_period
from monitor.rates import Seconds
from monitor.report import rate_rows, rates_json
from monitor.sources import csvfile
from monitor.sources.csvfile import Complaints, instant, read_rows
from monitor.sources.states import FilePolicy, load_case, point_seconds

DAY = parse_period("2020-07-01..2020-07-01")
POINTS = "point,phase,accepted_on\np1,phase-1,2020-07-01\n"
STATES = """point,state,start,end
p1,online,2020-07-01T00:00:00+08:00,2020-07-01T08:06:56+08:00
p1,offline,2020-07-01T08:06:56+08:00,2020-07-01T09:48:36+08:00
p1,online,2020-07-01T09:48:36+08:00,2020-07-02T00:00:00+08:00
"""
EXCLUSIONS = "point,start,end,reason\np1,2020-07-01T08:00:00+08:00,2020-07-01T08:15:00+08:00,停电\n"


class Files:
    """Writes the three files and asks for their rates."""

    def __init__(self, folder: Path) -> None:
        self.points = folder / "points.csv"
        self.states = folder / "states.csv"
        self.exclusions = folder / "exclusions.csv"

    def write(
        self, points: str | bytes = POINTS, states: str | bytes = STATES, exclusions: str | bytes | None = None
    ) -> Files:
        for path, text in ((self.points, points), (self.states, states), (self.exclusions, exclusions)):
            if text is not None:
                path.write_bytes(text.encode() if isinstance(text, str) else text)
        return self

    def seconds(self, period: Period = DAY, **policy: object) -> dict[str, Seconds]:
        exclusions = self.exclusions if self.exclusions.exists() else None
        case = load_case(self.points, self.states, exclusions)
        return {point.point: point.seconds for point in point_seconds(case, period, FilePolicy.model_validate(policy))}

    def complaints(self) -> list[tuple[str, int, str]]:
        """Place of every finding; each must have a message and a remedy."""
        exclusions = self.exclusions if self.exclusions.exists() else None
        with pytest.raises(InputError) as caught:
            load_case(self.points, self.states, exclusions)
        assert all(finding.message and finding.remedy for finding in caught.value.findings)
        return [(Path(finding.file).name, finding.line, finding.column) for finding in caught.value.findings]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    ("exclusions", "row"),
    [
        ("out_of_both", (79_884, 85_500, 900, 0, "0.934316", "met")),
        ("online", (80_784, 86_400, 900, 0, "0.935000", "met")),
        ("counted", (80_300, 86_400, 0, 0, "0.929398", "met")),
    ],
)
def test_one_day_from_files(files: Files, exclusions: str, row: tuple[object, ...]) -> None:
    files.write(exclusions=EXCLUSIONS)
    policy = FilePolicy.model_validate({"exclusions": exclusions})
    points = point_seconds(load_case(files.points, files.states, files.exclusions), DAY, policy)
    told = rates_json(DAY.label, rate_rows(points, None, policy, policy.target))["rows"][0]  # type: ignore[index]
    names = ("good_s", "counted_s", "excluded_s", "unknown_s", "rate", "verdict")
    assert tuple(told[name] for name in names) == row
    assert told["best"] == told["worst"] == told["rate"]


def test_without_exclusions(files: Files) -> None:
    assert files.write().seconds() == {"p1": Seconds(80_300, 6_100, 0, 0)}


def test_policy_of_the_file(files: Files) -> None:
    policy = FilePolicy.model_validate({"unknown": "offline", "minimum_outage_s": 6_101, "target": Decimal("0.95")})
    assert policy.target == Fraction(19, 20)
    assert FilePolicy().target == Fraction(9, 10)
    assert files.write().seconds(minimum_outage_s=6_101) == {"p1": Seconds(86_400, 0, 0, 0)}
    assert files.seconds(minimum_outage_s=6_100) == {"p1": Seconds(80_300, 6_100, 0, 0)}


@pytest.mark.parametrize("bad", [{"targt": Decimal("0.9")}, {"target": Decimal("1.01")}, {"target": 0.9}])
def test_a_bad_policy_file_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FilePolicy.model_validate(bad)


def test_what_no_row_covers_is_unknown(files: Files) -> None:
    states = "point,state,start,end\np1,online,2020-07-01T06:00:00+08:00,2020-07-01T12:00:00+08:00\n"
    states += "p1,unknown,2020-07-01T12:00:00+08:00,2020-07-01T13:00:00+08:00\n"
    assert files.write(states=states).seconds() == {"p1": Seconds(21_600, 0, 64_800, 0)}


def test_no_states_at_all(files: Files) -> None:
    assert files.write(states="point,state,start,end\n").seconds() == {"p1": Seconds(0, 0, 86_400, 0)}


def test_zones_may_differ_and_the_day_is_shanghais(files: Files) -> None:
    states = "point,state,start,end\np1,online,2020-06-30T16:00:00Z,2020-07-01T16:00:00Z\n"
    assert files.write(states=states).seconds() == {"p1": Seconds(86_400, 0, 0, 0)}
    states = "point,state,start,end\np1,online,2020-06-30T12:00:00-04:00,2020-07-01T16:00:00.999999+00:00\n"
    assert files.write(states=states).seconds() == {"p1": Seconds(86_400, 0, 0, 0)}


def test_rows_that_meet_within_a_second_do_not_overlap(files: Files) -> None:
    states = """point,state,start,end
p1,online,2020-07-01T00:00:00.7+08:00,2020-07-01T00:00:10.3+08:00
p1,offline,2020-07-01T00:00:10.3+08:00,2020-07-01T00:00:10.9+08:00
p1,offline,2020-07-01T00:00:10.9+08:00,2020-07-01T00:00:20.9+08:00
"""
    assert files.write(states=states).seconds() == {"p1": Seconds(10, 10, 86_380, 0)}


def test_acceptance_and_retirement_dates(files: Files) -> None:
    points = "point,phase,accepted_on,retired_on\n"
    points += "p1,a,2020-07-02,\np2,a,2020-06-30,2020-07-01\np3,a,2020-07-01,2020-07-02\np4,a,2020-07-01,2020-07-01\n"
    assert files.write(points=points, states="point,state,start,end\n").seconds(parse_period("2020-07")) == {
        "p1": Seconds(0, 0, 30 * 86_400, 0),
        "p2": Seconds(0, 0, 0, 0),
        "p3": Seconds(0, 0, 86_400, 0),
        "p4": Seconds(0, 0, 0, 0),
    }


def test_other_columns_any_order_bom_crlf_quotes_and_blank_lines(files: Files) -> None:
    points = '\ufeffaccepted_on,note,point,phase,area\r\n\r\n2020-07-01,"好,坏",p1,一期,城东\r\n,,,,\r\n'
    files.write(points=points)
    (point,) = point_seconds(load_case(files.points, files.states), DAY, FilePolicy())
    assert (point.point, point.phase, point.area, point.supplier) == ("p1", "一期", "城东", "")


def test_gb18030_as_spreadsheets_save_it(files: Files) -> None:
    files.write(points="point,phase,accepted_on,supplier\np1,二期,2020-07-01,某某公司\n".encode("gb18030"))
    (point,) = point_seconds(load_case(files.points, files.states), DAY, FilePolicy())
    assert (point.phase, point.supplier) == ("二期", "某某公司")


def test_snapshot_and_integrity_from_files(files: Files) -> None:
    points = "point,phase,accepted_on,devices\np1,a,2020-07-01,3\np2,a,2020-07-01,\np3,a,2020-07-02,5\n"
    case = load_case(files.write(points=points).points, files.states)
    complaints = Complaints("x")
    at = [instant(f"2020-07-01T{hour}:00:00+08:00", 1, "at", complaints) for hour in ("08", "09", "10")]
    known = [moment for moment in at if moment is not None]
    policy = FilePolicy()
    snapshot = point_seconds(case, DAY, policy, definition="snapshot", instants=known)
    assert [point.inspections for point in snapshot] == [Seconds(2, 1, 0, 0), Seconds(0, 0, 3, 0), Seconds(0, 0, 0, 0)]
    integrity = point_seconds(case, DAY, policy, definition="integrity", instants=known[1:2])
    assert [point.inspections for point in integrity] == [Seconds(0, 3, 0, 0), Seconds(0, 0, 1, 0), Seconds(0, 0, 0, 0)]
    with pytest.raises(InputError):
        point_seconds(case, DAY, policy, definition="snapshot")


# Bad input


def test_every_complaint_about_all_three_files_at_once(files: Files) -> None:
    points = """point,phase,accepted_on,retired_on
p1,phase-1,2020-07-01,
p1,phase-1,2020-07-01,
,phase-1,2020-07-01,
p2,,2020-02-30,
p3,phase-1,2020-07-01,2020-06-30
p4,phase-1,2020/7/1,
p5,phase-1
"""
    states = """point,state,start,end
p1,online,2020-07-01T00:00:00+08:00,2020-07-01T08:00:00+08:00
p1,offline,2020-07-01T07:59:59+08:00,2020-07-01T09:00:00+08:00
p2,broken,2020-07-01T00:00:00+08:00,2020-07-01T08:00:00+08:00
p2,online,2020-07-01T00:00:00,2020-07-01T25:00:00+08:00
p3,online,2020-07-01T09:00:00+08:00,2020-07-01T08:00:00+08:00
p3,online,2020-07-01T10:00:00+08:00,2020-07-01T10:00:00+08:00
"""
    exclusions = "point,start,end,reason\np1,2020-07-01,2020-07-02T00:00:00+08:00,停电\n"
    assert files.write(points, states, exclusions).complaints() == [
        ("points.csv", 3, "point"),
        ("points.csv", 4, "point"),
        ("points.csv", 5, "accepted_on"),
        ("points.csv", 5, "phase"),
        ("points.csv", 6, "retired_on"),
        ("points.csv", 7, "accepted_on"),
        ("points.csv", 8, ""),
        ("states.csv", 3, "start"),
        ("states.csv", 4, "state"),
        ("states.csv", 5, "end"),
        ("states.csv", 5, "start"),
        ("states.csv", 6, "end"),
        ("states.csv", 7, "end"),
        ("exclusions.csv", 2, "start"),
    ]


def test_a_point_that_is_not_in_the_roster(files: Files) -> None:
    files.write(
        states=STATES + STATES.splitlines()[1].replace("p1", "p9") + "\n", exclusions=EXCLUSIONS.replace("p1", "")
    )
    assert files.complaints() == [("states.csv", 5, "point"), ("exclusions.csv", 2, "point")]


def test_an_overlap_within_a_longer_row_names_that_row(files: Files) -> None:
    states = """point,state,start,end
p1,online,2020-07-01T00:00:00+08:00,2020-07-01T12:00:00+08:00
p1,online,2020-07-01T01:00:00+08:00,2020-07-01T02:00:00+08:00
p1,online,2020-07-01T03:00:00+08:00,2020-07-01T04:00:00+08:00
"""
    with pytest.raises(InputError) as caught:
        load_case(files.write(states=states).points, files.states)
    assert [finding.line for finding in caught.value.findings] == [3, 4]
    assert all("line 2" in finding.message for finding in caught.value.findings)


@pytest.mark.parametrize(
    ("points", "place"),
    [
        ("", ("points.csv", 0, "")),
        ("\n\n", ("points.csv", 0, "")),
        ("point,phase,accepted_on\n", ("points.csv", 0, "")),
        ("point,accepted_on\np1,2020-07-01\n", ("points.csv", 1, "phase")),
        ("point;phase;accepted_on\np1;a;2020-07-01\n", ("points.csv", 1, "accepted_on")),
        ("point,phase,accepted_on,point\np1,a,2020-07-01,p2\n", ("points.csv", 1, "point")),
        ("point,phase,accepted_on,retire_on\np1,a,2020-07-01,\n", ("points.csv", 1, "retire_on")),
        ("point,phase,accepted_on\np1,a,2020-07-01,extra\n", ("points.csv", 2, "")),
        ('point,phase,accepted_on\np1,"a,2020-07-01\n', ("points.csv", 2, "")),
        ("point,phase,accepted_on,devices\np1,a,2020-07-01,-1\n", ("points.csv", 2, "devices")),
        ("point,phase,accepted_on\np1,a,\n", ("points.csv", 2, "accepted_on")),
        ("point,phase,accepted_on\np1,a,20200701\n", ("points.csv", 2, "accepted_on")),
        ("point,phase,accepted_on\np1,a,1900-01-01\n", ("points.csv", 2, "accepted_on")),
        ("point,phase,accepted_on\np1,a\0,2020-07-01\n", ("points.csv", 0, "")),
        (b"point,phase,accepted_on\np1,\xff\xff,2020-07-01\n", ("points.csv", 0, "")),
        ("point,phase,accepted_on\np1,a,2020-07-01\n".encode("utf-16"), ("points.csv", 0, "")),
        (b"PK\x03\x04 and so on", ("points.csv", 0, "")),
    ],
)
def test_a_points_file_that_cannot_be_used(files: Files, points: str | bytes, place: tuple[str, int, str]) -> None:
    assert place in files.write(points=points).complaints()


def test_an_unreadable_roster_does_not_make_every_state_a_stranger(files: Files) -> None:
    assert files.write(points="point,accepted_on\np1,2020-07-01\n").complaints() == [("points.csv", 1, "phase")]


def test_missing_files_are_complaints(files: Files) -> None:
    assert files.complaints() == [("points.csv", 0, ""), ("states.csv", 0, "")]


def test_lines_are_those_of_the_file_even_after_quoted_line_breaks(files: Files) -> None:
    points = 'point,phase,accepted_on,note\np1,a,2020-07-01,"two\nlines"\n\np2,a,soon,\n'
    assert files.write(points=points).complaints() == [("points.csv", 5, "accepted_on")]


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("point\n" + "p\n" * 4)
    complaints = Complaints(str(path))
    assert len(read_rows(path, ("point",), (), complaints, max_rows=4)) == 4
    assert complaints.findings() == []
    read_rows(path, ("point",), (), complaints, max_rows=3)
    assert [finding.line for finding in complaints.findings()] == [5]
    complaints = Complaints(str(path))
    assert read_rows(path, ("point",), (), complaints, max_bytes=13) == []
    assert [finding.line for finding in complaints.findings()] == [0]


def test_the_stated_limits() -> None:
    assert (csvfile.MAX_ROWS, csvfile.MAX_BYTES, csvfile.MAX_FINDINGS) == (200_000, 50_000_000, 1_000)


def test_a_thousand_complaints_are_listed_and_the_rest_counted(files: Files) -> None:
    files.write(points="point,phase,accepted_on\n" + "".join(f"p{n},a,soon\n" for n in range(1_500)))
    with pytest.raises(InputError) as caught:
        load_case(files.points, files.states)
    of_points = [finding for finding in caught.value.findings if finding.file.endswith("points.csv")]
    assert len(of_points) == 1_001
    assert "500" in of_points[-1].message


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T08:00:00+08:00", 0),
        ("1970-01-01T00:00:01.5+00:00", 1_500_000),
        ("2020-07-01T00:00+08:00", 1_593_532_800_000_000),
        ("20200701T000000+0800", 1_593_532_800_000_000),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_instants(text: str, us: int) -> None:
    complaints = Complaints("x")
    assert instant(text, 1, "start", complaints) == us
    assert complaints.count == 0


@pytest.mark.parametrize(
    "text", ["", "soon", "2020-07-01", "2020-07-01T00:00:00", "2020-02-30T00:00:00Z", "1593532800"]
)
def test_no_instants(text: str) -> None:
    complaints = Complaints("x")
    assert instant(text, 7, "start", complaints) is None
    assert [(finding.line, finding.column) for finding in complaints.findings()] == [(7, "start")]
