"""One statement as its pages show it: where it stands, who may do what, its view, disputes and what falls due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import Connection, select

from console.settling.actions import Choice, Stage, choices, next_word, strip
from console.settling.heads import Head, earlier_steps, head_of, life_and_steps, revisions_of
from console.settling.phases import of_terms
from console.settling.view import Line, View, view_of
from console.web.access import Person
from console.web.words import N_
from monitor.model import Instant
from monitor.scope import Scope
from monitor.store.tables import point_facts, points
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.disputes import undisputed_fen
from settlement.life import Life, Taken
from settlement.store import disputes
from settlement.store.disputes import Dispute
from settlement.store.tables import documents

KINDS: Mapping[str, str] = {
    "prepayment": N_("已预付"),
    "payable": N_("应付金额"),
    "deduction": N_("扣款"),
    "retention": N_("质保金留存"),
    "true_up": N_("多退少补"),
    "retention_release": N_("质保金退还"),
    "interest": N_("逾期利息"),
    "adjustment": N_("以前期调整"),
    "next_prepayment": N_("下季预付"),
}
"""The kinds of lines, message ids."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A statement's revision for one person. `newest` tells whether it is the one that goes on; `papers` names documents by digest."""

    head: Head
    life: Life
    steps: Sequence[Taken]
    terms: Terms
    view: View
    choices: Sequence[Choice]
    stages: Sequence[Stage]
    disputes: Sequence[Dispute]
    revisions: Sequence[Head]
    papers: Mapping[str, str]
    following: str

    @property
    def newest(self) -> bool:
        """Whether this is the newest revision."""
        return self.revisions[-1].id == self.head.id

    @property
    def contested_fen(self) -> int:
        """What is contested and not decided."""
        return sum(dispute.contested_fen for dispute in self.disputes if not dispute.decision)

    @property
    def undisputed_fen(self) -> int:
        """What falls due at once."""
        claims = [dispute.contested_fen for dispute in self.disputes if not dispute.decision]
        return undisputed_fen(self.view.totals["total"], claims)

    @property
    def base(self) -> str:
        """The address of its pages."""
        return address(self.head.contract, self.head.quarter)

    @property
    def tail(self) -> str:
        """What addresses of an earlier revision carry."""
        return "" if self.newest else f"?revision={self.head.revision}"

    def word(self, phase: str) -> str:
        """Return what the contract calls a phase."""
        return of_terms(self.terms).word(self.head.contract, phase)

    def served(self, line: Line) -> str:
        """Return the period that a line is of: a next prepayment's is the quarter after, an adjustment's the one it corrects."""
        if line.kind == "next_prepayment":
            return parse_quarter(line.window or self.head.quarter).following().label
        if line.kind == "adjustment" and line.parent:
            return line.parent.partition("/")[0]
        return line.window or self.head.quarter

    def said(self, text: str) -> str:
        """Return a sentence that names phases by their ids as people say it."""
        return of_terms(self.terms).said(self.head.contract, text)

    def may(self, word: str) -> bool:
        """Tell whether the person may take a step now."""
        return any(choice.may for choice in self.choices if choice.word == word)


def address(contract: str, quarter: str, *more: str) -> str:
    """Return the address of a statement's page."""
    return "/settlement/" + "/".join(quote(part, safe="") for part in (contract, quarter, *more))


def outage_address(point: str, incident: str) -> str | None:
    """Return the page of an outage that a rule punished; None for events, and for names that are not of our making."""
    code, sign, began = incident.rpartition("@")
    if not sign or code != point:
        return None
    try:
        moment = datetime.fromisoformat(began)
    except ValueError:
        return None
    return f"/points/{quote(point, safe='')}/outages/{int(moment.timestamp())}" if moment.tzinfo else None


def shown(
    connection: Connection, contract: str, quarter: str, revision: int | None, person: Person, at: Instant
) -> Shown | None:
    """Return a statement's revision, the newest unless one is named; None if there is none."""
    head = head_of(connection, contract, quarter, revision)
    if head is None:
        return None
    life, steps, terms = life_and_steps(connection, head)
    claims = disputes.of_statement(connection, head.id)
    revisions = revisions_of(connection, contract, quarter)
    open_claims = sum(not claim.decision for claim in claims)
    found: list[Choice] = []
    if revisions[-1].id == head.id:
        before = earlier_steps(connection, head)
        found = choices(steps, life, terms, person, at=at, place=head.name, before=before, open_disputes=open_claims)
    shas = {step.document_sha for step in steps} | {claim.document_sha for claim in claims}
    return Shown(
        head,
        life,
        steps,
        terms,
        view_of(connection, head, terms),
        found,
        strip(life, terms),
        claims,
        revisions,
        names_of(connection, shas - {""}),
        next_word(life, terms),
    )


def names_of(connection: Connection, shas: set[str]) -> dict[str, str]:
    """Return the names of documents by digest."""
    if not shas:
        return {}
    query = select(documents.c.sha256, documents.c.name).where(documents.c.sha256.in_(sorted(shas)))
    return {row.sha256: row.name for row in connection.execute(query)}


def visible_codes(connection: Connection, scope: Scope, contract: str) -> frozenset[str] | None:
    """Return the points that a reader sees, ever; None: all of the contract's. What an account is limited to by contract
    alone needs no look at the points."""
    if scope.areas is None and scope.supplier is None:
        return None
    query = select(points.c.code).join(point_facts, points.c.id == point_facts.c.point_id)
    query = query.where(point_facts.c.contract.in_(("", contract)))
    if scope.areas is not None:
        query = query.where(point_facts.c.area.in_(sorted(scope.areas)))
    if scope.supplier is not None:
        query = query.where(point_facts.c.supplier == scope.supplier)
    return frozenset(connection.scalars(query))
