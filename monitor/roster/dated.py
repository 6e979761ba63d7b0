"""Dated facts and stays: what a change from a given instant on does to what is known. Pure values, no I/O.

A change of a field holds from its instant until the field's next known change, not to the end of time: what was
changed later stays changed. The dates of a point's life (acceptance, billing, retirement) are no states but
milestones of its time under one contract and phase, usually written down afterwards, so their corrections reach
back to where that contract and phase began. What was known before stays readable by its recording time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from monitor.points import EXTRA, FACT_DEFAULTS, Fact, Facts, Piece, Stay

MILESTONES = frozenset(
    {
        "first_accepted_on",
        "accepted_on",
        "acceptance_no",
        "billed_from",
        "billed_until",
        "retired_on",
        EXTRA + "enabled_on",
    }
)
_TERM = ("contract", "phase")


def fact(facts: Facts, key: str) -> Fact:
    """Return a fact, or what it is when nobody has said anything."""
    return facts.get(key, FACT_DEFAULTS.get(key, ""))


def difference(facts: Facts, stated: Facts) -> dict[str, Fact]:
    """Return the stated facts that are not so yet."""
    return {key: value for key, value in stated.items() if fact(facts, key) != value}


def merged(facts: Facts, changes: Facts) -> dict[str, Fact]:
    """Return facts with changes; an empty fact without a column of its own is dropped."""
    result = {**FACT_DEFAULTS, **facts, **changes}
    return {key: value for key, value in result.items() if value or key in FACT_DEFAULTS}


class _Span(Protocol):
    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int | None: ...


def covering(pieces: Sequence[_Span], at: int) -> int | None:
    """Return the position of the span that holds `at`, or the first if `at` lies before them all."""
    if pieces and at < pieces[0].start:
        return 0
    return next(
        (i for i, piece in enumerate(pieces) if piece.start <= at and (piece.end is None or at < piece.end)), None
    )


def rewrite(pieces: Sequence[Piece], start: int, at: int, changes: Facts) -> list[Piece]:
    """Return the pieces after `changes` (a difference() of the piece at `at`) hold from `at` on.

    The first piece is stretched back to `start`. Pieces that come out as they were keep their row.
    """
    work = [(piece._replace(id=None), dict(piece.facts)) for piece in pieces]
    work[0] = (work[0][0]._replace(start=min(start, pieces[0].start)), work[0][1])
    index = covering(pieces, at)
    if index is None:
        raise ValueError("a point's facts have no end")
    before = dict(pieces[index].facts)
    piece, facts = work[index]
    if piece.start < at:
        work[index : index + 1] = [(piece._replace(end=at), facts), (piece._replace(start=at), dict(facts))]
        index += 1
    back = MILESTONES & changes.keys() if not any(key in changes for key in _TERM) else frozenset()
    for key, value in changes.items():
        old = fact(before, key)
        for _, facts in work[index:]:
            if fact(facts, key) != old:
                break
            facts[key] = value
        for _, facts in reversed(work[:index]) if key in back else ():
            if fact(facts, key) != old or any(fact(facts, term) != fact(before, term) for term in _TERM):
                break
            facts[key] = value
    return _settled(pieces, [piece._replace(facts=merged(facts, {})) for piece, facts in work])


def _settled(known: Sequence[Piece], pieces: Sequence[Piece]) -> list[Piece]:
    """Join neighbours that have become equal, and give back the row of each piece that did not change."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and joined[-1].facts == piece.facts and joined[-1].end == piece.start:
            joined[-1] = joined[-1]._replace(end=piece.end)
        else:
            joined.append(piece)
    rows = {(piece.start, piece.end): piece for piece in known}
    return [
        old if (old := rows.get((piece.start, piece.end))) is not None and old.facts == piece.facts else piece
        for piece in joined
    ]


def occupy(stays: Sequence[Stay], start: int, at: int, camera: tuple[int | None] | None) -> list[Stay]:
    """Return the stays after `camera` (a 1-tuple; None: no other camera) serves the point from `at` on.

    It takes the place of the camera at `at` until that one's next change; where no camera was, until the next stay.
    The first stay is stretched back to `start`.
    """
    work = [stay._replace(id=None) for stay in stays]
    if work and start < work[0].start:
        work[0] = work[0]._replace(start=start)
    if camera is not None:
        index = covering(work, at)
        if index is None:
            later = [i for i, stay in enumerate(work) if stay.start > at]
            place = later[0] if later else len(work)
            work.insert(place, Stay(None, at, work[place].start if later else None, camera[0]))
        else:
            old = work[index].camera
            if work[index].start < at:
                stay = work[index]
                work[index : index + 1] = [stay._replace(end=at), stay._replace(start=at)]
                index += 1
            while index < len(work) and work[index].camera == old:
                work[index] = work[index]._replace(camera=camera[0])
                index += 1
    return _joined(stays, work)


def end_stays(stays: Sequence[Stay], old_end: int | None, new_end: int | None) -> list[Stay]:
    """Return the stays after a point's service ends at `new_end` instead of `old_end` (None: not at all)."""
    work = list(stays)
    if work and old_end is not None and work[-1].end == old_end and (new_end is None or new_end > old_end):
        work[-1] = work[-1]._replace(id=None, end=new_end)
    if new_end is not None:
        work = [
            stay if stay.end is not None and stay.end <= new_end else stay._replace(id=None, end=new_end)
            for stay in work
            if stay.start < new_end
        ]
    return _joined(stays, work)


def _joined(known: Sequence[Stay], stays: Sequence[Stay]) -> list[Stay]:
    joined: list[Stay] = []
    for stay in stays:
        if joined and joined[-1].camera == stay.camera and joined[-1].end == stay.start:
            joined[-1] = joined[-1]._replace(id=None, end=stay.end)
        else:
            joined.append(stay)
    return with_rows(known, joined)


def with_rows(known: Sequence[Stay], stays: Sequence[Stay]) -> list[Stay]:
    """Give each stay that is stored as it is its row back; the others have none."""
    rows = {stay[1:]: stay for stay in known}
    return [rows.get(stay[1:], stay._replace(id=None)) for stay in stays]
