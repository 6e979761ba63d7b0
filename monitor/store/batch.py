"""Results packed to bytes: the unit that is committed, acknowledged and, later, archived.

Version 1, little-endian: magic, u32 length of a canonical JSON header (vantage; sorted points, cameras, outcomes),
u32 n, then columns of n values each: at (i64, difference to the one before), point, camera (u32), outcome (u16),
valid_s (u32), took_us (i64). Samples are sorted and exact repetitions dropped, so the order of arrival does not show.
The digest is that of the packed bytes before compression: another zlib gives other bytes and the same digest.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import attrgetter, sub
from typing import NamedTuple

from monitor.model import Instant, Outcome, Reason, Rung, Sample, State
from monitor.store.outbox import canonical

MAX_SAMPLES = 20_000
"""What one batch may hold; the engine cuts at 2,000."""
MAX_VALID_S = 86_400
_MAX_BYTES = 64 * 1024 * 1024
_MAGIC = b"camsla-batch 1\n"
_LEVEL = 1
"""The columns are mostly noise: level 6 takes five times as long for three bytes in a hundred."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed results of one vantage: `first_at` and `last_at` are its earliest and latest instants."""

    vantage: str
    first_at: Instant
    last_at: Instant
    n: int
    sha256: str
    body: bytes


order = attrgetter("at", "point", "camera", "outcome.state", "outcome.reason", "outcome.rung", "valid_s", "took_us")
"""The key that results are packed and projected by: all of a sample but its vantage."""
_moment = attrgetter("at", "point")


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples by instant, point and the rest, each once."""
    ordered = sorted(samples, key=_moment)
    if all(a.at != b.at or a.point != b.point for a, b in pairwise(ordered)):
        return ordered
    ordered.sort(key=order)
    return [a for a, b in pairwise([*ordered, None]) if a is not None and (b is None or order(a) != order(b))]


def pack(vantage: str, samples: Iterable[Sample]) -> Batch:
    """Pack samples; the same set of samples gives the same digest in any order.

    Raises ValueError for none, more than MAX_SAMPLES, another vantage's, or a valid_s outside 1…MAX_VALID_S.
    """
    return pack_ordered(vantage, in_order(samples))


def pack_ordered(vantage: str, samples: Sequence[Sample]) -> Batch:
    """Pack what `in_order` returned; errors as in `pack`."""
    if not 0 < len(samples) <= MAX_SAMPLES:
        raise ValueError(f"a batch holds 1 to {MAX_SAMPLES} samples, not {len(samples)}")
    if others := {s.vantage for s in samples} - {vantage}:
        raise ValueError(f"sample of vantage {min(others)!r} in a batch of {vantage!r}")
    valid = [s.valid_s for s in samples]
    if min(valid) < 1 or max(valid) > MAX_VALID_S:
        raise ValueError(f"valid_s must be 1 to {MAX_VALID_S}")
    at = [s.at for s in samples]
    points, point = _numbered([s.point for s in samples])
    cameras, camera = _numbered([s.camera for s in samples])
    outcomes, outcome = _outcomes(samples)
    header = canonical({"cameras": cameras, "outcomes": outcomes, "points": points, "vantage": vantage}).encode()
    n = len(at)
    raw = b"".join(
        (
            _MAGIC,
            struct.pack("<I", len(header)),
            header,
            struct.pack("<I", n),
            struct.pack(f"<{n}q", at[0], *map(sub, at[1:], at)),
            struct.pack(f"<{n}I", *point),
            struct.pack(f"<{n}I", *camera),
            struct.pack(f"<{n}H", *outcome),
            struct.pack(f"<{n}I", *valid),
            struct.pack(f"<{n}q", *[s.took_us for s in samples]),
        )
    )
    digest = hashlib.sha256(raw).hexdigest()
    return Batch(vantage, Instant(at[0]), Instant(at[-1]), n, digest, zlib.compress(raw, _LEVEL))


class Columns(NamedTuple):
    """A batch unpacked but not yet made into samples.

    `columns` are n little-endian values each: at (i64, difference to the one before), point, camera (u32: places in
    `points` and `cameras`), outcome (u16: place in `outcomes`), valid_s (u32), took_us (i64).
    """

    vantage: str
    points: list[str]
    cameras: list[str]
    outcomes: list[tuple[str, str, str]]
    n: int
    columns: tuple[memoryview, ...]


_KINDS = (("q", 8), ("I", 4), ("I", 4), ("H", 2), ("I", 4), ("q", 8))


def columns_of(body: bytes, sha256: str) -> Columns:
    """Return a batch's columns, in order of instant and point. ValueError if the bytes are not those of the digest."""
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(body, _MAX_BYTES)
    except zlib.error as error:
        raise ValueError("a stored batch is damaged") from error
    if not inflate.eof or hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError("a stored batch is damaged: its digest differs")
    if not raw.startswith(_MAGIC):
        raise ValueError("a stored batch has an unknown version")
    place = len(_MAGIC)
    (size,) = struct.unpack_from("<I", raw, place)
    header = json.loads(raw[place + 4 : place + 4 + size])
    place += 4 + size
    (n,) = struct.unpack_from("<I", raw, place)
    place += 4
    view, columns = memoryview(raw), []
    for _, width in _KINDS:
        columns.append(view[place : place + width * n])
        place += width * n
    outcomes = [(state, reason, rung) for state, reason, rung in header["outcomes"]]
    return Columns(header["vantage"], header["points"], header["cameras"], outcomes, n, tuple(columns))


def unpack(body: bytes, sha256: str) -> list[Sample]:
    """Return a batch's samples, by instant and point. Raises ValueError if the bytes are not those of the digest."""
    packed = columns_of(body, sha256)
    n, vantage, points, cameras = packed.n, packed.vantage, packed.points, packed.cameras
    deltas, point, camera, outcome, valid, took = (
        struct.unpack(f"<{n}{kind}", column) for (kind, _), column in zip(_KINDS, packed.columns, strict=True)
    )
    outcomes = [Outcome(State(s), Reason(r), Rung(g)) for s, r, g in packed.outcomes]
    return [
        Sample(points[p], vantage, Instant(t), outcomes[o], v, k, cameras[c])
        for t, p, c, o, v, k in zip(accumulate(deltas), point, camera, outcome, valid, took, strict=True)
    ]


def _numbered(column: Sequence[str]) -> tuple[list[str], Iterable[int]]:
    """Return a column's names, sorted, and each value's place among them."""
    names = sorted(set(column))
    return names, map({name: i for i, name in enumerate(names)}.__getitem__, column)


def _outcomes(samples: Sequence[Sample]) -> tuple[list[tuple[str, str, str]], Iterable[int]]:
    """Return the outcomes, sorted, and each sample's place among them.

    Found by the identity of their three members, of which there is one each: hashing an outcome takes as long as all
    else here together.
    """
    column = [(id(o.state), id(o.reason), id(o.rung)) for o in [s.outcome for s in samples]]
    first = dict(zip(reversed(column), reversed(samples), strict=True))
    names = {
        key: (o.state.value, o.reason.value, o.rung.value) for key, o in ((k, s.outcome) for k, s in first.items())
    }
    outcomes = sorted(names.values())
    place = {key: outcomes.index(name) for key, name in names.items()}
    return outcomes, map(place.__getitem__, column)
