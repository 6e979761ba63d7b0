"""Money in the store, on SQLite and PostgreSQL: a run of two years, its balances, its export, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from monitor.finding import InputError
from monitor.store.database import reading
from settlement.ledger import Account, Role, balances
from settlement.reports.beancount import beancount_text
from settlement.store import journal, movements, payments, statements
from settlement.store.payment_checks import Order
from tests.stores.two_years import CONTRACT, Run, two_years

BEAN_CHECK = Path(sys.executable).parent / "bean-check"


@pytest.fixture
def run(store) -> Run:
    return two_years(store.writer())


def export(store) -> str:
    with reading(store.engine) as connection:
        entries = journal.entries(connection)
        return beancount_text(
            entries, journal.balances(connection), journal.contract_titles(connection, [CONTRACT]), {CONTRACT: "乙方"}
        )


def test_two_years_leave_nothing_open_and_every_statement_paid(store, run):
    assert run.open() == []
    with reading(store.engine) as connection:
        held = journal.balances(connection)
        assert balances(journal.entries(connection)) == held
        for account, amount in held.items():
            if account.role in {Role.PAYABLE, Role.REFUND_DUE, Role.PREPAID, Role.RETAINED}:
                assert amount == 0, account
        moved = movements.movements(connection, CONTRACT)
        bank = sum(amount for account, amount in held.items() if account.role is Role.BANK)
        assert bank == -sum(m.fen for m in moved) < 0
        assert {m.kind for m in moved} == {"payment", "refund", "set-off"}
        words = [[taken.step for taken in statements.steps(connection, s.id)] for s in statements.newest(connection)]
    assert len(words) == 8
    assert all(steps[-1] == "pay" or steps[-1] == "decide" for steps in words), words


def test_bean_check_accepts_the_export_with_its_balances(store, run, tmp_path):
    file = tmp_path / "ledger.beancount"
    file.write_text(export(store))
    done = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    wrong = file.read_text().replace(" balance Assets:Bank:C-two-years:P-phase-1  -", " balance Assets:Bank:C-two-years:P-phase-1  -1")
    assert wrong != file.read_text()
    file.write_text(wrong)
    assert subprocess.run([BEAN_CHECK, file], capture_output=True, check=False).returncode != 0
