"""A day of one point as a bar: what it was when. SVG that stretches with its place, without script or style.

States differ in height as well as in colour: offline is the highest, online lower, unknown a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 1_440, 20
SHAPES = {  # state: class, top, height
    "offline": ("fill-offline", 0, 20),
    "excluded": ("fill-excluded", 3, 17),
    "online": ("fill-online", 8, 12),
    "unknown": ("fill-unknown", 15, 5),
    "not-in-service": ("fill-out", 18, 2),
}


class Part(NamedTuple):
    """A part of the bar, in seconds, with what it says."""

    start: int
    end: int
    state: str
    title: str


def bar_svg(parts: Sequence[Part], start: int, end: int, label: str) -> Markup:
    """Return the bar of [start, end) in seconds. A part too short to be seen is drawn a pixel wide."""
    scale = WIDTH / (end - start)
    drawn = [
        f'<svg class="chart bar" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">'
    ]
    for part in sorted(parts, key=lambda part: part.state == "offline"):  # offline last: nothing may hide it
        shape, top, height = SHAPES[part.state]
        x, width = (part.start - start) * scale, max(1.5, (part.end - part.start) * scale)
        drawn.append(
            f'<rect class="{shape}" x="{x:.1f}" y="{top}" width="{width:.1f}" height="{height}">'
            f"<title>{escape(part.title)}</title></rect>"
        )
    drawn.append("</svg>")
    return Markup("".join(drawn))  # noqa: S704  every text in it was escaped
