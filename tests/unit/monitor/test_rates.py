"""Hand-typed accounts, rates and verdicts."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from monitor.model import Instant, Outcome, Reason, Run, Rung, State
from monitor.period import midnight, months_of, parse_period
from monitor.rates import (
    NEVER,
    Seconds,
    Service,
    Watched,
    add,
    integrity,
    mean_of_points,
    measure,
    rate_of,
    service_of,
    six,
    snapshot,
    sum_of,
    verdict,
)
from monitor.timeline import NOTHING, Piece, Policy, Timeline, build, from_pieces

ON, OFF, UNK = State.ONLINE, State.OFFLINE, State.UNKNOWN
ALWAYS = Service(None, None)
DAY = 86_400
PLAIN = Policy()


def line(*pieces: tuple[int, int, State]) -> Timeline:
    return from_pieces([Piece(start, end, state, None) for start, end, state in pieces], PLAIN)


def one_day() -> Timeline:
    """Down 08:06:56-09:48:36, else online, seconds counted from the day's midnight."""
    return line((0, 29_216, ON), (29_216, 35_316, OFF), (35_316, DAY, ON))


# The one-day case of the data model


@pytest.mark.parametrize(
    ("exclusions", "seconds", "good", "counted", "rate"),
    [
        ("out_of_both", Seconds(79_884, 5_616, 0, 900), 79_884, 85_500, "0.934316"),
        ("online", Seconds(79_884, 5_616, 0, 900), 80_784, 86_400, "0.935000"),
        ("counted", Seconds(80_300, 6_100, 0, 0), 80_300, 86_400, "0.929398"),
    ],
)
def test_one_day(exclusions: str, seconds: Seconds, good: int, counted: int, rate: str) -> None:
    policy = Policy.model_validate({"exclusions": exclusions})
    measured = measure(one_day(), (0, DAY), ALWAYS, [(28_800, 29_700)], policy)
    assert measured == seconds
    result = rate_of(measured, policy)
    assert (result.good, result.counted) == (good, counted)
    assert six(result.value) == six(result.best) == six(result.worst) == rate


# Cutting


def test_what_is_before_and_after_the_data_is_unknown() -> None:
    assert measure(line((100, 200, ON)), (0, 1000), ALWAYS, [], PLAIN) == Seconds(100, 0, 900, 0)
    assert measure(NOTHING, (0, 1000), ALWAYS, [], PLAIN) == Seconds(0, 0, 1000, 0)


def test_the_window_is_half_open() -> None:
    timeline = line((0, 100, ON), (100, 200, OFF), (200, 300, ON))
    assert measure(timeline, (99, 200), ALWAYS, [], PLAIN) == Seconds(1, 100, 0, 0)
    assert measure(timeline, (100, 201), ALWAYS, [], PLAIN) == Seconds(1, 100, 0, 0)
    assert measure(timeline, (150, 150), ALWAYS, [], PLAIN) == Seconds(0, 0, 0, 0)
    assert measure(timeline, (150, 100), ALWAYS, [], PLAIN) == Seconds(0, 0, 0, 0)


def test_service_cuts_inclusive_and_exclusive() -> None:
    timeline = line((0, 100, ON), (100, 200, OFF), (200, 300, ON))
    assert measure(timeline, (0, 300), Service(100, None), [], PLAIN) == Seconds(100, 100, 0, 0)
    assert measure(timeline, (0, 300), Service(None, 200), [], PLAIN) == Seconds(100, 100, 0, 0)
    assert measure(timeline, (0, 300), Service(150, 160), [], PLAIN) == Seconds(0, 10, 0, 0)
    assert measure(timeline, (0, 300), Service(300, None), [], PLAIN) == Seconds(0, 0, 0, 0)
    assert measure(timeline, (0, 300), NEVER, [], PLAIN) == Seconds(0, 0, 0, 0)


def test_service_days_begin_at_midnight_in_the_contract_zone() -> None:
    # 2020-07-01 00:00 +08:00
    assert service_of(date(2020, 7, 1), None) == Service(1593532800, None)
    assert service_of(date(2020, 7, 1), date(2020, 7, 2)) == Service(1593532800, 1593619200)
    assert service_of(date(2020, 7, 1), date(2020, 7, 2), "UTC") == Service(1593561600, 1593648000)
    assert service_of(None, date(2020, 7, 2)) == NEVER


def test_exclusions_may_overlap_be_unsorted_and_reach_outside() -> None:
    timeline = line((0, 100, ON), (100, 200, OFF), (250, 300, ON))
    exclusions = [(180, 260), (-50, 10), (90, 120), (110, 130), (290, 900), (150, 150)]
    # Excluded in [0, 300): 10 + 40 + 80 + 10. Online 10-90, 260-290; offline 130-180; unknown 200-250 all excluded.
    assert measure(timeline, (0, 300), ALWAYS, exclusions, PLAIN) == Seconds(110, 50, 0, 140)


