"""What evaluators and auditors are given, by commands alone, on both databases: reclassification, challenges, samples, a point's line."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from console.cli import main
from monitor.store.database import open_database, reading
from tests.camsla_command import Camsla
from tests.servers import postgres

pytestmark = pytest.mark.timeout(400)
CONTRACT = """\
contract: small
title: 四点位
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
phases:
  - id: p
    unit_price: "100.00"
    components: {line: "60.00", platform: "40.00"}
    in_service_from: 2020-07-01
    months: 12
  - id: q
    unit_price: "100.00"
    components: {line: "60.00", platform: "40.00"}
    in_service_from: 2020-07-01
    months: 12
"""
POINTS = "code,name,address,contract,phase,accepted_on,billed_from\n" + "".join(
    f"A-{n},{n}号点,人民路{n}号,small,{'p' if n < 7 else 'q'},2020-07-01,2020-07-01\n" for n in range(1, 10)
)
GAPS = "vantage,point,start,end,cause\nimport,,2020-07-10T10:00:00+08:00,2020-07-10T10:30:00+08:00,uplink\n"


def runs() -> str:
    """Everybody online in July but for the gap; A-1 is down on the 3rd from 08:00 to 12:00, A-2 for one probe on the 4th."""
    rows = ["point,vantage,first,last,count,state,reason,rung,valid_s"]

    def row(point: str, first: str, last: str, *, online: bool = True) -> None:
        a, b = datetime.fromisoformat(f"2020-07-{first}"), datetime.fromisoformat(f"2020-07-{last}")
        n = int((b - a).total_seconds()) // 60
        said = "online,ok,describe" if online else "offline,timeout,tcp"
        rows.append(f"{point},import,{a:%FT%T}+08:00,{b - timedelta(minutes=1):%FT%T}+08:00,{n},{said},65")

    for n in range(1, 10):
        start = "01T00:00"
        if n == 1:
            row("A-1", start, "03T08:00")
            row("A-1", "03T08:00", "03T12:00", online=False)
            start = "03T12:00"
        if n == 2:
            row("A-2", start, "04T06:00")
            row("A-2", "04T06:00", "04T06:01", online=False)
            start = "04T06:01"
        row(f"A-{n}", start, "10T10:00")
        row(f"A-{n}", "10T10:30", "31T23:59")
    return "\n".join(rows) + "\n"


class Office(Camsla):
    """Commands in this process, on a clock that a test sets."""

    clock = "2020-08-01T09:00:00+08:00"

    def run(self, *words: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
        runner = CliRunner()
        now = int(datetime.fromisoformat(self.clock).timestamp()) * 1_000_000
        with runner.isolation(env=self.env) as (out, err, _), pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            patched.setattr("console.app.database.wall_now", lambda: now)
            for name in [name for name in os.environ if name.startswith("CAMSLA_") and name not in self.env]:
                patched.delenv(name)
            try:
                code = main.main(list(words), prog_name="camsla", standalone_mode=False) or 0
            except SystemExit as done:
                code = int(done.code or 0)
            except click.UsageError as error:
                code = error.exit_code
            return subprocess.CompletedProcess(words, code, out.getvalue().decode(), err.getvalue().decode())

    def recorded(self, what: str) -> list[str]:
        """The digests of the documents that wait for the evidence log."""
        engine = open_database(self.env.get("CAMSLA_DATABASE_URL", f"sqlite:///{self.folder}/data/camsla.db"))
        with reading(engine) as connection:
            bodies = (
                connection.exec_driver_sql("SELECT body FROM outbox WHERE kind = 'att' ORDER BY id").scalars().all()
            )
        engine.dispose()
        return [told["sha256"] for told in map(json.loads, bodies) if told["what"] == what]

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, "utf-8")
        return name


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path, server: postgres.Server) -> Office:
    extra = None if request.param == "sqlite" else {"CAMSLA_DATABASE_URL": server.url(server.create())}
    made = Office(tmp_path, extra)
    for name, body in (("contract.yaml", CONTRACT), ("points.csv", POINTS), ("runs.csv", runs()), ("gaps.csv", GAPS)):
        made.write(name, body)
    made.write("report.txt", "故障报告：7 月 10 日环网故障\n")
    made.ok("points", "import", "points.csv", "--actor", "张三")
    made.ok("runs", "import", "runs.csv", "--gaps", "gaps.csv", "--actor", "张三")
    made.ok("contract", "add", "contract.yaml", "--actor", "张三")
    made.ok("contract", "approve", "small", "1", "--actor", "王五")
    return made


def shown(office: Office, point: str, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = office.json("evidence", "show", point, "--period", "2020-07", "--contract", "small", *words)
    return found


WHY = ("--to", "offline", "--reason", "环网故障", "--document", "report.txt", "--actor", "张三")


def test_a_gap_is_reclassified_for_every_point_and_withdrawn_for_one(office: Office) -> None:
    (gap,) = office.json("corrections", "gaps", "--period", "2020-07")
    assert (gap["vantage"], gap["cause"], gap["start"]) == ("import", "uplink", "2020-07-10T10:00:00+08:00")
    before = shown(office, "A-3")["seconds"]
    assert "9 条" in office.ok("corrections", "claim", "--gap", str(gap["id"]), *WHY)
    assert "不能审批自己" in office.refused("corrections", "approve", "--all", "--actor", "张三")
    assert shown(office, "A-3")["seconds"] == before
    assert "9" in office.ok("corrections", "approve", "--all", "--actor", "李四")
    after = shown(office, "A-3")
    assert after["seconds"]["offline"] == 1_800
    assert after["seconds"]["unknown"] == before["unknown"] - 1_800
    assert [(o["start"][11:19], o["offline_s"], o["reasons"]) for o in after["outages"]] == [("10:00:00", 1_800, [])]
    assert [(c["to"], c["status"]) for c in after["corrections"]] == [("offline", "approved")]
    assert len(office.json("outages", "--period", "2020-07", "--contract", "contract.yaml")) == 10
    report = hashlib.sha256((office.folder / "report.txt").read_bytes()).hexdigest()
    listed = office.json("corrections", "list")
    assert {row["document"] for row in listed} == {report}
    assert report in office.ok("documents", "list", "--json")
    assert office.recorded("document") == [report]

    number = next(row["id"] for row in listed if row["point"] == "A-3")
    office.ok("corrections", "revoke", str(number), "--reason", "A-3 不在该环网", "--actor", "张三")
    assert shown(office, "A-3")["seconds"]["offline"] == 1_800
    office.ok("corrections", "approve", "--all", "--actor", "李四")
    assert shown(office, "A-3")["seconds"] == before
    assert shown(office, "A-4")["seconds"]["offline"] == 1_800
    # What is known by now is left alone: only A-3 is unknown again.
    assert "1 条" in office.ok("corrections", "claim", "--gap", str(gap["id"]), *WHY)
    refused = office.refused("corrections", "claim", "--gap", str(gap["id"]), *WHY)
    assert "重叠" in refused
    assert "A-3" in refused


def test_bad_corrections_are_told_with_file_and_line_and_leave_nothing(office: Office) -> None:
    rows = (
        "X-9,2020-07-10T10:00:00+08:00,2020-07-10T10:30:00+08:00,offline,环网",
        "A-1,2020-07-10T10:30:00+08:00,2020-07-10T10:00:00+08:00,offline,环网",
        "A-1,2020-07-10T10:00:00,2020-07-10T10:30:00+08:00,offline,环网",
        "A-1,2020-07-10T10:00:00+08:00,2020-07-10T10:30:00+08:00,broken,",
    )
    office.write("bad.csv", "point,start,end,to,reason\n" + "\n".join(rows) + "\n")
    words = ("--document", "report.txt", "--actor", "张三")
    told = office.refused("corrections", "import", "bad.csv", *words)
    for place in ("bad.csv:3 [end]", "bad.csv:4 [start]", "bad.csv:5 [to]", "bad.csv:5 [reason]"):
        assert place in told
    office.write("bad.csv", "point,start,end,to,reason\n" + rows[0] + "\n" + rows[0].replace("X-9", "A-1") + "\n")
    assert "bad.csv:2 [point]" in office.refused("corrections", "import", "bad.csv", *words)
    known = "A-1,2020-07-05T10:00:00+08:00,2020-07-05T10:30:00+08:00,offline,环网\n"
    ahead = "A-1,2020-08-01T08:00:00+08:00,2020-08-01T09:00:01+08:00,offline,环网\n"
    office.write("bad.csv", "point,start,end,to,reason\n" + known)
    assert "nothing of the span is unknown" in office.refused("corrections", "import", "bad.csv", *words)
    office.write("bad.csv", "point,start,end,to,reason\n" + ahead)
    assert "not over yet" in office.refused("corrections", "import", "bad.csv", *words)
    twice = "A-1,2020-07-10T10:00:00+08:00,2020-07-10T10:30:00+08:00,offline,环网\n"
    office.write("bad.csv", "point,start,end,to,reason\n" + twice + twice)
    assert "bad.csv:3 [start]" in office.refused("corrections", "import", "bad.csv", *words)
    assert "document" in office.refused("corrections", "import", "bad.csv", "--document", "none.txt", "--actor", "张三")
    assert office.json("corrections", "list") == []
    assert office.json("documents", "list") == []
    assert office.refused("corrections", "claim", "--gap", "99", *WHY)
    assert office.run("corrections", "claim", *WHY).returncode == 2


def test_a_reclassification_stands_in_the_frozen_inputs_and_is_named_when_it_changes_them(office: Office) -> None:
    office.clock = "2020-10-08T09:00:00+08:00"
    words = ("--override", "七月之后未监测", "--actor", "张三")
    draft = ("statement", "draft", "small", "2020Q3", "--prepaid", "p=0", "--prepaid", "q=0", *words)
    office.ok(*draft)
    claim = ("corrections", "claim", "--point", "A-1", "--start", "2020-07-10T10:00:00+08:00")
    office.ok(*claim, "--end", "2020-07-10T10:30:00+08:00", *WHY)
    office.ok("corrections", "approve", "--all", "--actor", "李四")
    assert "[补判]" in office.refused(*draft)
    office.ok(*draft, "--redraft")
    office.ok("statement", "export", "small", "2020Q3", "--inputs", "inputs.json")
    frozen = json.loads((office.folder / "inputs.json").read_text("utf-8"))
    start = 1_594_346_400_000_000
    assert frozen["evidence"]["reclassified"] == [["A-1", start, start + 1_800_000_000, "offline", "环网故障"]]
    assert office.ok("statement", "recompute", "inputs.json")


CHALLENGE = """\
point,at
A-1,2020-07-03T09:00:00+08:00
A-2,2020-07-04T06:00:30+08:00
A-3,2020-07-10T10:15:00+08:00
A-4,2020-07-15T12:00:00+08:00
A-5,2020-07-15T12:00:00+08:00
"""
SEEN = """\
point,at,seen,note
A-1,2020-07-03T09:01:00+08:00,offline,黑屏
A-2,2020-07-04T06:00:30+08:00,offline,=1+1
A-3,2020-07-10T10:15:00+08:00,online,
A-4,2020-07-15T12:00:10+08:00,在线,
"""


def committed(office: Office) -> str:
    office.clock = "2020-06-30T09:00:00+08:00"
    office.write("list.csv", CHALLENGE)
    said = office.ok("challenge", "commit", "list.csv", "--actor", "评价方")
    salt = (office.folder / "list.csv.salt").read_bytes()
    known = hashlib.sha256(salt + CHALLENGE.encode()).hexdigest()
    assert known in said
    office.clock = "2020-08-01T09:00:00+08:00"
    return known


def test_a_challenge_is_committed_to_and_its_reveal_compared(office: Office) -> None:
    known = committed(office)
    office.write("seen.csv", SEEN)
    words = (
        "challenge",
        "reveal",
        "list.csv",
        "--salt",
        "list.csv.salt",
        "--observations",
        "seen.csv",
        "--actor",
        "评价方",
    )
    result = office.json(*words, "--contract", "small", "--out", "rows.csv")
    assert result["challenge"] == known
    # Raw: A-1 and A-2 offline as seen, A-4 online; A-3 unknown. Under the policy A-2's single failed probe is online.
    assert result["by_raw"] == {
        "agreed": 3, "compared": 3, "disagreed": 0, "high": "1.000000", "low": "0.292401", "rate": "1.000000", "unknown": 1,
    }  # fmt: skip
    assert {k: v for k, v in result["by_policy"].items() if k in ("agreed", "compared", "unknown")} == {
        "agreed": 2, "compared": 3, "unknown": 1,
    }  # fmt: skip
    assert result["not_observed"] == 1
    assert [(row[0], row[3:6]) for row in result["rows"]] == [
        ("A-1", ["offline", "offline", "offline"]),
        ("A-2", ["offline", "offline", "online"]),
        ("A-3", ["online", "unknown", "unknown"]),
        ("A-4", ["online", "online", "online"]),
        ("A-5", [None, None, None]),
    ]
    table = list(csv.reader(io.StringIO((office.folder / "rows.csv").read_text("utf-8-sig"))))
    assert [row[-1] for row in table[1:]] == ["是 yes", "否 no", "", "是 yes", ""]
    assert table[2][-2] == "'=1+1"
    printed = office.ok(*words, "--contract", "small")
    assert "与此前相同" in printed
    for text in ("A-2", "Clopper", "未观察 not observed: 1", "66.67%"):
        assert text in printed
    (row,) = office.json("challenge", "list")
    assert (row["commitment"], row["reveal"]["version"]) == (known, 1)
    assert known[:16] in office.ok("challenge", "list")


def test_a_hash_alone_can_be_committed_to(office: Office) -> None:
    office.clock = "2020-06-30T09:00:00+08:00"
    salt = "ab" * 32 + "\n"
    office.write("mine.csv", CHALLENGE)
    office.write("mine.salt", salt)
    known = hashlib.sha256((salt + CHALLENGE).encode()).hexdigest()
    assert "已登记承诺" in office.ok("challenge", "commit", "--sha256", known.upper(), "--actor", "评价方")
    assert "此前已由 评价方 登记" in office.ok("challenge", "commit", "--sha256", known, "--actor", "别人")
    assert "64" in office.refused("challenge", "commit", "--sha256", "12", "--actor", "评价方")
    office.clock = "2020-08-01T09:00:00+08:00"
    office.write("seen.csv", SEEN)
    office.ok(
        "challenge", "reveal", "mine.csv", "--salt", "mine.salt", "--observations", "seen.csv", "--actor", "评价方"
    )


def test_bad_challenges_are_told_with_file_and_line(office: Office) -> None:
    office.clock = "2020-07-05T09:00:00+08:00"
    office.write("list.csv", CHALLENGE.replace("A-5", "X-5") + "A-4,2020-07-15T04:00:00Z\n")
    told = office.refused("challenge", "commit", "list.csv", "--actor", "评价方")
    assert "list.csv:7 [at]" in told
    office.write("list.csv", CHALLENGE.replace("A-5", "X-5"))
    told = office.refused("challenge", "commit", "list.csv", "--actor", "评价方")
    for place in ("list.csv:2 [at]", "list.csv:3 [at]", "list.csv:6 [point]"):
        assert place in told
    assert not (office.folder / "list.csv.salt").exists()
    assert office.json("challenge", "list") == []
    office.write("list.csv.salt", "x")
    office.write("list.csv", CHALLENGE)
    office.clock = "2020-06-30T09:00:00+08:00"
    assert "list.csv.salt" in office.refused("challenge", "commit", "list.csv", "--actor", "评价方")
    assert (office.folder / "list.csv.salt").read_text() == "x"
    told = office.refused("challenge", "commit", "list.csv", "--salt", "list.csv.salt", "--actor", "评价方")
    assert "64" in told


def test_a_reveal_that_does_not_fit_its_commitment_is_refused(office: Office) -> None:
    committed(office)
    office.write("seen.csv", SEEN)
    office.write("other.salt", "cd" * 32 + "\n")
    office.write("changed.csv", CHALLENGE.replace("A-4", "A-6"))

    def refused(file: str = "list.csv", salt: str = "list.csv.salt", seen: str = "seen.csv") -> str:
        return office.refused("challenge", "reveal", file, "--salt", salt, "--observations", seen, "--actor", "评价方")

    for told in (refused(salt="other.salt"), refused(file="changed.csv")):
        assert "wrong salt or changed file" in told
    bad = SEEN.replace("A-4", "A-7") + "A-1,2020-07-03T09:30:00+08:00,offline,\nA-1,2020-07-03T09:00:00+08:00,maybe,\n"
    office.write("bad.csv", bad)
    assert "bad.csv:7 [seen]" in refused(seen="bad.csv")
    office.write("bad.csv", bad.replace("maybe", "online"))
    told = refused(seen="bad.csv")
    for place in ("bad.csv:5 [point]", "bad.csv:6 [at]", "bad.csv:7 [at]"):
        assert place in told
    office.clock = "2020-07-12T09:00:00+08:00"
    told = refused()
    assert "list.csv:5 [at]" in told
    assert "list.csv:6 [at]" in told
    assert office.json("challenge", "list")[0]["reveal"] is None


def test_a_sample_is_drawn_again_alike_and_its_sheet_printed(office: Office) -> None:
    words = (
        "evidence",
        "sample",
        "--contract",
        "small",
        "--period",
        "2020-07",
        "--seed",
        "审计 7",
        "--n",
        "4",
        "--actor",
        "审计",
    )
    drawn = office.json(*words)
    ranks = {code: hashlib.sha256(f"审计 7\n{code}".encode()).hexdigest() for code in [f"A-{n}" for n in range(1, 10)]}
    assert [point["code"] for point in drawn["points"]] == sorted(ranks, key=lambda code: ranks[code])[:4]
    assert [point["rank"] for point in drawn["points"]] == sorted(ranks.values())[:4]
    again = office.json(*words, "--csv", "sheet.csv", "--pdf", "sheet.pdf")
    assert (again["added"], again["version"], again["sha256"]) == (False, 1, drawn["sha256"])
    table = list(csv.reader(io.StringIO((office.folder / "sheet.csv").read_text("utf-8-sig"))))
    assert table[0] == [
        "序号",
        "点位编号",
        "名称",
        "地址",
        "期次",
        "本期在线率",
        "最近状态",
        "现场情况",
        "核查人",
        "备注",
    ]
    assert [row[1] for row in table[1:]] == [point["code"] for point in drawn["points"]]
    assert (office.folder / "sheet.pdf").read_bytes().startswith(b"%PDF-")
    assert "现场核查表" in office.ok(*words)
    strata = office.json(*words, "--stratify", "phase")
    assert strata["strata"] == {"p": 6, "q": 3}
    assert [point["stratum"] for point in strata["points"]] == ["p", "p", "p", "q"]
    assert "没有在服务期" in office.refused(*words[:5], "2019-07", *words[6:])
    assert "seed" in office.refused(*words[:7], "a\nb", *words[8:])
    office.write(
        "none.yaml",
        CONTRACT.replace("contract: small", "contract: none").replace("id: p", "id: r").replace("id: q", "id: s"),
    )
    assert "none" in office.refused(*words[:3], "none.yaml", *words[4:])


def test_a_points_line_shows_every_half_hour(office: Office) -> None:
    line = shown(office, "A-1")
    days = {day["day"]: day["strip"] for day in line["days"]}
    assert days["2020-07-03"] == "█" * 16 + "░" * 8 + "█" * 24
    assert days["2020-07-10"] == "█" * 20 + "·" + "█" * 27
    assert days["2020-07-31"][-2:] == "█·"
    (outage,) = line["outages"]
    assert outage["reasons"] == [{"reason": "timeout", "rung": "tcp", "samples": 240}]
    assert (outage["start"], outage["offline_s"], outage["record"]) == ("2020-07-03T08:00:00+08:00", 14_400, None)
    assert [gap["cause"] for gap in line["gaps"]] == ["uplink"]
    assert sum(line["seconds"].values()) == 31 * 86_400
    office.write("claims.csv", "point,start,end,reason\nA-1,2020-07-03T08:00:00+08:00,2020-07-03T10:00:00+08:00,停电\n")
    office.ok("exclusions", "import", "claims.csv", "--actor", "张三")
    office.ok("exclusions", "approve", "--all", "--actor", "李四")
    line = shown(office, "A-1")
    assert line["days"][2]["strip"] == "█" * 16 + "▒" * 4 + "░" * 4 + "█" * 24
    assert [(c["what"], c["reason"]) for c in line["corrections"]] == [("exclude", "停电")]
    assert shown(office, "A-2")["outages"] == []
    raw = office.json("evidence", "show", "A-2", "--period", "2020-07", "--raw")
    assert [o["offline_s"] for o in raw["outages"]] == [60]
    text = office.ok("evidence", "show", "A-1", "--period", "2020-07", "--contract", "small")
    for part in ("图例", "2020-07-03 " + "█" * 16 + "▒" * 4, "timeout/tcp ×240", "监测中断", "停电", "人民路1号"):
        assert part in text
    assert "no such point" in office.refused("evidence", "show", "X", "--period", "2020-07")
    assert "366" in office.refused("evidence", "show", "A-1", "--period", "2020-01-01..2021-01-01")
    json.dumps(line)
