"""A quarter's statement: terms and facts in, lines with their arithmetic out.

Per phase: what was prepaid, what is payable, the deduction (full fee − payable, positive), the true-up (payable −
prepayment) and the next quarter's prepayment. Only prepayment, payable and next prepayment (and the full fee that the
deduction is taken from) are rounded, taxed and split; deduction and true-up are differences in every column, so that
gross, net, tax and every component add up to the fen. A phase's last quarter has no next prepayment: cash settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from monitor.finding import Finding, InputError
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.money import Amount, grouped, round_half_up, taxed, yuan
from settlement.readings import Ambiguity, Marks, compare, factor_text, marks_of, payable_fen, percent, rate_text
from settlement.rules import Charge, OnlineRate, PhaseFacts, Prepaid, charge, outside


class Kind(StrEnum):
    """The kinds of lines, in the order in which a phase's lines stand."""

    PREPAYMENT = "prepayment"
    PAYABLE = "payable"
    DEDUCTION = "deduction"
    TRUE_UP = "true_up"
    NEXT_PREPAYMENT = "next_prepayment"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a statement; `why` is its arithmetic."""

    phase: str
    kind: Kind
    amount: Amount
    why: str


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """A settled phase's figures beside its lines: the rate used, the exact point-months, the full fee's columns."""

    phase: str
    rate: OnlineRate | None
    point_months: Fraction
    full_fee: Amount
    unit_price_after_deduction_fen: int | None
    """核减后单价: payable per point and month; None where nothing was billed."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A contract's quarter under one reading. `total_fen` = Σ true-up + next prepayment: what now changes hands."""

    contract: str
    quarter: str
    reading: Reading
    lines: tuple[Line, ...]
    results: tuple[PhaseResult, ...]
    total_fen: int
    not_settled: tuple[str, ...]


def settle(
    terms: Terms, quarter: str | Quarter, facts: Mapping[str, PhaseFacts], reading: str | Reading | None = None
) -> tuple[Statement, list[Finding]]:
    """Settle the phases named in `facts` for a quarter, under the contract's reading unless another is given.

    Returns the statement and findings of level "warning" for phases that could not be settled (no assessable rate,
    nothing billed); those and the phases without facts are its `not_settled`. A phase that begins with the next quarter
    gets its first prepayment only, and needs no rate. InputError, with everything that is wrong: a quarter outside the
    contract or, with a given rate, outside the phase; an unknown phase or reading; no facts at all.
    """
    when, how = _checked(terms, quarter, facts, reading)
    findings: list[Finding] = []
    lines: list[Line] = []
    results: list[PhaseResult] = []
    for phase in terms.phases:
        known = facts.get(phase.id)
        if known is None:
            continue
        basis = charge(phase, when, known.groups, terms.day_count)
        if basis.fee_fen and known.rate is None:
            findings.append(_not_assessable(phase, when))
            continue
        settled = _phase_lines(terms, phase, when, basis, known.rate, how)
        if not settled:
            findings.append(_not_billed(phase, when))
            continue
        lines += settled
        results.append(_result(terms, phase, basis, known.rate, settled))
    done = {result.phase for result in results}
    return Statement(
        contract=terms.contract,
        quarter=when.label,
        reading=how,
        lines=tuple(lines),
        results=tuple(results),
        total_fen=sum(
            line.amount.line.gross_fen for line in lines if line.kind in {Kind.TRUE_UP, Kind.NEXT_PREPAYMENT}
        ),
        not_settled=tuple(phase.id for phase in terms.phases if phase.id not in done),
    ), findings


def ambiguity(terms: Terms, quarter: str | Quarter, facts: Mapping[str, PhaseFacts]) -> Ambiguity:
    """Compute the quarter under every reading. InputError as from `settle`."""
    when, _ = _checked(terms, quarter, facts, None)
    return compare(terms, when, facts)


