"""What drafting a quarter needs to be told: whether it is the store's first, its phases, and what stands already."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from console.quarters.quarter import version_for
from console.settling.heads import head_of, life_and_steps
from console.settling.phases import PhaseWords, of_terms
from monitor.finding import Finding, InputError
from settlement.daycount import parse_quarter
from settlement.life import State
from settlement.store import contracts, statements


@dataclass(frozen=True, slots=True)
class DraftInfo:
    """A quarter to be drafted. `first` tells whether nothing was issued before it, so that its prepayment must be told.

    `opening` tells that it lies before the service and only issues the first prepayment. `standing` is the revision that
    stands, with its state; `stops` says why no version is in force.
    """

    contract: str
    title: str
    quarter: str
    version: int
    phases: tuple[tuple[str, str], ...]
    first: bool
    opening: bool
    prepays: bool
    standing: int | None
    state: str
    stops: tuple[Finding, ...] = ()
    words: PhaseWords = field(default_factory=PhaseWords)

    @property
    def further(self) -> bool:
        """Whether a draft stands that may be drafted anew."""
        return self.state == State.DRAFT.value


def draft_info(connection: Connection, contract: str, quarter: str) -> DraftInfo | None:
    """Return what a draft of the quarter needs; None if there is no such contract."""
    known = contracts.versions(connection, contract)
    if not known:
        return None
    when = parse_quarter(quarter)
    stops: tuple[Finding, ...] = ()
    try:
        chosen = version_for(connection, contract, when)
    except InputError as error:
        chosen, stops = known[-1], error.findings
    head = head_of(connection, contract, quarter)
    state = life_and_steps(connection, head)[0].state.value if head is not None else ""
    earlier = [q for q in statements.issued_quarters(connection, contract) if parse_quarter(q).start < when.start]
    first_day = min(phase.in_service_from for phase in chosen.terms.phases)
    opening = when.end <= first_day
    return DraftInfo(
        contract,
        chosen.terms.title,
        when.label,
        chosen.version,
        tuple((phase.id, phase.title) for phase in chosen.terms.phases if phase.in_service_from < when.end),
        not earlier and not opening,
        opening,
        bool(chosen.terms.prepay_share),
        None if head is None else head.revision,
        state,
        stops,
        of_terms(chosen.terms),
    )
