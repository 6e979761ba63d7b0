"""Double entry: accounts by phase, entries that add up to zero, what an issued statement posts, balances. Pure.

A debit is positive, a credit negative, in fen. The books are the purchaser's: what it owes the supplier is `payable`,
what it paid ahead `prepaid`, what the supplier owes back `refund-due`. A posting carries the service period it concerns,
so that each prepayment is cleared by its own quarter.

An issued statement posts, per phase:
- service settled: fee and tax are charged, the deduction is credited, the quarter's prepayment is used up, and the
  true-up becomes payable (少补) or a refund that is due (多退);
- the next prepayment becomes prepaid and payable; what is retained, released, adjusted or owed as interest likewise.
Money moves later, by payments (settlement/payments.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from monitor.finding import refuse
from settlement.daycount import parse_quarter
from settlement.money import fen, grouped


class Role(StrEnum):
    """What an account is for. The order is that of reports."""

    BANK = "bank"
    PREPAID = "prepaid"
    REFUND_DUE = "refund-due"
    PAYABLE = "payable"
    RETAINED = "retained"
    FEE = "fee"
    DEDUCTION = "deduction"
    ADJUSTMENT = "adjustment"
    TAX = "tax"
    INTEREST = "interest"


TITLES: Mapping[Role, tuple[str, str]] = {
    Role.BANK: ("银行存款", "bank"),
    Role.PREPAID: ("预付账款", "prepaid"),
    Role.REFUND_DUE: ("应收退款", "refund due"),
    Role.PAYABLE: ("应付账款", "payable"),
    Role.RETAINED: ("质保金", "retained"),
    Role.FEE: ("服务费（不含税）", "service fee, net"),
    Role.DEDUCTION: ("考核扣款（不含税）", "deduction, net"),
    Role.ADJUSTMENT: ("以前期调整（不含税）", "adjustment of earlier periods, net"),
    Role.TAX: ("增值税", "tax"),
    Role.INTEREST: ("逾期付款利息", "late-payment interest"),
}


class Account(NamedTuple):
    """An account of one contract; `phase` is "" for what concerns no single phase."""

    contract: str
    role: Role
    phase: str

    @property
    def text(self) -> str:
        """As the store keeps it: payable/phase-2, or bank."""
        return f"{self.role}/{self.phase}" if self.phase else str(self.role)


def parse_account(contract: str, text: str) -> Account:
    """Read an account as the store keeps it."""
    role, _, phase = text.partition("/")
    return Account(contract, Role(role), phase)


class Posting(NamedTuple):
    """An amount on an account: debit positive. `period` is the service period that it concerns, like 2020Q3."""

    role: Role
    phase: str
    fen: int
    period: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry. `key` names the business event: one key, one effect. ValueError unless it adds up to zero.

    `statement` is the statement's place like 2020Q3/0, `reverses` the key of the entry that this one takes back.
    """

    contract: str
    key: str
    day: date
    why: str
    postings: tuple[Posting, ...]
    statement: str = ""
    reverses: str = ""
    details: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.postings:
            raise ValueError(f"entry {self.key} has no postings")
        if any(posting.fen == 0 for posting in self.postings):
            raise ValueError(f"entry {self.key} has a posting of zero")
        if total := sum(posting.fen for posting in self.postings):
            raise ValueError(f"entry {self.key} adds up to {grouped(total)}, not to zero")


def entry_of(
    contract: str,
    key: str,
    day: date,
    why: str,
    postings: Iterable[Posting],
    *,
    statement: str = "",
    details: tuple[tuple[str, str], ...] = (),
) -> Entry | None:
    """Build an entry without its zero postings; None if nothing is left to post."""
    kept = tuple(posting for posting in postings if posting.fen)
    return Entry(contract, key, day, why, kept, statement=statement, details=details) if kept else None


