"""`camsla contract lint | readings | what-if`: as processes, with the figures that the rules' worked tables print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.camsla_command import ROOT, Camsla

XINJIAN = (ROOT / "config" / "contracts" / "xinjian.yaml").read_text()


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    return Camsla(tmp_path)


def contract(camsla: Camsla, name: str, **changes: str) -> str:
    """Write the shipped contract with lines changed; `reading="B"` replaces the line of that key."""
    lines = XINJIAN.splitlines()
    for key, value in changes.items():
        n = next(n for n, line in enumerate(lines) if line.startswith(f"{key}:"))
        lines[n] = f"{key}: {value}"
    (camsla.folder / name).write_text("\n".join(lines) + "\n")
    return name


def test_lint_of_the_shipped_contract_warns_and_ends_well(camsla: Camsla) -> None:
    answer = camsla.json("contract", "lint", "xinjian")
    assert answer["counts"]["error"] == 0
    assumed = [row for row in answer["findings"] if row["code"] == "assumed"]
    lines = XINJIAN.splitlines()
    assert len(assumed) == 6
    for row in assumed:
        assert lines[row["line"] - 1].lstrip().startswith("- "), row


def test_lint_ends_with_1_on_an_error_and_2_on_a_file_it_cannot_read(camsla: Camsla) -> None:
    rule = "rules:\n  - {kind: substituted-tiers, id: t, tiers: [{from: 80%, pays: 70%}, {to: 80%, pays: 75%}]}\n"
    (camsla.folder / "bad.yaml").write_text(XINJIAN.replace("reading: A", "reading: none") + rule)
    done = camsla.run("contract", "lint", "bad.yaml")
    assert done.returncode == 1
    assert "应付反而减少" in done.stdout
    assert "no such" in camsla.refused("contract", "lint", "nowhere.yaml").lower()
    (camsla.folder / "form.yaml").write_text(XINJIAN + "colour: red\n")
    assert "未知的键 unknown key: colour" in camsla.refused("contract", "lint", "form.yaml")


def test_lint_reports_faults_of_meaning_each_at_its_line_and_looks_at_the_rest(camsla: Camsla) -> None:
    text = XINJIAN.replace('platform: "147.00"', 'platform: "146.00"').replace("reading: A", "reading: B")
    (camsla.folder / "bad.yaml").write_text(
        text
        + "rules:\n"
        + "  - {kind: point-elimination, id: out, hours: 168}\n"
        + "  - {kind: fee-brackets, id: gap, brackets: [{from: 95%, to: 99%, deducts: 30%}, {to: 90%, deducts: 50%}]}\n"
        + "  - {kind: time-abatement, id: never, free_hours: 745}\n"
    )
    done = camsla.run("contract", "lint", "bad.yaml", "--json")
    assert done.returncode == 1
    rows = {(row["code"], row["line"]): row for row in json.loads(done.stdout)["findings"]}
    lines = text.splitlines()
    components = next(n for n, line in enumerate(lines, 1) if line.lstrip().startswith("components:"))
    assert rows["components", components]["level"] == "error"
    assert rows["gap", len(lines) + 3]["place"].startswith("rules[1].brackets")
    assert rows["never-fires", len(lines) + 4]["place"] == "rules[2]"  # as the file counts, not what is left of it
    assert any(code == "cliff" for code, _ in rows)


def test_readings_print_the_worked_table(camsla: Camsla) -> None:
    answer = camsla.json("contract", "readings", "xinjian", "--points", "phase-2=1000", "--rate", "0.8362")
    assert answer["quarter"] == "2020Q3"
    (report,) = answer["rates"]
    paid = {row["reading"]: row["payable"] for row in report["readings"] if row["phase"] == "phase-2"}
    assert paid == {
        "A": "1575400.80",
        "B": "1575400.80",
        "C": "1763800.80",
        "D": "1750445.33",
        "E": "1575400.80",
        "G": "1417860.72",
        "H": "1455201.60",
    }
    assert report["spread"]["phase-2"] == "345940.08"
    text = camsla.ok("contract", "readings", "xinjian", "--rate", "0.8362")
    assert "＊A" in text
    assert "345,940.08" in text


def test_readings_say_that_there_is_no_prepayment(camsla: Camsla) -> None:
    name = contract(camsla, "bare.yaml", prepay_share="0")
    answer = camsla.json("contract", "readings", name, "--rate", "0.8362")
    assert answer["prepaid"] is False
    (report,) = answer["rates"]
    kinds = {(row["reading"], row["kind"]) for row in report["remarks"] if row["phase"] == "phase-2"}
    assert kinds == {("B", "cliff"), ("E", "no-prepayment"), ("G", "no-prepayment")}
    # C 1,763,800.80 − H 1,455,201.60: readings of a prepayment that there is not are no alternative.
    assert report["spread"]["phase-2"] == "308599.20"
    assert "合同无预付" in camsla.ok("contract", "readings", name, "--rate", "0.8362")


def test_readings_go_without_rules_that_look_at_points_and_say_so(camsla: Camsla) -> None:
    name = "points.yaml"
    rule = "rules:\n  - {kind: point-elimination, id: 剔点, hours: 168, over: '>'}\n"
    (camsla.folder / name).write_text(XINJIAN + rule, encoding="utf-8")
    answer = camsla.json("contract", "readings", name, "--points", "phase-2=1000", "--rate", "0.8362")
    assert answer["rules_left_out"] == ["剔点"]
    assert answer["rates"][0]["spread"]["phase-2"] == "345940.08"
    text = camsla.ok("contract", "readings", name, "--rate", "0.8362")
    assert "345,940.08" in text and "剔点" in text and "该季度不计费" not in text
    over = camsla.ok("contract", "readings", name, "--history", history(camsla))
    assert "剔点" in over
    assert camsla.json("contract", "readings", "xinjian", "--rate", "0.8362")["rules_left_out"] == []


def history(camsla: Camsla) -> str:
    (camsla.folder / "past.csv").write_text(
        "phase,quarter,count,rate\nphase-1,2019Q4,1000,83.62%\nphase-1,2020Q3,1000,0.8136\nphase-2,2020Q3,1000,0.8771\n"
    )
    return "past.csv"


def test_readings_over_a_history(camsla: Camsla) -> None:
    answer = camsla.json("contract", "readings", "xinjian", "--history", history(camsla))
    assert [report["quarter"] for report in answer["quarters"]] == ["2019Q4", "2020Q3"]
    # 2,550,000 × 83.62 % + 2,074,680.00 + 1,652,456.40
    assert answer["totals"]["A"] == "5859446.40"


def test_what_if_over_a_history(camsla: Camsla) -> None:
    changed = contract(camsla, "changed.yaml", reading="C")
    words = ("contract", "what-if", changed, "--against", "xinjian", "--history", history(camsla))
    answer = camsla.json(*words)
    first, second = answer["quarters"]
    assert (first["payable_before"], first["payable_after"]) == ("2132310.00", "2387310.00")
    assert second["payable_before"] == "3727136.40"
    lines = {(row["phase"], row["kind"]): row["difference"] for row in second["lines"]}
    assert lines["phase-2", "payable"] == "188400.00"
    assert lines["phase-2", "deduction"] == "-188400.00"
    assert lines["phase-2", "true_up"] == "188400.00"
    assert lines["phase-2", "next_prepayment"] == "0.00"
    assert answer["difference"] == "698400.00"
    text = camsla.ok(*words)
    assert "█" in text
    assert "▒" in text
    assert "698,400.00" in text


def test_what_if_by_month_pays_what_the_months_earned(camsla: Camsla) -> None:
    (camsla.folder / "past.yaml").write_text(
        "history:\n"
        "  - {phase: phase-2, quarter: 2020-07, count: 1000, rate: 95%}\n"
        "  - {phase: phase-2, quarter: 2020-08, count: 1000, rate: 92%}\n"
        "  - {phase: phase-2, quarter: 2020-09, count: 1000, rate: 65%}\n"
    )
    now, then = contract(camsla, "now.yaml", reading="B"), contract(camsla, "then.yaml", reading="B", grain="month")
    answer = camsla.json("contract", "what-if", then, "--against", now, "--history", "past.yaml")
    (quarter,) = answer["quarters"]
    assert (quarter["payable_before"], quarter["payable_after"]) == ("1586450.87", "1664200.00")


def test_what_if_refuses_what_it_cannot_compare(camsla: Camsla) -> None:
    changed = contract(camsla, "changed.yaml", reading="C")
    assert "--against" in camsla.refused("contract", "what-if", changed, "--history", history(camsla))
    assert "--history" in camsla.refused("contract", "what-if", changed)
    (camsla.folder / "bad.csv").write_text("phase,quarter,count,rate\nphase-1,2020Q5,0,183%\n,2020Q3,10,90%\n")
    said = camsla.refused("contract", "what-if", changed, "--against", "xinjian", "--history", "bad.csv")
    for text in ("bad.csv:2 [quarter]", "bad.csv:2 [count]", "bad.csv:2 [rate]", "bad.csv:3 [phase]"):
        assert text in said


def test_what_if_at_assumed_rates(camsla: Camsla) -> None:
    changed = contract(camsla, "changed.yaml", reading="B")
    answer = camsla.json("contract", "what-if", changed, "--against", "xinjian")
    difference = {row["quarter"].partition(" @ ")[2]: row["difference"] for row in answer["quarters"]}
    assert difference == {"100 %": "0.00", "90 %": "443400.00", "89.99 %": "0.00", "85 %": "0.00", "80 %": "0.00"}


SMALL = """\
contract: small
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
phases:
  - {id: p, unit_price: "100.00", in_service_from: 2020-07-01, months: 12}
