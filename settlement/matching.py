"""The authority's points against our ledger: who is who, and what stands on one side only.

A stranger, a missing point or a changed code is a reconciling item with both sides' figures, never an error: the
authority's file is what it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

from settlement.authority import Figure, Monthly, MonthsRule, Presence, Unit, months_in, plain_code, weighed
from settlement.daycount import Quarter
from settlement.facts import Share
from settlement.readings import percent

ItemKind = Literal[
    "stranger",
    "not-assessed",
    "missing",
    "recoded",
    "other-phase",
    "other-period",
    "conflict",
    "months-missing",
    "unknown-phase",
    "note",
]
ITEM_ZH: Mapping[str, str] = {
    "stranger": "对方有我方无 theirs, not ours",
    "not-assessed": "本季不考核 not assessed in the quarter",
    "missing": "我方有对方无 ours, not theirs",
    "recoded": "编码变更 code changed",
    "other-phase": "期次不同 another phase",
    "other-period": "期间重叠 periods overlap",
    "conflict": "数据矛盾 figures contradict",
    "months-missing": "缺月份 months missing",
    "unknown-phase": "未知期次 unknown phase",
    "note": "文件疑点 doubt about the file",
}


class LedgerPoint(NamedTuple):
    """A point of our ledger as the quarter has it. `days` are its days of service in the quarter's months.

    `device` is its GB code at the quarter's end, `former` all earlier ones. `ours` says that it counts for the contract.
    """

    code: str
    phase: str
    device: str
    former: tuple[str, ...]
    days: tuple[int, ...]
    ours: bool
    contract: str = ""

    @property
    def assessed(self) -> bool:
        """Tell whether the contract pays for it in the quarter."""
        return self.ours and any(self.days)


class Item(NamedTuple):
    """A reconciling item. `point` is our code, `theirs` the code as the file prints it; each empty on the other side.

    `figure` is their share (num, den as printed), `own` ours in counted seconds; None where there is none. Only with a
    unit other than "share" is den a denominator of theirs.
    """

    kind: ItemKind
    phase: str
    point: str
    theirs: str
    period: str
    figure: Share | None
    own: Share | None
    text: str
    file: str = ""
    line: int = 0
    unit: Unit = "share"


@dataclass(frozen=True, slots=True)
class Matched:
    """The authority's point figures under our codes, one per point and period, and what could not be matched plainly."""

    figures: Mapping[str, Mapping[str, Figure]]
    items: tuple[Item, ...]
    printed: Mapping[str, frozenset[str]]
    """By phase: the codes that the authority counts in it, strangers included."""


@dataclass(slots=True)
class _Directory:
    current: dict[str, LedgerPoint] = field(default_factory=dict)
    devices: dict[str, LedgerPoint] = field(default_factory=dict)
    former: dict[str, LedgerPoint] = field(default_factory=dict)

    def find(self, figure: Figure) -> tuple[LedgerPoint, bool] | None:
        """Return the point that a figure is of, and whether only by a code that it no longer has."""
        texts = [plain_code(text) for text in (figure.point, figure.device) if text]
        for names in (self.current, self.devices):
            for text in texts:
                if text in names:
                    return names[text], False
        for text in texts:
            if text in self.former:
                return self.former[text], True
        return None


def _directory(ledger: Iterable[LedgerPoint]) -> _Directory:
    # Points that the contract pays for come first: a code that two points had belongs to the one assessed now.
    found = _Directory()
    for point in sorted(ledger, key=lambda p: (not p.assessed, not p.ours, p.code)):
        found.current.setdefault(plain_code(point.code), point)
        if point.device:
            found.devices.setdefault(plain_code(point.device), point)
        for code in point.former:
            found.former.setdefault(plain_code(code), point)
    return found


