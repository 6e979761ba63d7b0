"""What device is it: make, model, serial, every MAC, profiles and stream address, told by the device itself.

Nothing is judged here. A serial can be the word "SerialNumber" and two devices can share a MAC, so all of it is kept
together. Asked daily or when something changed, not on every probe.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from monitor.model import MICROSECONDS, Instant, Reason
from monitor.points import CameraSpec
from monitor.probes.address import Allowed
from monitor.probes.onvif.calls import Calls
from monitor.probes.onvif.device import Device, Service, service_of, split_host
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_client import Host, host_of
from monitor.probes.onvif.library import library
from monitor.probes.onvif.liveness import ask_time, seconds
from monitor.probes.onvif.soap import plain
from monitor.probes.target import Credentials, without_path_secrets

AT_ONCE = 8
"""Conversations under way at the same time, per event loop; further ones wait before their deadline begins."""
MAX_MACS = 32
MAX_PROFILES = 256
MAX_SERVICES = 64
MAX_FIELD = 256

_NOT_THERE = frozenset({Reason.REFUSED, Reason.UNREACHABLE, Reason.WATCHER, Reason.BAD_REPLY, Reason.NOT_FOUND})
_MAC = re.compile(r"[0-9A-F]{12}")
_NOTHING = frozenset({"000000000000", "FFFFFFFFFFFF"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Profile:
    """A media profile: its token and name, the encoding of its video and the picture's size in pixels (0: not told)."""

    token: str
    name: str = ""
    encoding: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says it is. Texts are as told, "" where nothing was told.

    `reason` is ok if the device gave its information; `missing` says which further parts failed and why. `macs` are
    like `00:11:22:AA:BB:CC`. `stream_uri` holds no login; `stream_off_host` is the host it names if that is not the
    registered one, and `off_host` the service addresses that were cut down to the registered host. `auth_checked` is
    true if the device refused a call without login and accepted it with one.
    """

    target: str
    reason: Reason
    make: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    hardware_id: str = ""
    macs: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    stream_uri: str = ""
    stream_off_host: str = ""
    off_host: tuple[str, ...] = ()
    clock_offset_s: float | None = None
    auth: str = "none"
    auth_checked: bool = False
    missing: tuple[tuple[str, Reason], ...] = ()
    notes: tuple[str, ...] = field(default=(), repr=False)
    took_us: int = 0


_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def identify(
    device: Device,
    credentials: Credentials | None = None,
    *,
    at: Instant,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Identity:
    """Ask a device what it is. Whatever it does becomes a result; only cancellation is raised.

    `at` is the wall clock's instant now, `timeout_s` one deadline for all questions. `credentials` default to those
    in the address; they are sent only to the registered host, and at most one refused login is risked.
    """
    asked = monotonic()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, library)
    async with _slots.setdefault(loop, asyncio.Semaphore(AT_ONCE)):
        began = monotonic()
        now = Instant(at + round((began - asked) * MICROSECONDS))
        talk = _Talk(device, credentials or device.credentials, now, began)
        reason = Reason.OK
        try:
            await talk.hold(began + timeout_s, allowed, tls)
        except OnvifError as error:
            reason = error.reason
            talk.notes.append(str(error))
        return talk.identity(reason, round((monotonic() - began) * 1e6))


def spec_of(identity: Identity) -> CameraSpec:
    """Return what an identity says as the ledger keeps it; addresses stay empty, because devices do not decide them."""
    return CameraSpec(identity.make, identity.model, identity.serial, ",".join(identity.macs))


class _Talk:
    """One conversation and what has come of it so far: a deadline in the middle keeps what was told before."""

    def __init__(self, device: Device, credentials: Credentials | None, at: Instant, began: float) -> None:
        self._device = device
        self._credentials = credentials
        self._at = at
        self._began = began
        self._offset_us: int | None = None
        self._found = Identity(device.text, Reason.OK)
        self._missing: list[tuple[str, Reason]] = []
        self._off_host: list[str] = []
        self._calls: Calls | None = None
        self.notes: list[str] = []

    def identity(self, reason: Reason, took_us: int) -> Identity:
        """Return everything told so far."""
        calls = self._calls
        return replace(
            self._found,
            reason=reason,
            clock_offset_s=seconds(self._offset_us),
            off_host=tuple(self._off_host),
            auth=calls.auth.value if calls else "none",
            auth_checked=calls.auth_checked if calls else False,
            missing=tuple(self._missing),
            notes=tuple(plain(note, 512) for note in self.notes),
            took_us=took_us,
        )

    async def hold(self, deadline: float, allowed: Sequence[Allowed] | None, tls: ssl.SSLContext | None) -> None:
        """Ask everything. Raises OnvifError if the device's information cannot be had; the rest may be missing."""
        host = await host_of(self._device, deadline, allowed, tls)
        await self._read_time(host)
        calls = self._calls = Calls(library(), self._device, host, self._credentials, self._device_now)
        home = Service(self._device.port, self._device.path)
        told = await calls("devicemgmt", home, "GetDeviceInformation")
        self._found = replace(
            self._found,
            make=_text(told, "Manufacturer"),
            model=_text(told, "Model"),
            firmware=_text(told, "FirmwareVersion"),
            serial=_text(told, "SerialNumber"),
            hardware_id=_text(told, "HardwareId"),
        )
        try:
            told = await calls("devicemgmt", home, "GetNetworkInterfaces")
            self._found = replace(self._found, macs=macs_of(told))
        except OnvifError as error:
            self._lacks("macs", error)
        try:
            media = await self._media_service(calls, home, host)
            try:
                await self._read_media(calls, media, host)
            except OnvifError as error:
                if error.reason not in _NOT_THERE or media.port == home.port:
                    raise
                # Behind a translating router a device names the port it has inside.
                self.notes.append(
                    f"端口 {media.port} 不通，改用登记的端口 no way to that port, asked on the registered one: {error}"
                )
                await self._read_media(calls, media._replace(port=home.port), host)
        except OnvifError as error:
            self._lacks("profiles", error)

    async def _read_time(self, host: Host) -> None:
        """Learn the device's clock, without a login; a device that only refuses to tell it is asked on."""
        try:
            told = await ask_time(self._device, host, self._at, self._began, [])
            refusal = told.fault
            self._offset_us = told.offset_us
        except OnvifError as error:
            if error.reason is not Reason.AUTH_UNKNOWN or self._credentials is None:
                raise
            refusal = str(error)
        if refusal:
            self.notes.append(f"不报时，按本机时间签名 tells no time, signed with ours: {refusal}")

    async def _media_service(self, calls: Calls, home: Service, host: Host) -> Service:
        """Find the media service. GetServices first, as newer devices want it; older ones have GetCapabilities."""
        namespace = library().namespaces["media"]
        named = ""
        try:
            services = await calls("devicemgmt", home, "GetServices", IncludeCapability=False)
            for service in _each(services, MAX_SERVICES):
                xaddr = _text(service, "XAddr")
                self._place(xaddr, host)
                if _text(service, "Namespace") == namespace:
                    named = named or xaddr
        except OnvifError as error:
            if error.reason in {Reason.TIMEOUT, Reason.WATCHER}:
                raise
            self.notes.append(f"GetServices: {error}")
        if not named:
            told = await calls("devicemgmt", home, "GetCapabilities", Category=["All"])
            named = _text(_part(told, "Media"), "XAddr")
        return self._place(named, host) or home

    def _place(self, xaddr: str, host: Host) -> Service | None:
        if not xaddr:
            return None
        service = service_of(self._device, host.address, xaddr)
        if service is None:
            self.notes.append(f"服务地址无法使用 unusable service address {xaddr[:120]!a}")
        elif service.off_host and _shown(xaddr) not in self._off_host:
            self._off_host.append(_shown(xaddr))
            self.notes.append(
                f"服务地址指向别的主机，只用其端口和路径 names another host, only port and path are used: {_shown(xaddr)}"
            )
        return service

    async def _read_media(self, calls: Calls, media: Service, host: Host) -> None:
        profiles = profiles_of(await calls("media", media, "GetProfiles"))
        self._found = replace(self._found, profiles=profiles)
        if not profiles:
            return
        setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
        try:
            told = await calls("media", media, "GetStreamUri", StreamSetup=setup, ProfileToken=profiles[0].token)
        except OnvifError as error:
            self._lacks("stream_uri", error)
            return
        uri = _text(told, "Uri", 2_048)
        place = re.split(r"[/?#]", uri.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        named = split_host(place, None)[0]
        off = "" if named in {self._device.host, host.address, ""} else named
        self._found = replace(self._found, stream_uri=_shown(uri), stream_off_host=off)

    def _lacks(self, part: str, error: OnvifError) -> None:
        self._missing.append((part, error.reason))
        self.notes.append(f"{part}: {error}")

    def _device_now(self) -> datetime:
        """The device's present UTC by its own clock, else by ours; without zone, as the library wants it."""
        now_us = self._at + round((monotonic() - self._began) * MICROSECONDS) + (self._offset_us or 0)
        return (_EPOCH + timedelta(microseconds=now_us)).replace(tzinfo=None)


def macs_of(interfaces: Any) -> tuple[str, ...]:
    """Return the hardware addresses in GetNetworkInterfaces' answer, each once, in the device's order."""
    found: dict[str, None] = {}
    for interface in _each(interfaces, MAX_MACS):
        digits = re.sub(r"[:.\-\s]", "", _text(_part(interface, "Info"), "HwAddress")).upper()
        if _MAC.fullmatch(digits) and digits not in _NOTHING:
            found[":".join(digits[i : i + 2] for i in range(0, 12, 2))] = None
    return tuple(found)


def profiles_of(profiles: Any) -> tuple[Profile, ...]:
    """Return the profiles in GetProfiles' answer that have a token."""
    found: list[Profile] = []
    for profile in _each(profiles, MAX_PROFILES):
        video = _part(profile, "VideoEncoderConfiguration")
        size = _part(video, "Resolution")
        made = Profile(
            _text(profile, "token"),
            _text(profile, "Name"),
            _text(video, "Encoding"),
            _number(size, "Width"),
            _number(size, "Height"),
        )
        if made.token:
            found.append(made)
    return tuple(found)


def _shown(uri: str) -> str:
    """Return an address without its login, printable."""
    scheme, mark, rest = uri.partition("://")
    cut = re.search(r"[/?#]", rest)
    place, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    text = without_path_secrets(f"{scheme}{mark}{place.rpartition('@')[2]}{path}")
    return text if text.isprintable() else ascii(text)


def _each(value: Any, limit: int) -> Iterable[Any]:
    return value[:limit] if isinstance(value, list) else ()


def _part(value: Any, name: str) -> Any:
    return getattr(value, name, None) if value is not None else None


def _text(value: Any, name: str, limit: int = MAX_FIELD) -> str:
    """Return a field as one printable line; "" for whatever is no text."""
    found = _part(value, name)
    if not isinstance(found, str):
        return ""
    return plain(found, limit)


def _number(value: Any, name: str) -> int:
    found = _part(value, name)
    return found if isinstance(found, int) and 0 <= found <= 100_000 else 0
