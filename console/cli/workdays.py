"""`camsla workdays`: working days beyond the built-in calendar."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

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
from console.workday_files import read_workdays
from settlement.calendar import SATURDAY
from settlement.store import workdays as store

WEEKDAYS = "一二三四五六日"


@click.group()
def workdays() -> None:
    """工作日与节假日 working days and holidays."""


@workdays.command("import", short_help="导入节假日表 import a table")
@click.argument("file", type=click.Path(path_type=Path))
@actor_option
@pass_session
@answering
def import_(session: Session, file: Path, actor: str) -> None:
    """导入节假日表 FILE（day,working,source）：只列放假的日子和调休上班的周末。

    Import a table of the days that differ from Monday to Friday: holidays, and weekends that are worked. A year that the
    built-in calendar does not know must be complete.
    """
    rows = read_workdays(existing(file, "workdays"))
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        added, changed = store.import_table(connection, writer.audit, file.name, rows, at=database.now(), actor=actor)
    click.echo(f"已导入 imported: 新增 new {added}，变更 changed {changed}")


@workdays.command(short_help="某年的节假日 a year's days")
@click.argument("year", type=click.IntRange(1990, 2200))
@json_option
@pass_session
@answering
def show(session: Session, year: int, as_json: bool) -> None:
    """列出某年与周一至周五不同的日子 list the days of a year that differ from Monday to Friday."""
    calendar = store.built_in()
    if database.database_exists(session.settings):
        with database.reader(session.settings) as connection:
            calendar = store.calendar(connection)
    days = [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    found = [(day, calendar.working(day)) for day in days if calendar.working(day) != (day.weekday() < SATURDAY)]
    total = sum(calendar.working(day) for day in days)
    if as_json:
        differing = [{"day": day.isoformat(), "working": working} for day, working in found]
        print_json({"year": year, "working_days": total, "differing": differing})
        return
    print_table(
        f"{year} 年：工作日 {total} 天 working days",
        [("日期 day", False), ("星期 weekday", False), ("", False)],
        [(day, WEEKDAYS[day.weekday()], "上班 worked" if working else "休息 free") for day, working in found],
    )
