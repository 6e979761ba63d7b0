"""What a contract's rules look at beyond a quarter's rates: single points, reports and excuses, months before."""

from __future__ import annotations

from math import ceil

from settlement.contract import Terms
from settlement.families.registry import FAMILIES

REPORT = "fault-report"
"""Kind of event: the purchaser reported the outage that its point had at the time, or the incident that it names."""
EXCUSE = "excuse"
"""Kind of event: a written excuse of the incident that it names, or of the outages that lie within it."""
SHORTEST_MONTH = 28
WINDOW = {"month": 1, "quarter": 3}


def looks_at_points(terms: Terms) -> bool:
    """Tell whether some rule judges points by their outages."""
    families = [FAMILIES[rule.kind] for rule in terms.rules]
    return any(family.stage == "point" or family.outages for family in families)


def months_back(terms: Terms) -> int:
    """How many months before a quarter matter: for consecutive windows, for repeats, for faults that come back."""
    months = [0]
    months += [(clause.consecutive - 1) * WINDOW[clause.grain] for clause in terms.escalations]
    months += [(clause.consecutive - 1) * WINDOW[clause.grain] for clause in terms.breaches]
    for rule in terms.rules:
        if rule.repeat is not None:
            months.append(ceil(rule.repeat.within_days / SHORTEST_MONTH))
        again_hours = getattr(rule, "again_hours", 0)
        months.append(ceil(again_hours / (24 * SHORTEST_MONTH)))
    return max(months)
