"""What a phase would be paid for a quarter at any rate: the contract's reading or main rule alone, all else equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cache

from settlement.authority import months_in
from settlement.charges import MONTHS, ZERO, Charge, Components, Lot, Part, charge
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.evaluate import evaluate
from settlement.families.registry import FAMILIES
from settlement.money import round_half_up
from settlement.readings import marks_of, paid
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts


def payable_at(
    terms: Terms, quarter: Quarter, facts: Mapping[str, PhaseFacts]
) -> Callable[[str, Fraction], int | None]:
    """Return the function from a phase and a rate to its payable in fen, rounded once; None where nothing is billed.

    Rules that look at points or events are left out: they take the same off whichever rate pays. What a call costs does
    not depend on how many points there are: the fee is counted once, and no point is asked about.
    """
    marks = marks_of(terms)
    main = tuple(rule for rule in terms.rules if FAMILIES[rule.kind].main)
    bare = terms.model_copy(update={"rules": main, "escalations": (), "breaches": (), "retention": None})
    labels, scoped = months_in(quarter), any(rule.components for rule in main)

    @cache
    def basis_of(name: str) -> tuple[Phase, Charge]:
        phase = next(known for known in terms.phases if known.id == name)
        return phase, _together(charge(terms, phase, quarter, facts[name]), scoped=scoped)

    @cache
    def payable(name: str, rate: Fraction) -> int | None:
        if name not in facts or not 0 <= rate <= 1:
            return None
        phase, basis = basis_of(name)
        if not basis.fee_fen:
            return None
        if terms.reading is not Reading.NONE and terms.grain == "quarter":
            return round_half_up(paid(terms.reading, basis.fee_fen, rate, marks))
        given = OnlineRate(rate.numerator, rate.denominator, "given")
        known = replace(
            facts[name],
            rate=given,
            months=tuple(MonthFacts(label, given) for label in labels),
            earlier=(),
            codes=(),
            roster=(),
        )
        done, _ = evaluate(bare, phase, quarter, known, basis, terms.reading)
        return sum(round_half_up(window.payable) for window in done) if done else None

    return payable


def _together(basis: Charge, *, scoped: bool) -> Charge:
    """Put all points of a phase into one lot at one fen a unit, charged in each month what they are charged together.

    `scoped` tells whether a rule is limited to components: the fee is then kept by what prices are made of.
    """
    months: list[tuple[Part, ...]] = []
    for n in MONTHS:
        fees: dict[Components, Fraction] = {}
        for lot in basis.lots:
            for part in lot.months[n]:
                key = part.components if scoped else ()
                fees[key] = fees.get(key, ZERO) + lot.points * part.fee
        months.append(tuple(Part(fee, 1, components) for components, fee in fees.items()))
    return replace(basis, lots=(Lot(1, (), tuple(months), opening=True, closing=True),) if basis.lots else ())
