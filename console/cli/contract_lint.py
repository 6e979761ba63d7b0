"""`camsla contract lint`: what to know of a contract before signing it, each remark at its line of the file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from config.draft import Draft, load_draft
from console.cli.contract_named import tell_which
from console.cli.contract_readings import sizes_of
from console.cli.frame import Session, answering, json_option, pass_session, print_json
from settlement.lint.check import lint as remarks_on
from settlement.lint.remark import ORDER, Level
from settlement.money import yuan

LEVEL_ZH = {"error": "错误 error", "warning": "警告 warning", "info": "提示 info"}


class Row(NamedTuple):
    """A fault of the file or a remark of the linter, as it is shown."""

    level: Level
    code: str
    line: int
    place: str
    message: str
    remedy: str
    amount: str | None


@click.command(short_help="签订前检查 gaps, cliffs, contradictions, open wording")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--points", "points", multiple=True, metavar="N|PHASE=N", help="金额按多少点试算 points to tell amounts for"
)
@json_option
@pass_session
@answering
def lint(session: Session, file: Path, points: tuple[str, ...], as_json: bool) -> None:
    """签订前检查合同：分档空档与重叠、临界跳变、越差越得利、自相矛盾、未定事项。

    Check contract FILE before it is signed. Exit 1 if a finding is an error, 0 if none is, 2 if the file is unreadable.
    FILE 可为随附示例的名称 may be the shipped example's name, which never is the stored version.
    """
    tell_which(session, file)
    draft = load_draft(file)
    rows = rows_of(draft, points)
    if as_json:
        counts = {level: sum(row.level == level for row in rows) for level in ORDER}
        print_json(
            {
                "file": draft.file,
                "contract": draft.terms.contract if draft.terms else None,
                "findings": [row._asdict() for row in rows],
                "counts": counts,
            }
        )
    else:
        for row in rows:
            place = f"{draft.file}:{row.line}" if row.line else draft.file
            remedy = f" → {row.remedy}" if row.remedy else ""
            click.echo(f"{LEVEL_ZH[row.level]}: {place} [{row.place}] {row.message}{remedy}")
        told = "，".join(f"{LEVEL_ZH[level]} {sum(row.level == level for row in rows)}" for level in ORDER)
        click.echo(told)
    if any(row.level == "error" for row in rows):
        raise SystemExit(1)


def rows_of(draft: Draft, points: tuple[str, ...] = ()) -> list[Row]:
    """Put the file's faults and the linter's remarks together, gravest first, then by line."""
    rows = [
        Row(
            "error",
            fault.kind,
            fault.finding.line,
            fault.finding.column,
            fault.finding.message,
            fault.finding.remedy,
            None,
        )
        for fault in draft.faults
    ]
    if draft.terms is not None:
        sizes = sizes_of(draft.terms, points) if points else None
        for remark in remarks_on(draft.terms, sizes):
            amount = None if remark.amount_fen is None else yuan(remark.amount_fen)
            place = draft.written(remark.place)
            rows.append(
                Row(remark.level, remark.code, draft.line(remark.place), place, remark.message, remark.remedy, amount)
            )
    return sorted(rows, key=lambda row: (ORDER.index(row.level), row.line))
