"""Relocations of poles: so many a calendar year are free, each further one has a price. Pure.

A move belongs to its quarter: the version of the contract that was in force then says whether moves are charged, how many
are free and what one costs. A later version reaches no earlier quarter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor.period import quarter_of
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


class Tariff(NamedTuple):
    """What holds for the moves of one quarter: the clause of the version in force, and that version's tax rate."""

    clause: RelocationClause
    tax_rate: Fraction


class Charged(NamedTuple):
    """A move with its quarter, its number in its year and what it costs, 0 within the allowance."""

    move: Move
    quarter: str
    number: int
    fen: int


def relocation_charges(tariffs: Mapping[str, Tariff], moves: Iterable[Move]) -> tuple[Charged, ...]:
    """Number the moves of each year by day and point, and price those beyond the allowance. The same move counts once.

    `tariffs` are by quarter ("2020Q3"). Moves of quarters without one are neither counted nor charged.
    """
    seen: Counter[int] = Counter()
    charged = []
    for move in sorted(set(moves)):
        quarter = quarter_of(move.day).label
        if quarter not in tariffs:
            continue
        clause = tariffs[quarter].clause
        seen[move.day.year] += 1
        number = seen[move.day.year]
        charged.append(Charged(move, quarter, number, 0 if number <= clause.free_per_year else clause.price_fen))
    return tuple(charged)


def relocation_lines(
    tariffs: Mapping[str, Tariff], moves: Iterable[Move], before: Iterable[Mapping[str, object]]
) -> list[Adjustment]:
    """Return what the next statement should charge for moves, a line per quarter and phase; nothing is charged twice.

    `moves` are all that are known of the quarters in `tariffs`, `before` the adjustment lines of issued documents. A move
    that becomes known late is charged then, and where it shifts the numbers, what another phase or quarter was charged is
    given back.
    """
    due: dict[tuple[str, str], list[Charged]] = {}
    for charged in relocation_charges(tariffs, moves):
        due.setdefault((charged.quarter, charged.move.phase), []).append(charged)
    lines = []
    paid = list(before)
    for (quarter, phase), its in sorted(due.items()):
        clause, tax_rate = tariffs[quarter]
        so_far = sum(charged.fen for charged in its)
        known = sum(_gross(row) for row in paid if row["phase"] == phase and _is_of(row, quarter))
        if so_far != known:
            priced = [charged.number for charged in its if charged.fen]
            why = (
                f"{_WORD} {quarter}：每年免费 free a year {clause.free_per_year}，超出 beyond {len(priced)} × "
                f"{grouped(clause.price_fen)} = {grouped(so_far)}"
            )
            if known:
                why += f"，已计 charged before {grouped(known)}"
            lines.append(Adjustment(phase, "adjustment", taxed(so_far - known, tax_rate, ()), why))
    return lines


def _is_of(row: Mapping[str, object], quarter: str) -> bool:
    return not row["parent"] and str(row["why"]).startswith(f"{_WORD} {quarter}：")


def _gross(row: Mapping[str, object]) -> int:
    return fen(str(row["gross"]))
