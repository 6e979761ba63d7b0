"""A small grey picture as baseline JPEG (ITU-T T.81), made of flat 8 × 8 blocks: DC coefficients only. No I/O."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_QUANTUM = 8
"""The DC coefficient of a flat block is 8 × (level − 128): with this quantum its difference is that of the levels."""
_DC_LENGTHS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
_DC_SIZES = tuple(range(12))
_AC_LENGTHS = (1,) + (0,) * 15
_AC_SYMBOLS = (0x00,)
"""The one AC code, a single 0 bit, says: no more coefficients."""


def encode(levels: Sequence[Sequence[int]]) -> bytes:
    """Return a grey picture from the levels (0..255) of its 8 × 8 blocks, row by row."""
    height, width = 8 * len(levels), 8 * len(levels[0])
    parts = [
        b"\xff\xd8",
        _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        _segment(0xDB, b"\x00" + bytes([_QUANTUM] * 64)),
        _segment(0xC0, struct.pack("!BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        _segment(0xC4, b"\x00" + bytes(_DC_LENGTHS) + bytes(_DC_SIZES)),
        _segment(0xC4, b"\x10" + bytes(_AC_LENGTHS) + bytes(_AC_SYMBOLS)),
        _segment(0xDA, struct.pack("!BBBBBB", 1, 1, 0x00, 0, 63, 0)),
        _scan([level for row in levels for level in row]),
        b"\xff\xd9",
    ]
    return b"".join(parts)


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack("!BBH", 0xFF, marker, len(payload) + 2) + payload


def _codes() -> dict[int, str]:
    """Return the DC code words by size, built as annex C says: counting up, longer by a bit from length to length."""
    codes: dict[int, str] = {}
    code, sizes = 0, iter(_DC_SIZES)
    for length, count in enumerate(_DC_LENGTHS, 1):
        for _ in range(count):
            codes[next(sizes)] = f"{code:0{length}b}"
            code += 1
        code <<= 1
    return codes


def _scan(levels: Sequence[int]) -> bytes:
    codes, before, bits = _codes(), 128, ""
    for level in levels:
        difference, before = level - before, level
        size = abs(difference).bit_length()
        value = difference if difference >= 0 else difference + (1 << size) - 1
        bits += codes[size] + (f"{value:0{size}b}" if size else "") + "0"
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8).replace(b"\xff", b"\xff\x00")
