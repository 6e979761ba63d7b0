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

from monitor.model import Instant, Outcome, Reason, Rung, Sample, State
from monitor.store.outbox import canonical

MAX_SAMPLES = 20_000
"""What one batch may hold; the engine cuts at 2,000."""
MAX_VALID_S = 86_400
_MAX_BYTES = 64 * 1024 * 1024
_MAGIC = b"camsla-batch 1\n"
_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed results of one vantage: `first_at` and `last_at` are its earliest and latest instants."""

    vantage: str
    first_at: Instant
    last_at: Instant
    n: int
    sha256: str
    body: bytes


def order(sample: Sample) -> tuple[int, str, str, str, str, str, int, int]:
    """Return the key that results are packed and projected by: all of a sample but its vantage."""
    o = sample.outcome
    return (
        sample.at,
        sample.point,
        sample.camera,
        o.state.value,
        o.reason.value,
        o.rung.value,
        sample.valid_s,
        sample.took_us,
    )


def pack(vantage: str, samples: Iterable[Sample]) -> Batch:
    """Pack samples; the same set of samples gives the same digest in any order.

    Raises ValueError for none, more than MAX_SAMPLES, another vantage's, or a valid_s outside 1…MAX_VALID_S.
    """
    rows = set()
    for sample in samples:
        if sample.vantage != vantage:
            raise ValueError(f"sample of vantage {sample.vantage!r} in a batch of {vantage!r}")
        rows.add(order(sample))
    if not 0 < len(rows) <= MAX_SAMPLES:
        raise ValueError(f"a batch holds 1 to {MAX_SAMPLES} samples, not {len(rows)}")
    at, point, camera, state, reason, rung, valid, took = zip(*sorted(rows), strict=True)
    if min(valid) < 1 or max(valid) > MAX_VALID_S:
        raise ValueError(f"valid_s must be 1 to {MAX_VALID_S}")
    outcome = list(zip(state, reason, rung, strict=True))
    points, cameras, outcomes = (sorted(set(column)) for column in (point, camera, outcome))
    header = canonical({"cameras": cameras, "outcomes": outcomes, "points": points, "vantage": vantage}).encode()
    n = len(at)
    deltas = [at[0], *(b - a for a, b in pairwise(at))]
    raw = b"".join(
        (
            _MAGIC,
            struct.pack("<I", len(header)),
            header,
            struct.pack("<I", n),
            struct.pack(f"<{n}q", *deltas),
            struct.pack(f"<{n}I", *_places(points, point)),
            struct.pack(f"<{n}I", *_places(cameras, camera)),
            struct.pack(f"<{n}H", *_places(outcomes, outcome)),
            struct.pack(f"<{n}I", *valid),
            struct.pack(f"<{n}q", *took),
        )
    )
    digest = hashlib.sha256(raw).hexdigest()
    return Batch(vantage, Instant(at[0]), Instant(at[-1]), n, digest, zlib.compress(raw, _LEVEL))


def unpack(body: bytes, sha256: str) -> list[Sample]:
    """Return a batch's samples, by instant and point. Raises ValueError if the bytes are not those of the digest."""
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
    columns = []
    for kind, width in (("q", 8), ("I", 4), ("I", 4), ("H", 2), ("I", 4), ("q", 8)):
        columns.append(struct.unpack_from(f"<{n}{kind}", raw, place))
        place += width * n
    deltas, point, camera, outcome, valid, took = columns
    outcomes = [Outcome(State(s), Reason(r), Rung(g)) for s, r, g in header["outcomes"]]
    points, cameras, vantage = header["points"], header["cameras"], header["vantage"]
    return [
        Sample(points[p], vantage, Instant(t), outcomes[o], v, k, cameras[c])
        for t, p, c, o, v, k in zip(accumulate(deltas), point, camera, outcome, valid, took, strict=True)
    ]


def _places(names: Sequence[object], column: Iterable[object]) -> list[int]:
    index = {name: i for i, name in enumerate(names)}
    return [index[name] for name in column]
