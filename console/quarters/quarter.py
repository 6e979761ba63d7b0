"""The quarter's close as somebody asks for it: read the store once, compute, store once; and what was known when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.quarters import record
from console.quarters.carried import Opening, carried, check_order, completed, corrected, issued_prepayments, preceding
from console.quarters.progress import UNSEEN, Slate
from monitor.finding import Finding, InputError, refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import day_of
from monitor.store.database import reading
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer
from settlement.adjusting import Correction
from settlement.daycount import Quarter
from settlement.disputes import DECISION_ZH
from settlement.doubts import Doubt, DoubtfulError, doubts_of, unrated
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Before
from settlement.money import grouped
from settlement.quarter import Computed, compute, frozen, life, store
from settlement.store import contracts, disputes, statements
from settlement.store.contracts import Version
from settlement.store.disputes import Dispute
from settlement.store.statements import Stored

SOFTWARE = f"camsla {version('camsla')}"


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants drafted. `override` is the reason for closing in spite of doubts; "" is none."""

    contract: str
    quarter: Quarter
    override: str = ""
    redraft: bool = False
    opening: Opening = field(default_factory=Opening)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft as it now stands; `added` is False if it stood already."""

    stored: Stored
    added: bool
    findings: tuple[Finding, ...]


def draft(writer: Writer, order: Order, *, today: date, at: Instant, actor: str) -> Drafted:
    """Compute a quarter from the store and store it as a draft, in one transaction with its audit row.

    InputError, with nothing stored: no version in force, the quarter is not over or out of order, a doubt that nobody
    overrides, or a statement that stands and was made from other inputs.
    """
    with reading(writer.engine) as connection:
        computed = prepare(connection, order, today)
    return keep(writer, order, computed, at=at, actor=actor)


def keep(writer: Writer, order: Order, computed: Computed, *, at: Instant, actor: str) -> Drafted:
    """Store what `prepare` computed as a draft. InputError if somebody drafted the quarter meanwhile."""
    with writer.transaction() as connection:
        one_at_a_time(connection, f"statement {order.contract}")
        stored, added = store(connection, writer.audit, computed, reason=order.override, at=at, actor=actor)
    return Drafted(stored, added, computed.findings)


def prepare(connection: Connection, order: Order, today: date, slate: Slate = UNSEEN) -> Computed:
    """Compute what `draft` would store, from one snapshot; `slate` is told how far it is."""
    contract, quarter = order.contract, order.quarter
    chosen = version_for(connection, contract, quarter)
    newest = statements.find(connection, contract, quarter.label)
    check_order(connection, contract, quarter)
    opens = _opens(chosen, quarter)
    if today < quarter.end and not opens:
        raise refuse(
            f"季度 {quarter.label} 尚未结束 the quarter is not over",
            f"{quarter.end} 起 from that day on",
            column="quarter",
        )
    found = record.read(connection, chosen.terms, quarter, today, moved=slate.stage("reading"))
    slate.tell("settling")
    stopping = [finding for finding in found.findings if finding.level == "error"]
    if stopping:
        raise InputError(stopping)
    now = None if newest is None else life(connection, newest)
    if newest is not None and now is not None and now.final:
        # What earlier statements left to it was decided when it was made; only the record can have changed since.
        was = frozen(newest)
        found = replace(found, facts=completed(found.facts, was.before))
        inputs = inputs_of(chosen, quarter, found, was.before, was.notes)
        return compute(newest, now.state, inputs, (), redraft=False)
    left = carried(connection, chosen.terms, quarter, found.facts, order.opening, today)
    found = replace(found, facts=completed(found.facts, left.before))
    doubts = [] if opens else _doubts(chosen, quarter, found)
    notes = _overridden(doubts, order) + list(left.notes)
    alone = {doubt.phase for doubt in unrated(chosen.terms, quarter, found.facts)}
    alone |= {doubt.phase for doubt in doubts if doubt.kind == "nothing-counted"}
    inputs = inputs_of(chosen, quarter, found, replace(left.before, prepay_alone=frozenset(alone)), notes)
    state = None if now is None else now.state
    computed = compute(newest, state, inputs, left.corrections, redraft=order.redraft)
    warnings = [doubt.finding("warning") for doubt in doubts]
    if newest is not None and computed.standing is None:
        warnings += [_superseded(dispute) for dispute in disputes.of_statement(connection, newest.id)]
    return replace(computed, findings=(*found.findings, *left.findings, *warnings, *computed.findings))


def _superseded(dispute: Dispute) -> Finding:
    said = f"（{DECISION_ZH[dispute.decision]} {grouped(dispute.granted_fen)}）" if dispute.decision else ""
    message = f"重新起草后该异议{said}不再有效 the dispute is superseded by the further revision"
    remedy = "其理由成立的，写入本版或由供应商重新提出 take it into this revision, or let the supplier raise it again"
    return Finding("", 0, f"dispute {dispute.id}", message, remedy, "warning")


def version_for(connection: Connection, contract: str, quarter: Quarter, known_at: Instant | None = None) -> Version:
    """Return the version in force when a quarter begins, as known now or at an instant.

    The quarter before the contract's first has none: it is that which its first phase opens with, for the prepayment.
    InputError that says what there is instead.
    """
    found = contracts.in_force(connection, contract, quarter.start, known_at)
    if found is not None:
        return found
    found = contracts.in_force(connection, contract, quarter.end, known_at)
    if found is not None and quarter.end <= _first_day(found) < quarter.following().end:
        return found
    known = contracts.versions(connection, contract)
    remedy = _missing(contract, quarter, known, known_at)
    raise refuse(f"{quarter.label} 没有生效的合同版本 no version of {contract} is in force", remedy, column="contract")


def _missing(contract: str, quarter: Quarter, known: Sequence[Version], known_at: Instant | None) -> str:
    approved = [version for version in known if version.approved_at is not None]
    begun = [version for version in approved if version.effective_from <= quarter.start]
    if known_at is not None and begun:
        first = min(begun, key=lambda version: version.approved_at or 0)
        recorded, taken = (
            _written(at, first.terms.zone) for at in (first.recorded_at, first.approved_at or Instant(0))
        )
        return (
            f"版本 {first.version} 登记于 {recorded}、批准于 {taken}，此前系统中没有 "
            f"version {first.version} was recorded then and approved then: --on {taken[:10]} or later"
        )
    if approved:
        days = "，".join(f"v{version.version} {version.effective_from}" for version in approved)
        return f"各版本的生效日 versions hold from: {days}"
    if known:
        return f"由另一人批准 have it approved: camsla contract approve {contract} {known[-1].version}"
    return "先录入并批准 first: camsla contract add FILE, camsla contract approve CONTRACT VERSION"


def _written(at: Instant, zone: str) -> str:
    return datetime.fromtimestamp(at // MICROSECONDS, ZoneInfo(zone)).isoformat()


def _first_day(chosen: Version) -> date:
    return min(phase.in_service_from for phase in chosen.terms.phases)


def _opens(chosen: Version, quarter: Quarter) -> bool:
    """Tell whether the quarter lies before the contract's service, so that it only issues the first prepayment."""
    return quarter.end <= _first_day(chosen)


