"""JPEG files out of RTP (RFC 2435): the headers that the sender left out are built again.

The quantisation tables of Q 1 to 99 are those of ITU-T T.81 annex K scaled as RFC 2435 section 4.2 says; the Huffman
tables are annex K's. Never raises; holds at most one picture of at most 4 MiB.
"""

from __future__ import annotations

from monitor.probes.rtp import Packet

MAX_PICTURE = 4 * 1024 * 1024

_ZIGZAG = [
    row * 8 + column
    for _, _, row, column in sorted(
        (row + column, row if (row + column) % 2 else column, row, column) for row in range(8) for column in range(8)
    )
]
_LUMA = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112,
    100, 103, 99,
]  # fmt: skip
_CHROMA = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *[99] * 38,
]  # fmt: skip
_DC_LUMA = bytes.fromhex("00010501010101010100000000000000") + bytes(range(12))
_DC_CHROMA = bytes.fromhex("00030101010101010101010000000000") + bytes(range(12))
_AC_LUMA = bytes.fromhex(
    "0002010303020403050504040000017d"
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a"
    "434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9"
    "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_CHROMA = bytes.fromhex(
    "00020102040403040705040400010277"
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536373839"
    "3a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7"
    "a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)


def _segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(content) + 2).to_bytes(2, "big") + content


HUFFMAN = b"".join(
    _segment(0xC4, bytes([number]) + table)
    for number, table in ((0x00, _DC_LUMA), (0x10, _AC_LUMA), (0x01, _DC_CHROMA), (0x11, _AC_CHROMA))
)


def quantisation(quality: int) -> bytes:
    """Return both tables, 128 bytes in zigzag order, for a Q of 1 to 99."""
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(255, max(1, (table[at] * factor + 50) // 100)) for table in (_LUMA, _CHROMA) for at in _ZIGZAG)


def headers(kind: int, width: int, height: int, tables: bytes, restart: int) -> bytes:
    """Return everything before the scan's data. `tables` are one or two of 64 bytes; `restart` 0 means no markers."""
    quantisers = [tables[at : at + 64] for at in range(0, len(tables), 64)]
    parts = [b"\xff\xd8", *(_segment(0xDB, bytes([number]) + table) for number, table in enumerate(quantisers))]
    if restart:
        parts.append(_segment(0xDD, restart.to_bytes(2, "big")))
    chroma = len(quantisers) - 1
    components = bytes([1, 0x22 if kind & 1 else 0x21, 0, 2, 0x11, chroma, 3, 0x11, chroma])
    parts.append(_segment(0xC0, b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x03" + components))
    parts += [HUFFMAN, _segment(0xDA, bytes([3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]))]
    return b"".join(parts)


class Jpeg:
    """Collects the fragments of one picture; every picture is a key frame. `size` is what the description says."""

    __slots__ = ("_data", "_head", "_next_seq", "_size", "_tables", "_timestamp", "spoiled")

    def __init__(self, size: tuple[int, int] = (0, 0)) -> None:
        self._size = size
        self._tables: dict[int, bytes] = {}  # of Q 128 to 254, which may be sent once
        self._data: bytearray | None = None  # None: nothing of use yet in this picture
        self._head = b""
        self._next_seq: int | None = None
        self._timestamp: int | None = None
        self.spoiled = 0

    def push(self, packet: Packet) -> bytes | None:
        """Take the next packet; return a JPEG file if it is whole now."""
        if packet.timestamp != self._timestamp or (self._next_seq is not None and packet.seq != self._next_seq):
            self._give_up()
        self._timestamp = packet.timestamp
        self._next_seq = (packet.seq + 1) & 0xFFFF
        if not self._take(packet.payload):
            self._give_up()
            return None
        if not packet.marker or self._data is None:
            return None
        data, self._data = self._data, None
        return self._head + bytes(data) + (b"" if data.endswith(b"\xff\xd9") else b"\xff\xd9")

    def _give_up(self) -> None:
        self.spoiled += self._data is not None
        self._data = None

    def _take(self, payload: bytes) -> bool:
        """Add one payload to the picture; False if it does not fit."""
        if len(payload) < 8:
            return False
        offset, kind, quality = int.from_bytes(payload[1:4], "big"), payload[4], payload[5]
        width, height = payload[6] * 8 or self._size[0], payload[7] * 8 or self._size[1]
        at, restart = 8, 0
        if 64 <= kind <= 127:
            restart, at = int.from_bytes(payload[8:10], "big"), 12
        if kind & 0x3F > 1 or kind > 127 or not width or not height or max(width, height) > 0xFFFF:
            return False
        if offset == 0:
            tables, at = self._quantisers(payload, quality, at)
            if tables is None:
                return False
            self._head = headers(kind, width, height, tables, restart)
            self._data = bytearray()
        if self._data is None or offset != len(self._data) or offset + len(payload) - at > MAX_PICTURE:
            return False
        self._data += payload[at:]
        return True

    def _quantisers(self, payload: bytes, quality: int, at: int) -> tuple[bytes | None, int]:
        """Return the quantisation tables of a picture's first payload, and where its data begin."""
        if quality < 128:
            return (quantisation(quality) if 1 <= quality <= 99 else None), at
        if len(payload) < at + 4:
            return None, at
        precision, length = payload[at + 1], int.from_bytes(payload[at + 2 : at + 4], "big")
        at += 4
        if not length:
            return self._tables.get(quality), at
        tables = payload[at : at + length]
        if precision or length not in {64, 128} or len(tables) < length:
            return None, at  # tables of 16 bits belong to no baseline JPEG
        if quality < 255:
            self._tables[quality] = tables
        return tables, at + length
