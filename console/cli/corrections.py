"""`camsla corrections`: unknown time called online or offline (补判), claimed with a 故障报告 and approved by another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console import views
from console.app import database
from console.claims import correcting
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
from console.cli.statement_frame import paper_of
from console.documents.handed_in import keep
from monitor.finding import InputError, refuse
from monitor.model import MICROSECONDS, Instant, Reclassification, State
from monitor.origin import Origin
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from monitor.sources.csvfile import Complaints, instant
from monitor.sources.reclassifications import read_reclassifications
from monitor.store import claims
from monitor.store import reclassifications as store
from monitor.store.identities import point_ids

MAX_REASON = 200
STATUS_ZH = {
    "pending": "待批 pending",
    "approved": "同意 approved",
    "withdrawn": "撤回 withdrawn",
    "revocation": "撤回件 revocation",
}
TO_ZH = {"online": "在线 online", "offline": "离线 offline"}
_document = click.option(
    "--document",
    type=click.Path(path_type=Path),
    required=True,
    help="故障报告，存档并记指纹 the fault report, kept by digest",
)


@click.group()
def corrections() -> None:
    """补判监测缺失 reclassifications."""


@corrections.command(short_help="申请补判 claim what unknown time was")
@click.option("--point", "points", multiple=True, help="点位，可多次 a point, as often as needed")
@click.option("--start", help="起 from, 2020-07-01T08:00:00+08:00")
@click.option("--end", help="止 to (exclusive)")
@click.option(
    "--gap", type=click.IntRange(1), help="监测中断编号：其中所有缺失点位 every point that this gap left unknown"
)
@click.option("--to", type=click.Choice(["online", "offline"]), required=True, help="补判为 what it was")
@click.option("--reason", required=True, help="事由 why")
@_document
@actor_option
@pass_session
@answering
def claim(
    session: Session,
    points: tuple[str, ...],
    start: str | None,
    end: str | None,
    gap: int | None,
    to: str,
    reason: str,
    document: Path,
    actor: str,
) -> None:
    """申请把监测缺失补判为在线或离线：按点位与时段，或按一次监测中断。已知的时间不变；另一人批准后生效。

    Claim what unknown time was, for points and a span, or for a whole gap. Known seconds stay as they are; it takes effect
    when a second person approves it.
    """
    spanned = bool(points) and start is not None and end is not None
    if spanned == (gap is not None) or (gap is not None and (points or start or end)):
        raise click.UsageError("给出 --gap，或 --point、--start、--end give --gap, or --point, --start and --end")
    if not reason.strip() or len(reason) > MAX_REASON:
        raise refuse(
            f"事由须为 1–{MAX_REASON} 字 the reason has 1 to {MAX_REASON} characters",
            "改写 rewrite it",
            column="reason",
        )
    if gap is None:
        rows = _spanned(points, start or "", end or "", State(to), reason.strip())
    else:
        with database.reader(session.settings) as connection:
            rows = correcting.of_gap(connection, gap, State(to), reason.strip(), session.settings.zone)
    _say(_claim(session, rows, Origin(), document, actor))


def _spanned(points: Sequence[str], start: str, end: str, state: State, reason: str) -> list[Reclassification]:
    complaints = Complaints("")
    begun, ended = instant(start, 0, "start", complaints), instant(end, 0, "end", complaints)
    if begun is None or ended is None:
        raise InputError(complaints.findings())
    return [Reclassification(point, begun, ended, state, reason) for point in points]


@corrections.command("import", short_help="导入补判申请 import claims")
@click.argument("file", type=click.Path(path_type=Path))
@_document
@actor_option
@pass_session
@answering
def import_(session: Session, file: Path, document: Path, actor: str) -> None:
    """导入补判申请 FILE（point,start,end,to,reason）；批准前不生效。

    Import claims (to: online or offline); they take effect when a second person approves them.
    """
    existing(file, "corrections")
    read = read_reclassifications(file)
    _say(_claim(session, read.rows, read.origin, document, actor))


def _claim(session: Session, rows: Sequence[Reclassification], origin: Origin, document: Path, actor: str) -> list[int]:
    """Keep the report and add the claims, in one transaction."""
    paper = paper_of(document)
    if paper is None:
        raise refuse("没有故障报告 no fault report", "--document FILE", column="document")
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        at = database.now()
        if {row.point for row in rows} <= point_ids(connection).keys():  # else `claim` says which are not
            correcting.require_unknown(connection, rows, origin, session.settings.zone)
        sha, _ = keep(writer, connection, paper.body, paper.name, at=at, actor=actor)
        return store.claim(connection, writer.audit, rows, document=sha, actor=actor, at=at, origin=origin)


def _say(numbers: Sequence[int]) -> None:
    click.echo(f"待批 pending: {len(numbers)} 条 rows, 编号 numbers {numbers[0]}–{numbers[-1]}")


@corrections.command(short_help="批准 approve claims; nobody approves their own")
@click.argument("numbers", nargs=-1, type=click.IntRange(1))
@click.option("--all", "everything", is_flag=True, help="全部待批 all that are pending")
@actor_option
@pass_session
@answering
def approve(session: Session, numbers: tuple[int, ...], everything: bool, actor: str) -> None:
    """批准补判或其撤回，经办人不能批准自己的 approve claims or withdrawals; nobody approves their own."""
    if bool(numbers) == everything:
        raise click.UsageError("给出编号或 --all，二者取一 give numbers, or --all")
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        if everything:
            listed = claims.listed(connection, EVERYTHING, "reclassify")
            numbers = tuple(row.id for row in listed if not row.approved_by and row.status != "withdrawn")
        count = claims.approve(connection, writer.audit, numbers, actor=actor, at=database.now(), what="reclassify")
    click.echo(f"已同意 approved: {count}")


@corrections.command(short_help="撤回 withdraw a claim")
@click.argument("number", type=click.IntRange(1))
@click.option("--reason", required=True, help="理由 reason")
@actor_option
@pass_session
@answering
def revoke(session: Session, number: int, reason: str, actor: str) -> None:
    """撤回一条，已批准的须另一人批准撤回 withdraw one; if it was approved, a second person approves the withdrawal."""
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        added = claims.revoke(
            connection, writer.audit, number, actor=actor, at=database.now(), reason=reason, what="reclassify"
        )
    click.echo(f"撤回 withdrawal: {added}")


@corrections.command("list", short_help="列出补判及状态 list claims")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出补判及其状态 list claims and where they stand."""
    zone = session.settings.zone
    with database.reader(session.settings) as connection:
        rows = claims.listed(connection, EVERYTHING, "reclassify")
    if as_json:
        print_json(
            [
                {
                    "id": row.id,
                    "point": row.point,
                    "start": _local(row.start, zone),
                    "end": _local(row.end, zone),
                    "to": row.to,
                    "reason": row.cause,
                    "document": row.document_sha,
                    "claimed_by": row.claimed_by,
                    "approved_by": row.approved_by or None,
                    "revokes": row.revokes,
                    "status": row.status,
                }
                for row in rows
            ]
        )
        return
    headings = (
        "点位 point", "起 start", "止 end", "补判为 to", "事由 reason", "故障报告 document", "申请 by", "批准 by", "状态 status"
    )  # fmt: skip
    print_table(
        "补判 reclassifications",
        [("编号 no.", True), *((heading, False) for heading in headings)],
        [
            (
                row.id,
                row.point,
                _short(row.start, zone),
                _short(row.end, zone),
                TO_ZH[row.to],
                row.cause,
                row.document_sha[:16],
                row.claimed_by,
                row.approved_by,
                STATUS_ZH[row.status],
            )
            for row in rows
        ],
    )


