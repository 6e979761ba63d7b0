"""A statement's parts: its lines, what earlier statements leave to it, what a settled phase's figures were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from monitor.rates import Seconds
from settlement.contract import Reading
from settlement.evaluate import Evaluation, RuleResult
from settlement.money import Amount, round_half_up, yuan
from settlement.rules import OnlineRate


class Kind(StrEnum):
    """The kinds of lines, in the order in which a phase's lines stand."""

    PREPAYMENT = "prepayment"
    PAYABLE = "payable"
    DEDUCTION = "deduction"
    RETENTION = "retention"
    TRUE_UP = "true_up"
    RETENTION_RELEASE = "retention_release"
    INTEREST = "interest"
    ADJUSTMENT = "adjustment"
    NEXT_PREPAYMENT = "next_prepayment"


MOVING = frozenset({Kind.TRUE_UP, Kind.RETENTION_RELEASE, Kind.INTEREST, Kind.ADJUSTMENT, Kind.NEXT_PREPAYMENT})
"""Kinds of lines that make up a statement's total: what now changes hands."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a statement; `why` is its arithmetic. `window` is a month where months are settled one by one.

    `parent` names the line of an issued statement that this one corrects, like "2020Q2/0/3": quarter, revision, number.
    """

    phase: str
    kind: Kind
    amount: Amount
    why: str
    window: str = ""
    parent: str = ""

    @property
    def moves(self) -> bool:
        """Whether it is part of what now changes hands."""
        return self.kind in MOVING


class Issued(NamedTuple):
    """An amount of an issued statement, and which one: "2020Q2/0"."""

    amount: Amount
    source: str


class Adjustment(NamedTuple):
    """A line that the caller adds: a correction of an issued line, late-payment interest."""

    phase: str
    kind: Literal["adjustment", "interest"]
    amount: Amount
    why: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier statements leave to this one, by phase.

    `prepaid` is what they prepaid for this quarter; a phase that is not named is taken as prepaid by the contract.
    `retained` is what they kept back in all, to be released when its day comes. `prepay_alone` are phases that cannot be
    settled now and yet get their next prepayment.
    """

    prepaid: Mapping[str, Issued] = field(default_factory=dict)
    retained: Mapping[str, Issued] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()
    prepay_alone: frozenset[str] = frozenset()


class PointLine(NamedTuple):
    """One point of the roster on the statement, in fen; the points' amounts add up to their phase's lines."""

    code: str
    full_fen: int
    payable_fen: int
    outages: int
    offline_s: int
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """A settled phase's figures beside its lines: the rates, the point-months, the full fee's columns, the windows.

    `opening`, `added` and `removed` count points: billed on the first day, billed later only, no longer billed on the
    last. `prices_fen` are all unit prices that were charged, lowest first.
    """

    phase: str
    title: str
    rate: OnlineRate | None
    own_rate: OnlineRate | None
    authority_rate: OnlineRate | None
    seconds: Seconds | None
    prices_fen: tuple[int, ...]
    opening: int
    added: int
    removed: int
    point_months: Fraction
    full_fee: Amount
    unit_price_after_deduction_fen: int | None
    """核减后单价: payable per point and month; None where nothing was billed."""
    evaluations: tuple[Evaluation, ...] = ()
    points: tuple[PointLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A contract's quarter under one reading. `total_fen` adds up the lines that now change hands (`MOVING`)."""

    contract: str
    quarter: str
    reading: Reading
    lines: tuple[Line, ...]
    results: tuple[PhaseResult, ...]
    total_fen: int
    not_settled: tuple[str, ...]

    @property
    def fault_deduction_fen(self) -> int:
        """故障扣款: what was deducted for faults, by the reading and by the rules that judge rates and points.

        It is what rules of the other stages leave of the deduction, so that both add up to it.
        """
        other = sum(
            (
                result.amount
                for phase in self.results
                for evaluation in phase.evaluations
                for result in evaluation.results
                if result.unit == "fen" and not result.for_faults
            ),
            Fraction(0),
        )
        deduction = sum(line.amount.line.gross_fen for line in self.lines if line.kind is Kind.DEDUCTION)
        return deduction - round_half_up(other)


def mixed(value: Fraction) -> str:
    """Write 3000 as "3000", 170/31 as "5 15/31"."""
    whole, rest = divmod(value, 1)
    return str(int(whole)) if not rest else f"{int(whole)} {rest}"


def rule_json(result: RuleResult) -> dict[str, Any]:
    """Return a rule's result as JSON data: yuan with two decimals, or points off the score; items with their reasons."""

    def written(amount: Fraction) -> str:
        return yuan(round_half_up(amount)) if result.unit == "fen" else mixed(amount)

    return {
        "rule": result.rule,
        "kind": result.kind,
        "title": result.title,
        "window": result.window,
        "unit": result.unit,
        "amount": written(result.amount),
        "formula": result.formula,
        "items": [
            {
                "point": item.point,
                "incident": item.incident,
                "amount": written(item.amount),
                "why": item.why,
                "suppressed_by": item.suppressed_by,
            }
            for item in result.items
        ],
    }
