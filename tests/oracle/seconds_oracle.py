"""A second implementation of the timeline algorithm and the rates, as plain as it can be made.

It holds one entry per second in lists and walks them; nothing is clever and nothing is fast. It was written from the
text of the data model alone, imports nothing of the product, and exists so that the product can be compared with it.
The step numbers are those of the data model. Where its text leaves a choice, the choice is written down here:

R1  Quantising comes first and everything else is asked of whole seconds, with one exception: whether a sample lies
    before, inside or after a gap is settled by their instants, since rounding must not put the first result after a
    crash, at which the crash's gap ends, into that gap. Its second is the gap's all the same. A gap without length at
    a fractional instant blinds its second, and at a whole second it is dropped and blinds nothing.
R2  A gap is "after last" when it starts in the second of the last sample or later.
R3  Behind a gap that lies between a run's first and last sample "its next sample" is not stored. No two samples are
    further apart than valid_s, so it came valid_s after the gap's end at the latest, and with the last one at the
    latest: from then on the state is known. Behind a gap after which the run has no sample nothing is held.
R4  Where samples must be divided among pieces, a run's are taken as evenly spaced from the second of the first to that
    of the last. Those inside gaps are lost. One in a second that its run does not rule (a later run won it, or R3
    leaves it unknown) counts in the next second that the run rules, else in the one before, with no gap between. A
    vantage's count in a merged piece is the number of its samples that have the piece's state, the piece's count is the
    largest of these, and at least 1: a piece that only holds a verdict rests on that verdict's sample.
R5  Quorum changes offline only: online if any vantage is online; else offline if at least `quorum` vantages are.
R6  "The piece before" and "the piece after" touch the chain directly. Before the first and behind the last knowledge
    the state is unknown.
R7  A piece that step 6 turns over keeps its samples, which then count for recovery as samples of its new state.
R8  An outage after step 7 is a maximal chain of what is offline then; a turned-over recovery joins its neighbours.
    Nothing is tested again.
R9  A chain is open when no online second follows its last offline second, judged on step 5's states.
R10 best and worst start from good and counted before the unknown seconds are treated; the null test and the verdict's
    `counted = 0` look at counted after it. Where |T| - |X| is 0 there is nothing to cover, and coverage is not below
    any minimum.
R11 The same run given twice is one run.
R12 A reclassification says a state for a span of whole seconds. It is asked once the vantages are merged, only of seconds
    that are unknown then; where several speak, online is believed before offline. A piece of step 5 in which any second
    was reclassified has samples without limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

ONLINE, OFFLINE, UNKNOWN = "online", "offline", "unknown"
MICROSECONDS = 1_000_000
UNLIMITED = 10**12


@dataclass(frozen=True)
class Run:
    """Instants in microseconds."""

    vantage: str
    first: int
    last: int
    count: int
    state: str
    reason: str
    valid_s: int


class Gap(NamedTuple):
    """Instants in microseconds; an end of None is still open."""

    vantage: str
    start: int
    end: int | None


class Rules(NamedTuple):
    """The policy, by the data model's names."""

    confirm_samples: int = 3
    minimum_outage_s: int = 0
    recovery_samples: int = 1
    minimum_recovery_s: int = 0
    unknown: str = "excluded"
    exclusions: str = "out_of_both"
    vantages: str = "any_online"
    quorum: int = 2
    auth_rejected: str = "unknown"
    minimum_coverage: Fraction = Fraction(0)


class Seconds(NamedTuple):
    """Step 10's four sums."""

    online: int
    offline: int
    unknown: int
    excluded: int


class Figures(NamedTuple):
    """Step 10's results: good and counted after the unknown seconds are treated."""

    good: int
    counted: int
    rate: Fraction | None
    best: Fraction | None
    worst: Fraction | None


class Outage(NamedTuple):
    """Whole seconds, half-open."""

    start: int
    end: int
    offline: tuple[tuple[int, int], ...]


