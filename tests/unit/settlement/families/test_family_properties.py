"""What holds of every rule whatever its figures: bounds, order of facts, monotony, and jumps only where it says so."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from settlement.facts import DAY_S, HOUR_S, Cell, EventFact, OutageFact, Share, Window
from settlement.families.registry import FAMILIES
from settlement.families.windows import added
from tests.unit.settlement.families.family_facts import END, START, cell, judge, outage, terms, window

OVER = st.sampled_from([">", "≥"])
ROUNDING = st.sampled_from(["ceil", "floor", "exact"])
CAUSES = st.sampled_from(["", "line", "power"])
CLASSES = st.sampled_from(["一类", "二类", "三类"])
SHARES = st.integers(0, 100).map(lambda n: Fraction(n, 100))
HOURS = st.integers(0, 48).map(Fraction)
EXAMPLES = int(os.environ.get("CAMSLA_EXAMPLES", "300"))
"""As for the other properties: enough for every run of the tests, more by CAMSLA_EXAMPLES."""
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much]
MANY = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=SLOW)
pytestmark = pytest.mark.timeout(max(120, EXAMPLES))
FEW = settings(max_examples=max(60, EXAMPLES // 5), deadline=None, database=None, suppress_health_check=SLOW)


def shared() -> dict[str, Any]:
    return {"over": OVER}


def timed() -> dict[str, Any]:
    return {
        "clock": st.sampled_from(["outage", "report"]),
        "free_hours": HOURS,
        "over": OVER,
        "mode": st.sampled_from(["marginal", "bracket"]),
        "per": st.sampled_from(["outage", "window"]),
        "rounding": ROUNDING,
    }


@st.composite
def falling(draw: st.DrawFn, word: str) -> list[dict[str, Any]]:
    """Bands of rates that pay less, or cost more, the lower they lie."""
    cuts = sorted(draw(st.sets(st.integers(1, 99), max_size=4)), reverse=True)
    highs, lows = [100, *cuts], [*cuts, 0]
    shares = sorted((draw(st.integers(0, 100)) for _ in highs), reverse=word == "pays")
    paid = [min(n, low) for n, low in zip(shares, lows, strict=True)] if word == "pays" else shares
    return [
        {"from": Fraction(low, 100), "to": Fraction(high, 100), word: Fraction(n, 100)}
        for low, high, n in zip(lows, highs, paid, strict=True)
    ]


@st.composite
def hourly(draw: st.DrawFn) -> Any:
    """An hourly rule whose flat share is not cheaper than the hours before it."""
    given = {key: draw(value) for key, value in timed().items()}
    each = draw(st.integers(0, 5))
    flat = None
    if draw(st.booleans()):
        until = int(given["free_hours"]) + draw(st.integers(1, 30))
        flat = {"hours": until, "share": Fraction(min(100, each * until), 100), "over": draw(OVER)}
    return terms("hourly-percentage", share_per_hour=Fraction(each, 100), flat=flat, **given)


def built(kind: str, **given: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(given).map(lambda values: terms(kind, **values))


STEPS = st.sets(st.integers(1, 40), max_size=3).map(
    lambda cuts: [{"beyond": cut, "share": Fraction(n + 2, 45)} for n, cut in enumerate(sorted(cuts))]
)
BY_RATE = st.one_of(
    built("pro-rata", full_from=st.none() | SHARES.filter(bool), **shared()),
    built("substituted-tiers", tiers=falling("pays"), **shared()),
    built(
        "per-percentage-point",
        below=SHARES.filter(bool),
        share_per_point=st.just(Fraction(1, 45)),
        counted_from=st.none() | st.just(1),
        of=st.sampled_from(["year", "window"]),
        rounding=ROUNDING,
        steps=STEPS,
        mode=st.sampled_from(["bracket", "marginal"]),
        **shared(),
    ),
    built("fee-brackets", brackets=falling("deducts"), mode=st.sampled_from(["bracket", "marginal"]), **shared()),
    built(
        "excess-surcharge",
        allowed=SHARES,
        factor=st.integers(0, 3),
        mode=st.sampled_from(["bracket", "marginal"]),
        rounding=ROUNDING,
        **shared(),
    ),
)
BY_OUTAGE = st.one_of(
    built("point-elimination", hours=st.integers(0, 60), **shared()),
    hourly(),
    built("time-abatement", **timed()),
    built("daily-fee", **timed()),
    built(
        "class-allowance",
        classes=st.fixed_dictionaries(
            {
                name: st.fixed_dictionaries({"minutes": st.integers(0, 600), "points": st.integers(0, 3)})
                for name in ("一类", "二类")
            }
        ),
        **{**timed(), "free_hours": st.just(0)},
    ),
    built("weighted-unavailability", weights=st.just({"一类": "1.5"}), **{**timed(), "per": st.just("outage")}),
    built(
        "rectification",
        deadline_hours=HOURS,
        again_hours=HOURS,
        clock=st.sampled_from(["outage", "report"]),
        share_per_period=st.integers(0, 3).map(lambda n: Fraction(n, 1000)),
        rounding=st.just("exact"),
        again_over=OVER,
        **shared(),
    ),
)
FEE_BOUND = {
    "pro-rata", "substituted-tiers", "fee-brackets", "assessment-score", "point-elimination", "hourly-percentage",
    "time-abatement", "daily-fee", "weighted-unavailability", "rectification",
}  # fmt: skip
RATES = st.integers(0, 10_000).map(lambda n: Fraction(n, 10_000))


@st.composite
def cells(draw: st.DrawFn) -> list[Cell]:
    """Some points with outages one after another, some of which began before the month or were reported."""
    found = []
    for n in range(draw(st.integers(1, 4))):
        at = draw(st.integers(-60, 20)) * HOUR_S
        earlier, inside = [], []
        for m in range(draw(st.integers(0, 4))):
            at += draw(st.integers(1, 90 * HOUR_S))
            length = draw(st.sampled_from([1, HOUR_S, 4 * HOUR_S, DAY_S]) | st.integers(1, 60 * HOUR_S))
            fact = outage(f"P{n}@{m}", at, length, cause=draw(CAUSES), excused=draw(st.booleans()))
            overlap = max(0, min(fact.end, END) - max(fact.start, START))
            reported = fact.start + draw(st.integers(0, length)) if draw(st.booleans()) else None
            before = draw(st.integers(0, max(0, min(fact.end, START) - fact.start)))
            fact = fact._replace(
                offline_s=draw(st.integers(min(1, overlap), overlap)), reported_at=reported, before_s=before
            )
            at += length
            if fact.start < END:
                (inside if fact.end > START else earlier).append(fact)
        found.append(cell(f"P{n}", *inside, category=draw(CLASSES), earlier=tuple(earlier)))
    return found


@st.composite
def events(draw: st.DrawFn) -> list[EventFact]:
    found = []
    for n in range(draw(st.integers(0, 8))):
        at = START + draw(st.integers(-5, 35)) * DAY_S + draw(st.integers(0, DAY_S))
        until = at + draw(st.integers(0, 9 * DAY_S)) if draw(st.booleans()) else None
        kind = draw(st.sampled_from(["clock-wrong", "caption-wrong", "inspection"]))
        sample = draw(st.integers(0, 60))
        details = (("sample", sample), ("defects", draw(st.integers(0, 60))))
        found.append(EventFact(f"e{n}", kind, draw(st.sampled_from(["", "P0", "P1"])), at, until, details=details))
    return found


BY_EVENT = st.one_of(
    built(
        "assessment-score",
        points=st.just({"clock-wrong": 4, "caption-wrong": "0.5"}),
        bands=st.just([{"from": 90, "pays": 1}, {"from": 80, "to": 90, "pays": "90%"}, {"to": 80, "pays": "70%"}]),
        **shared(),
    ),
    built("sampling", allowed=SHARES, rounding=ROUNDING, combine=st.sampled_from(["pooled", "worst"]), **shared()),
    built(
        "unit-fine",
        events=st.just(["clock-wrong", "caption-wrong"]),
        fine=st.just(50),
        period_hours=st.sampled_from([1, 24]),
        free_hours=st.integers(0, 30),
        rounding=ROUNDING,
        open=st.sampled_from(["one-period", "runs"]),
        **shared(),
    ),
)
ANY = st.one_of(BY_RATE, BY_OUTAGE, BY_EVENT)


@given(rule=ANY, rate=RATES, known=cells(), seen=events())
@FEW
def test_amounts_are_bounded_and_items_add_up(
    rule: Any, rate: Fraction, known: list[Cell], seen: list[EventFact]
) -> None:
    whole = window(rate, known, seen)
    result = judge(rule, whole)
    assert result.amount >= 0
    assert all(item.amount >= 0 for item in result.items)
    if result.items:
        assert added(result.items) == result.amount
    if rule.kind in FEE_BOUND:
        assert result.amount <= whole.fee
    if FAMILIES[rule.kind].stage == "point":
        for one in known:
            assert added([item for item in result.items if item.point == one.point]) <= one.fee
    assert result.formula


def reordered(data: st.DataObject, whole: Window) -> Window:
    def shuffled(rows: Any) -> tuple[Any, ...]:
        return tuple(data.draw(st.permutations(list(rows))))

    return replace(
        whole,
        cells=tuple(
            one._replace(outages=shuffled(one.outages), earlier=shuffled(one.earlier)) for one in shuffled(whole.cells)
        ),
        events=shuffled(whole.events),
    )


@given(data=st.data(), rule=ANY, rate=RATES, known=cells(), seen=events())
@FEW
def test_the_order_of_facts_does_not_matter(
    data: st.DataObject, rule: Any, rate: Fraction, known: list[Cell], seen: list[EventFact]
) -> None:
    whole = window(rate, known, seen)
    assert judge(rule, reordered(data, whole)) == judge(rule, whole)


@given(rule=ANY, rate=RATES, known=cells(), seen=events())
@FEW
def test_an_event_twice_is_one_event(rule: Any, rate: Fraction, known: list[Cell], seen: list[EventFact]) -> None:
    twice = [one._replace(events=tuple(event for event in seen if event.point == one.point)) for one in known]
    assert judge(rule, window(rate, twice, [*seen, *seen])) == judge(rule, window(rate, known, seen))


@given(data=st.data(), rule=BY_OUTAGE, known=cells())
@FEW
def test_an_outage_in_two_parts_is_one_outage(data: st.DataObject, rule: Any, known: list[Cell]) -> None:
    def parts(fact: OutageFact) -> list[OutageFact]:
        cut = data.draw(st.integers(0, fact.offline_s))
        return [fact._replace(offline_s=cut), fact._replace(offline_s=fact.offline_s - cut)]

    cut = [one._replace(outages=tuple(part for fact in one.outages for part in parts(fact))) for one in known]
    assert judge(rule, window(None, cut)) == judge(rule, window(None, known))


PER_OUTAGE = st.one_of(
    built(
        "hourly-percentage",
        share_per_hour=st.just(Fraction(1, 10_000)),
        flat=st.none() | st.just({"hours": 60, "share": Fraction(1, 100)}),
        **{**timed(), "per": st.just("outage")},
    ),
    built("time-abatement", hours_per_month=st.just(720), **{**timed(), "per": st.just("outage")}),
    built("daily-fee", days_per_month=st.just(30), **{**timed(), "per": st.just("outage")}),
    built(
        "class-allowance",
        classes=st.fixed_dictionaries(
            {
                name: st.fixed_dictionaries({"minutes": st.integers(0, 600), "points": st.integers(0, 3)})
                for name in ("一类", "二类")
            }
        ),
        **{**timed(), "free_hours": st.just(0), "per": st.just("outage")},
    ),
    built("weighted-unavailability", weights=st.just({"一类": "1.5"}), **{**timed(), "per": st.just("outage")}),
)


def seen_from(known: list[Cell], start: int, end: int) -> Window:
    """The window's part of outages that count all along, as whoever reads the record tells them."""
    cut = []
    for one in known:
        here, over = [], []
        for fact in one.outages:
            reported = max(fact.start, fact.end if fact.reported_at is None else fact.reported_at)
            part = fact._replace(
                offline_s=max(0, min(fact.end, end) - max(fact.start, start)),
                reported_s=max(0, min(fact.end, end) - max(reported, start)),
                before_s=max(0, min(fact.end, start) - fact.start),
                before_reported_s=max(0, min(fact.end, start) - reported),
            )
            if fact.start < end:
                (here if fact.end > start else over).append(part)
        cut.append(one._replace(outages=tuple(here), earlier=tuple(over)))
    return replace(window(None, cut), start=start, end=end)


