"""What is decided about an account: its name, roles, scope and end; which of them hold together; how they are stored."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from console.web.access import FINANCE, ROLE_ZH, Role, Roles
from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from monitor.persons import person as as_compared
from monitor.scope import EVERYTHING, Scope

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


def said_scope(scope: Scope) -> dict[str, Any]:
    """Return a scope as the audit log says it."""
    return {
        "contracts": None if scope.contracts is None else sorted(scope.contracts),
        "areas": None if scope.areas is None else sorted(scope.areas),
        "supplier": scope.supplier,
    }


def hold(terms: Terms) -> None:
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


def columns(terms: Terms) -> dict[str, Any]:
    """Return terms as columns."""
    return {
        "display": terms.display,
        "roles": roles_text(terms.roles),
        "until_at": terms.until,
        **scope_columns(terms.scope),
    }


def said(terms: Terms) -> Mapping[str, Any]:
    """Return terms as the audit log says them."""
    return {
        "display": terms.display,
        "roles": sorted(terms.roles),
        "until": terms.until,
        **said_scope(terms.scope),
    }


def _listed(names: frozenset[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names), ensure_ascii=False)


def _unlisted(text: str | None) -> frozenset[str] | None:
    found: Sequence[str] | None = None if text is None else json.loads(text)
    return None if found is None else frozenset(found)
