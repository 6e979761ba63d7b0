"""`camsla events`: what rules count besides outages, imported from files and listed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

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
from monitor.model import Event, Instant
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from monitor.sources.events import read_events
from monitor.store import events as store

MICROSECONDS = 1_000_000
EVER = (Instant(0), Instant(2**62))


@click.group()
def events() -> None:
    """考核事件 events that rules count."""


@events.command("import", short_help="导入考核事件 import events")
@click.argument("file", type=click.Path(path_type=Path))
@actor_option
@json_option
@pass_session
@answering
def import_(session: Session, file: Path, actor: str, as_json: bool) -> None:
    """导入考核事件 FILE（event,point,at,until,source），重复导入不重复计。

    Import events; what stands already is not counted twice.
    """
    existing(file, "events")
    read = read_events(file)
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        done = store.add(connection, writer.audit, read.events, actor=actor, at=database.now(), origin=read.origin)
    if as_json:
        print_json(done._asdict())
    else:
        click.echo(f"新增 added: {done.added}，补记结束 ended: {done.ended}，已有 known: {done.known}")


@events.command("list", short_help="列出考核事件 list events")
@click.option("--period", help="2020-07 / 2020Q3")
@json_option
@pass_session
@answering
def list_(session: Session, period: str | None, as_json: bool) -> None:
    """列出考核事件 list events, all or those that touch a period."""
    zone = ZoneInfo(session.settings.zone)

    def local(instant: int | None) -> str | None:
        if instant is None:
            return None
        return datetime.fromtimestamp(instant // MICROSECONDS, zone).isoformat(timespec="seconds")

    window = EVER
    if period is not None:
        start, end = parse_period(period).span(session.settings.zone)
        window = (Instant(start * MICROSECONDS), Instant(end * MICROSECONDS))
    with database.reader(session.settings) as connection:
        found = store.touching(connection, EVERYTHING, window)
    if as_json:
        print_json(
            [
                {
                    "event": event.kind,
                    "point": event.point,
                    "at": local(event.at),
                    "until": local(event.until),
                    "source": event.source,
                    "phase": event.phase,
                    "incident": event.incident,
                    "counts": dict(event.counts),
                }
                for event in found
            ]
        )
        return
    headings = ["事件 event", "点位 point", "起 at", "止 until", "来源 source", "说明 details"]
    print_table(
        "考核事件 events",
        [(heading, False) for heading in headings],
        [
            (event.kind, event.point, local(event.at) or "", local(event.until) or "", event.source, _words(event))
            for event in found
        ],
        optional=("止 until", "来源 source", "说明 details"),
    )


def _words(event: Event) -> str:
    named = [("phase", event.phase), ("incident", event.incident)]
    parts = [f"{name}={value}" for name, value in named if value] + [f"{name}={n}" for name, n in event.counts]
    return " ".join(parts)
