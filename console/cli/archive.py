"""`camsla archive`: every probe's result, one file a day; made, listed, checked, and cleared away by rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import click

from console.app import database
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    json_option,
    pass_session,
    print_json,
    print_table,
    progress_bar,
)
from monitor.finding import InputError, refuse
from monitor.period import Period, parse_period

if TYPE_CHECKING:
    from console.archives.archiving import Place
    from monitor.archive.parts import Part
    from monitor.evidence.folder import LogFolder

_DAY = "写成 2020-07-01 write it like this"


@click.group()
def archive() -> None:
    """原始归档：每次探测的结果 every probe's result, one Parquet file a day."""


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise refuse(f"不是日期 not a day: {text!r:.40}", _DAY, column="--day") from None


def _places(session: Session) -> tuple[Place, LogFolder]:
    from console.archives.archiving import place_of  # noqa: PLC0415  --help needs none of it
    from console.log.sealing import log_of  # noqa: PLC0415

    return place_of(session.settings), log_of(session.settings).folder


@archive.command(short_help="归档已结束的日 make the files of days that are over")
@click.option("--day", help="只归档该日 this day only: 2020-07-01")
@actor_option
@pass_session
@answering
def build(session: Session, day: str | None, actor: str) -> None:
    """归档所有已结束而未归档的日；迟到的结果另成一份，已有的文件从不改写。

    Make the files of all days that are over. Results that come later become a further file of their day.
    """
    from console.archives.archiving import build_owed  # noqa: PLC0415

    place, folder = _places(session)
    only, now = _day(day), database.now()
    with database.reader(session.settings):
        pass
    bar, moved = progress_bar("归档 archiving")
    with bar:
        made = build_owed(place, now, only=only, moved=moved)
    for part in made:
        click.echo(
            f"已归档 archived: {part.stem}，{part.rows:,} 个结果 results，{part.points:,} 个点位 points，"
            f"{part.bytes:,} 字节 bytes（{part.bytes / max(part.rows, 1):.2f} B/result）"
        )
    if not made:
        click.echo("没有待归档的结果 nothing to archive")
    _announce(session, place, folder, actor)


def _announce(session: Session, place: Place, folder: LogFolder, actor: str) -> None:
    """Name in the log what no manifest will; if another process writes, it will do so itself."""
    from console.archives.keeping import announce, unannounced  # noqa: PLC0415
    from monitor.store.database import open_database  # noqa: PLC0415

    engine = open_database(session.settings.url)
    try:
        waiting = unannounced(engine, place, folder)
    finally:
        engine.dispose()
    if not waiting:
        return
    try:
        with database.open_writer(session.settings) as writer:
            announce(writer, place, folder, database.now(), actor)
    except InputError as error:
        click.echo(f"待记入证据日志 to be noted in the evidence log: {error}", err=True)


def _span(period: str | None) -> Period | None:
    return None if period is None else parse_period(period)


def _parts(place: Place, period: Period | None) -> Sequence[Part]:
    from monitor.archive.parts import parts_of  # noqa: PLC0415

    return parts_of(place.folder, period and period.first, period and period.last)


