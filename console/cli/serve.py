"""`camsla serve`: the watcher, the schedule, the console with its API and the metrics in one process."""

from __future__ import annotations

import sys

import click

from console.app.server import Server
from console.cli.frame import Session, answering, pass_session
from console.cli.watch import run_on_fastest_loop
from console.watching import progress_printer


@click.command(short_help="常驻服务 watcher, console, API, metrics")
@click.option("--host", help="监听地址 address to listen on")
@click.option("--port", type=click.IntRange(0, 65_535), help="端口 port")
@click.option("--watch/--no-watch", default=True, show_default=True, help="同时巡检 watch as well")
@click.option(
    "--duration", "duration_s", type=click.FloatRange(0.1), help="到时自行结束（秒） end by itself after so long"
)
@pass_session
@answering
def serve(session: Session, host: str | None, port: int | None, watch: bool, duration_s: float | None) -> None:
    """巡检、按月关账，提供控制台与接口；/metrics、/healthz、/readyz 不需登录。收到 SIGTERM 后有序结束。

    首次启动打印一次性口令，用于在 /first 建立首位系统管理员。

    Watch, close months, and serve the console and its API; /metrics, /healthz and /readyz ask for no sign-in. Ends cleanly
    on SIGTERM. The first start prints a one-time secret, with which /first makes the first administrator.
    """
    settings = session.settings
    server = Server(
        settings,
        host=settings.serve.host if host is None else host,
        port=settings.serve.port if port is None else port,
        watch=watch,
        say=progress_printer(sys.stderr),
    )

    async def main() -> str:
        await server.run(duration_s=duration_s)
        return ""

    run_on_fastest_loop(main)