def match(
    figures: Sequence[Figure],
    ledger: Sequence[LedgerPoint],
    phases: frozenset[str],
    own_of: Callable[[str], Share | None],
) -> Matched:
    """Find every point's figures. `phases` are the contract's; `own_of` gives our counted seconds of a point."""
    names = _directory(ledger)
    items: list[Item] = []
    said: set[tuple[str, str]] = set()
    grouped: dict[str, dict[str, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    printed: dict[str, set[str]] = defaultdict(set)
    for figure in figures:
        found = names.find(figure)
        point, former = found if found else (None, False)
        named = _phase_named(figure, point, phases)
        printed[named].add(plain_code(figure.code))
        about = _about(figure, point, former)
        if about is not None:
            kind, text = about
            if (kind, plain_code(figure.code)) not in said:
                said.add((kind, plain_code(figure.code)))
                own = own_of(point.code) if point is not None else None
                items.append(_item(kind, figure, point, named, own, text))
        if point is not None and point.assessed:
            grouped[point.code][figure.period].append(figure)
    settled: dict[str, dict[str, Figure]] = {}
    for code, periods in sorted(grouped.items()):
        settled[code] = {}
        for period, several in sorted(periods.items()):
            if len({figure.value for figure in several}) > 1:
                items.append(_conflict(code, several, own_of(code)))
                continue
            settled[code][period] = several[0]
    return Matched(settled, tuple(items), {phase: frozenset(codes) for phase, codes in printed.items()})


def _phase_named(figure: Figure, point: LedgerPoint | None, phases: frozenset[str]) -> str:
    """The phase that the authority counts a point in: as it says, else by our ledger, else the only one there is."""
    if figure.phase in phases:
        return figure.phase
    if point is not None and point.ours:
        return point.phase
    return next(iter(phases)) if len(phases) == 1 and not figure.phase else ""


def _about(figure: Figure, point: LedgerPoint | None, former: bool) -> tuple[ItemKind, str] | None:
    if point is None:
        name = f"（{figure.name}）" if figure.name else ""
        return "stranger", f"台账中没有{name} the ledger does not know it"
    if not point.assessed:
        where = f"属合同 of contract {point.contract}" if not point.ours and point.contract else "本季不在服务期"
        return "not-assessed", f"{where} not paid for under this contract in the quarter"
    if former:
        now = point.device or point.code
        return "recoded", f"原编码，现为 {now} a former code, now {now}"
    if figure.phase and figure.phase != point.phase:
        return "other-phase", f"对方列入 theirs {figure.phase}，台账为 ours {point.phase}；按台账计 the ledger counts"
    return None


def _item(kind: ItemKind, figure: Figure, point: LedgerPoint | None, phase: str, own: Share | None, text: str) -> Item:
    return Item(
        kind,
        point.phase if point is not None and point.ours else phase,
        point.code if point is not None else "",
        figure.code,
        figure.period,
        Share(figure.num, figure.den),
        own,
        text,
        figure.file,
        figure.line,
        figure.unit,
    )


def _conflict(code: str, several: Sequence[Figure], own: Share | None) -> Item:
    first = several[0]
    said = "，".join(f"{figure.text}（第 {figure.line} 行 line）" for figure in several[:5])
    text = f"{len(several)} 行互相矛盾，均不采用 lines contradict each other, none is used: {said}"
    return Item("conflict", first.phase, code, first.code, first.period, None, own, text, first.file, first.line)


def quarter_of_point(
    quarter: Quarter, point: LedgerPoint, figures: Mapping[str, Figure], rule: MonthsRule
) -> tuple[Fraction, Item | None] | None:
    """Return a point's quarter rate as the authority has it, and an item if it lacks months; None without any figure."""
    whole = figures.get(quarter.label)
    if whole is not None:
        return whole.value, None
    labels = months_in(quarter)
    months = [Monthly(label, figures[label].value, 1) for label in labels if label in figures]
    if not months:
        return None
    present = {
        label: Presence(1 if label in figures else 0, days)
        for label, days in zip(labels, point.days, strict=True)
        if days or label in figures
    }
    made = weighed(quarter, months, rule, present)
    if made is None:
        return None
    value = made[0]
    lacking = [label for label, days in zip(labels, point.days, strict=True) if days and label not in figures]
    if not lacking:
        return value, None
    text = f"缺 {'、'.join(lacking)}，按有数的月份计 the rate is that of the other months: {percent(value)}"
    first = figures[months[0].period]
    return value, Item(
        "months-missing", point.phase, point.code, first.code, quarter.label, None, None, text, first.file, first.line
    )


def missing_items(
    quarter: Quarter,
    assessed: Iterable[LedgerPoint],
    known: Mapping[str, object],
    own_of: Callable[[str], Share | None],
) -> list[Item]:
    """Name those of a phase's assessed points of which the authority has no figure."""
    text = "对方文件中没有 the authority's files do not name it"
    return [
        Item("missing", point.phase, point.code, "", quarter.label, None, own_of(point.code), text)
        for point in sorted(assessed, key=lambda p: p.code)
        if point.code not in known
    ]
