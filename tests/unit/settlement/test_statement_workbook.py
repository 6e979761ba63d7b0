"""The workbook, read back by another library: amounts are numbers, texts are texts, sums agree, bytes repeat."""

from __future__ import annotations

import dataclasses
import zipfile
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from monitor.finding import InputError
from settlement.reports import workbook
from settlement.reports.cells import height_of, lines_in, number, safe, width_of
from settlement.reports.cover import Cover
from settlement.reports.workbook import write_xlsx
from tests.statement_papers import COVER, INPUTS_SHA, city, document, phase, statement

Rows = list[list[Any]]


def sheets(path: Path) -> dict[str, Rows]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def made(tmp_path: Path, content: dict[str, Any], cover: Cover = COVER) -> dict[str, Rows]:
    write_xlsx(content, tmp_path / "a.xlsx", cover)
    return sheets(tmp_path / "a.xlsx")


def row_of(rows: Rows, label: str) -> list[Any]:
    return next(row for row in rows if str(row[0]).strip("　") == label)


def test_the_form_has_every_row_that_must_appear(tmp_path: Path) -> None:
    rows = made(tmp_path, statement())["结算汇总"]
    text = "\n".join(str(cell) for row in rows for cell in row)
    for starred in (
        "合同编号", "xinjian / NCXJ-2020-0422", "采购人（甲方）", "南昌市公安局新建分局", "供应商（乙方）",
        "中国移动通信集团江西有限公司南昌分公司", "2020-07-01 至 2020-09-30", "一期", "二期", "新公视〔2020〕31号", "经办", "复核", "审批",
        "供应商签章", "张三", "李四", "人民币叁佰柒拾叁万捌仟捌佰捌拾贰元零柒分", "公安月度在线率原件", "A　按在线率计付（字面） pro-rata, literal",
        "停电剔除 2020-05-03 事后批准：重算 − 原结算（调整 adjusts 2020Q2/0/3）",
        "改判 override：监测完整率 88.2 % 低于 90 %，财务同意按现有数据结算（会议纪要 2020-12）",
    ):  # fmt: skip
        assert starred in text, starred
    expected: dict[str, list[object]] = {
        "计费点位数（季初）": [1000, 1000, 2000],
        "增": [0, 0, 0],
        "减": [0, 0, 0],
        "点月数": [3000, 3000, 6000],
        "含税单价（元/点/月）": [850, 628, "—"],
        "应计服务费": [2550000, 1884000, 4434000],
        "公安核定在线率": [0.8136, 0.8771, "—"],
        "采用在线率": [0.8136, 0.8771, "—"],
        "考核线": [0.9, 0.9, "—"],
        "故障率": [0.1864, 0.1229, "—"],
        "故障扣款": [475320, 231543.6, 706863.6],
        "其他考核扣款": [0, 600, 600],
        "应付金额": [2074680, 1651856.4, 3726536.4],
        "已预付": [2295000, 1695600, 3990600],
        "多退（−）/少补（+）": [-220320, -43743.6, -264063.6],
        "以前期调整": [12345.67, 0, 12345.67],
        "下季预付": [2295000, 1695600, 3990600],
        "本次应付净额": ["—", "—", 3738882.07],
        "核减后单价（元/点/月）": [691.56, 550.62, "—"],
        "合同累计已付": ["—", "—", 3391200],
        "合同余额": ["—", "—", 26752800],
    }
    for label, values in expected.items():
        assert row_of(rows, label)[2:5] == values, label
    assert row_of(rows, "系统监测在线率")[2] == pytest.approx(6_912_345_678 / 7_902_123_456, abs=1e-15)
    assert row_of(rows, "应计时长（小时）")[2] == pytest.approx(2_195_034.2933333, abs=1e-6)


def test_what_does_not_occur_has_no_row_and_what_occurs_has_one(tmp_path: Path) -> None:
    plain = statement()
    assert not [row for row in made(tmp_path, plain)["结算汇总"] if row[0] == "质保金留存"]
    kept = statement()
    line = {**kept["phases"][0]["lines"][1], "kind": "retention", "gross": "-10.00", "n": 99}
    kept["phases"][0]["lines"].append(line)
    kept["totals"]["retention"] = "-10.00"
    assert row_of(made(tmp_path, kept)["结算汇总"], "质保金留存")[2:5] == [-10, 0, -10]


