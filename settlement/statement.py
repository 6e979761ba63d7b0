"""A quarter's statement: terms and facts in, lines with their arithmetic out.

Per phase: what was prepaid, what is payable, the deduction (full fee − payable, positive), the true-up (payable −
prepayment) and the next quarter's prepayment. Only prepayment, payable and next prepayment (and the full fee that the
deduction is taken from) are rounded, taxed and split; deduction and true-up are differences in every column, so that
gross, net, tax and every component add up to the fen. A phase's last quarter has no next prepayment: cash settles it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from monitor.finding import Finding
from settlement.ambiguity import Ambiguity, compare
from settlement.charges import Charge, charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.evaluate import Evaluation, evaluate, not_assessable
from settlement.judging import READING_RULE
from settlement.lines import MOVING, Before, Kind, Line, PhaseResult, PointLine, Statement, rule_json
from settlement.money import NOTHING, round_half_up, split, yuan
from settlement.phase_lines import columns, owed, phase_lines, released
from settlement.request import checked
from settlement.rules import PhaseFacts

__all__ = ["Before", "Kind", "Line", "PhaseResult", "Statement", "ambiguity", "settle", "statement_json"]

NO_POINTS = PhaseFacts((), None)
"""What is known of a phase that has no points any more."""


def settle(
    terms: Terms,
    quarter: str | Quarter,
    facts: Mapping[str, PhaseFacts],
    reading: str | Reading | None = None,
    before: Before | None = None,
) -> tuple[Statement, list[Finding]]:
    """Settle the phases named in `facts` for a quarter, under the contract's reading unless another is given.

    `before` is what earlier statements prepaid and kept back; without it the prepayment is computed from the contract.
    With it the quarter may also be the one before the contract's first, which issues the first prepayment, and any
    later one that has adjustments.

    Returns the statement and findings of level "warning": why a phase could not be settled (no assessable rate, nothing
    billed, points not known to a rule that looks at them), and the contract's notices. Phases that could not be settled
    and those without facts are its `not_settled`. A phase that begins with the next quarter gets its first prepayment
    only, and needs no rate. InputError, with everything that is wrong: a quarter outside the contract or, with a given
    rate, outside the phase; an unknown phase or reading; no facts at all.
    """
    earlier = before or Before()
    when, how = checked(terms, quarter, facts, reading, before)
    findings: list[Finding] = []
    lines: list[Line] = []
    results: list[PhaseResult] = []
    open_phases: set[str] = set()
    for phase in terms.phases:
        known = facts.get(phase.id, NO_POINTS if owed(earlier, phase.id) else None)
        if known is None:
            continue
        basis = charge(terms, phase, when, known)
        waits = phase.id in earlier.prepay_alone and known.rate is None
        evaluations, doubts = (
            ((), [not_assessable(phase, when.label)]) if waits else evaluate(terms, phase, when, known, basis, how)
        )
        findings += doubts
        unsettled = not evaluations and bool(doubts)
        paid_out = released(terms, phase, when, earlier)
        settled: list[Line] = []
        if not unsettled or phase.id in earlier.prepay_alone:
            settled = phase_lines(terms, phase, when, basis, evaluations, how, earlier)
            findings += [] if settled or unsettled or paid_out or phase.id not in facts else [_not_billed(phase, when)]
        open_phases |= {phase.id} if unsettled or not settled else set()
        settled += paid_out
        if not settled:
            continue
        lines += settled
        results.append(_result(terms, phase, basis, known, evaluations, settled))
        findings += [notice for evaluation in evaluations for notice in evaluation.notices]
    lines += [Line(a.phase, Kind(a.kind), a.amount, a.why, parent=a.parent) for a in earlier.adjustments]
    done = {result.phase for result in results} - open_phases
    return Statement(
        contract=terms.contract,
        quarter=when.label,
        reading=how,
        lines=tuple(lines),
        results=tuple(results),
        total_fen=sum(line.amount.line.gross_fen for line in lines if line.kind in MOVING),
        not_settled=tuple(phase.id for phase in terms.phases if phase.id not in done),
    ), findings


def ambiguity(terms: Terms, quarter: str | Quarter, facts: Mapping[str, PhaseFacts]) -> Ambiguity:
    """Compute the quarter under every reading. InputError as from `settle`."""
    when, _ = checked(terms, quarter, facts, None)
    return compare(terms, when, facts)


def _not_billed(phase: Phase, quarter: Quarter) -> Finding:
    return Finding(
        "",
        0,
        phase.id,
        f"{quarter.label} 及下季初均无计费点位，未结算 no point is billed in the quarter or when the next one begins",
        "核对计费起止与期次日期 check billing and phase dates",
        "warning",
    )


def _result(
    terms: Terms,
    phase: Phase,
    basis: Charge,
    facts: PhaseFacts,
    evaluations: Sequence[Evaluation],
    lines: Sequence[Line],
) -> PhaseResult:
    full = NOTHING
    for evaluation in evaluations:
        full = full.plus(columns(terms, basis, evaluation)[0])
    payable = sum(line.amount.line.gross_fen for line in lines if line.kind is Kind.PAYABLE)
    months = basis.point_months
    return PhaseResult(
        phase=phase.id,
        title=phase.title,
        rate=evaluations[0].rate if len(evaluations) == 1 else facts.rate,
        own_rate=facts.own_rate,
        authority_rate=facts.authority_rate,
        seconds=facts.seconds,
        prices_fen=tuple(price for price, _ in basis.priced),
        opening=sum(lot.points for lot in basis.lots if lot.opening),
        added=sum(lot.points for lot in basis.lots if not lot.opening),
        removed=sum(lot.points for lot in basis.lots if not lot.closing),
        point_months=months,
        full_fee=full,
        unit_price_after_deduction_fen=round_half_up(Fraction(payable) / months) if evaluations and months else None,
        evaluations=tuple(evaluations),
        points=_point_lines(evaluations),
    )


def _point_lines(evaluations: Sequence[Evaluation]) -> tuple[PointLine, ...]:
    """Spread each window's rounded full fee and payable over the roster's points by largest remainder."""
    sums: dict[str, PointLine] = {}
    for evaluation in evaluations:
        if not evaluation.by_point:
            continue
        fulls = split(round_half_up(evaluation.fee), [(share.code, share.full) for share in evaluation.by_point])
        weights = [(share.code, share.payable) for share in evaluation.by_point]
        payables = split(round_half_up(evaluation.payable), weights)
        for share in evaluation.by_point:
            code = share.code
            own = PointLine(code, fulls[code], payables[code], share.outages, share.offline_s, share.rules)
            known = sums.get(code)
            sums[code] = own if known is None else _added(known, own)
    return tuple(sums[code] for code in sorted(sums))


def _added(a: PointLine, b: PointLine) -> PointLine:
    return PointLine(
        a.code,
        a.full_fen + b.full_fen,
        a.payable_fen + b.payable_fen,
        a.outages + b.outages,
        a.offline_s + b.offline_s,
        tuple(dict.fromkeys(a.rules + b.rules)),
    )


def _rules_json(statement: Statement) -> dict[str, Any]:
    """What the contract's rules took, where it has any besides its reading."""
    found = [
        {"phase": result.phase, **rule_json(rule)}
        for result in statement.results
        for evaluation in result.evaluations
        for rule in evaluation.results
    ]
    return {"rules": found} if any(rule["rule"] != READING_RULE for rule in found) else {}


def statement_json(statement: Statement) -> dict[str, Any]:
    """Return the statement as JSON data: amounts are strings of yuan with two decimals, components are gross.

    `rules` stands there for contracts with rules, a line's `window` where months are settled one by one.
    """
    return {
        "contract": statement.contract,
        "quarter": statement.quarter,
        "reading": statement.reading.value,
        "lines": [
            {
                "phase": line.phase,
                "kind": line.kind.value,
                "amount": yuan(line.amount.line.gross_fen),
                "net": yuan(line.amount.line.net_fen),
                "tax": yuan(line.amount.line.tax_fen),
                "components": {name: yuan(part.gross_fen) for name, part in line.amount.components},
                "why": line.why,
            }
            | ({"window": line.window} if line.window else {})
            for line in statement.lines
        ],
        **_rules_json(statement),
        "unit_price_after_deduction": {
            result.phase: None if price is None else yuan(price)
            for result in statement.results
            for price in (result.unit_price_after_deduction_fen,)
        },
        "total": yuan(statement.total_fen),
        "not_settled": list(statement.not_settled),
    }
