"""What a phase is paid for a quarter: its windows under the contract's reading and rules, exactly, before any rounding.

Order: exclusions (already in the facts) → per-point rules → pool → rate rule → events → repeats → de-duplicate by
incident → cap to [0, fee]; the statement rounds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, NamedTuple

from monitor.finding import Finding
from settlement.charges import ZERO, Charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.families.family import Item
from settlement.grounds import Grounds, Months
from settlement.judging import READING_RULE, Judged, NotCounted, judge, rules_of, runs_below
from settlement.notation import money, share
from settlement.punishing import Verdict
from settlement.rules import OnlineRate, PhaseFacts
from settlement.taking import Account


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule took in one window, after repeats, de-duplication and caps: exact fen, or points off the score.

    `formula` is its arithmetic before those; `items` are all that it looked at and punished, suppressed ones included.
    """

    rule: str
    kind: str
    title: str
    window: str
    unit: Literal["fen", "points"]
    amount: Fraction
    formula: str
    items: tuple[Item, ...] = ()
    for_faults: bool = True
    """Whether it is a deduction for faults (故障扣款) and not another one (其他考核扣款)."""


class PointShare(NamedTuple):
    """One point of a roster in a window: its exact full fee and payable, its outages, and the rules that took from it."""

    code: str
    full: Fraction
    payable: Fraction
    outages: int = 0
    offline_s: int = 0
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One window of a phase: exact fee and payable in fen, and all that lies between them.

    The fen of `results` add up to fee − payable. `rate` is the one that the reading or main rule judged: the pool's.
    `plain` says that the reading alone decides, so that the payable is the fee times its factor.
    """

    window: str
    months: Months
    fee: Fraction
    payable: Fraction
    rate: OnlineRate | None
    results: tuple[RuleResult, ...] = ()
    by_component: tuple[tuple[str, Fraction], ...] = ()
    by_point: tuple[PointShare, ...] = ()
    notices: tuple[Finding, ...] = ()
    plain: bool = False


def evaluate(
    terms: Terms, phase: Phase, quarter: Quarter, facts: PhaseFacts, basis: Charge, reading: Reading
) -> tuple[tuple[Evaluation, ...], list[Finding]]:
    """Evaluate each window of a phase's quarter that has a fee: three months or the quarter, as the contract says.

    Returns no evaluation at all, and findings of level "warning" that say why, where a window cannot be assessed or a
    rule looks at points that are not known.
    """
    if not basis.fee_fen:
        return (), []
    grounds = Grounds(terms, phase, quarter, facts, basis)
    lacking = _lacking(grounds)
    if lacking:
        return (), lacking
    try:
        judged = judge(grounds, reading)
    except NotCounted as caught:
        return (), [not_assessable(phase, caught.window)]
    done = [_taken(grounds, judged, months) for months in grounds.windows(terms.grain)]
    notices = (*_borne(grounds, judged), *_notices(grounds))
    if done and notices:
        done[-1] = replace(done[-1], notices=notices)
    return tuple(done), []


def not_assessable(phase: Phase, window: str) -> Finding:
    """Say that nothing was counted in a window."""
    return Finding(
        "",
        0,
        phase.id,
        f"{window} 无可计在线率，未结算 not assessable: nothing was counted, so the phase is not settled",
        "导入监测记录或给出在线率；按月结算的逐月给出 import observations or give a rate, for each month where months are settled",
        "warning",
    )


def _lacking(grounds: Grounds) -> list[Finding]:
    """Name the rules that look at single points where only a count or a rate is known."""
    if grounds.detailed:
        return []
    looking = rules_of(grounds.terms, grounds.phase, "point", "event", "score")
    names = [rule.id for rule, family in looking if family.stage == "point" or family.outages]
    return [
        Finding(
            "",
            0,
            grounds.phase.id,
            f"规则 {name} 逐点考核，而没有逐点数据，未结算 the rule looks at points, and only a count or a rate is known",
            "从数据库结算，不用 --count 与 --rate settle from the store",
            "warning",
        )
        for name in names
    ]


def _taken(grounds: Grounds, judged: Judged, months: Months) -> Evaluation:
    """Cap what the verdicts take in one of the contract's windows, and say what is left."""
    scoped = any(rule.components for rule, _ in rules_of(grounds.terms, grounds.phase, "point"))
    account = Account(grounds, months, judged.left, scoped=scoped)
    results: list[RuleResult] = []
    punished: dict[str, list[str]] = defaultdict(list)
    for verdict in judged.verdicts:
        if not set(verdict.months) & set(months):
            continue
        amount, items = _take(grounds, account, verdict)
        results.append(_result(verdict, amount, items))
        if verdict.judgement.unit == "fen":
            for item in items:
                if (
                    item.point
                    and item.amount
                    and not item.suppressed_by
                    and verdict.rule.id not in punished[item.point]
                ):
                    punished[item.point].append(verdict.rule.id)
    fee, payable = account.fee, account.payable
    only = [result for result in results if result.amount or result.rule == READING_RULE]
    plain = [result.rule for result in only] == [READING_RULE] and not judged.escalated and not judged.left
    return Evaluation(
        grounds.label(months),
        months,
        fee,
        payable,
        grounds.rate(months, account.left),
        tuple(results),
        account.by_component,
        _shares(grounds, account, months, punished),
        plain=plain,
    )


