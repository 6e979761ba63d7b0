"""Bars of rates against a threshold, and strips of what points are now. SVG, without script or style.

Numbers stand beside every bar; a bar below its threshold carries a mark as well as its colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, STEP, BAR = 440, 116, 80, 24, 13
NARROW = 9
"""Letters of a label that fit; longer ones are cut, and whole in the title."""


class Bar(NamedTuple):
    """A rate with its best and worst; `text` is the rate as written, `link` where it leads."""

    label: str
    rate: Fraction | None
    worst: Fraction | None
    best: Fraction | None
    threshold: Fraction | None
    text: str
    link: str


class Part(NamedTuple):
    """A part of a strip: how many, its colour's class, and its name."""

    n: int
    fill: str
    name: str


def rate_bars(bars: Sequence[Bar], label: str) -> Markup:
    """Return one bar a row on a scale that begins below the lowest rate, so that near rates can be told apart."""
    if not bars:
        return Markup("")
    values = [v for bar in bars for v in (bar.rate, bar.worst, bar.threshold) if v is not None]
    low = _floor(min(values, default=Fraction(0)))
    height = len(bars) * STEP + 22
    room = WIDTH - LEFT - RIGHT

    def x(value: Fraction) -> float:
        return round(LEFT + float((value - low) / (1 - low)) * room, 1)

    parts = [_head(height, label)]
    for n, bar in enumerate(bars):
        top = n * STEP
        parts.append(f'<a href="{escape(bar.link)}"><title>{escape(bar.label)}：{escape(bar.text)}</title>')
        parts.append(f'<text class="ink" x="0" y="{top + 15}">{escape(_cut(bar.label))}</text>')
        parts.append(f'<rect class="fill-out" x="{LEFT}" y="{top + 4}" width="{room}" height="{BAR}" rx="2"/>')
        if bar.rate is not None:
            missed = bar.threshold is not None and bar.rate < bar.threshold
            fill = "fill-offline" if missed else "fill-online"
            wide = max(1.0, round(x(bar.rate) - LEFT, 1))
            parts.append(f'<rect class="{fill}" x="{LEFT}" y="{top + 4}" width="{wide}" height="{BAR}" rx="2"/>')
            if bar.worst is not None and bar.best is not None and bar.worst < bar.best:
                y = top + 4 + BAR // 2
                parts.append(
                    f'<path class="whisker" d="M{x(bar.worst)} {y - 4}v8M{x(bar.worst)} {y}H{x(bar.best)}M{x(bar.best)} {y - 4}v8"/>'
                )
            mark = "▼ " if missed else ""
            parts.append(f'<text class="ink" x="{WIDTH - RIGHT + 8}" y="{top + 15}">{mark}{escape(bar.text)}</text>')
        else:
            parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{top + 15}">{escape(bar.text)}</text>')
        if bar.threshold is not None:
            at = x(bar.threshold)
            parts.append(f'<line class="limit" x1="{at}" x2="{at}" y1="{top + 1}" y2="{top + STEP - 5}"/>')
        parts.append("</a>")
    base = len(bars) * STEP + 14
    for step in range(5):
        value = low + (1 - low) * step / 4
        anchor = "start" if step == 0 else "end" if step == 4 else "middle"
        parts.append(f'<text x="{x(value)}" y="{base}" text-anchor="{anchor}">{float(value * 100):g}%</text>')
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704  every text is escaped above


def strip(parts: Sequence[Part], label: str) -> Markup:
    """Return one bar of parts beside each other, as long as they are many; nothing for none at all."""
    whole = sum(part.n for part in parts)
    if not whole:
        return Markup("")
    found, at = [_head(12, label).replace(" role=", ' preserveAspectRatio="none" role=')], 0.0
    for part in parts:
        wide = part.n / whole * WIDTH
        if part.n:
            found.append(
                f'<rect class="{part.fill}" x="{at:.2f}" y="0" width="{max(wide, 1):.2f}" height="12">'
                f"<title>{escape(part.name)} {part.n:,}</title></rect>"
            )
        at += wide
    return Markup("".join([*found, "</svg>"]))  # noqa: S704  every text is escaped above


def _head(height: int, label: str) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'


def _floor(value: Fraction) -> Fraction:
    """The next lower tenth, with some room below; 0 for what is lower than a half."""
    tenth = Fraction(int(value * 10), 10)
    low = tenth - Fraction(1, 10) if value - tenth < Fraction(2, 100) else tenth
    return low if low >= Fraction(1, 2) else Fraction(0)


def _cut(text: str) -> str:
    return text if len(text) <= NARROW else f"{text[: NARROW - 1]}…"
