"""The authority's rate of a phase in a quarter: from its phase figures, or from those of its points, by the contract's rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from settlement.authority import (
    NOBODY,
    Figure,
    Monthly,
    MonthsRule,
    Presence,
    Quarterly,
    months_in,
    plain_code,
    pooled,
    quarter_of_months,
)
from settlement.daycount import Quarter
from settlement.facts import Share
from settlement.matching import Item, LedgerPoint, Matched

Level = Literal["phase", "point"]


class AuthorityRate(NamedTuple):
    """A phase's rate as the authority has it. `points` is its own count of points, `printed` its rate with strangers.

    `level` says what the rate was made from, `months` are its months where the authority gives them. `files` are the
    digests of the files whose figures entered, sorted.
    """

    quarterly: Quarterly
    level: Level
    points: int | None
    printed: Fraction | None
    files: tuple[str, ...]
    months: tuple[tuple[str, Fraction], ...] = ()

    @property
    def value(self) -> Fraction:
        """The exact rate."""
        return self.quarterly.value


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """The authority's figures of phases by phase and period, one each, and what was wrong with the others."""

    by_phase: Mapping[str, Mapping[str, Figure]]
    items: tuple[Item, ...]


def phase_figures(figures: Iterable[Figure], phases: Sequence[str]) -> PhaseFigures:
    """Sort the figures that are of phases. A file that names no phase means the only one of a contract of one."""
    grouped: dict[str, dict[str, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    items: list[Item] = []
    unknown: set[str] = set()
    for figure in figures:
        if figure.of_point:
            continue
        name = figure.phase or (phases[0] if len(phases) == 1 else "")
        if name in phases:
            grouped[name][figure.period].append(figure)
        elif name not in unknown:
            unknown.add(name)
            word = name or "（未写 none named）"
            text = f"期次 {word} 不是合同的期次 not a phase of the contract: {', '.join(phases)}"
            items.append(_phase_item("unknown-phase", name, figure, Share(figure.num, figure.den), text))
    chosen: dict[str, dict[str, Figure]] = {}
    for phase, periods in grouped.items():
        chosen[phase] = {}
        for period, several in sorted(periods.items()):
            if len({figure.value for figure in several}) == 1:
                chosen[phase][period] = several[0]
                continue
            said = "，".join(f"{figure.text}（第 {figure.line} 行 line）" for figure in several[:5])
            text = f"{len(several)} 个数互相矛盾，均不采用 figures contradict each other, none is used: {said}"
            items.append(_phase_item("conflict", phase, several[0], None, text))
    return PhaseFigures(chosen, tuple(items))


def _phase_item(
    kind: Literal["unknown-phase", "conflict"], phase: str, figure: Figure, share: Share | None, text: str
) -> Item:
    return Item(kind, phase, "", "", figure.period, share, None, text, figure.file, figure.line)


def presence_of(quarter: Quarter, phase: str, ledger: Iterable[LedgerPoint]) -> dict[str, Presence]:
    """Count a phase's assessed points and their days by month; empty where the ledger has none of them."""
    labels = months_in(quarter)
    points, days = [0] * len(labels), [0] * len(labels)
    for point in ledger:
        if point.phase == phase and point.assessed:
            for n, served in enumerate(point.days):
                points[n] += served > 0
                days[n] += served
    if not any(points):
        return {}
    return {label: Presence(points[n], days[n]) for n, label in enumerate(labels)}


def rate_from_phase(
    quarter: Quarter, figures: Mapping[str, Figure], rule: MonthsRule, presence: Mapping[str, Presence]
) -> AuthorityRate | None:
    """Take the quarter's own figure if there is one, else make it of the months."""
    whole = figures.get(quarter.label)
    months = [
        Monthly(label, figures[label].value, figures[label].points) for label in months_in(quarter) if label in figures
    ]
    rates = tuple((month.period, month.value) for month in months)
    if whole is not None:
        counted = None if whole.unit == "share" else whole.den
        quarterly = Quarterly(
            whole.value, f"季度数 the quarter's figure: {whole.text}", whole.unit, counted, whole.points
        )
        return AuthorityRate(quarterly, "phase", whole.points, None, (whole.file,), rates)
    made = quarter_of_months(quarter, months, rule, presence)
    if made is None:
        return None
    files = tuple(sorted({figures[month.period].file for month in months}))
    return AuthorityRate(made, "phase", made.points, None, files, rates)


def missing_months(quarter: Quarter, figures: Mapping[str, Figure], presence: Mapping[str, Presence]) -> list[str]:
    """Name the months in which the phase was there and of which no figure came; none where the quarter's came."""
    if quarter.label in figures:
        return []
    return [
        label
        for label in months_in(quarter)
        if label not in figures and (not presence or presence.get(label, NOBODY).points)
    ]


def rate_from_points(
    quarter: Quarter,
    phase: str,
    matched: Matched,
    figures: Sequence[Figure],
    ledger: Sequence[LedgerPoint],
    rule: MonthsRule,
) -> AuthorityRate | None:
    """Make a phase's rate of its points' figures: pooled per month over the points that both sides have, then by the rule.

    Points that only the authority has are left out of it; `printed` is what its own list, strangers included, comes to.
    """
    ours = [point for point in ledger if point.phase == phase and point.assessed]
    by_code = {point.code: matched.figures[point.code] for point in ours if point.code in matched.figures}
    days = {point.code: point.days for point in ours}
    made, months = _of_points(quarter, by_code, days, rule)
    if made is None:
        return None
    codes = matched.printed.get(phase, frozenset())
    printed = None
    if len(codes) != len(by_code):
        everything: dict[str, dict[str, Figure]] = defaultdict(dict)
        for figure in figures:
            if plain_code(figure.code) in codes:
                everything[plain_code(figure.code)].setdefault(figure.period, figure)
        whole, _ = _of_points(quarter, everything, None, rule)
        printed = None if whole is None else whole.value
    files = tuple(sorted({figure.file for periods in by_code.values() for figure in periods.values()}))
    return AuthorityRate(made, "point", len(codes), printed, files, tuple((m.period, m.value) for m in months))


def _of_points(
    quarter: Quarter,
    by_code: Mapping[str, Mapping[str, Figure]],
    days: Mapping[str, tuple[int, ...]] | None,
    rule: MonthsRule,
) -> tuple[Quarterly | None, list[Monthly]]:
    whole = {code: periods[quarter.label] for code, periods in by_code.items() if quarter.label in periods}
    if whole:
        served = None if days is None or rule != "by-point-days" else {code: sum(d) for code, d in days.items()}
        return _pool(whole, served), []
    months: list[Monthly] = []
    presence: dict[str, Presence] = {}
    for n, label in enumerate(months_in(quarter)):
        there = {code: periods[label] for code, periods in by_code.items() if label in periods}
        served = None if days is None or rule != "by-point-days" else {code: d[n] for code, d in days.items()}
        month = _pool(there, served)
        needed = len(there) if days is None else sum(d[n] > 0 for d in days.values())
        presence[label] = Presence(needed, 0 if days is None else sum(d[n] for d in days.values()))
        if month is not None:
            months.append(Monthly(label, month.value, len(there)))
    made = quarter_of_months(quarter, months, rule, presence)
    return (None if made is None else Quarterly(made.value, made.how, points=len(by_code))), months


def _pool(figures: Mapping[str, Figure], days: Mapping[str, int] | None) -> Quarterly | None:
    """Pool figures that stand under our codes; `days` are by those codes too."""
    named = [figure._replace(point=code) for code, figure in figures.items()]
    return pooled(named, days)


def disagreement(
    quarter: Quarter, phase: str, figures: Mapping[str, Figure], rule: MonthsRule, presence: Mapping[str, Presence]
) -> Item | None:
    """Return an item where the authority gives a quarter and its months, and the months make another rate."""
    whole = figures.get(quarter.label)
    if whole is None:
        return None
    months = rate_from_phase(quarter, {k: v for k, v in figures.items() if k != quarter.label}, rule, presence)
    # A printed rate is rounded or cut: one unit of its last digit is no disagreement.
    if months is None or abs(months.value - whole.value) <= Fraction(1, whole.den):
        return None
    text = f"季度数 {whole.text} 与各月不符，采用季度数 the quarter's figure is used, its months make {months.quarterly.how}"
    share = Share(whole.num, whole.den)
    return Item("other-period", phase, "", "", quarter.label, share, None, text, whole.file, whole.line)
