"""Contracts as they are shown: the list, one with its versions, the difference between two of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from console.settling.written import contract_text
from console.web.access import Person
from console.web.words import N_
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from monitor.store.lock import one_at_a_time
from monitor.store.tables import point_facts, points
from monitor.store.writer import Writer
from settlement.contract import Terms
from settlement.store import contracts, statements
from settlement.store.contracts import Version

PENDING, COMING, IN_FORCE, PAST = N_("待批准"), N_("未到生效日"), N_("生效中"), N_("已被取代")


class VersionRow(NamedTuple):
    """A version and where it stands, a message id."""

    version: Version
    status: str

    @property
    def tone(self) -> str:
        """The colour of its state."""
        return {PENDING: "warn", COMING: "plan", IN_FORCE: "good"}.get(self.status, "mute")


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract in the list: the version in force (else the newest), how many there are, how many wait."""

    name: str
    shown: Version
    status: str
    versions: int
    pending: int
    points: int
    quarters: int


def rows_of(found: Sequence[Version], today: date) -> list[VersionRow]:
    """Return a contract's versions with where each stands on a day, newest first."""
    begun = [v for v in found if v.approved_by and v.effective_from <= today]
    force = max(begun, key=lambda v: (v.effective_from, v.version), default=None)

    def status(version: Version) -> str:
        if not version.approved_by:
            return PENDING
        if version is force:
            return IN_FORCE
        return COMING if version.effective_from > today else PAST

    return [VersionRow(version, status(version)) for version in reversed(found)]


def contract_list(connection: Connection, person: Person, today: date) -> list[ContractRow]:
    """Return the contracts that a person sees, by name."""
    by_name: dict[str, list[Version]] = {}
    for version in contracts.versions(connection):
        if person.sees_contract(version.contract):
            by_name.setdefault(version.contract, []).append(version)
    sizes = _sizes(connection, today)
    found = []
    for name, versions in sorted(by_name.items()):
        rows = rows_of(versions, today)
        shown = next((row for row in rows if row.status == IN_FORCE), rows[0])
        pending = sum(row.status == PENDING for row in rows)
        quarters = len(statements.quarters(connection, name))
        found.append(ContractRow(name, shown.version, shown.status, len(rows), pending, sizes.get(name, 0), quarters))
    return found


def _sizes(connection: Connection, today: date) -> dict[str, int]:
    """The points that name each contract now."""
    at = midnight(today, "Asia/Shanghai") * MICROSECONDS
    facts = point_facts.c
    query = (
        select(facts.contract, func.count(func.distinct(points.c.code)))
        .join(points, points.c.id == facts.point_id)
        .where(facts.valid_from <= at, (facts.valid_to.is_(None)) | (facts.valid_to > at))
        .group_by(facts.contract)
    )
    return {name: int(count) for name, count in connection.execute(query)}


class Difference(NamedTuple):
    """Two versions' YAML as a unified difference: (kind, line), kinds added, gone, same, place."""

    lines: list[tuple[str, str]]


def text_difference(one: Terms, other: Terms) -> Difference:
    """Compare two versions as they would be written."""
    kinds = {"+": "added", "-": "gone", "@": "place"}
    rows = difflib.unified_diff(contract_text(one).splitlines(), contract_text(other).splitlines(), lineterm="", n=3)
    lines = [(kinds.get(row[:1], "same"), row) for row in rows if not row.startswith(("---", "+++"))]
    return Difference(lines)


def versions_of(connection: Connection, contract: str) -> list[Version]:
    """Return a contract's versions, oldest first."""
    return contracts.versions(connection, contract)


def add_version(
    writer: Writer, terms: Terms, effective_from: date | None, *, at: Instant, actor: str
) -> tuple[Version, bool]:
    """Store a version, pending until another person approves it; tell whether it was added."""
    with writer.transaction() as connection:
        one_at_a_time(connection, f"statement {terms.contract}")
        closed = statements.issued_quarters(connection, terms.contract)
        return contracts.add(connection, writer.audit, terms, effective_from, closed, at=at, actor=actor)


class ApprovedAlreadyError(InputError):
    """Somebody else approved the version meanwhile; the finding says who."""


def approve_version(writer: Writer, contract: str, number: int, *, at: Instant, actor: str) -> Version:
    """Put a version in force. ApprovedAlreadyError where somebody was faster; InputError as from the store."""
    with writer.transaction() as connection:
        one_at_a_time(connection, f"statement {contract}")
        known = contracts.one(connection, contract, number)
        closed = statements.issued_quarters(connection, contract)
        try:
            return contracts.approve(connection, writer.audit, contract, number, closed, at=at, actor=actor)
        except InputError as error:
            if known is not None and known.approved_by:
                raise ApprovedAlreadyError(error.findings) from None
            raise
