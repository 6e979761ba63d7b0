"""A badge: a word and a number side by side, for a portal's page or a document. SVG, without script or foreign fonts."""

from __future__ import annotations

from typing import Literal

from markupsafe import escape

Tone = Literal["good", "bad", "warn", "mute"]
FILLS: dict[str, str] = {"good": "#1f7a4f", "bad": "#b3261e", "warn": "#8a5300", "mute": "#52606d"}
FONT = "'Noto Sans SC','Microsoft YaHei','PingFang SC',Verdana,sans-serif"
HEIGHT, PAD, WIDE, NARROW = 22, 8, 12.5, 7.2
"""Pixels: of the badge, beside texts, of a Chinese letter and of another."""


def badge_svg(label: str, value: str, tone: str, title: str) -> bytes:
    """Return the badge; `title` is what a pointer and a reader say."""
    left, right = _wide(label), _wide(value)
    whole = left + right
    text = f'font-family="{FONT}" font-size="12" fill="#fff"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole:g}" height="{HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{whole:g}" height="{HEIGHT}" rx="4" fill="#3b4754"/>'
        f'<path d="M{left:g} 0H{whole - 4:g}a4 4 0 0 1 4 4V{HEIGHT - 4}a4 4 0 0 1-4 4H{left:g}z" fill="{FILLS[tone]}"/>'
        f'<text x="{PAD}" y="15" {text}>{escape(label)}</text>'
        f'<text x="{left + PAD:g}" y="15" {text}>{escape(value)}</text></svg>'
    ).encode()


def _wide(text: str) -> float:
    return 2 * PAD + sum(WIDE if ord(letter) > 0x2E7F else NARROW for letter in text)