@st.composite
def lasting(draw: st.DrawFn) -> list[Cell]:
    """A point's outages in two months, all of which counts, near each other and of few causes."""
    at, facts = START + draw(st.integers(0, 400)) * HOUR_S, []
    for n in range(draw(st.integers(1, 4))):
        at += draw(st.sampled_from([1, HOUR_S, 24 * HOUR_S]) | st.integers(1, 90 * HOUR_S))
        length = draw(st.sampled_from([1, HOUR_S, 4 * HOUR_S, DAY_S]) | st.integers(1, 99 * HOUR_S))
        reported = at + draw(st.integers(0, length)) if draw(st.booleans()) else None
        facts.append(OutageFact(f"P1@{n}", at, at + length, length, draw(CAUSES), reported))
        at += length
    return [cell("P1", *facts, category=draw(CLASSES))]


RECTIFIED = built(
    "rectification",
    deadline_hours=HOURS,
    again_hours=st.just(0) | HOURS,
    clock=st.sampled_from(["outage", "report"]),
    between=st.sampled_from(["counts", "free"]),
    share_per_period=st.just(Fraction(1, 1000)),
    period_hours=st.sampled_from([1, 5, 24]),
    rounding=ROUNDING,
    again_over=OVER,
    **shared(),
)


@given(data=st.data(), rule=PER_OUTAGE | RECTIFIED, known=lasting(), told=st.booleans())
@MANY
def test_outages_cost_the_same_wherever_windows_cut_them(
    data: st.DataObject, rule: Any, known: list[Cell], told: bool
) -> None:
    last = known[0].outages[-1].end
    cuts = sorted({START, *data.draw(st.lists(st.integers(START, last), max_size=4)), last + 1})
    whole = seen_from(known, START, last + 1)
    if not told:  # when it was reported is known, how much counted since is not
        whole = untold(whole)
    amount = judge(rule, whole).amount
    assume(FAMILIES[rule.kind].stage != "point" or amount < whole.cells[0].fee)
    parts = [seen_from(known, start, end) for start, end in pairwise(cuts)]
    assert sum(judge(rule, part if told else untold(part)).amount for part in parts) == amount


