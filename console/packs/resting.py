"""On what, besides the probes' record, a statement's amounts rest: it is taken as frozen, named, and makes the exit 3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from settlement.inputs import Inputs
from settlement.looking import months_back
from settlement.ruleset import event_kinds


def outside(inputs: Inputs) -> Iterator[str]:
    """Name it: rates from outside, events that rules count, causes and reports that rules look at, what earlier statements left."""
    terms = inputs.terms
    for phase, facts in sorted(inputs.facts.items()):
        rate = facts.rate
        if terms.authority.pays != "own" or (rate is not None and rate.source != "measured"):
            told = "—" if rate is None else f"{rate.good:,} ÷ {rate.counted:,}（{rate.reference or rate.source}）"
            yield f"{phase}: 付款的在线率取自外来文件，请与其原件核对 the rate that pays is from outside, compare it: {told}"
    if inputs.before.retained:
        yield "以前留存取自冻结的输入 what earlier statements kept back is taken as frozen"
    if inputs.before.adjustments:
        yield f"以前期调整、利息 {len(inputs.before.adjustments)} 笔取自冻结的输入 adjustments and interest are taken as frozen"
    counted = event_kinds(terms.rules)
    months = [month for facts in inputs.facts.values() for month in facts.months]
    events = [event for month in months for event in month.events if event.kind in counted]
    if events:
        yield f"规则所计的事件 {len(events):,} 件取自登记 events that rules count are taken as reported"
    outages = [outage for month in months for point in month.points or () for outage in point.outages]
    if any(outage.reported_at is not None for outage in outages) and any(
        getattr(rule, "clock", "") == "report" for rule in terms.rules
    ):
        yield "中断的报告时间取自登记 when outages were reported is taken as reported"
    if any(outage.cause for outage in outages) and any(
        rule.kind == "rectification" or (rule.repeat is not None and rule.repeat.by == "cause") for rule in terms.rules
    ):
        yield "中断的归因取自登记 causes of outages are taken as attributed"
    if months_back(terms) and any(facts.earlier for facts in inputs.facts.values()):
        yield "本期之前各月取自冻结的输入 months before the period are taken as frozen"


def prepaid(inputs: Inputs) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield what earlier statements prepaid: phase, the statement's name in the log ("CONTRACT/QUARTER N"), the amount as JSON."""
    document = inputs.to_document()["before"]["prepaid"]
    for phase, its in sorted(document.items()):
        quarter, _, revision = its["source"].rpartition("/")
        yield phase, f"{inputs.terms.contract}/{quarter} {revision}", its
