"""One point over the API: what it is and was, its outages, its timeline, its single results."""

from __future__ import annotations

from datetime import timedelta

from console.api.watch.point_shapes import (
    CauseSaid,
    ClaimSaid,
    DaySaid,
    DeviceSaid,
    FactsSaid,
    LossSaid,
    MonthSaid,
    OutageSaid,
    OutagesAsked,
    OutagesSaid,
    PauseSaid,
    PointSaid,
    ProbeSaid,
    ProbesAsked,
    ProbesSaid,
    StateSaid,
    TimelineAsked,
    TimelineSaid,
)
from console.api.watch.shapes import account_said, day_said, exactly, found, instant_of, money, period_of, rate_said
from console.points.means import means_of, sees_drafts, sees_money
from console.points.page import MOST_BARS, PointPage, bars, outages_in, page_of, read_point
from console.points.results import MOST_SPAN_S, probe_log, source_of
from console.points.watched import Down
from console.web.access import WATCHERS
from console.web.paging import instant, page, second
from console.web.routes import Routes
from console.web.visit import Visit
from monitor.finding import refuse
from monitor.intervals import clip
from monitor.model import MICROSECONDS
from monitor.points import RosterPoint

routes = Routes()
TAG = "点位 points"


@routes.endpoint(
    "GET",
    "/points/{code}",
    allow=WATCHERS,
    summary="一个点位 a point, its rates and devices",
    tag=TAG,
    answer=PointSaid,
)
async def point(visit: Visit) -> PointSaid:
    """A point with its facts, its last 366 days by month, its devices, exclusions and what it lost."""
    page = found(
        await visit.read(
            page_of,
            means_of(visit),
            visit.path("code"),
            visit.at,
            None,
            money=sees_money(visit),
            drafts=sees_drafts(visit),
        )
    )
    return _said(page)


def _said(page: PointPage) -> PointSaid:
    state, since = page.year.state_at(page.now_s)
    reads = page.reads
    return PointSaid(
        code=page.code,
        state=state.value,
        since=None if since is None else second(since),
        last_result=None if page.newest is None else instant(page.newest.last),
        read_by=f"{reads.contract} v{reads.version}" if reads.version else "settings",
        facts=tuple(map(_facts, page.facts)),
        week=rate_said(page.rate(page.last_days(7))),
        year=rate_said(page.rate(page.last_days(366))),
        months=tuple(
            MonthSaid(
                month=f"{month.period.first:%Y-%m}",
                seconds=account_said(month.seconds),
                rate=rate_said(page.rate(month.seconds)),
                outages=month.outages,
            )
            for month in page.months
        ),
        devices=tuple(
            DeviceSaid(
                make=device.make,
                model=device.model,
                serial=device.serial,
                macs=device.macs,
                host=device.host,
                since=instant(device.start),
                until=instant(device.end),
            )
            for device in page.devices
        ),
        pauses=tuple(PauseSaid(since=day_said(pause.first), until=day_said(pause.until)) for pause in page.pauses),
        claims=tuple(
            ClaimSaid(
                id=claim.id,
                to=claim.to,
                since=instant(claim.start),
                until=instant(claim.end),
                cause=claim.cause,
                status=claim.status,
            )
            for claim in page.claims
        ),
        losses=tuple(
            LossSaid(
                period=loss.label,
                contract=loss.contract,
                estimate=loss.estimated,
                state=loss.state,
                revision=loss.revision,
                full=money(loss.full_fen),
                deduction=money(loss.deduction_fen),
            )
            for loss in page.losses
        ),
    )


def _facts(fact: RosterPoint) -> FactsSaid:
    return FactsSaid(
        since=instant(fact.start),
        until=instant(fact.end),
        name=fact.name,
        gb_code=fact.gb_code,
        former_gb_code=fact.former_gb_code,
        category=fact.category,
        contract=fact.contract,
        phase=fact.phase,
        area=fact.area,
        supplier=fact.supplier,
        address=fact.address,
        upstream=fact.upstream,
        accepted_on=day_said(fact.accepted_on),
        billed_from=day_said(fact.billed_from),
        billed_until=day_said(fact.billed_until),
        retired_on=day_said(fact.retired_on),
        document=fact.document,
        more=dict(fact.extra),
    )


