"""What was recomputed beside what a statement froze: phase by phase, each difference with both its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from settlement.canonical import differences
from settlement.inputs import Inputs
from settlement.rules import PhaseFacts

MOST = 20

Json = dict[str, Any]


def differing(inputs: Inputs, facts: Mapping[str, PhaseFacts]) -> list[str]:
    """Say where recomputed facts differ from the frozen ones, at most MOST lines."""
    frozen = _measured(inputs)
    again = _measured(replace(inputs, facts=facts))
    for phase in [name for name in frozen if name not in again and not frozen[name]["roster"]]:
        del frozen[phase]  # a phase without points: an earlier statement left something to it
    return differences(frozen, again, MOST)


def _measured(inputs: Inputs) -> dict[str, Json]:
    own = inputs.terms.authority.pays == "own"
    facts: dict[str, Json] = inputs.to_document()["facts"]
    return {phase: _phase(its, own) for phase, its in facts.items()}


def _phase(facts: Json, own: bool) -> Json:
    kept = {name: facts[name] for name in ("groups", "lots", "roster", "own_rate", "seconds")}
    if own:
        kept["rate"] = facts["rate"]
    kept["months"] = {month["month"]: _month(month, own) for month in facts["months"] if month["seconds"] is not None}
    return kept


def _month(month: Json, own: bool) -> Json:
    kept: Json = {"seconds": month["seconds"]}
    if own:
        kept["rate"] = month["rate"]
    if month["points"] is not None:
        kept["points"] = {
            code: {"good": good, "counted": counted, "outages": _joined(outages)}
            for code, good, counted, outages in month["points"]
        }
    return kept


def _joined(outages: list[list[Any]]) -> Json:
    """Join the parts of an outage: facts that the log does not keep may divide it."""
    found: Json = {}
    for incident, start, end, offline_s, *_ in outages:
        before = found.get(incident)
        found[incident] = [start, end, offline_s + (before[2] if before else 0)]
    return found


def given(inputs: Inputs) -> Iterator[str]:
    """Name what a statement rests on besides the probes' record."""
    terms = inputs.terms
    if terms.authority.pays != "own":
        for phase, facts in sorted(inputs.facts.items()):
            if facts.authority_rate is not None:
                rate = facts.authority_rate
                yield f"公安核定在线率 authority's figure {phase}: {rate.good:,} ÷ {rate.counted:,}（{rate.reference}）"
    for phase, issued in sorted(inputs.before.prepaid.items()):
        yield f"已预付 prepaid {phase}: {issued.source or '—'}"
    if inputs.before.retained:
        yield "质保金留存 retained by earlier statements"
    if inputs.before.adjustments:
        yield f"以前期调整 adjustments of earlier quarters: {len(inputs.before.adjustments)}"
    months = [month for facts in inputs.facts.values() for month in (*facts.months, *facts.earlier)]
    if any(month.events for month in months):
        yield "事件登记 reported events"
    outages = [outage for month in months for point in month.points or () for outage in point.outages]
    if any(outage.cause or outage.excused or outage.reported_at is not None for outage in outages):
        yield "中断的归因、报告与报备 causes, reports and excuses of outages"
    if any(facts.earlier for facts in inputs.facts.values()):
        yield "本期之前各月 months before the period"
