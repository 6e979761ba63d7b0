"""Files as offices send them: encodings, title rows, Excel's own dates and numbers; and files that mean harm."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from monitor.finding import InputError
from monitor.points import Pause
from monitor.roster import table
from monitor.roster.parse import read_points, roster_of

TEXT = "点位编号,设备名称,期次\nP1,路口一,一期\nP2,路口二,二期\n"


def write(path: Path, rows: list[list[Any]], hidden_first: bool = False) -> Path:
    book = xlsxwriter.Workbook(path)
    if hidden_first:
        book.add_worksheet("数据字典").write_row(0, 0, ["点位编号", "设备名称"])
    sheet = book.add_worksheet("台账")
    if hidden_first:
        sheet.activate()
        sheet.set_first_sheet()
        book.worksheets()[0].hide()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            if isinstance(cell, (date, datetime)):
                sheet.write_datetime(line, at, cell, day)
            elif cell is not None:
                sheet.write(line, at, cell)
    book.close()
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_csv_in_every_encoding_in_use(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(TEXT.encode(encoding))
    rows = read_points(path).checked()
    assert [(row.line, row.code, row.facts["name"]) for row in rows] == [(2, "P1", "路口一"), (3, "P2", "路口二")]


def test_title_rows_empty_rows_and_a_quoted_line_break_keep_the_row_numbers(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(
        '某区视频监控点位台账,,\n,,\n填报日期,2020-07-01,\n点位编号,备注,终验日期\nP1,"两\n行",\n\nP2,,坏\n'
    )
    found = read_points(path)
    assert [row.line for row in found.rows] == [5, 8]
    assert [(finding.line, finding.column) for finding in found.findings] == [(8, "终验日期")]


def test_the_archive_template_is_understood_whole(tmp_path: Path) -> None:
    template = (
        "序号,设备编码(20位),原设备编码,设备名称,监控点位类型（一/二/三类）,管理单位,承建单位,维护单位,所属辖区公安机关,安装地址,经度,纬度,"
        "立杆编号,采集区域类型,摄像机类型,功能类型,监控方位,厂商,型号,IPv4,MAC,接入网络,录像保存天数,启用时间,设备状态,备注,"
        "点位编号,期次,合同编号,单价,街道/社区,序列号,取电方式,电费承担方,初验日期,终验日期,验收单号,计费起,计费止,变更记录"
    )
    values = (
        "1,36010012001320000001,36010012001320000009,路口,一类,公安,电信,维保,分局,某路1号,115.8123456,28.6,"
        "G1,路口,枪机,治安,东,海康,DS-2,10.0.0.1,44:19:b6:00:00:01,专网,30,2020.6.1,正常,无,"
        "P1,二期,X-1,628,甲街道,SN1,市电,乙方,2020-06-20,2020年7月1日,Y-1,20200701,2020/9/30,无"
    )
    path = tmp_path / "points.csv"
    path.write_text(f"{template}\n{values}\n")
    (row,) = read_points(path).checked()
    (point,) = roster_of([row])
    assert (point.code, point.gb_code, point.former_gb_code) == ("P1", "36010012001320000001", "36010012001320000009")
    assert (point.category, point.supplier, point.area, point.phase) == ("一类", "电信", "甲街道", "二期")
    assert (point.lon_e7, point.lat_e7) == (1_158_123_456, 286_000_000)
    assert (point.first_accepted_on, point.accepted_on) == (date(2020, 6, 20), date(2020, 7, 1))
    # 计费止 is the last billed day; the roster holds the first day no longer billed.
    assert (point.billed_from, point.billed_until) == (date(2020, 7, 1), date(2020, 10, 1))
    assert point.extra["power_payer"] == "乙方"
    assert point.extra["enabled_on"] == "2020-06-01"
    assert row.camera["macs"] == "44:19:B6:00:00:01"
    assert row.in_use is True


def test_plain_english_headings(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("point,phase,accepted_on,rtsp_url\nP1,phase-2,2020-07-01,rtsp://admin:p%40ss@10.0.0.1:8554/ch1\n")
    (row,) = read_points(path).checked()
    assert row.facts == {"phase": "phase-2", "accepted_on": date(2020, 7, 1)}
    assert row.camera == {"rtsp_url": "rtsp://10.0.0.1:8554/ch1"}
    assert (row.username, row.password and row.password.reveal()) == ("admin", "p@ss")
    assert "p@ss" not in repr(row)


def test_a_file_by_device_code_alone(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("设备编码,设备名称\n36010012001320000001,路口\n")
    (row,) = read_points(path).checked()
    assert (row.code, row.by_gb, row.facts["gb_code"]) == ("36010012001320000001", True, "36010012001320000001")


def test_excel_numbers_and_dates(tmp_path: Path) -> None:
    path = write(
        tmp_path / "points.xlsx",
        [
            ["某区点位台账"],
            [None],
            [
                "点位编号",
                "终验日期",
                "计费起",
                "录像保存天数",
                "经度",
                "RTSP端口",
                "IPv4",
                "密码",
                "用户名",
                "暂停计费",
            ],
            [1001, date(2020, 7, 1), 44013, 30.0, 115.5, 554.0, "10.0.0.1", 123456, "admin", date(2020, 8, 1)],
        ],
    )
    (row,) = read_points(path).checked()
    assert (row.line, row.code) == (4, "1001")
    assert row.facts["accepted_on"] == row.facts["billed_from"] == date(2020, 7, 1)
    assert (row.facts["extra:retention_days"], row.facts["lon_e7"]) == ("30", 1_155_000_000)
    assert (row.camera["port"], row.password and row.password.reveal()) == ("554", "123456")
    assert row.pauses == (Pause(date(2020, 8, 1), date(2020, 8, 2)),)


def test_a_code_that_excel_rounded_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "points.xlsx", [["点位编号", "设备编码"], ["P1", 36010012001320000001]])
    (finding,) = read_points(path).findings
    assert (finding.line, finding.column, finding.level) == (2, "设备编码", "error")
    assert "Excel" in finding.message


def test_hidden_sheets_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "points.xlsx", [["点位编号", "期次"], ["P1", "一期"]], hidden_first=True)
    assert [row.code for row in read_points(path).checked()] == ["P1"]


def repacked(path: Path, change: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, **change}.items():
            archive.writestr(name, data)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        table.read_source(path)
    (finding,) = caught.value.findings
    assert finding.remedy
    return finding.message


def test_a_cell_far_out_is_refused_before_the_parser_sees_it(tmp_path: Path) -> None:
    path = write(tmp_path / "points.xlsx", [["点位编号", "期次"], ["P1", "一期"]])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert far != sheet
    repacked(path, {"xl/worksheets/sheet1.xml": far})
    assert "too many rows or columns" in refused(path)
    blank = sheet.replace(b"</sheetData>", b'<row r="1048576" spans="1:1"/></sheetData>')
    repacked(path, {"xl/worksheets/sheet1.xml": blank})
    assert [row.code for row in read_points(path).checked()] == ["P1"]


def test_an_archive_that_unpacks_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "points.xlsx", [["点位编号", "期次"], ["P1", "一期"]])
    repacked(path, {"xl/media/picture.bin": bytes(table.MAX_UNPACKED)})
    assert path.stat().st_size < table.MAX_BYTES
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("read before the sizes were checked"))
    assert "unpacks to more than the limit" in refused(path)


def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "points.xlsx", [["点位编号", "期次"], ["P1", "一期"]])
    data = bytes(3_000_000)
    repacked(path, {"xl/media/picture.bin": data})
    raw = path.read_bytes()
    size = len(data).to_bytes(4, "little")
    assert raw.count(size) == 2
    path.write_bytes(raw.replace(size, (100).to_bytes(4, "little")))
    assert "unreadable workbook" in refused(path)


def test_other_archives_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    path = tmp_path / "points.xlsx"
    path.write_bytes(other.getvalue())
    assert "not an .xlsx" in refused(path)
    write(path, [["点位编号", "期次"], ["P1", "一期"]])
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:size])
        assert "unreadable workbook" in refused(path)
    repacked(write(path, [["点位编号"], ["P1"]]), {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"})
    assert "unreadable workbook" in refused(path)
    path = tmp_path / "points.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000))
    assert "unreadable workbook" in refused(path)


def test_bounds_of_bytes_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(b"point,phase\n" + b"x" * table.MAX_BYTES)
    assert "too large" in refused(path)
    path.write_text("point,phase\n" + "".join(f"P{i},1\n" for i in range(table.MAX_ROWS)))
    assert len(read_points(path).checked()) == table.MAX_ROWS
    with path.open("a") as file:
        file.write("Q,1\n")
    with pytest.raises(InputError, match="too many rows"):
        read_points(path)


def test_a_missing_file_names_itself(tmp_path: Path) -> None:
    assert "cannot read" in refused(tmp_path / "nowhere.csv")


def test_a_formula_without_a_value_is_an_error_and_no_empty_cell(tmp_path: Path) -> None:
    path = tmp_path / "points.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["点位编号", "设备名称", "终验日期", "立杆编号"])
    sheet.write_row(1, 0, ["P1", "路口一"])
    sheet.write_formula(1, 2, "=DATE(2020,7,1)/0", None, "#DIV/0!")
    sheet.write_formula(2, 0, '="P"&2', None, "P2")
    sheet.write_formula(2, 1, "=VLOOKUP(1,A1:B1,2,0)", None, "#N/A")
    sheet.write_row(3, 0, ["P3", "路口三"])
    sheet.write_formula(3, 3, "=A99", None, "")
    book.close()
    with pytest.raises(InputError) as raised:
        read_points(path).checked()
    told = [(found.line, found.column, found.message) for found in raised.value.findings]
    assert told == [
        (2, "终验日期", "公式出错 the formula has no value: #DIV/0!"),
        (3, "设备名称", "公式出错 the formula has no value: #N/A"),
    ]
