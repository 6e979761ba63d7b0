"""Generators of histories that like boundaries: equal seconds, runs that touch, blips as long as the limit, empty gaps.

Runs keep what the store promises of them: per vantage ordered and apart by at least a microsecond, one instant when
there is one sample, and no two samples further apart than `valid_s`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from monitor.model import MICROSECONDS, STATE_OF, Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.timeline import Piece, Policy
from tests.oracle import seconds_oracle as oracle

EXAMPLES = int(os.environ.get("CAMSLA_EXAMPLES", "150"))
"""Examples per property: enough for every run of the tests; CAMSLA_EXAMPLES=20000 for a long night."""

TIMEOUT_S = max(120, EXAMPLES)
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

BASE_S = 1_593_532_800
"""2020-07-01T00:00:00 in Asia/Shanghai, so that windows lie where a month, a quarter and a day begin."""
BASE = BASE_S * MICROSECONDS
VANTAGES = ("a", "b", "c")
LIMITS_S = (0, 1, 2, 5, 10, 20, 40)
FRACTIONS_US = (0, 0, 0, 1, 500_000, 999_999)
_FAULTS = (Reason.TIMEOUT, Reason.TIMEOUT, Reason.REFUSED)
REASONS = (Reason.OK, Reason.OK, Reason.OK, *_FAULTS, Reason.AUTH_REJECTED, Reason.WATCHER)
MOSTLY_FAULTS = (*_FAULTS, *_FAULTS, *_FAULTS, Reason.OK, Reason.AUTH_REJECTED, Reason.WATCHER)
"""For vantages that shall agree on offline now and then, as a quorum asks."""


def outcome(reason: Reason) -> Outcome:
    """The verdict that a prober would give for a reason."""
    return Outcome(STATE_OF[reason], reason, Rung.DESCRIBE)


@dataclass(frozen=True)
class History:
    """All that is known of one point."""

    runs: tuple[Run, ...]
    gaps: tuple[Gap, ...]


@st.composite
def runs_of(draw: st.DrawFn, vantage: str, most: int = 6, reasons: Sequence[Reason] = REASONS) -> list[Run]:
    """A vantage's runs, in order."""
    runs: list[Run] = []
    at = BASE + draw(st.integers(0, 12)) * MICROSECONDS + draw(st.sampled_from(FRACTIONS_US))
    for _ in range(draw(st.integers(0, most))):
        valid_s = draw(st.sampled_from((1, 2, 5, 10, 20)))
        count = draw(st.sampled_from((1, 1, 1, 2, 2, 3, 4)))
        longest = (count - 1) * valid_s * MICROSECONDS
        last = at
        if count > 1:
            spread = draw(st.sampled_from((longest, longest, count - 1, MICROSECONDS, None)))
            if spread is None:
                spread = draw(st.integers(1, longest // MICROSECONDS)) * MICROSECONDS
                spread -= draw(st.sampled_from(FRACTIONS_US))
            last = at + min(max(spread, count - 1), longest)
        verdict = outcome(draw(st.sampled_from(reasons)))
        runs.append(Run("p", vantage, Instant(at), Instant(last), count, verdict, valid_s))
        pause = draw(st.sampled_from(("valid", "valid", "soon", "second", "any")))
        if pause == "valid":
            at = last + valid_s * MICROSECONDS + draw(st.sampled_from((-MICROSECONDS, -1, 0, 0, 1, MICROSECONDS)))
        elif pause == "soon":
            at = last + draw(st.sampled_from((1, 500_000, 999_999)))
        elif pause == "second":
            at = (last // MICROSECONDS + 1) * MICROSECONDS + draw(st.sampled_from(FRACTIONS_US))
        else:
            at = last + draw(st.integers(1, 2 * valid_s)) * MICROSECONDS + draw(st.sampled_from(FRACTIONS_US))
        at = max(at, last + 1)
    return runs


@st.composite
def gaps_near(draw: st.DrawFn, runs: Sequence[Run], most: int = 3) -> list[Gap]:
    """Gaps that begin and end at the runs' own instants, a trifle beside them, anywhere, or never end."""
    anchors = sorted({BASE} | {run.first for run in runs} | {run.last for run in runs})
    beside = st.sampled_from((0, 0, 0, 1, -1, MICROSECONDS, -MICROSECONDS, 500_000))
    gaps: list[Gap] = []
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.sampled_from(anchors)) + draw(beside)
        kind = draw(st.sampled_from(("anchor", "anchor", "length", "length", "none", "open")))
        end: int | None = start
        if kind == "anchor":
            end = max(start, draw(st.sampled_from(anchors)) + draw(beside))
        elif kind == "length":
            end = start + draw(st.integers(0, 25)) * MICROSECONDS + draw(st.sampled_from(FRACTIONS_US))
        elif kind == "open":
            end = None
        point = draw(st.sampled_from((None, "p")))
        vantage = draw(st.sampled_from(VANTAGES))
        gaps.append(Gap(vantage, Instant(start), None if end is None else Instant(end), "watcher", point))
    return gaps


@st.composite
def histories(draw: st.DrawFn, vantages: int = 3, least: int = 1, reasons: Sequence[Reason] = REASONS) -> History:
    """Runs of `least` to `vantages` vantages with their gaps, in no particular order."""
    runs: list[Run] = []
    for vantage in VANTAGES[: draw(st.integers(least, vantages))]:
        runs += draw(runs_of(vantage, reasons=reasons))
    gaps = draw(gaps_near(runs))
    return History(tuple(draw(st.permutations(runs))), tuple(draw(st.permutations(gaps))))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Every mode, with limits that the generated runs reach, meet exactly and miss."""
    return Policy(
        confirm_samples=draw(st.sampled_from((1, 1, 2, 3, 4, 6))),
        minimum_outage_s=draw(st.sampled_from(LIMITS_S)),
        recovery_samples=draw(st.sampled_from((1, 1, 2, 3, 5))),
        minimum_recovery_s=draw(st.sampled_from(LIMITS_S)),
        unknown=draw(st.sampled_from(("excluded", "online", "offline"))),
        exclusions=draw(st.sampled_from(("out_of_both", "online", "counted"))),
        vantages=draw(st.sampled_from(("any_online", "any_online", "quorum"))),
        quorum=draw(st.integers(1, 3)),
        auth_rejected=draw(st.sampled_from(("unknown", "offline"))),
        minimum_coverage=draw(st.sampled_from((Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1)))),
    )


def spans(least: int = -10, most: int = 200) -> st.SearchStrategy[tuple[int, int]]:
    """Half-open seconds near the beginning of the histories, now and then without length."""
    instant = st.integers(max(0, least), min(50, most)) | st.integers(least, most)
    instants = st.tuples(instant, instant)
    return instants.map(lambda pair: (BASE_S + min(pair), BASE_S + max(pair)))


services = st.tuples(
    st.none() | st.integers(-5, 150).map(lambda s: BASE_S + s),
    st.none() | st.integers(0, 200).map(lambda s: BASE_S + s),
)


@st.composite
def rows(draw: st.DrawFn) -> list[Piece]:
    """A state file's rows: in order, apart or touching, the same state twice or not, with unlimited samples."""
    pieces: list[Piece] = []
    at = BASE_S + draw(st.integers(0, 5))
    for _ in range(draw(st.integers(0, 10))):
        end = at + draw(st.sampled_from((1, 2, 4, 5, 6, 10, 20)))
        pieces.append(Piece(at, end, draw(st.sampled_from(tuple(State))), None))
        at = end + draw(st.sampled_from((0, 0, 0, 0, 1, 5)))
    return pieces


@st.composite
def decisions(draw: st.DrawFn) -> list[Piece]:
    """Reclassifications near the histories, in no order; they may overlap and contradict one another."""
    pieces: list[Piece] = []
    for start, end in draw(st.lists(spans(-10, 120), max_size=4)):
        if start < end:
            pieces.append(Piece(start, end, draw(st.sampled_from((State.ONLINE, State.OFFLINE))), None))
    return pieces


def oracle_runs(runs: Sequence[Run]) -> list[oracle.Run]:
    """The same runs as the oracle's own values."""
    return [
        oracle.Run(r.vantage, r.first, r.last, r.count, str(r.outcome.state), str(r.outcome.reason), r.valid_s)
        for r in runs
    ]


def oracle_gaps(gaps: Sequence[Gap]) -> list[oracle.Gap]:
    """The same gaps as the oracle's own values."""
    return [oracle.Gap(g.vantage, g.start, g.end) for g in gaps]


def oracle_rules(policy: Policy) -> oracle.Rules:
    """The same policy as the oracle's own value."""
    return oracle.Rules(**{name: getattr(policy, name) for name in oracle.Rules._fields})


def split_run(run: Run, pieces: int) -> list[Run]:
    """The same samples, evenly spaced within the run, told as up to `pieces` runs that begin in different seconds."""
    if run.count < 2:
        return [run]
    steps = run.count - 1
    samples = [run.first + (run.last - run.first) * i // steps for i in range(run.count)]
    parts: list[list[int]] = [[samples[0]]]
    for sample in samples[1:]:
        if len(parts) < pieces and sample // MICROSECONDS > parts[-1][0] // MICROSECONDS:
            parts.append([sample])
        else:
            parts[-1].append(sample)
    return [replace(run, first=Instant(p[0]), last=Instant(p[-1]), count=len(p)) for p in parts]