def untold(seen: Window) -> Window:
    return replace(
        seen,
        cells=tuple(
            one._replace(
                outages=tuple(fact._replace(reported_s=None, before_reported_s=None) for fact in one.outages),
                earlier=tuple(fact._replace(reported_s=None, before_reported_s=None) for fact in one.earlier),
            )
            for one in seen.cells
        ),
    )


@given(rule=BY_RATE, good=st.integers(0, 2_000), counted=st.integers(1, 2_000), times=st.integers(2, 9))
@FEW
def test_only_the_quotient_of_a_rate_counts(rule: Any, good: int, counted: int, times: int) -> None:
    assume(good <= counted)
    once = judge(rule, replace(window(), rate=Share(good, counted)))
    many = judge(rule, replace(window(), rate=Share(good * times, counted * times)))
    assert once.amount == many.amount


@given(rule=BY_RATE, a=RATES, b=RATES)
@MANY
def test_a_better_rate_never_costs_more(rule: Any, a: Fraction, b: Fraction) -> None:
    low, high = sorted([a, b])
    assert judge(rule, window(high)).amount <= judge(rule, window(low)).amount


@given(rule=BY_RATE, a=RATES, b=RATES)
@MANY
def test_amounts_jump_only_at_the_thresholds(rule: Any, a: Fraction, b: Fraction) -> None:
    low, high = sorted([a, b])
    assume(low > 0)  # a jump at a rate of exactly 0 is of no consequence
    jumps = FAMILIES[rule.kind].thresholds(rule)
    for at in jumps:
        assert 0 < at <= 1
    inner = [at for at in jumps if low <= at <= high]
    if inner:  # keep to one side of the first jump
        low, high = (inner[0], inner[0]) if low == inner[0] else (low, low + (inner[0] - low) / 2)
    whole = window(low)
    steepest = 100 * whole.yearly_fee * Fraction(6, 45) + 4 * whole.fee
    fall = judge(rule, whole).amount - judge(rule, window(high)).amount
    assert fall <= steepest * (high - low)