def reversal(entry: Entry, day: date, why: str) -> Entry:
    """Return the entry that restores every balance: the same accounts and periods, opposite signs."""
    return Entry(
        contract=entry.contract,
        key=f"{entry.key}/reversal",
        day=day,
        why=why,
        postings=tuple(posting._replace(fen=-posting.fen) for posting in entry.postings),
        statement=entry.statement,
        reverses=entry.key,
        details=entry.details,
    )


def balances(entries: Iterable[Entry]) -> dict[Account, int]:
    """Add up the postings by account, sorted; accounts that were touched and stand at zero are listed too."""
    sums: dict[Account, int] = defaultdict(int)
    for entry in entries:
        for posting in entry.postings:
            sums[Account(entry.contract, posting.role, posting.phase)] += posting.fen
    order = list(Role)
    return dict(sorted(sums.items(), key=lambda item: (item[0].contract, order.index(item[0].role), item[0].phase)))


class Sums(NamedTuple):
    """Columns of lines added up, in fen."""

    gross: int
    net: int
    tax: int


def _sums(rows: Iterable[Mapping[str, Any]]) -> Sums:
    chosen = list(rows)
    return Sums(*(sum(fen(row[column]) for row in chosen) for column in ("gross", "net", "tax")))


def place_of(document: Mapping[str, Any]) -> str:
    """Return a statement's place among its contract's: 2020Q3/0, as parents of adjustments name it."""
    return f"{document['quarter']}/{document['revision']}"


def unprepaid(document: Mapping[str, Any], prepaid: Mapping[str, int]) -> dict[str, int]:
    """Return by phase the prepayments that no earlier statement issued: they fall due with this one.

    `prepaid` is what stands on the phases' prepaid accounts for the quarter. InputError where a prepayment was issued and
    the statement reckons with another amount.
    """
    missing: dict[str, int] = {}
    for phase in document["phases"]:
        line = _sums(row for row in phase["lines"] if row["kind"] == "prepayment").gross
        standing = prepaid.get(phase["phase"], 0)
        settles = any(row["kind"] == "payable" for row in phase["lines"])
        if standing == 0 and line:
            missing[phase["phase"]] = line
        elif settles and standing != line:
            raise refuse(
                f"{phase['phase']} {document['quarter']} 已出具的预付为 {grouped(standing)}，结算单按 {grouped(line)} 计算 "
                "the prepayment that was issued is not the one that the statement reckons with",
                "按已出具的预付重新起草 draft the statement again from the prepayment issued",
                column="prepayment",
            )
    return missing


def settles_late(row: Mapping[str, Any]) -> str:
    """Return the quarter that an adjustment settles for the first time, "" if it corrects a line."""
    parts = str(row["parent"]).split("/")  # 2020Q3/0/0/phase-1; with a month behind it only that month is new
    return parts[0] if len(parts) == 4 and parts[2] == "0" else ""


def issue_entries(
    document: Mapping[str, Any],
    day: date,
    prepaid: Mapping[str, int],
    waiting: Mapping[tuple[str, str], Sums] | None = None,
) -> list[Entry]:
    """Return what the issue of a statement posts, an entry per phase; see the head of this file.

    `document` is a statement document (camsla-statement/1), `prepaid` the balances that `unprepaid` takes. `waiting` are,
    by phase and quarter, prepayments of earlier quarters that could not be settled then: the adjustment that settles such
    a quarter (its parent is the issued statement's line 0) uses them up. ValueError if the lines contradict each other.
    """
    contract, place = document["contract"]["id"], place_of(document)
    opening = unprepaid(document, prepaid)
    by_phase: dict[str, list[Posting]] = defaultdict(list)
    for phase in document["phases"]:
        name = phase["phase"]
        if amount := opening.get(name):
            by_phase[name] += [
                Posting(Role.PREPAID, name, amount, document["quarter"]),
                Posting(Role.PAYABLE, name, -amount, document["quarter"]),
            ]
        by_phase[name] += _phase_postings(document["quarter"], phase)
    for row in document["adjustments"]:
        kept = (waiting or {}).get((row["phase"], settles_late(row)))
        by_phase[row["phase"]] += _adjusted(document["quarter"], row, kept)
    entries = []
    for name, postings in by_phase.items():
        why = f"出具 issued {document['quarter']} {name}"
        entry = entry_of(contract, f"issue/{contract}/{place}/{name}", day, why, postings, statement=place)
        if entry is not None:
            entries.append(entry)
    return entries


