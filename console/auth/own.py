"""What people do with their own account: another password, tokens. A page and the API do the same."""

from __future__ import annotations

from aiohttp import web

from console.auth import keys
from console.auth.coming_in import SignIn
from console.auth.passwords import good
from console.store import accounts, tokens
from console.store.accounts import Account
from console.store.tokens import Token, Wish
from console.web.access import EVERYONE, Role
from console.web.endpoints import KEY_HEADER, RefusedError
from console.web.faults import ForbiddenError
from console.web.visit import Visit
from monitor.finding import refuse


async def own_account(visit: Visit) -> Account:
    """Return the visitor's account. ForbiddenError for a link's reader, who has none."""
    found = await visit.read(accounts.find, visit.person.name)
    if found is None:
        raise ForbiddenError(EVERYONE - {Role.EVALUATOR})
    return found


def in_person(visit: Visit) -> str:
    """Return the session's digest. RefusedError for a bearer of a token: a token makes no other, and changes no password."""
    if visit.signed is None or not visit.signed.session:
        raise RefusedError("forbidden", "须登录后办理，令牌不可 sign in for this; a token does not do")
    return visit.signed.session


def unrepeatable(visit: Visit) -> None:
    """RefusedError for a request with an Idempotency-Key: its answer holds a secret, which is not kept."""
    if KEY_HEADER in visit.request.headers:
        raise RefusedError(
            "malformed",
            f"答复含密钥，不予保存；请勿带 the answer holds a secret and is not kept; leave out {KEY_HEADER}",
        )


async def change_password(visit: Visit, current: str, wanted: str) -> None:
    """Set another password; other sessions end. InputError for a wrong present one, TooManyError after too many of them."""
    session = in_person(visit)
    account = await own_account(visit)
    part, address = visit.site.part(SignIn), visit.request.remote or ""
    with part.limits.login(account.name, address, visit.at) as failed:
        if not await part.passwords.verify(account.password, current):
            failed()
            raise refuse("当前密码不对 the present password is wrong", "重新输入 type it again", column="current")
    good(wanted, account.name)
    if wanted == current:
        raise refuse(
            "新密码与当前密码相同 the new password is the present one", "换一个 choose another", column="password"
        )
    hashed = await part.passwords.hash(wanted)
    await visit.write(
        accounts.set_password,
        account.name,
        hashed,
        must_change=False,
        at=visit.at,
        actor=account.name,
        keep=session,
    )


async def new_token(visit: Visit, wish: Wish) -> tuple[Token, str]:
    """Make a token of the visitor's account; return it and its word, which nobody can read again."""
    in_person(visit)
    account, word = await own_account(visit), keys.fresh_token()
    return await visit.write(tokens.add, account, wish, word, keys.digest_of(word), at=visit.at), word


def unkept(response: web.Response) -> web.Response:
    """Mark an answer that holds a secret: no cache keeps it."""
    response.headers["Cache-Control"] = "no-store"
    return response
