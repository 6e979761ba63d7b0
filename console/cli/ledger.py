"""`camsla ledger`: the journal, its balances, and its export for Beancount."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, write_out
from console.cli.money_words import DAY
from console.money.books import beancount_export
from settlement.ledger import TITLES
from settlement.money import grouped, yuan
from settlement.store import journal


@click.group()
def ledger() -> None:
    """总账：复式分录 the ledger: double entry."""


@ledger.command(short_help="分录 entries")
@click.option("--contract", help="只看一份合同 one contract only")
@click.option("--until", type=DAY, help="截至该日 up to and with this day")
@json_option
@pass_session
@answering
def show(session: Session, contract: str | None, until: datetime | None, as_json: bool) -> None:
    """列出分录，借为正、贷为负 list the entries; debits positive, credits negative."""
    with database.reader(session.settings) as connection:
        found = journal.entries(connection, contract, until.date() if until else None)
    if as_json:
        print_json(
            [
                {
                    "contract": entry.contract,
                    "key": entry.key,
                    "day": entry.day.isoformat(),
                    "why": entry.why,
                    "statement": entry.statement or None,
                    "reverses": entry.reverses or None,
                    **dict(entry.details),
                    "postings": [
                        {"account": p.role.value, "phase": p.phase, "period": p.period, "amount": yuan(p.fen)}
                        for p in entry.postings
                    ],
                }
                for entry in found
            ]
        )
        return
    rows = [
        (
            entry.day if first else "",
            entry.contract if first else "",
            f"{TITLES[posting.role][0]} {posting.role}",
            posting.phase,
            posting.period,
            grouped(posting.fen) if posting.fen > 0 else "",
            grouped(-posting.fen) if posting.fen < 0 else "",
            entry.why if first else "",
        )
        for entry in found
        for first, posting in zip((True, *[False] * len(entry.postings)), entry.postings, strict=False)
    ]
    print_table(
        "分录 entries",
        [
            ("日期 day", False),
            ("合同 contract", False),
            ("科目 account", False),
            ("期次 phase", False),
            ("服务期 period", False),
            ("借 debit", True),
            ("贷 credit", True),
            ("摘要 why", False),
        ],
        rows,
    )


@ledger.command(short_help="余额 balances")
@click.option("--contract", help="只看一份合同 one contract only")
@click.option("--on", "on", type=DAY, help="该日终了时 at the end of this day")
@json_option
@pass_session
@answering
def balance(session: Session, contract: str | None, on: datetime | None, as_json: bool) -> None:
    """各科目余额，合计为零 every account's balance; together they are zero."""
    with database.reader(session.settings) as connection:
        held = journal.balances(connection, contract, on.date() if on else None)
    if as_json:
        print_json(
            [
                {"contract": a.contract, "account": a.role.value, "phase": a.phase, "balance": yuan(amount)}
                for a, amount in held.items()
            ]
        )
        return
    print_table(
        f"余额 balances（元 yuan，合计 total {grouped(sum(held.values()))}）",
        [("合同 contract", False), ("科目 account", False), ("期次 phase", False), ("余额 balance", True)],
        [(a.contract, " ".join(TITLES[a.role]), a.phase, grouped(amount)) for a, amount in held.items()],
    )


@ledger.command(short_help="导出 export")
@click.option(
    "--beancount",
    "target",
    is_flag=False,
    flag_value="-",
    required=True,
    metavar="[FILE]",
    help="Beancount 文件，默认标准输出 a Beancount file; default standard output",
)
@click.option("--contract", help="只导出一份合同 one contract only")
@pass_session
@answering
def export(session: Session, target: str, contract: str | None) -> None:
    """导出为 Beancount 文件，末尾按库内余额核对 export for Beancount, with the store's balances asserted at its end."""
    with database.reader(session.settings) as connection:
        text = beancount_export(connection, contract)
    file = None if target == "-" else Path(target)
    write_out(file, text)
    if file is not None:
        click.echo(f"已导出 exported → {file}", err=True)
