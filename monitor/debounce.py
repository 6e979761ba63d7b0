"""Which short outages and short recoveries are believed: the transition table, and the chains it is applied to.

The file's rules:

1. It works on pieces that follow one another without a break; what is not known is a piece of state unknown. Neighbours
   have different states (`join` sees to both).
2. A *chain* of a state is a maximal sequence of pieces that begins and ends with that state and holds no piece of the
   opposite state; unknown may lie between. Its seconds and samples are those of its own state's pieces alone.
3. A chain is *confirmed* if it has the policy's least seconds and least samples. A confirmed chain is never changed,
   and neither are the unknown pieces inside any chain.
4. A chain is *enclosed* if the pieces directly before and directly after it have the opposite state. Where nothing is
   known, and before the first and after the last piece, is unknown: a chain there is *exposed*.
5. The table says what the pieces of an unconfirmed chain become. Its rows are applied once each, in order, the second
   to the first one's result; within a row every chain is judged by that row's input, so the order of chains is no matter.

      row         chain of   opposite   confirmed   enclosed   exposed
      outage      offline    online     offline     online     unknown
      recovery    online     offline    online      offline    online

6. After both rows every chain of offline is an outage. Unknown inside does not split it.

No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.intervals import Span
from monitor.model import State


class Piece(NamedTuple):
    """A state held over the whole seconds [start, end), proven by `samples` probes; None means without limit."""

    start: int
    end: int
    state: State
    samples: int | None


class Outage(NamedTuple):
    """A confirmed chain of offline: first offline second, end of the last, and its offline spans."""

    start: int
    end: int
    offline: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what the pieces of an unconfirmed chain of `of` become."""

    name: str
    of: State
    opposite: State
    enclosed: State
    exposed: State


OUTAGE = Row("outage", State.OFFLINE, State.ONLINE, enclosed=State.ONLINE, exposed=State.UNKNOWN)
RECOVERY = Row("recovery", State.ONLINE, State.OFFLINE, enclosed=State.OFFLINE, exposed=State.ONLINE)
TABLE: tuple[Row, ...] = (OUTAGE, RECOVERY)


def join(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces in order of time made one unbroken row: equal neighbours merged, holes filled with unknown.

    Samples add up, None stays None, unknown has 0. Empty pieces vanish; unknown at either end is cut off.
    ValueError if two pieces overlap.
    """
    result: list[Piece] = []
    for piece in pieces:
        start, end, state, samples = piece
        if state is State.UNKNOWN:
            samples = 0
            if not result:
                continue
        if end <= start:
            continue
        if result:
            last = result[-1]
            if start < last.end:
                raise ValueError(f"pieces overlap: {last} and {piece}")
            if start > last.end:
                if last.state is State.UNKNOWN:
                    result[-1] = last = Piece(last.start, start, State.UNKNOWN, 0)
                elif state is State.UNKNOWN:
                    start = last.end
                else:
                    last = Piece(last.end, start, State.UNKNOWN, 0)
                    result.append(last)
            if last.state is state:
                both = None if last.samples is None or samples is None else last.samples + samples
                result[-1] = Piece(last.start, end, state, both)
                continue
        result.append(Piece(start, end, state, samples))
    if result and result[-1].state is State.UNKNOWN:
        result.pop()
    return result


def settle(pieces: list[Piece], row: Row, least_s: int, least_samples: int) -> list[Piece]:
    """Apply one row of the table to joined pieces; the result is joined again. Linear time."""
    of, opposite = row.of, row.opposite
    for begin, end, state, samples in pieces:
        if state is of and (end - begin < least_s or (samples is not None and samples < least_samples)):
            break
    else:
        return pieces  # a chain lasts at least as long, on as many samples, as each of its pieces
    changed: dict[int, State] = {}
    chain: list[int] = []
    for index, piece in enumerate(pieces):
        if piece.state is of:
            chain.append(index)
        elif chain and piece.state is opposite:
            _judge(pieces, chain, row, least_s, least_samples, changed)
            chain = []
    if chain:
        _judge(pieces, chain, row, least_s, least_samples, changed)
    if not changed:
        return pieces
    return join(
        Piece(piece.start, piece.end, changed[index], piece.samples) if index in changed else piece
        for index, piece in enumerate(pieces)
    )


def _judge(
    pieces: list[Piece], chain: list[int], row: Row, least_s: int, least_samples: int, changed: dict[int, State]
) -> None:
    seconds, samples = 0, 0
    unlimited = False
    for index in chain:
        piece = pieces[index]
        seconds += piece.end - piece.start
        if piece.samples is None:
            unlimited = True
        else:
            samples += piece.samples
    if seconds >= least_s and (unlimited or samples >= least_samples):
        return
    before, after = chain[0] - 1, chain[-1] + 1
    enclosed = (
        before >= 0
        and after < len(pieces)
        and pieces[before].state is row.opposite
        and pieces[after].state is row.opposite
    )
    becomes = row.enclosed if enclosed else row.exposed
    if becomes is not row.of:
        changed.update(dict.fromkeys(chain, becomes))


def outages_of(pieces: Sequence[Piece]) -> list[Outage]:
    """Every chain of offline in joined pieces, in order."""
    result: list[Outage] = []
    spans: list[Span] = []
    for piece in pieces:
        if piece.state is State.OFFLINE:
            spans.append((piece.start, piece.end))
        elif spans and piece.state is State.ONLINE:
            result.append(Outage(spans[0][0], spans[-1][1], tuple(spans)))
            spans = []
    if spans:
        result.append(Outage(spans[0][0], spans[-1][1], tuple(spans)))
    return result
