"""The first administrator: made with a secret that the first start prints, and that is good for nothing afterwards."""

from __future__ import annotations

import hmac

from sqlalchemy import Connection, delete, select

from console.store import accounts, sessions
from console.store.account_terms import Terms
from console.store.sessions import Opening
from console.store.tables import first_secret
from console.web.access import Role
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer


def prepare(writer: Writer, digest: str, *, at: Instant, renew: bool = False) -> bool:
    """Store the secret's digest where there is no administrator and, unless `renew`, no secret yet; tell whether it was."""
    with writer.transaction() as connection:
        one_at_a_time(connection, "accounts")
        if accounts.administrators(connection, at):
            connection.execute(delete(first_secret))
            return False
        if waiting(connection) and not renew:
            return False
        connection.execute(delete(first_secret))
        connection.execute(first_secret.insert().values(id=1, digest=digest, created_at=at))
        writer.audit(connection, at=at, actor="camsla", action="first.prepare", object="first", before=None, after=None)
        return True


def waiting(connection: Connection) -> bool:
    """Tell whether a secret waits to be used."""
    return connection.scalar(select(first_secret.c.id)) is not None


def needed(connection: Connection, at: Instant) -> bool:
    """Tell whether the first administrator can be made: a secret waits, and nobody else is administrator."""
    return waiting(connection) and not accounts.administrators(connection, at)


def take(
    writer: Writer, digest: str, name: str, display: str, password: str, opening: Opening, *, at: Instant, language: str
) -> str:
    """Make the first administrator and sign them in; return the name. InputError for a wrong secret, or one used before."""
    with writer.transaction() as connection:
        one_at_a_time(connection, "accounts")
        known = connection.scalar(select(first_secret.c.digest))
        if known is None or accounts.administrators(connection, at) or not hmac.compare_digest(known, digest):
            raise refuse(
                "一次性口令不对或已用过 the one-time secret is wrong or used",
                "照首次启动时打印的输入；遗失时 if lost: camsla account first",
                column="secret",
            )
        made = accounts.add_within(
            connection,
            writer,
            name,
            Terms(display, frozenset({Role.ADMINISTRATOR})),
            password=password,
            must_change=False,
            at=at,
            actor="camsla",
            language=language,
        )
        connection.execute(delete(first_secret))
        sessions.open_within(connection, writer, made.name, opening, at=at)
        return made.name
