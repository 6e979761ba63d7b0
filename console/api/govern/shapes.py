"""What the chapter's endpoints share: scopes and accounts as JSON, pages of lists, instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from console.auth.wording import end_of, last_day, restricted
from console.store.account_terms import MAX_DISPLAY, Terms
from console.store.accounts import Account
from console.web.access import Role
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.model import MICROSECONDS
from monitor.scope import Scope

Row = TypeVar("Row")
MOST = 1_000
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Names = Annotated[list[Name], Field(min_length=1, max_length=200)]
"""No list at all is no restriction; an empty one would be read as one by whoever sends it, and is refused."""


class Strict(BaseModel):
    """A query or body that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Strict):
    """A list's page: at most `limit` rows after the row named by `after`, which is the `next` of the page before."""

    after: Annotated[str, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100


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


def page(rows: Sequence[Row], query: PageQuery, key: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """Return a page of rows and the cursor of the next one, None at the end. InputError for a cursor of no row."""
    start = 0
    if query.after:
        start = next((n for n, row in enumerate(rows, 1) if key(row) == query.after), -1)
    if start < 0:
        raise refuse("没有这个游标 no such cursor", "从头读取 read from the beginning", column="after")
    found = list(rows[start : start + query.limit])
    return found, key(found[-1]) if start + query.limit < len(rows) else None


def instant(at: int | None) -> str | None:
    """Return an instant as ISO 8601 in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at / MICROSECONDS, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _state(visit: Visit, account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    if not account.alive(visit.at):
        return "expired"
    return "password-to-change" if account.must_change else "active"
