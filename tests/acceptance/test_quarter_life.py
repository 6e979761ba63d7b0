"""A contract's quarters from the first prepayment on, by commands alone, on both databases: dispute, late exclusion,
adjustment in the next quarter. What each statement must say stands in tests/golden/quarter_life.yaml."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from console.cli import main
from tests.camsla_command import Camsla
from tests.servers import postgres

pytestmark = pytest.mark.timeout(400)  # a year of work is some sixty commands
GOLDEN = yaml.safe_load((Path(__file__).parents[1] / "golden" / "quarter_life.yaml").read_text("utf-8"))
CONTRACT = """\
contract: small
title: 四点位
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
approval: {chain: [check, approve], objection_days: 10, silence: confirms}
phases:
  - id: p
    unit_price: "100.00"
    components: {line: "60.00", platform: "40.00"}
    in_service_from: 2020-07-01
    months: 12
"""
POINTS = "code,name,contract,phase,accepted_on,billed_from\n" + "".join(
    f"A-{n},{n}号点,small,p,2020-07-01,2020-07-01\n" for n in (1, 2, 3, 4)
)
CLAIM = "point,start,end,reason\nA-1,2020-08-03T00:00:00+08:00,2020-08-13T00:00:00+08:00,停电\n"
DOWN = {
    "A-1": [("2020-08-03T00:00", "2020-08-28T12:00"), ("2020-11-01T00:00", "2020-11-25T00:00")],
    "A-2": [("2020-09-10T00:00", "2020-09-12T00:00")],
}


def runs() -> str:
    rows = ["point,vantage,first,last,count,state,reason,rung,valid_s"]

    def row(point: str, first: str, last: str, *, online: bool, until_end: bool = False) -> None:
        a, b = (datetime.fromisoformat(text) for text in (first, last))
        b -= timedelta(0) if until_end else timedelta(minutes=1)
        said = "online,ok,describe" if online else "offline,timeout,tcp"
        rows.append(
            f"{point},import,{a:%FT%T}+08:00,{b:%FT%T}+08:00,{int((b - a).total_seconds()) // 60 + 1},{said},65"
        )

    for point in ("A-1", "A-2", "A-3", "A-4"):
        start = "2020-07-01T00:00"
        for first, last in DOWN.get(point, []):
            row(point, start, first, online=True)
            row(point, first, last, online=False)
            start = last
        row(point, start, "2021-04-01T00:10", online=True, until_end=True)
    return "\n".join(rows) + "\n"


class Office(Camsla):
    """Commands on the statements of one contract, each by its own person."""

    def step(self, quarter: str, verb: str, actor: str, *words: str) -> str:
        return self.ok("statement", verb, "small", quarter, *words, "--actor", actor)

    def draft(self, quarter: str, *words: str) -> dict[str, Any]:
        return self.json("statement", "draft", "small", quarter, "--actor", "张三", *words)

    def shown(self, quarter: str) -> dict[str, Any]:
        return self.json("statement", "show", "small", quarter)

    def finish(self, quarter: str) -> None:
        self.step(quarter, "check", "李四")
        self.step(quarter, "approve", "王五")
        self.step(quarter, "issue", "张三")
        if quarter == "2020Q3":
            time.sleep(1.1)  # steps are told in whole seconds: what comes after this one lies beyond its second


class Inside(Office):
    """The same commands in this process: a start of the program for each takes most of a year's time."""

    def run(self, *words: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
        runner = CliRunner()
        with runner.isolation(env=self.env) as (out, err, _), pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            for name in [name for name in os.environ if name.startswith("CAMSLA_") and name not in self.env]:
                patched.delenv(name)
            try:
                code = main.main(list(words), prog_name="camsla", standalone_mode=False) or 0
            except SystemExit as done:
                code = int(done.code or 0)
            return subprocess.CompletedProcess(words, code, out.getvalue().decode(), err.getvalue().decode())


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="module")
def offices(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Office]:
    """Both databases after the same year of work."""
    made = {
        "sqlite": Office(tmp_path_factory.mktemp("sqlite")),
        "postgresql": Office(tmp_path_factory.mktemp("pg"), {"CAMSLA_DATABASE_URL": server.url(server.create())}),
    }
    for office in made.values():
        live(office)
    return made


