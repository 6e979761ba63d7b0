"""Past quarters of the store as what-if settles them again: by their frozen inputs, or read anew where those lack something.

Frozen inputs hold what their own contract asked for. A contract that asks for more (single points, months, another policy
for unknown time) is given what the store has today, and so is the contract that it is compared against.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from console.quarters import record
from monitor.finding import Finding
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.inputs import Inputs, from_document
from settlement.looking import looks_at_points, months_back
from settlement.past import Frozen, PastQuarter, Remembered
from settlement.rules import PhaseFacts
from settlement.statement import Statement
from settlement.store.statements import newest


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """A quarter with the facts that the store has of it today, as each of two contracts measures them."""

    quarter: str
    before: tuple[Terms, Mapping[str, PhaseFacts]]
    after: tuple[Terms, Mapping[str, PhaseFacts]]

    def settled(self, terms: Terms) -> tuple[Statement, list[Finding]]:
        """Settle by the facts that were read for these terms."""
        facts = self.before[1] if terms is self.before[0] else self.after[1]
        statement, findings = Remembered(self.quarter, facts).settled(terms)
        message = f"{self.quarter}：冻结的输入不够，按今天的记录试算 its frozen inputs do not suffice: read as the store has it today"
        return statement, [Finding("", 0, self.quarter, message, "", "warning"), *findings]


def past_quarters(
    connection: Connection, contract: str, before: Terms | None, after: Terms, today: date, only: str | None = None
) -> list[tuple[PastQuarter, Terms]]:
    """Return each quarter's newest statement with the terms that `after` is compared against: its own, or `before`.

    `only` names one quarter of them.
    """
    found: list[tuple[PastQuarter, Terms]] = []
    for row in newest(connection, contract):
        if only not in (None, row.quarter):
            continue
        inputs = from_document(json.loads(row.inputs))
        old = before or inputs.terms
        if all(_suffices(inputs, terms) for terms in (old, after)):
            found.append((Frozen(inputs), old))
            continue
        quarter = parse_quarter(inputs.quarter)
        read = [
            record.read(connection, terms.model_copy(update={"contract": contract}), quarter, today).facts
            for terms in (old, after)
        ]
        found.append((ReadAgain(inputs.quarter, (old, read[0]), (after, read[1])), old))
    return found


def _suffices(inputs: Inputs, terms: Terms) -> bool:
    """Tell whether frozen inputs hold all that these terms ask for."""
    own = inputs.terms
    if terms is own:
        return True
    same_measure = (terms.policy, terms.zone, terms.authority) == (own.policy, own.zone, own.authority)
    monthly = terms.grain == "month" or bool(terms.rules or terms.escalations or terms.breaches)
    months = not monthly or all(facts.months for facts in inputs.facts.values())
    points = not looks_at_points(terms) or looks_at_points(own)
    return same_measure and months and points and months_back(terms) <= months_back(own)
