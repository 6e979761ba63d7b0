"""Relocations of poles: so many a calendar year are free, each further one has a price. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from settlement.clauses import RelocationClause


class Move(NamedTuple):
    """A point was moved on a day."""

    day: date
    point: str


class Charged(NamedTuple):
    """A move with its number in its year and what it costs, 0 within the allowance."""

    move: Move
    number: int
    fen: int


def relocation_charges(clause: RelocationClause, moves: Iterable[Move]) -> tuple[Charged, ...]:
    """Number the moves of each year by day and point, and price those beyond the allowance. The same move counts once."""
    seen: Counter[int] = Counter()
    charged = []
    for move in sorted(set(moves)):
        seen[move.day.year] += 1
        number = seen[move.day.year]
        charged.append(Charged(move, number, 0 if number <= clause.free_per_year else clause.price_fen))
    return tuple(charged)
