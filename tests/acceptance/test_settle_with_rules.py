"""`camsla settle` under a contract with rules: events from a file or the store, rates by month; every figure by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camsla_command import Camsla

CONTRACT = """
contract: ruled
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
grain: month
reading: none
rules:
  - kind: substituted-tiers
    id: tiers
    tiers: [{to: 65%, pays: 0%}, {from: 65%, to: 80%, pays: 65%}, {from: 80%, pays: rate}]
  - kind: unit-fine
    id: clock
    events: [clock-off]
    fine: "50.00"
phases:
  - id: p
    unit_price: "628.00"
    in_service_from: 2020-07-01
    months: 12
"""
EVENTS = """event,point,at,until,source
clock-off,P1,2020-07-03T09:00:00+08:00,,巡检
clock-off,P2,2020-08-03T09:00:00+08:00,,巡检
"""
GIVEN = ("settle", "--contract", "ruled.yaml", "--quarter", "2020Q3", "--count", "p=1000")
RATES = ("--rate", "p/2020-07=83.62%", "--rate", "p/2020-08=79.99%", "--rate", "p/2020-09=64.99%")


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    (tmp_path / "ruled.yaml").write_text(CONTRACT, encoding="utf-8")
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    return Camsla(tmp_path)


def test_rates_by_month_and_events_from_a_file(camsla: Camsla) -> None:
    answer = camsla.json(*GIVEN, *RATES, "--events", "events.csv")
    payable = {line["window"]: line["amount"] for line in answer["lines"] if line["kind"] == "payable"}
    # 525,133.60 and 408,200.00, each less a fine of 50
    assert payable == {"2020-07": "525083.60", "2020-08": "408150.00", "2020-09": "0.00"}
    fines = {rule["window"]: rule["amount"] for rule in answer["rules"] if rule["rule"] == "clock"}
    assert fines == {"2020-07": "50.00", "2020-08": "50.00", "2020-09": "0.00"}
    text = camsla.ok(*GIVEN, *RATES, "--events", "events.csv")
    assert "规则与扣款 rules" in text
    assert "102,866.40（tiers）" in text
    rows = [[cell.strip() for cell in row.split("│")] for row in text.splitlines() if "应付金额 payable" in row]
    assert [row[1] for row in rows] == ["p 2020-07", "p 2020-08", "p 2020-09"]  # as `statement draft` shows them


def test_what_is_wrong_with_months_is_said(camsla: Camsla) -> None:
    assert "not a month of the quarter: 2020-10" in camsla.refused(*GIVEN, "--rate", "p/2020-10=90%")
    assert "given twice: p/2020-07" in camsla.refused(*GIVEN, "--rate", "p/2020-07=1", "--rate", "p/2020-07=1")
    assert "malformed" in camsla.refused(*GIVEN[:-1], "p/2020-07=3", *RATES)
    assert "a main rule pays, not a reading" in camsla.refused(*GIVEN, *RATES, "--reading", "A")
    done = camsla.run(*GIVEN, "--rate", "p=83.62%")
    assert done.returncode == 0
    assert "逐月给出" in done.stderr
    assert "没有可结算的期次 no phase could be settled" in done.stdout
    assert "未结算 not settled: p（见以上各条 see above）" in done.stdout


def test_events_are_imported_once_and_listed(camsla: Camsla) -> None:
    (camsla.folder / "points.csv").write_text(
        "点位编号,期次,合同编号,计费起\nP1,p,ruled,2020-07-01\nP2,p,ruled,2020-07-01\n", encoding="utf-8"
    )
    camsla.ok("points", "import", "points.csv", "--effective-from", "2020-07-01", "--actor", "台账")
    assert camsla.json("events", "import", "events.csv", "--actor", "巡检") == {"added": 2, "ended": 0, "known": 0}
    assert camsla.json("events", "import", "events.csv", "--actor", "巡检") == {"added": 0, "ended": 0, "known": 2}
    (july,) = camsla.json("events", "list", "--period", "2020-07")
    assert (july["event"], july["point"], july["at"], july["source"]) == (
        "clock-off",
        "P1",
        "2020-07-03T09:00:00+08:00",
        "巡检",
    )
    assert "P1" in camsla.ok("events", "list")
    (camsla.folder / "wrong.csv").write_text(EVENTS.replace("P2", "P9"), encoding="utf-8")
    assert "not in the ledger: P9" in camsla.refused("events", "import", "wrong.csv", "--actor", "巡检")
    words = ("settle", "--contract", "ruled.yaml", "--quarter", "2020Q3")
    answer = camsla.json(*words, *RATES)
    fines = {rule["window"]: rule["amount"] for rule in answer["rules"] if rule["rule"] == "clock"}
    assert fines == {"2020-07": "50.00", "2020-08": "50.00", "2020-09": "0.00"}
