"""Every message of the points import has a bad file that triggers it, at its row and column, and with a remedy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from monitor.finding import InputError
from monitor.points import Stored
from monitor.roster.parse import read_points
from monitor.roster.plan import plan_import

BAD = Path(__file__).resolve().parents[2] / "bad_config"

# file: [(row, column, words of the message), ...], all the errors of the file and no other
EXPECTED = {
    "points_missing_code.csv": [(3, "点位编号", "missing code")],
    "points_duplicate_code.csv": [(4, "点位编号", "duplicate point 'P1'，另见第 2 行")],
    "points_duplicate_address.csv": [(4, "IPv4", "地址与点位 'P1'（第 2 行")],
    "points_impossible_date.csv": [(3, "终验日期", "no such date: '2020-02-30'")],
    "points_year_out_of_range.csv": [(2, "终验日期", "the year is out of range"), (3, "终验日期", "out of range")],
    "points_billing_ends_before_it_begins.csv": [(2, "计费止", "billing ends before it begins")],
    "points_retired_before_accepted.csv": [(2, "停用日期", "retired before it was accepted")],
    "points_port_too_large.csv": [(2, "RTSP端口", "not a port: '65536'")],
    "points_bad_ipv4.csv": [(2, "IPv4", "not an IPv4 address: '10.0.0.256'"), (3, "IPv4", "'127.1'")],
    "points_bad_longitude.csv": [(2, "经度", "not a coordinate: '180.1'"), (3, "纬度", "not a coordinate")],
    "points_unknown_column.csv": [(1, "施工队长", "unknown column")],
    "points_column_twice.csv": [(1, "点位名称", "the same field as name")],
    "points_column_without_heading.csv": [(1, "", "column 3 has data and no heading")],
    "points_no_code_column.csv": [(1, "", "no point code column")],
    "points_no_heading_row.csv": [(0, "", "no heading row found")],
    "points_no_rows.csv": [(0, "", "the table has no rows")],
    "points_pauses_overlap.csv": [(2, "暂停计费", "pauses overlap at 2020-07-09")],
    "points_pause_ends_before_it_starts.csv": [(2, "暂停计费", "ends before it starts")],
    "points_not_rtsp.csv": [(2, "RTSP地址", "not an rtsp:// address")],
    "points_address_ambiguous.csv": [(2, "RTSP地址", "the @ in this address is ambiguous")],
    "points_address_bad_port.csv": [(2, "RTSP地址", "bad host or port")],
    "points_address_odd_host.csv": [(row, "RTSP地址", "not an IPv4 address") for row in (2, 3, 4)],
    "points_bad_escape.csv": [(2, "RTSP地址", "bad % escapes"), (3, "RTSP地址", "bad % escapes")],
    "points_password_in_path.csv": [(2, "RTSP地址", "the path holds a password")],
    "points_password_in_remark.csv": [(2, "备注", "the text holds a login")],
    "points_blank_in_path.csv": [(2, "RTSP路径", "the path holds blanks")],
    "points_addresses_disagree.csv": [(2, "IPv4", "differs from the address's host")],
    "points_logins_disagree.csv": [(2, "密码", "differs from the login inside the RTSP address")],
    "points_password_without_user.csv": [(2, "密码", "a password without a username")],
    "points_control_character.csv": [(2, "设备名称", "holds control characters")],
    "points_quote_open.csv": [(3, "", "cannot parse")],
    "points_cell_too_long.csv": [(2, "设备名称", "too long")],
    "points_unreadable.xlsx": [(0, "", "unreadable workbook")],
    "points_not_excel.xlsx": [(0, "", "the content is no workbook")],
    "points_not_text.csv": [(0, "", "neither UTF-8 nor GB18030")],
}


def test_every_bad_file_is_expected() -> None:
    assert {path.name for path in BAD.glob("points_*")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_bad_file_is_refused_with_place_and_remedy(name: str) -> None:
    path = BAD / name
    with pytest.raises(InputError) as caught:
        plan_import(Stored(), read_points(path), date(2020, 7, 1))
    errors = [finding for finding in caught.value.findings if finding.level == "error"]
    assert [(f.line, f.column) for f in errors] == [(row, column) for row, column, _ in EXPECTED[name]]
    for finding, (_, _, words) in zip(errors, EXPECTED[name], strict=True):
        assert words in finding.message
        assert finding.file == str(path)
        assert finding.remedy
    assert "canary" not in str(caught.value)


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("点位编号,终验日期,IPv4,RTSP端口\n,2020-02-30,10.0.0.300,0\nP2,昨天,,99999\n")
    with pytest.raises(InputError) as caught:
        plan_import(Stored(), read_points(path), date(2020, 7, 1))
    assert [(f.line, f.column) for f in caught.value.findings] == [
        (2, "IPv4"),
        (2, "RTSP端口"),
        (2, "点位编号"),
        (2, "终验日期"),
        (3, "RTSP端口"),
        (3, "终验日期"),
    ]


WARNED = {
    "终验日期,计费起\nP1,2020-07-02,2020-07-01": "accepted after billing began",
    "初验日期,终验日期\nP1,2020-07-02,2020-07-01": "final acceptance before the first",
    "设备编码,设备名称\nP1,123,x": "not a 20-digit code",
    "MAC\nP1,44-19-b6": "not a MAC address",
    "IPv4,用户名\nP1,10.0.0.1,admin": "a username without password is not kept",
}


@pytest.mark.parametrize("text", sorted(WARNED))
def test_what_is_only_odd_is_a_warning_and_imports(text: str, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f"点位编号,{text}\n")
    plan = plan_import(Stored(), read_points(path), date(2020, 7, 1))
    assert [finding.level for finding in plan.warnings] == ["warning"]
    assert WARNED[text] in plan.warnings[0].message
    assert plan.counts["new"] == 1


def test_two_points_with_one_device_code_are_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("点位编号,设备编码\nP1,36010012001320000001\nP2,36010012001320000001\n")
    plan = plan_import(Stored(), read_points(path), date(2020, 7, 1))
    assert [(finding.line, finding.column) for finding in plan.warnings] == [(3, "设备编码")]
