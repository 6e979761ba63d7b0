"""Sessions: what a cookie stands for. The database holds its SHA-256; whoever reads the database cannot use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from console.store.tables import accounts, sessions, tokens
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.writer import Writer

MOST_SESSIONS = 20
"""An account's sessions; the next one ends the one that was seen longest ago."""
MAX_BROWSER, MAX_ADDRESS = 200, 64


@dataclass(frozen=True, slots=True)
class Session:
    """One session. `digest` is the cookie's SHA-256; `account` or `link` owns it."""

    digest: str
    account: str | None
    link: int | None
    means: str
    csrf: str
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Opening:
    """A session to be opened; `replaces` is the digest of the one that the browser had before, if any."""

    digest: str
    csrf: str
    means: str
    expires_at: Instant
    address: str
    browser: str
    replaces: str = ""


def open_session(
    writer: Writer, account: str, opening: Opening, *, at: Instant, proved: str = "", newer: str | None = None
) -> None:
    """Open an account's session; the one that it replaces ends. `newer` is a newer hash of the same password.

    InputError where the account was closed, or its password replaced (it is no longer `proved`, a hash), while whoever
    signs in was being checked: that ended all sessions, and this one would outlive it.
    """
    with writer.transaction() as connection:
        row = connection.execute(select(accounts).where(accounts.c.name == account)).one()
        over = row.disabled_at is not None or (row.until_at is not None and row.until_at <= at)
        if over or (proved and row.password != proved):
            raise refuse(
                "账号已停用、到期或刚改了密码 the account is closed or over, or its password has just changed",
                "重试，或联系系统管理员 try again, or ask an administrator",
            )
        open_within(connection, writer, account, opening, at=at)
        if newer is not None:
            connection.execute(update(accounts).where(accounts.c.name == account).values(password=newer))


def open_within(connection: Connection, writer: Writer, account: str, opening: Opening, *, at: Instant) -> None:
    """Open an account's session in the caller's transaction; see `open_session`."""
    _insert(connection, opening, at, account=account)
    _only_so_many(connection, account)
    connection.execute(update(accounts).where(accounts.c.name == account).values(signed_in_at=at))
    after = {"means": opening.means, "address": opening.address[:MAX_ADDRESS]}
    writer.audit(connection, at=at, actor=account, action="session.open", object=account, before=None, after=after)


def open_for_link(connection: Connection, link: int, opening: Opening, *, at: Instant) -> None:
    """Open a link's session in the caller's transaction."""
    _insert(connection, opening, at, link=link)


def find(connection: Connection, digest: str) -> Session | None:
    """Return a session by its cookie's digest."""
    row = connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
    return None if row is None else _of(row)


def of_account(connection: Connection, account: str, at: Instant) -> list[Session]:
    """Return an account's sessions that are not over, the one seen last first."""
    rows = connection.execute(
        select(sessions)
        .where(sessions.c.account == account, sessions.c.expires_at > at)
        .order_by(sessions.c.seen_at.desc(), sessions.c.digest)
    )
    return [_of(row) for row in rows]


def end(writer: Writer, digest: str, *, at: Instant, actor: str, action: str = "session.end") -> bool:
    """End a session; tell whether there was one."""
    with writer.transaction() as connection:
        found = find(connection, digest)
        if found is None:
            return False
        connection.execute(delete(sessions).where(sessions.c.digest == digest))
        owner = found.account or f"link:{found.link}"
        writer.audit(
            connection, at=at, actor=actor, action=action, object=owner, before={"means": found.means}, after=None
        )
        return True


def end_every(writer: Writer, account: str, *, at: Instant, actor: str, keep: str = "") -> int:
    """End an account's sessions, but for `keep`; return how many there were."""
    with writer.transaction() as connection:
        ended = end_all(connection, account, keep=keep)
        if ended:
            after = {"ended": ended}
            writer.audit(
                connection, at=at, actor=actor, action="session.end-all", object=account, before=None, after=after
            )
        return ended


def end_all(connection: Connection, account: str, *, keep: str = "") -> int:
    """End an account's sessions in the caller's transaction."""
    return connection.execute(delete(sessions).where(sessions.c.account == account, sessions.c.digest != keep)).rowcount


def seen(writer: Writer, last: Mapping[str, Instant], used: Mapping[int, Instant]) -> None:
    """Note when sessions (by digest) and tokens (by number) were last used; no news for the audit log."""
    with writer.transaction() as connection:
        if last:
            connection.execute(
                update(sessions).where(sessions.c.digest == bindparam("b_digest")).values(seen_at=bindparam("b_at")),
                [{"b_digest": digest, "b_at": at} for digest, at in last.items()],
            )
        if used:
            connection.execute(
                update(tokens).where(tokens.c.id == bindparam("b_id")).values(used_at=bindparam("b_at")),
                [{"b_id": number, "b_at": at} for number, at in used.items()],
            )


def _insert(
    connection: Connection, opening: Opening, at: Instant, *, account: str | None = None, link: int | None = None
) -> None:
    connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
    if opening.replaces:
        connection.execute(delete(sessions).where(sessions.c.digest == opening.replaces))
    connection.execute(
        sessions.insert().values(
            digest=opening.digest,
            account=account,
            link=link,
            means=opening.means,
            csrf=opening.csrf,
            created_at=at,
            seen_at=at,
            expires_at=opening.expires_at,
            address=opening.address[:MAX_ADDRESS],
            browser=opening.browser[:MAX_BROWSER],
        )
    )


def _only_so_many(connection: Connection, account: str) -> None:
    rows = connection.scalars(
        select(sessions.c.digest)
        .where(sessions.c.account == account)
        .order_by(sessions.c.seen_at.desc(), sessions.c.created_at.desc())
    )
    for digest in list(rows)[MOST_SESSIONS:]:
        connection.execute(delete(sessions).where(sessions.c.digest == digest))


def _of(row: Row[Any]) -> Session:
    return Session(
        row.digest,
        row.account,
        row.link,
        row.means,
        row.csrf,
        row.created_at,
        row.seen_at,
        row.expires_at,
        row.address,
        row.browser,
    )
