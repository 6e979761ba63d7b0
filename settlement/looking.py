"""What a contract's rules look at beyond a quarter's rates: single points, reports and excuses, months before."""

from __future__ import annotations

from settlement.contract import Terms
from settlement.families.registry import FAMILIES
from settlement.ruleset import clause_back, rule_back

REPORT = "fault-report"
"""Kind of event: the purchaser reported the outage that its point had at the time, or the incident that it names."""
EXCUSE = "excuse"
"""Kind of event: a written excuse of the incident that it names, or of the outages that lie within it."""


def looks_at_points(terms: Terms) -> bool:
    """Tell whether some rule judges points by their outages."""
    families = [FAMILIES[rule.kind] for rule in terms.rules]
    return any(family.stage == "point" or family.outages for family in families)


def months_back(terms: Terms) -> int:
    """How many months before a quarter matter: for consecutive windows, for repeats, for faults that come back."""
    clauses = [clause_back(clause) for clause in terms.escalations]
    clauses += [clause_back(clause) for clause in terms.breaches]
    return max([0, *clauses, *map(rule_back, terms.rules)])