@routes.endpoint(
    "GET",
    "/points/{code}/timeline",
    allow=WATCHERS,
    summary="点位时间线 what a point was when",
    tag=TAG,
    query=TimelineAsked,
    answer=TimelineSaid,
)
async def timeline(visit: Visit, asked: TimelineAsked) -> TimelineSaid:
    """States of whole days in the contract's zone, after debouncing, as rates are computed from."""
    period = period_of(asked.period)
    if period is not None and (period.last - period.first).days >= MOST_BARS:
        raise refuse(f"期间超过 {MOST_BARS} 天 longer than that", "分几次读 read it in parts", column="period")
    watched, _ = found(await visit.read(read_point, means_of(visit), visit.path("code"), visit.at, period))
    last = watched.question.period.last
    shown = period or watched.question.period._replace(first=last - timedelta(days=6))
    days = bars(watched, shown, visit.at // MICROSECONDS)
    return TimelineSaid(
        code=watched.code,
        zone=watched.zone,
        days=tuple(
            DaySaid(
                day=day.isoformat(),
                seconds=account_said(seconds),
                states=tuple(StateSaid(since=second(a), until=second(b), state=state) for a, b, state in states),
            )
            for day, _, states, seconds in days
        ),
    )


@routes.endpoint(
    "GET",
    "/points/{code}/outages",
    allow=WATCHERS,
    summary="点位掉线清单 a point's outages",
    tag=TAG,
    query=OutagesAsked,
    answer=OutagesSaid,
)
async def outages(visit: Visit, asked: OutagesAsked) -> OutagesSaid:
    """The confirmed outages that touch a period, each with its causes and the upstream device that was down meanwhile."""
    period = period_of(asked.period)
    watched, rows = found(await visit.read(outages_in, means_of(visit), visit.path("code"), visit.at, period))
    part, following = page(rows, asked, lambda row: str(row.start))
    return OutagesSaid(code=watched.code, outages=tuple(map(_outage, part)), next=following)


def _outage(down: Down) -> OutageSaid:
    return OutageSaid(
        since=second(down.start),
        until=second(down.end),
        open=down.open,
        offline_s=down.offline_s,
        excluded_s=down.excluded_s,
        upstream=down.upstream,
        causes=tuple(CauseSaid(**cause._asdict()) for cause in down.causes),
    )


@routes.endpoint(
    "GET",
    "/points/{code}/probes",
    allow=WATCHERS,
    summary="点位单次探测结果 a point's single results",
    tag=TAG,
    query=ProbesAsked,
    answer=ProbesSaid,
)
async def probes(visit: Visit, asked: ProbesAsked) -> ProbesSaid:
    """Single results of our own observers, from stored batches or the raw archive; none once neither has them."""
    start, end = instant_of(asked.since), instant_of(asked.until)
    if not start < end <= start + MOST_SPAN_S * MICROSECONDS:
        raise refuse("时段为空或超过两天 an empty span, or longer than two days", "缩短 shorten it", column="to")
    watched, _ = found(await visit.read(read_point, means_of(visit), visit.path("code"), visit.at, None))
    spans = clip(watched.seen_spans(), start, end)
    rows = await visit.compute(probe_log, source_of(visit.site.settings), watched.code, spans, asked.limit + 1)
    part = rows[: asked.limit]
    return ProbesSaid(
        code=watched.code,
        probes=tuple(
            ProbeSaid(
                at=exactly(row.at),
                vantage=row.vantage,
                state=row.state,
                reason=row.reason,
                rung=row.rung,
                took_us=row.took_us,
                batch=row.batch,
            )
            for row in part
        ),
        next=exactly(rows[asked.limit].at) if len(rows) > asked.limit else None,
    )
