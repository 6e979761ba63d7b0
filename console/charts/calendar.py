"""A year as a calendar: a column per week, a square per day, coloured by the day's rate. SVG, without script or style.

Colour is not the only sign: a day below the target carries a stroke, and each square says its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from markupsafe import Markup, escape

CELL, STEP, LEFT, TOP = 13, 15, 26, 18
WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")
LEVELS: tuple[tuple[Fraction, int], ...] = (
    (Fraction(1), 5),
    (Fraction(98, 100), 4),
    (Fraction(90, 100), 3),
    (Fraction(50, 100), 2),
)
"""From which rate on a day has which colour; below the last it has the first."""


class Square(NamedTuple):
    """A day: its rate (None: nothing counted), whether it was in service at all, what it says, where it leads."""

    day: date
    rate: Fraction | None
    served: bool
    title: str
    link: str


def level(square: Square) -> str:
    """Return the class of a day's colour."""
    if not square.served:
        return "heat-0"
    if square.rate is None:
        return "heat-u"
    return f"heat-{next((number for least, number in LEVELS if square.rate >= least), 1)}"


def calendar_svg(squares: Sequence[Square], target: Fraction, label: str, say: Callable[[str], str]) -> Markup:
    """Return the calendar of consecutive days, oldest first; days with a link are links. Empty for no days."""
    if not squares:
        return Markup("")
    first = squares[0].day - timedelta(days=squares[0].day.weekday())
    columns = (squares[-1].day - first).days // 7 + 1
    width, height = LEFT + columns * STEP, TOP + 7 * STEP
    parts = [
        f'<svg class="chart calendar" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(label)}">'
    ]
    for n in (0, 2, 4, 6):
        parts.append(f'<text x="0" y="{TOP + n * STEP + 11}">{escape(say(WEEKDAYS[n]))}</text>')
    month = 0
    for square in squares:
        offset = (square.day - first).days
        x, y = LEFT + offset // 7 * STEP, TOP + offset % 7 * STEP
        if square.day.month != month and offset // 7 < columns - 1:
            month = square.day.month
            if square.day.day <= 7 or square is squares[0]:
                parts.append(f'<text x="{x}" y="11">{square.day:%y-%m}</text>')
        parts.append(_cell(square, x, y, target))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704  every text in it was escaped


def _cell(square: Square, x: int, y: int, target: Fraction) -> str:
    body = (
        f'<rect class="{level(square)}" x="{x}" y="{y}" width="{CELL}" height="{CELL}" rx="2"/>'
        + (
            f'<path class="below" d="M{x + 3} {y + CELL - 3}L{x + CELL - 3} {y + 3}"/>'
            if _below(square, target)
            else ""
        )
        + f"<title>{escape(square.title)}</title>"
    )
    # Out of the order of the Tab key: the months beside it lead to the same days in twelve steps, not in 366.
    return f'<a href="{escape(square.link)}" tabindex="-1">{body}</a>' if square.link else f"<g>{body}</g>"


def _below(square: Square, target: Fraction) -> bool:
    return square.served and square.rate is not None and square.rate < target
