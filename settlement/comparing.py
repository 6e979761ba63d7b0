"""One phase's points on both sides: the authority's rate beside our seconds, and what its figure would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from settlement.clauses import AuthorityClause
from settlement.daycount import Quarter
from settlement.facts import Share
from settlement.matching import Item, LedgerPoint, Matched, quarter_of_point
from settlement.rules import OnlineRate

Payable = Callable[[str, Fraction], int | None]
"""What a phase would be paid in fen at a rate, under the contract; None where that cannot be said."""


@dataclass(frozen=True, slots=True)
class OwnPhase:
    """Our measurement of a phase: its rate, None if nothing was counted, and every point's good of counted seconds."""

    rate: OnlineRate | None
    points: Mapping[str, Share]


class PointComparison(NamedTuple):
    """A point that both sides have: the authority's rate, our seconds, theirs − ours, and what their figure would change.

    `fen` is the change of the phase's payable if the authority's figure stood in the pool instead of this point's own;
    None where that cannot be said, or nobody asked.
    """

    phase: str
    point: str
    theirs: Fraction
    own: Share | None
    difference: Fraction | None
    fen: int | None
    beyond: bool


def steps(total: int, progress: Callable[[int, int], None] | None) -> Callable[[], None]:
    """Return what is called once for each of `total` points; `progress` is told how many of how many are done."""
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    return step


def compare_points(
    quarter: Quarter,
    ours: Iterable[LedgerPoint],
    matched: Matched,
    mine: OwnPhase | None,
    clause: AuthorityClause,
    payable: Payable | None,
    step: Callable[[], None],
) -> tuple[list[PointComparison], list[Item]]:
    """Compare every point that both sides have. The pool that a point's figure would change is our own.

    `ours` are one phase's points; without `payable` nobody asks what a figure is worth.
    """
    seconds = mine.points if mine else {}
    good = sum(share.good for share in seconds.values())
    counted = sum(share.counted for share in seconds.values())
    pooled = Fraction(good, counted) if counted else None
    compared: list[PointComparison] = []
    items: list[Item] = []
    for point in sorted(ours, key=lambda p: p.code):
        made = quarter_of_point(quarter, point, matched.figures.get(point.code, {}), clause.months)
        if point.code in matched.figures:
            step()
        if made is None:
            continue
        value, item = made
        items += [item] if item else []
        share = seconds.get(point.code)
        if share is None or not share.counted:
            compared.append(PointComparison(point.phase, point.code, value, share, None, None, beyond=False))
            continue
        difference = value - share.value
        fen = None
        if payable is not None and pooled is not None:
            base = payable(point.phase, pooled)
            changed = payable(point.phase, (good - share.good + share.counted * value) / counted)
            fen = None if base is None or changed is None else changed - base
        beyond = abs(difference) > clause.tolerance
        compared.append(PointComparison(point.phase, point.code, value, share, difference, fen, beyond))
    return compared, items
