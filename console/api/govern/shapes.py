"""What the chapter's endpoints share: scopes and accounts as JSON, pages of lists, instants."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeVar

from pydantic import BaseModel, Field, StringConstraints

from console.auth.wording import end_of, last_day, restricted
from console.store.account_terms import MAX_DISPLAY, Terms
from console.store.accounts import Account
from console.web.access import Role
from console.web.paging import Strict, instant
from console.web.visit import Visit
from monitor.scope import Scope

Row = TypeVar("Row")
MOST = 1_000
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Names = Annotated[list[Name], Field(min_length=1, max_length=200)]
"""No list at all is no restriction; an empty one would be read as one by whoever sends it, and is refused."""


class ScopeBody(Strict):
    """What is seen; null is no restriction on that side."""

    contracts: Names | None = None
    areas: Names | None = None
    supplier: Name | None = None

    def scope(self) -> Scope:
        """Return it as a scope."""
        contracts = None if self.contracts is None else restricted(self.contracts)
        areas = None if self.areas is None else restricted(self.areas)
        return Scope(contracts, areas, self.supplier)


class ScopeAnswer(BaseModel):
    """What is seen; null is no restriction on that side, an empty list is nothing at all."""

    contracts: list[str] | None
    areas: list[str] | None
    supplier: str | None


class TermsBody(Strict):
    """What an administrator decides about an account. `until` is its last day."""

    display: Annotated[str, Field(max_length=MAX_DISPLAY)] = ""
    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    scope: ScopeBody = ScopeBody()
    until: date | None = None

    def terms(self, zone: str) -> Terms:
        """Return it as an account's terms."""
        return Terms(self.display, frozenset(self.roles), self.scope.scope(), end_of(self.until, zone))


class AccountAnswer(BaseModel):
    """An account. `state` is active, password-to-change, expired or disabled."""

    name: str
    display: str
    roles: list[Role]
    scope: ScopeAnswer
    until: date | None
    state: str
    source: str
    language: str
    created_at: str | None
    password_at: str | None
    signed_in_at: str | None


class WithPassword(BaseModel):
    """An account with the password for one sign-in, which is shown this once."""

    account: AccountAnswer
    one_time_password: str


def scope_answer(scope: Scope) -> ScopeAnswer:
    """Return a scope as answers carry it."""
    return ScopeAnswer(
        contracts=None if scope.contracts is None else sorted(scope.contracts),
        areas=None if scope.areas is None else sorted(scope.areas),
        supplier=scope.supplier,
    )


def account_answer(visit: Visit, account: Account) -> AccountAnswer:
    """Return an account as answers carry it."""
    return AccountAnswer(
        name=account.name,
        display=account.terms.display,
        roles=sorted(account.terms.roles),
        scope=scope_answer(account.terms.scope),
        until=last_day(account.terms.until, visit.site.settings.zone),
        state=_state(visit, account),
        source=account.source,
        language=account.language,
        created_at=instant(account.created_at),
        password_at=instant(account.password_at),
        signed_in_at=instant(account.signed_in_at),
    )


def _state(visit: Visit, account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    if not account.alive(visit.at):
        return "expired"
    return "password-to-change" if account.must_change else "active"
