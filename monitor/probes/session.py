"""What SETUP's answer says: Session and Transport headers; and how the control addresses of a description are read.

Nothing here leads off the camera. A control address is always asked of the registered host on the connection that is
open: of an absolute one only path and query count, whatever host it names, since cameras behind address translation
write their inner address there. Where the device says it would send from (`source`) or to (`destination`) is not
obeyed. Never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from monitor.probes.target import MAX_PATH, Target

MAX_SESSION = 256
MAX_TRANSPORTS = 8

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_SESSION = re.compile(r"[ \t]*([\x21-\x3a\x3c-\x7e]+)")
_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ufffd]")
_SAFE = "/?#[]@!$&'()*+,;=:%~-._"


@dataclass(frozen=True, slots=True)
class Transport:
    """What one Transport header grants. `channel` is the interleaved channel of RTP, None where it is not interleaved.

    `client_port` is the first port that the device would send to, None where it names none.
    """

    channel: int | None
    tcp: bool
    client_port: int | None
    multicast: bool


def transport_of(values: list[str]) -> Transport | None:
    """Read the first transport of Transport header values; None if there is none that is RTP."""
    for text in ",".join(values[:MAX_TRANSPORTS]).split(",")[:MAX_TRANSPORTS]:
        words = [word.strip() for word in text.split(";", 64)[:64]]
        profile = words[0].upper()
        if not profile.startswith("RTP/"):
            continue
        fields = {name.strip().lower(): value.strip() for name, _, value in (word.partition("=") for word in words[1:])}
        channel = _first(fields.get("interleaved", ""), 255)
        tcp = profile.endswith("/TCP") or channel is not None
        return Transport(channel, tcp, _first(fields.get("client_port", ""), 65_535), "multicast" in fields)
    return None


def _first(text: str, largest: int) -> int | None:
    match = _RANGE.match(text.strip('"'))
    return int(match[1]) if match and int(match[1]) <= largest else None


def session_of(values: list[str]) -> str:
    """Return the session's name without its parameters; "" where none was given or it cannot be sent back."""
    match = _SESSION.match(values[0]) if values else None
    return match[1] if match and len(match[1]) <= MAX_SESSION else ""


def base_of(target: Target, content_base: list[str], content_location: list[str]) -> str:
    """Return what relative control addresses are joined to: Content-Base, Content-Location, or the request's address."""
    for values in (content_base, content_location):
        if values and _ABSOLUTE.match(values[0]):
            return on_host(target, values[0]) or target.uri
    return target.uri


def control_url(target: Target, base: str, control: str) -> str | None:
    """Return the address to send for a control attribute; None if it cannot be an RTSP address.

    Absolute addresses count from their path on; `*` and "" are the base; anything else is appended to the base with one
    slash between (as players do: RFC 3986 merging would cut the last part off a base without trailing slash), except
    that a control that begins with a slash is a path of its own.
    """
    if control in {"", "*"}:
        return base
    if _ABSOLUTE.match(control):
        return on_host(target, control)
    if control.startswith("/"):
        return _sendable(target, control)
    joined = base + control if base.endswith("/") or control.startswith("?") else f"{base}/{control}"
    return on_host(target, joined)


def on_host(target: Target, url: str) -> str | None:
    """Return an absolute rtsp address with the registered host in place of the one it names; None for other schemes."""
    match = _ABSOLUTE.match(url)
    return _sendable(target, match[3]) if match and match[1].lower() == "rtsp" else None


def names_other_host(target: Target, url: str) -> bool:
    """Say whether an address names a host other than the registered one; for the log only."""
    match = _ABSOLUTE.match(url)
    return match is not None and match[2].rpartition("@")[2].lower() not in {
        target.place,
        f"{target.host}:{target.port}",
    }


def _sendable(target: Target, path: str) -> str | None:
    if _UNFIT.search(path):
        return None
    path = quote(path, safe=_SAFE)
    return f"rtsp://{target.place}{path}" if len(path) <= 2 * MAX_PATH else None
