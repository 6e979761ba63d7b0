"""`camsla runs`: bring in what somebody else recorded, a whole file or nothing."""

from __future__ import annotations

from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, existing, pass_session, progress_bar, report
from monitor.scope import EVERYTHING
from monitor.sources.platform import read_platform
from monitor.sources.runs import read_gaps, read_runs
from monitor.store.imports import ImportResult, import_runs
from monitor.store.queries import Devices


@click.group()
def runs() -> None:
    """导入观测记录 import observations."""


@runs.command("import", short_help="导入运行记录 import a file of runs")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--gaps",
    "gaps_file",
    type=click.Path(path_type=Path),
    help="监测中断文件 gaps.csv；默认取同目录 default: beside FILE",
)
@click.option("--platform", is_flag=True, help="视频平台巡检导出 an inspection export of the video platform")
@click.option(
    "--vantage", default="platform", show_default=True, help="平台导出的来源名 name of the platform's vantage"
)
@click.option(
    "--valid",
    "valid_s",
    type=click.IntRange(1, 86_400 * 7),
    default=86_400,
    show_default=True,
    help="一次平台巡检代表多少秒 how many seconds one inspection stands for",
)
@actor_option
@pass_session
@answering
def import_(
    session: Session,
    file: Path,
    gaps_file: Path | None,
    platform: bool,
    vantage: str,
    valid_s: int,
    actor: str,
) -> None:
    """导入运行记录 FILE（point,vantage,first,last,count,state,reason,rung,valid_s）；重复导入无影响。

    Import a file of runs, with the gaps.csv beside it. The same file again changes nothing.
    """
    existing(file, "runs")
    bar, moved = progress_bar("导入 importing")
    with bar, database.open_writer(session.settings) as writer, writer.transaction() as connection:
        if platform:
            read = read_platform(
                file,
                Devices(connection, EVERYTHING).point_of,
                vantage=vantage,
                valid_s=valid_s,
                zone=session.settings.zone,
            )
            report(read.warnings)
            result = import_runs(
                connection,
                writer.audit,
                read.runs,
                actor=actor,
                at=database.now(),
                origin=read.origin,
                kind="platform",
                progress=moved,
            )
        else:
            seen = read_runs(file)
            report(seen.warnings)
            beside = gaps_file if gaps_file is not None else file.with_name("gaps.csv")
            gaps = read_gaps(beside) if gaps_file is not None or beside.is_file() else None
            result = import_runs(
                connection,
                writer.audit,
                seen.runs,
                gaps.gaps if gaps else (),
                actor=actor,
                at=database.now(),
                origin=seen.origin,
                gap_origin=gaps.origin if gaps else None,
                progress=moved,
            )
    _tell(result)


def _tell(result: ImportResult) -> None:
    if result.repeated:
        click.echo("文件已导入过，没有变化 imported before, nothing changed")
    else:
        click.echo(f"已导入 imported: {result.runs:,} 段运行记录 runs, {result.gaps:,} 段监测中断 gaps")
