"""Challenges: what an evaluator saw at secret points and times, held against what this system recorded there.

Committed before, as a salted hash; revealed after. Each observation counts for the committed instant of its point that is
nearest, and is compared with the record at the instant at which it was made: with the raw record (every failed probe
counts) and under a policy (confirmed outages alone).
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console import views
from monitor.evidence.agreement import clopper_pearson
from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, Instant, State
from monitor.period import Period
from monitor.rates import six
from monitor.scope import EVERYTHING
from monitor.sources.challenges import Challenge, Observation
from monitor.timeline import Policy, Timeline

FORMAT = "camsla-reveal/1"
RAW = Policy(confirm_samples=1)
"""Every stored result as it is: no outage is too short, no recovery doubted."""
WITHIN_S = 300
"""Nobody stands before a pole to the second: so far from its committed instant an observation may be made."""
MOST_AHEAD_S = 366 * 86_400


class Compared(NamedTuple):
    """One committed instant. `at` and `seen` are None where nobody observed; states None likewise."""

    point: str
    planned: Instant
    at: Instant | None
    seen: State | None
    raw: State | None
    policy: State | None
    note: str

    @property
    def agrees(self) -> bool | None:
        """Whether the record under the policy says what was seen; None where either says nothing."""
        return None if self.seen is None or self.policy in (None, State.UNKNOWN) else self.seen is self.policy


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a record agreed: `unknown` are observations of which the record says nothing."""

    compared: int
    agreed: int
    unknown: int

    def document(self) -> dict[str, int | str | None]:
        """Return counts, the rate and its interval in six decimals; None where nothing was compared."""
        bounds = clopper_pearson(self.agreed, self.compared)
        return {
            "agreed": self.agreed,
            "compared": self.compared,
            "disagreed": self.compared - self.agreed,
            "high": None if bounds is None else six(Fraction(bounds.high, 1_000_000)),
            "low": None if bounds is None else six(Fraction(bounds.low, 1_000_000)),
            "rate": six(Fraction(self.agreed, self.compared)) if self.compared else None,
            "unknown": self.unknown,
        }


def check_moments(challenge: Challenge, known: Collection[str], earliest: Instant, latest: Instant, why: str) -> None:
    """Refuse points that the ledger does not know and instants outside (earliest, latest], each with its line.

    `why` says what the bounds are.
    """
    findings: list[Finding] = []
    for moment in challenge.moments:
        if moment.point not in known:
            message = f"台账中没有点位 no such point {moment.point!r}"
            findings.append(Finding(challenge.file, moment.line, "point", message, "改正编号 correct the code"))
        if not earliest < moment.at <= latest:
            message = f"时刻不在期限内 the time lies outside: {_utc(moment.at)}"
            findings.append(Finding(challenge.file, moment.line, "at", message, why))
    if findings:
        raise InputError(findings)


def paired(
    challenge: Challenge, observed: Sequence[Observation], file: str, within_s: int
) -> list[tuple[str, Instant, Observation | None]]:
    """Give each committed instant its observation, if there is one; by point and time.

    InputError for points that were not committed, observations too far from any instant, and two for one.
    """
    planned: dict[str, list[Instant]] = defaultdict(list)
    for moment in challenge.moments:
        planned[moment.point].append(moment.at)
    findings: list[Finding] = []
    found: dict[tuple[str, Instant], Observation] = {}
    for row in observed:
        if row.point not in planned:
            message = f"承诺中没有点位 the point was not committed: {row.point!r}"
            findings.append(Finding(file, row.line, "point", message, "只列承诺过的点位 list committed points only"))
            continue
        nearest = min(planned[row.point], key=lambda at: (abs(at - row.at), at))
        if abs(nearest - row.at) > within_s * MICROSECONDS:
            message = f"距承诺的时刻超过 {within_s} 秒 more than {within_s} s from the committed {_utc(nearest)}"
            findings.append(Finding(file, row.line, "at", message, "改正时刻，或 correct it, or --within SECONDS"))
            continue
        first = found.setdefault((row.point, nearest), row)
        if first is not row:
            message = f"与第 {first.line} 行是同一时刻 the same committed instant as line {first.line}"
            findings.append(Finding(file, row.line, "at", message, "只留一行 keep one"))
    if findings:
        raise InputError(findings)
    return [(point, at, found.get((point, at))) for point in sorted(planned) for at in sorted(planned[point])]


