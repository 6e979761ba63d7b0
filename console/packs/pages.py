"""How many pages a scan has, as far as its bytes tell; nothing of it is drawn or run."""

from __future__ import annotations

import re
import zlib

MAX_UNPACKED = 50_000_000
_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_PACKED = re.compile(rb"/Type\s*/ObjStm\b.{0,300}?stream\r?\n", re.DOTALL)


def pages_of(body: bytes, media: str) -> int | None:
    """Return the number of pages of a PDF or a picture; None where nobody can tell."""
    if media in {"image/png", "image/jpeg"}:
        return 1
    if media != "application/pdf":
        return None
    number = len(_PAGE.findall(body))
    left = MAX_UNPACKED
    for match in _PACKED.finditer(body):
        part = _unpacked(body[match.end() :], left)
        left -= len(part)
        number += len(_PAGE.findall(part))
        if left <= 0:
            return None
    return number or None


def _unpacked(data: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return b""
