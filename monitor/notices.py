"""What the watcher has to say besides results: its own blindness, clock steps, upstream devices that went or came.

Notices wait in a queue until they are stored. Its bound costs precision, never truth: gaps may grow, so that more is
unknown, and an upstream device may be said to have been down for less than it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitor.model import Instant


@dataclass(frozen=True, slots=True)
class Blind:
    """The watcher saw nothing over [start, end)."""

    start: Instant
    end: Instant
    cause: str


@dataclass(frozen=True, slots=True)
class BlindSince:
    """The watcher has seen nothing since `start` and does not know how long yet."""

    start: Instant
    cause: str


@dataclass(frozen=True, slots=True)
class SightedAgain:
    """The blindness of `cause` that began at `start` ended at `end`."""

    start: Instant
    end: Instant
    cause: str


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The wall clock moved by `step_us` against engine time, noticed at `at`."""

    at: Instant
    step_us: int


@dataclass(frozen=True, slots=True)
class UpstreamSeen:
    """An upstream device changed: `alive` from `at` on."""

    name: str
    at: Instant
    alive: bool


Notice = Blind | BlindSince | SightedAgain | ClockStep | UpstreamSeen


MOST_NOTICES = 10_000
"""So many may wait before they are joined."""


class NoticeQueue:
    """Notices on their way into the store: first those that were offered to it, unchanged, then those that came since.

    Bounded: once more than `most` wait behind the offered ones they are joined. If even then more than half of `most`
    are left, the next joining waits until they have doubled.
    """

    def __init__(self, most: int = MOST_NOTICES) -> None:
        self._most = most
        self._limit = most
        self._offered: list[Notice] = []
        self._waiting: list[Notice] = []
        self.joined = 0
        """Notices that are no longer told singly, because too many waited."""

    def __len__(self) -> int:
        return len(self._offered) + len(self._waiting)

    def add(self, notice: Notice) -> None:
        """Put a notice at the end."""
        self._waiting.append(notice)
        if len(self._waiting) > self._limit:
            left = join(self._waiting, self._most // 2)
            self.joined += len(self._waiting) - len(left)
            self._waiting = left
            self._limit = max(self._most, 2 * len(left))

    def offer(self) -> list[Notice]:
        """Return what is to be stored next: the same again until `stored` is called, unless that was nothing."""
        if not self._offered:
            self._offered, self._waiting, self._limit = self._waiting, [], self._most
        return list(self._offered)

    def stored(self) -> None:
        """Let go of what was offered: it is durable."""
        self._offered = []


def join(notices: Iterable[Notice], most_gaps: int) -> list[Notice]:
    """Say the same in fewer notices, of which at most `most_gaps`, or one for each cause, are gaps.

    Blindness: each cause's gaps that lie nearest each other become one that covers both and what is between them. Clock
    steps: one at the newest instant, by their sum. An upstream device: its first return, which ends what may be stored as
    its fall, and then its fall if it is down in the end; what lay between is dropped.
    """
    gaps: list[Blind] = []
    began: dict[tuple[Instant, str], BlindSince] = {}
    ended: dict[tuple[Instant, str], SightedAgain] = {}
    step: ClockStep | None = None
    back: dict[str, UpstreamSeen] = {}
    newest: dict[str, UpstreamSeen] = {}
    for notice in notices:
        match notice:
            case Blind():
                gaps.append(notice)
            case BlindSince(start, cause):
                began[start, cause] = notice
            case SightedAgain(start, end, cause):
                if began.pop((start, cause), None) is not None:
                    gaps.append(Blind(start, end, cause))
                else:
                    ended[start, cause] = notice
            case ClockStep(at, step_us):
                step = ClockStep(at, step_us + (0 if step is None else step.step_us))
            case UpstreamSeen(name, _, alive):
                newest[name] = notice
                if alive:
                    back.setdefault(name, notice)
    result: list[Notice] = [*_nearest_joined(gaps, most_gaps), *ended.values(), *began.values()]
    if step is not None:
        result.append(step)
    result += back.values()
    result += (seen for seen in newest.values() if not seen.alive)
    return result


def _nearest_joined(gaps: Sequence[Blind], most: int) -> list[Blind]:
    """Join gaps of one cause: all that touch, then the nearest, until `most` are left or one for each cause."""
    apart = _bridged(sorted(gaps, key=lambda gap: (gap.cause, gap.start, gap.end)), set())
    between = sorted(
        (after.start - before.end, number)
        for number, (before, after) in enumerate(pairwise(apart), 1)
        if before.cause == after.cause
    )
    return _bridged(apart, {number for _, number in between[: max(0, len(apart) - most)]})


def _bridged(gaps: Sequence[Blind], numbers: set[int]) -> list[Blind]:
    """Join each gap to the one before it if they touch, or if its number is among those given."""
    result: list[Blind] = []
    for number, gap in enumerate(gaps):
        last = result[-1] if result else None
        if last is not None and last.cause == gap.cause and (number in numbers or gap.start <= last.end):
            result[-1] = Blind(last.start, max(last.end, gap.end), gap.cause)
        else:
            result.append(gap)
    return result