"""
OUT = "rules:\n  - {kind: point-elimination, id: out, hours: 168}\n"


def test_what_if_over_the_statements_of_the_store(camsla: Camsla) -> None:
    """Two points over a quarter of 92 days; one is down for ten days of August."""
    rows = ["point,vantage,first,last,count,state,reason,rung,valid_s"]
    online, offline = "online,ok,describe", "offline,timeout,tcp"
    for point, first, last, said in (
        ("A", "2020-07-01T00:00:00", "2020-08-10T23:59:00", online),
        ("A", "2020-08-11T00:00:00", "2020-08-20T23:59:00", offline),
        ("A", "2020-08-21T00:00:00", "2020-10-01T00:10:00", online),
        ("B", "2020-07-01T00:00:00", "2020-10-01T00:10:00", online),
    ):
        rows.append(f"{point},import,{first}+08:00,{last}+08:00,1000,{said},65")
    points = "code,contract,phase,accepted_on,billed_from\nA,small,p,2020-07-01,2020-07-01\nB,small,p,2020-07-01,2020-07-01\n"
    for name, body in (
        ("small.yaml", SMALL),
        ("changed.yaml", SMALL + OUT),
        ("points.csv", points),
        ("runs.csv", "\n".join(rows) + "\n"),
    ):
        (camsla.folder / name).write_text(body)
    camsla.ok("points", "import", "points.csv", "--actor", "张三")
    camsla.ok("runs", "import", "runs.csv", "--actor", "张三")
    camsla.ok("contract", "add", "small.yaml", "--actor", "张三")
    camsla.ok("contract", "approve", "small", "1", "--actor", "李四")
    camsla.ok("statement", "draft", "small", "2020Q3", "--prepaid", "computed", "--actor", "张三")
    answer = camsla.json("contract", "what-if", "changed.yaml")
    (quarter,) = answer["quarters"]
    # 600.00 × 174 ÷ 184 days; point A's August is not paid at all, and the rest was online throughout.
    assert (quarter["payable_before"], quarter["payable_after"]) == ("567.39", "500.00")
    against = camsla.json("contract", "what-if", "changed.yaml", "--against", "changed.yaml", "--contract", "small")
    assert against["difference"] == "0.00"
    assert "no statements" in camsla.refused("contract", "what-if", "changed.yaml", "--contract", "other")
