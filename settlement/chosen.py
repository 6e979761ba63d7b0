"""Which online rate pays a phase: ours, the authority's, the lower or the higher one, and what holds if none came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple

from monitor.finding import Finding
from settlement.authority_rates import AuthorityRate
from settlement.clauses import AuthorityClause
from settlement.daycount import Quarter
from settlement.readings import percent
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts

Source = Literal["own", "authority", "provisional-own", "prepay-only", "waits", "none"]
SOURCE_ZH: Mapping[str, str] = {
    "own": "系统监测 own measurement",
    "authority": "公安核定 the authority's",
    "provisional-own": "暂按系统监测 own, provisionally",
    "prepay-only": "只付预付款 prepayment only",
    "waits": "等待公安数据 waits for the authority",
    "none": "无可用在线率 no rate",
}


class Chosen(NamedTuple):
    """The rate that pays a phase and where it came from; `rate` is None unless `source` is a measurement or figure.

    `reference` is the source text that a statement prints beside the rate, `why` the reason in words.
    """

    phase: str
    rate: OnlineRate | None
    source: Source
    reference: str
    why: str
    finding: Finding | None = None


def deadline(clause: AuthorityClause, quarter: Quarter) -> date | None:
    """The last day on which the authority's figure may come: `by_day` days after the quarter's last; None: no day named."""
    return None if clause.by_day is None else quarter.end + timedelta(days=clause.by_day - 1)


def figure_for(
    clause: AuthorityClause,
    quarter: Quarter,
    phase: str,
    own: OnlineRate | None,
    theirs: AuthorityRate | None,
    reference: str,
    today: date,
) -> Chosen:
    """Say which rate pays a phase on a day. A figure that came, however late, is used; the fallback holds if none came.

    Without a day in the contract the fallback holds at once; before that day the close waits.
    """
    if clause.pays == "own":
        return _own(phase, own, "合同采用系统监测 the contract takes our measurement")
    if theirs is None:
        return _missing(clause, quarter, phase, own, today)
    rate = _rate(theirs.value, reference)
    if clause.pays == "authority":
        return Chosen(phase, rate, "authority", reference, "合同采用公安核定 the contract takes the authority's")
    if own is None:
        text = "系统监测无数，取公安核定 nothing was measured, so the authority's is taken"
        warning = Finding("", 0, phase, text, "核对监测记录 check what was recorded", "warning")
        return Chosen(phase, rate, "authority", reference, text, warning)
    lower = clause.pays == "lower"
    word = "较低者 the lower" if lower else "较高者 the higher"
    both = f"系统监测 own {percent(own.value)}，公安核定 authority {percent(theirs.value)}，取{word}"
    if theirs.value != own.value and (theirs.value < own.value) == lower:
        return Chosen(phase, rate, "authority", reference, both)
    return _own(phase, own, both)


def _own(phase: str, own: OnlineRate | None, why: str) -> Chosen:
    if own is None:
        return Chosen(phase, None, "none", "", f"{why}；无可计在线率 nothing was counted")
    return Chosen(phase, own, "own", "", why)


def _missing(clause: AuthorityClause, quarter: Quarter, phase: str, own: OnlineRate | None, today: date) -> Chosen:
    last = deadline(clause, quarter)
    passed = last is None or today > last
    if clause.if_missing == "wait" or not passed:
        until = "" if last is None else f"（截止 due by {last}）"
        text = f"公安数据未到{until} the authority's figure has not come"
        remedy = "导入并由另一人核对 import it and have it checked: camsla authority import, camsla authority check"
        return Chosen(phase, None, "waits", "", text, Finding("", 0, phase, text, remedy))
    by = f"至 {last} " if last is not None else ""
    if clause.if_missing == "prepay-only":
        text = f"{by}公安数据未到，只付预付款 the authority's figure did not come, only the prepayment is paid"
        return Chosen(
            phase, None, "prepay-only", "", text, Finding("", 0, phase, text, "到后调整 adjust later", "warning")
        )
    text = f"{by}公安数据未到，暂按系统监测 the authority's figure did not come, ours is taken provisionally"
    found = Finding("", 0, phase, text, "到后以调整行更正 an adjustment follows when it comes", "warning")
    return Chosen(phase, own, "provisional-own" if own else "none", "", text, found)


def applied(
    facts: PhaseFacts, chosen: Chosen, theirs: AuthorityRate | None, reference: str, labels: Sequence[str]
) -> PhaseFacts:
    """Return a phase's facts with the rate that pays, and both rates beside it.

    Where the authority's pays, so do its months; a month that it does not give takes its quarter's rate. `labels` are
    the quarter's months. Where no rate pays (waiting, prepayment only, none), `rate` is None.
    """
    beside = _rate(theirs.value, reference) if theirs is not None else None
    facts = replace(facts, rate=chosen.rate, own_rate=facts.own_rate or facts.rate, authority_rate=beside)
    if chosen.source != "authority" or theirs is None:
        return facts
    given = dict(theirs.months)
    known = {month.month: month for month in facts.months}
    months = tuple(
        replace(known.get(label, MonthFacts(label, None)), rate=_rate(given.get(label, theirs.value), reference))
        for label in labels
    )
    return replace(facts, months=months)


def beside_own(
    chosen: Chosen, theirs: AuthorityRate | None, reference: str, label: str, own: OnlineRate | None
) -> OnlineRate | None:
    """Return the rate of one month of a quarter that was paid by `chosen`; `own` is our measurement of the month.

    Where the authority's pays, a month that it does not give takes its quarter's. None where no rate pays.
    """
    if chosen.source in {"own", "provisional-own"}:
        return own
    if chosen.source != "authority" or theirs is None:
        return None
    return _rate(dict(theirs.months).get(label, theirs.value), reference)


def _rate(value: Fraction, reference: str) -> OnlineRate:
    return OnlineRate(value.numerator, value.denominator, "authority", reference)