def _checked(
    terms: Terms, quarter: str | Quarter, facts: Mapping[str, PhaseFacts], reading: str | Reading | None
) -> tuple[Quarter, Reading]:
    findings: list[Finding] = []
    how = terms.reading
    try:
        how = Reading(reading) if reading is not None else how
    except ValueError:
        known = ", ".join(Reading)
        findings.append(Finding("", 0, "reading", f"未知的口径 unknown reading: {reading}", f"可用 use one of {known}"))
    when: Quarter | None = None
    try:
        when = parse_quarter(quarter) if isinstance(quarter, str) else quarter
    except InputError as error:
        findings += error.findings
    if when is not None:
        findings += _out_of_term(terms, when, facts)
    ids = ", ".join(phase.id for phase in terms.phases)
    findings += [
        Finding("", 0, name, f"未知的期次 unknown phase: {name}", f"合同的期次 the contract's phases: {ids}")
        for name in sorted(facts)
        if terms.phase(name) is None
    ]
    if not facts:
        findings.append(
            Finding("", 0, "", "没有可结算的期次 nothing to settle", f"给出点数或名册 give points or a count for {ids}")
        )
    if findings or when is None:
        raise InputError(findings)
    return when, how


def _out_of_term(terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts]) -> list[Finding]:
    def term(phase: Phase) -> str:
        return f"{phase.id} {phase.in_service_from} – {phase.in_service_until}"

    if outside(terms, quarter):
        terms_text = "; ".join(term(phase) for phase in terms.phases)
        return [
            Finding("", 0, "quarter", f"季度在合同期之外 quarter outside the contract: {quarter.label}", terms_text)
        ]
    findings = []
    for phase in terms.phases:
        known = facts.get(phase.id)
        given = known is not None and known.rate is not None and known.rate.source == "given"
        if given and (phase.in_service_until <= quarter.start or quarter.end <= phase.in_service_from):
            message = f"给了在线率，但季度在期次之外 a rate is given for a quarter outside the phase: {quarter.label}"
            findings.append(Finding("", 0, phase.id, message, term(phase)))
    return findings


def _not_assessable(phase: Phase, quarter: Quarter) -> Finding:
    return Finding(
        "",
        0,
        phase.id,
        f"{quarter.label} 无可计在线率，未结算 not assessable: nothing was counted, so the phase is not settled",
        "导入监测记录或给出在线率 import observations or give a rate",
        "warning",
    )


def _not_billed(phase: Phase, quarter: Quarter) -> Finding:
    return Finding(
        "",
        0,
        phase.id,
        f"{quarter.label} 及下季初均无计费点位，未结算 no point is billed in the quarter or when the next one begins",
        "核对计费起止与期次日期 check billing and phase dates",
        "warning",
    )


def _phase_lines(
    terms: Terms, phase: Phase, quarter: Quarter, basis: Charge, rate: OnlineRate | None, reading: Reading
) -> list[Line]:
    """Return a phase's lines; none at all where there is neither a fee nor a prepayment."""
    marks = marks_of(terms)
    lines: list[Line] = []
    if basis.fee_fen and rate is not None:
        lines = _settled(terms, phase, quarter, basis, rate, reading)
    if basis.following is not None and (lines or basis.following.points):
        gross = basis.next_prepayment_fen(marks.prepay_share)
        why = _prepaid_text(phase, basis.following, marks, gross, quarter.following())
        lines.append(Line(phase.id, Kind.NEXT_PREPAYMENT, taxed(gross, terms.tax_rate, phase.weights), why))
    return lines