def test_lines_components_and_adjustments(tmp_path: Path) -> None:
    rows = made(tmp_path, statement())["分期明细"]
    assert rows[2][:3] == ["行 line", "期次 phase", "名称 title"]
    due = [row for row in rows[3:] if row[0] == 7]
    assert [(row[5], row[6]) for row in due] == [
        ("", 1651856.4), ("line", 320902.05), ("integration", 944293.7), ("platform", 386660.65),
    ]  # fmt: skip
    assert sum(Decimal(str(row[6])) for row in due[1:]) == Decimal("1651856.40")
    assert [row[9] for row in rows[3:] if row[0] == 11] == ["2020Q2/0/3"]


def test_points_are_numbers_and_their_sums_follow_the_filter(tmp_path: Path) -> None:
    rows = made(tmp_path, statement(point_lines=40))["点位明细"]
    body = rows[3:]
    assert [row[0] for row in body] == list(range(1, 41))
    assert body[10] == [
        11,
        "phase-1",
        "36011200000000000011",
        2550,
        2074.68,
        475.32,
        4,
        pytest.approx(6.034444444),
        "reading、clock",
    ]
    assert rows[1][3:6] == [float(sum(Decimal(str(row[at])) for row in body)) for at in (3, 4, 5)]
    raw = zipfile.ZipFile(tmp_path / "a.xlsx")
    names = [name for name in raw.namelist() if name.startswith("xl/worksheets/sheet")]
    points = next(text for name in names if "SUBTOTAL(109,D4:D43)" in (text := raw.read(name).decode()))
    assert '<autoFilter ref="A3:I43"/>' in points
    assert 'topLeftCell="D4"' in points  # frozen below the headings and right of the code
    assert 'orientation="landscape"' in points
    assert 'paperSize="9"' in points


def test_rules_show_results_then_what_they_touched(tmp_path: Path) -> None:
    rows = made(tmp_path, statement(items=3))["规则与扣款"][3:]
    fine = [row for row in rows if row[2] == "单项扣款 unit fine"]
    assert fine[0][4:9] == ["", "", 150, "", "3 次 × 50.00 元 = 150.00"]
    assert [row[4] for row in fine[1:4]] == [f"360112{n:014d}" for n in (1, 2, 3)]
    assert fine[4][9] == "reading"  # gave way
    score = {"rule": "patrol", "kind": "score", "title": "巡检", "window": "2020Q3", "unit": "points", "amount": "5 1/2",
             "formula": "11 × 1/2", "items": []}  # fmt: skip
    content = statement()
    content["phases"][0]["rules"].append(score)
    row = next(row for row in made(tmp_path, content)["规则与扣款"][3:] if row[2] == "score")
    assert row[6:8] == ["", 5.5]


def test_rules_go_by_the_name_that_the_points_sheet_uses(tmp_path: Path) -> None:
    bare = {"rule": "小时", "kind": "hourly-percentage", "title": "免计时长外按小时扣减 hourly percentage",
            "window": "2020-07", "unit": "fen", "amount": "1.00", "formula": "1", "items": []}  # fmt: skip
    content = statement()
    content["phases"][0]["rules"] = [bare, {**bare, "title": "超时扣费"}]
    names = [row[1] for row in made(tmp_path, content)["规则与扣款"][3:5]]
    assert names == ["小时", "小时　超时扣费"]


def test_what_was_paid_when_it_was_issued_says_so(tmp_path: Path) -> None:
    rows = made(tmp_path, statement(), replace(COVER, final=True))["结算汇总"]
    assert row_of(rows, "合同累计已付（出具时）")[1] == "paid when issued"
    assert row_of(rows, "合同余额（出具时）")


