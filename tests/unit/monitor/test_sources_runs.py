"""Files of runs, gaps, exclusions and platform inspections: what they mean, and every way to get them wrong."""

from __future__ import annotations

import hashlib

import pytest

from monitor.finding import InputError
from monitor.model import Exclusion, Gap, Outcome, Reason, Run, Rung, State
from monitor.sources.exclusions import read_exclusions
from monitor.sources.platform import read_platform
from monitor.sources.runs import read_gaps, read_runs

T0 = 1_593_532_800_000_000
HEADER = "point,vantage,first,last,count,state,reason,rung,valid_s\n"
OK = Outcome(State.ONLINE, Reason.OK, Rung.DESCRIBE)
TIMEOUT = Outcome(State.OFFLINE, Reason.TIMEOUT, Rung.TCP)


def at(second):
    return T0 + second * 1_000_000


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


def complaints(read, tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read(path)
    assert {f.file for f in caught.value.findings} == {str(path)}
    assert all(f.message and f.remedy for f in caught.value.findings)
    return [(f.line, f.column) for f in caught.value.findings]


def test_runs_are_read(tmp_path):
    text = (
        HEADER
        + "P1,import,2020-07-01T00:00:00+08:00,2020-06-30T16:01:00.000001Z,2,online,ok,describe,130\n\n"
        + f"点二,import,{at(0)},{at(0)},1,offline,timeout,tcp,130\n"
        + "P3,import,2020-07-01T00:00:00+08:00,2020-07-01T00:01:00+08:00,2,online,,describe,60\n"
    )
    path = written(tmp_path, text, "gb18030")
    found = read_runs(path)
    assert found.runs == [
        Run("P1", "import", at(0), at(60) + 1, 2, OK, 130),
        Run("点二", "import", at(0), at(0), 1, TIMEOUT, 130),
        Run("P3", "import", at(0), at(60), 2, OK, 60),
    ]
    assert [found.origin.line(row) for row in range(3)] == [2, 4, 5]
    assert found.origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.origin.file == str(path)
    assert found.warnings == ()


def test_too_few_samples_for_a_length_is_a_doubt_not_an_error(tmp_path):
    row = "P1,import,2020-07-01T00:00:00Z,2020-07-01T01:00:00Z,{},online,ok,describe,120\n"
    assert read_runs(written(tmp_path, HEADER + row.format(31))).warnings == ()
    (warning,) = read_runs(written(tmp_path, HEADER + row.format(30))).warnings
    assert (warning.line, warning.column, warning.level) == (2, "count", "warning")


GOOD = ["P1", "import", "2020-07-01T00:00:00Z", "2020-07-01T00:01:00Z", "2", "online", "ok", "describe", "130"]


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        (0, "", "point"),
        (0, "x" * 65, "point"),
        (1, "", "vantage"),
        (2, "2020-07-01T00:00:00", "first"),
        (2, "yesterday", "first"),
        (3, "2020-02-30T00:00:00Z", "last"),
        (3, "2020-06-30T23:59:59Z", "last"),
        (4, "0", "count"),
        (4, "-1", "count"),
        (4, "2.0", "count"),
        (4, "９", "count"),
        (4, "9" * 30, "count"),
        (5, "up", "state"),
        (5, "offline", "reason"),
        (6, "because", "reason"),
        (6, "timeout", "reason"),
        (7, "guess", "rung"),
        (7, "", "rung"),
        (8, "0", "valid_s"),
        (8, "99999999", "valid_s"),
    ],
)
def test_every_wrong_cell_is_named(tmp_path, column, value, named):
    cells = list(GOOD)
    cells[column] = value
    text = HEADER + ",".join(GOOD) + "\n" + ",".join(cells) + "\n"
    assert complaints(read_runs, tmp_path, text) == [(3, named)]


def test_an_offline_run_needs_a_reason(tmp_path):
    cells = [*GOOD[:5], "offline", "", *GOOD[7:]]
    assert complaints(read_runs, tmp_path, HEADER + ",".join(cells) + "\n") == [(2, "reason")]


def test_all_complaints_come_at_once(tmp_path):
    rows = [",".join([code, *GOOD[1:4], count, *GOOD[5:]]) for code, count in (("", "2"), ("P1", "x"), ("P1", "2"))]
    assert complaints(read_runs, tmp_path, HEADER + "\n".join(rows)) == [(2, "point"), (3, "count")]


def test_a_wrong_outcome_is_reported_on_each_of_its_lines(tmp_path):
    row = ",".join([*GOOD[:5], "up", *GOOD[6:]]) + "\n"
    assert complaints(read_runs, tmp_path, HEADER + row + row) == [(2, "state"), (3, "state")]


