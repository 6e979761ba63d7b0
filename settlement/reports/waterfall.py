"""The picture from full fee to what is paid: a waterfall whose bars lie, so that no label ever meets another.

Labels stand in a column of their own on the left, amounts in one on the right. Totals are dark, decreases are hatched and
increases light: a black-and-white print tells them apart, and every amount carries its sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape

from settlement.money import fen, grouped, round_half_up

WIDTH = 680
_LABELS, _AMOUNTS, _ROW, _BAR, _TOP = 176, 112, 30, 18, 8
_FONT = "'Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
_REGULAR = "font-variation-settings=\"'wght' 400\""
"""The packaged font is variable and thin by default; the typesetter takes a regular weight from here only."""
TOTAL, DOWN, UP, INK, FAINT = "#17375e", "#c55a11", "#2e9e78", "#1a1a1a", "#666666"
Sort = Literal["total", "change"]


class Step(NamedTuple):
    """A bar: a total stands from zero, a change begins where the last bar ended."""

    zh: str
    en: str
    amount_fen: int
    sort: Sort


def steps_of(document: Mapping[str, Any]) -> tuple[Step, ...]:
    """Return a statement's way from the full fee to what changes hands; steps of nothing that are not usual are left out."""
    totals = {name: fen(amount) for name, amount in document["totals"].items()}
    changes = (
        Step("以前期调整", "adjustments", totals["adjustment"], "change"),
        Step("质保金退还", "retention released", totals["retention_release"], "change"),
        Step("逾期利息", "interest", totals["interest"], "change"),
        Step("下季预付", "next prepayment", totals["next_prepayment"], "change"),
    )
    kept = Step("质保金留存", "retention", -totals["retention"], "change")
    return (
        Step("应计服务费", "full fee", totals["payable"] + totals["deduction"], "total"),
        Step("故障扣款", "fault deduction", -totals["fault_deduction"], "change"),
        Step("其他考核扣款", "other deductions", -totals["other_deduction"], "change"),
        Step("应付金额", "payable", totals["payable"], "total"),
        *([kept] if kept.amount_fen else []),
        Step("已预付", "prepaid", -totals["prepaid"], "change"),
        Step("多退少补", "true-up", totals["true_up"], "total"),
        *(step for step in changes if step.amount_fen),
        Step("本次应付净额", "net due now", totals["total"], "total"),
    )


class _Bar(NamedTuple):
    step: Step
    start: int
    end: int


def _bars(steps: Sequence[Step]) -> list[_Bar]:
    bars: list[_Bar] = []
    level = 0
    for step in steps:
        start = 0 if step.sort == "total" else level
        level = start + step.amount_fen
        bars.append(_Bar(step, start, level))
    return bars


def height_of(steps: Sequence[Step]) -> int:
    """Return the picture's height; its width is WIDTH."""
    return _TOP * 2 + _ROW * len(steps)


def draw(steps: Sequence[Step], title: str = "") -> str:
    """Draw the steps as a self-contained SVG without scripts; texts are escaped, coordinates are whole tenths."""
    bars = _bars(steps)
    low = min(0, *(bar.end for bar in bars)) if bars else 0
    high = max(0, *(bar.end for bar in bars)) if bars else 0
    plot = WIDTH - _LABELS - _AMOUNTS
    span = max(1, high - low)

    def x(level: int) -> str:
        return _tenths(Fraction(_LABELS) + Fraction(plot * (level - low), span))

    height = height_of(steps)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" font-family="{_FONT}">',
        f"<title>{escape(title or '应计服务费到本次应付净额 from full fee to net due')}</title>",
        '<defs><pattern id="down" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="5" height="5" fill="#fbe5d6"/><rect width="2.2" height="5" fill="{DOWN}"/></pattern></defs>',
        f'<line x1="{x(0)}" y1="{_TOP}" x2="{x(0)}" y2="{height - _TOP}" stroke="{FAINT}" stroke-width="0.8"/>',
    ]
    for n, bar in enumerate(bars):
        parts += _row(bar, _TOP + n * _ROW, x, last=n == len(bars) - 1)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _row(bar: _Bar, top: int, x: Any, *, last: bool) -> list[str]:
    step, down = bar.step, bar.end < bar.start
    left, right = sorted((bar.start, bar.end))
    wide = Fraction(x(right)) - Fraction(x(left))
    fill = TOTAL if step.sort == "total" else "url(#down)" if down else UP
    edge = TOTAL if step.sort == "total" else DOWN if down else UP
    weight = 'font-weight="700"' if step.sort == "total" else _REGULAR
    sign = "+" if step.sort == "change" and step.amount_fen > 0 else ""
    amount = f"{sign}{grouped(step.amount_fen)}"
    y = top + (_ROW - _BAR) // 2
    base = y + 13
    parts = [
        f'<text x="{_LABELS - 10}" y="{base - 3}" text-anchor="end" font-size="11" {weight} fill="{INK}">'
        f"{escape(step.zh)}</text>",
        f'<text x="{_LABELS - 10}" y="{base + 7}" text-anchor="end" font-size="7.5" {_REGULAR} fill="{FAINT}">{escape(step.en)}</text>',
        f'<rect x="{x(left)}" y="{y}" width="{_tenths(max(wide, Fraction(8, 10)))}" height="{_BAR}" fill="{fill}" '
        f'stroke="{edge}" stroke-width="0.6"/>',
        f'<text x="{WIDTH - 2}" y="{base}" text-anchor="end" font-size="{_size(amount)}" {weight} fill="{INK}">'
        f"{amount}</text>",
    ]
    if not last:
        parts.append(
            f'<line x1="{x(bar.end)}" y1="{y + _BAR}" x2="{x(bar.end)}" y2="{y + _ROW}" stroke="{FAINT}" '
            'stroke-width="0.7" stroke-dasharray="2 1.5"/>'
        )
    return parts


def _size(amount: str) -> str:
    """Return the type size at which an amount fits its column; a figure is less than 0.62 of it wide."""
    return _tenths(min(Fraction(11), Fraction((_AMOUNTS - 8) * 100, 62 * len(amount))))


def _tenths(value: Fraction) -> str:
    whole, rest = divmod(round_half_up(value * 10), 10)
    return f"{whole}.{rest}"