def test_entries_notices_and_digests(tmp_path: Path) -> None:
    found = made(tmp_path, statement())
    assert found["分录"][3:] == [
        ["2020-10-09", "2020Q3 清算", "payable:xinjian:phase-2", 1652456.4, ""],
        ["2020-10-09", "2020Q3 清算", "prepaid:xinjian:phase-2", "", 1695600],
        ["2020-10-09", "2020Q3 清算", "refund:xinjian:phase-2", 43143.6, ""],
    ]
    assert len(found["提示"][3:]) == 3
    digests = {str(row[0]): row[1] for row in found["数据指纹"][3:]}
    assert digests["冻结输入的 SHA-256 of the frozen inputs"] == INPUTS_SHA
    assert digests["附件 attachment：公安月度在线率原件 新公视〔2020〕31号"] == "ab" * 32
    bare = made(tmp_path, document([phase("p", "", 100, 1, "1")], [], 0), dataclasses.replace(COVER, entries=()))
    assert "分录" not in bare


def test_equal_statements_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_xlsx(statement(), tmp_path / f"{name}.xlsx", COVER, scratch=tmp_path)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    other = statement()
    other["phases"][0]["lines"][0]["why"] += "。"
    write_xlsx(other, tmp_path / "b.xlsx", COVER)
    assert (tmp_path / "a.xlsx").read_bytes() != (tmp_path / "b.xlsx").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]


HOSTILE = [
    '=HYPERLINK("http://x","y")', "+1+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "\0x", "＝1+1", "''=1",
    "<r><t>x</t></r>", "<r><bad></r>", "]]>&<>\"'", "_x0000_", "a\x0bb", "\u202etxt.exe", "x" * 40_000, "",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_stay_texts_in_every_sheet(tmp_path: Path, text: str) -> None:
    content = statement(point_lines=2, title=text, items=1)
    content["contract"] |= {"purchaser": text, "supplier": text}
    content["phases"][0] |= {"title": text}
    content["phases"][0]["lines"][0]["why"] = text
    content["phases"][0]["point_lines"][0] |= {"code": text, "rules": [text]}
    content["phases"][1]["rules"][1]["items"][0] |= {"point": text, "incident": text, "why": text}
    content["notices"] = [{"level": "warning", "phase": text, "message": text, "remedy": text}]
    found = made(tmp_path, content, dataclasses.replace(COVER, project=text, state=text, remarks=(text,)))
    for name, rows in found.items():
        for row in rows:
            for cell in row:
                if isinstance(cell, str) and len(cell) > 1:
                    assert cell[0] not in "=+-@\t\r\0＝＋－＠", (name, cell[:40])
                    assert len(cell) < 32_767
    raw = zipfile.ZipFile(tmp_path / "a.xlsx")
    formulas = [part for name in raw.namelist() if "sheet" in name for part in raw.read(name).decode().split("<f>")[1:]]
    assert all(part.startswith("SUBTOTAL(109,") for part in formulas)


def test_cells() -> None:
    assert safe("=1") == "'=1"
    assert safe("'=1") == "''=1"
    assert safe("<r>x</r>") == "'<r>x</r>"
    assert safe("点位－1") == "点位－1"
    assert safe("\ud800\uffff") == "\ufffd\ufffd"
    assert safe("a\u202eb\0") == "a\ufffdb\ufffd"
    assert width_of("点位 A1") == 7
    assert lines_in("点" * 30, 33) == 2
    assert lines_in("一\n二", 30) == 2
    assert height_of(2) == 32
    assert height_of(10_000) <= 409
    assert number(-12019920, "fen") == Decimal("-120199.20")
    assert number(Fraction(1, 3), "share") == Decimal("0." + "3" * 28)


def test_a_statement_that_no_sheet_can_hold_is_refused_and_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 39)
    with pytest.raises(InputError, match="more rows than a sheet holds") as caught:
        write_xlsx(statement(point_lines=40), tmp_path / "a.xlsx", COVER)
    assert caught.value.findings[0].remedy
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_xlsx(statement(), tmp_path / "none" / "a.xlsx", COVER)


def test_a_city_says_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_xlsx(city(1_203), tmp_path / "a.xlsx", COVER, lambda done, total: told.append((done, total)))
    assert told == [(500, 1_203), (1_000, 1_203), (1_203, 1_203)]
    assert len(sheets(tmp_path / "a.xlsx")["点位明细"]) == 1_206
