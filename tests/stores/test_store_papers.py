"""A stored statement's papers: the cover from the store, and the files that the command writes."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from config.contracts import load_contract
from console.cli import main
from console.quarters.papers import cover_of
from monitor.model import Instant
from monitor.store.database import reading
from monitor.store.writer import Writer
from settlement.budget import BudgetYear
from settlement.contract import Terms
from settlement.inputs import Inputs
from settlement.quarter import compute
from settlement.quarter import store as store_statement
from settlement.rules import ALWAYS, count_facts, parse_rate, roster_facts
from settlement.store import budgets, contracts, disputes, documents, ledger, movements, payments, statements
from settlement.store.ledger import PAID_BEFORE
from settlement.store.payment_checks import Order
from settlement.store.statements import Stored
from tests.stores.conftest import Store

LETTER = b"%PDF-1.4 a letter"


def terms() -> Terms:
    body = load_contract(Path("xinjian")).document()
    return Terms.model_validate({**body, "total": "30144000.00", "approval": {"chain": ["check", "review", "approve"]}})


def instant(day: date) -> Instant:
    return Instant(int(datetime(day.year, day.month, day.day, 1, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * 10**6)


AT = instant(date(2020, 10, 9))


def drafted(writer: Writer, points: int = 30) -> Stored:
    one = count_facts(1_000, parse_rate("0.8136"))
    two = roster_facts([(f"3601120000{n:010d}", ALWAYS) for n in range(points)], parse_rate("0.8771"))
    file = {"sha256": "cd" * 32, "name": "九月.xls", "reference": "新公视〔2020〕31号", "scan_sha256": "ef" * 32}
    evidence = {"authority": {"files": [file]}}
    inputs = Inputs(terms(), 1, "2020Q3", {"phase-1": one, "phase-2": two}, evidence=evidence, notes=("覆盖率 88 %",))
    with writer.transaction() as connection:
        audit = writer.audit
        contracts.add(connection, audit, inputs.terms, None, (), at=AT, actor="甲")
        contracts.approve(connection, audit, "xinjian", 1, (), at=AT, actor="乙")
        budget = BudgetYear(
            "XJ-017", 2020, 4 * 10**9, 4 * 10**9, 4 * 10**9, "雪亮工程", "公安局", contracts=("xinjian",)
        )
        budgets.save(connection, audit, budget, at=AT, actor="甲")
        computed = compute(None, None, inputs, (), redraft=False)
        stored, _ = store_statement(connection, audit, computed, reason="", at=AT, actor="经办人")
    return stored


def step(writer: Writer, stored: Stored, word: str, actor: str, day: date, **more: str) -> None:
    clause = terms().approval
    with writer.transaction() as connection:
        sha = ""
        if "paper" in more:
            sha, _ = documents.add(connection, LETTER, more["paper"], at=instant(day), actor=actor)
        statements.take(
            connection, writer.audit, stored, word, clause, "Asia/Shanghai", at=instant(day), actor=actor,
            reason=more.get("reason", ""), document_sha=sha,
        )  # fmt: skip


def issued(writer: Writer, stored: Stored) -> None:
    step(writer, stored, "reconcile", "经办人", date(2020, 10, 9))
    step(writer, stored, "confirm", "供应商代表", date(2020, 10, 10), paper="确认函.pdf", reason="确认函")
    step(writer, stored, "check", "复核人", date(2020, 10, 12))
    step(writer, stored, "review", "分管人", date(2020, 10, 13))
    step(writer, stored, "approve", "局长", date(2020, 10, 14))
    step(writer, stored, "issue", "经办人", date(2020, 10, 15))
    with writer.transaction() as connection:
        day = date(2020, 10, 15)
        at = instant(day)
        ledger.post_issue(connection, statement_id=stored.id, document=stored.document, day=day, at=at, actor="经办人")


def test_a_draft_has_empty_boxes_and_says_what_it_is(store: Store) -> None:
    stored = drafted(store.writer())
    with reading(store.engine) as connection:
        cover = cover_of(connection, stored)
    assert cover.state == "草稿 draft"
    assert not cover.final
    assert [(box.zh, box.name, box.on) for box in cover.signatures] == [
        ("经办", "经办人", "2020-10-09"), ("核对", "", ""), ("复核", "", ""), ("分管复核", "", ""), ("审批", "", ""), ("供应商签章", "", ""),
    ]  # fmt: skip
    assert cover.inputs_sha == stored.inputs_sha
    assert cover.project == "XJ-017 雪亮工程"
    assert (cover.paid_fen, cover.total_fen) == (0, 3_014_400_000)
    assert [tuple(item) for item in cover.attachments] == [
        ("公安数据 九月.xls", "新公视〔2020〕31号", "cd" * 32),
        ("扫描件 scan", "新公视〔2020〕31号", "ef" * 32),
    ]
    assert cover.entries == ()


def test_an_issued_statement_shows_who_signed_its_papers_and_its_entries(store: Store) -> None:
    writer = store.writer()
    stored = drafted(writer)
    issued(writer, stored)
    step(writer, stored, "request-payment", "经办人", date(2020, 10, 16))
    with writer.transaction() as connection:
        due = max(
            (due for due, left in movements.open_dues(connection, "xinjian") if left > 0), key=lambda due: due.fen
        )
        day = date(2020, 12, 15)
        order = Order("xinjian", due.id, 1_000, day, day, "凭证-1", project="XJ-017")
        payments.record(connection, writer.audit, order, at=instant(day), actor="出纳")
    with reading(store.engine) as connection:
        cover = cover_of(connection, stored)
        before = sum(row.movement.fen for row in movements.rows(connection) if row.movement.voucher == PAID_BEFORE)
    assert cover.state == "已申请支付 payment-requested"
    assert cover.final
    assert [(box.name, box.on) for box in cover.signatures] == [
        ("经办人", "2020-10-09"), ("经办人", "2020-10-09"), ("复核人", "2020-10-12"), ("分管人", "2020-10-13"),
        ("局长", "2020-10-14"),
        ("供应商代表", "2020-10-10"),
    ]  # fmt: skip
    assert (cover.attachments[0].title, cover.attachments[0].reference) == ("确认函.pdf", "确认函")
    assert cover.entries
    assert all(sum(fen for _, fen in entry.postings) == 0 for entry in cover.entries)
    assert cover.paid_fen == before > 0  # what was paid later is no part of this paper


def test_disputes_are_told_on_the_paper(store: Store) -> None:
    writer = store.writer()
    stored = drafted(writer)
    step(writer, stored, "reconcile", "经办人", date(2020, 10, 9))
    step(writer, stored, "dispute", "供应商代表", date(2020, 10, 10), reason="停电")
    with writer.transaction() as connection:
        number = disputes.add(
            connection, stored.id, line=3, point="", contested_fen=1_234_500, reason="停电三日", document_sha="",
            at=AT, actor="供应商代表",
        )  # fmt: skip
    with reading(store.engine) as connection:
        assert cover_of(connection, stored).remarks == ("异议 dispute 2020Q3/0/3：12,345.00 元，停电三日（未决 open）",)
    with writer.transaction() as connection:
        disputes.decide(connection, number, "partly", 100_000, "amount", "认可一日", at=AT, actor="复核人")
    with reading(store.engine) as connection:
        assert cover_of(connection, stored).remarks == (
            "异议 dispute 2020Q3/0/3：12,345.00 元，停电三日 → 部分采纳 partly 1,000.00 元，认可一日（复核人）",
        )


def run(store: Store, folder: Path, *arguments: str) -> Result:
    environment = {"CAMSLA_DATABASE_URL": store.url, "CAMSLA_DATA_DIR": str(folder)}
    return CliRunner().invoke(main, ["statement", "export", *arguments], env=environment, catch_exceptions=False)


def test_the_command_writes_all_files(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = store.writer()
    stored = drafted(writer)
    issued(writer, stored)
    folder = tmp_path / "out"
    folder.mkdir()
    names = {kind: folder / f"a.{kind}" for kind in ("xlsx", "pdf", "svg", "json", "inputs")}
    done = run(
        store,
        tmp_path,
        "xinjian",
        "2020Q3",
        *(word for kind, path in names.items() for word in (f"--{kind}", str(path))),
    )
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == ["a.inputs", "a.json", "a.pdf", "a.svg", "a.xlsx"]
    assert names["json"].read_text() == stored.body
    assert names["inputs"].read_text() == stored.inputs
    pages = [page.extract_text() for page in PdfReader(names["pdf"]).pages]
    assert all(stored.inputs_sha in page for page in pages)
    assert "分管人" in "".join(pages)
    assert "NOT ISSUED" not in "".join(pages)
    book = CalamineWorkbook.from_path(str(names["xlsx"]))
    points = book.get_sheet_by_name("点位明细").to_python()
    assert len(points) == 33
    lines = {line["kind"]: line for line in stored.document["phases"][1]["lines"]}
    assert f"{points[1][4]:.2f}" == lines["payable"]["gross"]  # the points' payables add up to their line
    assert "分录" in book.sheet_names
    first = names["xlsx"].read_bytes(), names["pdf"].read_bytes()
    run(store, tmp_path, "xinjian", "2020Q3", "--xlsx", str(names["xlsx"]), "--pdf", str(names["pdf"]))
    assert (names["xlsx"].read_bytes(), names["pdf"].read_bytes()) == first
    monkeypatch.chdir(folder)
    done = run(store, tmp_path, "xinjian", "2020Q3")
    assert "xinjian-2020Q3-r0.pdf" in done.output
    assert (folder / "xinjian-2020Q3-r0.xlsx").read_bytes() == first[0]


def test_what_cannot_be_written_is_refused_and_nothing_stays(store: Store, tmp_path: Path) -> None:
    drafted(store.writer())
    folder = tmp_path / "out"
    folder.mkdir()
    target = str(folder / "a.xlsx")
    for arguments, message in (
        (("xinjian", "2021Q3", "--pdf", target), "there is no statement"),
        (("xinjian", "2020Q3", "--pdf", target, "--svg", target), "named twice"),
        (("xinjian", "2020Q3", "--pdf", str(folder / "none" / "a.pdf")), "no such directory"),
        (("xinjian", "2020Q3", "--xlsx", target, "--deadline", "0.01"), "not done within 0.01 s"),
    ):
        done = run(store, tmp_path, *arguments)
        assert done.exit_code == 2, done.output
        assert message in done.stderr
        assert not list(folder.iterdir())