def _take(grounds: Grounds, account: Account, verdict: Verdict) -> tuple[Fraction, tuple[Item, ...]]:
    """Take a verdict off the account. Of a quarter's verdict each month bears the part of its fee."""
    part, items = Fraction(1), verdict.items
    if not set(verdict.months) <= set(account.months):
        whole = grounds.basis.fee(verdict.months, verdict.rule.components)
        part = grounds.basis.fee(account.months, verdict.rule.components) / whole if whole else ZERO
        items = tuple(
            item._replace(amount=item.amount * _part(grounds, account, verdict, item, part)) for item in items
        )
    if verdict.judgement.unit == "points":
        here = grounds.last_billed(verdict.months) in account.months
        return (verdict.amount if here else ZERO), items
    wanted = verdict.amount * part
    if verdict.judgement.items:
        wanted = sum((item.amount for item in items if not item.suppressed_by), ZERO)
    if not wanted:
        return ZERO, items
    limit = _limit(grounds, account, verdict, part)
    factor = Fraction(1) if limit is None or wanted <= limit else limit / wanted
    components = verdict.rule.components
    if verdict.family.stage == "rate":
        return account.take_from_pool(wanted * factor, components), items
    taken = ZERO
    for item in items:
        if item.amount and not item.suppressed_by:
            amount = item.amount * factor
            if verdict.family.stage == "point":
                taken += account.take_from_point(item.point, verdict.months, amount, components)
            else:
                taken += account.take(amount, components, item.point)
    if not verdict.judgement.items:
        taken = account.take(wanted * factor, components)
    return taken, items


def _part(grounds: Grounds, account: Account, verdict: Verdict, item: Item, part: Fraction) -> Fraction:
    """The part of a quarter's item that a month bears: by the point's own fee at the point stage."""
    if verdict.family.stage != "point":
        return part
    whole = grounds.point_fee(item.point, verdict.months, verdict.rule.components)
    return grounds.point_fee(item.point, account.months, verdict.rule.components) / whole if whole else ZERO


def _limit(grounds: Grounds, account: Account, verdict: Verdict, part: Fraction) -> Fraction | None:
    """The most that a rule may take in its window: its caps, and for a rate rule the pool's fee there."""
    rule = verdict.rule
    months = tuple(n for n in verdict.months if n in account.months)
    touched = (
        grounds.pool_fee(months, account.left, rule.components)
        if verdict.family.stage == "rate"
        else grounds.basis.fee(months, rule.components)
    )
    limits = [touched] if verdict.family.stage == "rate" else []
    if rule.cap_share is not None:
        limits.append(touched * rule.cap_share)
    if rule.cap_fen is not None:
        limits.append(rule.cap_fen * part)
    return min(limits, default=None)


def _result(verdict: Verdict, amount: Fraction, items: tuple[Item, ...]) -> RuleResult:
    formula = verdict.judgement.formula
    if verdict.judgement.unit == "fen" and amount != verdict.judgement.amount:
        formula = f"{formula}；计入 taken {money(amount)}"
    return RuleResult(
        verdict.rule.id,
        verdict.rule.kind,
        verdict.rule.title or verdict.family.name,
        verdict.label,
        verdict.judgement.unit,
        amount,
        formula,
        items,
        for_faults=verdict.family.stage in {"point", "rate"},
    )


def _shares(
    grounds: Grounds, account: Account, months: Months, punished: dict[str, list[str]]
) -> tuple[PointShare, ...]:
    """One line per billed point of a roster, by code."""
    if not grounds.lots:
        return ()
    own, others = account.point_payables()
    touched = grounds.touched(months)
    shares: list[PointShare] = []
    for lot, other in zip(grounds.basis.lots, others, strict=True):
        full = sum((lot.fee(n) for n in months), ZERO)
        if not full:
            continue
        for code in lot.codes:
            outages, offline_s = grounds.outages(code, months) if code in touched else (0, 0)
            rules = tuple(punished[code]) if code in punished else ()
            shares.append(PointShare(code, full, own.get(code, other), outages, offline_s, rules))
    return tuple(sorted(shares))


def _borne(grounds: Grounds, judged: Judged) -> tuple[Finding, ...]:
    """Say that a rate of all points was netted with what single points bear."""
    if not judged.borne:
        return ()
    message = (
        "在线率取自外来数，含已单独扣费的点位：按全部点位计扣，再减去这些点位故障所占部分 the rate is of all points, those "
        f"punished singly included: what their outages make up of its deduction is left out, {money(judged.borne)} 元"
    )
    return (Finding("", 0, grounds.phase.id, message, "同一故障不重复扣 no outage is punished twice", "warning"),)


def _notices(grounds: Grounds) -> tuple[Finding, ...]:
    """Say where a contract's limit of consecutive windows below a rate is reached in this quarter."""
    notices = []
    for clause in grounds.terms.breaches:
        line = grounds.terms.target if clause.below is None else clause.below
        own = {grounds.quarter.label, *grounds.labels}
        reached = [
            (label, run)
            for label, run in runs_below(grounds, clause.grain, clause.below)
            if label in own and run >= clause.consecutive
        ]
        for label, run in reached[-1:]:
            word = "个月 months" if clause.grain == "month" else "个季度 quarters"
            message = f"至 until {label} 连续 {run} {word} 在线率低于 below {share(line)}：{clause.text}"
            notices.append(Finding("", 0, grounds.phase.id, message, "书面通知供应商 notify the supplier", "warning"))
    return tuple(notices)
