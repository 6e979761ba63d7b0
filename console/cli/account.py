"""`camsla account`: accounts of the console, for the machine's owner; one-time passwords are printed once."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

from console.app import database
from console.auth import keys
from console.auth.passwords import MOST, Passwords, good
from console.auth.wording import end_of, last_day, restricted, written
from console.cli.frame import Session, actor_option, answering, json_option, pass_session, print_json, print_table
from console.cli.money_words import DAY
from console.store import accounts, first
from console.store.account_terms import Terms
from console.store.accounts import Account
from console.web.access import ROLE_ZH, Role
from monitor.finding import refuse
from monitor.model import Instant
from monitor.scope import Scope

ROLES = click.Choice([role.value for role in Role])


@click.group()
def account() -> None:
    """账号 accounts of the console: add, list, roles, passwords, closing."""


def _given(name: str) -> str:
    """Return the hash of the password that standard input holds in its first line."""
    passwords = Passwords()
    try:
        return passwords.hash_now(good(sys.stdin.readline(4 * MOST).rstrip("\r\n"), name, "--password-stdin"))
    finally:
        passwords.close()


def _terms_options(command: Any) -> Any:
    for option in (
        click.option("--until", type=DAY, help="最后有效日 last day; evaluators need one"),
        click.option("--supplier", help="供应商 the supplier's name; suppliers need one"),
        click.option("--area", "areas", multiple=True, help="只见此区域，可多次 only this area; repeat"),
        click.option("--contract", "contracts", multiple=True, help="只见此合同，可多次 only this contract; repeat"),
        click.option("--role", "roles", type=ROLES, multiple=True, required=True, help="角色，可多次 role; repeat"),
    ):
        command = option(command)
    return command


def _terms(
    session: Session,
    display: str,
    roles: tuple[str, ...],
    contracts: tuple[str, ...],
    areas: tuple[str, ...],
    supplier: str | None,
    until: datetime | None,
) -> Terms:
    scope = Scope(restricted(contracts), restricted(areas), supplier)
    end = end_of(until.date() if until else None, session.settings.zone)
    return Terms(display, frozenset(Role(role) for role in roles), scope, end)


@account.command(short_help="开立账号 add an account")
@click.argument("name")
@click.option("--display", default="", help="姓名 the person's name")
@_terms_options
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="界面语言 language")
@click.option(
    "--password-stdin", is_flag=True, help="从标准输入读密码，不须更改 read the password from standard input; it stays"
)
@actor_option
@pass_session
@answering
def add(
    session: Session,
    name: str,
    display: str,
    roles: tuple[str, ...],
    contracts: tuple[str, ...],
    areas: tuple[str, ...],
    supplier: str | None,
    until: datetime | None,
    language: str,
    password_stdin: bool,
    actor: str,
) -> None:
    """开立账号 NAME，打印一次性密码；首次登录时须改密码。

    Add an account and print its one-time password, which is replaced at the first sign-in.
    """
    terms = _terms(session, display, roles, contracts, areas, supplier, until)
    word, hashed = _one_time() if not password_stdin else ("", _given(name))
    with database.open_writer(session.settings) as writer:
        made = accounts.add(
            writer,
            name,
            terms,
            password=hashed,
            must_change=not password_stdin,
            at=database.now(),
            actor=actor,
            language=language,
        )
    click.echo(f"已开立 added: {made.name}")
    if word:
        click.echo(f"一次性密码 one-time password: {word}")


@account.command("list", short_help="列出账号 list accounts")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出账号、角色、可见范围与状态 list accounts with roles, scope and state."""
    now, zone = database.now(), session.settings.zone
    with database.reader(session.settings) as connection:
        found = accounts.every(connection)
    if as_json:
        print_json([_json(one, now, zone) for one in found])
        return
    print_table(
        "账号 accounts",
        [
            ("账号 name", False),
            ("姓名 person", False),
            ("角色 roles", False),
            ("状态 state", False),
            ("合同 contracts", False),
            ("区域 areas", False),
            ("供应商 supplier", False),
            ("至 until", True),
            ("登录 signed in", True),
        ],
        [
            (
                one.name,
                one.terms.display,
                "、".join(ROLE_ZH[role] for role in sorted(one.terms.roles)),
                _state(one, now),
                written(one.terms.scope.contracts),
                written(one.terms.scope.areas),
                one.terms.scope.supplier,
                last_day(one.terms.until, zone),
                last_day(one.signed_in_at, zone),
            )
            for one in found
        ],
        optional=("合同 contracts", "区域 areas", "供应商 supplier", "至 until"),
    )


