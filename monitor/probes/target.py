"""What is probed: an RTSP address or a host and port, read strictly, and the login that goes with it.

Addresses come from ledgers and command lines. A password inside a URL leaves it here: neither a target's text nor a
complaint about one ever repeats it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from sys import intern
from urllib.parse import quote, unquote

from monitor.finding import InputError, refuse
from monitor.probes.address import Allowed, is_name, literal, permitted, port_of

DEFAULT_PORT = 554
MAX_PATH = 2_000
"""Bytes of a path on the wire, so that a request line stays far below what small devices can hold."""
MAX_LOGIN = 256
"""Characters of a user name or of a password."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH = re.compile(r"[^\x00-\x20\x7f<>\"{}|\\^`]*")
# Some makes carry the login in the path; it must be sent, but it is not shown.
_SECRET_IN_PATH = re.compile(r"(password|passwd|pwd|pass)=[^&_;/\s]+", re.IGNORECASE)
_SHAPE = "rtsp://10.0.0.1:554/path 或 or 10.0.0.1:554"


class BasicUse(StrEnum):
    """When a password may be sent in the clear, by HTTP Basic."""

    NEVER = "never"
    UNLESS_DIGEST = "unless-digest"
    """Only where the device has never offered Digest in this conversation: no downgrade."""
    ALWAYS = "always"
    """Also where Digest was offered but with algorithms we do not know: the operator opted in to the downgrade."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login. Its password is in no repr; control characters in it are an InputError, as they would break a header."""

    username: str
    password: str = field(repr=False)
    basic: BasicUse = BasicUse.UNLESS_DIGEST

    def __post_init__(self) -> None:
        for text in (self.username, self.password):
            if _CONTROL.search(text) or len(text) > MAX_LOGIN:
                raise refuse(
                    "用户名或密码含控制字符或过长 the user name or password holds control characters or is too long",
                    f"≤ {MAX_LOGIN}，去掉换行等字符 remove line ends and the like",
                )


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to probe. `text` is the address as given, with any password replaced by `***`.

    `address` is set where the host is an IP literal; a name is resolved once per probe. `path` is as sent.
    """

    text: str
    host: str
    port: int
    path: str
    address: str | None
    credentials: Credentials | None = None

    @property
    def place(self) -> str:
        """Host and port as they stand in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"

    @property
    def uri(self) -> str:
        """The request URI, without login."""
        return f"rtsp://{self.place}{self.path}"

    @classmethod
    def parse(
        cls, text: str, *, allowed: Sequence[Allowed] | None = None, file: str = "", line: int = 0, column: str = ""
    ) -> Target:
        """Read `rtsp://[user:password@]host[:port][/path]` or `host[:port]`; anything else is an InputError.

        `allowed` refuses an IP literal outside the list at once; a name is checked when it is resolved. `file`, `line`
        and `column` only say in the complaint where the text stood.
        """
        try:
            return _parse(text, allowed)
        except ValueError as complaint:
            message, remedy = (*complaint.args, _SHAPE)[:2]
        raise refuse(f"{message}: {_masked(text)}", remedy, file=file, line=line, column=column)


def _parse(text: str, allowed: Sequence[Allowed] | None) -> Target:
    if not text or _CONTROL.search(text):
        raise ValueError("地址为空或含控制字符 the address is empty or holds control characters")
    scheme, mark, rest = text.partition("://")
    if not mark:
        rest = text
        if re.search(r"[/?#@]", rest):
            raise ValueError("缺少 rtsp:// an address with a path or a login needs rtsp:// before it")
    elif scheme.lower() != "rtsp":
        raise ValueError("不支持的协议 only rtsp:// is understood")
    cut = re.search(r"[/?#]", rest)
    authority, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    if "@" in path:
        # Either an unquoted password holds "/", "?" or "#", or the path holds "@": cut wrongly, a password would leak.
        raise ValueError(
            "地址中的 @ 有歧义 the @ in this address is ambiguous",
            "密码中的 / ? # 写作 %2F %3F %23，路径中的 @ 写作 %40 quote these characters",
        )
    if not _PATH.fullmatch(path):
        raise ValueError("路径含空格等字符 the path holds blanks or the like", "写作 %20 等 quote them")
    path = intern(quote(path, safe="/?#[]@!$&'()*+,;=:%~-._"))  # thousands of cameras of one make have one path
    if len(path) > MAX_PATH:
        raise ValueError(f"路径过长 the path is longer than {MAX_PATH} bytes", "核对地址 check the address")
    userinfo, _, place = authority.rpartition("@")
    host, port, address = split_place(place, DEFAULT_PORT)
    require_permitted(address, port, allowed)
    user, _, password = userinfo.partition(":")
    try:
        credentials = Credentials(unquote(user), unquote(password)) if userinfo else None
    except InputError as wrong:
        raise ValueError(wrong.findings[0].message, wrong.findings[0].remedy) from None
    shown = text
    if userinfo:
        shown = f"{scheme}://{user}:***@{place}{rest[len(authority) :]}" if user else f"{scheme}://{place}{path}"
    return Target(without_path_secrets(shown), host, port, path, address, credentials)


def without_path_secrets(text: str) -> str:
    """Return a text with the values of `password=` and its like replaced by `***`."""
    return _SECRET_IN_PATH.sub(r"\1=***", text)


def split_place(place: str, default_port: int) -> tuple[str, int, str | None]:
    """Split `host[:port]` or `[v6][:port]` into host, port and, for an IP literal, its address.

    ValueError (message, and a remedy where there is one) for odd notations and whatever is no host or port.
    """
    match = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", place)
    if match and ":" not in match[1]:
        raise ValueError("方括号里不是 IPv6 地址 no IPv6 address between the brackets")
    match = match or re.fullmatch(r"([^:\[\]]*)(?::([^:]*))?", place)
    if not match:
        raise ValueError("主机无效 bad host", f"IPv6 写作 [fd00::1]:{default_port} put IPv6 addresses in brackets")
    host, digits = match[1].lower(), match[2]
    port = default_port if digits is None else port_of(digits)
    if port is None:
        raise ValueError("端口无效 bad port", "端口为 1–65535 a port is a number from 1 to 65535")
    try:
        address = literal(host)
    except ValueError as complaint:
        raise ValueError(complaint.args[0], "四段 0–255，如 10.0.0.1 four plain numbers from 0 to 255") from None
    if address is None and not is_name(host):
        raise ValueError("主机无效 bad host")
    if address is None:
        return host, port, None
    text = str(address)
    return text, port, text


def require_permitted(address: str | None, port: int, allowed: Sequence[Allowed] | None) -> None:
    """ValueError if an IP literal lies outside the allow-list; a name (None) is checked when it is resolved."""
    if address is not None and not permitted(ip_address(address), port, allowed):
        raise ValueError(
            "不在允许的网段和端口内 outside the allowed networks and ports", "核对白名单 check the allow-list"
        )


def _masked(text: str) -> str:
    """Return a text for a complaint: whatever could be a login is left out, and the rest is short and printable."""
    head, mark, rest = text.rpartition("@")
    if mark:
        scheme, slashes, _ = head.partition("://")
        text = f"{scheme}://***@{rest}" if slashes else f"***@{rest}"
    text = without_path_secrets(text)
    return ascii(text[:120]) if _CONTROL.search(text) else repr(text[:120])
