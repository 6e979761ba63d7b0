"""The monitor's frozen values: what was probed, what came of it, and what was not watched.

Instants are integers, microseconds since 1970-01-01 UTC. This module does no I/O and reads no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

MICROSECONDS = 1_000_000
CS_US = 10_000
"""A hundredth of a second: what the raw archive cuts instants to."""


class State(StrEnum):
    """What a point is known to be at an instant."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Rung(StrEnum):
    """How far up the ladder of evidence a verdict reaches; each rung implies the ones before it."""

    TCP = "tcp"
    RTSP = "rtsp"
    DESCRIBE = "describe"
    MEDIA = "media"
    """RTP packets of the video track arrived."""
    FRAME = "frame"
    """A key frame was decoded."""
    ONVIF = "onvif"
    """The ONVIF device service told its time: liveness beside the RTSP ladder."""
    PLATFORM = "platform"
    """The video platform said so; not our own measurement."""


class Reason(StrEnum):
    """Why a verdict is what it is. `ok` is the only reason of `online`."""

    OK = "ok"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"
    NO_MEDIA = "no-media"
    BAD_REPLY = "bad-reply"
    TLS = "tls"
    AUTH_REJECTED = "auth-rejected"
    AUTH_UNKNOWN = "auth-unknown"
    WATCHER = "watcher"
    PLATFORM = "platform"
    """The video platform's inspection says offline and gives no finer reason."""


STATE_OF: Mapping[Reason, State] = {
    Reason.OK: State.ONLINE,
    Reason.REFUSED: State.OFFLINE,
    Reason.UNREACHABLE: State.OFFLINE,
    Reason.TIMEOUT: State.OFFLINE,
    Reason.NOT_FOUND: State.OFFLINE,
    Reason.NO_MEDIA: State.OFFLINE,
    Reason.BAD_REPLY: State.OFFLINE,
    Reason.TLS: State.OFFLINE,
    Reason.PLATFORM: State.OFFLINE,
    # The camera lives and our secret is suspect: its picture is neither proven nor disproven.
    Reason.AUTH_REJECTED: State.UNKNOWN,
    Reason.AUTH_UNKNOWN: State.UNKNOWN,
    Reason.WATCHER: State.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict without its time: runs are sequences of equal outcomes."""

    state: State
    reason: Reason
    rung: Rung


@dataclass(frozen=True, slots=True)
class Sample:
    """One probe's result. `at` is the start of the attempt; `took_us` its duration.

    `valid_s` says for how many seconds the verdict may be held if nothing follows.
    """

    point: str
    vantage: str
    at: Instant
    outcome: Outcome
    valid_s: int
    took_us: int
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one outcome, no two further apart than `valid_s` seconds."""

    point: str
    vantage: str
    first: Instant
    last: Instant
    count: int
    outcome: Outcome
    valid_s: int
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A span in which a vantage was blind: `point` None means for all its points, `end` None still open."""

    vantage: str
    start: Instant
    end: Instant | None
    cause: str
    point: str | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An approved span, in microseconds [start, end), that is out of the account for a point."""

    point: str
    start: Instant
    end: Instant
    cause: str


@dataclass(frozen=True, slots=True)
class Reclassification:
    """An approved decision (补判) that a point was `state` over what is unknown of a span, in microseconds [start, end)."""

    point: str
    start: Instant
    end: Instant
    state: State
    cause: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that rules count: a wrong clock, a missing recording, a late repair, an inspection, a fault's report.

    `point` is empty for an event of a whole phase, which `phase` then names. `until` is None for what has no duration or
    has not ended. `incident` names the outage that it belongs to; `counts` are whole numbers by name.
    """

    kind: str
    point: str
    at: Instant
    until: Instant | None
    source: str
    phase: str = ""
    incident: str = ""
    counts: tuple[tuple[str, int], ...] = ()
