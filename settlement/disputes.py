"""What a supplier may contest on a statement, and what meanwhile falls due.

A dispute claims that a line, or a point, should bring the supplier so much more. What both sides agree on goes on at
once: the statement's total where the purchaser pays, the refund less all open claims where the supplier pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from monitor.finding import Finding, InputError
from settlement.money import fen, grouped

Decision = Literal["upheld", "partly", "accepted"]
"""What becomes of the statement's figure: upheld (维持), partly or wholly changed as claimed (部分采纳, 采纳)."""
DECISION_ZH: Mapping[str, str] = {"upheld": "维持", "partly": "部分采纳", "accepted": "采纳"}
Effect = Literal["amount", "data"]
"""How a granted claim reaches the supplier: as an adjustment of that amount, or through a correction of the data that
the next draft's recomputation finds by itself. One grant never does both."""

CONTESTABLE = frozenset({"prepayment", "payable", "deduction", "true_up", "next_prepayment", "adjustment", "interest"})


ONE = frozenset({"payable", "deduction", "true_up"})
"""Kinds of lines that are one money seen from several sides: what is claimed of one is claimed of all."""
BY_DATA = frozenset({"next_prepayment"})
"""Kinds of lines of which no amount is granted: the next quarter's true-up settles a prepayment by itself."""


class Claimed(NamedTuple):
    """What an earlier dispute of the same statement claims, or was granted once it is decided."""

    line: int
    point: str
    fen: int


class Claimable(NamedTuple):
    """What may be claimed of a line, in fen: `usual_fen` where nobody names an amount, `most_fen` at most; None: no such."""

    phase: str
    usual_fen: int | None
    most_fen: int | None


def claimable(
    document: Mapping[str, Any], line: int, point: str, place: str, others: Iterable[Claimed] = ()
) -> Claimable:
    """Return what may be claimed of a line or of a point of it beside the claims that stand.

    All claims on a phase's payable, deduction and true-up together are at most what was deducted of the phase; those on a
    month, and those on a point, at most what was deducted there. A wrong count or price goes by the ledger, and comes as an
    adjustment. InputError if there is no such line or point, nothing was taken from it, or all of it is claimed already.
    """
    found = next(((phase, row) for phase in document["phases"] for row in phase["lines"] if row["n"] == line), None)
    if found is None:
        return _beside(document, line, point, place)
    phase, row = found
    if row["kind"] not in CONTESTABLE:
        raise _refusal(
            place, f"第 {line} 行不可提出异议 line {line} cannot be contested: {row['kind']}", "对应付或扣款行提出"
        )
    if row["kind"] not in ONE:
        if point:
            raise _refusal(place, f"第 {line} 行不含点位 line {line} has no points", "去掉 --point leave it out")
        return Claimable(str(phase["phase"]), None, fen(row["gross"]) if row["kind"] == "prepayment" else None)
    left, standing = _left(phase, row, point, place, list(others))
    if left <= 0:
        shown = "，".join(f"第 {claim.line} 行 {claim.point} {grouped(claim.fen)}" for claim in standing)
        message = f"扣款已全部有异议或已采纳 all that was deducted is contested or granted already: {shown}"
        raise _refusal(place, message, "等待复核 wait for the decision")
    usual = left if point or row["kind"] == "deduction" else None
    return Claimable(str(phase["phase"]), usual, left)


def _beside(document: Mapping[str, Any], line: int, point: str, place: str) -> Claimable:
    other = next((row for row in document.get("adjustments", ()) if row["n"] == line), None)
    if other is None:
        numbers = [row["n"] for phase in document["phases"] for row in phase["lines"]]
        shown = f"1–{max(numbers)}" if numbers else "无 none"
        raise _refusal(place, f"结算单没有第 {line} 行 there is no line {line}", f"行号 lines: {shown}")
    if point:
        raise _refusal(place, f"第 {line} 行不含点位 line {line} has no points", "去掉 --point leave it out")
    gross = fen(other["gross"])
    return Claimable(str(other["phase"]), None, -gross if gross < 0 else None)


def _left(
    phase: Mapping[str, Any], row: Mapping[str, Any], point: str, place: str, others: Sequence[Claimed]
) -> tuple[int, list[Claimed]]:
    """Return what is not claimed yet of a phase, a month of it, a point, whichever is least; and the claims that stand."""
    lines = {its["n"]: its for its in phase["lines"] if its["kind"] in ONE}
    standing = [claim for claim in others if claim.line in lines and claim.fen]

    def rest(taken: int, claims: Iterable[Claimed]) -> int:
        return taken - sum(claim.fen for claim in claims)

    deductions = [its for its in lines.values() if its["kind"] == "deduction"]
    taken = sum(fen(its["gross"]) for its in deductions)
    lefts = [rest(taken, standing)]
    if row["kind"] != "true_up":
        window = row.get("window", "")
        taken = sum(fen(its["gross"]) for its in deductions if its.get("window", "") == window)
        same = {n for n, its in lines.items() if its["kind"] != "true_up" and its.get("window", "") == window}
        lefts.append(rest(taken, (claim for claim in standing if claim.line in same)))
    if point:
        its = next((item for item in phase.get("point_lines", ()) if item["code"] == point), None)
        if its is None:
            remedy = "检查点位编号 check the point's code"
            raise _refusal(place, f"期次 {phase['phase']} 没有点位 no such point: {point}", remedy)
        taken = min(taken, fen(its["deduction"]))
        lefts.append(rest(fen(its["deduction"]), (claim for claim in standing if claim.point == point)))
    if taken <= 0:
        what = f"点位 {point}" if point else f"第 {row['n']} 行"
        remedy = "对其他行提出；点数或单价有误的更正台账 contest another line; a wrong count or price is mended in the ledger"
        raise _refusal(place, f"{what} 没有扣款 nothing was deducted there", remedy)
    return min(lefts), standing


def check_claim(claimed_fen: int | None, found: Claimable, place: str) -> int:
    """Return the claim in fen: what is given, or all that is left. InputError if it is missing, not positive or too much."""
    most_fen = found.most_fen
    if claimed_fen is None:
        if found.usual_fen is None:
            raise _refusal(place, "须写明争议金额 say how much is contested", "--claim 1234.56")
        return found.usual_fen
    if claimed_fen <= 0:
        raise _refusal(place, "争议金额须大于零 a claim is above zero", "--claim 1234.56")
    if most_fen is not None and claimed_fen > most_fen:
        message = (
            f"争议金额 {grouped(claimed_fen)} 大于尚未提出异议的扣款 {grouped(most_fen)} "
            "claims more than was deducted and is not contested yet"
        )
        raise _refusal(place, message, f"至多 at most {grouped(most_fen)}")
    return claimed_fen


def check_effect(kind: str, effect: Effect, granted_fen: int, place: str) -> None:
    """InputError where an amount is granted of a line that is settled by itself later, and would so be paid twice."""
    if effect == "amount" and granted_fen and kind in BY_DATA:
        message = "预付由下季多退少补结清，不另补付 the next quarter's true-up settles a prepayment; no amount is granted of it"
        raise _refusal(place, message, "--effect data")


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
