"""A phase's lines of a statement: prepayment, payable, deduction, retention and its release, true-up, next prepayment."""

from __future__ import annotations

from collections.abc import Sequence

from settlement.arithmetic import deduction_text, payable_text, prepaid_text, retention_text, true_up_text
from settlement.charges import Charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.evaluate import Evaluation
from settlement.lines import Before, Issued, Kind, Line
from settlement.money import NOTHING, Amount, grouped, round_half_up, taxed


def owed(before: Before, phase: str) -> bool:
    """Tell whether earlier statements prepaid something for a phase, or kept something back of it."""
    left = (before.prepaid.get(phase), before.retained.get(phase))
    return any(any(issued.amount.line) for issued in left if issued is not None)


def released(terms: Terms, phase: Phase, quarter: Quarter, before: Before) -> list[Line]:
    """Return the line that pays out what was kept back of a phase, once its day has come; none before.

    The day may lie after the phase's term and may have passed in a quarter that had no statement. A contract that keeps
    nothing back any more releases what it kept.
    """
    kept, clause = before.retained.get(phase.id), terms.retention
    if kept is None or not any(kept.amount.line) or (clause is not None and clause.released_on > quarter.end):
        return []
    when = "合同已无留存条款 nothing is kept back any more" if clause is None else str(clause.released_on)
    return [Line(phase.id, Kind.RETENTION_RELEASE, kept.amount, f"{when} 释放留存 released（{kept.source}）")]


def phase_lines(
    terms: Terms,
    phase: Phase,
    quarter: Quarter,
    basis: Charge,
    evaluations: Sequence[Evaluation],
    reading: Reading,
    before: Before,
) -> list[Line]:
    """Return a phase's lines; none at all where there is neither a fee nor a prepayment.

    What was prepaid for a quarter in which nothing is billed after all is paid back.
    """
    lines: list[Line] = []
    prepaid = before.prepaid.get(phase.id)
    if evaluations or (prepaid is not None and any(prepaid.amount.line) and not basis.fee_fen):
        lines = _settled(terms, phase, quarter, basis, evaluations, reading, before)
    following = basis.following
    if following is not None and (lines or following.points) and _prepays(terms, phase, quarter.following()):
        gross = basis.next_prepayment_fen(terms.prepay_share)
        why = prepaid_text(terms, phase, following, gross, quarter.following())
        lines.append(Line(phase.id, Kind.NEXT_PREPAYMENT, taxed(gross, terms.tax_rate, following.shares), why))
    return lines


def _prepays(terms: Terms, phase: Phase, quarter: Quarter) -> bool:
    """Tell whether a phase's quarter is prepaid: all are, but a contract may leave out its last."""
    return terms.payment.last_quarter == "cash" or phase.in_service_until > quarter.end


def _settled(
    terms: Terms,
    phase: Phase,
    quarter: Quarter,
    basis: Charge,
    evaluations: Sequence[Evaluation],
    reading: Reading,
    before: Before,
) -> list[Line]:
    payables, deductions, retained = [], [], NOTHING
    due = NOTHING
    if not evaluations:
        due = taxed(0, terms.tax_rate, basis.opening.shares)
        why = f"{quarter.label} 无计费点位 no point is billed"
        payables = [Line(phase.id, Kind.PAYABLE, due, why)]
        deductions = [Line(phase.id, Kind.DEDUCTION, due, deduction_text(due, due))]
    for evaluation in evaluations:
        window = "" if terms.grain == "quarter" else evaluation.window
        full, payable = columns(terms, basis, evaluation)
        why = payable_text(terms, basis, evaluation, reading, payable.line.gross_fen)
        payables.append(Line(phase.id, Kind.PAYABLE, payable, why, window))
        off = full.minus(payable)
        deductions.append(Line(phase.id, Kind.DEDUCTION, off, deduction_text(full, payable), window))
        due = due.plus(payable)
    prepaid, why = _prepaid(terms, phase, quarter, basis, before)
    lines = [Line(phase.id, Kind.PREPAYMENT, prepaid, why), *payables, *deductions]
    clause = terms.retention
    if clause is not None and clause.released_on > quarter.end:
        gross = round_half_up(due.line.gross_fen * clause.share)
        retained = taxed(gross, terms.tax_rate, [(name, part.gross_fen) for name, part in due.components])
        lines.append(Line(phase.id, Kind.RETENTION, retained, retention_text(terms, due, retained)))
    true_up = due.minus(retained).minus(prepaid)
    lines.append(Line(phase.id, Kind.TRUE_UP, true_up, true_up_text(due, retained, prepaid, basis)))
    return lines


def _prepaid(terms: Terms, phase: Phase, quarter: Quarter, basis: Charge, before: Before) -> tuple[Amount, str]:
    issued: Issued | None = before.prepaid.get(phase.id)
    if issued is not None:
        return (
            issued.amount,
            f"{grouped(issued.amount.line.gross_fen)}（已出具的预付 prepaid as issued: {issued.source}）",
        )
    if not _prepays(terms, phase, quarter):
        return taxed(0, terms.tax_rate, basis.opening.shares), "末季不预付 the last quarter is not prepaid"
    gross = basis.prepayment_fen(terms.prepay_share)
    why = prepaid_text(terms, phase, basis.opening, gross, quarter)
    return taxed(gross, terms.tax_rate, basis.opening.shares), why


def columns(terms: Terms, basis: Charge, evaluation: Evaluation) -> tuple[Amount, Amount]:
    """Return the full fee's and the payable's columns of a window, each rounded, taxed and split once."""
    fees = tuple(basis.component_fees(evaluation.months).items())
    shares = evaluation.by_component if any(part for _, part in evaluation.by_component) else fees
    return (
        taxed(round_half_up(evaluation.fee), terms.tax_rate, fees),
        taxed(round_half_up(evaluation.payable), terms.tax_rate, shares),
    )
