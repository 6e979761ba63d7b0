"""Algebra of half-open spans of whole seconds.

A span is (start, end): the seconds start, start + 1, … end - 1 since 1970-01-01T00:00:00Z. A list of spans is
*normal* if it is sorted and its spans are neither empty nor touching; every function returns a normal list, and those
with two lists expect normal ones and take time linear in their lengths. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]
"""Half-open [start, end) in whole seconds since the epoch, UTC."""


def normalise(spans: Iterable[Span]) -> list[Span]:
    """The same seconds as a normal list: sorted, overlapping and touching spans merged, empty ones dropped."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result


def union(a: Sequence[Span], b: Sequence[Span]) -> list[Span]:
    """The seconds in either list."""
    # Sorting two sorted stretches one after the other is one linear merge: the sort finds the stretches by itself.
    return normalise([*a, *b])


def intersect(a: Sequence[Span], b: Sequence[Span]) -> list[Span]:
    """The seconds in both lists."""
    result: list[Span] = []
    i = j = 0
    while i < len(a) and j < len(b):
        start = max(a[i][0], b[j][0])
        end = min(a[i][1], b[j][1])
        if start < end:
            result.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return result


def subtract(a: Sequence[Span], b: Sequence[Span]) -> list[Span]:
    """The seconds of `a` that are not in `b`."""
    result: list[Span] = []
    j = 0
    for start, end in a:
        while j < len(b) and b[j][1] <= start:
            j += 1
        rest = start
        k = j
        while k < len(b) and b[k][0] < end:
            if rest < b[k][0]:
                result.append((rest, b[k][0]))
            rest = b[k][1]
            k += 1
        if rest < end:
            result.append((rest, end))
        j = max(j, k - 1)
    return result


def clip(spans: Sequence[Span], start: int, end: int) -> list[Span]:
    """The seconds of a normal list within [start, end)."""
    return intersect(spans, [(start, end)]) if start < end else []


def total(spans: Iterable[Span]) -> int:
    """How many seconds a normal list holds."""
    return sum(end - start for start, end in spans)
