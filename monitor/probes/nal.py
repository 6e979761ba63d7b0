"""Key frames out of RTP: H.264 (RFC 6184: single, STAP-A, FU-A) and H.265 (RFC 7798: single, AP, FU).

A collector takes the packets of one source in the order of their arrival and returns a key frame once it is whole: its
slices with every parameter set known by then before them, as Annex B. A picture with a packet missing is given up.
Never raises; holds at most one picture of at most 4 MiB.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from monitor.probes.rtp import Packet

MAX_PICTURE = 4 * 1024 * 1024
MAX_UNITS = 1_024
"""NAL units of one picture."""
MAX_KEPT = 16
"""Parameter sets kept from earlier pictures."""
MAX_KEPT_BYTES = 4 * 1024
_START = b"\x00\x00\x00\x01"


class Collector(Protocol):
    """Makes key frames of packets. `spoiled` counts pictures given up because a part was missing or broken."""

    spoiled: int

    def push(self, packet: Packet) -> bytes | None:
        """Take the next packet; return a key frame if it is whole now."""


class NalCollector:
    """What H.264 and H.265 share: fragments, pictures, parameter sets."""

    __slots__ = (
        "_begun", "_bytes", "_fragment", "_given", "_has_key", "_kept", "_next_seq", "_spoilt", "_timestamp", "_units", "spoiled",
    )  # fmt: skip

    def __init__(self, given: Iterable[bytes]) -> None:
        self._given = tuple(given)  # parameter sets of the session description
        self._kept: list[bytes] = []  # those seen in band
        self._next_seq: int | None = None
        self._timestamp: int | None = None
        self._fragment: bytearray | None = None
        self.spoiled = 0
        self._reset()

    def push(self, packet: Packet) -> bytes | None:
        key = None
        if self._next_seq is not None and packet.seq != self._next_seq and (self._begun or self._fragment is not None):
            self._spoil()  # what was lost may be this picture's; whether the next one is whole, its first slice tells
        if packet.timestamp != self._timestamp:
            key = self._end()
            self._timestamp = packet.timestamp
        self._next_seq = (packet.seq + 1) & 0xFFFF
        self._take(packet.payload)
        if packet.marker:
            return self._end() or key
        return key

    def _take(self, payload: bytes) -> None:
        raise NotImplementedError

    def _is_parameter(self, unit: bytes) -> bool:
        raise NotImplementedError

    def _slice(self, unit: bytes) -> tuple[bool, bool] | None:
        """Return for a slice whether it belongs to a key frame and whether it is its picture's first; else None."""
        raise NotImplementedError

    def _reset(self) -> None:
        self._units: list[bytes] = []
        self._bytes = 0
        self._spoilt = self._begun = self._has_key = False

    def _spoil(self) -> None:
        self._spoilt = True
        self._fragment = None
        self._units.clear()

    def _add(self, unit: bytes) -> None:
        """Add a whole NAL unit to the picture."""
        if not unit or self._spoilt:
            return
        if self._is_parameter(unit):
            self._keep(unit)
            return  # they are put before every picture
        slice_ = self._slice(unit)
        if slice_ is None:
            return  # access unit delimiters, SEI and the like: not needed
        key, first = slice_
        if not self._begun and not first:
            self._spoil()  # we came in the middle of a picture
            return
        self._begun = True
        self._has_key |= key
        self._units.append(unit)
        self._bytes += len(unit)
        if self._bytes > MAX_PICTURE or len(self._units) > MAX_UNITS:
            self._spoil()

    def _fragmented(self, start: bool, end: bool, head: bytes, rest: bytes) -> None:
        """Add one fragment; `head` is the unit's own header."""
        if start:
            self._fragment = bytearray(head)
        if self._fragment is None or self._spoilt:
            self._spoil()
            return
        self._fragment += rest
        if len(self._fragment) > MAX_PICTURE:
            self._spoil()
        elif end:
            unit, self._fragment = bytes(self._fragment), None
            self._add(unit)

    def _aggregated(self, payload: bytes, at: int) -> None:
        """Add the units of an aggregation, each after its 16-bit length."""
        while at + 2 <= len(payload):
            size = int.from_bytes(payload[at : at + 2], "big")
            at += 2
            if not size or at + size > len(payload):
                self._spoil()
                return
            self._add(payload[at : at + size])
            at += size

    def _keep(self, unit: bytes) -> None:
        if len(unit) <= MAX_KEPT_BYTES and unit not in self._given:
            if unit in self._kept:
                self._kept.remove(unit)
            self._kept.append(unit)
            del self._kept[:-MAX_KEPT]

    def _end(self) -> bytes | None:
        """End the picture; return it if it is a whole key frame."""
        key = None
        if self._spoilt or self._fragment is not None:
            self.spoiled += 1
        elif self._has_key:
            key = b"".join(_START + unit for unit in (*self._given, *self._kept, *self._units))
        self._fragment = None
        self._reset()
        return key


class H264(NalCollector):
    """RFC 6184, packetization modes 0 and 1."""

    __slots__ = ()

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 0x1F
        if 1 <= kind <= 23:
            self._add(payload)
        elif kind == 24:
            self._aggregated(payload, 1)
        elif kind == 28 and len(payload) > 2:
            flags = payload[1]
            head = bytes([(payload[0] & 0xE0) | (flags & 0x1F)])
            self._fragmented(flags > 0x7F, flags & 0x40 > 0, head, payload[2:])
        else:
            self._spoil()

    def _is_parameter(self, unit: bytes) -> bool:
        return unit[0] & 0x1F in {7, 8, 13, 15}

    def _slice(self, unit: bytes) -> tuple[bool, bool] | None:
        kind = unit[0] & 0x1F
        if not 1 <= kind <= 5 or len(unit) < 2:
            return None
        return kind == 5, unit[1] > 0x7F  # first_mb_in_slice is 0 if its code is the single bit 1


class H265(NalCollector):
    """RFC 7798; `don` says that the sender numbers decoding order (sprop-max-don-diff > 0)."""

    __slots__ = ("_don",)

    def __init__(self, given: Iterable[bytes], don: bool = False) -> None:
        super().__init__(given)
        self._don = 2 if don else 0

    def _take(self, payload: bytes) -> None:
        kind = (payload[0] >> 1) & 0x3F
        at = 2 + self._don
        if len(payload) <= at:
            self._spoil()
        elif kind <= 47:
            self._add(payload[:2] + payload[at:] if self._don else payload)
        elif kind == 48:
            if self._don:
                self._spoil()  # lengths and numbers interleave there; no camera was seen to do it
            else:
                self._aggregated(payload, 2)
        elif kind == 49 and len(payload) > 3 + self._don:
            flags = payload[2]
            head = bytes([(payload[0] & 0x81) | (flags & 0x3F) << 1, payload[1]])
            self._fragmented(flags > 0x7F, flags & 0x40 > 0, head, payload[3 + self._don :])
        else:
            self._spoil()

    def _is_parameter(self, unit: bytes) -> bool:
        return (unit[0] >> 1) & 0x3F in {32, 33, 34}

    def _slice(self, unit: bytes) -> tuple[bool, bool] | None:
        kind = (unit[0] >> 1) & 0x3F
        if kind > 31 or len(unit) < 3:
            return None
        return 16 <= kind <= 21, unit[2] > 0x7F  # first_slice_segment_in_pic_flag
