"""The commands about money as real processes, and Fava's balances beside the store's."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from console.store.audit import Audit
from monitor.store.writer import Writer
from settlement.ledger import Account, Role
from settlement.money import fen, grouped
from settlement.reports.beancount import account_name
from tests.camsla_command import Camsla
from tests.stores.two_years import CONTRACT, CREDIT, INVOICE, QUARTERS, Run, two_years

BIN = Path(sys.executable).parent
START_S = 60.0


def camsla_on(folder: Path) -> tuple[Camsla, str]:
    url = f"sqlite:///{folder / 'camsla.db'}"
    return Camsla(folder, {"CAMSLA_DATABASE_URL": url, "CAMSLA_ACTOR": "出纳"}), url


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Camsla:
    """Two years that are over."""
    camsla, url = camsla_on(tmp_path_factory.mktemp("two-years"))
    with Writer.open(url, Audit("test")) as writer:
        two_years(writer)
    return camsla


@pytest.fixture(scope="module")
def one_quarter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one quarter that is issued, its payment requested."""
    folder = tmp_path_factory.mktemp("one-quarter")
    with Writer.open(camsla_on(folder)[1], Audit("test")) as writer:
        run = Run(writer)
        run.begin()
        run.issue(QUARTERS[0])
    return folder / "camsla.db"


