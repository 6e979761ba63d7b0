"""What was recomputed beside what a statement froze: phase by phase, each difference with both its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from settlement.canonical import differences
from settlement.inputs import Inputs
from settlement.rules import PhaseFacts

MOST = 20

Json = dict[str, Any]


def differing(inputs: Inputs, facts: Mapping[str, PhaseFacts]) -> list[str]:
    """Say where recomputed facts differ from the frozen ones, at most MOST lines; excuses are `excused`'s."""
    frozen = _measured(inputs)
    again = _measured(replace(inputs, facts=facts))
    for phase in [name for name in frozen if name not in again and not _charged(frozen[name])]:
        del frozen[phase]  # a phase without points: an earlier statement left something to it
    return differences(frozen, again, MOST)


def _charged(phase: Json) -> bool:
    """Tell whether frozen facts charge anything: points by name, or only as groups and lots."""
    return bool(phase["roster"] or phase["groups"] or phase["lots"])


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


def excused(inputs: Inputs, facts: Mapping[str, PhaseFacts]) -> tuple[list[str], list[str]]:
    """Compare which outages are excused: those that nothing in the log excuses, and those that it excuses and the inputs do not."""
    frozen, again = _excused(inputs.facts), _excused(facts)
    return (
        sorted(name for name, yes in frozen.items() if yes and not again.get(name)),
        sorted(name for name, yes in again.items() if yes and frozen.get(name) is False),
    )


def _excused(facts: Mapping[str, PhaseFacts]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for its in facts.values():
        for month in its.months:
            for point in month.points or ():
                for outage in point.outages:
                    found[outage.incident] = found.get(outage.incident, False) or outage.excused
    return found
