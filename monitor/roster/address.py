"""Stream addresses: taking the login out of them, putting them together, and telling two apart.

A password inside a URL leaves it here and never comes back; complaints never repeat an address that holds one.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from monitor.roster.cells import Complain, text_of
from monitor.roster.table import Value

DEFAULT_PORT = 554
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?")
# Some makes carry the login in the path or query; there it would be stored and shown in clear.
_SECRET_IN_PATH = re.compile(r"(?:password|passwd|pwd|pass)=(?![&_;]|$)", re.IGNORECASE)
_STORED = re.compile(r"rtsp://([^/?#:]+)(?::([0-9]+))?(.*)", re.S)
_LITERAL = re.compile(r"[^\x00-\x20\x7f<>\"{}|\\^`]*")


class Stream(NamedTuple):
    """A stream's address without login. `path` is empty where only the host is known."""

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address as it is stored; the default port is left out."""
        place = self.host if self.port == DEFAULT_PORT else f"{self.host}:{self.port}"
        return f"rtsp://{place}{self.path}"


class Login(NamedTuple):
    """A login found inside an address."""

    username: str
    password: str


def parse_url(text: str, complain: Complain) -> tuple[Stream | None, Login]:
    """Split rtsp://user:password@host:port/path. Returns (None, …) after complaining."""
    nobody = Login("", "")
    scheme, mark, rest = text.partition("://")
    if not mark or scheme.lower() != "rtsp":
        complain("不是 rtsp:// 地址 not an rtsp:// address", "rtsp://10.0.0.1:554/path")
        return None, nobody
    end = min((at for at in (rest.find(sign) for sign in "/?#") if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if "@" in path:
        # Either an unquoted password holds "/", "?" or "#", or the path holds "@": cut wrongly, a password would leak.
        complain(
            "地址中的 @ 有歧义 the @ in this address is ambiguous",
            "密码写入“密码”列，或把特殊字符写作 %2F %3F %23 %40 use the password column, or quote these characters",
        )
        return None, nobody
    userinfo, _, place = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    host, colon, port = place.partition(":")
    if not _HOST.fullmatch(host) or (colon and not _is_port(port)):
        complain("主机或端口无效 bad host or port", "端口 port 1–65535；rtsp://10.0.0.1:554/path")
        return None, nobody
    if _looks_numeric(host) and not _is_ipv4(host):
        complain("不是 IPv4 地址 not an IPv4 address", "四段 0–255 four numbers from 0 to 255")
        return None, nobody
    try:
        login = Login(unquote(user, errors="strict"), unquote(password, errors="strict"))
    except UnicodeDecodeError:
        login = Login("\0", "")
    if not "".join(login).isprintable():
        complain(
            "登录信息中的 % 转义无效 bad % escapes in the login",
            "% 写作 %25 write % as %25；或用“密码”列 or use the column",
        )
        return None, nobody
    stream = path_ok(path, complain) and Stream(host.lower(), int(port) if colon else DEFAULT_PORT, path)
    return stream or None, login


def path_ok(path: str, complain: Complain) -> bool:
    """Say whether a path may be stored: plain characters, no password in it."""
    if _SECRET_IN_PATH.search(path):
        complain(
            "路径中带有密码，不能明文保存 the path holds a password and would be kept in clear",
            "从路径中去掉密码，写入“密码”列 take it out and use the password column",
        )
        return False
    if not _LITERAL.fullmatch(path) or len(path) > 2_000:
        complain("路径含空格等字符或过长 the path holds blanks or the like, or is too long", "写作 %20 quote them")
        return False
    return True


class Parsed(NamedTuple):
    """An address cell: the address as it may be stored, and the login that stood in it."""

    url: str
    login: Login


def url_of(value: Value, complain: Complain) -> Parsed | None:
    """Read an address cell; None after complaining."""
    text = str(value or "").strip()
    if not text:
        return Parsed("", Login("", ""))
    stream, login = parse_url(text, complain)
    return Parsed(stream.url, login) if stream else None


def path_of(value: Value, complain: Complain) -> str | None:
    """Read a path cell, with or without its leading slash."""
    text = text_of(value, complain)
    if not text:
        return text
    path = text if text.startswith(("/", "?")) else "/" + text
    return path if path_ok(path, complain) else None


def stream_of(url: str) -> Stream | None:
    """Return a stored address in its parts; None for the empty one."""
    found = _STORED.fullmatch(url)
    return Stream(found[1], int(found[2] or DEFAULT_PORT), found[3]) if found else None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535


def _looks_numeric(host: str) -> bool:
    """Say whether a resolver might take the host for a number, in any of its odd notations."""
    last = host.rsplit(".", 1)[-1].lower()
    return last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last) is not None


def _is_ipv4(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all(p.isdigit() and int(p) <= 255 and str(int(p)) == p for p in parts)
