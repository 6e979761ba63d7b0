"""`camsla probe --onvif`: is the device service alive, how far is its clock off, and what device is it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import NamedTuple

import click
from rich.markup import escape

from config.settings import Settings
from console.app import watcher
from console.cli.frame import print_table
from console.clock import wall_now
from monitor.finding import Finding, InputError
from monitor.model import Reason
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.identity import Identity, identify
from monitor.probes.onvif.liveness import Liveness
from monitor.probes.onvif.liveness import probe as ask
from monitor.probes.target import Credentials

MAX_AT_ONCE = 50
IDENTITY_TIMES = 6
"""Identity asks about this many questions, each of which may take as long as the one of liveness."""


class OnvifResult(NamedTuple):
    """What one device answered; identity only where the device service is alive, or wants a login that we have."""

    live: Liveness
    identity: Identity | None


def parse_devices(texts: Sequence[str], settings: Settings) -> list[Device]:
    """Read ONVIF addresses within the settings' allow-list; raises InputError with every complaint."""
    devices: list[Device] = []
    findings: list[Finding] = []
    for text in texts:
        try:
            devices.append(Device.parse(text, allowed=watcher.allowed(settings), column="--onvif"))
        except InputError as error:
            findings += error.findings
    if findings:
        raise InputError(findings)
    return devices


def unverified_tls() -> ssl.SSLContext:
    """Return a context that takes any certificate, for who asked for that by name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def ask_devices(
    devices: Sequence[Device],
    credentials: Credentials | None,
    timeout_s: float,
    settings: Settings,
    tls: ssl.SSLContext | None = None,
) -> list[OnvifResult]:
    """Ask every device for its time and, where it is alive, what it is. `timeout_s` is for liveness."""
    slots = asyncio.Semaphore(MAX_AT_ONCE)
    permitted = watcher.allowed(settings)

    async def one(device: Device) -> OnvifResult:
        async with slots:
            live = await ask(device, at=wall_now(), timeout_s=timeout_s, allowed=permitted, tls=tls)
            login = credentials or device.credentials
            wants_login = live.result.reason is Reason.AUTH_UNKNOWN and login is not None
            if live.result.reason is not Reason.OK and not wants_login:
                return OnvifResult(live, None)
            identity = await identify(
                device, login, at=wall_now(), timeout_s=timeout_s * IDENTITY_TIMES, allowed=permitted, tls=tls
            )
            return OnvifResult(live, identity)

    return list(await asyncio.gather(*(one(device) for device in devices)))


def show_devices(results: Sequence[OnvifResult]) -> None:
    """Print a table of identities below the one of verdicts."""
    print_table(
        "设备 ONVIF devices",
        [
            ("地址 target", False),
            ("时钟差（秒） clock off, s", True),
            ("厂商 make", False),
            ("型号 model", False),
            ("序列号 serial", False),
            ("MAC", False),
            ("码流 profiles", True),
            ("验密 login checked", False),
        ],
        [_row(result) for result in results],
    )
    for result in results:
        for note in result.identity.notes if result.identity else ():
            click.echo(f"  {result.live.result.target}: {note}")


def _row(result: OnvifResult) -> tuple[str, ...]:
    live, identity = result
    offset = "?" if live.clock_offset_s is None else f"{live.clock_offset_s:+,.1f}"
    if identity is None:
        return (escape(live.result.target), offset, "", "", "", "", "", "")
    if identity.reason is not Reason.OK:
        return (escape(live.result.target), offset, f"— {identity.reason.value}", "", "", "", "", "")
    return (
        escape(live.result.target),
        offset,
        escape(identity.make),
        escape(identity.model),
        escape(identity.serial),
        " ".join(identity.macs),
        str(len(identity.profiles)),
        "是 yes" if identity.auth_checked else "未证实 not proven",
    )
