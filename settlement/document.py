"""A statement as its document: canonical JSON data that papers, ledgers and packs are made from.

Amounts are yuan as text with two decimals; rates keep their two counts; lines are numbered through the whole statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from monitor.finding import Finding
from monitor.rates import Seconds, six
from settlement.canonical import canonical as canonical_text
from settlement.canonical import digest
from settlement.contract import Phase, Terms
from settlement.daycount import parse_quarter
from settlement.lines import Kind, Line, PhaseResult, PointLine, Statement, mixed, rule_json
from settlement.money import NOTHING, Amount, Columns, round_half_up, yuan
from settlement.rules import OnlineRate

__all__ = ["FORMAT", "NO_FACTS", "canonical", "digest", "statement_document", "why_not_settled"]
FORMAT = "camsla-statement/1"
BESIDE = frozenset({Kind.ADJUSTMENT, Kind.INTEREST})
"""Kinds of lines that stand under `adjustments`, not with a phase's own lines."""


def canonical(document: Any) -> bytes:
    """Write JSON data as the same bytes every time."""
    return canonical_text(document).encode()


def statement_document(
    statement: Statement,
    terms: Terms,
    *,
    contract_version: int = 0,
    revision: int = 0,
    software: str = "",
    findings: Iterable[Finding] = (),
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the statement's document. `findings` are those of `settle`; `notes` are printed as notices of level "note".

    A phase that was not settled stands in `not_settled` with its reasons.
    """
    known = list(findings)
    reasons: dict[str, list[str]] = {phase: [] for phase in statement.not_settled}
    for finding in known:
        if finding.column in reasons:
            reasons[finding.column].append(finding.message)
    numbered = list(enumerate(statement.lines, 1))
    return {
        "format": FORMAT,
        "contract": {
            "id": terms.contract,
            "title": terms.title,
            "version": contract_version,
            "purchaser": terms.purchaser,
            "supplier": terms.supplier,
        },
        "quarter": statement.quarter,
        "revision": revision,
        "reading": statement.reading.value,
        "software": software,
        "phases": [_phase(terms, result, numbered) for result in statement.results],
        "adjustments": [
            {
                "n": n,
                "phase": line.phase,
                "kind": line.kind.value,
                **_columns(line.amount),
                "why": line.why,
                "parent": line.parent,
            }
            for n, line in numbered
            if line.kind in BESIDE
        ],
        "totals": _totals(statement),
        "not_settled": [
            {"phase": phase, "reason": "; ".join(texts) or why_not_settled(terms, phase, statement.quarter)}
            for phase, texts in reasons.items()
        ],
        "notices": [
            {"level": finding.level, "phase": finding.column, "message": finding.message, "remedy": finding.remedy}
            for finding in known
            if finding.column not in reasons
        ]
        + [{"level": "note", "phase": "", "message": note, "remedy": ""} for note in notes],
    }


NO_FACTS = "没有数据 no facts"
"""Why a phase in service was not settled: no point of it is known, and no count was given."""


def why_not_settled(terms: Terms, phase: str, quarter: str) -> str:
    """Say why a phase of which a quarter's settling said nothing was not settled: its service, or that nothing is known."""
    known, when = terms.phase(phase), parse_quarter(quarter)
    if known is not None and when.end <= known.in_service_from:
        return f"未到服务期 not in service until {known.in_service_from}"
    if known is not None and known.in_service_until <= when.start:
        return f"服务期已满 its service ended before {known.in_service_until}"
    return NO_FACTS


def _phase(terms: Terms, result: PhaseResult, numbered: Sequence[tuple[int, Line]]) -> dict[str, Any]:
    phase = terms.phase(result.phase)
    gross = result.full_fee.line
    return {
        "phase": result.phase,
        "title": result.title,
        "unit_price": yuan(_price(result, phase)),
        "target": six(terms.target),
        "points": {
            "opening": result.opening,
            "added": result.added,
            "removed": result.removed,
            "point_months": mixed(result.point_months),
        },
        "full_fee": {"gross": yuan(gross.gross_fen), "net": yuan(gross.net_fen), "tax": yuan(gross.tax_fen)},
        "rate": _rate(result.rate),
        "own_rate": _rate(result.own_rate),
        "authority_rate": _rate(result.authority_rate),
        "seconds": _seconds(result.seconds),
        "component_names": [name for name, _ in result.full_fee.components],
        "lines": [
            {
                "n": n,
                "kind": line.kind.value,
                "window": line.window,
                **_columns(line.amount),
                "why": line.why,
                "parent": line.parent,
            }
            for n, line in numbered
            if line.phase == result.phase and line.kind not in BESIDE
        ],
        "windows": [
            {
                "window": evaluation.window,
                "fee": yuan(round_half_up(evaluation.fee)),
                "payable": yuan(round_half_up(evaluation.payable)),
                "rate": _rate(evaluation.rate),
            }
            for evaluation in result.evaluations
        ],
        "rules": [rule_json(rule) for evaluation in result.evaluations for rule in evaluation.results],
        "unit_price_after_deduction": None
        if result.unit_price_after_deduction_fen is None
        else yuan(result.unit_price_after_deduction_fen),
        "point_lines": [_point(point) for point in result.points],
    }


def _price(result: PhaseResult, phase: Phase | None) -> int:
    """The price in force at the end of what was charged; the contract's where nothing was."""
    if len(result.prices_fen) == 1 or phase is None:
        return result.prices_fen[0]
    return phase.unit_price_fen


def _rate(rate: OnlineRate | None) -> dict[str, Any] | None:
    if rate is None:
        return None
    return {
        "source": rate.source,
        "good": rate.good,
        "counted": rate.counted,
        "value": six(rate.value),
        "reference": rate.reference,
    }


def _seconds(seconds: Seconds | None) -> dict[str, int] | None:
    if seconds is None:
        return None
    return dict(zip(("online", "offline", "unknown", "excluded"), seconds, strict=True))


def _of(columns: Columns) -> dict[str, str]:
    return {"gross": yuan(columns.gross_fen), "net": yuan(columns.net_fen), "tax": yuan(columns.tax_fen)}


def _columns(amount: Amount) -> dict[str, Any]:
    return {**_of(amount.line), "components": {name: _of(part) for name, part in amount.components}}


def _point(point: PointLine) -> dict[str, Any]:
    return {
        "code": point.code,
        "full": yuan(point.full_fen),
        "payable": yuan(point.payable_fen),
        "deduction": yuan(point.full_fen - point.payable_fen),
        "outages": point.outages,
        "offline_s": point.offline_s,
        "rules": list(point.rules),
    }


def _totals(statement: Statement) -> dict[str, str]:
    """Sums over all phases; `total` is what now changes hands, with its tax."""
    sums = dict.fromkeys(Kind, 0)
    moved = NOTHING.line
    for line in statement.lines:
        sums[line.kind] += line.amount.line.gross_fen
        if line.moves:
            moved = moved.plus(line.amount.line)
    fault, other = statement.fault_deduction_fen, sums[Kind.DEDUCTION] - statement.fault_deduction_fen
    return {
        "prepaid": yuan(sums[Kind.PREPAYMENT]),
        "payable": yuan(sums[Kind.PAYABLE]),
        "deduction": yuan(sums[Kind.DEDUCTION]),
        "fault_deduction": yuan(fault),
        "other_deduction": yuan(other),
        "retention": yuan(sums[Kind.RETENTION]),
        "retention_release": yuan(sums[Kind.RETENTION_RELEASE]),
        "true_up": yuan(sums[Kind.TRUE_UP]),
        "adjustment": yuan(sums[Kind.ADJUSTMENT]),
        "interest": yuan(sums[Kind.INTEREST]),
        "next_prepayment": yuan(sums[Kind.NEXT_PREPAYMENT]),
        "total": yuan(moved.gross_fen),
        "net": yuan(moved.net_fen),
        "tax": yuan(moved.tax_fen),
    }
