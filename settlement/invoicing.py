"""Invoices: lines per fee component with the tax rate of the day, and what a credit invoice (红字发票) may take back. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from monitor.finding import Finding, InputError
from settlement.clauses import DatedTaxRate
from settlement.money import grouped, net_tax, split


class InvoiceLine(NamedTuple):
    """One row of an invoice: gross = net + tax, in fen. `component` is "" for the whole fee."""

    component: str
    gross: int
    net: int
    tax: int
    rate: Fraction


def tax_rate_on(component: str, day: date, rates: Sequence[DatedTaxRate], otherwise: Fraction) -> Fraction:
    """Return a component's tax rate on a day: the latest that names it, else the latest for all, else the contract's."""
    for name in (component, ""):
        held = [rate for rate in rates if rate.component == name and rate.valid_from <= day]
        if held:
            return max(held, key=lambda rate: rate.valid_from).rate
    return otherwise


def invoice_lines(
    gross_fen: int,
    components: Sequence[tuple[str, int]],
    day: date,
    rates: Sequence[DatedTaxRate],
    otherwise: Fraction,
) -> tuple[InvoiceLine, ...]:
    """Spread an invoice over the fee's components by weight and take each line's tax out of it, rounded per line.

    The amount is positive for an invoice, negative for a credit invoice. Components of zero get no line.
    """
    parts = split(gross_fen, components) if components else {"": gross_fen}
    lines = []
    for name, gross in parts.items():
        if gross:
            rate = tax_rate_on(name, day, rates, otherwise)
            lines.append(InvoiceLine(name, gross, *net_tax(gross, rate), rate))
    return tuple(lines)


def printed_tax(lines: Sequence[InvoiceLine], tax_fen: int) -> tuple[InvoiceLine, ...]:
    """Take the tax as the paper prints it, if it differs by no more than a fen per line; the largest line absorbs it.

    InputError beyond that: the paper uses another rate.
    """
    ours = sum(line.tax for line in lines)
    if abs(tax_fen - ours) > len(lines):
        message = (
            f"票面税额 {grouped(tax_fen)}，按税率应为 {grouped(ours)} the tax printed does not follow from the rate"
        )
        raise InputError([Finding("", 0, "tax", message, "核对税率与构成 check rates and components")])
    largest = max(range(len(lines)), key=lambda n: abs(lines[n].gross))
    taken = list(lines)
    line = taken[largest]
    taken[largest] = line._replace(net=line.net - (tax_fen - ours), tax=line.tax + tax_fen - ours)
    return tuple(taken)


def credited(
    original: Sequence[InvoiceLine], earlier: Sequence[InvoiceLine], gross_fen: int
) -> tuple[InvoiceLine, ...]:
    """Return a credit invoice's lines: `gross_fen` (positive) of the original taken back at the original's rates.

    `earlier` are the lines of credits that stand already. The credit that takes the last fen back takes the last fen of
    tax back as well. InputError where more would be credited than was invoiced.
    """
    left = sum(line.gross for line in original) + sum(line.gross for line in earlier)
    if not 0 < gross_fen <= left:
        message = f"红字金额 {grouped(gross_fen)}，原发票可冲余额 {grouped(left)} beyond what is left of the invoice"
        raise InputError([Finding("", 0, "amount", message, "至多冲减余额 credit at most what is left")])
    open_lines = []
    for line in original:
        taken = [past for past in earlier if past.component == line.component]
        open_lines.append(
            line._replace(
                gross=line.gross + sum(past.gross for past in taken),
                net=line.net + sum(past.net for past in taken),
                tax=line.tax + sum(past.tax for past in taken),
            )
        )
    parts = split(gross_fen, [(line.component, line.gross) for line in open_lines])
    lines = []
    for line in open_lines:
        gross = parts[line.component]
        if gross:
            net, tax = (line.net, line.tax) if gross == line.gross else net_tax(gross, line.rate)
            lines.append(InvoiceLine(line.component, -gross, -net, -tax, line.rate))
    return tuple(lines)
