"""Accounts: who may sign in, as what, and seeing what. Every change stands in the audit log with what was before.

Two rules hold under the writer's lock: no account takes the administrator's role from itself, and one administrator at
least can sign in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Required, TypedDict, Unpack

from sqlalchemy import Connection, Row, select, update

from console.store import sessions
from console.store.account_terms import Terms, columns, hold, named, roles_of, said, scope_of
from console.store.tables import accounts, tokens
from console.web.access import Person, Role, Roles
from monitor.finding import refuse
from monitor.model import Instant
from monitor.persons import person as as_compared
from monitor.persons import same_person
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer

Source = Literal["local", "oidc", "ldap"]


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands. `password` is an argon2id hash, empty where another service knows the password."""

    name: str
    terms: Terms
    source: Source
    subject: str
    password: str = field(repr=False)
    language: str
    must_change: bool
    disabled_at: Instant | None
    created_at: Instant
    password_at: Instant | None
    signed_in_at: Instant | None

    def alive(self, at: Instant) -> bool:
        """Tell whether the account may sign in at an instant."""
        return self.disabled_at is None and (self.terms.until is None or at < self.terms.until)

    @property
    def person(self) -> Person:
        """The account as the console knows persons. A supplier whose name nobody set sees nothing at all."""
        terms = self.terms
        roles = terms.roles - ({Role.SUPPLIER} if terms.scope.supplier is None else set())
        return Person(self.name, roles, terms.scope, terms.display, self.language)


def find(connection: Connection, name: str) -> Account | None:
    """Return an account, however its name is spelt; None if there is none."""
    row = connection.execute(select(accounts).where(accounts.c.key == as_compared(name))).one_or_none()
    return None if row is None else of_row(row)


def get(connection: Connection, name: str) -> Account:
    """Return an account. InputError if there is none."""
    found = find(connection, name)
    if found is None:
        raise refuse(f"没有账号 there is no account {name!r}", "camsla account list", column="name")
    return found


def by_subject(connection: Connection, source: Source, subject: str) -> Account | None:
    """Return the account of a sign-in service's subject."""
    row = connection.execute(
        select(accounts).where(accounts.c.source == source, accounts.c.subject == subject)
    ).one_or_none()
    return None if row is None else of_row(row)


def every(connection: Connection) -> list[Account]:
    """Return all accounts by name."""
    return [of_row(row) for row in connection.execute(select(accounts).order_by(accounts.c.name))]


def administrators(connection: Connection, at: Instant) -> list[str]:
    """Return the administrators who can sign in."""
    return [a.name for a in every(connection) if Role.ADMINISTRATOR in a.terms.roles and a.alive(at)]


class Given(TypedDict, total=False):
    """What an account is made with: its password's hash, empty where the service `source` knows it by `subject`."""

    password: Required[str]
    must_change: Required[bool]
    source: Source
    subject: str
    language: str


def add(writer: Writer, name: str, terms: Terms, *, at: Instant, actor: str, **given: Unpack[Given]) -> Account:
    """Add an account. InputError if the name is taken, in whatever spelling, or the terms do not hold."""
    with writer.transaction() as connection:
        return add_within(connection, writer, name, terms, at=at, actor=actor, **given)


def add_within(
    connection: Connection,
    writer: Writer,
    name: str,
    terms: Terms,
    *,
    at: Instant,
    actor: str,
    **given: Unpack[Given],
) -> Account:
    """Add an account in the caller's transaction; see `add`."""
    one_at_a_time(connection, "accounts")
    name, source = named(name), given.get("source", "local")
    hold(terms)
    if find(connection, name) is not None:
        raise refuse(f"账号已存在 the account exists: {name}", "换一个名称 choose another name", column="name")
    connection.execute(
        accounts.insert().values(
            name=name,
            key=as_compared(name),
            source=source,
            subject=given.get("subject", ""),
            password=given["password"],
            language=given.get("language", "zh"),
            must_change=int(given["must_change"]),
            created_at=at,
            password_at=at if given["password"] else None,
            **columns(terms),
        )
    )
    after = {**said(terms), "source": source}
    writer.audit(connection, at=at, actor=actor, action="account.add", object=name, before=None, after=after)
    return get(connection, name)


def change(writer: Writer, name: str, terms: Terms, *, at: Instant, actor: str) -> Account:
    """Decide anew about an account. InputError for one's own administrator's role, and for the last administrator's."""
    with writer.transaction() as connection:
        return change_within(connection, writer, name, terms, at=at, actor=actor)


