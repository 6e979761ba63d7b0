"""From newest runs to what every point is now. No I/O, no clock.

As the timeline says it, for one instant: a verdict holds for its seconds unless a gap began after it; online if any
observer says online, offline if as many as the contract asks for say so, else unknown. Then the office's view over it:
not in service, and within an exclusion. Runs of our own observers reach the tables up to GRACE_S late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.board.card import EVIDENCE_OF, LAPSED, NEVER, Evidence, Facts, Now, Standing
from console.board.city import VantageNow
from console.board.reading import Newest
from monitor.hold import reading as read_as
from monitor.model import MICROSECONDS, Gap, Instant, Outcome, Reason, State
from monitor.timeline import Policy

GRACE_S = 75
"""So long after its last stored sample a growing run may be: the batcher brings runs up to date every minute."""
RANK: Mapping[Evidence, int] = {Evidence.VIEWABLE: 3, Evidence.REACHABLE: 2, Evidence.PLATFORM: 1, Evidence.NONE: 0}


class Verdict(NamedTuple):
    """What all observers together say: `first` is where the run begins that decided, `samples` how many it has."""

    state: State
    reason: str
    rung: str
    vantage: str
    first: Instant | None
    samples: int
    last_seen: Instant | None
    proven: Evidence
    lost_at: Instant | None
    """Where knowledge ended, if the state is unknown."""


class Sky(NamedTuple):
    """What is the same for all points: the instant, the observers, their gaps and the outcomes by number."""

    at: Instant
    vantages: Mapping[int, VantageNow]
    gaps: Mapping[tuple[str, str | None], Sequence[Gap]]
    outcomes: Mapping[int, Outcome]


def sky(at: Instant, vantages: Mapping[int, VantageNow], gaps: Sequence[Gap], outcomes: Mapping[int, Outcome]) -> Sky:
    """Put it together."""
    found: dict[tuple[str, str | None], list[Gap]] = {}
    for gap in gaps:
        found.setdefault((gap.vantage, gap.point), []).append(gap)
    return Sky(at, vantages, found, outcomes)


NOTHING = Verdict(State.UNKNOWN, NEVER, "", "", None, 0, None, Evidence.NONE, None)


def judge(facts: Facts, runs: Sequence[Newest], whole: Sky, policy: Policy) -> Verdict:
    """Return what a point's newest runs say at the sky's instant."""
    auth_offline = policy.auth_rejected == "offline"
    best: dict[State, tuple[Newest, Outcome]] = {}
    said = 0
    proven, last_seen, lost, why = Evidence.NONE, None, None, NEVER
    for run in runs:
        outcome = whole.outcomes[run.outcome]
        level = _proven(outcome)
        if RANK[level] > RANK[proven]:
            proven = level
        if run.camera is not None and run.camera != facts.camera_id:
            continue  # of a device that serves here no longer
        if last_seen is None or run.last > last_seen:
            last_seen = run.last
        ended, cause = _ended(facts.code, run, whole)
        state = read_as(outcome, auth_offline)
        if ended is not None:
            ended = run.first if state is State.UNKNOWN else ended  # nothing was known before it ended either
            lost, why = (ended, cause) if lost is None or ended > lost else (lost, why)
            continue
        said += state is State.OFFLINE
        if state not in best or run.last > best[state][0].last:
            best[state] = (run, outcome)
    quorum = policy.quorum if policy.vantages == "quorum" else 1
    state = State.ONLINE if State.ONLINE in best else State.OFFLINE if said >= quorum else State.UNKNOWN
    chosen = best.get(state)
    seen = None if last_seen is None else Instant(last_seen)
    if chosen is None:
        return Verdict(State.UNKNOWN, why, "", "", None, 0, seen, proven, None if lost is None else Instant(lost))
    run, outcome = chosen
    name = whole.vantages[run.vantage].name
    return Verdict(
        state,
        outcome.reason.value,
        outcome.rung.value,
        name,
        Instant(run.first),
        run.n,
        seen,
        proven,
        Instant(run.first),
    )


def _proven(outcome: Outcome) -> Evidence:
    if outcome.state is State.ONLINE:
        return EVIDENCE_OF[outcome.rung]
    # It refused our login: so it lives.
    return Evidence.REACHABLE if outcome.reason is Reason.AUTH_REJECTED else Evidence.NONE


def _ended(code: str, run: Newest, whole: Sky) -> tuple[int | None, str]:
    """Return where a run's verdict ceased to hold, and why; None while it holds."""
    vantage = whole.vantages[run.vantage]
    for key in ((vantage.name, None), (vantage.name, code)):
        for gap in whole.gaps.get(key, ()):
            if gap.end is None or gap.end > run.last:
                return max(gap.start, run.last), Reason.WATCHER.value
    until = run.last + run.valid_s * MICROSECONDS
    late = GRACE_S * MICROSECONDS if vantage.own else 0
    return (until, LAPSED) if whole.at > until + late else (None, "")


def standing_of(facts: Facts, verdict: Verdict, excluded: Sequence[tuple[int, int]], at: Instant) -> Standing:
    """Return what an office counts the point as."""
    if not facts.in_service:
        return Standing.OUT
    if any(start <= at < end for start, end in excluded):
        return Standing.EXCLUDED
    return Standing(verdict.state.value)


def now_of(
    standing: Standing, verdict: Verdict, since: Instant | None, recovered: bool, known: Evidence, policy: Policy
) -> Now:
    """Return a card's present: `known` is the best that was proven before."""
    evidence = verdict.proven if RANK[verdict.proven] > RANK[known] else known
    believed = verdict.samples >= policy.confirm_samples or (since is not None and since < (verdict.first or since))
    confirmed = verdict.state is not State.OFFLINE or believed
    return Now(
        standing,
        since,
        verdict.reason,
        verdict.rung,
        verdict.last_seen,
        confirmed,
        recovered,
        evidence,
        verdict.vantage,
    )
