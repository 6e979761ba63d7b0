"""`camsla invoice`: the invoice register, with credit invoices (红字发票)."""

from __future__ import annotations

from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, json_option, pass_session, print_json, print_table
from console.cli.money_words import amount, day_of, kept
from settlement.money import grouped, yuan
from settlement.store import invoices
from settlement.store.invoices import Invoice


@click.group()
def invoice() -> None:
    """发票登记 the invoice register."""


@invoice.command(short_help="登记发票 register an invoice")
@click.argument("number")
@click.option("--contract", required=True, help="合同编号 contract")
@click.option("--due", default="", help="应付编号 the due (camsla payment due)")
@click.option("--date", "day", required=True, help="开票日 its date, 2020-12-15")
@click.option("--amount", "text", help="价税合计，默认应付的未开票余额 gross; default: what is left of the due")
@click.option("--tax", help="票面税额 the tax as printed; default: computed line by line")
@click.option("--scan", type=click.Path(path_type=Path), help="发票扫描件 a scan, kept with its digest")
@json_option
@actor_option
@pass_session
@answering
def add(
    session: Session,
    number: str,
    contract: str,
    due: str,
    day: str,
    text: str | None,
    tax: str | None,
    scan: Path | None,
    as_json: bool,
    actor: str,
) -> None:
    """登记发票 NUMBER：按费用构成分行，按开票日税率计税。

    Register an invoice: a line per fee component, with the tax rate of its day.
    """
    issued_on, at = day_of(day, "date"), database.now()
    gross = None if text is None else amount(text)
    printed = None if tax is None else amount(tax, "tax")
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        sha = kept(writer, connection, scan, at=at, actor=actor)
        made, added = invoices.add(
            connection,
            writer.audit,
            number=number,
            contract=contract,
            due=due,
            gross_fen=gross,
            tax_fen=printed,
            issued_on=issued_on,
            document_sha=sha,
            at=at,
            actor=actor,
        )
    _said(made, added, as_json)


@invoice.command(short_help="登记红字发票 register a credit invoice")
@click.argument("number")
@click.option("--of", "of", required=True, help="被冲减的发票号码 the invoice it takes back")
@click.option("--date", "day", required=True, help="开票日 its date")
@click.option("--amount", "text", help="冲减的价税合计，默认全部余额 gross; default: all that is left of it")
@click.option("--due", default="", help="所涉的应退编号 the refund that it belongs to")
@click.option("--scan", type=click.Path(path_type=Path), help="扫描件 a scan, kept with its digest")
@json_option
@actor_option
@pass_session
@answering
def credit(
    session: Session,
    number: str,
    of: str,
    day: str,
    text: str | None,
    due: str,
    scan: Path | None,
    as_json: bool,
    actor: str,
) -> None:
    """登记红字发票 NUMBER，冲减原发票的一部分或全部 take back an invoice in part or whole, never more than it."""
    issued_on, at = day_of(day, "date"), database.now()
    gross = None if text is None else amount(text)
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        sha = kept(writer, connection, scan, at=at, actor=actor)
        made, added = invoices.credit(
            connection,
            writer.audit,
            number=number,
            of=of,
            gross_fen=gross,
            issued_on=issued_on,
            due=due,
            document_sha=sha,
            at=at,
            actor=actor,
        )
    _said(made, added, as_json)


@invoice.command("list", short_help="列出发票 list invoices")
@click.option("--contract", help="只看一份合同 one contract only")
@json_option
@pass_session
@answering
def list_(session: Session, contract: str | None, as_json: bool) -> None:
    """列出发票及红字发票 list invoices and credit invoices."""
    with database.reader(session.settings) as connection:
        found = invoices.listed(connection, contract)
    if as_json:
        print_json([_json(one) for one in found])
        return
    print_table(
        f"发票 invoices（价税合计 gross {grouped(sum(one.gross for one in found))}）",
        [
            ("号码 number", False),
            ("合同 contract", False),
            ("应付 due", False),
            ("日期 date", False),
            ("价税合计 gross", True),
            ("不含税 net", True),
            ("税额 tax", True),
            ("税率 rates", False),
            ("冲减 takes back", False),
        ],
        [
            (
                one.number,
                one.contract,
                one.due,
                one.issued_on,
                grouped(one.gross),
                grouped(one.net),
                grouped(one.tax),
                ", ".join(dict.fromkeys(f"{line.rate * 100} %" for line in one.lines)),
                one.reverses,
            )
            for one in found
        ],
    )


def _said(made: Invoice, added: bool, as_json: bool) -> None:
    if as_json:
        print_json({**_json(made), "added": added})
        return
    word = "已登记 registered" if added else "原已登记 registered before"
    click.echo(f"{word}: {made.number} {grouped(made.gross)} = {grouped(made.net)} + {grouped(made.tax)}（税 tax）")


def _json(one: Invoice) -> dict[str, object]:
    return {
        "number": one.number,
        "contract": one.contract,
        "due": one.due or None,
        "date": one.issued_on.isoformat(),
        "gross": yuan(one.gross),
        "net": yuan(one.net),
        "tax": yuan(one.tax),
        "reverses": one.reverses or None,
        "scan": one.document_sha or None,
        "lines": [
            {
                "component": line.component,
                "gross": yuan(line.gross),
                "net": yuan(line.net),
                "tax": yuan(line.tax),
                "rate": str(line.rate),
            }
            for line in one.lines
        ],
    }
