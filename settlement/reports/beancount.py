"""The journal as a Beancount file: accounts in English, Chinese names as metadata, the same bytes for the same entries.

Every account ends with a balance assertion of what the store says, so that `bean-check` proves the export against it, to
the fen (by itself Beancount would let a balance differ by one).
Debits are positive, as in the journal; amounts are CNY with two decimals.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from settlement.ledger import TITLES, Account, Entry, Role
from settlement.money import yuan

CURRENCY = "CNY"

_ROOTS: Mapping[Role, str] = {
    Role.BANK: "Assets:Bank",
    Role.PREPAID: "Assets:Prepaid",
    Role.REFUND_DUE: "Assets:Refund-Due",
    Role.PAYABLE: "Liabilities:Payable",
    Role.RETAINED: "Liabilities:Retained",
    Role.FEE: "Expenses:Service-Fee",
    Role.DEDUCTION: "Expenses:Deduction",
    Role.ADJUSTMENT: "Expenses:Adjustment",
    Role.TAX: "Expenses:Tax",
    Role.INTEREST: "Expenses:Interest",
}
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_HASHED = "x-"
MAX_TEXT = 2_000


def component(prefix: str, name: str) -> str:
    """Return a name as part of an account: C-xinjian. Names that Beancount cannot spell become a digest of themselves."""
    if _PLAIN.fullmatch(name) and name.isascii() and not name.startswith(_HASHED):
        return f"{prefix}-{name}"
    return f"{prefix}-{_HASHED}{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def account_name(account: Account) -> str:
    """Return an account's Beancount name: Liabilities:Payable:C-xinjian:P-phase-2."""
    parts = [_ROOTS[account.role], component("C", account.contract)]
    if account.phase:
        parts.append(component("P", account.phase))
    return ":".join(parts)


def quoted(text: str) -> str:
    """Return a Beancount string: one line, quotes and backslashes escaped, no control characters, at most 2,000 long."""
    plain = "".join(c if c.isprintable() else " " for c in text)[:MAX_TEXT]
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def beancount_text(
    entries: Sequence[Entry], balances: Mapping[Account, int], titles: Mapping[str, str], suppliers: Mapping[str, str]
) -> str:
    """Return the file. `entries` are in the journal's order, `balances` what they add up to in the store.

    `titles` and `suppliers` are by contract. No entries give a valid file without directives.
    """
    lines = [
        f"; 分录 {len(entries):,} 笔 entries",
        'option "title" "camsla"',
        f'option "operating_currency" "{CURRENCY}"',
        "",
    ]
    if not entries:
        return "\n".join(lines)
    ordered = sorted(range(len(entries)), key=lambda n: (entries[n].day, n))
    first = entries[ordered[0]].day
    last = entries[ordered[-1]].day
    lines += _opened(first, balances, titles)
    for n in ordered:
        lines += _transaction(entries[n], suppliers)
    lines.append("; 余额核对 balances as the store has them")
    after = last + timedelta(days=1)
    lines += [f"{after} balance {account_name(a)}  {yuan(fen)} ~ 0 {CURRENCY}" for a, fen in balances.items()]
    return "\n".join(lines) + "\n"


def _opened(day: date, accounts: Iterable[Account], titles: Mapping[str, str]) -> list[str]:
    lines = [f"{day} commodity {CURRENCY}", '  name: "人民币"', ""]
    names: dict[str, Account] = {}
    for account in accounts:
        name = account_name(account)
        if names.setdefault(name, account) != account:
            raise ValueError(f"two accounts would be called {name}")
        chinese, english = TITLES[account.role]
        lines += [f"{day} open {name} {CURRENCY}", f"  name: {quoted(chinese)}", f"  name-en: {quoted(english)}"]
        lines.append(f"  contract: {quoted(account.contract)}")
        if (title := titles.get(account.contract)) and title != account.contract:
            lines.append(f"  contract-title: {quoted(title)}")
        if account.phase:
            lines.append(f"  phase: {quoted(account.phase)}")
        lines.append("")
    return lines


def _transaction(entry: Entry, suppliers: Mapping[str, str]) -> list[str]:
    payee = quoted(suppliers.get(entry.contract) or entry.contract)
    lines = [f"{entry.day} * {payee} {quoted(entry.why)}", f"  key: {quoted(entry.key)}"]
    if entry.statement:
        lines.append(f"  statement: {quoted(entry.statement)}")
    if entry.reverses:
        lines.append(f"  reverses: {quoted(entry.reverses)}")
    for name, value in entry.details:
        lines.append(f"  {name.replace('_', '-')}: {quoted(value)}")
    for posting in entry.postings:
        name = account_name(Account(entry.contract, posting.role, posting.phase))
        lines.append(f"  {name}  {yuan(posting.fen)} {CURRENCY}")
        if posting.period:
            lines.append(f"    period: {quoted(posting.period)}")
    lines.append("")
    return lines
