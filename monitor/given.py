"""Reclassification (补判): what persons decided about seconds that nobody saw.

A given piece says `online` or `offline` for its span. It holds in those of its seconds that are unknown once the vantages
are merged (step 4 of the timeline algorithm), and never in a known one; debounce (steps 5–8) then treats it like a
row of a state file, as a piece with unlimited samples. Where two given pieces meet in a second, online comes before
offline, as between vantages. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from monitor.debounce import Piece
from monitor.intervals import Span, clip, normalise, subtract, union
from monitor.model import State


def fill(known: Sequence[Piece], given: Iterable[Piece]) -> list[Piece]:
    """Return merged pieces (in order, unknown left out) and, between them, what is given for their unknown seconds."""
    spans = list(given)
    taken = normalise((piece.start, piece.end) for piece in known)
    result = list(known)
    for state in (State.ONLINE, State.OFFLINE):
        wanted = normalise((piece.start, piece.end) for piece in spans if piece.state is state)
        new = subtract(wanted, taken)
        result += [Piece(start, end, state, None) for start, end in new]
        taken = union(taken, new)
    result.sort()
    return result


def unknown_in(pieces: Iterable[Piece], span: Span) -> list[Span]:
    """Return the seconds of a span that no known piece covers."""
    known = normalise((piece.start, piece.end) for piece in pieces if piece.state is not State.UNKNOWN)
    return subtract([span], clip(known, *span)) if span[0] < span[1] else []
