"""`camsla watch`: probe every point of the ledger, at its interval, until told to stop."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click

from console.app import watcher
from console.cli.frame import Session, answering, pass_session
from console.watching import progress_printer, told_to_end
from monitor.store.database import sqlite_warning


@click.command(short_help="持续巡检 watch every point of the ledger")
@click.option("--vantage", help="观测点名称 name of this vantage")
@click.option("--interval", "interval_s", type=click.FloatRange(0.2, 300), help="巡检间隔（秒） seconds between probes")
@click.option(
    "--duration", "duration_s", type=click.FloatRange(0.1), help="到时自行结束（秒） end by itself after so long"
)
@click.option("--acks", is_flag=True, help="每批确认打印一行 JSON print a JSON line per acknowledged batch")
@click.option("--quiet", is_flag=True, help="不显示进度 no progress")
@pass_session
@answering
def watch(
    session: Session,
    vantage: str | None,
    interval_s: float | None,
    duration_s: float | None,
    acks: bool,
    quiet: bool,
) -> None:
    """按间隔探测台账中有地址的点位，收到 SIGTERM 后有序结束。

    Probe every point of the ledger that has an address, at its interval; ends cleanly on SIGTERM.
    """
    overrides = {"vantage": vantage, "interval_s": interval_s}
    settings = session.with_watch({name: value for name, value in overrides.items() if value is not None})
    say = progress_printer(sys.stderr)
    warning = sqlite_warning() if settings.url.startswith("sqlite") else None
    if warning and not quiet:
        click.echo(f"警告 warning: {warning}", err=True)

    async def main() -> str:
        watching, _, _ = watcher.watching(settings, _silent if quiet else say, sys.stdout if acks else None)
        with told_to_end(watching.engine.stop):
            await watching.run(duration_s=duration_s)
        return watching.summary()

    summary = run_on_fastest_loop(main)
    if not quiet:
        click.echo(f"\n已停止 stopped: {summary}", err=True)


def _silent(_text: str) -> None:
    """Say nothing."""


def run_on_fastest_loop(main: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Run on uvloop where it is installed, on the default loop elsewhere; with as many open files as the system lets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:  # the slots for probes alone may exceed a desktop's 1,024
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        import uvloop  # noqa: PLC0415  absent on some systems, and slow to load for commands that need no loop
    except ImportError:
        return asyncio.run(main())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