def change_within(
    connection: Connection, writer: Writer, name: str, terms: Terms, *, at: Instant, actor: str
) -> Account:
    """Decide anew about an account in the caller's transaction; see `change`."""
    one_at_a_time(connection, "accounts")
    old = get(connection, name)
    hold(terms)
    loses = Role.ADMINISTRATOR in old.terms.roles - terms.roles
    if loses and same_person(actor, old.name):
        raise refuse(
            "不能取消自己的系统管理员角色 nobody takes the administrator's role from themselves",
            "请另一位管理员办理 ask another administrator",
            column="roles",
        )
    _write(connection, old.name, columns(terms))
    if Role.ADMINISTRATOR in old.terms.roles and old.alive(at):
        _still_governed(connection, old, at, "roles" if loses else "until")
    if terms != old.terms:
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="account.change",
            object=old.name,
            before=said(old.terms),
            after=said(terms),
        )
    return get(connection, old.name)


def from_service(
    writer: Writer, source: Source, subject: str, name: str, display: str, roles: Roles, *, at: Instant, language: str
) -> Account:
    """Return the account of a sign-in service's subject as the service describes it now: made, or given its roles anew.

    What an administrator decided (scope, end) stays. InputError where a name is taken by another account, or where the last
    administrator would lose the role.
    """
    with writer.transaction() as connection:
        one_at_a_time(connection, "accounts")
        known = by_subject(connection, source, subject)
        if known is not None:
            terms = replace(known.terms, display=display, roles=roles)
            return change_within(connection, writer, known.name, terms, at=at, actor=source)
        return add_within(
            connection,
            writer,
            name,
            Terms(display, roles),
            password="",
            must_change=False,
            at=at,
            actor=source,
            source=source,
            subject=subject,
            language=language,
        )


def disable(writer: Writer, name: str, *, at: Instant, actor: str) -> None:
    """Close an account: its sessions and tokens end with it. InputError for one's own, and for the last administrator."""
    with writer.transaction() as connection:
        one_at_a_time(connection, "accounts")
        old = get(connection, name)
        if same_person(actor, old.name):
            raise refuse(
                "不能停用自己的账号 nobody disables their own account",
                "请另一位管理员办理 ask another administrator",
                column="name",
            )
        if old.disabled_at is not None:
            return
        _write(connection, old.name, {"disabled_at": at})
        if Role.ADMINISTRATOR in old.terms.roles and old.alive(at):
            _still_governed(connection, old, at, "name")
        ended = sessions.end_all(connection, old.name)
        revoked = connection.execute(
            update(tokens).where(tokens.c.account == old.name, tokens.c.revoked_at.is_(None)).values(revoked_at=at)
        ).rowcount
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="account.disable",
            object=old.name,
            before=None,
            after={"sessions_ended": ended, "tokens_revoked": revoked},
        )


def enable(writer: Writer, name: str, *, at: Instant, actor: str) -> None:
    """Open a closed account again; its sessions and tokens stay ended."""
    with writer.transaction() as connection:
        old = get(connection, name)
        if old.disabled_at is None:
            return
        _write(connection, old.name, {"disabled_at": None})
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="account.enable",
            object=old.name,
            before={"disabled_at": old.disabled_at},
            after=None,
        )


def set_password(
    writer: Writer, name: str, password: str, *, must_change: bool, at: Instant, actor: str, keep: str = ""
) -> None:
    """Store another password's hash; every session but `keep` (a digest) ends. InputError where another service knows it."""
    with writer.transaction() as connection:
        old = get(connection, name)
        if old.source != "local":
            raise refuse(
                "该账号经统一认证登录，本系统不存其密码 this account signs in through another service",
                "在统一认证处修改密码 change the password there",
                column="password",
            )
        _write(connection, old.name, {"password": password, "password_at": at, "must_change": int(must_change)})
        ended = sessions.end_all(connection, old.name, keep=keep)
        after = {"must_change": must_change, "sessions_ended": ended}
        writer.audit(
            connection, at=at, actor=actor, action="account.password", object=old.name, before=None, after=after
        )


def set_language(writer: Writer, name: str, language: str, *, at: Instant, actor: str) -> None:
    """Set the language in which an account's pages come."""
    with writer.transaction() as connection:
        old = get(connection, name)
        if old.language == language:
            return
        _write(connection, old.name, {"language": language})
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="account.language",
            object=old.name,
            before=old.language,
            after=language,
        )


def of_row(row: Row[Any]) -> Account:
    """Return the account in a row."""
    return Account(
        row.name,
        Terms(row.display, roles_of(row.roles), scope_of(row), row.until_at),
        row.source,
        row.subject,
        row.password,
        row.language,
        bool(row.must_change),
        row.disabled_at,
        row.created_at,
        row.password_at,
        row.signed_in_at,
    )


def _still_governed(connection: Connection, old: Account, at: Instant, column: str) -> None:
    if not administrators(connection, at):
        raise refuse(
            f"{old.name} 是最后一位可登录的系统管理员 is the last administrator who can sign in",
            "先任命另一位 appoint another one first",
            column=column,
        )


def _write(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(accounts).where(accounts.c.name == name).values(**values))
