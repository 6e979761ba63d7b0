"""Accounts: who may sign in, as what, and seeing what. Every change stands in the audit log with what was before.

Two rules hold under the writer's lock: no account takes the administrator's role from itself, and one administrator at
least can sign in.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from console.store import sessions
from console.store.tables import accounts, tokens
from console.web.access import FINANCE, ROLE_ZH, Person, Role, Roles
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.persons import person as as_compared
from monitor.persons import same_person
from monitor.scope import EVERYTHING, Scope
from monitor.store.lock import one_at_a_time
from monitor.store.writer import Writer

Source = Literal["local", "oidc", "ldap"]
MAX_NAME, MAX_DISPLAY, MAX_SCOPE = 40, 60, 200
_NAME = re.compile(r"[\w.@-]{1,40}")
RESERVED = frozenset({"camsla", "system", "link", "watch", "schedule", "cli", "api", "console"})
"""Names by which the program itself signs."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an administrator decides about an account: who it is, as what, seeing what, until when (exclusive)."""

    display: str = ""
    roles: Roles = frozenset()
    scope: Scope = EVERYTHING
    until: Instant | None = None


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


def add(
    writer: Writer,
    name: str,
    terms: Terms,
    *,
    password: str,
    must_change: bool,
    at: Instant,
    actor: str,
    source: Source = "local",
    subject: str = "",
    language: str = "zh",
) -> Account:
    """Add an account; `password` is its hash. InputError if the name is taken, in whatever spelling, or the terms do not hold."""
    with writer.transaction() as connection:
        return add_within(
            connection,
            writer,
            name,
            terms,
            password=password,
            must_change=must_change,
            at=at,
            actor=actor,
            source=source,
            subject=subject,
            language=language,
        )


def add_within(
    connection: Connection,
    writer: Writer,
    name: str,
    terms: Terms,
    *,
    password: str,
    must_change: bool,
    at: Instant,
    actor: str,
    source: Source,
    subject: str,
    language: str,
) -> Account:
    """Add an account in the caller's transaction; see `add`."""
    one_at_a_time(connection, "accounts")
    name = named(name)
    _hold(terms)
    if find(connection, name) is not None:
        raise refuse(f"账号已存在 the account exists: {name}", "换一个名称 choose another name", column="name")
    connection.execute(
        accounts.insert().values(
            name=name,
            key=as_compared(name),
            source=source,
            subject=subject,
            password=password,
            language=language,
            must_change=int(must_change),
            created_at=at,
            password_at=at if password else None,
            **_columns(terms),
        )
    )
    after = {**_said(terms), "source": source}
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
    _hold(terms)
    loses = Role.ADMINISTRATOR in old.terms.roles - terms.roles
    if loses and same_person(actor, old.name):
        raise refuse(
            "不能取消自己的系统管理员角色 nobody takes the administrator's role from themselves",
            "请另一位管理员办理 ask another administrator",
            column="roles",
        )
    _write(connection, old.name, _columns(terms))
    if Role.ADMINISTRATOR in old.terms.roles and old.alive(at):
        _still_governed(connection, old, at, "roles" if loses else "until")
    if terms != old.terms:
        writer.audit(
            connection,
            at=at,
            actor=actor,
            action="account.change",
            object=old.name,
            before=_said(old.terms),
            after=_said(terms),
        )
    return get(connection, old.name)


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


def named(name: str) -> str:
    """Return a name as it is stored. InputError unless it is 1 to 40 letters, digits, `.`, `@`, `-`, `_`, and no system's."""
    plain = unicodedata.normalize("NFC", name.strip())
    if not _NAME.fullmatch(plain) or as_compared(plain) in RESERVED or not as_compared(plain):
        raise refuse(
            f"账号名称不可用 not a name for an account: {plain[:60]!r}",
            "1–40 个字母、汉字、数字或 . @ - _ ，且不是系统保留名 letters, digits, . @ - _ and not a reserved name",
            column="name",
        )
    return plain