@corrections.command("gaps", short_help="监测中断清单 the gaps of a period")
@click.option("--period", required=True, help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31（含首尾 inclusive）")
@click.option("--point", help="只看涉及一个点位的 only those that hold for a point")
@json_option
@pass_session
@answering
def gaps_(session: Session, period: str, point: str | None, as_json: bool) -> None:
    """列出本系统的监测中断及编号 list the watcher's gaps with their numbers, for `claim --gap`."""
    zone = session.settings.zone
    window = views.Question(parse_period(period), zone, session.settings.policy).window_us
    with database.reader(session.settings) as connection:
        rows = correcting.gaps_in(connection, window, point)
    told = [
        (row.id, row.vantage, row.point or "", _local(row.start, zone), _ended(row.end, zone), row.cause)
        for row in rows
    ]
    if as_json:
        names = ("id", "vantage", "point", "start", "end", "cause")
        print_json(
            [{**dict(zip(names, row, strict=True)), "point": row[2] or None, "end": row[4] or None} for row in told]
        )
        return
    headings = ("观测源 vantage", "点位 point", "起 start", "止 end", "原因 cause")
    columns = [("编号 no.", True), *((heading, False) for heading in headings)]
    print_table(f"监测中断 gaps · {period} · {len(told):,}", columns,
                [(*row[:2], row[2] or "全部 all", row[3], row[4] or "未结束 not over", row[5]) for row in told])  # fmt: skip


def _ended(end: Instant | None, zone: str) -> str:
    return "" if end is None else _local(end, zone)


def _local(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone)).isoformat(timespec="seconds")


def _short(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at / MICROSECONDS, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
