"""A statement's points searched, sorted and cut to a page: orders and search texts are made once per document.

The store's rows of lines (`statement_lines`) are the phases' lines; what falls on each point is in the frozen document
alone, whose bytes anybody recomputes. A copy in rows would be a second truth of 11,045 rows a quarter that nothing checks,
so pages are cut from the document, read once and kept by its digest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from console.settling.remembered import Remembered
from console.settling.view import PointLine, View

MOST = 64


class Searched(NamedTuple):
    """All points' texts in one string, so that searching runs at the speed of a string's find; `starts` are their places."""

    whole: str
    starts: Sequence[int]

    def holding(self, word: str) -> set[int]:
        """Return the numbers of the texts that hold a word. No word holds the sign that parts them."""
        found: set[int] = set()
        at = self.whole.find(word)
        while at >= 0:
            n = bisect_right(self.starts, at) - 1
            found.add(n)
            at = self.whole.find(word, self.starts[n + 1]) if n + 1 < len(self.starts) else -1
        return found


def _text(lines: Sequence[PointLine]) -> Searched:
    texts = [f"{line.code}\n{line.rules}".casefold() for line in lines]
    starts = [0, *accumulate(len(text) + 1 for text in texts[:-1])] if texts else []
    return Searched("\0".join(texts), starts)


_ORDERS: Remembered[list[PointLine]] = Remembered(MOST)
_TEXTS: Remembered[Searched] = Remembered(MOST // 4)

SORTS: Mapping[str, Callable[[PointLine], Any]] = {
    "code": lambda line: line.code.casefold(),
    "phase": lambda line: line.phase.casefold(),
    "full": lambda line: line.full_fen,
    "payable": lambda line: line.payable_fen,
    "deduction": lambda line: line.deduction_fen,
    "outages": lambda line: line.outages,
    "offline": lambda line: line.offline_s,
    "rules": lambda line: line.rules.casefold(),
}
"""What a column sorts by."""


def ordered_points(view: View, sha: str, sort: str) -> Sequence[PointLine]:
    """Return the points in the order asked for; the document's own where no such column is. `sha` is the document's."""
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        return view.points

    def make() -> tuple[list[PointLine], int]:
        return sorted(view.points, key=key, reverse=sort.startswith("-")), 1

    return _ORDERS.get_or(f"{sha} {sort}", make)


def found_points(
    view: View, sha: str, sort: str, q: str, *, phase: str, touched: bool, seen: frozenset[str] | None
) -> Sequence[PointLine]:
    """Return the points that a page's filters leave, in order. `seen` are those that the reader may see; None: all."""
    lines = ordered_points(view, sha, sort)
    words = q.casefold().split()
    if words:
        text = _TEXTS.get_or(f"{sha} {sort}", lambda: (_text(lines), 1))
        held = set.intersection(*(text.holding(word) for word in words))
        lines = [lines[n] for n in sorted(held)]
    if phase:
        lines = [line for line in lines if line.phase == phase]
    if touched:
        lines = [line for line in lines if line.rules]
    if seen is not None:
        lines = [line for line in lines if line.code in seen]
    return lines
