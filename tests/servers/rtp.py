"""RTP as a camera would send it, written apart from the product's reading of it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

SOURCE = 0x1234ABCD


def packet(seq: int, payload: bytes, *, kind: int = 96, timestamp: int = 0, marker: bool = False, source: int = SOURCE) -> bytes:  # fmt: skip
    """Return one packet with the plainest header."""
    return struct.pack(">BBHII", 0x80, kind | (0x80 if marker else 0), seq & 0xFFFF, timestamp, source) + payload


def interleaved(data: bytes, channel: int = 0) -> bytes:
    """Return a packet as it stands on an RTSP connection."""
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


def units(annex_b: bytes) -> list[bytes]:
    """Cut an access unit at its start codes."""
    parts = annex_b.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [part for part in parts[1:] if part]


def h264_payloads(picture: bytes, size: int) -> Iterator[bytes]:
    """Small units together in STAP-A where they meet, large ones in FU-A, others alone."""
    small = list(itertools.takewhile(lambda unit: len(unit) < 60, units(picture)))
    if len(small) > 1:
        yield b"\x78" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)
    for unit in units(picture)[len(small) if len(small) > 1 else 0 :]:
        if len(unit) <= size:
            yield unit
            continue
        body = [unit[1:][at : at + size] for at in range(0, len(unit) - 1, size)]
        for number, part in enumerate(body):
            flags = (0x80 if number == 0 else 0) | (0x40 if number == len(body) - 1 else 0)
            yield bytes([unit[0] & 0xE0 | 28, flags | unit[0] & 0x1F]) + part


def h265_payloads(picture: bytes, size: int) -> Iterator[bytes]:
    """As h264_payloads, with AP and FU."""
    small = list(itertools.takewhile(lambda unit: len(unit) < 60, units(picture)))
    if len(small) > 1:
        yield b"\x60\x01" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in small)
    for unit in units(picture)[len(small) if len(small) > 1 else 0 :]:
        if len(unit) <= size:
            yield unit
            continue
        body = [unit[2:][at : at + size] for at in range(0, len(unit) - 2, size)]
        for number, part in enumerate(body):
            flags = (0x80 if number == 0 else 0) | (0x40 if number == len(body) - 1 else 0)
            yield bytes([unit[0] & 0x81 | 49 << 1, unit[1], flags | unit[0] >> 1 & 0x3F]) + part


def jpeg_parts(file: bytes) -> tuple[bytes, bytes, int, int, int]:
    """Cut a JPEG file into quantisation tables, scan data, RFC 2435 type, width and height."""
    tables, at, kind, width, height = b"", 2, 0, 0, 0
    while True:
        marker, length = file[at + 1], int.from_bytes(file[at + 2 : at + 4], "big")
        content = file[at + 4 : at + 2 + length]
        if marker == 0xDB:
            while content:
                tables, content = tables + content[1:65], content[65:]
        elif marker == 0xC0:
            height, width = struct.unpack(">HH", content[1:5])
            kind = 1 if content[7] == 0x22 else 0
        elif marker == 0xDA:
            return tables, file[at + 2 + length :].removesuffix(b"\xff\xd9"), kind, width, height
        at += 2 + length


def jpeg_payloads(file: bytes, size: int, quality: int = 255) -> Iterator[bytes]:
    """With the file's own tables in the first payload (quality 128 to 255), or none at all."""
    tables, scan, kind, width, height = jpeg_parts(file)
    for at in range(0, len(scan), size):
        head = b"\x00" + at.to_bytes(3, "big") + bytes([kind, quality, width // 8, height // 8])
        if at == 0 and quality >= 128:
            head += b"\x00\x00" + len(tables).to_bytes(2, "big") + tables
        yield head + scan[at : at + size]


PAYLOADS = {"h264": h264_payloads, "hevc": h265_payloads, "mjpeg": jpeg_payloads}


def packets(
    codec: str, pictures: list[bytes], *, kind: int = 96, size: int = 400, seq: int = 65_530
) -> Iterator[bytes]:
    """Return all pictures as packets, the sequence number running over on the way."""
    for number, picture in enumerate(pictures):
        payloads = list(PAYLOADS[codec](picture, size))
        for index, payload in enumerate(payloads):
            yield packet(seq, payload, kind=kind, timestamp=number * 18_000, marker=index == len(payloads) - 1)
            seq += 1
