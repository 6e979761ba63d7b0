"""The paper's waterfall on a page: the same bars, in the theme's colours, each a way to the reason for its amount."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape

from settlement.money import grouped, round_half_up
from settlement.reports.waterfall import Step

WIDTH = 520
_LABELS, _AMOUNTS, _ROW, _BAR, _TOP = 104, 112, 30, 18, 6
_LETTER = 14.5
"""The largest letters a page writes labels with (on a phone)."""


def draw(steps: Sequence[Step], name: Callable[[Step], str], link: Callable[[Step], str], title: str) -> str:
    """Return an SVG without styles of its own. `name` is what a step is called, `link` where its amount is explained."""
    level, spans = 0, []
    for step in steps:
        start = 0 if step.sort == "total" else level
        level = start + step.amount_fen
        spans.append((step, start, level))
    low = min([0, *(end for _, _, end in spans)])
    high = max([1, *(end for _, _, end in spans)])
    labels = max(_LABELS, 14 + max((_letters(name(step)) for step in steps), default=0))
    plot = WIDTH - labels - _AMOUNTS

    def x(at: int) -> Fraction:
        return Fraction(labels) + Fraction(plot * (at - low), high - low)

    height = _TOP * 2 + _ROW * len(spans)
    parts = [
        f'<svg class="chart waterfall" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        f'<line class="axis" x1="{_tenths(x(0))}" y1="{_TOP}" x2="{_tenths(x(0))}" y2="{height - _TOP}"/>',
    ]
    for n, (step, start, end) in enumerate(spans):
        top = _TOP + n * _ROW
        left, right = sorted((x(start), x(end)))
        sort = "total" if step.sort == "total" else "down" if end < start else "up"
        sign = "+" if step.sort == "change" and step.amount_fen > 0 else ""
        base = top + _ROW // 2 + 4
        parts.append(
            f'<a href="{escape(link(step))}"><rect class="row" x="0" y="{top}" width="{WIDTH}" height="{_ROW}"/>'
            f'<text class="{"ink" if sort == "total" else ""}" x="{labels - 10}" y="{base}" text-anchor="end">'
            f"{escape(name(step))}</text>"
            f'<rect class="bar-{sort}" x="{_tenths(left)}" y="{top + (_ROW - _BAR) // 2}" '
            f'width="{_tenths(max(right - left, Fraction(1)))}" height="{_BAR}"/>'
            f'<text class="ink" x="{WIDTH - 4}" y="{base}" text-anchor="end">{sign}{grouped(step.amount_fen)}</text></a>'
        )
        if n + 1 < len(spans):
            at, bottom = _tenths(x(end)), top + (_ROW + _BAR) // 2
            parts.append(f'<line class="axis" x1="{at}" y1="{bottom}" x2="{at}" y2="{bottom + _ROW - _BAR}"/>')
    return "".join([*parts, "</svg>"])


def _letters(text: str) -> int:
    """Return how wide a label is: a Chinese letter fills its square, a Latin one a little more than half of it."""
    return round(_LETTER * sum(1 if ord(letter) > 0x2E80 else 0.56 for letter in text))


def _tenths(value: Fraction) -> str:
    whole, rest = divmod(round_half_up(value * 10), 10)
    return f"{whole}.{rest}"
