"""What earlier statements leave to a quarter: its prepayment as issued, what was kept back, corrections, grants, interest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection

from console.quarters import record
from console.quarters.relocating import relocations_due
from monitor.finding import Finding, InputError, refuse
from settlement.adjusting import Correction, Grant, amount_of, corrections
from settlement.charges import charge, price_on
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.disputes import DECISION_ZH, ONE
from settlement.inputs import settle_inputs
from settlement.lines import Adjustment, Before, Issued
from settlement.money import NOTHING, Amount, grouped, taxed
from settlement.quarter import frozen, terms_of
from settlement.rules import PhaseFacts, outside
from settlement.store import disputes, statements, workdays
from settlement.store.interest import interest_lines
from settlement.store.statements import Stored

COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Opening:
    """What was prepaid for a contract's first quarter in this store: amounts in fen by phase, or as the contract says."""

    amounts_fen: Mapping[str, int] = field(default_factory=dict)
    computed: bool = False


@dataclass(frozen=True, slots=True)
class Carried:
    """What a quarter begins with; `corrections` are the adjustments of `before` with where they come from."""

    before: Before
    corrections: tuple[Correction, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def preceding(quarter: Quarter) -> Quarter:
    """Return the quarter before."""
    return Quarter(quarter.year - (quarter.number == 1), (quarter.number - 2) % 4 + 1)


def check_order(connection: Connection, contract: str, quarter: Quarter) -> None:
    """Refuse a quarter whose predecessor is not issued, or that lies before an issued one. InputError with the remedy."""
    known = statements.quarters(connection, contract)
    done = set(statements.issued_quarters(connection, contract))
    later = sorted(label for label in done if parse_quarter(label).start > quarter.start)
    if later and quarter.label not in done:
        raise refuse(
            f"之后的季度已出具 a later quarter is issued already: {', '.join(later)}",
            f"更早的差额在下一未结季度调整 earlier differences are adjusted in {parse_quarter(later[-1]).following().label}",
            column="quarter",
        )
    before = [label for label in known if parse_quarter(label).start < quarter.start]
    needed = preceding(quarter).label
    if before and needed not in done:
        raise refuse(
            f"上季 {needed} 尚未出具 the quarter before is not issued yet",
            f"先完成 first: camsla statement draft {contract} {needed} … issue",
            column="quarter",
        )


def carried(
    connection: Connection,
    terms: Terms,
    quarter: Quarter,
    facts: Mapping[str, PhaseFacts],
    opening: Opening,
    today: date,
) -> Carried:
    """Return what earlier statements leave to a quarter. The caller has checked the order of quarters."""
    earlier = [
        stored
        for stored in statements.issued(connection, terms.contract)
        if parse_quarter(stored.quarter).start < quarter.start
    ]
    prepaid, notes = _prepaid(terms, quarter, facts, earlier, opening)
    made, findings = corrected(connection, earlier, earlier, today)
    made += _granted(connection, terms, quarter)
    interest = interest_lines(connection, terms, workdays.calendar(connection), today)
    moved = relocations_due(connection, terms, quarter, earlier)
    added = (*(correction.adjustment for correction in made), *interest, *moved)
    before = Before(prepaid, _retained(earlier), added)
    return Carried(before, tuple(made), tuple(findings), tuple(notes))


def issued_prepayments(previous: Stored, terms: Terms) -> dict[str, Issued]:
    """Return what a statement prepaid for the quarter after it, phase by phase; nothing for a phase without such a line."""
    source = f"{previous.quarter}/{previous.revision}"
    found = {phase.id: Issued(NOTHING, source) for phase in terms.phases}
    for line in statements.document_lines(previous.document):
        if line["kind"] == "next_prepayment":
            found[line["phase"]] = Issued(amount_of(line), source)
    return found


def completed(facts: Mapping[str, PhaseFacts], before: Before) -> dict[str, PhaseFacts]:
    """Add the phases that were prepaid and have no points any more, so that what was prepaid is paid back."""
    prepaid = {phase for phase, issued in before.prepaid.items() if any(issued.amount.line)}
    return {**facts, **{phase: PhaseFacts((), None) for phase in sorted(prepaid - facts.keys())}}


def _prepaid(
    terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts], earlier: Sequence[Stored], opening: Opening
) -> tuple[dict[str, Issued], list[str]]:
    given = bool(opening.amounts_fen) or opening.computed
    if earlier:
        if given:
            raise refuse(
                "预付以上季已出具的结算单为准 the prepayment is what the quarter before issued",
                "去掉 --prepaid leave it out",
                column="prepaid",
            )
        return issued_prepayments(earlier[-1], terms), []
    unknown = sorted(opening.amounts_fen.keys() - {phase.id for phase in terms.phases})
    if unknown:
        known = ", ".join(phase.id for phase in terms.phases)
        raise refuse(f"未知的期次 unknown phase: {', '.join(unknown)}", known, column="prepaid")
    due = {
        phase.id: charge(terms, phase, quarter, facts[phase.id]).prepayment_fen(terms.prepay_share)
        for phase in terms.phases
        if phase.id in facts
    }
    open_phases = [phase for phase, amount in due.items() if amount and phase not in opening.amounts_fen]
    if open_phases and not opening.computed:
        shown = " ".join(f"--prepaid {phase}={grouped(due[phase]).replace(',', '')}" for phase in open_phases)
        raise InputError(
            [
                Finding(
                    "",
                    0,
                    "prepaid",
                    f"{terms.contract} 在本库没有更早的结算单，{quarter.label} 的预付无从得知 this store has no earlier "
                    f"statement that issued a prepayment for {', '.join(open_phases)}",
                    f"先出具 issue {preceding(quarter).label} first, or say what was prepaid: {shown}，"
                    f"或按合同计算 or --prepaid {COMPUTED}",
                )
            ]
        )
    notes = []
    if opening.computed and open_phases:
        notes.append("预付按合同计算，不是已出具的结算单 prepayment computed from the contract, no statement issued it")
    source = "期初登记 as declared at the start"
    amounts = {
        phase.id: Issued(taxed(opening.amounts_fen[phase.id], terms.tax_rate, _shares(phase, quarter)), source)
        for phase in terms.phases
        if phase.id in opening.amounts_fen
    }
    return amounts, notes


