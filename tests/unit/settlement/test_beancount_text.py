"""The Beancount file from hostile names and texts: Beancount's own parser reads it and finds nothing wrong."""

from __future__ import annotations

from datetime import date

import pytest
from beancount import loader
from beancount.core import account as names
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.ledger import Account, Entry, Posting, Role, balances
from settlement.reports.beancount import account_name, beancount_text, component, quoted

HOSTILE = [
    '"',
    "\\",
    '"; option "title" "x"',
    "a\nb",
    "\0\x1b[31m",
    "=1+1",
    "x-1",
    "-",
    "二期",
    "a" * 3_000,
    "2020-01-01 open A:B",
]


def entry(contract: str, phase: str, text: str, key: str = "k") -> Entry:
    parts = (Posting(Role.FEE, phase, 12_345, text), Posting(Role.BANK, phase, -12_345))
    return Entry(
        contract, key, date(2020, 5, 1), text, parts, statement=text, details=(("budget_year", text), ("paid", text))
    )


def load(text: str) -> tuple[list[object], list[object]]:
    entries, errors, _ = loader.load_string(text)
    return entries, errors


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    entries = [entry(text or "c", text, text)]
    held = balances(entries)
    found, errors = load(beancount_text(entries, held, {text: text}, {text: text}))
    assert errors == []
    assert [type(each).__name__ for each in found] == ["Open", "Open", "Commodity", "Transaction", "Balance", "Balance"]


@settings(max_examples=100, deadline=None, database=None)
@given(st.text(max_size=70), st.text(max_size=70))
def test_any_name_is_an_account_and_different_names_are_different_accounts(one, two):
    for name in (one, two):
        assert names.is_valid(account_name(Account(name, Role.PAYABLE, name or "p")))
    assert (component("C", one) == component("C", two)) == (one == two)


def test_names_that_differ_in_case_or_hyphens_stay_apart():
    texts = ["phase-1", "Phase-1", "phase--1", "phase1", "x-phase1", "1", "-1", "二期"]
    assert len({component("P", text) for text in texts}) == len(texts)
    assert component("P", "phase-1") == "P-phase-1"


def test_a_wrong_balance_is_noticed_by_beancount():
    entries = [entry("c", "p", "w")]
    held = {account: amount + 1 for account, amount in balances(entries).items()}
    assert load(beancount_text(entries, held, {}, {}))[1] != []


def test_the_order_is_by_day_and_then_as_recorded_and_bytes_repeat():
    early, late = entry("c", "p", "early", "k1"), entry("c", "p", "late", "k2")
    late = Entry(late.contract, late.key, date(2020, 4, 1), late.why, late.postings)
    text = beancount_text([early, late], balances([early, late]), {}, {})
    assert text.index("late") < text.index("early")
    assert text == beancount_text([early, late], balances([early, late]), {}, {})
    assert beancount_text([], {}, {}, {}).endswith("\n")
    assert quoted("x" * 5_000) == '"' + "x" * 2_000 + '"'