def _settled(
    terms: Terms, phase: Phase, quarter: Quarter, basis: Charge, rate: OnlineRate, reading: Reading
) -> list[Line]:
    marks = marks_of(terms)
    full = taxed(round_half_up(basis.fee_fen), terms.tax_rate, phase.weights)
    prepaid = taxed(basis.prepayment_fen(marks.prepay_share), terms.tax_rate, phase.weights)
    payable = taxed(payable_fen(reading, basis.fee_fen, rate.value, marks), terms.tax_rate, phase.weights)
    deduction, true_up = full.minus(payable), payable.minus(prepaid)
    due, before = payable.line.gross_fen, prepaid.line.gross_fen
    paid_text = _payable_text(phase, basis, rate, reading, marks, due)
    deduction_text = (
        f"{grouped(full.line.gross_fen)} − {grouped(due)} = {grouped(deduction.line.gross_fen)}"
        "（应计服务费 − 应付 full fee − payable）"
    )
    true_up_text = f"{grouped(due)} − {grouped(before)} = {grouped(due - before)}（{_settling(due - before, basis)}）"
    return [
        Line(
            phase.id,
            Kind.PREPAYMENT,
            prepaid,
            _prepaid_text(phase, basis.opening, marks, before, quarter),
        ),
        Line(phase.id, Kind.PAYABLE, payable, paid_text),
        Line(phase.id, Kind.DEDUCTION, deduction, deduction_text),
        Line(phase.id, Kind.TRUE_UP, true_up, true_up_text),
    ]


def _settling(true_up_fen: int, basis: Charge) -> str:
    if true_up_fen == 0:
        return "不退不补 even"
    word = "多退 refund" if true_up_fen < 0 else "少补 shortfall paid"
    if basis.following is None:
        return f"{word}，末季现金结清 last quarter, settled in cash"
    return f"{word}，抵扣下季预付 set off against the next prepayment" if true_up_fen < 0 else word


def _mixed(value: Fraction) -> str:
    """Write 3 as "3", 80/31 as "(2 18/31)", 1/2 as "1/2"."""
    whole, rest = divmod(value, 1)
    if not rest:
        return f"{int(whole):,}"
    return f"({int(whole):,} {rest})" if whole else str(rest)


def _price(phase: Phase) -> str:
    return f"{grouped(phase.unit_price_fen)} 元/点/月"


def _prepaid_text(phase: Phase, base: Prepaid, marks: Marks, gross_fen: int, quarter: Quarter) -> str:
    return (
        f"{base.points:,} 点 × {_price(phase)} × {_mixed(base.months)} 月 × {percent(marks.prepay_share)} = "
        f"{grouped(gross_fen)}（{quarter.start} 计费点位 points billed on that day）"
    )


def _payable_text(phase: Phase, basis: Charge, rate: OnlineRate, reading: Reading, marks: Marks, gross_fen: int) -> str:
    if basis.alike is not None:
        fee = f"{basis.alike.points:,} 点 × {_price(phase)} × {_mixed(basis.alike.months)} 月"
    else:
        fee = f"{_mixed(basis.point_months)} 点月 point-months × {_price(phase)}"
    text = f"{fee} × {factor_text(reading, rate, marks)} = {grouped(gross_fen)}"
    if rate.source == "measured":
        share = percent(rate.value)
        equals = share if share.startswith("≈") else f"= {share}"
        text += f"（在线率 online rate {rate.good:,} ÷ {rate.counted:,} {equals}）"
    elif rate_text(rate).startswith("("):
        text += f"（在线率 online rate {percent(rate.value)}）"
    return text


def _result(terms: Terms, phase: Phase, basis: Charge, rate: OnlineRate | None, lines: list[Line]) -> PhaseResult:
    payable = next((line.amount.line.gross_fen for line in lines if line.kind is Kind.PAYABLE), None)
    unit = round_half_up(payable / basis.point_months) if payable is not None and basis.point_months else None
    full = taxed(round_half_up(basis.fee_fen), terms.tax_rate, phase.weights)
    return PhaseResult(phase.id, rate, basis.point_months, full, unit)


def statement_json(statement: Statement) -> dict[str, Any]:
    """Return the statement as JSON data: amounts are strings of yuan with two decimals, components are gross."""
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
            for line in statement.lines
        ],
        "unit_price_after_deduction": {
            result.phase: None if price is None else yuan(price)
            for result in statement.results
            for price in (result.unit_price_after_deduction_fen,)
        },
        "total": yuan(statement.total_fen),
        "not_settled": list(statement.not_settled),
    }