def _shares(phase: Phase, quarter: Quarter) -> tuple[tuple[str, int], ...]:
    """The components of a phase's price when a quarter begins."""
    return price_on(phase, quarter.start.toordinal())[1]


def _retained(earlier: Sequence[Stored]) -> dict[str, Issued]:
    sums: dict[str, Amount] = {}
    last: dict[str, str] = {}
    for stored in earlier:
        for line in statements.document_lines(stored.document):
            if line["kind"] in {"retention", "retention_release"}:
                amount = amount_of(line)
                signed = amount if line["kind"] == "retention" else amount.negative()
                sums[line["phase"]] = sums.get(line["phase"], NOTHING).plus(signed)
                last[line["phase"]] = f"{stored.quarter}/{stored.revision}"
    return {phase: Issued(amount, last[phase]) for phase, amount in sums.items() if any(amount.line)}


def corrected(
    connection: Connection, targets: Sequence[Stored], issued: Sequence[Stored], today: date
) -> tuple[list[Correction], list[Finding]]:
    """Recompute statements from what is known, and return what each needs beyond the adjustments that were issued."""
    adjusted: list[tuple[str, Amount]] = []
    for stored in issued:
        grants = disputes.granted_numbers(connection, stored.id)
        adjusted += [
            (line["parent"], amount_of(line))
            for line in stored.document["adjustments"]
            if line["kind"] == "adjustment" and line["n"] not in grants
        ]
    made: list[Correction] = []
    findings: list[Finding] = []
    for stored in targets:
        now = recomputed(connection, stored, today)
        more, doubts = corrections(stored.document, now, adjusted, _advances(connection, stored))
        made += more
        findings += doubts
    return made, findings


def recomputed(connection: Connection, stored: Stored, today: date) -> Mapping[str, Any]:
    """Return an issued statement's document as it would be from today's data, under its own terms and prepayment."""
    inputs = frozen(stored)
    quarter = parse_quarter(stored.quarter)
    if outside(inputs.terms, quarter):
        return stored.document  # it only issued a prepayment, or brought corrections
    found = record.read(connection, inputs.terms, quarter, today)
    facts = completed(found.facts, inputs.before)
    if facts == inputs.facts:
        return stored.document
    fresh = replace(inputs, facts=facts, before=replace(inputs.before, adjustments=()))
    return settle_inputs(fresh)[1]


def _advances(connection: Connection, stored: Stored) -> list[Grant]:
    """What a statement's disputes were granted as amounts, by what a recomputation of it would raise."""
    lines = {line["n"]: line for line in statements.document_lines(stored.document)}
    found = []
    for dispute in disputes.grants(connection, stored.id):
        line = lines[dispute.line]
        if line["kind"] in ONE:
            window = None if line["kind"] == "true_up" else line.get("window", "")
            amount = _grant_amount(terms_of(connection, stored), line["phase"], dispute)
            found.append(Grant(line["phase"], window, amount))
    return found


def _grant_amount(terms: Terms, name: str, dispute: disputes.Dispute) -> Amount:
    phase = terms.phase(name)
    return taxed(dispute.granted_fen, terms.tax_rate, phase.weights if phase is not None else ())


def _granted(connection: Connection, terms: Terms, quarter: Quarter) -> list[Correction]:
    made = []
    for dispute in disputes.undelivered(connection, terms.contract):
        if parse_quarter(dispute.quarter).start > quarter.start:
            continue
        stored = statements.by_id(connection, dispute.statement_id)
        line = next(row for row in statements.document_lines(stored.document) if row["n"] == dispute.line)
        phase = terms.phase(line["phase"])
        shares = [(name, abs(part.gross_fen)) for name, part in amount_of(line).components]
        if not any(share for _, share in shares):
            shares = list(_shares(phase, parse_quarter(dispute.quarter))) if phase is not None else []
        amount = taxed(dispute.granted_fen, terms.tax_rate, shares)
        what = f"点位 point {dispute.point} " if dispute.point else ""
        why = (
            f"异议 dispute {dispute.id} {DECISION_ZH[dispute.decision]} {dispute.decision}：{what}"
            f"{grouped(dispute.granted_fen)} / {grouped(dispute.contested_fen)}（{dispute.decided_by}）"
        )
        made.append(Correction(Adjustment(line["phase"], "adjustment", amount, why, dispute.parent), dispute.id))
    return made
