"""Payments: set-off, lateness, late-payment interest, the contract's total. Pure.

A payment's day may be known as a range only (2020-02-24..2020-02-29: "late February"); lateness and interest are ranges
then. In a movement a positive amount goes to the supplier, a negative one comes back; a set-off is a pair of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor.finding import Finding, InputError, refuse
from settlement.daycount import parse_quarter
from settlement.dues import Due
from settlement.families.late_payment import late_payment
from settlement.money import grouped, round_half_up
from settlement.readings import percent

SUPPLEMENT_LIMIT = Fraction(1, 10)
"""Supplements beyond this share of the original contract are warned of (政府采购法 article 49)."""


class Days(NamedTuple):
    """A number of days that is known as a range, both ends inclusive."""

    low: int
    high: int

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(frozen=True, slots=True)
class Movement:
    """Money against a due, or a set-off's half. `kind` is payment, refund, set-off or unsettled (a contract without dues).

    `budget_year` and the service period are apart: the last quarter's true-up is paid from next year's budget.
    """

    due: str
    contract: str
    kind: str
    fen: int
    first: date
    last: date
    voucher: str = ""
    payer: str = ""
    project: str = ""
    budget_year: int = 0


def outstanding(due: Due, movements: Iterable[Movement]) -> int:
    """Return what of a due is still open, with the due's sign. `movements` may hold those of other dues."""
    return due.fen - sum(m.fen for m in movements if m.due == due.id and m.contract == due.contract)


class SetOff(NamedTuple):
    """A refund that the supplier owes, used up against something that the purchaser owes. Positive fen."""

    refund: str
    against: str
    fen: int


def set_offs(open_dues: Sequence[tuple[Due, int]], statement: str) -> list[SetOff]:
    """Use up refunds against what is owed: 多退，抵扣下季预付.

    `open_dues` are (due, open amount with the due's sign, already without what is contested), oldest first. Each refund goes
    first against its own phase, and against the statement now issued before older ones; what is left stays open.
    """
    left = {due.id: amount for due, amount in open_dues}
    owed = [due for due, amount in open_dues if amount > 0]
    done: list[SetOff] = []
    for refund, amount in open_dues:
        if amount >= 0:
            continue
        for due in sorted(owed, key=lambda d: (d.statement != statement, d.phase != refund.phase)):
            part = min(-left[refund.id], left[due.id])
            if part > 0:
                done.append(SetOff(refund.id, due.id, part))
                left[refund.id] += part
                left[due.id] -= part
    return done


def total_finding(total_fen: int | None, paid_fen: int, more_fen: int) -> Finding | None:
    """Return a finding if a further payment would take what is paid in all beyond the contract's total."""
    if total_fen is None or paid_fen + more_fen <= total_fen:
        return None
    return Finding(
        "",
        0,
        "amount",
        f"累计支付 {grouped(paid_fen + more_fen)} 将超过合同总金额 {grouped(total_fen)}（已付 {grouped(paid_fen)}） "
        "cumulative payment would exceed the contract's total",
        "核对金额，或先登记补充合同 check the amount, or record the supplementary contract first",
    )


def supplement_finding(original_fen: int | None, now_fen: int | None) -> Finding | None:
    """Return a warning if supplements exceed a tenth of the original contract."""
    if not original_fen or not now_fen or now_fen - original_fen <= SUPPLEMENT_LIMIT * original_fen:
        return None
    return Finding(
        "",
        0,
        "total",
        f"补充合同累计 {grouped(now_fen - original_fen)}，超过原合同 {grouped(original_fen)} 的 10 % "
        "supplements exceed a tenth of the original contract",
        "补充采购须另行审批或重新招标 have it approved, or tender anew",
        "warning",
    )


def payable_findings(due: Due, open_fen: int, amount_fen: int) -> list[Finding]:
    """Return what is wrong with a payment or refund of `amount_fen` (positive) against a due with `open_fen` open."""
    if amount_fen <= 0:
        return [Finding("", 0, "amount", f"金额须大于零 not above zero: {grouped(amount_fen)}", "写成元 write yuan")]
    if amount_fen <= abs(open_fen):
        return []
    word = "应退 refund due" if due.refund else "应付 due"
    message = (
        f"{due.id} 尚余{word} {grouped(abs(open_fen))}，登记 {grouped(amount_fen)} 超出 "
        f"{grouped(amount_fen - abs(open_fen))} the amount is larger than what is open"
    )
    return [Finding("", 0, "amount", message, "按应付余额登记 record at most what is open")]


