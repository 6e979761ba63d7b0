"""What the console shows of money: dues with how late they are, payments, and what each contract was paid of its total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from console.web.access import Person
from monitor.finding import Finding
from settlement.dues import Due
from settlement.life import State
from settlement.money import grouped
from settlement.payments import Days, Movement
from settlement.store import contracts, dues, invoices, journal, movements, workdays
from settlement.store.interest import DueState, known_contracts, states
from settlement.store.invoices import Invoice
from settlement.store.movements import Stored
from settlement.store.payment_checks import BEYOND_TOTAL, contract_total, newest_terms, state_of, supplement_warning
from settlement.store.statement_lines import lines

DUE_STATES = ("open", "overdue", "waiting", "settled")


def contracts_seen(connection: Connection, person: Person) -> dict[str, str]:
    """Return the contracts that a person sees, with their titles."""
    found = {
        version.contract: version.terms.title or version.contract
        for version in contracts.versions(connection)
        if person.sees_contract(version.contract)
    }
    for name in known_contracts(connection):
        if person.sees_contract(name):
            found.setdefault(name, name)
    return dict(sorted(found.items()))


class DueRow(NamedTuple):
    """A due with where it stands on a day."""

    state: DueState
    on: date

    @property
    def due(self) -> Due:
        """The due itself."""
        return self.state.due

    @property
    def late(self) -> Days | None:
        """Days late; None where there is no due date yet."""
        return self.state.lateness.late

    @property
    def status(self) -> str:
        """open, overdue, waiting (for its invoice or its day) or settled."""
        if not self.state.open_fen:
            return "settled"
        due_on = self.state.lateness.due_on
        if due_on is None:
            return "waiting"
        return "overdue" if due_on < self.on else "open"


def due_rows(connection: Connection, names: Iterable[str], on: date) -> tuple[list[DueRow], list[Finding]]:
    """Return the dues of some contracts as they stood on a day, by due date, and what could not be told."""
    calendar = workdays.calendar(connection)
    rows: list[DueRow] = []
    findings: list[Finding] = []
    for name in names:
        found, its = states(connection, name, calendar, on)
        rows += [DueRow(state, on) for state in found]
        findings += its
    return sorted(rows, key=lambda row: (row.state.lateness.due_on or date.max, row.due.contract)), findings


class DueDetail(NamedTuple):
    """A due with all that moved it, its invoices and its statement's state; `line` is the statement line's formula."""

    row: DueRow
    moved: list[Stored]
    invoiced: list[Invoice]
    state: State | None
    line: str


def due_detail(connection: Connection, contract: str, name: str, on: date) -> DueDetail | None:
    """Return one due; None if there is none of that name."""
    rows, _ = due_rows(connection, [contract], on)
    row = next((row for row in rows if row.due.id == name), None)
    if row is None:
        return None
    number = dues.statement_of(connection, row.due)
    line = ""
    if number is not None:
        line = next((str(its["why"]) for its in lines(connection, number) if its["n"] == row.due.line), "")
    return DueDetail(
        row,
        [moved for moved in movements.rows(connection, contract) if moved.movement.due == name],
        [one for one in invoices.listed(connection, contract) if one.due == name],
        None if number is None else state_of(connection, number),
        line,
    )


class Request(NamedTuple):
    """An issued statement whose payment was not requested yet, and what its dues leave open."""

    contract: str
    quarter: str
    open_fen: int


@dataclass(frozen=True, slots=True)
class ContractMoney:
    """A contract on a day: 合同总金额 and what was paid of it, what is open and late, what to warn of."""

    contract: str
    title: str
    total_fen: int | None
    paid_fen: int
    open_fen: int
    overdue_fen: int
    refund_fen: int
    interest_fen: int
    requests: tuple[Request, ...]
    warnings: tuple[Finding, ...]

    @property
    def left_fen(self) -> int | None:
        """What the total leaves to be paid; None where no total is known."""
        return None if self.total_fen is None else self.total_fen - self.paid_fen

    @property
    def breached(self) -> bool:
        """Whether more was paid than the contract's total."""
        return self.left_fen is not None and self.left_fen < 0


