"""Commands: `python -m simulators fleet …` and `python -m simulators history …`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import select
import signal
import stat
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from simulators import auth, city, faults, history
from simulators.device import MAX_BAD_LOGINS, LockOut
from simulators.fleet import Fleet
from simulators.kinds import KINDS, RANDOM_KINDS
from simulators.ledger import write_ledger
from simulators.outages import ZONE
from simulators.refusal import BadInput
from simulators.topology import Layout, Town, build_town, ledger_of
from simulators.truth import TruthFile, instant_text, wall_clock


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0, or 2 for input that cannot be used."""
    options = _parser().parse_args(argv)
    try:
        if options.command == "history":
            print("\n".join(history.write_history(options.seed, options.points, options.gaps, options.out)))
        elif options.command == "city":
            print("\n".join(_city(options)))
        else:
            asyncio.run(_fleet(options))
    except BadInput as error:
        print("\n".join(error.complaints), file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description="模拟设备与参考历史 fake cameras, histories"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    fleet = commands.add_parser("fleet", help="一批模拟摄像机 a fleet of fake cameras", epilog=_epilog())
    fleet.formatter_class = argparse.RawDescriptionHelpFormatter
    fleet.add_argument("--cameras", type=int, default=40, metavar="N")
    fleet.add_argument("--seed", type=int, default=1, metavar="N", help="口令与随机故障 passwords, random faults")
    fleet.add_argument(
        "--host-base", default="127.1.0.0", metavar="IP", help="第 n 台在此地址 + n; camera n at base + n"
    )
    fleet.add_argument("--port", type=int, default=8554)
    fleet.add_argument(
        "--onvif-port", type=int, metavar="N", help="ONVIF 与快照端口 and snapshot (default: --port + 1000; 0: none)"
    )
    fleet.add_argument(
        "--discovery-port",
        type=int,
        default=0,
        metavar="N",
        help="WS-Discovery 端口，常为 usually 3702 (default: none)",
    )
    fleet.add_argument("--upstreams", type=int, default=0, metavar="N", help="上联交换机 switches before the cameras")
    fleet.add_argument("--controls", type=int, default=0, metavar="N", help="对照目标 control targets, answering TCP")
    fleet.add_argument(
        "--hung", type=int, default=0, metavar="N", help="另有悬挂设备 hung cameras beside, on --port + 1"
    )
    fleet.add_argument("--drip", type=int, default=0, metavar="N", help="另有滴漏设备 dripping cameras beside")
    fleet.add_argument(
        "--lock-out", type=int, default=0, metavar="N", help="错误登录锁定 bad logins that lock a camera (0: never)"
    )
    fleet.add_argument("--lock-out-within-s", type=float, default=300.0, metavar="S")
    fleet.add_argument(
        "--lock-out-s", type=float, default=1800.0, metavar="S", help="锁定时长 how long it stays locked"
    )
    fleet.add_argument("--stats-out", type=Path, metavar="FILE", help="计数 JSON counts, each status and at the end")
    fleet.add_argument(
        "--channels-per-host", type=int, default=1, metavar="N", help="每地址通道数 channels per address"
    )
    fleet.add_argument("--auth", choices=auth.MODES, help="全部用此认证 one lock for all (default: 轮流 in turn)")
    fleet.add_argument("--faults", type=Path, metavar="FILE", help="故障脚本 fault script, .json or .csv")
    fleet.add_argument("--random-faults-per-hour", type=float, default=0.0, metavar="X", help="每台每小时 per camera")
    fleet.add_argument("--random-mean-s", type=float, default=60.0, metavar="S", help="平均时长 mean length")
    fleet.add_argument("--random-kinds", default=",".join(RANDOM_KINDS), metavar="A,B")
    fleet.add_argument("--points-out", type=Path, metavar="FILE", help="点位台账 ledger with addresses and passwords")
    fleet.add_argument("--truth-out", type=Path, required=True, metavar="FILE", help="真实状态 what really was")
    fleet.add_argument("--contract", default="fleet")
    fleet.add_argument("--phase", default="fleet-1")
    fleet.add_argument("--accepted-on", type=date.fromisoformat, default=date(2020, 10, 1), metavar="DATE")
    fleet.add_argument("--duration-s", type=float, metavar="S", help="到时自行结束 end by itself")
    fleet.add_argument("--ready-file", type=Path, metavar="FILE", help="就绪后写入 JSON written when ready")
    fleet.add_argument("--status-s", type=float, default=10.0, metavar="S", help="状态行间隔 status line; 0: none")
    past = commands.add_parser("history", help="参考历史 the reference history")
    past.add_argument("--seed", type=int, default=1, metavar="N")
    past.add_argument("--points", type=int, default=1000, metavar="N", help="每期点数 points per phase, 25 的倍数")
    past.add_argument("--gaps", type=int, default=0, metavar="N", help="监测中断段数 watcher gaps")
    past.add_argument("--out", type=Path, required=True, metavar="DIR")
    town = commands.add_parser("city", help="整座城市：台账、历史、合同 a whole city: ledger, history, contract")
    town.add_argument("--points", type=int, default=11_045, metavar="N")
    town.add_argument("--seed", type=int, default=1, metavar="N")
    town.add_argument(
        "--first", type=date.fromisoformat, metavar="DATE", help="默认上一个完整季度的首日 the last quarter's first day"
    )
    town.add_argument("--until", type=datetime.fromisoformat, metavar="INSTANT", help="默认此刻 default: now")
    town.add_argument(
        "--holds-s", type=int, default=125, metavar="S", help="末次结果有效秒数 how long the last verdicts hold"
    )
    town.add_argument("--port", type=int, default=8554)
    town.add_argument("--upstreams", type=int, default=0, metavar="N")
    town.add_argument("--out", type=Path, required=True, metavar="DIR")
    return parser


def _city(options: argparse.Namespace) -> list[str]:
    until = options.until or datetime.fromtimestamp(wall_clock()() // 1_000_000, ZONE)
    until = until if until.tzinfo else until.replace(tzinfo=ZONE)
    first = options.first or city.last_quarter(until.astimezone(ZONE).date())
    return city.write_city(
        city.Words(
            options.points,
            options.seed,
            first,
            int(until.timestamp()),
            options.holds_s,
            options.port,
            options.upstreams,
            options.out,
        )
    )


def _epilog() -> str:
    rows = "\n".join(f"  {name:<16} {kind.state:<8} {kind.meaning}" for name, kind in KINDS.items())
    return (
        f'故障 faults:\n{rows}\n\nfault script: [{{"cameras": "1-5", "fault": "refuse", "at_s": 10, "for_s": 30}}, …]'
    )


def _chance(options: argparse.Namespace) -> faults.RandomFaults | None:
    kinds = tuple(kind for kind in options.random_kinds.split(",") if kind)
    complaints = [f"--random-kinds: 未知的故障 unknown fault {kind!r}" for kind in kinds if kind not in RANDOM_KINDS]
    if not 0 <= options.random_faults_per_hour <= 3600 or not kinds:
        complaints.append("--random-faults-per-hour 须为 must be 0..3600, --random-kinds 不能为空 not empty")
    if not 0.1 <= options.random_mean_s <= 1e6:
        complaints.append("--random-mean-s 须为 must be 0.1..1000000")
    if options.duration_s is not None and not 0 < options.duration_s < 1e9:
        complaints.append("--duration-s 须为 must be > 0")
    if not 0 <= options.lock_out <= MAX_BAD_LOGINS or not (options.lock_out_s > 0 and options.lock_out_within_s > 0):
        complaints.append(f"--lock-out 须为 must be 0..{MAX_BAD_LOGINS}, 时长 its times > 0")
    if complaints:
        raise BadInput(complaints)
    rate = options.random_faults_per_hour
    return faults.RandomFaults(rate, options.random_mean_s, kinds) if rate else None


async def _fleet(options: argparse.Namespace) -> None:
    """Run a fleet until SIGTERM, SIGINT, the end of a piped standard input, or the duration's end."""
    layout = _layout(options)
    town = build_town(layout)
    events = faults.load_script(options.faults, town.reach, layout.seed) if options.faults else []
    chance = _chance(options)
    clock = wall_clock()
    stop = asyncio.Event()
    _listen_for_the_end(stop)
    try:
        if options.points_out:
            accepted_on = options.accepted_on.isoformat()
            write_ledger(options.points_out, ledger_of(town, options.contract, options.phase, accepted_on))
        truth = TruthFile(options.truth_out)
    except OSError as error:
        raise BadInput([f"写不进 cannot write: {error}"]) from error
    with truth:
        lock_out = LockOut(options.lock_out, options.lock_out_within_s, options.lock_out_s)
        fleet = Fleet(town, layout, truth, clock, lock_out)
        try:
            await fleet.open()
            fleet.schedule(events, chance, layout.seed)
            cameras = [*town.cameras, *town.dripping, *town.hung]
            _say(f"就绪 ready: {len(cameras)} 台 cameras, {cameras[0].url} … {cameras[-1].url}")
            if options.ready_file:
                _write_whole(options.ready_file, json.dumps(_ready(town, layout, clock())) + "\n")
            reporter = (
                asyncio.create_task(_report(fleet, options.status_s, options.stats_out))
                if options.status_s > 0
                else None
            )
            await fleet.play(stop, options.duration_s)
            if reporter is not None:
                reporter.cancel()
            _say(f"结束 end: {fleet.status()}")
        finally:
            if options.stats_out:
                _write_whole(options.stats_out, json.dumps(fleet.statistics(), indent=1) + "\n")
            fleet.close()


def _layout(options: argparse.Namespace) -> Layout:
    onvif_port = options.onvif_port
    if onvif_port is None:
        onvif_port = options.port + 1000 if options.port + 1000 <= 65535 else options.port - 1000
    return Layout(
        options.cameras,
        options.host_base,
        options.port,
        options.channels_per_host,
        options.seed,
        options.auth,
        onvif_port,
        options.upstreams,
        options.controls,
        options.hung,
        options.drip,
        options.discovery_port,
    )


def _ready(town: Town, layout: Layout, at_us: int) -> dict[str, object]:
    """Say what a test needs to know: the process, the ports, and where switches, control targets and trap are."""
    return {
        "pid": os.getpid(),
        "cameras": len(town.cameras),
        "port": layout.port,
        "onvif_port": layout.onvif_port,
        "ready_at": instant_text(at_us),
        "switches": {switch.code: f"{switch.host}:{layout.port}" for switch in town.switches},
        "controls": {control.code: f"{control.host}:{layout.port}" for control in town.controls},
        "trap": town.trap,
    }


def _listen_for_the_end(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM and SIGINT, and when a standard input that is a live pipe or socket closes.

    A pipe that is closed already at the start belongs to nobody who could end us by it, and is left alone;
    so are terminals, files and /dev/null, which background jobs of a shell get.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return
    poll = select.poll()
    poll.register(0, select.POLLIN)
    if any(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0)):
        return

    def read() -> None:
        try:
            ended = not os.read(0, 65536)
        except OSError:
            ended = True
        if ended:
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, read)


async def _report(fleet: Fleet, every_s: float, stats: Path | None) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    while True:
        await asyncio.sleep(every_s)
        _say(f"T+{loop.time() - start:.0f}s {fleet.status()}")
        if stats is not None:
            _write_whole(stats, json.dumps(fleet.statistics()) + "\n")


def _say(text: str) -> None:
    """Print a line; a reader who went away is no reason to stop."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever sees it sees it complete."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())
