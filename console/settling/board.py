"""The table of contracts × quarters: where each statement stands, what it comes to, who takes the next step and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, select

from console.quarters.carried import preceding
from console.settling.actions import STAGES, WHO, choices, next_word
from console.settling.heads import Head, newest_heads, steps_of, sums_of, terms_of_version
from console.web.access import Person, Roles
from console.web.words import N_
from monitor.finding import InputError
from monitor.model import Instant
from settlement.calendar import Calendar
from settlement.contract import Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.disputes import undisputed_fen
from settlement.dues import Due, due_on, statement_dues
from settlement.life import Life, State, life_of, objection_ends
from settlement.store import dues as due_store
from settlement.store import workdays
from settlement.store.tables import contract_versions, dispute_decisions, disputes

NOT_DRAFTED = "not-drafted"
STATES: Mapping[str, str] = {NOT_DRAFTED: N_("未起草"), **{s.value: STAGES.get(s.value, s.value) for s in State}}
"""Where a quarter may stand, message ids."""
TONES: Mapping[str, str] = {
    NOT_DRAFTED: "mute",
    "draft": "mute",
    "reconciled": "plan",
    "confirmed": "plan",
    "disputed": "bad",
    "checked": "plan",
    "approved": "plan",
    "issued": "warn",
    "payment-requested": "warn",
    "paid": "good",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A contract's quarter. Amounts in fen, None where there is no statement; `roles` take the step `following`.

    `waits` tells whether this person may take it now. `due` is the day until which the next step, or the money, is due.
    """

    contract: str
    title: str
    quarter: str
    state: str
    revision: int | None
    payable_fen: int | None
    true_up_fen: int | None
    total_fen: int | None
    contested_fen: int
    undisputed_fen: int | None
    following: str
    roles: Roles
    waits: bool
    due: date | None
    due_is: str
    opening: bool = False


def board(connection: Connection, person: Person, today: date, at: Instant, contract: str | None = None) -> list[Row]:
    """Return the quarters of every contract that the person sees, newest first: those with a statement, and those to be drafted."""
    names = [name for name in _contracts(connection) if person.sees_contract(name) and contract in (None, name)]
    heads: dict[str, list[Head]] = defaultdict(list)
    for head in newest_heads(connection, names):
        heads[head.contract].append(head)
    numbers = [head.id for its in heads.values() for head in its]
    steps, sums, claims = steps_of(connection, numbers), sums_of(connection, numbers), open_claims(connection, numbers)
    calendar = workdays.calendar(connection)
    rows: list[Row] = []
    for name in names:
        terms, approved = _newest_terms(connection, name)
        lives: dict[str, Life] = {}
        for head in heads[name]:
            its = terms_of_version(connection, name, head.version)
            life = life_of(steps[head.id], its.approval)
            lives[head.quarter] = life
            found = choices(
                steps[head.id],
                life,
                its,
                person,
                at=at,
                place=head.name,
                open_disputes=len(claims.get(head.id, ())),
            )
            waits = any(c.may for c in found if c.word in {next_word(life, its), "decide", "silence"})
            rows.append(_row(connection, head, life, its, sums[head.id], claims.get(head.id, ()), waits, calendar))
        if approved:
            rows += [
                _undrafted(name, terms, quarter, person)
                for quarter in to_draft(terms, lives, [head.quarter for head in heads[name]], today)
            ]
    seen = [row for row in rows if person.sees_period(row.quarter)]
    return sorted(seen, key=lambda row: (row.quarter, row.contract), reverse=True)


def _contracts(connection: Connection) -> list[str]:
    query = select(contract_versions.c.contract).distinct().order_by(contract_versions.c.contract)
    return list(connection.scalars(query))


def _newest_terms(connection: Connection, contract: str) -> tuple[Terms, bool]:
    """Return the newest approved version's terms, else the newest's, and whether one is approved."""
    column = contract_versions.c
    query = select(column.version, column.approved_at).where(column.contract == contract).order_by(column.version)
    rows = connection.execute(query).all()
    approved = [row.version for row in rows if row.approved_at is not None]
    return terms_of_version(connection, contract, approved[-1] if approved else rows[-1].version), bool(approved)


def open_claims(connection: Connection, numbers: Sequence[int]) -> dict[int, list[int]]:
    """Return what is contested and not decided of several statements, in fen by statement."""
    made = dispute_decisions.c
    query = (
        select(disputes.c.statement_id, disputes.c.contested_fen)
        .outerjoin(dispute_decisions, made.dispute_id == disputes.c.id)
        .where(disputes.c.statement_id.in_(sorted(numbers)), made.dispute_id.is_(None))
    )
    found: dict[int, list[int]] = defaultdict(list)
    for number, fen in connection.execute(query) if numbers else ():
        found[number].append(int(fen))
    return dict(found)