@given(
    data=st.data(),
    rule=BY_OUTAGE,
    known=cells(),
    more=st.sampled_from([1, 60, HOUR_S, DAY_S]) | st.integers(1, 400_000),
)
@MANY
def test_a_longer_outage_never_costs_less(data: st.DataObject, rule: Any, known: list[Cell], more: int) -> None:
    n = data.draw(st.integers(0, len(known) - 1))
    outages = known[n].outages
    assume(outages)
    m = data.draw(st.integers(0, len(outages) - 1))
    fact = outages[m]
    limit = min(outages[m + 1].start if m + 1 < len(outages) else END, END)
    grown = min(more, limit - fact.end)
    assume(grown > 0)
    longer = fact._replace(end=fact.end + grown, offline_s=fact.offline_s + grown)
    worse = [*known]
    worse[n] = known[n]._replace(outages=(*outages[:m], longer, *outages[m + 1 :]))
    assert judge(rule, window(None, worse)).amount >= judge(rule, window(None, known)).amount


@given(
    rounding=ROUNDING,
    period=st.sampled_from([1, 24]),
    free=st.sampled_from([0, 1, 24, 72]),
    over=OVER,
    at=st.integers(-200, 900),
    length=st.none() | st.integers(1, 2_000),
    cut=st.integers(1, 30),
)
@MANY
def test_the_periods_of_months_add_up(
    rounding: str, period: int, free: int, over: str, at: int, length: int | None, cut: int
) -> None:
    rule = terms(
        "unit-fine",
        events=["clock-wrong"],
        fine=50,
        period_hours=period,
        free_hours=free,
        over=over,
        rounding=rounding,
        open="runs",
    )
    start = START + at * HOUR_S
    event = EventFact("e", "clock-wrong", "P1", start, None if length is None else start + length * 1_801)
    middle = START + cut * DAY_S

    def amount(first: int, last: int) -> Fraction:
        return judge(rule, window(events=[event], start=first, end=last)).amount

    assert amount(START, middle) + amount(middle, END) == amount(START, END)
    ended = event._replace(until=END if event.until is None else min(END, event.until))
    assert amount(START, END) == judge(rule, window(events=[ended])).amount


@given(events(), st.integers(1, 40 * HOUR_S))
@FEW
def test_a_longer_event_never_costs_less(seen: list[EventFact], more: int) -> None:
    rule = terms("unit-fine", events=["clock-wrong"], fine=50, period_hours=24, free_hours=6)
    longer = [event if event.until is None else event._replace(until=event.until + more) for event in seen]
    assert judge(rule, window(events=longer)).amount >= judge(rule, window(events=seen)).amount
