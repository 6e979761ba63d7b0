"""`camsla exclusions`: time out of the account, claimed by one person and approved by another."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console.app import database
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    existing,
    json_option,
    pass_session,
    print_json,
    print_table,
)
from monitor.scope import EVERYTHING
from monitor.sources.exclusions import read_exclusions
from monitor.store import exclusions as store


@click.group()
def exclusions() -> None:
    """报备与剔除 exclusions."""


@exclusions.command("import", short_help="导入剔除申请 import claims")
@click.argument("file", type=click.Path(path_type=Path))
@actor_option
@pass_session
@answering
def import_(session: Session, file: Path, actor: str) -> None:
    """导入剔除申请 FILE（point,start,end,reason）；批准前不生效。

    Import claims; they take effect when a second person approves them.
    """
    existing(file, "exclusions")
    read = read_exclusions(file)
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        numbers = store.claim(
            connection, writer.audit, read.exclusions, actor=actor, at=database.now(), origin=read.origin
        )
    click.echo(
        f"待批 pending: {len(numbers)} 条 rows, 编号 numbers {numbers[0]}–{numbers[-1]}"
        if numbers
        else "没有数据行 no rows"
    )


@exclusions.command(short_help="批准 approve claims; nobody approves their own")
@click.argument("numbers", nargs=-1, type=click.IntRange(1))
@click.option("--all", "everything", is_flag=True, help="全部待批 all that are pending")
@actor_option
@pass_session
@answering
def approve(session: Session, numbers: tuple[int, ...], everything: bool, actor: str) -> None:
    """批准申请，经办人不能批准自己的 approve claims; nobody approves their own."""
    if bool(numbers) == everything:
        raise click.UsageError("给出编号或 --all，二者取一 give numbers, or --all")
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        chosen = numbers
        if everything:
            chosen = tuple(
                row.id
                for row in store.listed(connection, EVERYTHING)
                if not row.approved_by and row.status != "withdrawn"
            )
        count = store.approve(connection, writer.audit, chosen, actor=actor, at=database.now())
    click.echo(f"已同意 approved: {count}")


@exclusions.command(short_help="撤回 withdraw a claim")
@click.argument("number", type=click.IntRange(1))
@click.option("--reason", required=True, help="理由 reason")
@actor_option
@pass_session
@answering
def revoke(session: Session, number: int, reason: str, actor: str) -> None:
    """撤回一条，已批准的须另一人批准撤回 withdraw one; if it was approved, a second person approves the withdrawal."""
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        added = store.revoke(connection, writer.audit, number, actor=actor, at=database.now(), reason=reason)
    click.echo(f"撤回 withdrawal: {added}")


@exclusions.command("list", short_help="列出申请及状态 list claims")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出申请及其状态 list claims and where they stand."""
    zone = ZoneInfo(session.settings.zone)

    def local(instant: int) -> str:
        return datetime.fromtimestamp(instant / 1e6, zone).isoformat(timespec="seconds")

    with database.reader(session.settings) as connection:
        rows = store.listed(connection, EVERYTHING)
    if as_json:
        print_json(
            [
                {
                    "id": row.id,
                    "point": row.point,
                    "start": local(row.start),
                    "end": local(row.end),
                    "reason": row.cause,
                    "claimed_by": row.claimed_by,
                    "approved_by": row.approved_by or None,
                    "revokes": row.revokes,
                    "status": row.status,
                }
                for row in rows
            ]
        )
        return
    print_table(
        "报备与剔除 exclusions",
        [
            ("编号 no.", True),
            ("点位 point", False),
            ("起 start", False),
            ("止 end", False),
            ("事由 reason", False),
            ("申请 by", False),
            ("批准 by", False),
            ("状态 status", False),
        ],
        [
            (
                row.id,
                row.point,
                local(row.start),
                local(row.end),
                row.cause,
                row.claimed_by,
                row.approved_by,
                STATUS_ZH.get(row.status, row.status),
            )
            for row in rows
        ],
    )


STATUS_ZH = {
    "pending": "待批 pending",
    "approved": "同意 approved",
    "withdrawn": "撤回 withdrawn",
    "revocation": "撤回件 revocation",
}
