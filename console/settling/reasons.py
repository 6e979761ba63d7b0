"""为什么是这个数: what lies under an amount of a statement — its arithmetic, the lines it is made of, the rules, what they punished."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.settling.view import Line, PhaseView, RuleResult, View
from console.web.words import N_

TOTALS: dict[str, tuple[str, tuple[str, ...]]] = {
    "full-fee": (N_("应计服务费"), ("payable", "deduction")),
    "payable": (N_("应付金额"), ("payable",)),
    "prepaid": (N_("已预付"), ("prepayment",)),
    "deduction": (N_("扣款合计"), ("deduction",)),
    "fault_deduction": (N_("故障扣款"), ("deduction",)),
    "other_deduction": (N_("其他考核扣款"), ("deduction",)),
    "retention": (N_("质保金留存"), ("retention",)),
    "retention_release": (N_("质保金退还"), ("retention_release",)),
    "true_up": (N_("多退少补"), ("true_up",)),
    "adjustment": (N_("以前期调整"), ("adjustment",)),
    "interest": (N_("逾期利息"), ("interest",)),
    "next_prepayment": (N_("下季预付"), ("next_prepayment",)),
    "total": (
        N_("本次应付净额"),
        ("true_up", "retention_release", "interest", "adjustment", "next_prepayment"),
    ),
}
"""The statement's sums, what they are called, and the kinds of lines that they add up."""
BARS: dict[str, str] = {
    "full fee": "full-fee",
    "fault deduction": "fault_deduction",
    "other deductions": "other_deduction",
    "payable": "payable",
    "retention": "retention",
    "prepaid": "prepaid",
    "true-up": "true_up",
    "adjustments": "adjustment",
    "retention released": "retention_release",
    "interest": "interest",
    "next prepayment": "next_prepayment",
    "net due now": "total",
}
"""The waterfall's steps by their English names, and the sums that they show."""
_PARENT = re.compile(r"(\d{4}Q[1-4])/(\d+)/(\d+)")
_MOVED = frozenset({"payable", "deduction"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an amount is what it is. `lines` are what it adds up, or what it is taken from; `rules` those that judged it.

    `parent` is the line that an adjustment corrects (quarter, revision, line), `source` the statement that prepaid.
    """

    title: str
    amount_fen: int
    line: Line | None
    phase: PhaseView | None
    lines: Sequence[Line]
    rules: Sequence[RuleResult]
    parent: tuple[str, int, int] | None = None
    source: tuple[str, int] | None = None


def reason_for(view: View, what: str) -> Reason | None:
    """Return why an amount is what it is: a line by its number, or a sum by its name. None if there is no such amount."""
    if what.isascii() and what.isdigit() and len(what) < 7:
        line = view.line(int(what))
        return None if line is None else _of_line(view, line)
    if what not in TOTALS:
        return None
    title, kinds = TOTALS[what]
    lines = [line for line in view.lines if line.kind in kinds]
    amount = view.totals["payable"] + view.totals["deduction"] if what == "full-fee" else view.totals[what]
    rules: Sequence[RuleResult] = view.rules if set(kinds) & _MOVED else ()
    return Reason(title, amount, None, None, lines, rules)


def _of_line(view: View, line: Line) -> Reason:
    phase = view.phase(line.phase)
    own = phase.lines if phase is not None else ()
    rules: list[RuleResult] = []
    lines: list[Line] = []
    source = None
    if line.kind in _MOVED:
        rules = [rule for rule in view.rules if rule.phase == line.phase and line.window in ("", rule.window)]
        lines = [other for other in own if other.kind in _MOVED and other.window == line.window and other.n != line.n]
    elif line.kind in {"true_up", "retention"}:
        lines = [other for other in own if other.kind in {"payable", "retention", "prepayment"} and other.n != line.n]
    elif line.kind in {"prepayment", "retention_release"}:
        held = view.before.get("prepaid" if line.kind == "prepayment" else "retained") or {}
        source = _source(held.get(line.phase))
    match = _PARENT.fullmatch(line.parent)
    parent = (match[1], int(match[2]), int(match[3])) if match else None
    return Reason(line.kind, line.gross_fen, line, phase, lines, rules, parent, source)


def _source(issued: object) -> tuple[str, int] | None:
    """The statement that an amount was issued by, as frozen inputs name it."""
    text = issued.get("source") if isinstance(issued, dict) else ""
    match = re.fullmatch(r"(\d{4}Q[1-4])/(\d+)", str(text or ""))
    return (match[1], int(match[2])) if match else None
