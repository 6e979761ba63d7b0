"""Dues: what somebody owes somebody because of a statement's line, an instalment or a claim, and when it falls due. Pure.

A due is positive where the purchaser owes the supplier and negative where the supplier owes a refund, in fen, tax
included. Its rule for the due date is frozen with it, so that a later contract version does not move it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from settlement.calendar import Calendar
from settlement.clauses import InstalmentClause, PaymentClause
from settlement.daycount import Quarter, add_months, parse_quarter
from settlement.money import fen

CHANGES_HANDS = ("true_up", "next_prepayment", "retention_release", "interest")
"""Kinds of phase lines that become dues; a prepayment does where no earlier statement issued it."""

DayKind = Literal["calendar", "workday"]
REST = "rest"
"""The payer of an instalment that takes what the fixed shares leave."""


@dataclass(frozen=True, slots=True)
class Due:
    """One amount owed. `id` is unique in its contract: 2020Q3/0/5 (quarter, revision, line), instalment/2/payer, claim/….

    `period` is the service period, from `service_from` until before `service_until`; `entered` is the day of issue, or an
    instalment's own day. The due date is `days` (calendar or
    working days) after `base`; `base` is None while it waits for an invoice.
    """

    id: str
    contract: str
    phase: str
    kind: str
    fen: int
    period: str
    service_from: date
    service_until: date
    entered: date
    base: date | None
    days: int
    day_kind: DayKind
    statement: str = ""
    line: int = 0
    payer: str = ""

    @property
    def refund(self) -> bool:
        """Whether the supplier owes it."""
        return self.fen < 0


def due_on(due: Due, calendar: Calendar, invoiced: date | None = None) -> date | None:
    """Return the due date; None while the invoice it counts from is missing. InputError for a year without a table."""
    base = due.base or invoiced
    if base is None:
        return None
    if due.day_kind == "workday":
        return calendar.after(base, due.days)
    return base + timedelta(days=due.days)


def _base(clause: PaymentClause, kind: str, quarter: Quarter, issued: date) -> date | None:
    """Return the day from which a statement's line is counted.

    quarter-start: the first day of the quarter in which it is to be paid, which for all lines but an opening prepayment is
    the one after the settled quarter. quarter-end: the last day of the settled quarter.
    """
    opening = kind == "prepayment"
    match clause.counted_from:
        case "quarter-start":
            return quarter.start if opening else quarter.end
        case "quarter-end":
            return (quarter.start if opening else quarter.end) - timedelta(days=1)
        case "issued":
            return issued
        case "invoice":
            return None


def statement_dues(
    document: Mapping[str, Any], clause: PaymentClause, issued: date, opening: Mapping[str, int]
) -> list[Due]:
    """Return the dues of an issued statement in the order of its lines, without those of zero.

    `opening` are the phases whose prepayment no earlier statement issued (settlement.ledger.unprepaid).
    """
    quarter = parse_quarter(document["quarter"])
    dues: list[Due] = []

    def add(phase: str, row: Mapping[str, Any], amount: int) -> None:
        kind = str(row["kind"])
        served = quarter.following() if kind == "next_prepayment" else quarter
        if row.get("parent"):
            served = parse_quarter(str(row["parent"]).partition("/")[0])
        if amount:
            dues.append(
                Due(
                    id=f"{document['quarter']}/{document['revision']}/{row['n']}",
                    contract=document["contract"]["id"],
                    phase=phase,
                    kind=kind,
                    fen=amount,
                    period=served.label,
                    service_from=served.start,
                    service_until=served.end,
                    entered=issued,
                    base=_base(clause, kind, quarter, issued),
                    days=clause.due_days,
                    day_kind=clause.days,
                    statement=f"{document['quarter']}/{document['revision']}",
                    line=int(row["n"]),
                )
            )

    for phase in document["phases"]:
        name = phase["phase"]
        for row in phase["lines"]:
            if row["kind"] in CHANGES_HANDS or (row["kind"] == "prepayment" and name in opening):
                add(name, row, fen(row["gross"]))
    for row in document["adjustments"]:
        add(str(row["phase"]), row, fen(row["gross"]))
    return dues


def instalment_dues(contract: str, clause: InstalmentClause) -> list[Due]:
    """Divide the total into instalments and each instalment among its payers; the last absorbs what is left over.

    The instalments but the last are `each` (by default the total divided and cut to whole fen). Payers with a fixed share pay
    it every time; the payer named with 0, or a payer called `rest`, pays what is left. ValueError where shares exceed it.
    """
    each = clause.each_fen if clause.each_fen is not None else clause.total_fen // clause.count
    fixed = {payer: share for payer, share in clause.payers.items() if share}
    others = [payer for payer, share in clause.payers.items() if not share]
    dues: list[Due] = []
    for n in range(1, clause.count + 1):
        amount = each if n < clause.count else clause.total_fen - each * (clause.count - 1)
        left = amount - sum(fixed.values())
        if left < 0 or (left and fixed and len(others) > 1):
            raise ValueError(f"instalment {n} of {amount} fen cannot be shared by {clause.payers}")
        shares = dict(fixed)
        if left:
            shares[others[0] if others else REST] = left
        day = add_months(clause.first_due, (n - 1) * clause.every_months)
        for payer, share in shares.items():
            dues.append(
                Due(
                    id=f"instalment/{n}/{payer}",
                    contract=contract,
                    phase="",
                    kind="instalment",
                    fen=share,
                    period=str(day.year),
                    service_from=day,
                    service_until=add_months(day, clause.every_months),
                    entered=day,
                    base=day,
                    days=0,
                    day_kind="calendar",
                    payer=payer,
                )
            )
    return dues


def held_back(open_dues: Iterable[tuple[Due, int]], claims_fen: int) -> dict[str, int]:
    """Return by due how much of a statement's open refunds the supplier contests, in positive fen.

    `open_dues` are the statement's (due, open amount), `claims_fen` what is contested and not decided. What the purchaser
    owes is undisputed and due at once; so is the refund that was set off against it, and what is left of it less the claims.
    """
    held: dict[str, int] = {}
    for due, amount in open_dues:
        if amount < 0 and claims_fen > 0:
            held[due.id] = min(-amount, claims_fen)
            claims_fen -= held[due.id]
    return held


def total_of(dues: Iterable[Due]) -> int:
    """Add up dues, in fen."""
    return sum(due.fen for due in dues)
