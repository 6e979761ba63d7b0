"""What the contract's wording leaves open: assumptions written into it, and clauses that it does not have.

Where a clause is missing the product settles by a default; the remark says which, so that the parties choose knowingly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from settlement.contract import Reading, Terms
from settlement.lint.remark import Level, Place, Remark

SHOWN = 120
"""So many characters of an assumption are repeated."""


class Clause(NamedTuple):
    """A clause that a contract should have, where it matters, and what holds without it."""

    place: Place
    matters: Callable[[Terms], bool]
    message: str
    remedy: str
    level: Level = "warning"


def _always(_: Terms) -> bool:
    return True


CLAUSES: tuple[Clause, ...] = (
    Clause(
        ("reading",),
        lambda terms: terms.reading is not Reading.NONE,
        "没有写明计算口径，按字面 A（应付 = 应计费用 × 在线率） no reading is named: the literal A is taken",
        "先看 camsla contract readings 的差异，再写 reading: compare the readings first, then name one",
    ),
    Clause(
        ("day_count",),
        _always,
        "没有写明不足整月如何计费，按实际天数 how a month billed in part counts is not said: actual days are taken",
        "day_count: actual | actual/30 | half-month | full-month | next-month",
    ),
    Clause(
        ("policy", "unknown"),
        _always,
        "没有写明监测缺失时段如何计，按不计入 how unwatched time counts is not said: it is left out of both sides",
        "policy: {unknown: excluded | online | offline}",
    ),
    Clause(
        ("policy", "exclusions"),
        _always,
        "没有写明报备与剔除时段如何计，按两边剔除 how approved exclusions count is not said: out of both sides",
        "policy: {exclusions: out_of_both | online | counted}",
    ),
    Clause(
        ("policy", "minimum_coverage"),
        _always,
        "没有写明监测完整率下限，多少缺失都照样结算 no minimum coverage: however little was watched is settled on",
        'policy: {minimum_coverage: "0.90"}',
    ),
    Clause(
        ("authority", "pays"),
        _always,
        "没有写明以谁的在线率计付，按本系统监测 whose online rate pays is not said: our own measurement is taken",
        "authority: {pays: own | authority | lower | higher}",
    ),
    Clause(
        ("authority", "by_day"),
        lambda terms: terms.authority.pays != "own",
        "没有写明公安数据最迟何日到，会一直等 by when the authority's figure is due is not said: it is waited for",
        "authority: {by_day: 30, if_missing: wait | provisional-own | prepay-only}",
    ),
    Clause(
        ("authority", "if_missing"),
        lambda terms: terms.authority.pays != "own" and terms.authority.by_day is not None,
        "没有写明公安数据逾期未到怎么办，继续等 what happens if no figure came is not said: it is waited for",
        "authority: {if_missing: wait | provisional-own | prepay-only}",
    ),
    Clause(
        ("approval", "objection_days"),
        _always,
        "没有写明异议期 no period for the supplier's objection",
        "approval: {objection_days: 10, silence: confirms | waits}",
    ),
    Clause(
        ("approval", "silence"),
        lambda terms: terms.approval.objection_days is not None,
        "没有写明逾期不答复算什么，按未确认 what the supplier's silence means is not said: nothing is confirmed by it",
        "approval: {silence: confirms | waits}",
    ),
    Clause(
        ("payment", "due_days"),
        _always,
        "没有写明付款期限，按季末后 30 个自然日 when payment is due is not said: 30 calendar days after the quarter",
        "payment: {due_days: 30, days: calendar | workday, counted_from: quarter-end}",
    ),
    Clause(
        ("payment", "interest_per_day"),
        _always,
        "没有写明逾期付款的利息，不计息 what late payment costs is not said: nothing",
        'payment: {interest_per_day: "0.0005"}',
        "info",
    ),
    Clause(
        ("payment", "last_quarter"),
        lambda terms: terms.prepay_share != 0,
        "没有写明末季如何结清，按照常预付、现金多退少补 how the last quarter ends is not said: prepaid, then cash",
        "payment: {last_quarter: cash | no-prepayment}",
    ),
    Clause(
        ("total",),
        _always,
        "没有写明合同总金额，累计付款无从核对 no contract total to hold the payments against",
        'total: "30144000.00"',
        "info",
    ),
)


def undecided(terms: Terms) -> Iterator[Remark]:
    """Yield each assumption and each clause that is not written though it matters."""
    for n, text in enumerate(terms.assumed):
        yield _assumed(("assumed", n), text)
    for at, phase in enumerate(terms.phases):
        for n, text in enumerate(phase.assumed):
            yield _assumed(("phases", at, "assumed", n), text)
    for clause in CLAUSES:
        if clause.matters(terms) and not _written(terms, clause.place):
            yield Remark(clause.level, "not-written", clause.place, clause.message, clause.remedy)


def _assumed(place: Place, text: str) -> Remark:
    short = " ".join(text.split())
    short = short if len(short) <= SHOWN else f"{short[:SHOWN]}…"
    return Remark(
        "warning",
        "assumed",
        place,
        f"尚未确定的假定 an assumption not yet decided: {short}",
        "与纸质合同核对后改正并删去本条 check it against the paper contract, then remove the item",
    )


def _written(terms: Terms, place: Place) -> bool:
    """Tell whether the contract itself says something there, rather than leaving it to the default."""
    model: object = terms
    for key in place:
        fields: frozenset[str] | set[str] = getattr(model, "model_fields_set", frozenset())
        name = f"{key}_fen" if f"{key}_fen" in fields else str(key)
        if name not in fields:
            return False
        model = getattr(model, name)
    return True