class History:
    """The states second by second, from `start` on; every second outside is unknown."""

    def __init__(self, start: int, states: list[str], samples: list[int]) -> None:
        """`samples` gives for each second the sample count of the step 5 piece that it belongs to."""
        self.start = start
        self.merged = list(states)
        self.samples = list(samples)
        self.piece = number_pieces(states)
        self.states = list(states)

    def at(self, second: int) -> str:
        """The final state of a second."""
        index = second - self.start
        return self.states[index] if 0 <= index < len(self.states) else UNKNOWN

    def outages(self) -> list[Outage]:
        """Step 8."""
        found = []
        for chain in chains(self.states, OFFLINE, ONLINE):
            spans: list[tuple[int, int]] = []
            for index in chain:
                second = self.start + index
                if spans and spans[-1][1] == second:
                    spans[-1] = (spans[-1][0], second + 1)
                else:
                    spans.append((second, second + 1))
            found.append(Outage(spans[0][0], spans[-1][1], tuple(spans)))
        return found

    def open_chain(self) -> bool:
        """Whether the data end before anything online followed the last offline second."""
        known = [state for state in self.merged if state != UNKNOWN]
        return bool(known) and known[-1] == OFFLINE


def number_pieces(states: Sequence[str]) -> list[int]:
    """For each second, the number of the maximal stretch of equal states that it belongs to."""
    numbers: list[int] = []
    number = 0
    for index, state in enumerate(states):
        if index > 0 and state != states[index - 1]:
            number += 1
        numbers.append(number)
    return numbers


def floor_s(instant: int) -> int:
    """The second that an instant lies in."""
    return instant // MICROSECONDS


def ceil_s(instant: int) -> int:
    """The first whole second that is not before the instant."""
    second = instant // MICROSECONDS
    return second if second * MICROSECONDS == instant else second + 1


def state_of(run: Run, rules: Rules) -> str:
    """A run's state under the contract's treatment of rejected passwords."""
    if run.reason == "auth-rejected" and rules.auth_rejected == "offline":
        return OFFLINE
    return run.state


def is_empty(gap: Gap) -> bool:
    """Whether nothing is left of a gap when it is quantised, so that it is dropped (step 1)."""
    return gap.end is not None and floor_s(gap.start) >= ceil_s(gap.end)


def blind_seconds(gaps: Sequence[Gap], start: int, end: int) -> list[bool]:
    """For each second of [start, end), whether a gap of these covers it (step 1)."""
    blind = [False] * (end - start)
    for gap in gaps:
        gap_end = end if gap.end is None else ceil_s(gap.end)
        for second in range(floor_s(gap.start), gap_end):
            if start <= second < end:
                blind[second - start] = True
    return blind


def known_after(run: Run, gaps: Sequence[Gap], gap_end: int) -> int | None:
    """The first second from which a run's state is known behind the gap that ends with second `gap_end` - 1.

    None if the run has no sample behind it (R1, R3).
    """
    instant = max(gap.end for gap in gaps if gap.end is not None and ceil_s(gap.end) == gap_end)
    if run.first >= instant:
        return gap_end
    if run.last < instant:
        return None
    return min(max(floor_s(run.last), gap_end), gap_end + run.valid_s)


def ruling_runs(runs: Sequence[Run], gaps: Sequence[Gap], start: int, end: int) -> list[Run | None]:
    """Step 3 for one vantage: for each second of [start, end), the run whose state holds in it."""
    blind = blind_seconds(gaps, start, end)
    ruling: list[Run | None] = []
    for second in range(start, end):
        newest = None
        for run in runs:
            if floor_s(run.first) <= second:
                newest = run
        if newest is None or blind[second - start]:
            ruling.append(None)
            continue
        holds = second <= floor_s(newest.last) or second < floor_s(newest.last) + newest.valid_s
        blinded = [s for s in range(floor_s(newest.first), second) if blind[s - start]]
        if holds and blinded:
            known = known_after(newest, gaps, blinded[-1] + 1)
            holds = known is not None and second >= known
        ruling.append(newest if holds else None)
    return ruling


