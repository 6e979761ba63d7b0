"""`camsla evidence sample`: points drawn by an auditor's seed, snapshots of them sealed, and the sheet to take along."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from console.app import database
from console.authority.terms import terms_for
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    json_option,
    pass_session,
    print_json,
    print_table,
    write_out,
)
from console.evaluator import sampling
from console.evaluator.sampling import MAX_POINTS, Stratum
from monitor.finding import refuse
from monitor.period import day_of, parse_period, quarter_of
from monitor.store import evaluations
from settlement.daycount import parse_quarter

MAX_SEED = 100
_FILE = click.Path(path_type=Path, dir_okay=False)
HEADINGS = ("点位编号 code", "名称 name", "地址 address", "期次 phase", "在线率 rate", "最近状态 last seen")


@click.command(short_help="抽样并封存快照 draw a sample")
@click.option("--contract", required=True, help="合同 a contract, stored or a file")
@click.option("--period", required=True, help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31（含首尾 inclusive）")
@click.option("--seed", required=True, help="抽样种子，由审计方当场给出 the auditor's own, told on the spot")
@click.option(
    "--n", "number", type=click.IntRange(1, MAX_POINTS), default=30, show_default=True, help="点位数 how many"
)
@click.option(
    "--stratify", type=click.Choice(["phase", "area", "supplier"]), help="按此分层，按比例 proportionally by this"
)
@click.option("--pdf", type=_FILE, help="现场核查表 PDF the sheet")
@click.option("--csv", "table", type=_FILE, help="现场核查表 CSV the sheet as a table")
@actor_option
@json_option
@pass_session
@answering
def sample(
    session: Session,
    contract: str,
    period: str,
    seed: str,
    number: int,
    stratify: str | None,
    pdf: Path | None,
    table: Path | None,
    actor: str,
    as_json: bool,
) -> None:
    """按种子抽取合同在该期间的点位，登记每个点位的快照，并打印现场核查表。

    Draw points that the contract had in service in the period, record a snapshot of each (facts, rate, last state, last outages) for
    the evidence log, and print the sheet to take along. Anybody can draw the same again: a point's rank is the SHA-256 of seed, line
    feed and code; smallest first; strata share by largest remainder.

    \b
        printf '%s\\n%s' SEED CODE | sha256sum
    """
    if not seed.strip() or len(seed) > MAX_SEED or not seed.isprintable():
        raise refuse("种子须为 1–100 个可见字符 1 to 100 printable characters", "换一个 choose another", column="seed")
    span = parse_period(period)
    terms = terms_for(session.settings, contract, parse_quarter(quarter_of(span.first).label))
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        at = database.now()
        document = sampling.draw(connection, terms, span, seed, number, cast(Stratum, stratify or ""), at)
        name = "/".join((terms.contract, span.label, str(number), stratify or "-", seed))
        of: dict[str, int | str] = {
            "n": number,
            "points": len(document["points"]),
            "seed": seed,
            "stratify": stratify or "",
        }
        stored, added = evaluations.add(
            connection, writer.audit, evaluations.SAMPLE, name, document, of=of, at=at, actor=actor
        )
    made_on = day_of(stored.at, terms.zone)
    if pdf is not None or table is not None:
        from settlement.reports import site_check  # noqa: PLC0415  only these options need a typesetter

        if pdf is not None:
            write_out(pdf, site_check.to_sheet(document, (stored.sha256, made_on), terms.zone))
        if table is not None:
            write_out(table, site_check.to_csv(document, terms.zone))
    if as_json:
        print_json({"version": stored.version, "sha256": stored.sha256, "added": added, **document})
        return
    from settlement.reports.site_check import rows_of  # noqa: PLC0415  as above

    print_table(
        f"现场核查表 sample · {terms.contract} {span.label} · {seed}",
        [("序号 no.", True), *((heading, False) for heading in HEADINGS)],
        [row[:7] for row in rows_of(document, terms.zone)],
    )
    total = sum(document["strata"].values())
    click.echo(f"抽取 drawn: {len(document['points'])} / {total}（sha256 seed LF code，由小到大 smallest first）")
    click.echo(
        f"{'已登记快照 recorded' if added else '与此前相同 the same as before'}: v{stored.version} {stored.sha256}"
    )
    for path in (pdf, table):
        if path is not None:
            click.echo(f"已写入 written: {path}")