def live(office: Office) -> None:
    for name, body in (
        ("contract.yaml", CONTRACT),
        ("points.csv", POINTS),
        ("runs.csv", runs()),
        ("claims.csv", CLAIM),
        ("letter.txt", "关于 A-2 点位九月故障的异议函\n"),
    ):
        (office.folder / name).write_text(body, "utf-8")
    office.ok("points", "import", "points.csv", "--actor", "张三")
    office.ok("runs", "import", "runs.csv", "--actor", "张三")
    office.ok("contract", "add", "contract.yaml", "--actor", "张三")
    office.refused("contract", "approve", "small", "1", "--actor", "张三")
    office.ok("contract", "approve", "small", "1", "--actor", "王五")

    check(office.draft("2020Q2")["document"], "2020Q2")
    office.step("2020Q2", "reconcile", "张三")
    office.step("2020Q2", "confirm", "供应商甲")
    office.finish("2020Q2")
    office.step("2020Q2", "request-payment", "张三")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    words = ("--amount", "1080.00", "--paid-on", today, "--voucher", "0001", "--actor", "会计")
    office.ok("payment", "record", "small", "2020Q2", *words)
    assert office.shown("2020Q2")["state"] == "paid"

    check(office.draft("2020Q3")["document"], "2020Q3")
    office.step("2020Q3", "reconcile", "张三")
    claim = ("--point", "A-2", "--claim", GOLDEN["2020Q3"]["claim"], "--reason", "九月施工", "--document", "letter.txt")
    assert "异议 dispute 1" in office.step("2020Q3", "dispute", "供应商甲", "3", *claim)
    office.finish("2020Q3")
    grant = ("1", "partly", "--grant", GOLDEN["2020Q3"]["granted"], "--opinion", "一日有施工许可")
    office.refused("statement", "decide", "small", "2020Q3", *grant, "--actor", "张三")
    office.step("2020Q3", "decide", "李四", *grant)

    office.ok("exclusions", "import", "claims.csv", "--actor", "供应商甲")
    before = office.ok("statement", "show", "small", "2020Q3", "--document")
    office.ok("exclusions", "approve", "--all", "--actor", "李四")
    assert office.ok("statement", "show", "small", "2020Q3", "--document") == before

    check(office.draft("2020Q4")["document"], "2020Q4")
    office.step("2020Q4", "reconcile", "张三")
    office.step("2020Q4", "confirm", "供应商甲")
    office.finish("2020Q4")
    check(office.draft("2021Q1")["document"], "2021Q1")


def check(document: dict[str, Any], quarter: str) -> None:
    expected = GOLDEN[quarter]
    lines = [line for phase in document["phases"] for line in phase["lines"]] + document["adjustments"]
    found = [[line["kind"], line["gross"], line["parent"]] for line in sorted(lines, key=lambda line: line["n"])]
    assert found == expected["lines"]
    assert document["totals"]["total"] == expected["total"]


@pytest.mark.parametrize("quarter", ["2020Q2", "2020Q3", "2020Q4", "2021Q1"])
def test_every_quarter_says_what_was_typed_by_hand_in_the_same_bytes_on_both_databases(
    offices: dict[str, Office], quarter: str
) -> None:
    one, other = (office.ok("statement", "show", "small", quarter, "--document") for office in offices.values())
    assert one == other
    check(json.loads(one), quarter)
    one, other = (office.ok("statement", "show", "small", quarter, "--inputs") for office in offices.values())
    assert one == other


