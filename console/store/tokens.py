"""Tokens of the API: shown once, stored as a hash, ending on a day, never more than their owner may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from console.store.account_terms import roles_of, roles_text, said_scope, scope_columns, scope_of
from console.store.accounts import Account, of_row
from console.store.tables import accounts, tokens
from console.web.access import Roles
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.scope import Scope
from monitor.store.writer import Writer

MOST_TOKENS = 50
MOST_DAYS = 366
_BEGINS = 12
"""So many first characters are kept in the clear, so that an owner knows which token is which."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it stands. `begins` are its first characters."""

    id: int
    account: str
    name: str
    begins: str
    roles: Roles
    scope: Scope
    created_at: Instant
    expires_at: Instant
    used_at: Instant | None
    revoked_at: Instant | None

    def alive(self, at: Instant) -> bool:
        """Tell whether the token opens anything at an instant, as far as it goes."""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True)
class Wish:
    """A token that somebody wants: its name, what it may, and for how many days."""

    name: str
    roles: Roles
    scope: Scope
    days: int


def add(writer: Writer, account: Account, wish: Wish, word: str, digest: str, *, at: Instant) -> Token:
    """Store a token of an account. InputError for more than its owner may, for too long, or for too many."""
    if not wish.roles or wish.roles - account.terms.roles:
        raise refuse(
            "令牌的角色须在本人角色之内 a token's roles are among its owner's",
            "至少选一个本人的角色 choose from your own roles",
            column="roles",
        )
    if not 1 <= wish.days <= MOST_DAYS:
        raise refuse(f"有效天数须为 1–{MOST_DAYS} days must be 1–{MOST_DAYS}", "改短 shorten it", column="days")
    with writer.transaction() as connection:
        living = connection.scalar(
            select(func.count())
            .select_from(tokens)
            .where(tokens.c.account == account.name, tokens.c.revoked_at.is_(None), tokens.c.expires_at > at)
        )
        if (living or 0) >= MOST_TOKENS:
            raise refuse(
                f"令牌已满 {MOST_TOKENS} 个 there are enough tokens", "先撤销不用的 revoke some", column="name"
            )
        expires = Instant(at + wish.days * 86_400 * MICROSECONDS)
        number = connection.scalars(
            tokens.insert()
            .values(
                digest=digest,
                account=account.name,
                name=wish.name,
                begins=word[:_BEGINS],
                roles=roles_text(wish.roles),
                created_at=at,
                expires_at=expires,
                **scope_columns(wish.scope),
            )
            .returning(tokens.c.id)
        ).one()
        after = {
            "name": wish.name,
            "roles": sorted(wish.roles),
            "expires_at": expires,
            **said_scope(wish.scope),
        }
        writer.audit(
            connection,
            at=at,
            actor=account.name,
            action="token.add",
            object=f"{account.name}/{number}",
            before=None,
            after=after,
        )
        row = connection.execute(select(tokens).where(tokens.c.id == number)).one()
        return _of(row)


def revoke(writer: Writer, account: str, number: int, *, at: Instant, actor: str) -> bool:
    """Revoke an account's token; tell whether it had such a token that was not revoked."""
    with writer.transaction() as connection:
        done = connection.execute(
            update(tokens)
            .where(tokens.c.id == number, tokens.c.account == account, tokens.c.revoked_at.is_(None))
            .values(revoked_at=at)
        ).rowcount
        if done:
            object_ = f"{account}/{number}"
            writer.audit(connection, at=at, actor=actor, action="token.revoke", object=object_, before=None, after=None)
        return bool(done)


def of_account(connection: Connection, account: str) -> list[Token]:
    """Return an account's tokens, the newest first."""
    rows = connection.execute(select(tokens).where(tokens.c.account == account).order_by(tokens.c.id.desc()))
    return [_of(row) for row in rows]


def find(connection: Connection, digest: str) -> tuple[Token, Account] | None:
    """Return a token and its owner by the token's digest."""
    row = connection.execute(select(tokens).where(tokens.c.digest == digest)).one_or_none()
    if row is None:
        return None
    owner = connection.execute(select(accounts).where(accounts.c.name == row.account)).one()
    return _of(row), of_row(owner)


def _of(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.account,
        row.name,
        row.begins,
        roles_of(row.roles),
        scope_of(row),
        row.created_at,
        row.expires_at,
        row.used_at,
        row.revoked_at,
    )
