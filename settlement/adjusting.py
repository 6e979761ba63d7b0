"""Corrections of issued statements: what a quarter would be today, less what it was and what was adjusted since.

Only what is payable is corrected. Prepayments stay as issued, and the next one enters the next quarter's true-up. The
difference is taken column by column, so that adjustments add up to recomputation − original in gross, net, tax and every
component. Nothing is kept back of an adjustment: it is paid or taken whole.

What a dispute was granted as an amount is an advance: a recomputation that raises the same payable brings only what goes
beyond it. Both together are then the higher of the two, and never more than the one or the other was worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from monitor.finding import Finding
from settlement.lines import Adjustment
from settlement.money import NOTHING, Amount, Columns, fen, grouped


class Correction(NamedTuple):
    """An adjustment line with where it came from: a dispute's number, or None for a recomputation."""

    adjustment: Adjustment
    dispute: int | None


def amount_of(line: Mapping[str, Any]) -> Amount:
    """Read a document's line back as an amount."""
    parts = line.get("components") or {}
    return Amount(_columns(line), tuple((name, _columns(part)) for name, part in parts.items()))


def _columns(row: Mapping[str, str]) -> Columns:
    return Columns(fen(row["gross"]), fen(row["net"]), fen(row["tax"]))


class Grant(NamedTuple):
    """What a dispute of an issued statement was granted as an amount; `window` is None for a phase's true-up as a whole."""

    phase: str
    window: str | None
    amount: Amount


class _Place(NamedTuple):
    phase: str
    window: str


def corrections(
    original: Mapping[str, Any],
    recomputed: Mapping[str, Any],
    earlier: Sequence[tuple[str, Amount]],
    grants: Sequence[Grant] = (),
) -> tuple[list[Correction], list[Finding]]:
    """Return the adjustment lines that an issued document needs after its recomputation from today's data.

    `earlier` are the adjustments of it that were issued since, by parent; `grants` what its disputes were granted as
    amounts, delivered or about to be. What has no line of its own then has a parent under line 0 that names it:
    "2020Q3/0/0/phase-1", and "2020Q3/0/0/phase-1/2020-07" for a month. A phase that could not be settled then is settled
    now against its prepayment. Findings of level "warning" name phases that were settled and cannot be recomputed now:
    they stay as issued.
    """
    quarter, name = original["quarter"], f"{original['quarter']}/{original['revision']}"
    made: list[Correction] = []
    findings: list[Finding] = []
    was, now = _payable(original), _payable(recomputed)
    unsettled = {place.phase for place in now} - {place.phase for place in was}
    for phase in sorted({place.phase for place in was} - {place.phase for place in now}):
        message = f"{quarter} 现已不可计算，维持已出具的金额 cannot be recomputed now, it stays as it was issued"
        findings.append(Finding("", 0, phase, message, "核对监测与剔除 check observations and exclusions", "warning"))
    settled = {place.phase for place in was} & {place.phase for place in now}
    advances = _Advances(grants)
    for place in sorted({place for place in was.keys() | now.keys() | _added(name, earlier) if place.phase in settled}):
        n, before = was.get(place, (0, NOTHING))
        _, after = now.get(place, (0, NOTHING))
        parent = f"{name}/{n}" if n else "/".join(filter(None, (name, "0", *place)))
        made += _correction(place, parent, before, after, _done(earlier, parent), "应付 payable", advances)
    for phase in sorted(unsettled):
        parent = f"{name}/0/{phase}"
        due = _sum(amount for place, (_, amount) in now.items() if place.phase == phase)
        after = due.minus(_prepaid(recomputed, phase))
        what = "当时未结算，应付 − 已预付 not settled then: payable − prepaid"
        made += _correction(_Place(phase, ""), parent, NOTHING, after, _done(earlier, parent), what, advances)
    return made, findings


def _added(name: str, earlier: Sequence[tuple[str, Amount]]) -> set[_Place]:
    """The months that an earlier adjustment added: they may be gone again."""
    months = (parent.removeprefix(f"{name}/0/").split("/") for parent, _ in earlier if parent.startswith(f"{name}/0/"))
    return {_Place(*month) for month in months if len(month) == len(_Place._fields)}


def _done(earlier: Sequence[tuple[str, Amount]], parent: str) -> Amount:
    return _sum(amount for name, amount in earlier if name == parent)


class _Advances:
    """Grants that are still to be set against what a recomputation raises, first a month's own, then its phase's."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._left: dict[tuple[str, str | None], Amount] = {}
        for phase, window, amount in grants:
            self._left[phase, window] = self._left.get((phase, window), NOTHING).plus(amount)

    def taken(self, place: _Place, rise: Amount) -> Amount:
        """Return how much of a rise was granted before, at most all of it."""
        taken = NOTHING
        for key in ((place.phase, place.window), (place.phase, None)):
            rest, left = rise.minus(taken), self._left.get(key, NOTHING)
            if rest.line.gross_fen <= 0 or left.line.gross_fen <= 0:
                continue
            part = left if left.line.gross_fen <= rest.line.gross_fen else rest
            self._left[key] = left.minus(part)
            taken = taken.plus(part)
        return taken


def _correction(
    place: _Place, parent: str, before: Amount, after: Amount, done: Amount, what: str, advances: _Advances
) -> list[Correction]:
    granted = advances.taken(place, after.minus(before))
    difference = after.minus(before).minus(granted).minus(done)
    if not any(difference.line) and not any(any(part) for _, part in difference.components):
        return []
    was, now, since, paid = (amount.line.gross_fen for amount in (before, after, done, granted))
    text = f"{grouped(now)} − {grouped(was)}"
    if paid:
        text += f" − {grouped(paid)}（异议已采纳 granted on dispute）"
    if since:
        text += f" − {grouped(since)}（已调整 adjusted before）"
    month = f" {place.window}" if place.window else ""
    quarter, gross = parent.partition("/")[0], grouped(difference.line.gross_fen)
    why = f"以前期调整 {quarter}{month} 重算 recomputed，{what}：{text} = {gross}"
    return [Correction(Adjustment(place.phase, "adjustment", difference, why, parent), None)]


def _payable(document: Mapping[str, Any]) -> dict[_Place, tuple[int, Amount]]:
    return {
        _Place(phase["phase"], line.get("window", "")): (int(line["n"]), amount_of(line))
        for phase in document["phases"]
        for line in phase["lines"]
        if line["kind"] == "payable"
    }


def _prepaid(document: Mapping[str, Any], phase: str) -> Amount:
    return _sum(
        amount_of(line)
        for its in document["phases"]
        if its["phase"] == phase
        for line in its["lines"]
        if line["kind"] == "prepayment"
    )


def _sum(amounts: Iterable[Amount]) -> Amount:
    total = NOTHING
    for amount in amounts:
        total = total.plus(amount)
    return total
