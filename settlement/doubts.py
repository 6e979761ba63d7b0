"""What a measured rate leaves open: too little known, or unknown time that could carry it, or a single point, over a threshold.

A quarter with such a doubt is not closed unless somebody overrides it with a reason. Each doubt names the points whose
unknown time would decide it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from monitor.finding import Finding, InputError
from monitor.period import parse_period
from monitor.rates import Seconds, rate_of
from settlement.charges import charge
from settlement.contract import Reading, Terms
from settlement.daycount import Quarter
from settlement.facts import HOUR_S
from settlement.families.family import Over, RuleTerms, beyond
from settlement.families.registry import FAMILIES
from settlement.notation import number
from settlement.readings import percent
from settlement.rules import PhaseFacts

MAX_POINTS = 20
"""How many of the deciding points a finding names; a doubt holds them all."""


class DoubtfulError(InputError):
    """A quarter that cannot be closed as it stands; `doubts` hold every point that would decide it."""

    def __init__(self, doubts: Sequence[Doubt]) -> None:
        self.doubts = tuple(doubts)
        super().__init__(doubt.finding() for doubt in doubts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel with the doubts themselves."""
        return type(self), (self.doubts,)


class Measured(NamedTuple):
    """A phase's own measurement in one window (a month or the quarter): its seconds, and those of each point."""

    phase: str
    window: str
    grain: Literal["month", "quarter"]
    seconds: Seconds
    points: Mapping[str, Seconds]


class Threshold(NamedTuple):
    """A rate at which what is paid, or what is said of it, changes; `of` names whose it is.

    `over` "≥": the rate itself belongs to those above it; ">": to those below.
    """

    at: Fraction
    of: str
    over: Over = "≥"

    def parts(self, worst: Fraction, best: Fraction) -> bool:
        """Tell whether two rates lie on either side."""
        return beyond(best, self.over, self.at) and not beyond(worst, self.over, self.at)


class Limit(NamedTuple):
    """So many offline seconds of one point from which a rule punishes it, or punishes it otherwise."""

    seconds: Fraction
    over: Over
    rule: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a window cannot be closed. `points` are (code, unknown seconds), most unknown first.

    coverage: less is known than the contract asks for, and `points` would make up for it. straddle: the rate may lie on
    either side of the threshold; were `points` all online it would reach it, were they all offline it would not. Or each of
    `points` may by itself have failed for longer than a rule allows one point.
    nothing-counted: there is no rate at all.
    """

    kind: Literal["coverage", "straddle", "nothing-counted"]
    phase: str
    window: str
    message: str
    points: tuple[tuple[str, int], ...]

    def finding(self, level: str = "error") -> Finding:
        """Say it, with the first of the points."""
        named = "、".join(f"{code}（{unknown_s:,} s）" for code, unknown_s in self.points[:MAX_POINTS])
        more = len(self.points) - MAX_POINTS
        which = f"；须弄清的点位 points to clear up: {named}" if named else ""
        which += f" 等 and {more:,} more" if more > 0 else ""
        remedy = "补录监测缺失，或以 --override 理由 关账 import what is missing, or override with a reason"
        return Finding("", 0, f"{self.phase} {self.window}", self.message + which, remedy, level)


def thresholds(terms: Terms, phase: str, grain: Literal["month", "quarter"]) -> list[Threshold]:
    """Return the rates that matter to a phase's windows of a grain: target, reading, rules, escalations, breaches."""
    found: list[Threshold] = []
    if grain == terms.grain:
        found.append(Threshold(terms.target, "考核线 target"))
        if terms.reading is Reading.E and terms.prepay_share:
            found.append(Threshold(terms.prepay_share, "口径 reading E"))
    for rule in terms.rules:
        if rule.grain == grain and (not rule.phases or phase in rule.phases):
            family = FAMILIES[rule.kind]
            found += [
                Threshold(at, f"规则 rule {rule.id}", over) for at in family.thresholds(rule) for over in _sides(rule)
            ]
    below = [clause.below for clause in terms.escalations if clause.grain == grain]
    below += [clause.below for clause in terms.breaches if clause.grain == grain]
    found += [Threshold(terms.target if at is None else at, "连续低于 consecutive windows below") for at in below]
    first: dict[tuple[Fraction, bool], Threshold] = {}
    for threshold in found:
        first.setdefault((threshold.at, threshold.over == ">"), threshold)
    return [first[at] for at in sorted(first)]


def _sides(rule: RuleTerms) -> tuple[Over, ...]:
    """On which side of its thresholds a rule's bound lies; both are asked where it rounds what is missing of a rate."""
    if hasattr(rule, "rounding"):
        return ("≥", ">")
    over: Over = getattr(rule, "over", "≥")
    return (over,)


