"""Which lines of a statement a supplier may contest."""

from __future__ import annotations

from collections.abc import Iterable

from console.settling.view import Line
from settlement.disputes import CONTESTABLE


def contestable(lines: Iterable[Line]) -> list[Line]:
    """Return the lines of the kinds that may be contested, deductions first: these have points, and a usual amount."""
    found = [line for line in lines if line.kind in CONTESTABLE]
    return sorted(found, key=lambda line: (line.kind != "deduction", line.n))
