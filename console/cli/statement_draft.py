"""`camsla statement draft`: compute a quarter from the store and keep it as a draft."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import click

from console.app import database
from console.cli.frame import Session, actor_option, answering, json_option, pass_session, report, write_out
from console.cli.statement_frame import answer, quarter_of, statement_arguments
from console.clock import today
from console.quarters.carried import COMPUTED, Opening
from console.quarters.quarter import Order
from console.quarters.quarter import draft as draft_quarter
from monitor.finding import Finding, InputError
from monitor.roster.export import escaped
from settlement.doubts import Doubt, DoubtfulError
from settlement.money import fen


@click.command(short_help="起草 compute and keep a draft")
@statement_arguments
@click.option("--override", default="", metavar="REASON", help="有疑点仍关账的理由 why to close in spite of doubts")
@click.option("--redraft", is_flag=True, help="草稿另起一版 a further revision of what is still a draft")
@click.option(
    "--prepaid",
    multiple=True,
    metavar="PHASE=YUAN",
    help=f"本库第一个季度已预付的金额，或 {COMPUTED} what was prepaid for the store's first quarter",
)
@click.option(
    "--points",
    type=click.Path(path_type=Path),
    help="须弄清的点位写入此 CSV the points that would decide a doubt, as CSV",
)
@actor_option
@json_option
@pass_session
@answering
def draft(
    session: Session,
    contract: str,
    quarter: str,
    override: str,
    redraft: bool,
    prepaid: tuple[str, ...],
    points: Path | None,
    actor: str,
    as_json: bool,
) -> None:
    """按库中数据与生效合同计算季度，冻结输入，存为草稿；同样的输入不会重复。

    Compute a quarter from the store under the version in force, freeze its inputs, keep it as a draft. The same inputs
    add nothing; other inputs are an error that names what changed.
    """
    order = Order(contract, quarter_of(quarter), override.strip(), redraft, _opening(prepaid))
    try:
        with database.open_writer(session.settings) as writer:
            done = draft_quarter(writer, order, today=today(session.settings.zone), at=database.now(), actor=actor)
    except DoubtfulError as error:
        if points is not None:
            write_out(points, _points_csv(error.doubts))
        raise
    report(done.findings)
    if not done.added and not as_json:
        click.echo(f"没有变化 no change: {done.stored.name}")
    answer(session, done.stored, as_json=as_json, extra={"added": done.added})


def _points_csv(doubts: Sequence[Doubt]) -> str:
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(("phase", "window", "doubt", "point", "unknown_s"))
    rows.writerows(
        (escaped(d.phase), d.window, d.kind, escaped(code), unknown_s) for d in doubts for code, unknown_s in d.points
    )
    return lines.getvalue()


def _opening(texts: tuple[str, ...]) -> Opening:
    amounts: dict[str, int] = {}
    findings: list[Finding] = []
    for text in texts:
        if text == COMPUTED:
            continue
        phase, sign, value = text.partition("=")
        try:
            amounts[phase] = fen(value)
            if not sign or not phase or amounts[phase] < 0:
                raise ValueError(f"写法有误 malformed: {text[:60]!r}")
        except ValueError as error:
            findings.append(Finding("", 0, "--prepaid", str(error), f"写成 PHASE=1695600.00 或 or {COMPUTED}"))
    if findings:
        raise InputError(findings)
    return Opening(amounts, COMPUTED in texts)
