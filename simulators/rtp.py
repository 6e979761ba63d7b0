"""RTP packets of an H.264 track (RFC 3550, RFC 6184: single units and FU-A) and RTCP sender reports. No I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

PAYLOAD_TYPE = 96
CLOCK_HZ = 90_000
MAX_PAYLOAD_BYTES = 1400
_NTP_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""


class Packer:
    """Numbers and wraps one track's access units; `sequence` is the number of the packet to come."""

    def __init__(self, ssrc: int, sequence: int, first_timestamp: int) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = first_timestamp
        self._packets = 0
        self._octets = 0

    def pack(self, units: Sequence[bytes], step: int) -> Iterator[bytes]:
        """Yield an access unit's packets, the last with the marker; then the clock advances by `step` ticks."""
        parts = [part for unit in units for part in _fragments(unit)]
        for number, part in enumerate(parts, 1):
            second = PAYLOAD_TYPE | (0x80 if number == len(parts) else 0)
            yield struct.pack("!BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc) + part
            self.sequence = (self.sequence + 1) & 0xFFFF
            self._packets += 1
            self._octets += len(part)
        self.timestamp = (self.timestamp + step) & 0xFFFFFFFF

    def report(self, at_us: int) -> bytes:
        """Return a sender report: the wall clock of the picture to come, and what was sent."""
        seconds, us = divmod(at_us, 1_000_000)
        ntp = ((seconds + _NTP_EPOCH_S) & 0xFFFFFFFF, (us << 32) // 1_000_000)
        counts = (self._packets & 0xFFFFFFFF, self._octets & 0xFFFFFFFF)
        return struct.pack("!BBHIIIIII", 0x80, 200, 6, self.ssrc, *ntp, self.timestamp, *counts)


def _fragments(unit: bytes) -> Iterator[bytes]:
    """Yield a unit whole, or cut into fragmentation units (FU-A, 5.8)."""
    if len(unit) <= MAX_PAYLOAD_BYTES:
        yield unit
        return
    indicator, kind = unit[0] & 0xE0 | 28, unit[0] & 0x1F
    body = unit[1:]
    size = MAX_PAYLOAD_BYTES - 2
    for at in range(0, len(body), size):
        first, last = at == 0, at + size >= len(body)
        yield bytes([indicator, kind | (0x80 if first else 0) | (0x40 if last else 0)]) + body[at : at + size]


def interleaved(channel: int, packet: bytes) -> bytes:
    """Frame a packet for the RTSP connection (RFC 2326, 10.12)."""
    return struct.pack("!cBH", b"$", channel, len(packet)) + packet
