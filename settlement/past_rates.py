"""The rate of a quarter before the one that is settled, made of its months; and how much of a phase a month holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from settlement.authority import Monthly, Presence, quarter_of_months
from settlement.charges import MONTHS, Charge, charge
from settlement.contract import Phase, Terms
from settlement.daycount import Quarter
from settlement.rules import MonthFacts, OnlineRate, PhaseFacts


def presence_in(basis: Charge, n: int, days: int) -> Presence:
    """How many points are billed in a month (0 to 2) of so many days, and their days."""
    points = sum(lot.points for lot in basis.lots if lot.months[n])
    return Presence(points, int(basis.units((n,)) * days))


def past_rate(
    terms: Terms, phase: Phase, facts: PhaseFacts, quarter: Quarter, months: Sequence[MonthFacts]
) -> OnlineRate | None:
    """A past quarter's rate, None where a month of it is not known.

    Measured months are added up; given ones are put together by the contract's rule, weighed by the points of the roster
    that were billed then.
    """
    rates = {month.month: month.rate for month in months if month.rate is not None}
    if rates and all(rate.source == "measured" for rate in rates.values()):
        if len(rates) != len(MONTHS):
            return None
        return OnlineRate(sum(rate.good for rate in rates.values()), sum(rate.counted for rate in rates.values()))
    found = [Monthly(label, rate.value, None) for label, rate in rates.items()]
    basis = charge(terms, phase, quarter, facts)
    presence = {
        f"{date.fromordinal(first):%Y-%m}": presence_in(basis, n, end - first)
        for n, (first, end) in enumerate(quarter.months)
    }
    made = quarter_of_months(quarter, found, terms.authority.months, presence if basis.lots else {})
    if made is None:
        return None
    return OnlineRate(made.value.numerator, made.value.denominator, next(iter(rates.values())).source)
