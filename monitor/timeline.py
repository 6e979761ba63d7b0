"""From runs to a timeline: what a point was, second by second, under a contract's policy.

The algorithm is the data model's, steps 1–8; steps 1–4 are monitor/hold.py, steps 5–8 monitor/debounce.py. It works on a
point's whole history, never on a part: whoever loads a part must reach back and forward to an online run that passes the
policy's recovery, or to the end of the data. Nothing here cuts; monitor/rates.py does, and a cut never asks again
whether an outage is confirmed. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import chain, islice
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from monitor.debounce import OUTAGE as OUTAGE
from monitor.debounce import RECOVERY as RECOVERY
from monitor.debounce import Outage as Outage
from monitor.debounce import Piece as Piece
from monitor.debounce import join, outages_of, settle
from monitor.given import fill
from monitor.hold import FOREVER, blind, hold, in_order, merge, reading
from monitor.model import MICROSECONDS, Gap, Outcome, Run, State

_SHARE_REMEDY = '写成 0 到 1 的小数或分数，如 0.99 或 "9/10" write a decimal or a fraction from 0 to 1, like these'


def _exact(value: object) -> object:
    """Refuse binary floats, and what is no number: a share is exact from its literal on, or not the contract's figure."""
    text = str(value).lower()
    # No exponents: a few characters of them can stand for gigabytes of digits.
    if isinstance(value, Fraction | int | Decimal | str) and not isinstance(value, bool) and "e" not in text:
        try:
            return Fraction(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            pass
    raise PydanticCustomError(
        "share", "{message}", {"message": f"不是精确小数 not an exact decimal: {value!r:.60}", "remedy": _SHARE_REMEDY}
    )


Share = Annotated[Fraction, BeforeValidator(_exact), Field(ge=0, le=1)]
"""An exact share from 0 to 1, read from a decimal, an integer, a fraction or their text; never from a float."""

RunRow = tuple[int, int, int, Outcome, int]
"""A run without its names: first, last (microseconds), count, outcome, valid_s."""

Count = Annotated[int, Field(strict=True, ge=1)]
Whole = Annotated[int, Field(strict=True, ge=0)]


class Policy(BaseModel):
    """How a contract reads its results: which outages count, and what unknown and excluded time is taken for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confirm_samples: Count = 3
    """An outage is believed from so many failed samples on …"""
    minimum_outage_s: Whole = 0
    """… and from so many offline seconds on."""
    recovery_samples: Count = 1
    minimum_recovery_s: Whole = 0
    unknown: Literal["excluded", "online", "offline"] = "excluded"
    """What time without knowledge is taken for in a rate."""
    exclusions: Literal["out_of_both", "online", "counted"] = "out_of_both"
    """Approved exclusions: out of both sides of the rate; in both sides; or without effect."""
    vantages: Literal["any_online", "quorum"] = "any_online"
    quorum: Count = 2
    """Under `vantages: quorum`, how many vantages must say offline."""
    auth_rejected: Literal["unknown", "offline"] = "unknown"
    minimum_coverage: Share = Fraction(0)
    """Least share of a rate's seconds, outside exclusions, in which the state was known."""
    max_interval_s: Annotated[int, Field(strict=True, ge=1, le=300)] = 300
    """The longest interval at which the deciding rung may be probed."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One point's history after debouncing.

    `pieces` follow one another without a break, neighbours differ in state, the first and the last are known; outside
    them nothing is. `outages` are the confirmed ones, before any exclusion. `open_chain`: the data end while offline.
    """

    pieces: tuple[Piece, ...]
    outages: tuple[Outage, ...]
    open_chain: bool


NOTHING = Timeline((), (), False)
"""The timeline of a point that nobody watched."""


def build(runs: Sequence[Run], gaps: Sequence[Gap], policy: Policy, given: Sequence[Piece] = ()) -> Timeline:
    """The timeline of one point from the runs of all its vantages, in any order, and those vantages' gaps.

    A gap with `point` None holds for the point too. `given` is what reclassifications say of unknown seconds (of
    monitor/given.py). Result and work grow with runs, gaps and given pieces alone, not with time.
    """
    if not runs:
        return _debounced(join(fill((), given)), policy) if given else NOTHING
    auth_offline = policy.auth_rejected == "offline"
    quorum = policy.quorum if policy.vantages == "quorum" else 1
    vantage = runs[0].vantage
    if not gaps and not given and quorum == 1 and all(run.vantage == vantage for run in runs):
        return build_alone([(r.first, r.last, r.count, r.outcome, r.valid_s) for r in in_order(runs)], policy)
    by_vantage: dict[str, tuple[list[Run], list[Gap]]] = {}
    for run in runs:
        by_vantage.setdefault(run.vantage, ([], []))[0].append(run)
    point = runs[0].point
    for gap in gaps:
        if gap.vantage in by_vantage and gap.point in (None, point):
            by_vantage[gap.vantage][1].append(gap)
    held = [hold(in_order(its_runs), blind(its_gaps), auth_offline) for its_runs, its_gaps in by_vantage.values()]
    merged = merge(held, quorum)
    return _debounced(join(fill(merged, given) if given else merged), policy)


def build_alone(rows: Sequence[RunRow], policy: Policy) -> Timeline:
    """The timeline of one point that one vantage saw without a gap: what `build` says of the same runs, in less time.

    Rows are in the order of their first instants. Not for a quorum of more than one.
    """
    return _debounced(_one_vantage(rows, policy.auth_rejected == "offline"), policy)


def from_pieces(pieces: Iterable[Piece], policy: Policy) -> Timeline:
    """The timeline of one point whose states are given, in any order. What no piece covers is unknown.

    ValueError if two pieces overlap: whoever reads them must have refused that already.
    """
    return _debounced(join(sorted(pieces)), policy)


def _debounced(pieces: list[Piece], policy: Policy) -> Timeline:
    """Steps 6–8 on joined pieces."""
    open_chain = bool(pieces) and pieces[-1].state is State.OFFLINE
    pieces = settle(pieces, OUTAGE, policy.minimum_outage_s, policy.confirm_samples)
    pieces = settle(pieces, RECOVERY, policy.minimum_recovery_s, policy.recovery_samples)
    return Timeline(tuple(pieces), tuple(outages_of(pieces)), open_chain)


def _one_vantage(rows: Sequence[RunRow], auth_offline: bool) -> list[Piece]:
    """The joined pieces of one vantage without gaps: what hold, merge and join say, in one pass.

    Nearly every point of a city is such a one, and a quarter's account must not take minutes.
    """
    pieces: list[Piece] = []
    unknown = State.UNKNOWN
    begun = end = samples = 0
    state = unknown
    firsts = [row[0] // MICROSECONDS for row in rows]
    nexts = chain(islice(firsts, 1, None), (FOREVER,))
    for first, following, (_, last, count, outcome, valid_s) in zip(firsts, nexts, rows, strict=True):
        until = min(following, last // MICROSECONDS + valid_s)
        if until <= first:
            continue
        now = reading(outcome, auth_offline) if auth_offline else outcome.state
        if now is unknown:
            continue
        if now is state and first == end:
            end = until
            samples += count
            continue
        if state is not unknown:
            pieces.append(Piece(begun, end, state, samples))
            if end < first:
                pieces.append(Piece(end, first, unknown, 0))
        begun, end, state, samples = first, until, now, count
    if state is not unknown:
        pieces.append(Piece(begun, end, state, samples))
    return pieces
