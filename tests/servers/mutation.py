"""Seeded mutations of bytes, and how many of them a run makes: 20,000 per parser, or what CAMSLA_FUZZ says."""

from __future__ import annotations

import os
import random
from pathlib import Path

COUNT = int(os.environ.get("CAMSLA_FUZZ", "20000"))
MAX_GROWTH = 32 * 1024 * 1024
WORDS = [b"\r\n", b"\n\n", b"$", b":", b" ", b"\x00", b'"', b"9", b"=", b";", b",", b"/", b"-", b"\xff\xff", b"99999999999", b"%"]  # fmt: skip


def mutated(rng: random.Random, data: bytes, most: int = 6) -> bytes:
    """Return the bytes with a few pieces inserted, removed, replaced, repeated or flipped."""
    changed = bytearray(data)
    for _ in range(rng.randint(0, most)):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[at:at] = rng.randbytes(rng.randint(1, 9))
            case 1:
                del changed[at : at + rng.randint(1, 30)]
            case 2:
                changed[at : at + 1] = rng.choice(WORDS)
            case 3:
                changed += changed[at : at + rng.randint(1, 60)]
            case _:
                if at < len(changed):
                    changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def resident() -> int:
    """Return the process's resident memory in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
