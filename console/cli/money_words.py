"""What the commands about money share: amounts, days and document files as options."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click
from sqlalchemy import Connection

from console.cli.frame import existing
from console.documents.handed_in import keep
from monitor.finding import refuse
from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.money import fen

DAY = click.DateTime(["%Y-%m-%d"])


def amount(text: str, column: str = "amount") -> int:
    """Read yuan as fen. InputError on anything else."""
    try:
        return fen(text.replace(",", ""))
    except ValueError as error:
        raise refuse(str(error), '写成元，至多两位小数 write yuan, like "1695600.00"', column=column) from None


def day_of(text: str, column: str) -> date:
    """Read a day. InputError on anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refuse(
            f"不是日期 not a day: {text[:40]!r}", "写成 2020-07-01 write it like 2020-07-01", column=column
        ) from None


def kept(writer: Writer, connection: Connection, file: Path | None, *, at: Instant, actor: str) -> str:
    """Keep a document that was named on the command line and return its digest; "" without one."""
    if file is None:
        return ""
    return keep(writer, connection, existing(file, "document").read_bytes(), file.name, at=at, actor=actor)[0]