@pytest.fixture
def begun(one_quarter: Path, tmp_path: Path) -> Camsla:
    shutil.copyfile(one_quarter, tmp_path / one_quarter.name)
    return camsla_on(tmp_path)[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def fava(finished: Camsla) -> Iterator[str]:
    """A real Fava on loopback, showing the export."""
    finished.ok("ledger", "export", "--beancount", "ledger.beancount")
    port = free_port()
    words = [BIN / "fava", "--host", "127.0.0.1", "--port", str(port), "--read-only", "ledger.beancount"]
    with (finished.folder / "fava.log").open("w") as log:
        process = subprocess.Popen(words, cwd=finished.folder, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}/camsla/api"
        end = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{url}/changed", timeout=10).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None and time.monotonic() < end, (finished.folder / "fava.log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def leaves(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield tree["account"], f"{tree['balance'].get('CNY', 0):.2f}"
    for child in tree["children"]:
        yield from leaves(child)


def test_fava_shows_the_balances_of_the_store(finished: Camsla, fava: str) -> None:
    with urllib.request.urlopen(f"{fava}/trial_balance", timeout=30) as answer:
        shown = dict(leaves(json.load(answer)["data"]["trees"][0]))
    ours = finished.json("ledger", "balance")
    assert len(ours) == 20
    for row in ours:
        name = account_name(Account(row["contract"], Role(row["account"]), row["phase"]))
        assert shown.get(name) == row["balance"], name
    held = {row["account"]: row for row in ours}
    assert float(held["bank"]["balance"]) < -1_000_000
    assert sum(round(float(row["balance"]) * 100) for row in ours) == 0


def test_bean_check_and_bean_query_on_the_exported_file(finished: Camsla) -> None:
    finished.ok("ledger", "export", "--beancount", "checked.beancount", "--contract", CONTRACT)
    file = finished.folder / "checked.beancount"
    done = subprocess.run([BIN / "bean-check", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text() == finished.ok("ledger", "export", "--beancount")
    nothing = finished.ok("ledger", "export", "--beancount", "--contract", "nobody")
    (finished.folder / "empty.beancount").write_text(nothing)
    assert subprocess.run([BIN / "bean-check", finished.folder / "empty.beancount"], check=False).returncode == 0


def test_two_years_in_tables_and_json(finished: Camsla) -> None:
    entries = finished.json("ledger", "show")
    assert all(sum(round(float(p["amount"]) * 100) for p in entry["postings"]) == 0 for entry in entries)
    assert any(entry["reverses"] for entry in entries)
    assert "服务费" in finished.ok("ledger", "show", "--until", "2020-04-30")
    assert "合计 total 0.00" in finished.ok("ledger", "balance")
    on = finished.json("ledger", "balance", "--on", "2020-04-15")
    payable = sum(float(row["balance"]) for row in on if row["account"] == "payable")
    assert -4_000_000 < payable < -2_000_000  # what was prepaid before these books is not owed
    dues = finished.json("payment", "due", CONTRACT, "--on", "2020-12-31")
    ranged = {tuple(row["days_late"]) for row in dues if row["period"] in {"2020Q2", "2020Q3"} and row["settled"]}
    assert (71, 76) in ranged  # due on 15 July, paid between 24 and 29 September
    assert all(row["settled"] for row in finished.json("payment", "due", "--on", "2022-12-31"))
    [one, two] = finished.json("invoice", "list")
    assert (one["number"], two["number"], two["reverses"]) == (INVOICE, CREDIT, INVOICE)
    assert {line["rate"] for line in one["lines"]} == {"9/100", "3/50"}


def test_a_payment_its_repetition_and_its_reversal(begun: Camsla) -> None:
    before = begun.json("ledger", "balance")
    receipt = begun.folder / "回单.pdf"
    receipt.write_bytes(b"%PDF-1.4 receipt")
    words = ("payment", "record", CONTRACT, "2020Q1", "--amount", "2000000.00", "--paid-on", "2020-04-24..2020-04-29")
    words += ("--voucher", "国库-1", "--project", "P-01", "--receipt", str(receipt))
    first = begun.json(*words)
    assert [row["added"] for row in first] == [True] * len(first)
    assert sum(float(row["amount"]) for row in first) == 2_000_000
    again = begun.json(*words)
    assert [(row["payment"], row["added"]) for row in again] == [(row["payment"], False) for row in first]
    rows = begun.json("payment", "list", CONTRACT)
    paid = [row for row in rows if row["voucher"] == "国库-1"]
    assert {row["receipt"] for row in paid} == {row["receipt"] for row in paid if len(row["receipt"]) == 64}
    assert {(row["budget_year"], row["service_from"], row["service_last"]) for row in paid} == {
        (2020, "2020-01-01", "2020-03-31"),
        (2020, "2020-04-01", "2020-06-30"),
    }
    shown = begun.json("budget", "show", "P-01", "2020", "--on", "2020-05-01")["budgets"][0]
    assert (shown["executed"], shown["execution_rate"]) == ("2000000.00", "0.080000")
    for row in first:
        begun.ok("payment", "reverse", str(row["payment"]), "--reason", "重复", "--on", "2020-05-02")
    after = [row for row in begun.json("ledger", "balance") if float(row["balance"])]
    assert after == [row for row in before if float(row["balance"])]


def stored(camsla: Camsla) -> list[int]:
    """How many rows there are of all that a payment touches."""
    with closing(sqlite3.connect(camsla.folder / "camsla.db")) as connection:
        tables = ("payments", "journal", "postings", "documents", "statement_steps", "audit")
        return [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("2020Q1", "--amount", "99999999"), "larger than what is open"),
        (("2020Q1/0/1", "--amount", "99999999"), "larger than what is open"),
        (("2020Q9/0/1", "--amount", "1"), "no such due"),
        (("2020Q1", "--amount", "1.005"), "more than two decimals"),
        (("2020Q1", "--amount", "1", "--paid-on", "2020-02-30"), "not a day of payment"),
        (("2020Q1", "--amount", "1", "--paid-on", "2999-01-01"), "after today"),
        (("2020Q1", "--amount", "1", "--project", "P-77"), "no such budget project"),
        (("2020Q1", "--amount", "1", "--receipt", "missing.pdf"), "no such document file"),
        ((), "payments of this contract are recorded against its lines"),
    ],
)
def test_payments_that_are_refused_leave_nothing(begun: Camsla, words: tuple[str, ...], said: str) -> None:
    before = stored(begun)
    given = list(words)
    for option, value in (("--amount", "1"), ("--paid-on", "2020-04-20"), ("--voucher", "v")):
        given += [] if option in given else [option, value]
    assert said in begun.refused("payment", "record", CONTRACT, *given)
    assert stored(begun) == before


def test_invoices_by_command(begun: Camsla) -> None:
    due = next(
        row for row in begun.json("payment", "due") if row["kind"] == "next_prepayment" and row["phase"] == "二期"
    )
    made = begun.json("invoice", "add", "n1", "--contract", CONTRACT, "--due", due["due"], "--date", "2020-04-20")
    assert (made["gross"], made["added"]) == (due["amount"], True)
    assert "beyond what is left" in begun.refused(
        "invoice", "credit", "r1", "--of", "n1", "--date", "2020-05-01", "--amount", "99999999"
    )
    back = begun.json("invoice", "credit", "r1", "--of", "n1", "--date", "2020-05-01")
    assert (back["gross"], back["net"], back["tax"]) == tuple(f"-{made[name]}" for name in ("gross", "net", "tax"))
    assert "红字" in begun.refused("invoice", "credit", "r2", "--of", "r1", "--date", "2020-05-01")
    assert "not a day" in begun.refused(
        "invoice", "add", "n2", "--contract", CONTRACT, "--date", "五月", "--amount", "1"
    )


def test_what_is_due_fits_a_page_and_says_what_comes_next(begun: Camsla) -> None:
    """Whoever does what the last line says, again and again, ends with nothing open."""
    for number in range(10):
        shown = begun.ok("payment", "due", CONTRACT, "--on", "2026-11-21").rstrip().splitlines()
        assert max(map(cell_len, shown)) <= 120
        rows = begun.json("payment", "due", CONTRACT, "--on", "2026-11-21", "--open")
        owed = sum(fen(row["open"]) for row in rows if fen(row["open"]) > 0)
        [total] = [line for line in shown if line.startswith("合计 in all")]
        assert f"其中已到期 due by 2026-11-21 {grouped(owed)}" in total
        if not rows:
            break
        command = shown[-1].removeprefix("下一步 next: camsla ")
        assert command.startswith(f"payment record {CONTRACT} 2020Q1/0/")
        words = [
            {"…": "2020-12-01", "支付凭证号": f"v{number}", "退款凭证号": f"r{number}"}.get(w, w)
            for w in command.split()
        ]
        begun.ok(*words)
    assert number > 0
    assert not shown[-1].startswith("下一步")


def test_budgets_by_command(begun: Camsla) -> None:
    words = (
        "--initial",
        "40000000",
        "--in-place",
        "40000000",
        "--name",
        "一期",
        "--contract",
        "设计",
        "--contract",
        "监理",
    )
    assert begun.json("budget", "set", "P-9", "2020", *words)["adjusted"] == "40000000.00"
    begun.ok("budget", "set", "P-9", "2020", "--functional", "2040299")
    paid = ("--paid-on", "2020-11-24", "--project", "P-9", "--budget-year", "2020")
    begun.ok("payment", "record", "设计", "--amount", "36000000.00", "--voucher", "a", *paid)
    begun.ok("payment", "record", "监理", "--amount", "561800.00", "--voucher", "b", *paid)
    [shown] = begun.json("budget", "show", "P-9")["budgets"]
    assert (shown["executed"], shown["execution_rate"], shown["in_place_rate"]) == (
        "36561800.00",
        "0.914045",
        "1.000000",
    )
    assert (shown["revision"], shown["functional"], shown["contracts"]) == (1, "2040299", ["监理", "设计"])
    assert "91.40 %" in begun.ok("budget", "show", "P-9")
    assert "negative" in begun.refused("budget", "set", "P-9", "2020", "--initial", "-1")
    assert "does not hold this contract" in begun.refused(
        "payment", "record", "别的", "--amount", "1", "--voucher", "c", *paid
    )


def test_working_days_by_command(begun: Camsla) -> None:
    assert begun.json("workdays", "show", "2021")["working_days"] == 250
    assert "camsla workdays import" in begun.refused("workdays", "show", "2027")
    file = begun.folder / "2027.csv"
    days = ["01-01", "02-05", "02-06", "02-07", "02-08", "05-01", "10-01", "10-02"]
    rows = [f"2027-{day},休息,国办发明电〔2026〕9号" for day in days]
    file.write_text("\n".join(["day,working,source", *rows, "2027-13-01,也许,"]))
    said = begun.refused("workdays", "import", str(file))
    assert "not a day" in said and "也许" in said and "没有依据" in said and ":10" in said
    file.write_text("\n".join(["day,working,source", *rows]))
    assert "2027-10-03" in begun.refused("workdays", "import", str(file))
    file.write_text("\n".join(["day,working,source", *rows, "2027-10-03,0,国办发明电〔2026〕9号"]))
    assert "新增 new 9" in begun.ok("workdays", "import", str(file))
    differing = begun.json("workdays", "show", "2027")["differing"]
    assert {"day": "2027-01-01", "working": False} in differing
    assert date.fromisoformat(differing[-1]["day"]) == date(2027, 10, 1)  # the 2nd and 3rd are a weekend anyway