def test_a_file_that_is_not_there_or_lacks_columns(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_runs(tmp_path / "none.csv")
    assert complaints(read_runs, tmp_path, "point,vantage\n") == [
        (1, name) for name in sorted(HEADER.strip().split(",")[2:])
    ]
    assert read_runs(written(tmp_path, HEADER)).runs == []


def test_gaps_are_read(tmp_path):
    text = (
        "vantage,point,start,end,cause\n"
        "import,,2020-07-01T00:00:00+08:00,2020-07-01T00:00:01+08:00,维护\n"
        f"import,P1,{at(5)},{at(6)},lag\n"
    )
    assert read_gaps(written(tmp_path, text)).gaps == [
        Gap("import", at(0), at(1), "维护"),
        Gap("import", at(5), at(6), "lag", "P1"),
    ]
    text = "vantage,start,end,cause\nimport,2020-07-01T00:00:00Z,2020-07-01T00:00:00Z,\n,2020-07-01T00:00:00Z,,x\n"
    assert complaints(read_gaps, tmp_path, text) == [(2, "cause"), (2, "end"), (3, "end"), (3, "vantage")]


def test_exclusions_are_read(tmp_path):
    text = "point,start,end,reason\nP1,2020-07-01T08:00:00+08:00,2020-07-01T08:15:00+08:00,停电\n"
    found = read_exclusions(written(tmp_path, text))
    assert found.exclusions == [Exclusion("P1", at(8 * 3600), at(8 * 3600 + 900), "停电")]
    assert found.origin.line(0) == 2
    text = (
        "point,start,end,reason\n,2020-07-01T08:00:00Z,2020-07-01T08:00:00Z,\nP,2020-07-01T08:00:00,2020-07-02T00:00Z,x"
    )
    assert complaints(read_exclusions, tmp_path, text) == [(2, "end"), (2, "point"), (2, "reason"), (3, "start")]


ONLINE = Outcome(State.ONLINE, Reason.OK, Rung.PLATFORM)
OFFLINE = Outcome(State.OFFLINE, Reason.PLATFORM, Rung.PLATFORM)
UNKNOWN = Outcome(State.UNKNOWN, Reason.WATCHER, Rung.PLATFORM)


def devices(code, at):
    return {"D1": "P1", "D1-old": "P1", "D2": "P2"}.get(code)


def test_inspections_become_runs(tmp_path):
    text = (
        "序号,设备编码,检测时间,状态,检测方式\n"
        "1,D2,2020-07-01 00:00:00,离线,\n"
        "2,D1,2020/7/1 1:00,在线,\n"
        "3,D1-old,2020-07-01 00:00:00,正常,\n"
        "4,D1,2020-06-30T18:00:00Z,ONLINE,\n"
        "5,D1,2020-07-01 04:00:01,在线,\n"
        "6,D1,2020-07-01 05:00:00,未检测,\n"
        "7,D1,2020-07-01 00:30:00,离线,取流\n"
        "8,X,2020-07-01 00:30:00,离线,取流\n"
        "9,D2,2020-07-01 00:00:00,掉线,\n"
        "10,X,2020-07-01 01:30:00,离线,取流\n"
    )
    found = read_platform(written(tmp_path, text), devices, valid_s=7200)
    assert found.runs == [
        Run("P1", "platform", at(0), at(7200), 3, ONLINE, 7200),
        Run("P1", "platform", at(14_401), at(14_401), 1, ONLINE, 7200),
        Run("P1", "platform", at(18_000), at(18_000), 1, UNKNOWN, 7200),
        Run("P2", "platform", at(0), at(0), 1, OFFLINE, 7200),
        Run("P1", "platform/取流", at(1800), at(1800), 1, OFFLINE, 7200),
    ]
    assert list(found.origin.lines) == [4, 6, 7, 2, 8]
    (stranger,) = found.warnings
    assert (stranger.line, stranger.level) == (9, "warning")
    assert "'X'" in stranger.message
    assert "2 行" in stranger.message


def test_wrong_inspections(tmp_path):
    text = (
        "设备编码,检测时间,状态\nD1,2020-07-01 00:00:00,在线\nD1,2020-07-01 00:00:00,离线\n"
        "D1,2020-02-30 00:00:00,在线\nD1,2020-07-01 24:00,在线\nD1,2020-07-01 01:00,也许\n"
    )

    def read(path):
        return read_platform(path, devices, valid_s=60)

    assert complaints(read, tmp_path, text) == [(3, "状态"), (4, "检测时间"), (5, "检测时间"), (6, "状态")]
    assert complaints(read, tmp_path, "设备编码,检测时间,状态\nX,2020-07-01 00:00,在线\n") == [(0, "设备编码")]
