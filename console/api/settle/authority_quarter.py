"""Both sides of a quarter for programs: phases, points, reconciling items."""

from __future__ import annotations

from console.api.settle.answers import money, rate, share, warned
from console.api.settle.authority import READERS, TAG
from console.api.settle.authority_shapes import (
    ItemAnswer,
    ItemList,
    PhaseAnswer,
    PointAnswer,
    PointList,
    QuarterAnswer,
)
from console.authority import receiving, reconciled
from console.web.faults import MissingError
from console.web.paging import PageQuery, Strict, page
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import InputError
from settlement.daycount import Quarter, parse_quarter
from settlement.reconcile import Reconciliation

routes = Routes()


async def _beside(visit: Visit, *, pending: bool) -> tuple[Quarter, Reconciliation]:
    contract = visit.contract(visit.path("contract"))
    if contract not in await visit.read(receiving.known_contracts):
        raise MissingError
    quarter = parse_quarter(visit.path("quarter"))
    done = await reconciled.outcome(visit, contract, quarter, pending=pending)
    if done.found is None:
        raise InputError(done.findings)
    return quarter, done.found


class QuarterQuery(Strict):
    """Whether files that nobody has checked count, to try."""

    pending: bool = False


@routes.endpoint(
    "GET", "/authority/quarters/{contract}/{quarter}", allow=READERS, summary="按期对账 both sides of a quarter", tag=TAG,
    query=QuarterQuery, answer=QuarterAnswer,
)  # fmt: skip
async def beside(visit: Visit, query: QuarterQuery) -> QuarterAnswer:
    """Return both rates per phase, the difference in yuan, and which figure pays."""
    quarter, found = await _beside(visit, pending=query.pending)
    phases = []
    for row in found.phases:
        own = share(row.own.good, row.own.counted) if row.own else None
        theirs = share(row.theirs.value.numerator, row.theirs.value.denominator) if row.theirs else None
        phases.append(
            PhaseAnswer(
                phase=row.phase,
                own=own,
                own_points=row.own_points,
                authority=theirs,
                authority_points=row.theirs.points if row.theirs else None,
                difference=rate(row.difference),
                within_tolerance=row.within,
                payable_by_own=money(row.own_payable_fen),
                payable_by_authority=money(row.their_payable_fen),
                difference_yuan=money(row.difference_fen),
                chosen=row.chosen.source,
                chosen_rate=rate(row.chosen.rate.value) if row.chosen.rate else None,
                why=row.chosen.why,
                reference=row.reference,
            )
        )
    return QuarterAnswer(
        contract=found.contract, quarter=quarter.label, pays=found.clause.pays, tolerance=rate(found.clause.tolerance),
        phases=phases, findings=warned(found.findings), points=len(found.points), items=len(found.items),
    )  # fmt: skip


class ListQuery(PageQuery):
    """A page, and whether files that nobody has checked count."""

    pending: bool = False


@routes.endpoint(
    "GET", "/authority/quarters/{contract}/{quarter}/points", allow=READERS, summary="逐点对照 points on both sides", tag=TAG,
    query=ListQuery, answer=PointList,
)  # fmt: skip
async def points(visit: Visit, query: ListQuery) -> PointList:
    """List the points that both sides have."""
    _, found = await _beside(visit, pending=query.pending)
    rows, following = page(found.points, query, lambda row: row.point)
    items = [
        PointAnswer(
            point=row.point, phase=row.phase, authority=rate(row.theirs),
            own=share(row.own.good, row.own.counted) if row.own else None, difference=rate(row.difference),
            worth=money(row.fen), beyond_tolerance=row.beyond,
        )
        for row in rows
    ]  # fmt: skip
    return PointList(items=items, next=following)


@routes.endpoint(
    "GET", "/authority/quarters/{contract}/{quarter}/items", allow=READERS, summary="核对事项 reconciling items", tag=TAG,
    query=ListQuery, answer=ItemList,
)  # fmt: skip
async def items(visit: Visit, query: ListQuery) -> ItemList:
    """List what stands on one side only or does not fit, with both denominators."""
    _, found = await _beside(visit, pending=query.pending)
    rows, following = page(list(enumerate(found.items, 1)), query, lambda row: str(row[0]))
    answers = [
        ItemAnswer(
            kind=item.kind, phase=item.phase, point=item.point, their_code=item.theirs, period=item.period,
            authority=share(item.figure.good, item.figure.counted) if item.figure else None, unit=item.unit,
            own=share(item.own.good, item.own.counted) if item.own else None, text=item.text, line=item.line,
        )
        for _, item in rows
    ]  # fmt: skip
    return ItemList(items=answers, next=following)
