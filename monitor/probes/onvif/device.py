"""Where a device's ONVIF service is: an address read strictly, and the one place on it that we will ever talk to.

Everything a device says about where its services are is cut down to a path and a port on the registered address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote

from monitor.finding import InputError, refuse
from monitor.probes.address import Allowed, port_of
from monitor.probes.target import MAX_PATH, Credentials, require_permitted, split_place, without_path_secrets

DEFAULT_PORTS = {"http": 80, "https": 443}
DEFAULT_PATH = "/onvif/device_service"
MAX_URL = 2_048

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r"[^\x00-\x20\x7f<>\"{}|\\^`]*")
_SHAPE = "http://10.0.0.1:80/onvif/device_service 或 or 10.0.0.1:80"


@dataclass(frozen=True, slots=True)
class Device:
    """A registered ONVIF device service. `text` is the address as given, without password.

    `address` is set where the host is an IP literal; a name is looked up once per question.
    """

    text: str
    host: str
    port: int
    path: str
    tls: bool
    address: str | None
    credentials: Credentials | None = None

    @classmethod
    def parse(
        cls, text: str, *, allowed: Sequence[Allowed] | None = None, file: str = "", line: int = 0, column: str = ""
    ) -> Device:
        """Read `http[s]://[user:password@]host[:port][/path]` or `host[:port]`; anything else is an InputError.

        `allowed` refuses an IP literal outside the list at once; a name is checked when it is looked up.
        """
        try:
            return _parse(text, allowed)
        except ValueError as complaint:
            message, remedy = (*complaint.args, _SHAPE)[:2]
        raise refuse(f"{message}: {_masked(text)}", remedy, file=file, line=line, column=column)


def _parse(text: str, allowed: Sequence[Allowed] | None) -> Device:
    if not text or len(text) > MAX_URL or _CONTROL.search(text):
        raise ValueError("地址为空、过长或含控制字符 the address is empty, too long or holds control characters")
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "http", text
        if re.search(r"[/?#@]", rest):
            raise ValueError("缺少 http:// an address with a path or a login needs http:// before it")
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError("不支持的协议 only http:// and https:// are understood")
    cut = re.search(r"[/?#]", rest)
    authority, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    if "@" in path or "#" in path:
        raise ValueError("路径含 @ 或 # the path holds @ or #", "写作 %40 %23 quote them")
    if not _PATH.fullmatch(path):
        raise ValueError("路径含空格等字符 the path holds blanks or the like", "写作 %20 等 quote them")
    userinfo, _, place = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    try:
        credentials = Credentials(unquote(user), unquote(password)) if userinfo else None
    except InputError as wrong:
        raise ValueError(wrong.findings[0].message, wrong.findings[0].remedy) from None
    host, port, address = split_place(place, DEFAULT_PORTS[scheme])
    require_permitted(address, port, allowed)
    shown = f"{scheme}://{place}{path}" if mark else text
    return Device(
        without_path_secrets(shown),
        host,
        port,
        wire_path(path) or DEFAULT_PATH,
        scheme == "https",
        address,
        credentials,
    )


class Service(NamedTuple):
    """Where a device says one of its services is, cut down to what we follow.

    `off_host` holds the host it named if that is not the registered one; it is reported and never contacted.
    """

    port: int
    path: str
    off_host: str = ""


def service_of(device: Device, address: str, xaddr: str) -> Service | None:
    """Read a service address (XAddr) a device gave: path and port are taken, the host never.

    A doubled port (`host:80:80`) is read as one. No path means the device service's own. None if it is no HTTP address
    or asks for another scheme than the registered one: a login that went by TLS must not go in the clear.
    """
    text = xaddr.strip()
    scheme, mark, rest = text.partition("://")
    scheme = scheme.lower()
    if not mark or len(text) > MAX_URL or scheme != ("https" if device.tls else "http"):
        return None
    cut = re.search(r"[/?#]", rest)
    authority, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    sent = wire_path(path.partition("#")[0])
    host, port = split_host(authority.rpartition("@")[2], DEFAULT_PORTS[scheme])
    if port is None or sent is None:
        return None
    off = "" if host in {device.host, address} else host[:255]
    return Service(port, sent if sent not in {"", "/"} else device.path, off)


def split_host(place: str, default_port: int | None) -> tuple[str, int | None]:
    """Split what stands between scheme and path into host and port, as loosely as devices write it."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]+))*", place)
    if bracketed:
        return bracketed[1].lower(), port_of(bracketed[2]) if bracketed[2] else default_port
    host, colon, digits = place.partition(":")
    return host.lower(), port_of(digits.partition(":")[0]) if colon else default_port


def wire_path(path: str) -> str | None:
    """Return a path as it is sent; None if it cannot be."""
    if not _PATH.fullmatch(path) or _CONTROL.search(path):
        return None
    if path and not path.startswith("/"):
        path = f"/{path}"
    quoted = quote(path, safe="/?[]@!$&'()*+,;=:%~-._")
    return quoted if len(quoted) <= MAX_PATH else None


def _masked(text: str) -> str:
    """Return a text for a complaint: whatever could be a login is left out, and the rest is short and printable."""
    head, mark, rest = text.rpartition("@")
    if mark:
        scheme, slashes, _ = head.partition("://")
        text = f"{scheme}://***@{rest}" if slashes else f"***@{rest}"
    return ascii(without_path_secrets(text)[:120])