def limits(terms: Terms, phase: str, grain: Literal["month", "quarter"]) -> list[Limit]:
    """Return the offline seconds of one point that matter to a phase's rules of a grain.

    A class's own allowance is left out: a measurement does not tell the point's class.
    """
    found: list[Limit] = []
    for rule in terms.rules:
        family = FAMILIES[rule.kind]
        if rule.grain != grain or (rule.phases and phase not in rule.phases):
            continue
        if family.stage != "point" and not family.outages:
            continue
        flat = getattr(rule, "flat", None)
        for of, name in ((rule, "hours"), (rule, "free_hours"), (rule, "deadline_hours"), (flat, "hours")):
            hours = getattr(of, name, 0)
            if hours:
                found.append(Limit(Fraction(hours) * HOUR_S, getattr(of, "over", ">"), rule.id))
    return found


def doubts_of(terms: Terms, measured: Sequence[Measured]) -> list[Doubt]:
    """Return every doubt, in the order of what was measured."""
    found: list[Doubt] = []
    for item in measured:
        if not item.seconds.total() or _over(terms, item):
            continue  # nobody was in service, or the phase is paid no more
        rate = rate_of(item.seconds, terms.policy)
        unknown = _unknown(item)
        if rate.value is None:
            message = f"{item.window} 无可计在线率 not assessable: nothing was counted"
            found.append(Doubt("nothing-counted", item.phase, item.window, message, unknown))
            continue
        covered = _coverage(terms, item, unknown)
        if covered is not None:
            found.append(covered)
        found += _straddles(terms, item, unknown)
        found += _single(terms, item, unknown)
    return found


def _over(terms: Terms, item: Measured) -> bool:
    """Tell whether a window lies outside its phase's term."""
    phase, period = terms.phase(item.phase), parse_period(item.window)
    return phase is not None and (period.first >= phase.in_service_until or period.last < phase.in_service_from)


def _single(terms: Terms, item: Measured, unknown: tuple[tuple[str, int], ...]) -> list[Doubt]:
    """Ask the rules on points about each point at its worst and at its best."""
    found = []
    for limit in limits(terms, item.phase, item.grain) if unknown else ():
        open_points = tuple(
            (code, unknown_s)
            for code, unknown_s in unknown
            if beyond(item.points[code].offline + unknown_s, limit.over, limit.seconds)
            and not beyond(item.points[code].offline, limit.over, limit.seconds)
        )
        if open_points:
            message = (
                f"{len(open_points):,} 个点位的掉线时长可能{'超过' if limit.over == '>' else '达到'} "
                f"{number(limit.seconds / HOUR_S)} h（规则 rule {limit.rule}），无法判定 unknown time leaves open whether these "
                "points failed beyond the rule's limit"
            )
            found.append(Doubt("straddle", item.phase, item.window, message, open_points))
    return found


def unrated(terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts]) -> list[Doubt]:
    """Return a doubt for each phase that is billed in the quarter and has no rate at all."""
    return [
        Doubt("nothing-counted", phase.id, quarter.label, "有计费点位而无在线率 billed, but without a rate", ())
        for phase in terms.phases
        if (found := facts.get(phase.id)) is not None
        and found.rate is None
        and charge(terms, phase, quarter, found).fee_fen
    ]


def _unknown(item: Measured) -> tuple[tuple[str, int], ...]:
    rows = [(code, seconds.unknown) for code, seconds in item.points.items() if seconds.unknown]
    return tuple(sorted(rows, key=lambda row: (-row[1], row[0])))


def _coverage(terms: Terms, item: Measured, unknown: tuple[tuple[str, int], ...]) -> Doubt | None:
    known = item.seconds.online + item.seconds.offline
    asked = terms.policy.minimum_coverage * (known + item.seconds.unknown)
    if known >= asked:
        return None
    have = Fraction(known, known + item.seconds.unknown)
    message = (
        f"监测完整率 {percent(have)} 低于合同要求的 {percent(terms.policy.minimum_coverage)} "
        "coverage is below what the contract asks for"
    )
    return Doubt("coverage", item.phase, item.window, message, _until(unknown, asked - known))


def _straddles(terms: Terms, item: Measured, unknown: tuple[tuple[str, int], ...]) -> list[Doubt]:
    rate = rate_of(item.seconds, terms.policy)
    best, worst = rate.best, rate.worst
    if best is None or worst is None:
        return []
    found = []
    asked: set[Fraction] = set()
    for threshold in thresholds(terms, item.phase, item.grain):
        if threshold.at in asked or not threshold.parts(worst, best):
            continue
        asked.add(threshold.at)
        # With all of the base known, good must reach `at` of it: so much more is needed, or so much less is enough.
        base = item.seconds.unknown / (best - worst)
        needed = max(threshold.at * base - worst * base, best * base - threshold.at * base)
        message = (
            f"在线率下限 {percent(worst)}、上限 {percent(best)} 跨越 {percent(threshold.at)}（{threshold.of}），无法判定 "
            "unknown time leaves open on which side of the threshold the rate lies"
        )
        found.append(Doubt("straddle", item.phase, item.window, message, _until(unknown, needed)))
    return found


def _until(unknown: Sequence[tuple[str, int]], needed: Fraction) -> tuple[tuple[str, int], ...]:
    """Take the points with most unknown time until they make up `needed` seconds."""
    taken: list[tuple[str, int]] = []
    have = 0
    for row in unknown:
        taken.append(row)
        have += row[1]
        if have > needed:
            break
    return tuple(taken)
