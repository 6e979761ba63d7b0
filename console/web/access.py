"""Who somebody is and what they may: roles, persons, and the sets of roles that routes name.

Roles say what kind of work a person does; the scope says whose points and contracts they see. Both are checked on every
request: a wrong role is told whom to ask (403), a foreign object does not exist (404).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from console.web.periods import lies_in, open_to_limited
from monitor.scope import EVERYTHING, Scope


class Role(StrEnum):
    """What kind of work somebody does here."""

    OPERATIONS = "operations"
    REPORTER = "reporter"
    HANDLER = "handler"
    CHECKER = "checker"
    APPROVER = "approver"
    CLERK = "clerk"
    EVALUATOR = "evaluator"
    SUPPLIER = "supplier"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"


ROLE_ZH: Mapping[Role, str] = {
    Role.OPERATIONS: "运维值班",
    Role.REPORTER: "社区填报",
    Role.HANDLER: "财务经办",
    Role.CHECKER: "财务复核",
    Role.APPROVER: "财务审批",
    Role.CLERK: "公安数据员",
    Role.EVALUATOR: "第三方评价",
    Role.SUPPLIER: "供应商",
    Role.LEADER: "领导（只读）",
    Role.ADMINISTRATOR: "系统管理员",
}
"""The roles' names as message ids; English in the catalogue."""

Roles = frozenset[Role]

EVERYONE: Roles = frozenset(Role)
"""Whoever is signed in."""
FINANCE: Roles = frozenset({Role.HANDLER, Role.CHECKER, Role.APPROVER})
"""Who may work on money; which step each may take, the statement's life decides."""
WATCHERS: Roles = EVERYONE - {Role.CLERK, Role.REPORTER}
"""Who may look at points and their rates, within their scope."""
MONEY_READERS: Roles = FINANCE | {Role.EVALUATOR, Role.SUPPLIER, Role.LEADER}
"""Who may read contracts, statements and payments, within their scope."""
AUTHORITY: Roles = FINANCE | {Role.CLERK}
"""Who may bring in and check the authority's figures."""
LEDGER_WRITERS: Roles = frozenset({Role.OPERATIONS})
"""Who may change the point ledger."""
EVIDENCE_READERS: Roles = FINANCE | {Role.EVALUATOR, Role.LEADER, Role.OPERATIONS, Role.SUPPLIER}
"""Who may read the evidence log and make packs, within their scope."""
ADMINISTRATORS: Roles = frozenset({Role.ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in. `name` is the account, and the actor in every audit row."""

    name: str
    roles: Roles
    scope: Scope = EVERYTHING
    display: str = ""
    language: str = "zh"
    period: str = ""
    """A quarter (2020Q3) or year that a link's reader is limited to; empty for all."""

    def may(self, allow: Roles) -> bool:
        """Tell whether one of the person's roles is among those allowed."""
        return bool(self.roles & allow)

    def sees_contract(self, contract: str) -> bool:
        """Tell whether a contract lies within the person's scope. A supplier sees those that its account names, no others."""
        if self.scope.contracts is None:
            return self.scope.supplier is None
        return contract in self.scope.contracts

    def sees_period(self, label: str) -> bool:
        """Tell whether a quarter (2020Q3), year, month, day or range lies wholly in what the person is limited to."""
        return lies_in(label, self.period)

    def opens(self, path: str) -> bool:
        """Tell whether a page, named by its route's path, is open to the person as far as periods go."""
        return not self.period or open_to_limited(path)


@dataclass(frozen=True, slots=True)
class Signed:
    """A request's person, by which means, and the token its forms must carry; `csrf` is empty for a bearer of an API token."""

    person: Person
    csrf: str = ""
    session: str = ""