def _doubts(chosen: Version, quarter: Quarter, found: record.Record) -> list[Doubt]:
    own = [item for item in found.measured if item.phase not in found.decided]
    doubts = doubts_of(chosen.terms, own)
    named = {doubt.phase for doubt in doubts} | set(found.decided)
    facts = {phase: its for phase, its in found.facts.items() if phase not in named}
    return doubts + unrated(chosen.terms, quarter, facts)


def _overridden(doubts: Sequence[Doubt], order: Order) -> list[str]:
    """Return what is printed of an override. DoubtfulError with every doubt where nobody overrides them."""
    if doubts and not order.override:
        raise DoubtfulError(doubts)
    if order.override and not doubts:
        raise refuse(
            "没有需要说明理由的疑点 there is nothing to override", "去掉 --override leave it out", column="override"
        )
    if not doubts:
        return []
    return [
        f"说明理由关账 closed by override: {order.override}",
        *(f"{d.phase} {d.window}: {d.message}" for d in doubts),
    ]


def inputs_of(
    chosen: Version, quarter: Quarter, found: record.Record, before: Before, notes: Sequence[str] = ()
) -> Inputs:
    """Freeze what a quarter is settled from."""
    return Inputs(
        terms=chosen.terms,
        contract_version=chosen.version,
        quarter=quarter.label,
        facts=found.facts,
        before=before,
        evidence={**found.evidence, "contract_sha256": chosen.sha256},
        notes=tuple(notes),
        software=SOFTWARE,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """A quarter as known at an instant: recomputed from what was recorded by then, beside what had been issued by then.

    `adjusted` are the adjustment lines of the quarter that had been issued by then. `limits` say what the store cannot
    know of that time.
    """

    document: Mapping[str, Any]
    issued: Stored | None
    adjusted: tuple[Mapping[str, Any], ...]
    limits: tuple[str, ...]
    findings: tuple[Finding, ...]


def as_known(connection: Connection, contract: str, quarter: Quarter, known_at: Instant) -> Known:
    """Recompute a quarter from what was recorded by an instant, and as of its day: whether a figure was waited for then.

    InputError if no version was in force by then.
    """
    issued = statements.issued(connection, contract, known_at)
    own = next((stored for stored in issued if stored.quarter == quarter.label), None)
    chosen = version_for(connection, contract, quarter, known_at)
    day = day_of(known_at, chosen.terms.zone)
    found = record.read(connection, chosen.terms, quarter, day, known_at)
    before = next((stored for stored in issued if stored.quarter == preceding(quarter).label), None)
    base = Before()
    if own is not None:
        base = replace(frozen(own).before, adjustments=())
    elif before is not None:
        base = Before(issued_prepayments(before, chosen.terms))
    inputs = inputs_of(chosen, quarter, replace(found, facts=completed(found.facts, base)), base)
    _, document, findings = settle_inputs(inputs)
    prefix = f"{quarter.label}/"
    adjusted = [
        {**line, "statement": f"{stored.quarter}/{stored.revision}"}
        for stored in issued
        for line in stored.document["adjustments"]
        if line["parent"].startswith(prefix)
    ]
    return Known(document, own, tuple(adjusted), LIMITS, tuple(findings))


LIMITS = (
    "上级设备故障的结束时间不留登记时间，按现有记录 when an upstream device was found to be back is not recorded either: "
    "its end counts once it has come",
    "监测中断的结束时间不留登记时间，按现有记录 when a gap was found to be over is not recorded: it counts as it stands now",
    "本系统自己的观测按发生时间计为已知 our own observations count as known when they were made",
)
"""What the store cannot tell of an earlier time."""


def difference_today(connection: Connection, stored: Stored, today: date) -> tuple[list[Correction], list[Finding]]:
    """Return the adjustment lines that an issued statement needs today, beyond those that were issued since."""
    return corrected(connection, [stored], statements.issued(connection, stored.contract), today)
