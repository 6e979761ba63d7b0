"""A contract's rules as data: each read by its kind, and whether they fit each other, the phases and the reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from settlement.families.family import RuleTerms
from settlement.families.registry import FAMILIES
from settlement.figures import complaint

Place = tuple[str | int, ...]
Misfit = tuple[Place, PydanticCustomError]
SHORTEST_MONTH = 28
WINDOW = {"month": 1, "quarter": 3}
MOST_BACK = 60
"""So many months before a quarter are looked at; a contract that needs more is refused."""
RESERVED = frozenset({"reading"})
"""Ids that statements use for themselves."""


class PricedPhase(Protocol):
    """What rules ask of a phase."""

    @property
    def id(self) -> str: ...

    @property
    def component_names(self) -> frozenset[str]: ...


def again(detail: Any, *before: str | int) -> InitErrorDetails:
    """Carry an error along unchanged in kind and message, at its place within what is validated now."""
    context = {**detail.get("ctx", {}), "message": detail["msg"]}
    return InitErrorDetails(
        type=PydanticCustomError(detail["type"], "{message}", context),
        loc=(*before, *detail["loc"]),
        input=detail["input"],
    )


def read_rules(value: object, grain: str) -> tuple[RuleTerms, ...]:
    """Read each rule by its kind. ValidationError with every fault of every rule, each at its own key.

    A main rule judges the contract's own windows: it takes their grain unless it names one itself.
    """
    if not isinstance(value, list | tuple):
        raise complaint("tuple_type", "须为列表 must be a list", "每项一行，以 - 开头 one item a line, each after a -")
    rules: list[RuleTerms] = []
    wrong: list[InitErrorDetails] = []
    for n, row in enumerate(value):
        try:
            rules.append(_read(row, grain))
        except ValidationError as error:
            wrong += [again(detail, n) for detail in error.errors(include_url=False)]
        except _Misplaced as caught:
            wrong.append(InitErrorDetails(type=caught.error, loc=(n, *caught.place), input=None))
    wrong += [InitErrorDetails(type=error, loc=place, input=None) for place, error in _doubled(value)]
    if wrong:
        raise ValidationError.from_exception_data("rules", wrong)
    return tuple(rules)


class _Misplaced(Exception):  # carries one complaint to where it is collected
    def __init__(self, place: Place, error: PydanticCustomError) -> None:
        super().__init__(str(place))
        self.place, self.error = place, error


def _read(row: object, grain: str) -> RuleTerms:
    if isinstance(row, RuleTerms):
        return row
    if not isinstance(row, Mapping):
        raise _Misplaced(
            (), complaint("model_type", "须为键值映射 must be a mapping", "写成 write it like kind: point-elimination")
        )
    known = ", ".join(FAMILIES)
    kind = row.get("kind")
    if kind is None:
        raise _Misplaced(("kind",), complaint("missing", "缺少键 missing key: kind", f"可用 use one of {known}"))
    family = FAMILIES.get(kind) if isinstance(kind, str) else None
    if family is None:
        message = f"未知的规则种类 unknown rule kind: {str(kind)[:40]!r}"
        raise _Misplaced(("kind",), complaint("kind", message, f"可用 use one of {known}"))
    if family.main and "grain" not in row:
        row = {**row, "grain": grain}
    rule: RuleTerms = family.terms.model_validate(row)
    return rule


def _id(row: object) -> object:
    return row.id if isinstance(row, RuleTerms) else row.get("id") if isinstance(row, Mapping) else None


def _doubled(rows: Sequence[object]) -> Iterable[Misfit]:
    seen: set[str] = set()
    for n, row in enumerate(rows):
        name = _id(row)
        if not isinstance(name, str):
            continue
        if name in RESERVED:
            yield (n, "id"), complaint("duplicate", f"保留的编号 a reserved id: {name}", "换一个编号 use another id")
        elif name in seen:
            message = f"规则编号重复 duplicate rule id: {name}"
            yield (n, "id"), complaint("duplicate", message, "换一个编号 use another id")
        seen.add(name)


def event_kinds(rules: Iterable[RuleTerms]) -> frozenset[str]:
    """Return the kinds of events that rules count: what they name under `events`, `event`, or `points` by kind."""
    kinds: set[str] = set()
    for rule in rules:
        for name in ("events", "points"):
            named = getattr(rule, name, None)
            if isinstance(named, tuple | Mapping):
                kinds |= {str(kind) for kind in named}
        one = getattr(rule, "event", None)
        if isinstance(one, str):
            kinds.add(one)
    return frozenset(kinds)


class RunClause(Protocol):
    """What is asked of a clause about consecutive windows."""

    @property
    def consecutive(self) -> int: ...

    @property
    def grain(self) -> str: ...


def clause_back(clause: RunClause) -> int:
    """How many months before a quarter a clause about consecutive windows needs."""
    return (clause.consecutive - 1) * WINDOW[clause.grain]


def rule_back(rule: RuleTerms) -> int:
    """How many months before a quarter a rule needs, for repeats and for faults that come back: whole windows of its own."""
    days = [rule.repeat.within_days] if rule.repeat is not None else []
    days.append(ceil(getattr(rule, "remembered_hours", 0) / 24))
    return max(ceil(ceil(n / SHORTEST_MONTH) / WINDOW[rule.grain]) * WINDOW[rule.grain] for n in days)


def beyond_memory(
    rules: Sequence[RuleTerms], escalations: Sequence[RunClause], breaches: Sequence[RunClause]
) -> list[Misfit]:
    """Return where a contract looks further back than `MOST_BACK` months: what lies beyond would silently not count."""
    asked: list[tuple[Place, int]] = [
        (("rules", n, *(("repeat", "within_days") if rule.repeat is not None else ("again_hours",))), rule_back(rule))
        for n, rule in enumerate(rules)
    ]
    for name, clauses in (("escalations", escalations), ("breaches", breaches)):
        asked += [((name, n, "consecutive"), clause_back(clause)) for n, clause in enumerate(clauses)]
    return [
        (
            place,
            complaint(
                "too_far_back",
                f"须回看 {months} 个月，至多 {MOST_BACK} 个月 it looks {months} months back, at most {MOST_BACK} are kept",
                "缩短期限 shorten it",
            ),
        )
        for place, months in asked
        if months > MOST_BACK
    ]


def misfits(rules: Sequence[RuleTerms], phases: Sequence[PricedPhase], reading: str, grain: str) -> list[Misfit]:
    """Return how rules fail to fit the phases that they name and the reading beside them, each at its own key."""
    found: list[Misfit] = []
    ids = {phase.id for phase in phases}
    for n, rule in enumerate(rules):
        for k, name in enumerate(rule.phases):
            if name not in ids:
                message = f"未知的期次 unknown phase: {name}"
                remedy = f"合同的期次 the contract's phases: {', '.join(sorted(ids))}"
                found.append((("rules", n, "phases", k), complaint("phase", message, remedy)))
        judged = [phase for phase in phases if not rule.phases or phase.id in rule.phases]
        found += [(("rules", n, "components", k), error) for k, error in _components(rule, judged)]
    return found + _mains(rules, reading, grain)


def _components(rule: RuleTerms, phases: Sequence[PricedPhase]) -> Iterable[tuple[int, PydanticCustomError]]:
    for k, name in enumerate(rule.components):
        lacking = [phase for phase in phases if name not in phase.component_names]
        if lacking:
            known = sorted(set().union(*(phase.component_names for phase in lacking)))
            message = f"期次 {lacking[0].id} 没有这项费用 the phase has no such fee component: {name}"
            remedy = (
                f"可用 use one of {', '.join(known)}" if known else "写明费用构成，或用 phases 限定期次 add components"
            )
            yield k, complaint("component", message, remedy)


def _mains(rules: Sequence[RuleTerms], reading: str, grain: str) -> list[Misfit]:
    """A contract's pool is paid by a reading or by one main rule, and each phase by one of them."""
    found: list[Misfit] = []
    judged: dict[str, str] = {}
    for n, rule in enumerate(rules):
        if not FAMILIES[rule.kind].main:
            continue
        if reading != "none":
            message = f"规则 {rule.id} 决定应付，而合同另有口径 {reading} a main rule beside a reading"
            remedy = "写 reading: none，或删去该规则 write reading: none, or remove the rule"
            found.append((("rules", n, "kind"), complaint("main", message, remedy)))
        if rule.grain != grain:
            message = f"主规则的周期 {rule.grain} 与合同的 {grain} 不同 the main rule's grain is not the contract's"
            found.append(
                (("rules", n, "grain"), complaint("main", message, f"写 grain: {grain} 或删去 or leave it out"))
            )
        clash = next((judged[name] for name in (rule.phases or ("",)) if name in judged), judged.get(""))
        if judged and (clash or not rule.phases):
            other = clash or next(iter(judged.values()))
            message = f"两条主规则 two main rules for one phase: {other}, {rule.id}"
            remedy = "只留一条，或用 phases 分开 keep one, or part them by phases"
            found.append((("rules", n, "kind"), complaint("main", message, remedy)))
        judged.update(dict.fromkeys(rule.phases or ("",), rule.id))
    return found
