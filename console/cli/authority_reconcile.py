"""`camsla authority reconcile`: own measurement beside the authority's figures, for people, machines and spreadsheets."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import click

from console import record
from console.app import database
from console.authority.reconciling import reconcile_quarter
from console.authority.terms import terms_for
from console.authority.workbook import write_workbook
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table, report, write_out
from console.clock import today
from settlement.chosen import SOURCE_ZH
from settlement.daycount import parse_quarter
from settlement.money import grouped
from settlement.readings import percent
from settlement.reconcile import Reconciliation, points_text
from settlement.reconcile_document import ITEM_HEADINGS, item_cells, reconciliation_document
from settlement.reports.cells import safe

SHOWN = 50


@click.command(short_help="对账 own measurement beside the authority's figures")
@click.argument("contract")
@click.argument("quarter")
@click.option("--pending", is_flag=True, help="连未核对的文件一并试算 count files that nobody has checked yet, to try")
@click.option("--csv", "as_csv", is_flag=True, help="以 CSV 列出核对事项 print the items as CSV")
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
        found = reconcile_quarter(connection, terms, when, read.facts, read.measured, day, pending=pending)
    if xlsx is not None:
        write_out(xlsx, write_workbook(found))
    report(found.findings)
    if as_json:
        print_json(reconciliation_document(found))
    elif as_csv:
        write_out(None, _csv(found))
    else:
        _show(found)


def _csv(found: Reconciliation) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(ITEM_HEADINGS)
    writer.writerows(
        [safe(cell) if isinstance(cell, str) else cell for cell in item_cells(item)] for item in found.items
    )
    return out.getvalue()


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
            ("文号 reference", False),
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
                row.reference,
            )
            for row in found.phases
        ],
    )
    for row in found.phases:
        if row.theirs is not None:
            click.echo(f"{row.phase}：{row.theirs.quarterly.how}")
        click.echo(f"{row.phase}：{row.chosen.why}")
    if found.items:
        print_table(
            f"核对事项 items · {len(found.items):,}",
            [(heading, False) for heading in ITEM_HEADINGS[:5]]
            + [("双方分母 denominators", True), ("说明 text", False)],
            [(*cells[:7], cells[8], cells[9]) for cells in (item_cells(item) for item in found.items[:SHOWN])],
        )
    if len(found.items) > SHOWN:
        click.echo(f"另有 and {len(found.items) - SHOWN:,} more (--csv, --json, --xlsx)")
    beyond = sum(row.beyond for row in found.points)
    if found.points:
        click.echo(
            f"逐点 points: {len(found.points):,} 个双方都有 on both sides，{beyond:,} 个超出允许 beyond the tolerance"
        )
