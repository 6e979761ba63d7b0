"""`camsla outages`: the confirmed outages of a period, and which upstream device was down meanwhile."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from config.contracts import load_contract
from console import views
from console.app import database
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table
from monitor.period import parse_period
from monitor.scope import EVERYTHING

MAX_SHOWN = 200


@click.command(short_help="故障清单 outages, and what was down upstream")
@click.option("--period", required=True, help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31（含首尾 inclusive）")
@click.option("--contract", type=click.Path(path_type=Path), help="按合同的口径 use this contract's policy")
@click.option("--point", help="只看一个点位 one point only")
@json_option
@pass_session
@answering
def outages(session: Session, period: str, contract: Path | None, point: str | None, as_json: bool) -> None:
    """已确认的掉线：起止、离线秒数，及同时无应答的上联设备（只作归因，不改变记录）。

    Confirmed outages: from, to, offline seconds, and the upstream device that was silent meanwhile.
    """
    settings = session.settings
    policy, zone = settings.policy, settings.zone
    if contract is not None:
        terms = load_contract(contract)
        policy, zone = terms.policy, terms.zone
    question = views.Question(parse_period(period), zone, policy)
    with database.reader(settings) as connection:
        found = [row for row in views.outages(connection, EVERYTHING, question) if point in (None, row.point)]
    clock = ZoneInfo(zone)

    def local(second: int) -> str:
        return datetime.fromtimestamp(second, clock).isoformat(sep=" ", timespec="seconds")

    if as_json:
        print_json(
            [
                {
                    "point": row.point,
                    "start": datetime.fromtimestamp(row.start, clock).isoformat(),
                    "end": datetime.fromtimestamp(row.end, clock).isoformat(),
                    "offline_s": row.offline_s,
                    "open": row.still_down,
                    "upstream": row.upstream,
                }
                for row in found
            ]
        )
        return
    print_table(
        f"故障清单 outages · {period} · {len(found):,}",
        [
            ("点位 point", False),
            ("起 from", False),
            ("止 to", False),
            ("离线秒 offline s", True),
            ("上联归因 upstream", False),
        ],
        [
            (
                row.point,
                local(row.start),
                "仍在掉线 still down" if row.still_down else local(row.end),
                f"{row.offline_s:,}",
                row.upstream or "",
            )
            for row in found[:MAX_SHOWN]
        ],
    )
    if len(found) > MAX_SHOWN:
        click.echo(f"…… 另有 {len(found) - MAX_SHOWN:,} 条 more（--json 看全部 shows all）")
