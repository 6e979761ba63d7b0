"""What a phase would be paid for a quarter at any rate: the contract's reading or main rule alone, all else equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

from settlement.authority import months_in
from settlement.charges import charge
from settlement.contract import Reading, Terms
from settlement.daycount import Quarter
from settlement.families.registry import FAMILIES
from settlement.lines import Kind
from settlement.money import round_half_up
from settlement.readings import marks_of, paid
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts
from settlement.statement import settle


def payable_at(
    terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts]
) -> Callable[[str, Fraction], int | None]:
    """Return the function from a phase and a rate to its payable in fen, rounded once; None where nothing is billed.

    Rules that look at points or events are left out: they take the same off whichever rate pays.
    """
    marks = marks_of(terms)
    main = tuple(rule for rule in terms.rules if FAMILIES[rule.kind].main)
    bare = terms.model_copy(update={"rules": main, "escalations": (), "breaches": (), "retention": None})

    @cache
    def fee_of(phase: str) -> Fraction:
        its = next(known for known in terms.phases if known.id == phase)
        return charge(terms, its, quarter, facts[phase]).fee_fen

    def payable(phase: str, rate: Fraction) -> int | None:
        if phase not in facts or not 0 <= rate <= 1 or not fee_of(phase):
            return None
        if terms.reading is not Reading.NONE and terms.grain == "quarter":
            return round_half_up(paid(terms.reading, fee_of(phase), rate, marks))
        given = OnlineRate(rate.numerator, rate.denominator, "given")
        months = tuple(MonthFacts(label, given) for label in months_in(quarter))
        known = replace(facts[phase], rate=given, months=months, earlier=())
        statement, _ = settle(bare, quarter, {phase: known})
        lines = [line.amount.line.gross_fen for line in statement.lines if line.kind is Kind.PAYABLE]
        return sum(lines) if lines else None

    return payable
