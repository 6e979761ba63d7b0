"""What administrators do with others' accounts. One-time passwords are made here, shown once and stored as hashes."""

from __future__ import annotations

from console.auth import keys
from console.auth.coming_in import SignIn
from console.store import accounts
from console.store.account_terms import Terms
from console.store.accounts import Account
from console.web.faults import MissingError
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.persons import same_person


async def account_of(visit: Visit, name: str) -> Account:
    """Return an account. MissingError if there is none."""
    found = await visit.read(accounts.find, name)
    if found is None:
        raise MissingError
    return found


async def add_account(visit: Visit, name: str, terms: Terms, language: str = "zh") -> tuple[Account, str]:
    """Add an account; return it and the password to sign in with once, which is to be replaced then.

    InputError for one that would have ended before it begins, and for what `accounts.add` refuses.
    """
    if terms.until is not None and terms.until <= visit.at:
        raise refuse("有效至已过 the last day is over", "填今天或以后的日期 give today or a later day", column="until")
    word = keys.fresh_typed()
    hashed = await visit.site.part(SignIn).passwords.hash(word)
    made = await visit.write(
        accounts.add,
        name,
        terms,
        password=hashed,
        must_change=True,
        at=visit.at,
        actor=visit.person.name,
        language=language,
    )
    return made, word


async def reset_password(visit: Visit, account: Account) -> str:
    """Give an account a password for one sign-in; its sessions end. Nobody is asked for the old one: see the audit log."""
    word = keys.fresh_typed()
    hashed = await visit.site.part(SignIn).passwords.hash(word)
    await visit.write(
        accounts.set_password, account.name, hashed, must_change=True, at=visit.at, actor=visit.person.name
    )
    return word


def own(visit: Visit, account: Account) -> bool:
    """Tell whether an account is the visitor's."""
    return same_person(account.name, visit.person.name)
