"""`camsla discover`: which ONVIF devices are in a network and not yet in the ledger."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from console.app import watcher
from console.app.database import database_exists, reader
from console.cli.frame import Session, answering, json_option, pass_session, print_table
from monitor.probes.onvif.announcement import Found
from monitor.probes.onvif.discovery import DEFAULT_RATE, MAX_RATE, Search, parse_networks
from monitor.probes.onvif.discovery import discover as search
from monitor.store.identity import known_hosts


@click.command(short_help="发现设备 ONVIF devices not yet in the ledger")
@click.argument("networks", metavar="CIDR...", nargs=-1, required=True)
@click.option(
    "--rate",
    type=click.IntRange(1, MAX_RATE),
    default=DEFAULT_RATE,
    show_default=True,
    help="每秒数据报数 datagrams per second",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 60),
    default=3.0,
    show_default=True,
    help="发完后再等（秒） seconds to listen after the last one",
)
@click.option("--multicast", is_flag=True, help="另向本网段组播 ask the local segment by multicast as well")
@click.option("--all", "with_known", is_flag=True, help="也列出台账已有的 list those in the ledger too")
@json_option
@pass_session
@answering
def discover(
    session: Session,
    networks: tuple[str, ...],
    rate: int,
    timeout_s: float,
    multicast: bool,
    with_known: bool,
    as_json: bool,
) -> None:
    """用 WS-Discovery 逐个地址询问网段，列出台账中没有的设备；有白名单时网段须在其内（端口 3702）。

    Ask every address of the networks and list the devices that are not in the ledger. With an allow-list in the
    settings (watch.allow) the networks must lie within it, for port 3702.
    """
    settings = session.settings
    chosen = parse_networks(networks, watcher.allowed(settings))
    ledger: frozenset[str] | None = None
    if database_exists(settings):
        with reader(settings) as connection:
            ledger = known_hosts(connection)
    result = asyncio.run(search(chosen, rate=rate, timeout_s=timeout_s, multicast=multicast))
    shown = [one for one in result.found if with_known or not _known(one, ledger)]
    if as_json:
        for one in shown:
            click.echo(json.dumps(_json(one, ledger), ensure_ascii=False))
        return
    _show(shown, result, ledger)


def _known(one: Found, ledger: frozenset[str] | None) -> bool:
    return ledger is not None and one.address in ledger


def _json(one: Found, ledger: frozenset[str] | None) -> dict[str, Any]:
    """Return `{"address", "known", "onvif_addr", "name", …}`; known is null where there is no ledger."""
    return {"known": None if ledger is None else _known(one, ledger), **asdict(one)}


def _show(found: list[Found], result: Search, ledger: frozenset[str] | None) -> None:
    print_table(
        "发现的设备 devices found",
        [
            ("地址 address", False),
            ("名称 name", False),
            ("硬件 hardware", False),
            ("ONVIF", False),
            ("端点 endpoint", False),
            ("指向别处 off-host", False),
        ],
        [
            tuple(
                escape(text)
                for text in (one.address, one.name, one.hardware, one.onvif_addr, one.endpoint, " ".join(one.off_host))
            )
            for one in found
        ],
    )
    summary = (
        f"询问 asked {result.asked:,} · 应答设备 devices {len(result.found):,} · 不在台账 not in the ledger "
        f"{sum(not _known(one, ledger) for one in result.found):,} · 无用数据报 useless datagrams {result.dropped:,}"
    )
    click.echo(summary)
    if ledger is None:
        click.echo("还没有台账，全部算新设备 there is no ledger yet, so all count as new")
