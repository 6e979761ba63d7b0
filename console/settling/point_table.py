"""A statement's points searched, sorted and cut to a page: orders and search texts are made once per document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console.settling.remembered import Remembered
from console.settling.view import PointLine, View

MOST = 64
_ORDERS: Remembered[list[PointLine]] = Remembered(MOST)
_TEXTS: Remembered[list[str]] = Remembered(MOST // 4)

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
        texts = _TEXTS.get_or(f"{sha} {sort}", lambda: ([f"{n.code}\n{n.rules}".casefold() for n in lines], 1))
        pairs = zip(lines, texts, strict=True)
        lines = [line for line, text in pairs if all(word in text for word in words)]
    if phase:
        lines = [line for line in lines if line.phase == phase]
    if touched:
        lines = [line for line in lines if line.rules]
    if seen is not None:
        lines = [line for line in lines if line.code in seen]
    return lines
