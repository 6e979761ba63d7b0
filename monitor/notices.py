"""What the watcher has to say besides results: its own blindness, clock steps, upstream devices that went or came."""

from __future__ import annotations

from dataclasses import dataclass

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
