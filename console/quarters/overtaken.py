"""Somebody else was faster: a step that was asked for on a page which no longer shows where the statement stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS
from settlement.life import STEP_ZH, Taken


class Seen(NamedTuple):
    """What somebody saw of a statement when they decided: its revision, and how many steps it had."""

    revision: int
    steps: int


class OvertakenError(InputError):
    """A step was taken, or a revision drafted, between somebody's look and their word; the finding says by whom."""


def check_seen(seen: Seen, revision: int, steps: Sequence[Taken], place: str, zone: str) -> None:
    """OvertakenError unless the statement is still as it was seen."""
    if (revision, len(steps)) == seen:
        return
    last = steps[-1]
    when = datetime.fromtimestamp(last.at // MICROSECONDS, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    word = STEP_ZH.get(last.step, last.step)
    message = f"{last.actor} 已于 {when} 办理“{word}” {last.actor} was faster: {last.step} at {when}"
    raise OvertakenError([Finding("", 0, place, message, "重新打开结算单再办 look at the statement again")])
