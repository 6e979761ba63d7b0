"""What deciding claims is worth: their quarters settled under the contract as the record stands, and with them approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from sqlalchemy import Connection

from console.authority.reconciled import WAIT_S, UnderWayError, soon, stamp
from console.claims.supposed import scratch, suppose
from console.quarters.quarter import as_known
from console.web.visit import Visit
from monitor.finding import Finding, InputError
from monitor.model import MICROSECONDS, Instant
from monitor.store.claims import Claim
from settlement.daycount import parse_quarter
from settlement.lines import Kind
from settlement.money import fen

FRESH_S = 300
"""A quarter that still runs is settled anew after so long."""


class PhaseWorth(NamedTuple):
    """A phase's rate and payable (fen) without and with the claims; None where it is not settled, or has no rate."""

    phase: str
    title: str
    rate: tuple[Fraction | None, Fraction | None]
    payable: tuple[int | None, int | None]

    @property
    def difference(self) -> int | None:
        """How much more the phase is worth with the claims; None where either is not known."""
        was, will = self.payable
        return None if was is None or will is None else will - was


@dataclass(frozen=True, slots=True)
class Worth:
    """A contract's quarter without and with the claims, in fen; `findings` say why it cannot be settled.

    `payable` is what the quarter's service is worth, `deduction` all that is taken off it, both with tax.
    """

    contract: str
    quarter: str
    phases: tuple[PhaseWorth, ...] = ()
    payable: tuple[int, int] = (0, 0)
    deduction: tuple[int, int] = (0, 0)
    findings: tuple[Finding, ...] = ()

    @property
    def difference(self) -> int:
        """How much more is payable once the claims are approved; negative for less."""
        return self.payable[1] - self.payable[0]


def worth(url: str, quarters: Sequence[tuple[str, str]], numbers: Sequence[int], at: Instant) -> list[Worth]:
    """Settle each (contract, quarter) twice from what is recorded at an instant. Runs in a process of its own."""
    with scratch(url) as connection:
        before = [_settled(connection, *one, at) for one in quarters]
        suppose(connection, numbers, at)
        after = [_settled(connection, *one, at) for one in quarters]
    return [_compared(*one, *pair) for one, pair in zip(quarters, zip(before, after, strict=True), strict=True)]


Settled = Mapping[str, Any] | tuple[Finding, ...]


def _settled(connection: Connection, contract: str, quarter: str, at: Instant) -> Settled:
    try:
        return as_known(connection, contract, parse_quarter(quarter), at).document
    except InputError as error:
        return error.findings


def _compared(contract: str, quarter: str, before: Settled, after: Settled) -> Worth:
    for one in (before, after):
        if isinstance(one, tuple):
            return Worth(contract, quarter, findings=one)
    assert not isinstance(before, tuple) and not isinstance(after, tuple)  # noqa: S101  said above
    was, will = (fen(one["totals"]["payable"]) for one in (before, after))
    off_was, off_will = (fen(one["totals"]["deduction"]) for one in (before, after))
    return Worth(contract, quarter, tuple(_phases(before, after)), (was, will), (off_was, off_will))


def _phases(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[PhaseWorth]:
    first, second = ({phase["phase"]: phase for phase in one["phases"]} for one in (before, after))
    found = []
    for name in sorted(first.keys() | second.keys()):
        pair = first.get(name), second.get(name)
        title = next(str(one["title"]) for one in pair if one is not None)
        (rate, payable), (new_rate, new_payable) = map(_of_phase, pair)
        found.append(PhaseWorth(name, title or name, (rate, new_rate), (payable, new_payable)))
    return found


def _of_phase(phase: Mapping[str, Any] | None) -> tuple[Fraction | None, int | None]:
    if phase is None:
        return None, None
    rate = None if phase["rate"] is None else Fraction(phase["rate"]["good"], phase["rate"]["counted"])
    return rate, sum(fen(line["gross"]) for line in phase["lines"] if line["kind"] == Kind.PAYABLE.value)


async def worth_of(
    visit: Visit, quarters: Sequence[tuple[str, str]], waiting: Sequence[Claim], wait_s: float | None = WAIT_S
) -> list[Worth] | None:
    """Return what approving claims is worth in the quarters that they touch, computed once until something changes.

    None while it is still being reckoned: ask again.
    """
    if not quarters or not waiting:
        return []
    numbers = [claim.id for claim in waiting]
    stamped = await visit.read(stamp)
    key = ("worth", tuple(quarters), tuple(numbers), stamped, visit.at // (FRESH_S * MICROSECONDS))
    url, at = visit.site.settings.url, visit.at
    try:
        return await soon(visit, key, lambda: visit.compute(worth, url, quarters, numbers, at), wait_s)
    except UnderWayError:
        return None
