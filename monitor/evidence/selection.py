"""An auditor's sample that nobody can steer and everybody can draw again: SHA-256 of seed and code, smallest first.

Each point's rank is the hexadecimal SHA-256 of `<seed> LF <code>` in UTF-8, which any computer has a command for:

    printf '%s\\n%s' SEED CODE | sha256sum

Points are taken by rank, smallest first. In strata, n is divided in proportion to their sizes: each stratum gets the
whole part of n x its points / all points, what is left goes one each to the largest remainders, equal ones by the stratum's
name in order of its UTF-8 bytes; within a stratum points are taken by rank. No I/O, no clock.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple


class Chosen(NamedTuple):
    """A point of a sample: its rank decides, its stratum is "" where there are none."""

    code: str
    stratum: str
    rank: str


def rank(seed: str, code: str) -> str:
    """Return a point's rank under a seed."""
    return hashlib.sha256(f"{seed}\n{code}".encode()).hexdigest()


def choose(strata: Mapping[str, str], n: int, seed: str) -> list[Chosen]:
    """Choose n of the points (code → stratum), all if there are fewer; by stratum, and within one by rank."""
    groups: dict[str, list[Chosen]] = defaultdict(list)
    for code, stratum in strata.items():
        groups[stratum].append(Chosen(code, stratum, rank(seed, code)))
    shares = shared({stratum: len(its) for stratum, its in groups.items()}, n)
    chosen: list[Chosen] = []
    for stratum in sorted(groups, key=str.encode):
        ordered = sorted(groups[stratum], key=lambda point: (point.rank, point.code))
        chosen += ordered[: shares[stratum]]
    return chosen


def shared(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """Divide n, at most all points, among strata in proportion to their sizes, by largest remainders."""
    total = sum(sizes.values())
    n = min(max(n, 0), total)
    shares = {name: n * size // total for name, size in sizes.items()} if total else {}
    by_remainder = sorted(shares, key=lambda name: (-(n * sizes[name] % total), name.encode()))
    for name in by_remainder[: n - sum(shares.values())]:
        shares[name] += 1
    return shares
