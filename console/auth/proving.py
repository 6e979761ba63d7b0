"""Name and password proved: against the account's own hash, or by the directory that knows the account."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.auth.coming_in import SignIn
from console.store import accounts
from console.store.accounts import Account
from console.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Proved:
    """An account whose owner proved to be there. `newer_hash` replaces one made with older parameters."""

    account: Account
    means: str
    newer_hash: str | None = field(default=None, repr=False)


async def prove(visit: Visit, name: str, password: str) -> Proved | None:
    """Return the account if name and password are right and it may sign in now, else None.

    An account that does not exist takes as long as one with another password. TooManyError after too many failures.
    """
    part, address = visit.site.part(SignIn), visit.request.remote or ""
    with part.limits.login(name, address, visit.at) as failed:
        found = await visit.read(accounts.find, name)
        proved = await _by_hash(part, found, password)
        if proved is None and part.ldap is not None and (found is None or found.source == "ldap"):
            directory = await part.ldap.sign_in(visit, name, password)
            proved = None if directory is None else Proved(directory, "ldap")
        if proved is None or not proved.account.alive(visit.at):
            failed()
            return None
        return proved


async def _by_hash(part: SignIn, found: Account | None, password: str) -> Proved | None:
    known = found.password if found is not None else ""
    right = await part.passwords.verify(known, password)
    if found is None or not right:
        return None
    newer = await part.passwords.hash(password) if part.passwords.outdated(known) else None
    return Proved(found, "password", newer)