@account.command(short_help="停用账号 close an account")
@click.argument("name")
@actor_option
@pass_session
@answering
def disable(session: Session, name: str, actor: str) -> None:
    """停用账号：其登录与令牌立即失效 close an account: its sessions and tokens end at once."""
    with database.open_writer(session.settings) as writer:
        accounts.disable(writer, name, at=database.now(), actor=actor)
    click.echo(f"已停用 closed: {name}")


@account.command(short_help="启用账号 open an account again")
@click.argument("name")
@actor_option
@pass_session
@answering
def enable(session: Session, name: str, actor: str) -> None:
    """重新启用账号；原登录与令牌不恢复 open a closed account again; its sessions and tokens stay ended."""
    with database.open_writer(session.settings) as writer:
        accounts.enable(writer, name, at=database.now(), actor=actor)
    click.echo(f"已启用 open again: {name}")


@account.command(short_help="重置密码 reset a password")
@click.argument("name")
@actor_option
@pass_session
@answering
def password(session: Session, name: str, actor: str) -> None:
    """打印一次性密码；其登录全部结束，下次登录时须改密码。

    Print a one-time password; the account's sessions end, and the password is replaced at the next sign-in.
    """
    with database.open_writer(session.settings) as writer:
        word, hashed = _one_time()
        accounts.set_password(writer, name, hashed, must_change=True, at=database.now(), actor=actor)
    click.echo(f"一次性密码 one-time password: {word}")


@account.command(short_help="修改角色与可见范围 roles and scope")
@click.argument("name")
@_terms_options
@actor_option
@pass_session
@answering
def role(
    session: Session,
    name: str,
    roles: tuple[str, ...],
    contracts: tuple[str, ...],
    areas: tuple[str, ...],
    supplier: str | None,
    until: datetime | None,
    actor: str,
) -> None:
    """以所给角色与范围替换原有的 replace an account's roles, scope and last day by those given."""
    with database.open_writer(session.settings) as writer:
        with writer.transaction() as connection:
            display = accounts.get(connection, name).terms.display
        terms = _terms(session, display, roles, contracts, areas, supplier, until)
        made = accounts.change(writer, name, terms, at=database.now(), actor=actor)
    click.echo(f"{made.name}: {'、'.join(ROLE_ZH[one] for one in sorted(made.terms.roles))}")


@account.command("first", short_help="首位管理员的一次性口令 the first administrator's secret")
@pass_session
@answering
def first_(session: Session) -> None:
    """还没有系统管理员时，换发一次性口令（首次启动时打印的即失效）。

    While there is no administrator, print a new one-time secret; the one that the first start printed is void then.
    """
    word = keys.fresh_typed()
    with database.open_writer(session.settings) as writer:
        if not first.prepare(writer, keys.digest_of(word), at=database.now(), renew=True):
            raise refuse(
                "已有系统管理员 there is an administrator",
                "重置其密码 reset a password: camsla account password NAME",
            )
    click.echo(f"一次性口令 one-time secret: {word}")
    click.echo("启动 camsla serve 后在 /first 使用 use it at /first once camsla serve runs")


def _one_time() -> tuple[str, str]:
    word, passwords = keys.fresh_typed(), Passwords()
    try:
        return word, passwords.hash_now(word)
    finally:
        passwords.close()


def _state(one: Account, now: Instant) -> str:
    if one.disabled_at is not None:
        return "已停用 closed"
    if not one.alive(now):
        return "已到期 expired"
    return "待改密码 to change" if one.must_change else "正常 active"


def _json(one: Account, now: Instant, zone: str) -> dict[str, Any]:
    scope, until = one.terms.scope, last_day(one.terms.until, zone)
    return {
        "name": one.name,
        "display": one.terms.display,
        "roles": sorted(one.terms.roles),
        "contracts": None if scope.contracts is None else sorted(scope.contracts),
        "areas": None if scope.areas is None else sorted(scope.areas),
        "supplier": scope.supplier,
        "until": None if until is None else until.isoformat(),
        "alive": one.alive(now),
        "must_change": one.must_change,
        "source": one.source,
        "signed_in_at": one.signed_in_at,
    }