def sample_seconds(run: Run) -> list[int]:
    """The seconds of a run's samples, evenly spaced (R4)."""
    first, last = floor_s(run.first), floor_s(run.last)
    if run.count == 1:
        return [first]
    return [first + (last - first) * number // (run.count - 1) for number in range(run.count)]


def sample_homes(
    runs: Sequence[Run], gaps: Sequence[Gap], ruling: Sequence[Run | None], start: int, end: int
) -> list[int]:
    """For each second of [start, end), how many of one vantage's samples count in it (R4)."""
    blind = blind_seconds(gaps, start, end)
    homes = [0] * (end - start)
    for run in runs:
        for number, second in enumerate(sample_seconds(run)):
            if blind[second - start]:
                known = run.last if number == run.count - 1 else run.first
                inside = [
                    gap
                    for gap in gaps
                    if floor_s(gap.start) <= second and (gap.end is None or ceil_s(gap.end) > second)
                ]
                if any(gap.end is None or known < gap.end for gap in inside):
                    continue
            home = second
            while home < end and ruling[home - start] is not run and not (home > second and blind[home - start]):
                home += 1
            if home == end or ruling[home - start] is not run:
                home = second
                while home >= start and ruling[home - start] is not run and not blind[home - start]:
                    home -= 1
            if home >= start and ruling[home - start] is run:
                homes[home - start] += 1
    return homes


def merged_state(states: Sequence[str], rules: Rules) -> str:
    """Step 4 for one second: the states are one for each vantage."""
    if ONLINE in states:
        return ONLINE
    needed = rules.quorum if rules.vantages == "quorum" else 1
    return OFFLINE if states.count(OFFLINE) >= needed else UNKNOWN


def said_of(second: int, reclassified: Sequence[tuple[int, int, str]]) -> str:
    """What reclassifications (start, end, state) say of an unknown second (R12)."""
    said = {state for start, end, state in reclassified if start <= second < end}
    return ONLINE if ONLINE in said else OFFLINE if OFFLINE in said else UNKNOWN


def history(
    runs: Sequence[Run], gaps: Sequence[Gap], rules: Rules, reclassified: Sequence[tuple[int, int, str]] = ()
) -> History:
    """Steps 1 to 7 for one point."""
    if not runs and not reclassified:
        return History(0, [], [])
    start = min([floor_s(run.first) for run in runs] + [row[0] for row in reclassified])
    end = max([floor_s(run.last) + run.valid_s for run in runs] + [row[1] for row in reclassified]) + 1
    ruling: dict[str, list[Run | None]] = {}
    homes: dict[str, list[int]] = {}
    for vantage in sorted({run.vantage for run in runs}):
        its_runs = sorted({run for run in runs if run.vantage == vantage}, key=lambda run: run.first)
        its_gaps = [gap for gap in gaps if gap.vantage == vantage and not is_empty(gap)]
        ruling[vantage] = ruling_runs(its_runs, its_gaps, start, end)
        homes[vantage] = sample_homes(its_runs, its_gaps, ruling[vantage], start, end)
    states = []
    for index in range(end - start):
        seen = [ruling[vantage][index] for vantage in ruling]
        states.append(merged_state([state_of(run, rules) for run in seen if run is not None], rules))
    decided = [False] * len(states)
    for index, state in enumerate(states):
        if state == UNKNOWN:
            states[index] = said_of(start + index, reclassified)
            decided[index] = states[index] != UNKNOWN

    # Step 5: the count of each maximal piece.
    pieces = number_pieces(states)
    samples = [0] * len(states)
    for number in sorted(set(pieces)):
        inside = [index for index in range(len(states)) if pieces[index] == number]
        largest = 1
        for vantage, rulers in ruling.items():
            agreeing = 0
            for index in inside:
                ruler = rulers[index]
                if ruler is not None and state_of(ruler, rules) == states[index]:
                    agreeing += homes[vantage][index]
            largest = max(largest, agreeing)
        if any(decided[index] for index in inside):
            largest = UNLIMITED
        for index in inside:
            samples[index] = largest
    return confirmed(History(start, states, samples), rules)


def history_of_rows(rows: Sequence[tuple[int, int, str]], rules: Rules) -> History:
    """Steps 5 to 7 for a state file's rows (start, end, state): each is a piece with unlimited samples."""
    rows = [row for row in rows if row[0] < row[1]]
    if not rows:
        return History(0, [], [])
    start = min(row[0] for row in rows)
    states = [UNKNOWN] * (max(row[1] for row in rows) - start)
    for first, end, state in rows:
        for second in range(first, end):
            states[second - start] = state
    return confirmed(History(start, states, [UNLIMITED] * len(states)), rules)


def chains(states: Sequence[str], wanted: str, other: str) -> list[list[int]]:
    """The indexes of the `wanted` seconds, chain by chain: only a second of `other` ends a chain."""
    found: list[list[int]] = []
    current: list[int] = []
    for index, state in enumerate(states):
        if state == wanted:
            current.append(index)
        elif state == other and current:
            found.append(current)
            current = []
    if current:
        found.append(current)
    return found


def passes(history: History, chain: Sequence[int], minimum_s: int, minimum_samples: int) -> bool:
    """Whether a chain's own seconds and the samples of its own pieces reach both limits."""
    samples = {history.piece[index]: history.samples[index] for index in chain}
    return len(chain) >= minimum_s and sum(samples.values()) >= minimum_samples


def sides(states: Sequence[str], chain: Sequence[int]) -> tuple[str, str]:
    """The states directly before and directly behind a chain."""
    before, after = chain[0] - 1, chain[-1] + 1
    return (states[before] if before >= 0 else UNKNOWN, states[after] if after < len(states) else UNKNOWN)


def confirmed(history: History, rules: Rules) -> History:
    """Steps 6 and 7, in place on a history that has its step 5 states."""
    before = list(history.states)
    for chain in chains(before, OFFLINE, ONLINE):
        if not passes(history, chain, rules.minimum_outage_s, rules.confirm_samples):
            becomes = ONLINE if sides(before, chain) == (ONLINE, ONLINE) else UNKNOWN
            for index in chain:
                history.states[index] = becomes
    before = list(history.states)
    for chain in chains(before, ONLINE, OFFLINE):
        fails = not passes(history, chain, rules.minimum_recovery_s, rules.recovery_samples)
        if fails and sides(before, chain) == (OFFLINE, OFFLINE):
            for index in chain:
                history.states[index] = OFFLINE
    return history


def measure(
    history: History,
    window: tuple[int, int],
    service: tuple[int | None, int | None],
    exclusions: Sequence[tuple[int, int]],
    rules: Rules,
) -> Seconds:
    """Steps 9 and 10: cut what is already judged, and count each second of it in one of four sums."""
    sums = {ONLINE: 0, OFFLINE: 0, UNKNOWN: 0, "excluded": 0}
    for second in range(*window):
        if service[0] is not None and second < service[0]:
            continue
        if service[1] is not None and second >= service[1]:
            continue
        excluded = any(start <= second < end for start, end in exclusions)
        if excluded and rules.exclusions != "counted":
            sums["excluded"] += 1
        else:
            sums[history.at(second)] += 1
    return Seconds(sums[ONLINE], sums[OFFLINE], sums[UNKNOWN], sums["excluded"])


def ratio(part: int, whole: int) -> Fraction | None:
    """A fraction, or None of nothing."""
    return Fraction(part, whole) if whole else None


def figures(seconds: Seconds, rules: Rules) -> Figures:
    """Step 10's fractions."""
    good = seconds.online
    counted = seconds.online + seconds.offline
    if rules.exclusions == "online":
        good += seconds.excluded
        counted += seconds.excluded
    best = ratio(good + seconds.unknown, counted + seconds.unknown)
    worst = ratio(good, counted + seconds.unknown)
    if rules.unknown == "online":
        good += seconds.unknown
        counted += seconds.unknown
    elif rules.unknown == "offline":
        counted += seconds.unknown
    return Figures(good, counted, ratio(good, counted), best, worst)


def verdict(seconds: Seconds, rules: Rules, target: Fraction) -> str:
    """Step 11."""
    result = figures(seconds, rules)
    known = seconds.online + seconds.offline
    assessed = known + seconds.unknown
    if result.counted == 0 or result.best is None or result.worst is None:
        return "not-assessable"
    if assessed > 0 and Fraction(known, assessed) < rules.minimum_coverage:
        return "not-assessable"
    if result.worst >= target:
        return "met"
    if result.best < target:
        return "missed"
    return "undecided"