def contract_money(connection: Connection, titles: Mapping[str, str], rows: Iterable[DueRow]) -> list[ContractMoney]:
    """Return each contract's money; `rows` are the dues of them all on the day asked about."""
    by: dict[str, list[DueRow]] = {name: [] for name in titles}
    on = None
    for row in rows:
        on = row.on
        by.setdefault(row.due.contract, []).append(row)
    return [_money(connection, name, titles.get(name, name), its, on) for name, its in by.items()]


def paid_so_far(priced: Iterable[Due], moved: Iterable[Movement]) -> int:
    """Return what counts against 合同总金额: money on the price's own dues, or without one; late-payment interest does not."""
    names = {due.id for due in priced if due.kind not in BEYOND_TOTAL}
    return sum(movement.fen for movement in moved if not movement.due or movement.due in names)


def _money(connection: Connection, name: str, title: str, rows: list[DueRow], on: date | None) -> ContractMoney:
    terms = newest_terms(connection, name)
    total = None if terms is None else contract_total(terms)
    moved = movements.movements(connection, name, on)
    paid = paid_so_far(dues.of_contract(connection, name), moved)
    owed = [row for row in rows if row.state.open_fen > 0]
    warnings = [supplement_warning(connection, name)]
    if total is not None and paid > total:
        message = f"累计已付 {grouped(paid)} 超过合同总金额 {grouped(total)} paid beyond the contract's total"
        warnings.append(Finding("", 0, name, message, "核对支付，或登记补充合同 check the payments", "warning"))
    return ContractMoney(
        name,
        title,
        total,
        paid,
        sum(row.state.open_fen for row in owed if row.due.kind != "instalment" or row.status == "overdue"),
        sum(row.state.open_fen for row in owed if row.status == "overdue"),
        -sum(row.state.open_fen for row in rows if row.state.open_fen < 0),
        sum(max(0, row.state.interest.low_fen - row.state.charged_fen) for row in rows),
        tuple(_requests(connection, name, owed)),
        tuple(warning for warning in warnings if warning is not None),
    )


def _requests(connection: Connection, contract: str, owed: Iterable[DueRow]) -> Iterable[Request]:
    opened: dict[str, list[DueRow]] = {}
    for row in owed:
        if row.due.statement:
            opened.setdefault(row.due.statement, []).append(row)
    for statement, rows in sorted(opened.items()):
        number = dues.statement_of(connection, rows[0].due)
        if number is not None and state_of(connection, number) is State.ISSUED:
            yield Request(contract, statement.partition("/")[0], sum(row.state.open_fen for row in rows))


def payments_of(connection: Connection, names: Iterable[str]) -> list[Stored]:
    """Return the payments, refunds, set-offs and reversals of some contracts, the newest first."""
    wanted = set(names)
    return [row for row in movements.rows(connection) if row.movement.contract in wanted][::-1]


def last_day(row: Stored) -> date:
    """The last day of a payment's service period, as people write it."""
    return max(row.service_from, row.service_until - timedelta(days=1))


def served_until(due: Due) -> date:
    """The last day of a due's service period, as people write it."""
    return max(due.service_from, due.service_until - timedelta(days=1))


def invoices_of(connection: Connection, names: Iterable[str]) -> list[Invoice]:
    """Return the invoices of some contracts, the newest first."""
    wanted = set(names)
    return [one for one in invoices.listed(connection) if one.contract in wanted][::-1]


class Posted(NamedTuple):
    """One posting as the account statement (明细账) lists it; `balance` is its account's after it, in fen."""

    day: date
    contract: str
    key: str
    account: str
    role: str
    phase: str
    period: str
    debit: int | None
    credit: int | None
    balance: int
    why: str
    statement: str
    reverses: str


def account_statement(connection: Connection, contract: str, until: date | None = None) -> list[Posted]:
    """Return every posting of a contract up to a day, oldest first, each with its account's running balance."""
    held: dict[str, int] = {}
    rows: list[Posted] = []
    for entry in journal.entries(connection, contract, until):
        for posting in entry.postings:
            account = f"{posting.role}/{posting.phase}"
            held[account] = held.get(account, 0) + posting.fen
            debit, credit = (posting.fen, None) if posting.fen > 0 else (None, -posting.fen)
            rows.append(
                Posted(
                    entry.day, contract, entry.key, account, posting.role.value, posting.phase, posting.period,
                    debit, credit, held[account], entry.why, entry.statement, entry.reverses,
                )
            )  # fmt: skip
    return rows
