"""Evaluators' links: an address that opens one contract, one period or all, to be read until a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from console.store import sessions as kept
from console.store.sessions import Opening
from console.store.tables import links, sessions
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.store.writer import Writer

MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Link:
    """A link as it stands. `period` is a quarter or a year, empty for all."""

    id: int
    label: str
    contract: str
    period: str
    created_at: Instant
    created_by: str
    expires_at: Instant
    revoked_at: Instant | None
    opened_at: Instant | None
    opened: int

    def alive(self, at: Instant) -> bool:
        """Tell whether the link opens anything at an instant."""
        return self.revoked_at is None and at < self.expires_at

    @property
    def actor(self) -> str:
        """As whom the reader of the link appears in the audit log."""
        return f"link:{self.id}"


@dataclass(frozen=True, slots=True)
class Wish:
    """A link that somebody wants: for whom, to what, and for how many days."""

    label: str
    contract: str
    period: str
    days: int


def add(writer: Writer, wish: Wish, digest: str, *, at: Instant, actor: str) -> Link:
    """Store a link. InputError where it would live for no time, or for more than a year."""
    if not 1 <= wish.days <= MOST_DAYS:
        raise refuse(f"有效天数须为 1–{MOST_DAYS} days must be 1–{MOST_DAYS}", "改短 shorten it", column="days")
    expires = Instant(at + wish.days * 86_400 * MICROSECONDS)
    with writer.transaction() as connection:
        number = connection.scalars(
            links.insert()
            .values(
                digest=digest,
                label=wish.label,
                contract=wish.contract,
                period=wish.period,
                created_at=at,
                created_by=actor,
                expires_at=expires,
                opened=0,
            )
            .returning(links.c.id)
        ).one()
        after = {
            "label": wish.label,
            "contract": wish.contract,
            "period": wish.period,
            "expires_at": expires,
        }
        writer.audit(connection, at=at, actor=actor, action="link.add", object=str(number), before=None, after=after)
        return get(connection, number)


def revoke(writer: Writer, number: int, *, at: Instant, actor: str) -> None:
    """End a link and the sessions that it opened."""
    with writer.transaction() as connection:
        done = connection.execute(
            update(links).where(links.c.id == number, links.c.revoked_at.is_(None)).values(revoked_at=at)
        ).rowcount
        if not done:
            return
        ended = connection.execute(delete(sessions).where(sessions.c.link == number)).rowcount
        after = {"sessions_ended": ended}
        writer.audit(connection, at=at, actor=actor, action="link.revoke", object=str(number), before=None, after=after)


def open_link(writer: Writer, link: Link, opening: Opening, *, at: Instant) -> None:
    """Open a session for a link's reader."""
    with writer.transaction() as connection:
        kept.open_for_link(connection, link.id, opening, at=at)
        connection.execute(update(links).where(links.c.id == link.id).values(opened=links.c.opened + 1, opened_at=at))
        writer.audit(
            connection,
            at=at,
            actor=link.actor,
            action="link.open",
            object=str(link.id),
            before=None,
            after={"address": opening.address[: kept.MAX_ADDRESS]},
        )


def find(connection: Connection, digest: str) -> Link | None:
    """Return a link by its word's digest."""
    row = connection.execute(select(links).where(links.c.digest == digest)).one_or_none()
    return None if row is None else _of(row)


def get(connection: Connection, number: int) -> Link:
    """Return a link by its number. NoResultFound if there is none."""
    return _of(connection.execute(select(links).where(links.c.id == number)).one())


def every(connection: Connection) -> list[Link]:
    """Return all links, the newest first."""
    return [_of(row) for row in connection.execute(select(links).order_by(links.c.id.desc()))]


def _of(row: Row[Any]) -> Link:
    return Link(
        row.id,
        row.label,
        row.contract,
        row.period,
        row.created_at,
        row.created_by,
        row.expires_at,
        row.revoked_at,
        row.opened_at,
        row.opened,
    )