def compare(
    connection: Connection, pairs: Sequence[tuple[str, Instant, Observation | None]], policy: Policy, zone: str
) -> list[Compared]:
    """Look up what the record says where and when somebody looked."""
    made = [row for _, _, row in pairs if row is not None]
    if not made:
        return [Compared(point, at, None, None, None, None, "") for point, at, _ in pairs]
    clock = ZoneInfo(zone)
    days = [datetime.fromtimestamp(row.at // MICROSECONDS, clock).date() for row in made]
    period = Period("", min(days), max(days))
    points = frozenset(row.point for row in made)
    raw, judged = (
        dict(views.timelines(connection, EVERYTHING, views.Question(period, zone, asked), only=points))
        for asked in (RAW, policy)
    )
    return [
        Compared(point, at, None, None, None, None, "")
        if row is None
        else Compared(point, at, row.at, row.seen, _state(raw, row), _state(judged, row), row.note)
        for point, at, row in pairs
    ]


def _state(timelines: dict[str, Timeline], row: Observation) -> State:
    timeline = timelines.get(row.point)
    second = row.at // MICROSECONDS
    for piece in timeline.pieces if timeline is not None else ():
        if piece.start <= second < piece.end:
            return piece.state
    return State.UNKNOWN


def tally(rows: Sequence[Compared], of: str) -> Tally:
    """Count a record's agreement: `of` is raw or policy."""
    said = [(row.seen, getattr(row, of)) for row in rows if row.seen is not None]
    known = [(seen, state) for seen, state in said if state is not State.UNKNOWN]
    return Tally(len(known), sum(seen is state for seen, state in known), len(said) - len(known))


def reveal_document(
    commitment: str,
    committed: tuple[Instant, str],
    salt: bytes,
    challenge: Challenge,
    rows: Sequence[Compared],
    policy: tuple[str, Policy],
    within_s: int,
) -> dict[str, Any]:
    """Return the result as JSON data without floats; whoever has it can check the commitment and count again.

    `committed`: when and by whom it was registered; `policy`: the contract that it comes from, or "", and itself.
    """
    return {
        "format": FORMAT,
        "challenge": commitment,
        "committed_at": int(committed[0]),
        "committed_by": committed[1],
        "salt": salt.decode().strip(),
        "file": base64.b64encode(challenge.data).decode(),
        "contract": policy[0],
        "policy": policy[1].model_dump(mode="json"),
        "within_s": within_s,
        "interval": "clopper-pearson 0.95",
        "rows": [
            [
                row.point,
                int(row.planned),
                None if row.at is None else int(row.at),
                *(None if state is None else state.value for state in (row.seen, row.raw, row.policy)),
                row.note,
            ]
            for row in rows
        ],
        "not_observed": sum(row.seen is None for row in rows),
        "by_raw": tally(rows, "raw").document(),
        "by_policy": tally(rows, "policy").document(),
    }


def rows_of(document: dict[str, Any]) -> list[Compared]:
    """Return a result's rows as they were compared."""
    return [
        Compared(
            point,
            Instant(planned),
            None if at is None else Instant(at),
            _read(seen),
            _read(raw),
            _read(judged),
            note,
        )
        for point, planned, at, seen, raw, judged, note in document["rows"]
    ]


def _read(state: str | None) -> State | None:
    return None if state is None else State(state)


def _utc(at: Instant) -> str:
    return f"{datetime.fromtimestamp(at // MICROSECONDS, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"
