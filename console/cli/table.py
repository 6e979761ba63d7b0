"""How wide a table's columns are on a screen of so many columns, so that no figure is ever cut off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

SHORT = 24
"""A text column whose cells all fit so many columns of the screen is not folded: the room goes to the long ones."""
FOLDED = 18
"""A long text column is folded down to so many columns before a heading folds."""
FRAME = 3
"""What the frame and the blanks beside a cell take per column; one more closes the table."""

Rows = Sequence[Sequence[str]]


class Room(NamedTuple):
    """One column's room: `whole` cells are never folded; `width` is fixed, so that the heading folds between words."""

    whole: bool
    width: int | None = None


def rooms(columns: Sequence[tuple[str, bool]], rows: Rows, width: int) -> tuple[list[Room], int]:
    """Return each column's room on a screen, and the width that the table needs at least.

    A column is (heading, is it a number). Numbers and short texts stay whole; where there is no room for their headings,
    these fold between words. If the table needs more than `width` even so, nothing but a wider screen keeps it whole.
    """
    cells = [max((_longest(row[n]) for row in rows), default=0) for n in range(len(columns))]
    whole = [number or (bool(rows) and longest <= SHORT) for (_, number), longest in zip(columns, cells, strict=True)]
    headings = [_longest(heading) for heading, _ in columns]
    words = [max(map(cell_len, heading.split()), default=0) for heading, _ in columns]

    def needed(heads: Sequence[int]) -> list[int]:
        return [max(a, b) if w else min(FOLDED, max(a, b)) for a, b, w in zip(cells, heads, whole, strict=True)]

    frame = FRAME * len(columns) + 1
    if sum(needed(headings)) + frame <= width:
        return [Room(w) for w in whole], sum(needed(headings)) + frame
    tight, full = needed(words), needed(headings)
    least = sum(tight) + frame
    spare = width - least
    for n in range(len(columns)):  # from the left, as they are read
        if whole[n] and full[n] - tight[n] <= spare:
            spare -= full[n] - tight[n]
            tight[n] = full[n]
    return [Room(w, room if w else None) for w, room in zip(whole, tight, strict=True)], least


def _longest(text: str) -> int:
    """The longest of a cell's lines."""
    return max(map(cell_len, text.splitlines()), default=0)


def records(columns: Sequence[tuple[str, bool]], rows: Rows) -> list[str]:
    """Write each row as lines of "heading: cell", its empty cells left out: for a screen too narrow for the table."""
    lines: list[str] = []
    for row in rows:
        told = [(" ".join(heading.split()), cell) for (heading, _), cell in zip(columns, row, strict=True) if cell]
        lines += [f"{heading}: {' '.join(cell.splitlines())}" for heading, cell in told]
        lines.append("")
    return lines
