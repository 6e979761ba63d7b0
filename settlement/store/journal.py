"""The journal in the store: entries are added or taken back, never changed; every key has one effect."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, func, insert, select

from monitor.finding import refuse
from monitor.model import Instant
from settlement.canonical import canonical
from settlement.ledger import Account, Entry, Posting, Role, parse_account, reversal
from settlement.store import contracts
from settlement.store.money_tables import journal, postings
from settlement.store.tables import statements

_entry = journal.c


def post(connection: Connection, entry: Entry, *, at: Instant, actor: str, statement_id: int | None = None) -> int:
    """Add an entry in the caller's transaction and return its row; an entry that stands already adds nothing.

    InputError if the key stands with another day or other postings.
    """
    standing = connection.execute(select(journal).where(_entry.key == entry.key)).one_or_none()
    if standing is not None:
        known = connection.execute(
            select(postings).where(postings.c.journal_id == standing.id).order_by(postings.c.n)
        ).all()
        rows = [(row.account, row.fen, row.period) for row in known]
        ours = [(_account(entry, p), p.fen, p.period) for p in entry.postings]
        if (standing.day, rows) != (entry.day.isoformat(), ours):
            raise refuse(
                f"分录已存在而内容不同 the entry stands with other amounts or another day: {entry.key}",
                "冲回后以新的编号登记 take it back, and record the new one under another key",
                column="key",
            )
        return int(standing.id)
    reverses = None
    if entry.reverses:
        reverses = connection.scalar(select(_entry.id).where(_entry.key == entry.reverses))
        if reverses is None:
            raise ValueError(f"{entry.key} takes back {entry.reverses}, which is not in the journal")
    number = int(
        connection.execute(
            insert(journal)
            .values(
                contract=entry.contract,
                day=entry.day.isoformat(),
                statement_id=statement_id,
                reverses=reverses,
                key=entry.key,
                details=canonical(dict(entry.details)),
                why=entry.why,
                recorded_at=at,
                actor=actor,
            )
            .returning(_entry.id)
        ).scalar_one()
    )
    connection.execute(
        insert(postings),
        [
            {"journal_id": number, "n": n, "account": _account(entry, p), "fen": p.fen, "period": p.period}
            for n, p in enumerate(entry.postings)
        ],
    )
    return number


def _account(entry: Entry, posting: Posting) -> str:
    return Account(entry.contract, posting.role, posting.phase).text


def entries_of_statement(connection: Connection, statement_id: int) -> list[int]:
    """Return the rows of a statement's entries, in order."""
    return list(connection.scalars(select(_entry.id).where(_entry.statement_id == statement_id).order_by(_entry.id)))


def prepaid_for(connection: Connection, contract: str, period: str) -> dict[str, int]:
    """Return by phase what stands on the prepaid accounts for one service period, in fen."""
    query = (
        select(postings.c.account, func.sum(postings.c.fen))
        .join(journal, _entry.id == postings.c.journal_id)
        .where(_entry.contract == contract, postings.c.period == period)
        .group_by(postings.c.account)
    )
    found = [(parse_account(contract, account), int(total)) for account, total in connection.execute(query)]
    return {account.phase: total for account, total in found if account.role is Role.PREPAID}


def take_back(connection: Connection, key: str, day: date, why: str, *, at: Instant, actor: str) -> int:
    """Reverse an entry: every balance stands as before it. InputError if there is none, or it is taken back already."""
    row = connection.execute(select(journal).where(_entry.key == key)).one_or_none()
    if row is None:
        raise refuse(f"没有这个分录 no such entry: {key}", "camsla ledger show", column="key")
    taken = connection.scalar(select(_entry.id).where(_entry.reverses == row.id))
    if taken is not None or row.reverses is not None:
        word = "已冲回 is taken back already" if taken is not None else "本身是冲回 is a reversal itself"
        raise refuse(f"{key} {word}", "登记新的分录 record a new entry", column="key")
    found = next(entry for entry in entries(connection, row.contract) if entry.key == key)
    return post(connection, reversal(found, day, why), at=at, actor=actor, statement_id=row.statement_id)


def entries(connection: Connection, contract: str | None = None, until: date | None = None) -> list[Entry]:
    """Return the entries of a contract or of all, up to and with a day, by day and then in the order of recording."""
    query = (
        select(journal, statements.c.period, statements.c.revision)
        .outerjoin(statements, statements.c.id == _entry.statement_id)
        .order_by(_entry.day, _entry.id)
    )
    if contract is not None:
        query = query.where(_entry.contract == contract)
    if until is not None:
        query = query.where(_entry.day <= until.isoformat())
    rows = connection.execute(query).all()
    keys = {row.id: row.key for row in connection.execute(select(_entry.id, _entry.key))}
    held: dict[int, list[Posting]] = defaultdict(list)
    wanted = select(postings).order_by(postings.c.journal_id, postings.c.n)
    if contract is not None:
        wanted = wanted.join(journal, _entry.id == postings.c.journal_id).where(_entry.contract == contract)
    for row in connection.execute(wanted):
        account = parse_account("", row.account)
        held[row.journal_id].append(Posting(account.role, account.phase, row.fen, row.period))
    return [
        Entry(
            contract=row.contract,
            key=row.key,
            day=date.fromisoformat(row.day),
            why=row.why,
            postings=tuple(held[row.id]),
            statement="" if row.period is None else f"{row.period}/{row.revision}",
            reverses="" if row.reverses is None else keys[row.reverses],
            details=tuple(json.loads(row.details).items()),
        )
        for row in rows
    ]


def balances(connection: Connection, contract: str | None = None, until: date | None = None) -> dict[Account, int]:
    """Return every account's balance in fen, debit positive, added up by the database; sorted like the reports."""
    query = (
        select(_entry.contract, postings.c.account, func.sum(postings.c.fen))
        .join(journal, _entry.id == postings.c.journal_id)
        .group_by(_entry.contract, postings.c.account)
    )
    if contract is not None:
        query = query.where(_entry.contract == contract)
    if until is not None:
        query = query.where(_entry.day <= until.isoformat())
    found = {parse_account(name, account): int(total) for name, account, total in connection.execute(query)}
    order = list(Role)
    return dict(sorted(found.items(), key=lambda item: (item[0].contract, order.index(item[0].role), item[0].phase)))


def contract_titles(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    """Return the contracts' titles where a version is known, else their ids."""
    titles = {version.contract: version.terms.title for version in contracts.versions(connection)}
    return {name: titles.get(name) or name for name in names}
