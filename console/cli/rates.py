"""`camsla rates`: online rates of a period, from the store or from files alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from config.load import load_model
from console import views
from console.app import database
from console.cli.contract_named import named_contract
from console.cli.frame import (
    Session,
    answering,
    existing,
    json_option,
    pass_session,
    print_json,
    print_table,
    progress_bar,
    report,
)
from monitor.finding import refuse
from monitor.model import MICROSECONDS, Instant
from monitor.period import Period, parse_period
from monitor.rates import MeanRate
from monitor.report import (
    DEFAULT_TARGET,
    DEFINITIONS,
    Definition,
    PointSeconds,
    RateRow,
    inspection_seconds,
    parse_by,
    parse_definition,
    rate_rows,
    rates_json,
    rates_table,
)
from monitor.scope import EVERYTHING
from monitor.sources.states import FilePolicy, load_case, point_seconds
from monitor.timeline import Policy
from settlement.contract import Terms


@click.command(short_help="在线率 online rates of a period")
@click.option("--period", required=True, help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31（含首尾 inclusive）")
@click.option("--by", help="point|phase|area|supplier，可用逗号组合 or several, joined by commas")
@click.option("--definition", type=click.Choice(DEFINITIONS), default="time-weighted", show_default=True)
@click.option(
    "--at",
    "at",
    multiple=True,
    help="抽查时刻 instants: 2020-07-31T10:00:00+08:00 或 or 10:00（每日，仅 snapshot；daily, for snapshot only）",
)
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    help="只计该合同的点位，按其口径与考核线 this contract's points, policy and target",
)
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="口径文件 policy (YAML)")
@click.option(
    "--points",
    "points_file",
    type=click.Path(path_type=Path),
    help="只用文件 from files alone: point,phase,accepted_on",
)
@click.option("--states", "states_file", type=click.Path(path_type=Path), help="point,state,start,end")
@click.option(
    "--from-archive",
    "archive",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="只凭原始归档重算 from every result in the raw archive；台账等取自库，或 the ledger from the store, or: --points [--gaps]",
)
@click.option(
    "--gaps",
    "gaps_file",
    type=click.Path(path_type=Path),
    help="vantage,start,end,cause[,point]，配 with --from-archive",
)
@click.option("--exclusions", "exclusions_file", type=click.Path(path_type=Path), help="point,start,end,reason")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="输出 CSV print CSV")
@pass_session
@answering
def rates(
    session: Session,
    period: str,
    by: str | None,
    definition: str,
    at: tuple[str, ...],
    contract: Path | None,
    policy_file: Path | None,
    points_file: Path | None,
    states_file: Path | None,
    archive: str | None,
    gaps_file: Path | None,
    exclusions_file: Path | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """在线率：好、计入、剔除、缺失各多少秒，以及上下限。

    Online rates with the seconds behind them and the best and worst value that unknown time allows.
    """
    span, groups, how = parse_period(period), parse_by(by), parse_definition(definition)
    terms = named_contract(session, contract) if contract is not None else None
    policy, target, zone = _policy(session, terms, policy_file)
    question = views.Question(span, zone, policy, how, _instants(at, span, zone, how))
    if gaps_file is not None and archive is None:
        raise click.UsageError("--gaps 只配 --from-archive goes with --from-archive only")
    from_store = points_file is None and states_file is None and exclusions_file is None
    if archive is not None:
        files = {"points": points_file, "states": states_file, "gaps": gaps_file, "exclusions": exclusions_file}
        accounts = _from_archive(session, archive, files, question)
        from_store = points_file is None
    elif from_store:
        with database.reader(session.settings) as connection:
            accounts = views.point_seconds(connection, EVERYTHING, question)
    else:
        accounts = _from_files(points_file, states_file, exclusions_file, question)
    if terms is not None and from_store:
        accounts = views.of_contract(accounts, terms)
    rows = rate_rows(accounts, groups, policy, target, how)
    if as_json:
        print_json(rates_json(span.label, rows, how))
    elif as_csv:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rates_table(rows, how))
        click.echo(text.getvalue(), nl=False)
    else:
        _show(span.label, rows, by or "all", how, target)


def _policy(session: Session, terms: Terms | None, file: Path | None) -> tuple[Policy, Fraction | None, str]:
    """Return the policy in force, the target to judge by, and the zone to cut days in."""
    if terms is not None and file is not None:
        raise click.UsageError("--contract 与 --policy 只能取一 give one of them")
    if terms is not None:
        return terms.policy, terms.target, terms.zone
    if file is not None:
        read = load_model(file, FilePolicy)
        return read, read.target, session.settings.zone
    return session.settings.policy, DEFAULT_TARGET, session.settings.zone


def _from_files(
    points_file: Path | None, states_file: Path | None, exclusions_file: Path | None, question: views.Question
) -> list[PointSeconds]:
    if points_file is None or states_file is None:
        raise click.UsageError("--points 与 --states 须同时给出 need each other")
    for path, what in ((points_file, "points"), (states_file, "states"), (exclusions_file, "exclusions")):
        if path is not None:
            existing(path, what)
    return point_seconds(
        load_case(points_file, states_file, exclusions_file),
        question.period,
        question.policy,
        zone=question.zone,
        definition=question.definition,
        instants=[Instant(second * MICROSECONDS) for second in question.instants],
    )


def _from_archive(
    session: Session, folder: str, files: Mapping[str, Path | None], question: views.Question
) -> list[PointSeconds]:
    from console.archives import archived_rates  # noqa: PLC0415  pyarrow takes longer to load than most commands run

    points = files["points"]
    if files["states"] is not None:
        raise click.UsageError("--states 与 --from-archive 只能取一 give one of them")
    if points is None and (files["gaps"] is not None or files["exclusions"] is not None):
        raise click.UsageError("--gaps 与 --exclusions 须有 --points need it")
    for what, path in files.items():
        if path is not None:
            existing(path, what)
    where = Path(folder) if folder else session.settings.archive_dir
    bar, moved = progress_bar("读归档 reading the archive (days)")
    with bar:
        if points is not None:
            accounts, doubts = archived_rates.from_files(
                where, question, points, files["gaps"], files["exclusions"], moved
            )
        else:
            with database.reader(session.settings) as connection:
                accounts, doubts = archived_rates.from_store(connection, where, question, moved)
    report(doubts)
    return accounts


def _instants(texts: tuple[str, ...], period: Period, zone: str, definition: Definition) -> tuple[int, ...]:
    """Read the instants of snapshots: full instants, or times of day for each day of the period.

    Without any, a snapshot is taken at the period's last second: what stands at its end.
    """
    seconds = [second for text in texts for second in _one_instant(text, period, zone)]
    if not texts and definition in ("snapshot", "integrity"):
        seconds = [period.span(zone)[1] - 1]
    return tuple(inspection_seconds(definition, [Instant(s * MICROSECONDS) for s in seconds], period, zone))


_AT_FORMS = (
    "写成 10:00（期间内每日，合同时区），或带时区的 2020-07-31T10:00:00+08:00 "
    "write 10:00 (every day of the period, in the contract's zone) or an instant with its zone, like this one"
)


def _one_instant(text: str, period: Period, zone: str) -> list[int]:
    try:
        clock = time.fromisoformat(text) if len(text) <= 8 else None
        whole = datetime.fromisoformat(text) if clock is None else None
        if clock is not None and clock.tzinfo is not None:
            raise ValueError("a time of day is the contract's own")
    except ValueError:
        raise refuse(f"不是时刻 not an instant: {text[:40]!r}", _AT_FORMS, column="--at") from None
    if whole is not None:
        if whole.tzinfo is None:
            raise refuse(f"时刻没有时区 an instant without zone: {text[:40]!r}", _AT_FORMS, column="--at")
        return [int(whole.timestamp())]
    days = (period.last - period.first).days + 1
    assert clock is not None  # noqa: S101  one of the two is set
    return [
        int(datetime.combine(period.first + timedelta(days=n), clock, ZoneInfo(zone)).timestamp()) for n in range(days)
    ]


VERDICT_ZH = {
    "met": "[green]✓ 达标 met[/]",
    "missed": "[red]✕ 未达标 missed[/]",
    "undecided": "[yellow]? 未定 undecided[/]",
    "not-assessable": "– 不可评 not assessable",
}


def _percent(share: Fraction | None) -> str:
    return "–" if share is None else f"{float(share) * 100:.4f} %"


def _show(period: str, rows: list[RateRow], by: str, definition: Definition, target: Fraction | None) -> None:
    line = "" if target is None else f"，考核线 target {float(target):.0%}"
    print_table(
        f"在线率 online rate · {period} · {definition}{line}",
        [
            (by, False),
            ("点位 points", True),
            ("在线率 rate", True),
            ("下限 worst", True),
            ("上限 best", True),
            ("故障率 fault", True),
            ("计入 counted h", True),
            ("剔除 excluded h", True),
            ("缺失 unknown h", True),
            ("结论 verdict", False),
        ],
        [
            (
                row.key,
                f"{row.points:,}",
                _percent(row.rate.value),
                _percent(None if row.rate.value is None else row.rate.worst),
                _percent(None if row.rate.value is None else row.rate.best),
                _percent(None if row.rate.value is None else 1 - row.rate.value),
                f"{row.time_rate.counted / 3600:,.1f}",
                f"{row.time_rate.excluded / 3600:,.1f}",
                f"{row.time_rate.unknown / 3600:,.1f}",
                VERDICT_ZH[row.verdict],
            )
            for row in rows
        ],
    )
    left_out = sum(row.rate.left_out for row in rows if isinstance(row.rate, MeanRate))
    if left_out:
        click.echo(f"未计入均值的点位 points left out of the mean: {left_out:,}")
