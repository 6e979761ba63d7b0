"""What may be asked of a settlement: a quarter of the contract, one of its readings, facts of its phases."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.finding import Finding, InputError
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.families.registry import FAMILIES
from settlement.lines import Before
from settlement.money import grouped
from settlement.rules import PhaseFacts, outside


def checked(
    terms: Terms,
    quarter: str | Quarter,
    facts: Mapping[str, PhaseFacts],
    reading: str | Reading | None,
    before: Before | None = None,
) -> tuple[Quarter, Reading]:
    """Read the quarter and the reading. InputError with everything that is wrong with what is asked."""
    findings: list[Finding] = []
    how = terms.reading
    try:
        how = Reading(reading) if reading is not None else how
    except ValueError:
        known = ", ".join(Reading)
        findings.append(Finding("", 0, "reading", f"未知的口径 unknown reading: {reading}", f"可用 use one of {known}"))
    if how is not Reading.NONE and any(FAMILIES[rule.kind].main for rule in terms.rules):
        message = f"合同由主规则决定应付，不用口径 a main rule pays, not a reading: {reading}"
        findings.append(Finding("", 0, "reading", message, "去掉 --reading，或 --readings all leave it out"))
    when: Quarter | None = None
    try:
        when = parse_quarter(quarter) if isinstance(quarter, str) else quarter
    except InputError as error:
        findings += error.findings
    corrects = before is not None and bool(before.adjustments)
    keeps = before is not None and any(any(kept.amount.line) for kept in before.retained.values())
    opens = when is not None and before is not None and (_opens(terms, when) or (keeps and outside(terms, when)))
    if when is not None and not corrects and not opens:
        findings += _out_of_term(terms, when, facts)
    findings += _not_consumed(terms, before) if before is not None else []
    ids = ", ".join(phase.id for phase in terms.phases)
    findings += [
        Finding("", 0, name, f"未知的期次 unknown phase: {name}", f"合同的期次 the contract's phases: {ids}")
        for name in sorted(facts)
        if terms.phase(name) is None
    ]
    if not facts and not corrects and not keeps and not (before is not None and before.prepaid):
        findings.append(
            Finding("", 0, "", "没有可结算的期次 nothing to settle", f"给出点数或名册 give points or a count for {ids}")
        )
    if findings or when is None:
        raise InputError(findings)
    return when, how


def _not_consumed(terms: Terms, before: Before) -> list[Finding]:
    """Name what earlier statements left to phases that the contract no longer has: it would be lost."""
    ids = ", ".join(phase.id for phase in terms.phases)
    return [
        Finding(
            "",
            0,
            name,
            f"{what} {grouped(issued.amount.line.gross_fen)}（{issued.source}）的期次已不在合同中 of a phase that the contract "
            f"no longer has: {name}",
            f"保留该期次 keep the phase; 合同的期次 the contract's phases: {ids}",
        )
        for what, left in (("已出具的预付 issued prepayment", before.prepaid), ("留存 retention", before.retained))
        for name, issued in sorted(left.items())
        if terms.phase(name) is None and any(issued.amount.line)
    ]


def _opens(terms: Terms, quarter: Quarter) -> bool:
    """Tell whether the contract's first phase begins in the quarter after this one."""
    first = min(phase.in_service_from for phase in terms.phases)
    return quarter.end <= first < quarter.following().end


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
