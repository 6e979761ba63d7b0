"""Relocations of poles: so many a calendar year are free, each further one has a price. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from settlement.clauses import RelocationClause
from settlement.lines import Adjustment
from settlement.money import fen, grouped, taxed

KIND = "relocation"
"""The kind of event that is counted."""
_WORD = "点位迁移 relocations"


class Move(NamedTuple):
    """A point was moved on a day."""

    day: date
    point: str
    phase: str = ""


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


def relocation_lines(
    clause: RelocationClause, moves: Iterable[Move], before: Iterable[Mapping[str, object]], tax_rate: Fraction
) -> list[Adjustment]:
    """Return what the next statement should charge for moves, a line per year and phase; nothing is charged twice.

    `moves` are all that are known of the years concerned up to the quarter's end, `before` the adjustment lines of issued
    documents. A move that becomes known late is charged then, and where it shifts the
    numbers, what another phase was charged is given back.
    """
    due: dict[tuple[int, str], list[Charged]] = {}
    for charged in relocation_charges(clause, moves):
        due.setdefault((charged.move.day.year, charged.move.phase), []).append(charged)
    lines = []
    paid = list(before)
    for (year, phase), its in sorted(due.items()):
        so_far = sum(charged.fen for charged in its)
        known = sum(_gross(row) for row in paid if row["phase"] == phase and _is_of(row, year))
        if so_far != known:
            priced = [charged.number for charged in its if charged.fen]
            why = (
                f"{_WORD} {year}：免费 free {clause.free_per_year}，超出 beyond {len(priced)} × "
                f"{grouped(clause.price_fen)} = {grouped(so_far)}"
            )
            if known:
                why += f"，已计 charged before {grouped(known)}"
            lines.append(Adjustment(phase, "adjustment", taxed(so_far - known, tax_rate, ()), why))
    return lines


def _is_of(row: Mapping[str, object], year: int) -> bool:
    return not row["parent"] and str(row["why"]).startswith(f"{_WORD} {year}：")


def _gross(row: Mapping[str, object]) -> int:
    return fen(str(row["gross"]))