def test_unknown_outside_exclusions_only() -> None:
    timeline = line((0, 100, ON), (200, 300, ON))
    assert measure(timeline, (0, 300), ALWAYS, [(150, 170)], PLAIN) == Seconds(200, 0, 80, 20)


def test_an_exclusion_before_service_excludes_nothing() -> None:
    assert measure(line((0, 300, ON)), (0, 300), Service(100, None), [(0, 120)], PLAIN) == Seconds(180, 0, 0, 20)


def run(first: int, last: int, state: State, *, valid_s: int = 120) -> Run:
    reason = {ON: Reason.OK, OFF: Reason.TIMEOUT, UNK: Reason.WATCHER}[state]
    outcome = Outcome(state, reason, Rung.DESCRIBE)
    count = (last - first) // 60 + 1
    return Run("p", "v", Instant(first * 1_000_000), Instant(last * 1_000_000), count, outcome, valid_s)


def test_an_outage_across_midnight_and_month_end_is_split_by_the_cut_not_re_tested() -> None:
    # Offline for 90 s across the end of July: 60 s before midnight and 30 after.
    august = midnight(date(2020, 8, 1))
    runs = [
        run(august - 6000, august - 120, ON),
        run(august - 60, august - 60, OFF),
        run(august + 30, august + 6030, ON),
    ]
    policy = Policy(confirm_samples=1, minimum_outage_s=90)
    timeline = build(runs, [], policy)
    july, august_itself = parse_period("2020-07").span(), parse_period("2020-08").span()
    assert measure(timeline, july, ALWAYS, [], policy) == Seconds(5_940, 60, 2_672_400, 0)
    # 6,030 s of August until the last sample and 120 s of hold, 30 of them offline.
    assert measure(timeline, august_itself, ALWAYS, [], policy) == Seconds(6_120, 30, 2_672_250, 0)


def test_days_and_months_add_up_to_the_quarter() -> None:
    quarter = parse_period("2020Q3")
    start, end = quarter.span()
    timeline = line((start - 500, start + 1_000_001, ON), (start + 1_000_001, end - 77, OFF))
    exclusions = [(start + 5, start + 3_000_000)]
    whole = measure(timeline, quarter.span(), ALWAYS, exclusions, PLAIN)
    months = [measure(timeline, month.span(), ALWAYS, exclusions, PLAIN) for month in months_of(quarter)]
    days = [measure(timeline, (at, at + DAY), ALWAYS, exclusions, PLAIN) for at in range(start, end, DAY)]
    assert sum_of(months) == sum_of(days) == whole
    assert {day.total() for day in days} == {DAY}
    assert len(days) == 92
    assert whole == Seconds(5, 7_948_800 - 77 - 3_000_000, 77, 2_999_995)


# Step 10


@pytest.mark.parametrize(
    ("unknown", "good", "counted", "value"),
    [
        ("excluded", 60, 80, Fraction(3, 4)),
        ("online", 80, 100, Fraction(4, 5)),
        ("offline", 60, 100, Fraction(3, 5)),
    ],
)
def test_unknown_time(unknown: str, good: int, counted: int, value: Fraction) -> None:
    rate = rate_of(Seconds(60, 20, 20, 7), Policy.model_validate({"unknown": unknown}))
    assert (rate.good, rate.counted, rate.excluded, rate.unknown) == (good, counted, 7, 20)
    assert rate.value == value
    # The bounds do not depend on what unknown is taken for.
    assert (rate.best, rate.worst) == (Fraction(4, 5), Fraction(3, 5))


def test_excluded_time_as_online_counts_in_the_bounds_too() -> None:
    rate = rate_of(Seconds(60, 20, 20, 100), Policy(exclusions="online"))
    assert (rate.value, rate.best, rate.worst) == (Fraction(160, 180), Fraction(180, 200), Fraction(160, 200))


def test_nothing_counted_is_no_rate() -> None:
    rate = rate_of(Seconds(0, 0, 0, 500), PLAIN)
    assert (rate.value, rate.best, rate.worst) == (None, None, None)
    assert rate_of(Seconds(0, 0, 100, 0), PLAIN).value is None
    assert rate_of(Seconds(0, 0, 0, 500), Policy(exclusions="online")).value == 1
    assert rate_of(Seconds(0, 0, 100, 0), Policy(unknown="offline")).value == 0


def test_accounts_add_up() -> None:
    assert add(Seconds(1, 2, 3, 4), Seconds(10, 20, 30, 40)) == Seconds(11, 22, 33, 44)
    assert sum_of([]) == Seconds(0, 0, 0, 0)
    assert Seconds(1, 2, 3, 4).total() == 10


