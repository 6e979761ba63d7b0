"""`camsla statement as-known|recompute`: what was known when, and a statement from its frozen inputs alone."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.cli.frame import Session, answering, existing, json_option, pass_session, print_json, report
from console.cli.statement_frame import quarter_of, show_document, statement_arguments
from console.quarters.quarter import as_known as known_quarter
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import midnight
from settlement.canonical import canonical
from settlement.inputs import from_document, settle_inputs
from settlement.money import fen, grouped

MAX_INPUTS_BYTES = 200_000_000


def instant_of(text: str, zone: str) -> Instant:
    """Read a day (its end in the zone) or an instant with its offset. InputError on anything else."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return Instant(midnight(date.fromisoformat(text) + timedelta(days=1), zone) * MICROSECONDS - 1)
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        return Instant((moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))) // timedelta(microseconds=1))
    except (ValueError, OverflowError):
        raise refuse(
            f"不是日期或时刻 not a day or an instant: {text[:40]!r}",
            "写成 2020-11-15 或 2020-11-15T10:00:00+08:00 write it like one of these",
            column="on",
        ) from None


@click.command("as-known", short_help="当时所知 a quarter as known on a day")
@statement_arguments
@click.option(
    "--on", "when", required=True, metavar="DATE", help="某日终了，或某一时刻 the end of a day, or an instant"
)
@json_option
@pass_session
@answering
def as_known(session: Session, contract: str, quarter: str, when: str, as_json: bool) -> None:
    """按到某日为止登记的数据重算一个季度，并列出当时已出具的结算单与调整。

    Recompute a quarter from what was recorded by a day, beside what had been issued by then. It says what the store cannot
    know of that time.
    """
    zone = session.settings.zone
    known_at = instant_of(when, zone)
    with database.reader(session.settings) as connection:
        known = known_quarter(connection, contract, quarter_of(quarter), known_at)
    report(known.findings)
    if as_json:
        print_json(
            {
                "on": when,
                "issued": None
                if known.issued is None
                else {"statement": known.issued.name, "total": known.issued.document["totals"]["total"]},
                "adjusted": list(known.adjusted),
                "limits": list(known.limits),
                "document": known.document,
            }
        )
        return
    show_document(known.document, f"当时所知 as known · {contract} {quarter} · {when}")
    if known.issued is None:
        click.echo("当时尚未出具 not issued by then")
    else:
        total = grouped(fen(known.issued.document["totals"]["total"]))
        click.echo(f"当时已出具 issued by then: {known.issued.name}，净额 total {total} 元")
    for line in known.adjusted:
        click.echo(f"当时已调整 adjusted by then: {line['statement']} {grouped(fen(line['gross']))} 元 {line['why']}")
    for limit in known.limits:
        click.echo(f"· 无从得知 cannot be known: {limit}")


@click.command(short_help="离线重算 from frozen inputs alone, without a database")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--against", type=click.Path(path_type=Path), help="与此结算单逐字比较 compare with this document's bytes"
)
@answering
def recompute(file: Path, against: Path | None) -> None:
    """按冻结的输入（statement show --inputs）离线重算，输出结算单原文；--against 不一致则退出码为 1。

    Recompute a statement from its frozen inputs, offline, and print its bytes. With --against, exit 1 unless both agree.
    """
    _, document, findings = settle_inputs(from_document(_json(file)))
    report(findings)
    text = canonical(document)
    if against is None:
        click.echo(text)
        return
    if existing(against, "document").read_text("utf-8").strip() != text:
        click.echo("不一致 they differ", err=True)
        raise SystemExit(1)
    click.echo("一致 equal, to the byte")


def _json(path: Path) -> dict[str, object]:
    existing(path, "inputs")
    if path.stat().st_size > MAX_INPUTS_BYTES:
        raise refuse(
            f"文件超过 {MAX_INPUTS_BYTES:,} 字节 too large", "是这个文件吗 is it the right one?", file=str(path)
        )
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise refuse("不是冻结的输入 not frozen inputs", "camsla statement show … --inputs", file=str(path))
    return found
