"""`camsla probe`: what one address answers, now, rung by rung."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from config.settings import Settings
from console.app import watcher
from console.cli.frame import Session, answering, existing, json_option, pass_session, print_table
from console.cli.onvif_probe import ask_devices, parse_devices, show_devices, unverified_tls
from monitor.finding import Finding, InputError, refuse
from monitor.model import Reason, Rung, State
from monitor.probes.decoders import close_shared
from monitor.probes.onvif.report import onvif_json
from monitor.probes.registry import PROBES
from monitor.probes.registry import probe as climb
from monitor.probes.report import result_json
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target

MAX_TARGETS = 1_000
MAX_AT_ONCE = 50
PASSWORD_BYTES = 1_024


@click.command(short_help="探测地址 what an address answers now")
@click.argument("targets", nargs=-1)
@click.option("--onvif", "services", multiple=True, metavar="ADDRESS", help="ONVIF 设备服务 an ONVIF device service")
@click.option("--any-certificate", is_flag=True, help="https 不验证书 with --onvif https://: take any certificate")
@click.option(
    "--rung", type=click.Choice([rung.value for rung in PROBES]), default=Rung.DESCRIBE.value, show_default=True
)
@click.option("--user", help="用户名 user name")
@click.option("--password-file", type=click.Path(path_type=Path), help="口令文件 file that holds the password")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1, 60), help="总时限（秒） one total deadline, seconds")
@click.option("--log", "with_log", is_flag=True, help="显示收发内容 show what was sent and received")
@json_option
@pass_session
@answering
def probe(
    session: Session,
    targets: tuple[str, ...],
    services: tuple[str, ...],
    any_certificate: bool,
    rung: str,
    user: str | None,
    password_file: Path | None,
    timeout_s: float | None,
    with_log: bool,
    as_json: bool,
) -> None:
    """探测地址：全部在线退出码 0，否则 1，输入有误 2。

    Probe TARGETS (rtsp://host:port/path or host:port). Exit 0 if all are online, 1 if any is not, 2 for bad input.
    With --onvif also, or only, ask device services for their time and what device they are.
    """
    if not targets and not services:
        raise refuse("没有地址 nothing to probe", "给出地址或 give TARGETS or --onvif ADDRESS", column="TARGETS")
    parsed = _parse(targets, session.settings)
    devices = parse_devices(services, session.settings)
    credentials = _credentials(user, password_file)
    limit_s = session.settings.watch.timeout_s if timeout_s is None else timeout_s
    results = asyncio.run(_all(parsed, Rung(rung), credentials, limit_s, session.settings))
    tls = unverified_tls() if any_certificate else None
    told = asyncio.run(ask_devices(devices, credentials, limit_s, session.settings, tls)) if devices else []
    lines = [result_json(result) for result in results] + [onvif_json(one.live, one.identity) for one in told]
    results += [one.live.result for one in told]
    if as_json:
        for line in lines:
            click.echo(json.dumps(line, ensure_ascii=False))
    else:
        _show(results, with_log)
        if told:
            show_devices(told)
    raise SystemExit(0 if all(result.state is State.ONLINE for result in results) else 1)


def _parse(texts: tuple[str, ...], settings: Settings) -> list[Target]:
    if len(texts) > MAX_TARGETS:
        raise refuse(f"一次最多 {MAX_TARGETS:,} 个地址 too many targets", "分批探测 probe them in parts")
    targets: list[Target] = []
    findings: list[Finding] = []
    for text in texts:
        try:
            targets.append(Target.parse(text, allowed=watcher.allowed(settings)))
        except InputError as error:
            findings += error.findings
    if findings:
        raise InputError(findings)
    return targets


def _credentials(user: str | None, password_file: Path | None) -> Credentials | None:
    if user is None and password_file is None:
        return None
    if user is None or password_file is None:
        raise refuse(
            "--user 与 --password-file 须同时给出 need each other", "补上另一项 give both", column="--password-file"
        )
    existing(password_file, "password")
    try:
        with password_file.open(encoding="utf-8") as file:
            password = file.read(PASSWORD_BYTES + 1).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise refuse(
            "无法读取口令文件 cannot read it", "检查权限与编码 check mode and encoding", file=str(password_file)
        ) from None
    return Credentials(user, password)


async def _all(
    targets: list[Target], rung: Rung, credentials: Credentials | None, timeout_s: float, settings: Settings
) -> list[ProbeResult]:
    slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def one(target: Target) -> ProbeResult:
        async with slots:
            login = credentials or target.credentials
            return await climb(target, rung, credentials=login, timeout_s=timeout_s, allowed=watcher.allowed(settings))

    try:
        return list(await asyncio.gather(*(one(target) for target in targets)))
    finally:
        close_shared()


STATE_ZH = {
    State.ONLINE: "[green]● 在线 online[/]",
    State.OFFLINE: "[red]✕ 离线 offline[/]",
    State.UNKNOWN: "[yellow]? 未知 unknown[/]",
}
REASON_ZH = {
    Reason.OK: "正常",
    Reason.REFUSED: "拒绝连接",
    Reason.UNREACHABLE: "不可达",
    Reason.TIMEOUT: "超时",
    Reason.NOT_FOUND: "无此路径",
    Reason.NO_MEDIA: "无视频流",
    Reason.BAD_REPLY: "应答异常",
    Reason.TLS: "TLS 失败",
    Reason.AUTH_REJECTED: "口令被拒",
    Reason.AUTH_UNKNOWN: "缺少口令",
    Reason.WATCHER: "本系统原因",
    Reason.PLATFORM: "平台判离线",
}


def _show(results: list[ProbeResult], with_log: bool) -> None:
    print_table(
        "探测结果 probe",
        [
            ("地址 target", False),
            ("状态 state", False),
            ("到达 rung", False),
            ("原因 reason", False),
            ("毫秒 ms", True),
        ],
        [
            (
                result.target,
                STATE_ZH[result.state],
                result.rung.value,
                f"{REASON_ZH[result.reason]} {result.reason.value}",
                f"{result.took_us / 1000:.1f}",
            )
            for result in results
        ],
    )
    if with_log:
        for result in results:
            for step in result.steps:
                click.echo(f"\n{result.target} · {step.name} · {step.reason.value} · {step.ms} ms")
                for line in step.log:
                    click.echo(f"  {line}")
