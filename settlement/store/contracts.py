"""Contract versions: added by one person, put in force by another, never changed and never reaching back.

A version holds from the first day of a quarter on. Of the approved versions that have begun, the one that began last is
in force, and of several from one day the one with the highest number: so a version never displaces one of a later day.
What was issued under an earlier version stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, Row, insert, select, update

from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.persons import same_person
from settlement.canonical import canonical, digest
from settlement.contract import Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.store.audit import AuditSink
from settlement.store.tables import contract_versions

_table = contract_versions.c


@dataclass(frozen=True, slots=True)
class Version:
    """A contract's version. `approved_by` is "" until a second person has put it in force."""

    contract: str
    version: int
    effective_from: date
    recorded_at: Instant
    actor: str
    sha256: str
    approved_at: Instant | None
    approved_by: str
    terms: Terms


def versions(connection: Connection, contract: str | None = None) -> list[Version]:
    """Return a contract's versions, or those of all contracts, by contract and number."""
    query = select(contract_versions).order_by(_table.contract, _table.version)
    if contract is not None:
        query = query.where(_table.contract == contract)
    return [_version(row) for row in connection.execute(query)]


def in_force(connection: Connection, contract: str, day: date, known_at: Instant | None = None) -> Version | None:
    """Return the version in force on a day, as now known or as known at an instant; None if there is none."""
    query = select(contract_versions).where(
        _table.contract == contract,
        _table.effective_from <= day.isoformat(),
        _table.approved_at.is_not(None) if known_at is None else _table.approved_at <= known_at,
    )
    row = connection.execute(query.order_by(_table.effective_from.desc(), _table.version.desc()).limit(1)).one_or_none()
    return None if row is None else _version(row)


def one(connection: Connection, contract: str, version: int) -> Version | None:
    """Return one version, approved or not."""
    query = select(contract_versions).where(_table.contract == contract, _table.version == version)
    row = connection.execute(query).one_or_none()
    return None if row is None else _version(row)


def add(
    connection: Connection,
    audit: AuditSink,
    terms: Terms,
    effective_from: date | None,
    closed: Collection[str],
    *,
    at: Instant,
    actor: str,
) -> tuple[Version, bool]:
    """Store a version, pending until another person approves it, and tell whether it was added.

    `closed` are the contract's issued quarters. Without a day the first version holds from the quarter in which the
    contract's first phase begins; an amendment must name its day. The newest version given again, with the same day,
    adds nothing. InputError: the day is no quarter's first, lies in or before an issued quarter, or is missing; a phase of
    the version before has vanished.
    """
    known = versions(connection, terms.contract)
    if effective_from is None and known:
        newest = known[-1]
        if newest.sha256 == digest(terms.document()):
            return newest, False
        raise refuse(
            "补充协议须写明生效日 an amendment names the day from which it holds",
            f"--effective-from {_earliest(terms, closed)}",
            column="effective-from",
        )
    start = effective_from or _first_quarter(terms).start
    findings = _day_findings(start, terms, closed) + _phase_findings(known, terms)
    if findings:
        raise InputError(findings)
    text = canonical(terms.document())
    sha = digest(terms.document())
    if known and (known[-1].sha256, known[-1].effective_from) == (sha, start):
        return known[-1], False
    number = known[-1].version + 1 if known else 1
    connection.execute(
        insert(contract_versions).values(
            contract=terms.contract,
            version=number,
            effective_from=start.isoformat(),
            recorded_at=at,
            actor=actor,
            terms=text,
            sha256=sha,
        )
    )
    audit(
        connection,
        at=at,
        actor=actor,
        action="contract.add",
        object=f"{terms.contract} v{number}",
        before=None if not known else {"version": known[-1].version, "sha256": known[-1].sha256},
        after={"version": number, "effective_from": start.isoformat(), "sha256": sha},
    )
    return Version(terms.contract, number, start, at, actor, sha, None, "", terms), True


