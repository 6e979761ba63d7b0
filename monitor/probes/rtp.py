"""RTP packets (RFC 3550): what is one, and whether packets of the track really arrive."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple

HEADER = 12
ENOUGH = 3
"""Distinct sequence numbers of one source that prove that media flow; fewer could be chance, more would wait for seconds
on a stream of one picture a second."""
NEAR = 3_000
"""How far apart they may be: packets may be lost or late, but noise is spread over all numbers."""
MAX_SOURCES = 8
_EXTENSION, _PADDING = 0x10, 0x20


class Packet(NamedTuple):
    """One packet's parts. `timestamp` is in the track's clock; `payload` is without header extension and padding."""

    kind: int
    marker: bool
    seq: int
    timestamp: int
    source: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """Return the packet; None if the bytes are no RTP packet with something in it. Never raises."""
    if len(data) <= HEADER or data[0] >> 6 != 2:
        return None
    first, second = data[0], data[1]
    start, end = HEADER + 4 * (first & 0x0F), len(data)
    if first & _EXTENSION:
        if start + 4 > end:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    if first & _PADDING:
        end -= data[-1] or end
    if start >= end:
        return None
    number = int.from_bytes
    return Packet(
        second & 0x7F, second > 0x7F, number(data[2:4], "big"), number(data[4:8], "big"), number(data[8:12], "big"),
        data[start:end],
    )  # fmt: skip


class Arrivals:
    """Counts what arrives until it proves that the track's packets flow. Bounded: a few numbers for a few sources."""

    __slots__ = ("_kinds", "_seen", "foreign_kind", "good", "no_rtp", "source")

    def __init__(self, kinds: Container[int]) -> None:
        self._kinds = kinds
        self._seen: dict[int, list[int]] = {}
        self.good = 0
        self.no_rtp = 0
        self.foreign_kind = 0
        self.source: int | None = None
        """The source whose packets proved it."""

    def add(self, data: bytes) -> Packet | None:
        """Count a packet and return it; None if it is none of the track's."""
        packet = parse(data)
        if packet is None:
            self.no_rtp += 1
            return None
        if packet.kind not in self._kinds:
            self.foreign_kind += 1
            return None
        self.good += 1
        if self.source is None:
            self._count(packet)
        return packet

    def _count(self, packet: Packet) -> None:
        seen = self._seen.get(packet.source)
        if seen is None:
            if len(self._seen) >= MAX_SOURCES:
                self._seen.clear()
            seen = self._seen[packet.source] = []
        if packet.seq in seen:
            return
        if seen and min((packet.seq - seen[0]) & 0xFFFF, (seen[0] - packet.seq) & 0xFFFF) > NEAR:
            seen.clear()
        seen.append(packet.seq)
        if len(seen) >= ENOUGH:
            self.source = packet.source
            self._seen.clear()