# Step 11


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (Seconds(90, 10, 0, 0), "met"),
        (Seconds(89, 11, 0, 0), "missed"),
        (Seconds(90, 9, 1, 0), "met"),  # worst 90/100
        (Seconds(89, 10, 1, 0), "undecided"),  # best 90/100, worst 89/100
        (Seconds(88, 11, 1, 0), "missed"),  # best 89/100
        (Seconds(0, 0, 100, 0), "not-assessable"),
        (Seconds(0, 0, 0, 100), "not-assessable"),
        (Seconds(0, 0, 0, 0), "not-assessable"),
    ],
)
def test_verdict(seconds: Seconds, expected: str) -> None:
    assert verdict(seconds, PLAIN, Fraction(9, 10)) == expected


def test_verdict_without_target() -> None:
    assert verdict(Seconds(90, 10, 0, 0), PLAIN, None) == "not-assessable"


def test_minimum_coverage_is_of_the_time_outside_exclusions() -> None:
    policy = Policy(minimum_coverage=Fraction(9, 10))
    assert verdict(Seconds(90, 0, 10, 1000), policy, Fraction(1, 2)) == "met"
    assert verdict(Seconds(89, 0, 11, 1000), policy, Fraction(1, 2)) == "not-assessable"


def test_coverage_of_a_wholly_excluded_period_is_not_lacking() -> None:
    policy = Policy(minimum_coverage=Fraction(9, 10), exclusions="online")
    assert verdict(Seconds(0, 0, 0, 100), policy, Fraction(9, 10)) == "met"


# Other definitions


def test_mean_of_points_is_exact_and_leaves_out_what_has_nothing_counted() -> None:
    mean = mean_of_points(
        [Seconds(1, 2, 0, 0), Seconds(900, 100, 0, 0), Seconds(0, 0, 77, 0), Seconds(1, 1, 2, 0)], PLAIN
    )
    # (1/3 + 9/10 + 1/2) / 3; what nobody saw may have been 1 or 0: (1/3 + 9/10 + 1 + 3/4) / 4, (1/3 + 9/10 + 0 + 1/4) / 4.
    assert (mean.points, mean.left_out) == (3, 1)
    assert mean.value == Fraction(26, 45)
    assert mean.best == Fraction(179, 240)
    assert mean.worst == Fraction(89, 240)


def test_mean_of_nothing() -> None:
    mean = mean_of_points([Seconds(0, 0, 5, 0)], PLAIN)
    assert (mean.points, mean.left_out, mean.value, mean.best, mean.worst) == (0, 1, None, 1, 0)


def test_mean_of_many_different_denominators() -> None:
    # Mean of k / (k + 1) for k = 1..4: (1/2 + 2/3 + 3/4 + 4/5) / 4
    assert mean_of_points([Seconds(k, 1, 0, 0) for k in range(1, 5)], PLAIN).value == Fraction(163, 240)


def test_snapshot_counts_point_inspections() -> None:
    up = Watched(line((0, 1000, ON)), ALWAYS, [])
    half = Watched(line((0, 500, ON), (500, 1000, OFF)), ALWAYS, [])
    late = Watched(line((0, 1000, ON)), Service(600, None), [(900, 901)])
    blind = Watched(NOTHING, ALWAYS, [])
    rate = snapshot([up, half, late, blind], [100, 499, 500, 900], PLAIN)
    # up 4; half 2 of 4; late in service only at 900, and excluded then; blind 4 unknown.
    assert (rate.good, rate.counted, rate.excluded, rate.unknown) == (6, 8, 1, 4)
    assert (rate.value, rate.best, rate.worst) == (Fraction(3, 4), Fraction(10, 12), Fraction(6, 12))
    assert snapshot([late], [900], Policy(exclusions="counted")).value == 1


def test_integrity_counts_devices() -> None:
    up = Watched(line((0, 1000, ON)), ALWAYS, [], 8)
    down = Watched(line((0, 1000, OFF)), ALWAYS, [], 2)
    gone = Watched(line((0, 1000, OFF)), Service(None, 500), [], 50)
    rate = integrity([up, down, gone], 500, PLAIN)
    assert (rate.good, rate.counted, rate.value) == (8, 10, Fraction(4, 5))


# Printing


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, None),
        (Fraction(0), "0.000000"),
        (Fraction(1), "1.000000"),
        (Fraction(79_884, 85_500), "0.934316"),
        (Fraction(1, 3), "0.333333"),
        (Fraction(2, 3), "0.666667"),
        (Fraction(1, 2_000_000), "0.000001"),
        (Fraction(4_999_999, 10_000_000_000_000), "0.000000"),
        (Fraction(9_999_995, 10_000_000), "1.000000"),
        (Fraction(9_999_994, 10_000_000), "0.999999"),
        (Fraction(-1, 2_000_000), "-0.000001"),
        (Fraction(-1, 3_000_000), "0.000000"),
    ],
)
def test_six_places_half_up(share: Fraction | None, text: str | None) -> None:
    assert six(share) == text
