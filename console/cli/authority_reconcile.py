"""`camsla authority reconcile`: own measurement beside the authority's figures, for people, machines and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from console.app import database
from console.authority.reconciling import reconcile_quarter
from console.authority.terms import terms_for
from console.authority.workbook import write_workbook
from console.cli.frame import (
    Session,
    answering,
    json_option,
    pass_session,
    print_json,
    print_table,
    progress_bar,
    report,
    write_out,
)
from console.clock import today
from console.quarters import record
from settlement.chosen import SOURCE_ZH
from settlement.comparing import PointComparison
from settlement.daycount import parse_quarter
from settlement.matching import Item
from settlement.money import grouped
from settlement.readings import percent
from settlement.reconcile import Reconciliation, points_text
from settlement.reconcile_document import ITEM_HEADINGS, item_cells, reconciliation_document
from settlement.reports.cells import safe

SHOWN = 50
SHOWN_POINTS = 20
MANY = 500
"""From so many points on, their comparison shows its progress."""
BEYOND_ZH = "超出允许 beyond the tolerance"


@click.command(short_help="对账 own measurement beside the authority's figures")
@click.argument("contract")
@click.argument("quarter")
@click.option("--pending", is_flag=True, help="连未核对的文件一并试算 count files that nobody has checked yet, to try")
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help="以 CSV 列出核对事项与超出允许的点位 items and points beyond the tolerance as CSV",
)
@click.option("--xlsx", type=click.Path(path_type=Path), help="另存为工作簿 write a workbook as well")
@json_option
@pass_session
@answering
def reconcile(
    session: Session, contract: str, quarter: str, pending: bool, as_csv: bool, xlsx: Path | None, as_json: bool
) -> None:
    """系统监测与公安核定逐期、逐点对账，列出核对事项及应付差额。

    Reconcile a quarter: both rates and both denominators per phase, what stands on one side only, the difference in yuan,
    and which figure pays.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv 与 --json 只能取一 give one of them")
    when = parse_quarter(quarter)
    terms = terms_for(session.settings, contract, when)
    day = today(terms.zone)
    with database.reader(session.settings) as connection:
        read = record.read(connection, terms, when, day)
        with _moving() as progress:
            found = reconcile_quarter(
                connection, terms, when, read.facts, read.measured, day, pending=pending, progress=progress
            )
    if xlsx is not None:
        write_out(xlsx, write_workbook(found))
    report(found.findings)
    if as_json:
        print_json(reconciliation_document(found))
    elif as_csv:
        write_out(None, _csv(found))
    else:
        _show(found)


@contextmanager
def _moving() -> Iterator[Callable[[int, int], None]]:
    """A bar that appears where there are many points to compare."""
    bar, moved = progress_bar("点位 points")
    started = False

    def progress(done: int, total: int) -> None:
        nonlocal started
        if not started and total >= MANY:
            bar.start()
            started = True
        if started:
            moved(done, total)

    try:
        yield progress
    finally:
        if started:
            bar.stop()


def _beyond(found: Reconciliation) -> list[PointComparison]:
    """The points beyond the tolerance, the widest apart first."""
    return sorted((row for row in found.points if row.beyond), key=lambda row: (-abs(row.difference or 0), row.point))


def _csv(found: Reconciliation) -> str:
    """The items, then the points beyond the tolerance under the same headings."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(ITEM_HEADINGS)
    rows = [*map(item_cells, found.items), *(_point_cells(found, row) for row in _beyond(found))]
    writer.writerows([safe(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()


def _point_cells(found: Reconciliation, row: PointComparison) -> tuple[str | int | None, ...]:
    own, worth = row.own, "" if row.fen is None else f"，影响应付 changes the payable by {grouped(row.fen)} 元"
    text = f"相差 differs by {_apart(row)} 个百分点 percentage points{worth}"
    counts = (None, None) if own is None else (own.good, own.counted)
    theirs = percent(row.theirs)
    return (BEYOND_ZH, row.phase, row.point, "", found.quarter, theirs, None, *counts, text, "", None)


def _apart(row: PointComparison) -> str:
    return "—" if row.difference is None else points_text(row.difference)


def _show(found: Reconciliation) -> None:
    print_table(
        f"在线率核对 reconciliation · {found.contract} · {found.quarter} · 采用 pays {found.clause.pays}",
        [
            ("期次 phase", False),
            ("监测 own", True),
            ("我方点位 points", True),
            ("核定 authority", True),
            ("对方点位 points", True),
            ("相差 difference", True),
            ("应付相差 yuan", True),
            ("采用 chosen", False),
        ],
        [
            (
                row.phase,
                percent(row.own.value) if row.own else "—",
                f"{row.own_points:,}",
                percent(row.theirs.value) if row.theirs else "—",
                f"{row.theirs.points:,}" if row.theirs and row.theirs.points is not None else "—",
                "—" if row.difference is None else points_text(row.difference),
                "—" if row.difference_fen is None else grouped(row.difference_fen),
                SOURCE_ZH[row.chosen.source],
            )
            for row in found.phases
        ],
    )
    for row in found.phases:
        if row.theirs is not None:
            reference = f"文号 reference {row.reference}；" if row.reference else ""
            click.echo(f"{row.phase}：{reference}{row.theirs.quarterly.how}")
        click.echo(f"{row.phase}：{row.chosen.why}")
    if found.items:
        print_table(f"核对事项 items · {len(found.items):,}", ITEM_COLUMNS, map(_item_row, found.items[:SHOWN]))
    if len(found.items) > SHOWN:
        click.echo(f"另有 and {len(found.items) - SHOWN:,} more (--csv, --json, --xlsx)")
    if found.points:
        _show_points(found)


ITEM_COLUMNS = (
    ("类别 kind", False),
    ("期次 phase", False),
    ("点位编号 our point", False),
    ("对方编码 their code", False),
    ("期间 period", False),
    ("对方在线率\ntheir rate", True),
    ("对方分母\ntheir count", True),
    ("我方分母\nour count", True),
    ("说明 text", False),
)


def _item_row(item: Item) -> tuple[str, ...]:
    cells = item_cells(item)
    ours = f"{item.own.counted:,} 秒 s" if item.own is not None else "—"
    return (*(str(cell or "") for cell in cells[:5]), str(cells[5] or "—"), str(cells[6] or "—"), ours, item.text)


def _show_points(found: Reconciliation) -> None:
    """How many points lie beyond the tolerance, and the first of them by name."""
    beyond = _beyond(found)
    click.echo(
        f"逐点 points: {len(found.points):,} 个双方都有 on both sides，{len(beyond):,} 个超出允许 beyond the tolerance"
    )
    if not beyond:
        return
    print_table(
        f"{BEYOND_ZH} · {len(beyond):,}",
        [
            ("期次 phase", False),
            ("点位编号 point", False),
            ("监测 own", True),
            ("核定 authority", True),
            ("相差（百分点） difference", True),
            ("影响应付（元） yuan", True),
        ],
        [
            (
                row.phase,
                row.point,
                percent(row.own.value) if row.own is not None and row.own.counted else "—",
                percent(row.theirs),
                _apart(row),
                "—" if row.fen is None else grouped(row.fen),
            )
            for row in beyond[:SHOWN_POINTS]
        ],
    )
    if len(beyond) > SHOWN_POINTS:
        click.echo(f"另有 and {len(beyond) - SHOWN_POINTS:,} more points (--csv, --json, --xlsx)")
