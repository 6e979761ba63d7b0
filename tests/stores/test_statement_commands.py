"""`camsla statement` and `camsla contract` on a prepared store: what is refused, with place and remedy, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from console.cli import main
from tests.stores.quarters import drafted, issued, ready, terms, upto

# The commands are the same on both databases; what lies under them is compared elsewhere.
pytestmark = pytest.mark.parametrize("store", ["sqlite"], indirect=True)


class Commands:
    def __init__(self, store, monkeypatch):
        monkeypatch.chdir(store.folder)
        self.env = {
            "CAMSLA_DATABASE_URL": store.url,
            "CAMSLA_DATA_DIR": str(store.folder),
            "COLUMNS": "200",
        }

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(main, list(words), env=self.env, catch_exceptions=False)

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.exit_code == 2, done.output
        return done.stderr


@pytest.fixture
def commands(store, monkeypatch):
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    upto(writer, "2020Q3", "reconcile")
    writer.close()
    return Commands(store, monkeypatch)


BAD = [
    (("statement", "draft", "small", "2020-Q3"), "不是季度"),
    (("statement", "draft", "none", "2020Q3"), "no version of none is in force"),
    (("statement", "draft", "small", "2020Q4", "--prepaid", "p"), "写成 PHASE=1695600.00"),
    (("statement", "draft", "small", "2020Q4", "--prepaid", "p=1.234"), "多于两位小数"),
    (("statement", "draft", "small", "2020Q4", "--prepaid", "p=-1"), "malformed"),
    (("statement", "draft", "small", "2021Q3"), "2021Q2 尚未出具"),
    (("statement", "reconcile", "small", "2020Q3"), "reconcile is not possible now"),
    (("statement", "check", "small", "2020Q3"), "check is not possible now"),
    (("statement", "issue", "small", "2020Q3"), "issue is not possible now"),
    (("statement", "return", "small", "2020Q2", "--reason", "x"), "corrections become lines of the open quarter"),
    (("statement", "confirm", "small", "2020Q3", "--silence"), "does not say that silence confirms"),
    (("statement", "confirm", "small", "2020Q3", "--document", "none.pdf"), "no such document file"),
    (("statement", "confirm", "small", "2019Q4"), "there is no statement small 2019Q4"),
    (("statement", "dispute", "small", "2020Q3", "9", "--reason", "x"), "there is no line 9"),
    (("statement", "dispute", "small", "2020Q3", "3", "--claim", "x", "--reason", "x"), "不是金额"),
    (("statement", "dispute", "small", "2020Q3", "3", "--claim", "1000", "--reason", "x"), "more than was deducted"),
    (("statement", "dispute", "small", "2020Q3", "2", "--reason", "x"), "say how much is contested"),
    (("statement", "dispute", "small", "2020Q3", "3", "--point", "B-1", "--reason", "x"), "no such point: B-1"),
    (("statement", "decide", "small", "2020Q3", "7", "upheld", "--opinion", "x"), "no such dispute: 7"),
    (("statement", "show", "small", "2020Q3", "--revision", "4"), "there is no statement small 2020Q3 r4"),
    (("statement", "as-known", "small", "2020Q3", "--on", "gestern"), "not a day or an instant"),
    (("statement", "as-known", "small", "2020Q3", "--on", "2020-02-30"), "not a day or an instant"),
    (("statement", "as-known", "small", "2020Q3", "--on", "2020-01-01"), "no version of small is in force"),
    (("statement", "recompute", "nothing.json"), "no such inputs file"),
    (("contract", "approve", "small", "9"), "no such version: small v9"),
    (("contract", "show", "other"), "no such version: other"),
    (("contract", "add", "nothing.yaml"), "nothing.yaml"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[" ".join(words)[:60] for words, _ in BAD])
def test_what_is_refused_names_itself_and_stores_nothing(commands, store, words, message):
    actor = ("--actor", "某人") if words[1] in CHANGES else ()
    before = [
        store.rows(f"SELECT count(*) FROM {name}") for name in ("audit", "statements", "statement_steps", "disputes")
    ]
    said = commands.refused(*words, *actor)
    assert message in said
    assert "错误 error" in said
    after = [
        store.rows(f"SELECT count(*) FROM {name}") for name in ("audit", "statements", "statement_steps", "disputes")
    ]
    assert after == before


CHANGES = {"draft", "reconcile", "check", "issue", "return", "confirm", "dispute", "decide", "approve", "add"}


def test_frozen_inputs_of_another_kind_are_refused(commands, store):
    for body in ("{", "[]", '{"format": "camsla-statement/1"}', "\xff"):
        (store.folder / "x.json").write_bytes(body.encode("latin-1"))
        assert "frozen inputs" in commands.refused("statement", "recompute", "x.json")


def test_the_points_that_would_decide_a_doubt_come_as_a_file(commands, store):
    upto_issue = [("confirm", "供应商"), ("check", "复核"), ("approve", "审批"), ("issue", "经办")]
    for verb, actor in upto_issue:
        commands.ok("statement", verb, "small", "2020Q3", "--actor", actor)
    with store.writer() as writer, writer.transaction() as connection:
        connection.execute(text("DELETE FROM runs"))
    words = ("statement", "draft", "small", "2020Q4", "--actor", "经办", "--points", "open.csv")
    assert "not assessable" in commands.refused(*words)
    rows = Path("open.csv").read_text("utf-8").splitlines()
    assert rows[0] == "phase,window,doubt,point,unknown_s"
    assert rows[1:] == [f"p,2020Q4,nothing-counted,A-{n},{92 * 86_400}" for n in (1, 2, 3, 4)]


def test_a_paper_behind_a_step_is_kept_by_its_digest(commands, store):
    Path("确认函.pdf").write_bytes(b"%PDF-1.4 signed")
    commands.ok("statement", "confirm", "small", "2020Q3", "--document", "确认函.pdf", "--actor", "供应商")
    (step,) = [
        step
        for step in json.loads(commands.ok("statement", "show", "small", "2020Q3", "--json"))["steps"]
        if step["step"] == "confirm"
    ]
    assert store.rows("SELECT sha256, name, media FROM documents") == [
        (step["document_sha256"], "确认函.pdf", "application/pdf")
    ]


def test_silence_takes_a_chain_of_three_on(store, monkeypatch):
    clause = {"chain": ["check", "review", "approve"], "objection_days": 3, "silence": "confirms"}
    writer = ready(store, terms(approval=clause))
    drafted(writer, "2020Q2")
    upto(writer, "2020Q2", "reconcile")  # on 2021-07-05: long ago, by the clock of the commands
    writer.close()
    commands = Commands(store, monkeypatch)
    late = ("statement", "dispute", "small", "2020Q2", "1", "--claim", "5", "--reason", "晚了", "--actor", "供应商")
    assert "the objection period ended with 2021-07-08" in commands.refused(*late)
    said = commands.ok("statement", "confirm", "small", "2020Q2", "--silence", "--actor", "经办")
    assert "供应商已确认 confirmed" in said
    assert "the chain's next link is check" in commands.refused(
        "statement", "approve", "small", "2020Q2", "--actor", "乙"
    )
    assert "已复核 checked" in commands.ok("statement", "check", "small", "2020Q2", "--actor", "乙")
    assert "the chain's next link is review" in commands.refused(
        "statement", "approve", "small", "2020Q2", "--actor", "丙"
    )
    assert "已复核 checked" in commands.ok("statement", "check", "small", "2020Q2", "--actor", "丙")
    assert "different persons" in commands.refused("statement", "approve", "small", "2020Q2", "--actor", "丙")
    assert "已审批 approved" in commands.ok("statement", "approve", "small", "2020Q2", "--actor", "丁")


def test_two_revisions_are_compared(commands, store):
    commands.ok("statement", "return", "small", "2020Q3", "--reason", "补判", "--actor", "复核")
    with store.writer() as writer, writer.transaction() as connection:
        connection.execute(text("UPDATE point_facts SET billed_from = '2020-07-02'"))
    commands.ok("statement", "draft", "small", "2020Q3", "--redraft", "--actor", "经办")
    found = json.loads(commands.ok("statement", "diff", "small", "2020Q3", "0", "1", "--json"))
    assert (found["from"], found["to"]) == ("small 2020Q3 r0", "small 2020Q3 r1")
    assert any(".groups" in row for row in found["inputs"])
    assert any("full_fee.gross" in row for row in found["document"])
    assert "revision: 0 → 1" in commands.ok("statement", "diff", "small", "2020Q3", "0", "1")
