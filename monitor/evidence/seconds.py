"""What is known of a stretch of days, divided into seconds per day. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.debounce import Piece
from monitor.intervals import Span, clip, subtract, total
from monitor.model import State


class Seconds(NamedTuple):
    """A point's day in whole seconds: online, offline, unknown, excluded; together the day's length."""

    on: int
    off: int
    un: int
    ex: int


def divided(pieces: Sequence[Piece], excluded: Sequence[Span], days: Sequence[Span]) -> Iterator[Seconds]:
    """Yield each day's seconds. `pieces` are in order and apart, `excluded` is normal, `days` are in order and apart.

    Takes time linear in the three lengths together, but for exclusions that each day looks at anew.
    """
    place = 0
    for start, end in days:
        while place < len(pieces) and pieces[place].end <= start:
            place += 1
        if place == len(pieces) and not excluded:
            yield Seconds(0, 0, end - start, 0)  # years may lie between an import's runs and the day it came
            continue
        out = clip(excluded, start, end) if excluded else []
        on = off = 0
        at = place
        while at < len(pieces) and pieces[at].start < end:
            piece = pieces[at]
            at += 1
            span = (piece.start if piece.start > start else start, piece.end if piece.end < end else end)
            held = total(subtract([span], out)) if out else span[1] - span[0]
            if piece.state is State.ONLINE:
                on += held
            elif piece.state is State.OFFLINE:
                off += held
        ex = total(out) if out else 0
        yield Seconds(on, off, end - start - on - off - ex, ex)