@archive.command("list", short_help="归档文件 the files there are")
@click.option("--period", help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31")
@json_option
@pass_session
@answering
def list_(session: Session, period: str | None, as_json: bool) -> None:
    """列出归档文件及其摘要，是否已封存 the files, their digests, and whether they are sealed."""
    from console.archives.keeping import sealed_parts  # noqa: PLC0415

    place, folder = _places(session)
    parts = _parts(place, _span(period))
    sealed: set[str] = set()
    if parts and database.database_exists(session.settings):
        with database.reader(session.settings) as connection:
            sealed = sealed_parts(connection, folder, parts)
    if as_json:
        rows = [
            {
                "day": str(part.day),
                "part": part.number,
                "file": str(part.path(place.folder)),
                "rows": part.rows,
                "points": part.points,
                "bytes": part.bytes,
                "sha256": part.sha256,
                "sealed": part.stem in sealed,
                "pruned": part.pruned_at is not None,
            }
            for part in parts
        ]
        print_json({"folder": str(place.folder), "parts": rows})
        return
    print_table(
        f"原始归档 raw archive · {place.folder}",
        [
            ("日 day", False),
            ("结果 results", True),
            ("点位 points", True),
            ("字节 bytes", True),
            ("B/result", True),
            ("摘要 SHA-256", False),
            ("状态 state", False),
        ],
        [
            (
                part.stem,
                f"{part.rows:,}",
                f"{part.points:,}",
                f"{part.bytes:,}",
                f"{part.bytes / max(part.rows, 1):.2f}",
                part.sha256[:16],
                _state(part, sealed),
            )
            for part in parts
        ],
    )


def _state(part: Part, sealed: set[str]) -> str:
    if part.pruned_at is not None:
        return "已过保留期 pruned"
    return "已封存 sealed" if part.stem in sealed else "未封存 not sealed"


@archive.command(short_help="核对归档 read the files to the last row")
@click.option("--period", help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31")
@pass_session
@answering
def verify(session: Session, period: str | None) -> None:
    """核对摘要、行数、次序，并与尚在库中的批次和封存的清单比对；有不符即退出码 2。

    Check digests, rows and order, also against batches that are still there and sealed manifests; exit 2 if anything is wrong.
    """
    from console.archives.checking import verify as check_all  # noqa: PLC0415

    place, folder = _places(session)
    span = _span(period)
    parts = [part for part in _parts(place, span) if part.pruned_at is None]
    bar, moved = progress_bar("核对 checking")
    with bar, database.reader(session.settings) as connection:
        findings = check_all(connection, place, folder, parts, moved)
    if findings:
        raise InputError(findings)
    missing = _missing(parts, span)
    rows = sum(part.rows for part in parts)
    click.echo(f"无误 all hold: {len(parts)} 个文件 files，{rows:,} 个结果 results")
    if missing:
        click.echo(f"期间内没有归档的日 days without a file: {'、'.join(missing)}")


def _missing(parts: Sequence[Part], period: Period | None) -> list[str]:
    there = {part.day for part in parts}
    first, last = (period.first, period.last) if period else (min(there, default=None), max(there, default=None))
    if first is None or last is None:
        return []
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [str(day) for day in days if day not in there]


@archive.command(short_help="按保留期清理 drop what may go")
@click.option("--dry-run", is_flag=True, help="只显示 show only")
@click.option(
    "--unsealed", is_flag=True, help="未封存的也算 without waiting for a seal (installations without evidence)"
)
@actor_option
@pass_session
@answering
def prune(session: Session, dry_run: bool, unsealed: bool, actor: str) -> None:
    """从库中删除已封存的批次，删除过了保留期的归档文件（设置 archive）。

    Drop batches whose files are sealed, and files that are out of their retention, by the settings' `archive`.
    """
    from console.archives.keeping import droppable, outlived  # noqa: PLC0415
    from console.archives.keeping import prune as prune_all  # noqa: PLC0415
    from monitor.store.database import open_database  # noqa: PLC0415

    place, folder = _places(session)
    rules, now = session.settings.archive, database.now()
    if dry_run:
        with database.reader(session.settings):
            pass
        engine = open_database(session.settings.url)
        try:
            days = rules.delete_batches_after_days
            spans, waiting = (
                ([], []) if days is None else droppable(engine, place, folder, days, now, unsealed=unsealed)
            )
        finally:
            engine.dispose()
        count = sum(last - first + 1 for _, first, last in spans)
        files = outlived(place, rules, now)
        click.echo(f"将清理 would go: {count:,} 批 batches，{len(files)} 个归档文件 files")
    else:
        with database.open_writer(session.settings) as writer:
            done = prune_all(writer, place, folder, rules, now, unsealed=unsealed, actor=actor)
        click.echo(f"已清理 gone: {done.batches:,} 批 batches，{len(done.files)} 个归档文件 files")
        waiting = list(done.unsealed)
    if waiting:
        stems = "、".join(part.stem for part in waiting[:10]) + (" …" if len(waiting) > 10 else "")
        click.echo(f"其批次待封存后才删 batches wait for the seal of: {stems}（--unsealed 不等 does not wait）")