def _phase_postings(quarter: str, phase: Mapping[str, Any]) -> list[Posting]:
    name, lines = phase["phase"], phase["lines"]

    def kind(*names: str) -> Sums:
        return _sums(row for row in lines if row["kind"] in names)

    postings: list[Posting] = []
    if any(row["kind"] == "payable" for row in lines):
        postings += _settled(quarter, phase, kind("payable"), kind("deduction"), kind("prepayment"), kind("true_up"))
    ahead = parse_quarter(quarter).following().label
    following, released, interest = kind("next_prepayment"), kind("retention_release"), kind("interest")
    postings += [
        Posting(Role.PREPAID, name, following.gross, ahead),
        Posting(Role.PAYABLE, name, -following.gross, ahead),
        Posting(Role.RETAINED, name, released.gross, quarter),
        Posting(Role.PAYABLE, name, -released.gross, quarter),
        Posting(Role.INTEREST, name, interest.net, quarter),
        Posting(Role.TAX, name, interest.tax, quarter),
        Posting(Role.PAYABLE, name, -interest.gross, quarter),
    ]
    return postings


def _settled(
    quarter: str, phase: Mapping[str, Any], payable: Sums, deduction: Sums, prepaid: Sums, true_up: Sums
) -> list[Posting]:
    name = phase["phase"]
    full = _sums([phase["full_fee"]])
    kept = _sums(row for row in phase["lines"] if row["kind"] == "retention").gross
    for had, parts in zip(full, zip(payable, deduction, strict=True), strict=True):
        if had != sum(parts):
            raise ValueError(f"{name}: full fee {had} is not payable + deduction {parts}")
    if true_up.gross != payable.gross - kept - prepaid.gross:
        raise ValueError(f"{name}: true-up {true_up.gross} is not payable − retained − prepayment")
    side = Role.REFUND_DUE if true_up.gross < 0 else Role.PAYABLE
    return [
        Posting(Role.FEE, name, full.net, quarter),
        Posting(Role.TAX, name, payable.tax, quarter),
        Posting(Role.DEDUCTION, name, -deduction.net, quarter),
        Posting(Role.PREPAID, name, -prepaid.gross, quarter),
        Posting(Role.RETAINED, name, -kept, quarter),
        Posting(side, name, -true_up.gross, quarter),
    ]


def _adjusted(quarter: str, row: Mapping[str, Any], waiting: Sums | None) -> list[Posting]:
    gross, net, tax = (fen(row[column]) for column in ("gross", "net", "tax"))
    kept = waiting or Sums(0, 0, 0)
    side = Role.REFUND_DUE if gross < 0 else Role.PAYABLE
    period = str(row["parent"]).partition("/")[0] or quarter
    charged = Role.INTEREST if row["kind"] == "interest" else Role.ADJUSTMENT
    return [
        Posting(charged, row["phase"], net + kept.net, period),
        Posting(Role.TAX, row["phase"], tax + kept.tax, period),
        Posting(Role.PREPAID, row["phase"], -kept.gross, period),
        Posting(side, row["phase"], -gross, period),
    ]


def prepaid_for(entries: Sequence[Entry], contract: str, period: str) -> dict[str, int]:
    """Return what stands on each phase's prepaid account for one service period."""
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        for posting in entry.postings:
            if entry.contract == contract and posting.role is Role.PREPAID and posting.period == period:
                sums[posting.phase] += posting.fen
    return dict(sums)
