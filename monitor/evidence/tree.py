"""The Merkle tree over the log's lines (RFC 9162 section 2.1), by SHA-256 and, where OpenSSL has it, SM3. PURE.

A tree is kept as its frontier: the hashes of its perfect subtrees, largest first, as many as its size has bits set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monitor.canonical import canonical, parse_line

HASH_BYTES: Final = 32


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def has_sm3() -> bool:
    """Tell whether this machine's OpenSSL knows SM3 (GB/T 32905)."""
    try:
        _sm3(b"")
    except ValueError:
        return False
    return True


def leaf_hash(line: bytes) -> bytes:
    """Return a line's leaf hash; the line comes without its LF."""
    return _sha256(b"\x00" + line)


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves as its perfect subtrees' hashes, largest first. `sm3` is None where SM3 is not kept."""

    size: int
    sha256: tuple[bytes, ...]
    sm3: tuple[bytes, ...] | None

    def appended(self, lines: Iterable[bytes]) -> Frontier:
        """Return the tree after further lines, each without its LF. SM3 ends where this machine does not know it."""
        sha256, size, sm3 = list(self.sha256), self.size, None
        if self.sm3 is not None and has_sm3():
            sm3 = list(self.sm3)
        for line in lines:
            data = b"\x00" + line
            _push(sha256, size, _sha256(data), _sha256)
            if sm3 is not None:
                _push(sm3, size, _sm3(data), _sm3)
            size += 1
        return Frontier(size, tuple(sha256), None if sm3 is None else tuple(sm3))

    def with_leaves(self, leaves: Iterable[bytes]) -> Frontier:
        """Return the tree after further leaf hashes, whatever their lines; SM3, which knows no leaf of theirs, ends."""
        sha256, size = list(self.sha256), self.size
        for leaf in leaves:
            _push(sha256, size, leaf, _sha256)
            size += 1
        return Frontier(size, tuple(sha256), None)

    def root(self) -> bytes:
        """Return the tree's root; of the empty tree the hash of nothing."""
        return _folded(self.sha256, _sha256)

    def sm3_root(self) -> bytes | None:
        """Return the root of the SM3 tree, or None where it is not kept."""
        return None if self.sm3 is None else _folded(self.sm3, _sm3)

    def line(self) -> bytes:
        """Return the canonical line of `frontier.json`, without LF."""
        sm3 = None if self.sm3 is None else [one.hex() for one in self.sm3]
        return canonical({"sha256": [one.hex() for one in self.sha256], "size": self.size, "sm3": sm3}).encode()


EMPTY: Final = Frontier(0, (), () if has_sm3() else None)
"""The tree of a log that has not begun."""


def read_frontier(line: bytes) -> Frontier:
    """Return the frontier of a canonical line without LF. ValueError if it is none."""
    value = parse_line(line)
    if value.keys() != {"size", "sha256", "sm3"}:
        raise ValueError("not a frontier: its keys are size, sha256 and sm3")
    size = value["size"]
    if type(size) is not int or size < 0:
        raise ValueError(f"not a size: {size!r:.60}")
    sm3 = value["sm3"]
    return Frontier(size, _hashes(value["sha256"], size), None if sm3 is None else _hashes(sm3, size))


def inclusion(before: Frontier, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path from leaf `index` to the root of the tree `before` with the leaf hashes `leaves` appended.

    `index` counts from the log's beginning and must be among the appended ones, else ValueError.
    """
    size = before.size + len(leaves)
    if not before.size <= index < size:
        raise ValueError(f"leaf {index} is not among the appended ones, {before.size} to {size - 1}")
    subtrees: dict[tuple[int, int], bytes] = {}
    start = 0
    for one, span in zip(before.sha256, _spans(before.size), strict=True):
        subtrees[start, start + span] = one
        start += span

    def root(first: int, end: int) -> bytes:
        known = subtrees.get((first, end))
        if known is not None:
            return known
        if end - first == 1:
            return leaves[first - before.size]
        middle = first + _left(end - first)
        return _sha256(b"\x01" + root(first, middle) + root(middle, end))

    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _left(end - first)
        if index < middle:
            path.append(root(middle, end))
            end = middle
        else:
            path.append(root(first, middle))
            first = middle
    path.reverse()
    return path


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a path proves for a leaf hash (RFC 9162 section 2.1.3.2). ValueError if it does not fit."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is outside a tree of {size}")
    place, last, result = index, size - 1, leaf
    for one in path:
        if last == 0:
            raise ValueError("the path is too long")
        if place & 1 or place == last:
            result = _sha256(b"\x01" + one + result)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            result = _sha256(b"\x01" + result + one)
        place >>= 1
        last >>= 1
    if last:
        raise ValueError("the path is too short")
    return result


def _push(hashes: list[bytes], size: int, leaf: bytes, of: Callable[[bytes], bytes]) -> None:
    while size & 1:
        leaf = of(b"\x01" + hashes.pop() + leaf)
        size >>= 1
    hashes.append(leaf)


def _folded(hashes: Sequence[bytes], of: Callable[[bytes], bytes]) -> bytes:
    if not hashes:
        return of(b"")
    result = hashes[-1]
    for one in reversed(hashes[:-1]):
        result = of(b"\x01" + one + result)
    return result


def _left(size: int) -> int:
    """The largest power of two smaller than `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _spans(size: int) -> list[int]:
    """How many leaves the perfect subtrees of a tree have, largest first."""
    return [1 << bit for bit in range(size.bit_length() - 1, -1, -1) if size >> bit & 1]


def _hashes(value: Any, size: int) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) != size.bit_count():
        raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees")
    result: list[bytes] = []
    for one in value:
        if not isinstance(one, str) or len(one) != 2 * HASH_BYTES or one.strip("0123456789abcdef"):
            raise ValueError(f"not a hash in lower-case hexadecimal: {one!r:.80}")
        result.append(bytes.fromhex(one))
    return tuple(result)
