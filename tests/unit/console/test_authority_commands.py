"""The authority's figures through the program: its own workbook in, checked by another, reconciled, what pays."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import python_calamine
import xlwt
from click.testing import CliRunner, Result

from console.cli import main
from tests.authority_sheet import authority_workbook

CONTRACT = """
contract: lease
title: 监控点位租赁
purchaser: 甲方
supplier: 乙方
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
authority: {pays: lower, level: point, months: simple-mean, tolerance: "0.5%", by_day: 15, if_missing: wait}
phases:
  - {id: phase-2, title: 二期, unit_price: "628.00", in_service_from: 2020-07-01, months: 48}
"""
POINTS = """点位编号,设备编码,原设备编码,设备名称,期次,合同编号,终验日期,计费起
P1,36010012001320000001,,路口一,phase-2,lease,2020-07-01,2020-07-01
P2,36010012001320000002,,路口二,phase-2,lease,2020-07-01,2020-07-01
P3,36010012001320000003,36010012001320000903,路口三,phase-2,lease,2020-07-01,2020-07-01
P4,36010012001320000004,,路口四,phase-2,lease,2020-07-01,2020-07-01
"""
MONTHS = {"2020-07": 31, "2020-08": 31, "2020-09": 30}


class Office:
    """The program in this process: a command line in, an exit code and two streams out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def run(self, *words: str) -> Result:
        return self._runner.invoke(main, words, catch_exceptions=False)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 2, f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}"
        return done.stderr


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A quarter of four points: P2 was down from 1 August on for thirty days, the others never."""
    for name in [name for name in os.environ if name.startswith("CAMSLA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CAMSLA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    camsla = Office(tmp_path)
    (tmp_path / "lease.yaml").write_text(CONTRACT)
    (tmp_path / "points.csv").write_text(POINTS)
    rows = ["point,vantage,first,last,count,state,reason,rung,valid_s"]
    for code in ("P1", "P2", "P3", "P4"):
        for first, last, state in (
            ("2020-07-01T00:00:00", "2020-07-31T23:58:00", "online"),
            ("2020-08-01T00:00:00", "2020-08-30T23:58:00", "offline" if code == "P2" else "online"),
            ("2020-08-31T00:00:00", "2020-09-30T23:59:00", "online"),
        ):
            reason = "ok" if state == "online" else "timeout"
            rows.append(f"{code},import,{first}+08:00,{last}+08:00,40000,{state},{reason},describe,600")
    (tmp_path / "runs.csv").write_text("\n".join(rows) + "\n")
    camsla.ok("points", "import", "points.csv", "--actor", "甲")
    camsla.ok("runs", "import", "runs.csv", "--actor", "甲")
    return camsla


def by_kind(found: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    kinds: dict[str, list[dict[str, Any]]] = {}
    for item in found["items"]:
        kinds.setdefault(item["kind"], []).append(item)
    return kinds


def test_from_the_authoritys_workbook_to_the_rate_that_pays(office: Office) -> None:
    authority_workbook(office.folder / "q3.xlsx")
    (office.folder / "scan.pdf").write_bytes(b"%PDF-1.4 stamped")
    found = office.json("authority", "reconcile", "lease.yaml", "2020Q3")
    assert found["phases"][0]["chosen"]["source"] == "waits"
    assert [finding["level"] for finding in found["findings"]] == ["error"]

    words = ("authority", "import", "q3.xlsx", "--contract", "lease.yaml", "--scan", "scan.pdf", "--actor", "甲")
    read = office.json(*words)
    sha = hashlib.sha256((office.folder / "q3.xlsx").read_bytes()).hexdigest()
    assert (read["sha256"], read["reference"], read["figures"], read["points"]) == (sha, "新公视〔2020〕18号", 12, 4)
    assert read["periods"] == list(MONTHS)
    assert any("合计" in note["text"] for note in read["notes"])
    assert any("填表人" in note["text"] for note in read["notes"])
    assert office.json(*words)["added"] is False  # the same bytes again change nothing

    waiting = office.json("authority", "reconcile", "lease.yaml", "2020Q3")
    assert waiting["phases"][0]["chosen"]["source"] == "waits"
    assert any("未经另一人核对" in finding["message"] for finding in waiting["findings"])
    assert "另一人" in office.refused("authority", "check", sha[:12], "--actor", "甲")
    office.ok("authority", "check", sha[:12], "--actor", "乙")
    assert "已由 乙 核对" in office.refused("authority", "check", sha[:12], "--actor", "丙")

    found = office.json("authority", "reconcile", "lease.yaml", "2020Q3")
    (phase,) = found["phases"]
    # Points' means per month, over the three that both sides have: (100+98.5+100)/3, (100+3.23+100)/3, (100+97+100)/3.
    assert phase["authority"]["value"] == "0.887478"
    assert (phase["own_points"], phase["authority"]["points"]) == (4, 4)
    assert phase["authority"]["printed"] is not None
    whole = 4 * 92 * 86_400
    assert phase["own"]["counted"] == pytest.approx(whole, abs=4 * 600)
    assert phase["chosen"]["source"] == "authority"  # the lower of the two
    assert phase["chosen"]["reference"] == "新公视〔2020〕18号"
    kinds = by_kind(found)
    assert [item["theirs"] for item in kinds["stranger"]] == ["36010012001320000777"]
    assert [item["point"] for item in kinds["missing"]] == ["P4"]
    assert [(item["point"], item["theirs"]) for item in kinds["recoded"]] == [("P3", "36010012001320000903")]
    assert kinds["missing"][0]["own"]["counted"] > 7_000_000
    beyond = {row["point"]: row["beyond_tolerance"] for row in found["points"]}
    assert beyond == {"P1": False, "P2": True, "P3": False}
    for text in (office.ok("authority", "reconcile", "lease.yaml", "2020Q3"), office.ok("authority", "list")):
        assert "新公视〔2020〕18号" in text

    rows = list(csv.reader(io.StringIO(office.ok("authority", "reconcile", "lease.yaml", "2020Q3", "--csv"))))
    assert len(rows) == 1 + len(found["items"]) + 1
    office.ok("authority", "reconcile", "lease.yaml", "2020Q3", "--xlsx", "out.xlsx")
    office.ok("authority", "reconcile", "lease.yaml", "2020Q3", "--xlsx", "again.xlsx")
    assert (office.folder / "out.xlsx").read_bytes() == (office.folder / "again.xlsx").read_bytes()
    book = python_calamine.load_workbook(office.folder / "out.xlsx")
    assert book.sheet_names == ["分期核对", "核对事项", "点位对照", "对方文件"]
    assert book.get_sheet_by_name("分期核对").to_python()[1][0] == "phase-2"

    kept = office.json("documents", "list")
    assert {row["media"] for row in kept} == {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    office.ok("documents", "export", sha[:8], "-o", "copy.xlsx")
    assert (office.folder / "copy.xlsx").read_bytes() == (office.folder / "q3.xlsx").read_bytes()
    assert "不覆盖" in office.refused("documents", "export", sha[:8], "-o", "copy.xlsx")


def test_what_the_screen_shows_stands_under_its_heading(office: Office) -> None:
    authority_workbook(office.folder / "q3.xlsx")
    sha = office.json("authority", "import", "q3.xlsx", "--contract", "lease.yaml", "--actor", "甲")["sha256"]
    office.ok("authority", "check", sha[:12], "--actor", "乙")
    said = office.ok("authority", "reconcile", "lease.yaml", "2020Q3")
    head = next(line for line in said.splitlines() if "类别 kind" in line)  # Chinese above it for figures
    columns = [cell.strip() for cell in head.strip("┃").split("┃")]
    missing = next(line for line in said.splitlines() if "我方有对方无" in line)
    cells = dict(zip(columns, (cell.strip() for cell in missing.strip("│").split("│")), strict=True))
    assert (cells["点位编号 our point"], cells["their rate"], cells["our count"]) == ("P4", "—", "7,948,800 秒 s")
    stranger = next(line for line in said.splitlines() if "对方有我方无" in line)
    cells = dict(zip(columns, (cell.strip() for cell in stranger.strip("│").split("│")), strict=True))
    assert (cells["their rate"], cells["their count"], cells["our count"]) == ("50 %", "—", "—")
    assert "…" not in said
    beyond = said.split("超出允许 beyond the tolerance · 1")[1]
    assert "P2" in beyond
    assert "P1" not in beyond
    rows = list(csv.reader(io.StringIO(office.ok("authority", "reconcile", "lease.yaml", "2020Q3", "--csv"))))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert rows[-1][:3] == ["超出允许 beyond the tolerance", "phase-2", "P2"]  # what lies beyond comes after the items


def test_typed_figures_need_a_scan_and_a_second_person(office: Office) -> None:
    typed = ("authority", "import", "--contract", "lease.yaml", "--figure", "二期@2020Q3=83.62%", "--actor", "甲")
    assert "扫描件" in office.refused(*typed)
    (office.folder / "scan.jpg").write_bytes(b"\xff\xd8\xff scan")
    sha = office.json(*typed, "--scan", "scan.jpg", "--reference", "公视〔2020〕9号")["sha256"]
    office.ok("authority", "check", sha[:10], "--actor", "乙")
    (phase,) = office.json("authority", "reconcile", "lease.yaml", "2020Q3")["phases"]
    assert (phase["authority"]["num"], phase["authority"]["den"]) == (4181, 5000)  # 8362 of 10000, exactly
    assert phase["payable"]["authority"] == "6301.60"  # 4 × 628 × 3 × 83.62 %
    assert phase["chosen"]["source"] == "authority"

    (office.folder / "more.yaml").write_text(
        "reference: 更正\nfigures:\n  - {phase: 二期, period: 2020Q3, rate: 84.00%}\n  - {phase: 三期, period: 7月, rate: 84}\n"
    )
    said = office.refused(
        "authority", "import", "--contract", "lease.yaml", "--typed", "more.yaml", "--scan", "scan.jpg"
    )
    assert "more.yaml:4" in said
    (office.folder / "more.yaml").write_text("figures:\n  - {phase: 二期, period: 2020Q3, rate: 84.00%}\n")
    words = ("authority", "import", "--contract", "lease.yaml", "--typed", "more.yaml", "--scan", "scan.jpg")
    sha = office.json(*words, "--actor", "甲")["sha256"]
    office.ok("authority", "check", sha[:10], "--actor", "乙")
    (phase,) = office.json("authority", "reconcile", "lease.yaml", "2020Q3")["phases"]
    assert phase["authority"]["value"] == "0.840000"
    office.ok("authority", "withdraw", sha[:10], "--reason", "打错", "--actor", "丙")
    (phase,) = office.json("authority", "reconcile", "lease.yaml", "2020Q3")["phases"]
    assert phase["authority"]["value"] == "0.836200"  # what it had replaced stands again


def test_a_mapping_is_proposed_saved_and_used(office: Office) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("一")
    for line, row in enumerate(
        [
            ["某市视频巡检通报"],
            ["建设批次", "统计月", "平均上线比例", "督办"],
            ["2020年建设", "2020年7月", 0.95, ""],
            ["2020年建设", "2020年8月", 0.92, "是"],
            ["2020年建设", "2020年9月", 0.65, ""],
        ]
    ):
        for at, cell in enumerate(row):
            sheet.write(line, at, cell)
    book.save(str(office.folder / "old.xls"))
    words = ("authority", "import", "old.xls", "--contract", "lease.yaml")
    assert "找不到表头" in office.refused(*words)
    (office.folder / "map.yaml").write_text(
        "columns: {建设批次: phase, 统计月: period, 平均上线比例: rate, 督办: ignore}\nphases: {2020年建设: phase-2}\n"
    )
    assert "通报@1" in office.ok("authority", "mapping", "save", "通报", "map.yaml", "--actor", "甲")
    assert "没有变化" in office.ok("authority", "mapping", "save", "通报", "map.yaml", "--actor", "甲")
    (office.folder / "bad.yaml").write_text("columns: {建设批次: phases}\nrate: percent\n")
    said = office.refused("authority", "mapping", "save", "通报", "bad.yaml")
    assert "bad.yaml:1" in said
    assert "bad.yaml:2" in said
    read = office.json(*words, "--mapping", "通报", "--actor", "甲")
    assert (read["figures"], read["periods"]) == (3, list(MONTHS))
    office.ok("authority", "check", read["sha256"][:10], "--actor", "乙")
    (phase,) = office.json("authority", "reconcile", "lease.yaml", "2020Q3")["phases"]
    assert phase["authority"]["value"] == "0.840000"  # the plain mean of 95, 92 and 65 %
    assert phase["payable"]["authority"] == "6330.24"

    authority_workbook(office.folder / "q3.xlsx")
    proposed = office.ok("authority", "mapping", "propose", "q3.xlsx", "--contract", "lease.yaml")
    assert '"设备编码": device' in proposed
    (office.folder / "proposed.yaml").write_text(proposed)
    office.ok("authority", "mapping", "save", "统计表", "proposed.yaml", "--actor", "甲")
    dry = office.json("authority", "import", "q3.xlsx", "--contract", "lease.yaml", "--mapping", "统计表", "--dry-run")
    assert dry["figures"] == 12
    assert {row["name"] for row in office.json("authority", "mapping", "list")} == {"通报", "统计表"}


def test_text_from_outside_never_becomes_a_formula(office: Office) -> None:
    """Their codes and names go into our tables as text, whatever they begin with."""
    (office.folder / "hostile.csv").write_text(
        '点位编号,点位名称,在线率\n"=HYPERLINK(""http://x"")",一,90%\n"+1+1",二,90%\n"@SUM(1)",三,90%\n"-2+3",四,90%\nP1,五,90%\n'
    )
    words = ("authority", "import", "hostile.csv", "--contract", "lease.yaml", "--period", "2020Q3")
    office.ok("authority", "check", office.json(*words, "--actor", "甲")["sha256"][:10], "--actor", "乙")
    said = office.ok("authority", "reconcile", "lease.yaml", "2020Q3", "--csv", "--xlsx", "out.xlsx")
    strangers = [row[3] for row in csv.reader(io.StringIO(said)) if row[0].startswith("对方有我方无")]
    assert len(strangers) == 4
    assert all(text.startswith("'") for text in strangers)
    book = python_calamine.load_workbook(office.folder / "out.xlsx")
    items = [row for row in book.get_sheet_by_name("核对事项").to_python() if str(row[0]).startswith("对方有我方无")]
    assert sorted(str(row[3]) for row in items) == sorted(strangers)
    (point,) = book.get_sheet_by_name("点位对照").to_python()[1:]
    assert point[:3] == ["phase-2", "P1", 0.9]
    assert isinstance(point[7], float)  # amounts are numbers there, negative ones too


def test_a_file_entered_afterwards_is_said_to_be_late_unless_its_day_is_given(office: Office) -> None:
    authority_workbook(office.folder / "q3.xlsx")
    words = ("authority", "import", "q3.xlsx", "--contract", "lease.yaml", "--dry-run")
    (late,) = office.json(*words)["warnings"]
    assert "2020Q3（2020-10-15）" in late
    assert "迟到" in office.ok(*words)
    for day, warned in (("2020-10-15", []), ("2020-11-02", [])):  # a day that somebody wrote is nobody's guess
        read = office.json(*words, "--received", day)
        assert (read["received_on"], read["warnings"]) == (day, warned)
    office.ok(*words, "--received", "2020-10-12")


def test_a_file_of_another_kind_is_called_by_its_name(office: Office) -> None:
    said = office.refused("authority", "import", "lease.yaml", "--contract", "lease.yaml")
    assert "YAML" in said
    assert "CSV、XLSX 或 XLS" in said
    assert "--typed" in said


def test_a_number_of_points_is_read_and_weighs_the_months(office: Office) -> None:
    (office.folder / "by.yaml").write_text(
        CONTRACT.replace("pays: lower, level: point, months: simple-mean", "pays: authority, months: by-points")
    )
    (office.folder / "q3.csv").write_text(
        "期次,月份,点数,在线率\n二期,2020年7月,1000,80%\n二期,2020年8月,1000,80%\n二期,2020年9月,2000,90%\n"
    )
    read = office.json("authority", "import", "q3.csv", "--contract", "by.yaml", "--actor", "甲")
    assert read["notes"] == []
    office.ok("authority", "check", read["sha256"][:10], "--actor", "乙")
    (phase,) = office.json("authority", "reconcile", "by.yaml", "2020Q3")["phases"]
    assert (phase["authority"]["value"], phase["authority"]["points"]) == ("0.850000", 2000)
    row = next(
        line for line in office.ok("authority", "reconcile", "by.yaml", "2020Q3").splitlines() if "│ phase-2" in line
    )
    assert "2,000" in row


def test_a_statement_without_the_figure_it_is_paid_by_wants_a_reason(office: Office) -> None:
    (office.folder / "late.yaml").write_text(
        CONTRACT.replace("pays: lower", "pays: authority").replace("wait", "provisional-own")
    )
    office.ok("contract", "add", "late.yaml", "--actor", "甲")
    office.ok("contract", "approve", "lease", "1", "--actor", "乙")
    office.ok("statement", "draft", "lease", "2020Q3", "--prepaid", "computed", "--actor", "甲")
    step = ("statement", "reconcile", "lease", "2020Q3", "--actor", "甲")
    assert "公安数据未到" in office.refused(*step)
    office.ok(*step, "--reason", "公安十月停发通报")
    assert "公安十月停发通报" in office.ok("statement", "show", "lease", "2020Q3", "--json")


def test_a_close_waits_for_the_figure_and_then_pays_by_it(office: Office) -> None:
    office.ok("contract", "add", "lease.yaml", "--actor", "甲")
    office.ok("contract", "approve", "lease", "1", "--actor", "乙")
    draft = ("statement", "draft", "lease", "2020Q3", "--prepaid", "computed", "--actor", "甲")
    assert "公安数据未到" in office.refused(*draft)
    authority_workbook(office.folder / "q3.xlsx")
    sha = office.json("authority", "import", "q3.xlsx", "--contract", "lease", "--actor", "甲")["sha256"]
    assert "公安数据未到" in office.refused(*draft)  # nobody has checked it yet
    office.ok("authority", "check", sha[:10], "--actor", "乙")
    office.ok(*draft)
    document = office.json("statement", "show", "lease", "2020Q3")["document"]
    (phase,) = document["phases"]
    assert phase["rate"]["source"] == "authority"
    assert phase["authority_rate"]["value"] == "0.887478"
    assert phase["authority_rate"]["reference"] == "新公视〔2020〕18号"
    assert phase["own_rate"]["source"] == "measured"
    payable = next(line for line in phase["lines"] if line["kind"] == "payable")
    assert payable["gross"] == "6688.03"  # 4 × 628 × 3 × 88.747778 %
