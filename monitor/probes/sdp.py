"""What a session description says of its first video track: its formats, its parameters, where it is controlled.

Tolerant as DESCRIBE is: unknown lines are passed over, line ends may be bare, attributes may be missing. Never raises.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_LINES = 2_000
MAX_FORMATS = 32
MAX_PARAMETER_SETS = 16
MAX_PARAMETER_SET = 4 * 1024
"""Bytes of one parameter set; real ones have some tens."""

_VIDEO = re.compile(r"video[ \t]+\S+[ \t]+\S+((?:[ \t]+\d{1,3})*)", re.IGNORECASE | re.ASCII)
_RTPMAP = re.compile(r"rtpmap:(\d{1,3})[ \t]+([^/\s]+)/?(\d{0,9})", re.IGNORECASE | re.ASCII)
_FMTP = re.compile(r"fmtp:(\d{1,3})[ \t]+(.*)", re.IGNORECASE | re.ASCII | re.DOTALL)
_SIZE = re.compile(r"(?:x-dimensions:|framesize:\d{1,3} )[ \t]*(\d{1,5})[,-](\d{1,5})", re.IGNORECASE | re.ASCII)
_STATIC = {26: "JPEG", 31: "H261", 32: "MPV", 33: "MP2T", 34: "H263"}
"""Payload types whose encoding RFC 3551 fixes."""


@dataclass(frozen=True, slots=True)
class Track:
    """One video track. `control` and `session_control` are as written, "" where the description has none.

    `encodings` maps each payload type offered to its encoding name in capitals ("" if nothing says it); `parameters`
    maps payload types to their fmtp parameters, names in small letters. `size` is width and height in pixels, (0, 0)
    where not stated.
    """

    encodings: Mapping[int, str]
    parameters: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    control: str = ""
    session_control: str = ""
    size: tuple[int, int] = (0, 0)


def video_track(body: bytes) -> Track | None:
    """Return the first video track with at least one payload type; None if there is none."""
    formats: list[int] | None = None
    maps: dict[int, str] = {}
    parameters: dict[int, dict[str, str]] = {}
    control = session_control = ""
    size = (0, 0)
    in_session = True
    for line in body.decode("utf-8", "replace").split("\n", MAX_LINES)[:MAX_LINES]:
        kind, mark, value = line.strip().partition("=")
        if not mark:
            continue
        if kind in {"m", "M"}:
            in_session = False
            if formats:
                break
            match = _VIDEO.match(value)
            formats = [int(text) for text in match[1].split()[:MAX_FORMATS] if int(text) < 128] if match else None
            maps, parameters, control, size = {}, {}, "", (0, 0)
        elif kind in {"a", "A"}:
            value = value.strip()
            if value[:8].lower() == "control:":
                if in_session:
                    session_control = value[8:].strip()
                else:
                    control = value[8:].strip()
            elif (match := _RTPMAP.match(value)) and len(maps) < MAX_FORMATS:
                maps[int(match[1])] = match[2].upper()
            elif (match := _FMTP.match(value)) and len(parameters) < MAX_FORMATS:
                parameters[int(match[1])] = _parameters(match[2])
            elif match := _SIZE.match(value):
                size = (int(match[1]), int(match[2]))
    if not formats:
        return None
    encodings = {number: maps.get(number) or _STATIC.get(number, "") for number in formats}
    return Track(encodings, parameters, control, session_control, size)


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";", 64)[:64]:
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def parameter_sets(parameters: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the H.264 or H.265 parameter sets that fmtp carries, in decoding order; broken ones are left out."""
    found: list[bytes] = []
    for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"):
        for text in parameters.get(name, "").split(",")[:MAX_PARAMETER_SETS]:
            try:
                data = base64.b64decode(text + "=" * (-len(text) % 4))
            except (binascii.Error, ValueError):
                continue
            if 0 < len(data) <= MAX_PARAMETER_SET and len(found) < MAX_PARAMETER_SETS:
                found.append(data)
    return tuple(found)