def test_where_each_statement_stands_and_what_falls_due_at_once(offices: dict[str, Office]) -> None:
    for office in offices.values():
        rows = office.json("statement", "list")
        assert [(row["quarter"], row["state"]) for row in rows] == [
            ("2020Q2", "paid"),
            ("2020Q3", "issued"),
            ("2020Q4", "issued"),
            ("2021Q1", "draft"),
        ]
        assert {row["contested"] for row in rows} == {"0.00"}, "the only dispute is decided"
        shown = office.shown("2020Q3")
        assert shown["verified"]
        assert [step["step"] for step in shown["steps"]] == [
            "draft",
            "reconcile",
            "dispute",
            "check",
            "approve",
            "issue",
            "decide",
        ]
        (dispute,) = shown["disputes"]
        assert (dispute["contested"], dispute["granted"], dispute["decision"]) == ("20.00", "12.50", "partly")
        assert len(dispute["document_sha256"]) == 64


def test_closing_again_adds_nothing_and_late_data_are_named(offices: dict[str, Office]) -> None:
    for office in offices.values():
        again = office.draft("2020Q4")
        assert again["added"] is False
        assert "no change" in office.step("2021Q1", "draft", "另一人")
        said = office.refused("statement", "draft", "small", "2020Q3", "--actor", "张三")
        assert "[剔除] evidence.exclusions[0]" in said
        assert "adjustment line of the next open quarter" in said
        assert office.json("statement", "diff", "small", "2020Q3")["needed"] == [], "it was adjusted in 2020Q4"


def test_anybody_recomputes_a_statement_without_a_database(offices: dict[str, Office], tmp_path: Path) -> None:
    office = offices["sqlite"]
    for quarter in ("2020Q3", "2020Q4"):
        (tmp_path / "inputs.json").write_text(office.ok("statement", "show", "small", quarter, "--inputs"), "utf-8")
        document = office.ok("statement", "show", "small", quarter, "--document")
        (tmp_path / "document.json").write_text(document, "utf-8")
        alone = Camsla(tmp_path)
        words = ("statement", "recompute", str(tmp_path / "inputs.json"))
        assert alone.ok(*words) == document
        assert "equal, to the byte" in alone.ok(*words, "--against", str(tmp_path / "document.json"))
        (tmp_path / "document.json").write_text(document.replace("1080.00", "1080.01"), "utf-8")
        assert alone.run(*words, "--against", str(tmp_path / "document.json")).returncode == 1
        assert not (tmp_path / "data").exists()


def test_a_quarter_as_it_was_known_when_it_was_issued(offices: dict[str, Office]) -> None:
    for office in offices.values():
        (at,) = [step["at"] for step in office.shown("2020Q3")["steps"] if step["step"] == "issue"]
        moment = (datetime.fromisoformat(at) + timedelta(seconds=1)).isoformat()
        then = office.json("statement", "as-known", "small", "2020Q3", "--on", moment)
        today = office.json("statement", "as-known", "small", "2020Q3", "--on", "2100-01-01")
        stored = office.shown("2020Q3")["document"]
        assert then["document"]["phases"] == stored["phases"]
        assert then["issued"]["statement"] == "small 2020Q3 r0"
        assert then["adjusted"] == []
        payable = [line["gross"] for line in today["document"]["phases"][0]["lines"] if line["kind"] == "payable"]
        assert payable == ["1141.34"]
        assert [row["gross"] for row in today["adjusted"]] == ["18.51", "12.50"]
        assert then["limits"]


def test_an_amendment_into_a_closed_quarter_is_refused_whole(offices: dict[str, Office]) -> None:
    for office in offices.values():
        changed = CONTRACT.replace("100.00", "120.00").replace("60.00", "80.00")
        (office.folder / "amendment.yaml").write_text(changed, "utf-8")
        for day, text in (
            ("2020-10-01", "issued"),
            ("2021-02-01", "first day of a quarter"),
            ("x", "not a date"),
        ):
            words = ("contract", "add", "amendment.yaml", "--effective-from", day, "--actor", "张三")
            assert text in office.refused(*words)
        assert [row["version"] for row in office.json("contract", "list")] == [1]


def test_the_ledger_is_the_same_on_both(offices: dict[str, Office]) -> None:
    one, other = (office.json("ledger", "balance", "--contract", "small") for office in offices.values())
    assert one == other
