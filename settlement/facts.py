"""What rules are applied to: a window of a phase with its fee, its rate, its outages and its events. Frozen values.

A window is a month or a quarter of the contract's calendar. Seconds are whole seconds UTC, half-open; money is exact
fen as fractions, tax included.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

HOUR_S = 3_600
DAY_S = 86_400


class OutageFact(NamedTuple):
    """An outage's part inside one window. The same outage has the same `incident` in every window it touches.

    `start` and `end` are those of the whole outage; `offline_s` is what counts in the window: offline seconds outside
    approved exclusions. `reported_at` is when the purchaser reported it, None if nobody did. `cause` is as attributed.
    `excused` is an approved written excuse (报备 of the whole outage), which elimination rules respect. `reported_s` is
    what of `offline_s` came after the report; None: the wall time from the report to the outage's end is taken, at most
    `offline_s`. `before_s` is what counted of the same outage before the window, `before_reported_s` what of that came
    after the report (None: by wall time), so that rules count an outage from its start wherever windows cut it. A part with
    `offline_s` 0 says that the outage went on in a window in which nothing of it counts.
    """

    incident: str
    start: int
    end: int
    offline_s: int
    cause: str = ""
    reported_at: int | None = None
    excused: bool = False
    reported_s: int | None = None
    before_s: int = 0
    before_reported_s: int | None = None


class EventFact(NamedTuple):
    """Something that rules count: a wrong clock, a missing recording, a late repair, an inspection.

    `point` is empty for an event of the whole phase. `incident` names the outage it belongs to, if any. `until` is None
    for what has not ended or has no duration. `details` are whole numbers by name, like sample and defects.
    """

    id: str
    kind: str
    point: str
    at: int
    until: int | None = None
    source: str = ""
    incident: str = ""
    details: tuple[tuple[str, int], ...] = ()


class Cell(NamedTuple):
    """One point in one window: its fee (the part that the rule may touch), its service class, what happened to it.

    Only points with outages or events need a cell for rules to look at; all others are in the window's totals.
    `earlier` are outages that ended before the window, with `offline_s` 0 and all that counted of them in `before_s`, as far
    back as recurrence rules look.
    """

    point: str
    category: str
    fee: Fraction
    outages: tuple[OutageFact, ...] = ()
    events: tuple[EventFact, ...] = ()
    earlier: tuple[OutageFact, ...] = ()

    @property
    def offline_s(self) -> int:
        """All counted offline seconds of the point in the window."""
        return sum(outage.offline_s for outage in self.outages)


class Share(NamedTuple):
    """A rate as its two counts."""

    good: int
    counted: int

    @property
    def value(self) -> Fraction:
        """The exact rate."""
        return Fraction(self.good, self.counted)


@dataclass(frozen=True, slots=True)
class Window:
    """What one rule sees of one phase in one window.

    `fee`, `points` and `yearly_fee` (twelve months of each point's price) are cut to the components that the rule may
    touch. For rules that judge a rate they are the pool's, without the points that left it; for all others the whole
    phase's. `rate` is the pool's rate, None if nothing was counted. `deducted` is what earlier rate rules took off the
    pool's fee, `score_off` what was taken off the score of 100. `history` are earlier windows of the same grain with their
    rates, oldest first. `cells` are there for rules on points only.
    """

    label: str
    start: int
    end: int
    fee: Fraction
    points: int
    price_fen: int
    yearly_fee: Fraction
    rate: Share | None
    target: Fraction
    cells: tuple[Cell, ...] = ()
    events: tuple[EventFact, ...] = ()
    score_off: Fraction = Fraction(0)
    deducted: Fraction = Fraction(0)
    history: tuple[tuple[str, Share], ...] = ()

    @property
    def days(self) -> int:
        """Days in the window."""
        return (self.end - self.start) // DAY_S

    @property
    def hours(self) -> int:
        """Hours in the window."""
        return (self.end - self.start) // HOUR_S