def approve(
    connection: Connection,
    audit: AuditSink,
    contract: str,
    number: int,
    closed: Collection[str],
    *,
    at: Instant,
    actor: str,
) -> Version:
    """Put a version in force. InputError: no such version, approved already, one's own, or its day has been closed since."""
    found = one(connection, contract, number)
    place = f"{contract} v{number}"
    if found is None:
        numbers = ", ".join(str(v.version) for v in versions(connection, contract)) or "无 none"
        raise refuse(f"没有这个版本 no such version: {place}", f"已有 there are: {numbers}", column="version")
    findings = []
    if found.approved_by:
        message = f"已由 {found.approved_by} 批准 approved already"
        findings.append(Finding("", 0, place, message, "无须再批 nothing to do"))
    elif same_person(found.actor, actor):
        message = f"{actor} 录入了该版本，不能由同一人批准 whoever added a version cannot approve it"
        findings.append(Finding("", 0, place, message, "换一人批准 let another person approve it"))
    findings += _day_findings(found.effective_from, found.terms, closed)
    if findings:
        raise InputError(findings)
    connection.execute(
        update(contract_versions)
        .where(_table.contract == contract, _table.version == number)
        .values(approved_at=at, approved_by=actor)
    )
    audit(
        connection,
        at=at,
        actor=actor,
        action="contract.approve",
        object=place,
        before={"approved_by": None},
        after={"approved_by": actor, "effective_from": found.effective_from.isoformat(), "sha256": found.sha256},
    )
    audit.attest(
        connection,
        at=at,
        what="contract",
        id=contract,
        version=number,
        sha256=found.sha256,
        media="application/json",
        actor=actor,
        of={"added_by": found.actor, "effective_from": found.effective_from.isoformat()},
    )
    return Version(
        contract, number, found.effective_from, found.recorded_at, found.actor, found.sha256, at, actor, found.terms
    )


def _phase_findings(known: Sequence[Version], terms: Terms) -> list[Finding]:
    """A phase may end earlier, but it may not vanish: what was prepaid for it would vanish too."""
    if not known:
        return []
    kept = {phase.id for phase in terms.phases}
    return [
        Finding(
            "",
            0,
            "phases",
            f"期次 {phase.id} 不在新版本中 the phase is missing from the new version",
            "保留该期次，以 months 提前结束 keep it, and end it by its months",
        )
        for phase in known[-1].terms.phases
        if phase.id not in kept
    ]


def _day_findings(day: date, terms: Terms, closed: Collection[str]) -> list[Finding]:
    column = "effective-from"
    earliest = _earliest(terms, closed)
    if (day.day, (day.month - 1) % 3) != (1, 0):
        message = f"生效日须为季度首日 a version holds from the first day of a quarter: {day}"
        remedy = "季度中变价写在期次的 prices 里 a price that changes inside a quarter goes into the phase's `prices`"
        return [Finding("", 0, column, message, f"{remedy}; --effective-from {earliest}")]
    touched = sorted(label for label in closed if parse_quarter(label).end > day)
    if touched:
        message = f"生效日 {day} 落在已出具的季度 {', '.join(touched)} the day lies in or before a quarter that has been issued"
        remedy = (
            f"最早 the earliest is {earliest}；更早的差额走异议或调整 earlier differences go by dispute or adjustment"
        )
        return [Finding("", 0, column, message, remedy)]
    return []


def _earliest(terms: Terms, closed: Collection[str]) -> date:
    ends = [parse_quarter(label).end for label in closed]
    return max([_first_quarter(terms).start, *ends])


def _first_quarter(terms: Terms) -> Quarter:
    first = min(phase.in_service_from for phase in terms.phases)
    return Quarter(first.year, (first.month + 2) // 3)


def _version(row: Row[tuple[object, ...]]) -> Version:
    return Version(
        row.contract,
        row.version,
        date.fromisoformat(row.effective_from),
        Instant(row.recorded_at),
        row.actor,
        row.sha256,
        None if row.approved_at is None else Instant(row.approved_at),
        row.approved_by or "",
        Terms.model_validate(json.loads(row.terms)),
    )