def to_draft(terms: Terms, lives: Mapping[str, Life], known: Sequence[str], today: date) -> list[Quarter]:
    """Return the quarters that could be drafted now: the one after the last issued, or before any, those that are over.

    The quarter before the contract's first service is drafted for the first prepayment as soon as the contract is in force.
    """
    first = min(phase.in_service_from for phase in terms.phases)
    last = max(phase.in_service_until for phase in terms.phases)
    beginning = Quarter(first.year, (first.month + 2) // 3)
    if known:
        newest = parse_quarter(max(known, key=lambda label: parse_quarter(label).start))
        following = newest.following()
        if not lives[newest.label].final or following.start >= last:
            return []
        return [following] if following.end <= today else []
    found = [preceding(beginning)] if terms.prepay_share else []
    quarter = beginning
    while quarter.end <= today and quarter.start < last:
        found.append(quarter)
        quarter = quarter.following()
    return found


def to_draft_now(connection: Connection, contract: str, today: date) -> list[str] | None:
    """Return the quarters of a contract that could be drafted now; None if there is no such contract."""
    if contract not in _contracts(connection):
        return None
    terms, approved = _newest_terms(connection, contract)
    if not approved:
        return []
    heads = newest_heads(connection, [contract])
    steps = steps_of(connection, [head.id for head in heads])
    lives = {
        head.quarter: life_of(steps[head.id], terms_of_version(connection, contract, head.version).approval)
        for head in heads
    }
    return [quarter.label for quarter in to_draft(terms, lives, list(lives), today)]


def _undrafted(name: str, terms: Terms, quarter: Quarter, person: Person) -> Row:
    opening = quarter.end <= min(phase.in_service_from for phase in terms.phases)
    return Row(
        name,
        terms.title,
        quarter.label,
        NOT_DRAFTED,
        None,
        None,
        None,
        None,
        0,
        None,
        "draft",
        WHO["draft"],
        person.may(WHO["draft"]),
        None,
        "",
        opening,
    )


def _row(
    connection: Connection,
    head: Head,
    life: Life,
    terms: Terms,
    sums: Mapping[str, int],
    claims: Sequence[int],
    waits: bool,
    calendar: Calendar,
) -> Row:
    following = next_word(life, terms)
    due, due_is = due_day(connection, head, life, terms, calendar)
    return Row(
        head.contract,
        terms.title,
        head.quarter,
        life.state.value,
        head.revision,
        sums.get("payable", 0),
        sums.get("true_up", 0),
        sums["total"],
        sum(claims),
        undisputed_fen(sums["total"], claims),
        following,
        WHO.get(following, WHO["request-payment"] if following else frozenset()),
        waits,
        due,
        due_is,
        parse_quarter(head.quarter).end <= min(phase.in_service_from for phase in terms.phases),
    )


def due_day(
    connection: Connection, head: Head, life: Life, terms: Terms, calendar: Calendar
) -> tuple[date | None, str]:
    """Return the day until which something is due, and what: the supplier's objection, or the money; a message id."""
    if life.state is State.PAID:
        return None, ""
    if life.state is State.RECONCILED and (ends := objection_ends(life, terms.approval, terms.zone)) is not None:
        return ends, N_("异议期止")
    owed: Sequence[Due] = due_store.of_statement(connection, head.id) if life.final else ()
    days: list[date] = []
    try:
        if owed:
            days = [day for due in owed if (day := due_on(due, calendar)) is not None]
        elif not life.final and terms.payment.counted_from in {"quarter-start", "quarter-end"}:
            days = [day for due in _expected(head, terms) if (day := due_on(due, calendar)) is not None]
    except InputError:  # nobody knows the working days of that year yet
        return None, ""
    return (min(days), N_("应付日")) if days else (None, "")


def _expected(head: Head, terms: Terms) -> list[Due]:
    """The due of any line of the statement, by the contract's rule: it is counted from the quarter's own days."""
    line = {"kind": "next_prepayment", "n": 1, "gross": "0.01"}
    document = {
        "quarter": head.quarter,
        "revision": head.revision,
        "contract": {"id": head.contract},
        "phases": [{"phase": "", "lines": [line]}],
        "adjustments": [],
    }
    return statement_dues(document, terms.payment, parse_quarter(head.quarter).end - timedelta(days=1), {})