def paid_range(text: str, today: date) -> tuple[date, date]:
    """Read "2020-12-15" or "2020-02-24..2020-02-29". InputError on nonsense, a reversed range, or a day after today."""
    first, separator, last = text.strip().partition("..")
    try:
        start = date.fromisoformat(first)
        end = date.fromisoformat(last) if separator else start
    except ValueError:
        remedy = "写成 2020-02-29 或 2020-02-24..2020-02-29 write it like one of these"
        raise refuse(f"不是日期 not a day of payment: {text[:40]!r}", remedy, column="paid-on") from None
    findings = []
    if end < start:
        findings.append(
            Finding("", 0, "paid-on", f"止于起始之前 the range ends before it begins: {text}", "核对 check")
        )
    if end > today:
        message = f"付款日在今天之后 a day of payment after today ({today}): {text}"
        findings.append(Finding("", 0, "paid-on", message, "付款后再登记 record it once it is paid"))
    if findings:
        raise InputError(findings)
    return start, end


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late a due was covered, or is by the day asked about: days after the due date, never below zero.

    `after_quarter` counts, as evaluators do, from the first day after the quarter whose statement it stands on; an opening
    prepayment's and an instalment's from the first day they are for. `late` is None where there is no due date yet.
    """

    due_on: date | None
    late: Days | None
    after_quarter: Days
    settled: bool


def lateness(due: Due, due_day: date | None, movements: Iterable[Movement], on: date) -> Lateness:
    """Return how late a due is: by the movement that covered its last fen, or by the day `on` while it is open.

    A range of payment days gives a range of days late. Movements after `on` are not looked at.
    """
    own = sorted(
        (m for m in movements if m.due == due.id and m.contract == due.contract and m.last <= on),
        key=lambda m: (m.last, m.first),
    )
    left, first, last = due.fen, on, on
    for movement in own:
        left -= movement.fen
        if left == 0:
            first, last = movement.first, movement.last
    settled = left == 0
    began = due.service_from
    if due.statement and due.kind != "prepayment":
        began = parse_quarter(due.statement.partition("/")[0]).end
    late = None
    if due_day is not None:
        ends = (first, last) if settled else (on, on)
        late = Days(*(max(0, (day - due_day).days) for day in ends))
    ends = (first, last) if settled else (on, on)
    return Lateness(due_day, late, Days(*((day - began).days for day in ends)), settled)


class Interest(NamedTuple):
    """Late-payment interest as a range in fen, with its arithmetic."""

    low_fen: int
    high_fen: int
    why: str


def interest(
    due: Due, due_day: date, movements: Iterable[Movement], on: date, per_day: Fraction, cap: Fraction | None
) -> Interest:
    """Return what lateness costs the purchaser: each part × its days late × the daily rate, rounded once (family 15).

    Parts still open on the day `on` are late until that day. `cap` is the most, as a share of the due. Refunds, interest
    itself and what was set off bear none.
    """
    if due.refund or due.kind == "interest":
        return Interest(0, 0, "")

    def late(first: date, last: date) -> Days:
        return Days(max(0, (first - due_day).days), max(0, (last - due_day).days))

    parts: list[tuple[int, Days]] = []
    left = due.fen
    for movement in sorted(movements, key=lambda m: (m.last, m.first)):
        if movement.due == due.id and movement.contract == due.contract and movement.last <= on:
            left -= movement.fen
            if movement.kind != "set-off":
                parts.append((movement.fen, late(movement.first, movement.last)))
    if left:
        parts.append((left, late(on, on)))
    exact = [sum((late_payment(part, days[end], per_day) for part, days in parts), Fraction(0)) for end in (0, 1)]
    limit = None if cap is None else cap * due.fen
    low, high = (round_half_up(amount if limit is None else min(amount, limit)) for amount in exact)
    why = " + ".join(f"{grouped(part)} × {days} 天 d × {percent(per_day)}" for part, days in parts if days.high)
    capped = limit is not None and exact[1] > limit
    return Interest(
        low, high, why + (f"，上限 at most {grouped(round_half_up(limit or Fraction(0)))}" if capped else "")
    )