def roles_text(roles: Roles) -> str:
    """Return roles as they are stored."""
    return ",".join(sorted(roles))


def roles_of(text: str) -> Roles:
    """Return roles as they were stored; a role that this program does not know gives nothing."""
    known = set(Role)
    return frozenset(Role(name) for name in text.split(",") if name in known)


def scope_columns(scope: Scope) -> dict[str, str | None]:
    """Return a scope as columns."""
    return {"contracts": _listed(scope.contracts), "areas": _listed(scope.areas), "supplier": scope.supplier}


def scope_of(row: Row[Any]) -> Scope:
    """Return the scope in a row of columns."""
    return Scope(_unlisted(row.contracts), _unlisted(row.areas), row.supplier)


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


def said_scope(scope: Scope) -> dict[str, Any]:
    """Return a scope as the audit log says it."""
    return {
        "contracts": None if scope.contracts is None else sorted(scope.contracts),
        "areas": None if scope.areas is None else sorted(scope.areas),
        "supplier": scope.supplier,
    }


def _hold(terms: Terms) -> None:
    """InputError unless the terms hold together."""
    findings: list[Finding] = []

    def wrong(column: str, message: str, remedy: str) -> None:
        findings.append(Finding("", 0, column, message, remedy))

    if not terms.roles:
        wrong("roles", "没有角色 no role", "至少选一个角色 choose one at least")
    if Role.SUPPLIER in terms.roles:
        if terms.scope.supplier is None:
            wrong(
                "supplier", "供应商账号须写明是哪家供应商 a supplier's account names its supplier", "填写供应商 name it"
            )
        if terms.roles != {Role.SUPPLIER}:
            wrong("roles", "供应商角色不得与其他角色同用 the supplier's role stands alone", "另开账号 use two accounts")
    if Role.EVALUATOR in terms.roles and terms.until is None:
        wrong("until", "第三方评价账号须有截止日期 an evaluator's account has an end", "填写截止日期 give a date")
    if Role.ADMINISTRATOR in terms.roles and terms.roles & FINANCE:
        both = "、".join(ROLE_ZH[role] for role in sorted(terms.roles & FINANCE))
        wrong("roles", f"系统管理员不得兼任 an administrator has no part in money: {both}", "另开账号 use two accounts")
    if len(terms.display) > MAX_DISPLAY:
        wrong("display", "姓名过长 the display name is too long", f"≤ {MAX_DISPLAY}")
    for column, names in (("contracts", terms.scope.contracts), ("areas", terms.scope.areas)):
        if names is not None and (not names or len(names) > MAX_SCOPE or any(not n or len(n) > 100 for n in names)):
            wrong(column, "可见范围为空或过长 the scope is empty or too long", f"1–{MAX_SCOPE}")
    if findings:
        raise InputError(findings)


def _still_governed(connection: Connection, old: Account, at: Instant, column: str) -> None:
    if not administrators(connection, at):
        raise refuse(
            f"{old.name} 是最后一位可登录的系统管理员 is the last administrator who can sign in",
            "先任命另一位 appoint another one first",
            column=column,
        )


def _columns(terms: Terms) -> dict[str, Any]:
    return {
        "display": terms.display,
        "roles": roles_text(terms.roles),
        "until_at": terms.until,
        **scope_columns(terms.scope),
    }


def _said(terms: Terms) -> Mapping[str, Any]:
    return {
        "display": terms.display,
        "roles": sorted(terms.roles),
        "until": terms.until,
        **said_scope(terms.scope),
    }


def _write(connection: Connection, name: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(accounts).where(accounts.c.name == name).values(**values))


def _listed(names: frozenset[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names), ensure_ascii=False)


def _unlisted(text: str | None) -> frozenset[str] | None:
    found: Sequence[str] | None = None if text is None else json.loads(text)
    return None if found is None else frozenset(found)
