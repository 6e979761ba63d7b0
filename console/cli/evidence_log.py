"""`camsla evidence seal|log|checkpoint`: what `serve` does by itself, how the log stands, and what a witness signs."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.app.archiving import Archiving
from console.cli.frame import (
    Session,
    answering,
    json_option,
    pass_session,
    print_json,
    print_table,
    write_out,
)
from console.log.checkpoints import QR_KINDS, day_note, newest_note, qr_file, qr_text
from console.log.sealing import Sealer, log_of
from monitor.finding import refuse
from monitor.store import log as store

SHOWN_DAYS = 31


@click.command(short_help="封存到期的日 seal what is due")
@click.option("--until", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]), help="只到这一日 up to this day")
@click.option("--checkpoint", is_flag=True, help="另做一个当前检查点 make a checkpoint of now as well")
@pass_session
@answering
def seal(session: Session, until: datetime | None, checkpoint: bool) -> None:
    """封存所有已结束的日；`camsla serve` 自动进行，停机补封亦可手工。

    Seal every day that is over, one after the other, as `camsla serve` does by itself.
    """
    settings = session.settings
    with database.open_writer(settings) as writer:
        Archiving(settings, writer, click.echo, lambda: False).build()  # a day's last record names its archive
        sealer = Sealer(log_of(settings), writer, delay_minutes=settings.evidence.seal_delay_minutes, apart=False)
        last = "" if until is None else until.date().isoformat()
        steps = sealer.round(database.now(), checkpoint=checkpoint, until=last)
    for step in steps:
        if step.day:
            click.echo(f"已封存 sealed: {step.day}，{step.size - step.first:,} 条 records，共 {step.size:,} in all")
        else:
            click.echo(f"检查点 checkpoint: {step.size:,} 条 records")
    if not steps:
        click.echo("没有到期的日 nothing is due")


@click.command("log", short_help="日志现状 how the log stands")
@click.option("--all", "everything", is_flag=True, help=f"全部日，而非最近 {SHOWN_DAYS} 日 all days")
@json_option
@pass_session
@answering
def log_(session: Session, everything: bool, as_json: bool) -> None:
    """列出已封存的日、条数、树根与见证签名，以及等待封存的记录 list sealed days, their roots and witnesses, and what waits."""
    settings = session.settings
    with database.reader(settings) as connection:
        days = store.days(connection)
        signed: dict[int, list[str]] = {}
        for one in store.signatures(connection):
            signed.setdefault(one.size, []).append(one.name)
        queue, size = store.queue(connection), store.size(connection)
    shown = days if everything else days[-SHOWN_DAYS:]
    zone = ZoneInfo(settings.zone)

    def local(instant: int | None) -> str | None:
        return None if instant is None else datetime.fromtimestamp(instant / 1e6, zone).isoformat(timespec="seconds")

    if as_json:
        rows = [
            {
                "day": day.day,
                "first": day.first,
                "size": day.size,
                "root": day.root,
                "witnesses": signed.get(day.size, []),
                "sealed_at": local(day.sealed_at),
            }
            for day in shown
        ]
        waiting = {"records": queue.rows, "first": local(queue.first), "last": local(queue.last)}
        print_json({"origin": settings.evidence.origin, "leaves": size, "waiting": waiting, "days": rows})
        return
    print_table(
        f"证据日志 {settings.evidence.origin}",
        [
            ("日 day", False),
            ("条 records", True),
            ("累计 size", True),
            ("树根 root", False),
            ("见证 witnesses", False),
            ("封存于 sealed at", False),
        ],
        [
            (
                day.day,
                f"{day.size - day.first:,}",
                f"{day.size:,}",
                day.root[:16],
                "、".join(signed.get(day.size, [])),
                local(day.sealed_at),
            )
            for day in shown
        ],
    )
    if queue.rows:
        since = f"{local(queue.first)}–{local(queue.last)}"
        click.echo(f"等待编号 waiting: {queue.rows:,} 条 records，{since}")
    if days and size > days[-1].size:
        click.echo(f"当日检查点 under today's checkpoints: {size - days[-1].size:,} 条 records")
    if not log_of(settings).keys.there:
        click.echo(
            "没有封存密钥，不会封存 there is no key, so nothing will be sealed: camsla evidence keygen", err=True
        )


@click.command(short_help="输出检查点供见证 print what a witness signs")
@click.option("--day", metavar="DAY", help="这一日的；默认最近封存的日 of this day; by default the newest sealed")
@click.option(
    "--newest", is_flag=True, help="最近的检查点，含当日逐时的 the newest of all, today's hourly ones included"
)
@click.option("--out", type=click.Path(path_type=Path), help="写入文件 write the note to a file")
@click.option("--qr", type=click.Path(path_type=Path), help="二维码图 a QR code as .svg or .png")
@pass_session
@answering
def checkpoint(session: Session, day: str | None, newest: bool, out: Path | None, qr: Path | None) -> None:
    """输出检查点原文，终端上另附二维码；交供应商与评价机构见证签名。

    Print a checkpoint, on a terminal with its QR code: what supplier and evaluator co-sign on machines of their own. Packs are
    covered by the checkpoints of sealed days.
    """
    if day is not None and newest:
        raise click.UsageError("--day 与 --newest 只取其一 give one of --day and --newest")
    if qr is not None and qr.suffix not in QR_KINDS:
        raise refuse("二维码须是 .svg 或 .png a QR code is .svg or .png", "改文件名 name it so", file=str(qr))
    with database.reader(session.settings) as connection:
        note = newest_note(connection, hours=newest) if day is None else day_note(connection, day)
    write_out(out, note.encode())
    if out is not None:
        click.echo(f"已写入 written: {out}")
    if qr is not None:
        write_out(qr, qr_file(note, qr.suffix))
        click.echo(f"二维码 QR code: {qr}", err=True)
    elif sys.stdout.isatty():
        click.echo(qr_text(note))
