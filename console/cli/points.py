"""`camsla points`: the point ledger in and out of spreadsheets."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from config.secrets import PasswordCipher
from console.app import database
from console.cli.frame import Session, actor_option, answering, existing, json_option, pass_session, report, write_out
from console.clock import today
from monitor.points import Plan, Stored
from monitor.roster import difference
from monitor.roster.export import to_csv, to_xlsx
from monitor.roster.mapping import BUILT_IN, load_mapping
from monitor.roster.parse import PointsFile, read_points
from monitor.roster.plan import plan_import
from monitor.scope import EVERYTHING
from monitor.store import roster, roster_import


@click.group()
def points() -> None:
    """点位台账 the point ledger."""


@points.command("import", short_help="导入台账 import the ledger")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mapping", "mapping_name", default=BUILT_IN, show_default=True, help="已存的列映射 a saved column mapping"
)
@click.option(
    "--effective-from",
    type=click.DateTime(["%Y-%m-%d"]),
    help="变更生效日，默认今天 changes hold from this day; default today",
)
@click.option("--dry-run", is_flag=True, help="只显示差异 show the difference, change nothing")
@json_option
@actor_option
@pass_session
@answering
def import_(
    session: Session,
    file: Path,
    mapping_name: str,
    effective_from: datetime | None,
    dry_run: bool,
    as_json: bool,
    actor: str,
) -> None:
    """导入点位台账 FILE（CSV、XLSX）：有一行不合格就全部不导入。

    Import the point ledger; if any row is bad, nothing is imported.
    """
    settings = session.settings
    existing(file, "points")
    source = read_points(file, load_mapping(mapping_name, settings.mappings_dir))
    day = today(settings.zone) if effective_from is None else effective_from.date()
    cipher = database.password_cipher(settings)
    if dry_run:
        plan = plan_import(_stored(session), source, day, cipher, settings.zone)
    else:
        plan = _carried_out(session, source, day, cipher, actor)
    report(plan.warnings)
    if as_json:
        click.echo(difference.to_json(plan))
    elif dry_run:
        click.echo(difference.to_text(plan))
        click.echo("仅预演，未写入 dry run, nothing written")
    else:
        click.echo(f"已导入 imported: {difference.summary(plan)}")


def _stored(session: Session) -> Stored:
    """Return the ledger as stored; an empty one where there is no database yet."""
    if not database.database_exists(session.settings):
        return Stored()
    with database.reader(session.settings) as connection:
        return roster_import.load(connection, session.settings.zone)


def _carried_out(session: Session, source: PointsFile, day: date, cipher: PasswordCipher, actor: str) -> Plan:
    source.checked()  # a bad file should not even take the lock
    settings = session.settings
    with database.open_writer(settings) as writer, writer.transaction() as connection:
        plan = plan_import(roster_import.load(connection, settings.zone), source, day, cipher, settings.zone)
        roster_import.apply(connection, plan, at=database.now(), actor=actor, audit=writer.audit, cipher=cipher)
    return plan


@points.command("export", short_help="导出台账 export the ledger")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "kind", type=click.Choice(["csv", "xlsx"]), help="默认按文件名 default: by the file's name")
@pass_session
@answering
def export(session: Session, file: Path | None, kind: str | None) -> None:
    """导出点位台账到 FILE 或标准输出；不含密码 export to FILE or standard output, never passwords."""
    if file == Path("-"):
        file = None
    chosen = kind or ("xlsx" if file is not None and file.suffix.lower() == ".xlsx" else "csv")
    with database.reader(session.settings) as connection:
        rows = roster.roster_at(connection, EVERYTHING, database.now(), zone=session.settings.zone)
        cameras = roster.cameras_at(connection, EVERYTHING, database.now())
    write_out(file, to_xlsx(rows, cameras) if chosen == "xlsx" else to_csv(rows, cameras))
    if file is not None:
        click.echo(f"已导出 exported: {len(rows):,} → {file}", err=True)
