"""What a supplier may contest on a statement, and what meanwhile falls due.

A dispute claims that a line, or a point, should bring the supplier so much more. What both sides agree on goes on at
once: the statement's total where the purchaser pays, the refund less all open claims where the supplier pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from monitor.finding import Finding, InputError
from settlement.money import fen, grouped

Decision = Literal["upheld", "partly", "accepted"]
"""What becomes of the statement's figure: upheld (维持), partly or wholly changed as claimed (部分采纳, 采纳)."""
DECISION_ZH: Mapping[str, str] = {"upheld": "维持", "partly": "部分采纳", "accepted": "采纳"}
Effect = Literal["amount", "data"]
"""How a granted claim reaches the supplier: as an adjustment of that amount, or through a correction of the data that
the next draft's recomputation finds by itself. One grant never does both."""

CONTESTABLE = frozenset({"prepayment", "payable", "deduction", "true_up", "next_prepayment", "adjustment", "interest"})


def claimable(document: Mapping[str, Any], line: int, point: str, place: str) -> tuple[str, int | None]:
    """Return the phase of a contested line and what may be claimed at most, in fen; None where nothing bounds it.

    A deduction, or what was taken from a point, bounds its own claim; a wrong count or price has no bound here.
    InputError if there is no such line or point, or nothing was taken from it.
    """
    found = next(
        ((phase, row) for phase in document["phases"] for row in phase["lines"] if row["n"] == line),
        None,
    )
    if found is None:
        other = next((row for row in document.get("adjustments", ()) if row["n"] == line), None)
        if other is None:
            numbers = [row["n"] for phase in document["phases"] for row in phase["lines"]]
            shown = f"1–{max(numbers)}" if numbers else "无 none"
            raise _refusal(place, f"结算单没有第 {line} 行 there is no line {line}", f"行号 lines: {shown}")
        if point:
            raise _refusal(place, f"第 {line} 行不含点位 line {line} has no points", "去掉 --point leave it out")
        return str(other["phase"]), None
    phase, row = found
    if row["kind"] not in CONTESTABLE:
        raise _refusal(
            place, f"第 {line} 行不可提出异议 line {line} cannot be contested: {row['kind']}", "对应付或扣款行提出"
        )
    if point:
        its = next((item for item in phase.get("point_lines", ()) if item["code"] == point), None)
        if its is None:
            remedy = "检查点位编号 check the point's code"
            raise _refusal(place, f"期次 {phase['phase']} 没有点位 no such point: {point}", remedy)
        return str(phase["phase"]), _taken(fen(its["deduction"]), f"点位 {point}", place)
    if row["kind"] == "deduction":
        return str(phase["phase"]), _taken(fen(row["gross"]), f"第 {line} 行", place)
    return str(phase["phase"]), None


def _taken(amount_fen: int, what: str, place: str) -> int:
    if amount_fen <= 0:
        raise _refusal(place, f"{what} 没有扣款 nothing was deducted there", "对其他行提出 contest another line")
    return amount_fen


def check_claim(claimed_fen: int | None, most_fen: int | None, place: str) -> int:
    """Return the claim in fen: what is given, or all that was taken. InputError if it is missing, not positive or too much."""
    if claimed_fen is None:
        if most_fen is None:
            raise _refusal(place, "须写明争议金额 say how much is contested", "--claim 1234.56")
        return most_fen
    if claimed_fen <= 0:
        raise _refusal(place, "争议金额须大于零 a claim is above zero", "--claim 1234.56")
    if most_fen is not None and claimed_fen > most_fen:
        message = f"争议金额 {grouped(claimed_fen)} 大于扣款 {grouped(most_fen)} claims more than was deducted"
        raise _refusal(place, message, f"至多 at most {grouped(most_fen)}")
    return claimed_fen


def check_grant(decision: Decision, granted_fen: int | None, contested_fen: int, place: str) -> int:
    """Return what a decision grants: nothing, part or all. InputError where decision and amount disagree."""
    if decision == "partly":
        if granted_fen is None or not 0 < granted_fen < contested_fen:
            message = "部分采纳须写明金额，且小于争议金额 a part is granted: say how much, less than was contested"
            raise _refusal(place, message, f"--grant 0.01–{grouped(contested_fen - 1)}")
        return granted_fen
    whole = 0 if decision == "upheld" else contested_fen
    if granted_fen is not None and granted_fen != whole:
        message = f"{DECISION_ZH[decision]}与金额不符 the decision {decision} grants {grouped(whole)}"
        raise _refusal(place, message, "改用 partly，或去掉 --grant use partly, or leave --grant out")
    return whole


def undisputed_fen(total_fen: int, open_claims_fen: Iterable[int]) -> int:
    """Return what falls due at once: the total to be paid, or of a refund what it would at least be."""
    if total_fen >= 0:
        return total_fen
    return min(0, total_fen + sum(open_claims_fen))


def _refusal(place: str, message: str, remedy: str) -> InputError:
    return InputError([Finding("", 0, place, message, remedy)])
