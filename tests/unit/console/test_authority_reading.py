"""The authority's files as its offices send them: every layout, every way to write a rate, and files that are none."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import xlwt

from config.contracts import load_contract
from console.authority.cell import NoFigureError, RateStyle, count_of, rate_of, seconds_of
from console.authority.mapping import Mapping
from console.authority.periods import reference_within, when_of, when_within
from console.authority.reading import Asked, AuthorityFile, read_authority
from monitor.finding import InputError

XINJIAN = load_contract(Path("xinjian"))
Rows = list[list[Any]]


def read(path: Path, mapping: Mapping | None = None, **asked: str) -> AuthorityFile:
    return read_authority(path, XINJIAN, mapping or Mapping(), Asked(**asked))


def as_csv(path: Path, rows: Rows, encoding: str = "utf-8") -> Path:
    text = "".join(",".join(f'"{cell}"' if cell != "" else "" for cell in row) + "\r\n" for row in rows)
    path.write_bytes(text.encode(encoding))
    return path


def as_xlsx(path: Path, rows: Rows, merges: tuple[tuple[int, int, int, int], ...] = ()) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("统计")
    day = book.add_format({"num_format": 'yyyy"年"m"月"'})
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            if isinstance(cell, (date, datetime)):
                sheet.write_datetime(line, at, cell, day)
            elif isinstance(cell, timedelta):
                sheet.write_datetime(line, at, cell, book.add_format({"num_format": "[h]:mm"}))
            elif cell != "":
                sheet.write(line, at, cell)
    for top, left, bottom, right in merges:
        sheet.merge_range(top, left, bottom, right, rows[top][left])
    book.close()
    return path


def as_xls(path: Path, rows: Rows) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("统计")
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            if cell != "":
                sheet.write(line, at, cell)
    book.save(str(path))
    return path


WRITERS: dict[str, Callable[[Path, Rows], Path]] = {
    "utf8.csv": as_csv,
    "bom.csv": lambda path, rows: as_csv(path, rows, "utf-8-sig"),
    "gb18030.csv": lambda path, rows: as_csv(path, rows, "gb18030"),
    "new.xlsx": as_xlsx,
    "old.xls": as_xls,
}
LETTER: Rows = [
    ["新建区公安局2020年第三季度视频监控在线率通报", "", "", ""],
    ["洪公视〔2020〕7号", "", "", ""],
    ["期次", "月份", "应在线数", "在线率"],
    ["一期", "7月", 1000, "81.00%"],
    ["", "8月", 1000, "82％"],
    ["", "9月", 1000, 0.81],
    ["二期", "2020年7月", "1,000", "87.71%"],
    ["", "202008", 1000, "88 %"],
    ["", "2020-09", 1000, "0.8765"],
    ["合计", "", 6000, ""],
    ["填表人：张三", "", "审核：李四", ""],
]


@pytest.mark.parametrize("name", WRITERS)
def test_a_letter_in_every_kind_of_file(name: str, tmp_path: Path) -> None:
    found = read(WRITERS[name](tmp_path / name, LETTER))
    assert found.reference == "洪公视〔2020〕7号"
    assert [(f.phase, f.period, f.num, f.den, f.points) for f in found.figures] == [
        ("phase-1", "2020-07", 8100, 10_000, 1000),
        ("phase-1", "2020-08", 82, 100, 1000),
        ("phase-1", "2020-09", 81, 100, 1000),
        ("phase-2", "2020-07", 8771, 10_000, 1000),
        ("phase-2", "2020-08", 88, 100, 1000),
        ("phase-2", "2020-09", 8765, 10_000, 1000),
    ]
    assert [line for line, text in found.notes if "合计" in text] == [10]
    assert [line for line, text in found.notes if "填表人" in text] == [11]


def test_months_side_by_side_under_merged_headings(tmp_path: Path) -> None:
    rows: Rows = [
        ["2020年三季度点位在线情况", "", "", "", "", "", ""],
        ["序号", "点位编号", "7月", "", "8月", "", "备注"],
        ["", "", "在线时长（小时）", "应在线时长（小时）", "在线时长（小时）", "应在线时长（小时）", ""],
        [1, "P1", 735.5, 744, timedelta(hours=700), 744, ""],
        [2, "P2", "735小时30分", 744, "700:30", 744, "故障"],
        [3, "P3", "—", 744, 0, 744, ""],
    ]
    merges = ((0, 0, 0, 6), (1, 2, 1, 3), (1, 4, 1, 5), (1, 0, 2, 0), (1, 1, 2, 1), (1, 6, 2, 6))
    found = read(as_xlsx(tmp_path / "merged.xlsx", rows, merges))
    hours = {(f.point, f.period): (Fraction(f.num, 3600), f.den // 3600, f.unit) for f in found.figures}
    assert hours == {
        ("P1", "2020-07"): (Fraction("735.5"), 744, "seconds"),
        ("P1", "2020-08"): (700, 744, "seconds"),
        ("P2", "2020-07"): (Fraction("735.5"), 744, "seconds"),
        ("P2", "2020-08"): (Fraction("700.5"), 744, "seconds"),
        ("P3", "2020-08"): (0, 744, "seconds"),
    }
    assert any(line == 6 for line, _ in found.notes)


def test_phases_side_by_side_and_fault_rates(tmp_path: Path) -> None:
    rows: Rows = [
        ["月份", "一期故障率", "二期故障率(%)"],
        [date(2020, 7, 1), "18.64%", 12.29],
        [date(2020, 8, 1), "18%", 12],
        ["季度平均", "18.3%", 12.1],
    ]
    found = read(as_xlsx(tmp_path / "faults.xlsx", rows))
    assert [(f.phase, f.period, f.value) for f in found.figures] == [
        ("phase-1", "2020-07", Fraction("0.8136")),
        ("phase-2", "2020-07", Fraction("0.8771")),
        ("phase-1", "2020-08", Fraction("0.82")),
        ("phase-2", "2020-08", Fraction("0.88")),
    ]


def test_a_fault_rate_that_may_mean_two_things_is_not_guessed(tmp_path: Path) -> None:
    rows: Rows = [["期次", "故障率(%)"], ["一期", 0.5], ["二期", "0.8%"]]
    found = read(as_xlsx(tmp_path / "small.xlsx", rows), period="2020Q3")
    assert [(f.phase, f.value) for f in found.figures] == [("phase-2", Fraction("0.992"))]
    assert any(line == 2 and "映射" in text for line, text in found.notes)
    told = read(tmp_path / "small.xlsx", Mapping(rates="percent"), period="2020Q3")
    assert [f.value for f in told.figures] == [Fraction("0.995"), Fraction("0.992")]


def _mixed(tmp_path: Path, small: int, large: int) -> Path:
    """Write a file whose bare numbers are partly shares, partly percentages."""
    figures = [0.9362 - n / 1_000 for n in range(small)] + [91.18 - n / 10 for n in range(large)]
    rows: Rows = [["点位编号", "2020年7月在线率"], *([f"P{n}", figure] for n, figure in enumerate(figures))]
    return as_xlsx(tmp_path / "mixed.xlsx", rows)


def test_percentages_and_shares_in_one_file_are_not_guessed_but_read_as_somebody_says(tmp_path: Path) -> None:
    path = _mixed(tmp_path, 4, 8)
    with pytest.raises(InputError) as caught:
        read(path)
    finding = caught.value.findings[0]
    assert (finding.column, "12 个数中 4 个不大于 1" in finding.message) == ("rates", True)
    assert read_authority(
        path, XINJIAN, Mapping(), Asked(), headings_only=True
    ).layouts  # its rows are shown all the same
    values = [figure.value for figure in read(path, Mapping(rates="each")).figures]
    assert values[0] == Fraction(9_362, 10_000)
    assert values[4] == Fraction(9_118, 10_000)


def test_a_few_hardly_seen_cameras_beside_many_percentages_are_noted_not_refused(tmp_path: Path) -> None:
    found = read(_mixed(tmp_path, 2, 28))
    assert found.figures[0].value == Fraction(9_362, 1_000_000)
    assert any("2 个数不大于 1" in text for _, text in found.notes)


def test_one_sheet_per_month(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(tmp_path / "sheets.xlsx")
    for month in ("7月", "8月", "说明"):
        sheet = book.add_worksheet(month)
        if month == "说明":
            sheet.write(0, 0, "本表由平台导出")
            continue
        sheet.write_row(0, 0, ["2020年视频在线率"])
        sheet.write_row(1, 0, ["设备编码", "检测次数", "在线次数"])
        sheet.write_row(2, 0, ["36010012001320000001", 720, 700])
    book.close()
    for asked in ({}, {"period": "2020Q3"}):  # the sheet's name says more than the importer does
        found = read(tmp_path / "sheets.xlsx", **asked)
        assert [(f.device, f.period, f.num, f.den, f.unit) for f in found.figures] == [
            ("36010012001320000001", "2020-07", 700, 720, "inspections"),
            ("36010012001320000001", "2020-08", 700, 720, "inspections"),
        ]
    assert any("说明" in text for _, text in found.notes)


def test_a_merged_code_over_its_months_and_a_heading_printed_on_every_page(tmp_path: Path) -> None:
    heading = ["点位编号", "月份", "在线率"]
    rows: Rows = [heading, ["P1", "2020-07", 0.9], ["", "2020-08", 0.8], heading, ["P2", "2020-07", 0.7], ["", "", ""]]
    found = read(as_csv(tmp_path / "pages.csv", rows))
    assert [(f.point, f.period, f.line) for f in found.figures] == [
        ("P1", "2020-07", 2),
        ("P1", "2020-08", 3),
        ("P2", "2020-07", 5),
    ]
    assert found.notes == ()


def test_what_cannot_be_read_in_a_row_is_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows: Rows = [
        ["点位编号", "在线率", "上线评分"],
        ["P1", "98.5%", 3],
        ["P2", "坏了", 3],
        ["P3", "101%", 3],
        ["P4", "#DIV/0!", 3],
        ["P5", "", 3],
        ["", "97%", 3],
        ["P6", "-5%", 3],
        ["P7", "97%", 3],
    ]
    found = read(as_csv(tmp_path / "odd.csv", rows), period="2020-07")
    assert [f.point for f in found.figures] == ["P1", "P7"]
    assert sorted({line for line, _ in found.notes}) == [1, 3, 4, 5, 7, 8]
    assert any("上线评分" in text for _, text in found.notes)


def test_counts_beside_a_rate_are_compared_with_it(tmp_path: Path) -> None:
    rows: Rows = [
        ["期次", "应在线数", "在线数", "在线率"],
        ["一期", 1000, 814, "81.36%"],
        ["二期", 1000, 877, "87.7%"],
        ["合计", 1999, 1691, ""],
    ]
    found = read(as_csv(tmp_path / "both.csv", rows), period="2020Q3")
    assert [(f.num, f.den) for f in found.figures] == [(8136, 10_000), (877, 1000)]
    assert [line for line, text in found.notes if "不符" in text] == [2, 4]  # the row, and a total that does not add up
    counted = read(tmp_path / "both.csv", Mapping(figure="counts"), period="2020Q3")
    assert [(f.num, f.den, f.unit) for f in counted.figures] == [(814, 1000, "devices"), (877, 1000, "devices")]


def test_a_code_that_excel_rounded_is_said_to_be_damaged(tmp_path: Path) -> None:
    rows: Rows = [["设备编码", "在线率"], [36010012001320000001.0, 0.9]]
    found = read(as_xlsx(tmp_path / "rounded.xlsx", rows), period="2020-07")
    assert len(found.figures) == 1
    assert any("失真" in text for _, text in found.notes)


BAD: list[tuple[str, bytes, str]] = [
    ("empty.csv", b"", "找不到表头"),
    ("prose.csv", "今年在线率很好，请放心。\n".encode(), "找不到表头"),
    ("heading.csv", "期次,在线率\n".encode(), "没有数据行"),
    ("nothing.csv", "期次,在线率\n一期,无\n".encode(), "没有可用的数"),
    ("undated.csv", "期次,在线率\n一期,90%\n".encode(), "--period"),
    ("yearless.csv", "期次,7月\n一期,90%\n二期,90%\n".encode(), "--period"),
    ("broken.xlsx", b"PK\x03\x04 not a workbook", "无法读取"),
    ("broken.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "无法读取"),
    ("bytes.csv", bytes(range(128, 256)) * 9, "GB18030"),
    ("long.csv", "期次,在线率\n".encode() + "一期,90%\n".encode() * 50_100, "50,000"),
    ("large.csv", b"x" * 10_000_001, "10,000,000"),
]


@pytest.mark.parametrize(("name", "body", "said"), BAD, ids=[name for name, _, _ in BAD])
def test_files_that_hold_no_figure_are_refused_with_a_remedy(name: str, body: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    with pytest.raises(InputError) as caught:
        read(path)
    (finding,) = caught.value.findings
    assert finding.file == str(path)
    assert finding.remedy
    assert said in str(finding)


def test_whatever_is_in_a_table_it_is_read_or_refused(tmp_path: Path) -> None:
    """20 rows of anything under anything: figures and notes, or findings; never an exception of another kind."""
    words = [
        "期次",
        "点位编号",
        "设备编码",
        "月份",
        "7月",
        "2020年8月",
        "在线率",
        "在线率(%)",
        "应在线数",
        "在线数",
        "故障率",
        "合计",
        "",
        "甲",
        "在线时长（小时）",
    ]
    cells = [
        "",
        "一期",
        "二期",
        "P1",
        "98.5%",
        0.5,
        98.5,
        1,
        0,
        -3,
        "—",
        "7月",
        "合计",
        "填表人：甲",
        "1,000",
        1e300,
        float("1e-300"),
        "1/0",
        "5/4",
        "%",
        "9" * 40,
        "\u200b",
        "季度",
        2020.5,
        "2020年13月",
    ]
    dice = random.Random(20201121)
    refused = taken = 0
    for n in range(300):
        rows = [[dice.choice(words) for _ in range(6)] for _ in range(dice.randint(0, 3))]
        rows += [[dice.choice(cells) for _ in range(6)] for _ in range(dice.randint(0, 20))]
        path = as_csv(tmp_path / f"{n}.csv", rows) if n % 3 else as_xlsx(tmp_path / f"{n}.xlsx", rows)
        try:
            found = read(path, period="2020Q3")
        except InputError as error:
            refused += 1
            assert all(finding.remedy for finding in error.findings)
            continue
        taken += 1
        for figure in found.figures:
            assert 0 <= figure.num <= figure.den < 2**63
            assert figure.den > 0
            assert figure.text
            assert len(figure.period) in {6, 7}
    assert min(refused, taken) > 20


RATES: list[tuple[Any, RateStyle, tuple[int, int] | None]] = [
    ("98.5%", "share", (985, 1000)),
    ("98.50％", "share", (9850, 10_000)),
    ("98.5", "percent", (985, 1000)),
    (98.5, "percent", (985, 1000)),
    (0.985, "share", (985, 1000)),
    (0.1 + 0.2, "share", (3, 10)),
    (1, "share", (1, 1)),
    (100, "percent", (100, 100)),
    ("836/1000", "share", (836, 1000)),
    ("1/3", "share", (1, 3)),
    ("98.5", "share", None),
    ("100.1%", "share", None),
    ("3/0", "share", None),
    ("4/3", "share", None),
    ("九成", "share", None),
    (True, "share", None),
    (float("nan"), "share", None),
    ("0.98.5", "share", None),
]


@pytest.mark.parametrize(("value", "style", "expected"), RATES)
def test_rates_are_read_in_the_digits_that_stand_there(
    value: Any, style: RateStyle, expected: tuple[int, int] | None
) -> None:
    if expected is None:
        with pytest.raises(NoFigureError):
            rate_of(value, style)
    else:
        assert rate_of(value, style) == expected


def test_counts_and_durations() -> None:
    assert [count_of(v) for v in ("1,000", 1000.0, "1000台", 0)] == [1000, 1000, 1000, 0]
    for bad in ("1,00", 1.5, "", "-1", True):
        with pytest.raises(NoFigureError):
            count_of(bad)
    assert seconds_of("3天2小时", 1) == 266_400
    assert seconds_of(1.5, 3600) == 5400
    for bad in ("", "昨天", "1:75"):
        with pytest.raises(NoFigureError):
            seconds_of(bad, 3600)


PERIODS = [
    ("2020年7月", "2020-07"),
    ("2020年07月份", "2020-07"),
    ("2020-07", "2020-07"),
    ("2020/7", "2020-07"),
    ("2020.07", "2020-07"),
    ("202007", "2020-07"),
    (202007.0, "2020-07"),
    (datetime(2020, 7, 1), "2020-07"),
    ("2020-07-01", "2020-07"),
    ("7月", "2019-07"),
    ("七月", "2019-07"),
    ("十二月", "2019-12"),
    (7.0, "2019-07"),
    ("2020年第三季度", "2020Q3"),
    ("2020年度三季度", "2020Q3"),
    ("第3季度", "2019Q3"),
    ("2020Q3", "2020Q3"),
    ("2020年7月至9月", "2020Q3"),
    ("2020年7-9月", "2020Q3"),
    ("7月-9月", "2019Q3"),
    ("2020年7月-8月", None),
    ("2020年13月", None),
    (datetime(2020, 7, 9), None),
    ("在线率", None),
    (13, None),
    (0.5, None),
]


@pytest.mark.parametrize(("value", "label"), PERIODS)
def test_months_and_quarters_as_people_write_them(value: Any, label: str | None) -> None:
    when = when_of(value)
    assert (None if when is None else when.label(2019)) == label


def test_titles_name_their_quarter_and_their_number() -> None:
    title = "关于2020年第三季度视频监控在线率的通报（新公视〔2020〕18号）2020年10月9日"
    when = when_within(title)
    assert when is not None
    assert when.label(None) == "2020Q3"
    assert "新公视〔2020〕18号" in reference_within(title)
    assert when_within("视频监控在线率通报") is None
    assert reference_within("没有文号") == ""
