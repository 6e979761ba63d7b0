"""Histories at the boundaries of days, months and contracts. Every figure was worked out by hand, none by the code."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import pytest

from monitor import rates, timeline
from monitor.model import MICROSECONDS, STATE_OF, Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.rates import Seconds, Service
from monitor.timeline import Piece, Policy

ALWAYS = Service(None, None)
PLAIN = Policy()


def us(text: str) -> Instant:
    """Microseconds of an ISO 8601 instant; without an offset it is Shanghai's wall clock."""
    whole, _, fraction = text.partition(".")
    offset = "" if whole.endswith("Z") else "+08:00"
    seconds = int(datetime.fromisoformat(whole.replace("Z", "+00:00") + offset).timestamp())
    return Instant(seconds * MICROSECONDS + int(fraction.ljust(6, "0") or 0))


def s(text: str) -> int:
    """Whole seconds of an ISO 8601 instant."""
    return us(text) // MICROSECONDS


def run(
    first: str, last: str, reason: Reason = Reason.OK, *, count: int = 1_000, valid_s: int = 120, vantage: str = "a"
) -> Run:
    outcome = Outcome(STATE_OF[reason], reason, Rung.DESCRIBE)
    return Run("p", vantage, us(first), us(last), count, outcome, valid_s)


def measured(
    runs: list[Run], start: str, end: str, service: Service = ALWAYS, policy: Policy = PLAIN, gaps: tuple[Gap, ...] = ()
) -> Seconds:
    return rates.measure(timeline.build(runs, gaps, policy), (s(start), s(end)), service, [], policy)


def down(start: str, last_failure: str, end: str) -> list[Run]:
    """Online all through the second half of 2020 except from `start` until `end`."""
    return [
        run("2020-06-01T00:00:00", start, count=200_000),
        run(start + ".000001", last_failure, Reason.TIMEOUT),
        run(end, "2020-12-31T00:00:00", count=200_000),
    ]


def test_an_outage_across_midnight_counts_in_both_days() -> None:
    runs = down("2020-07-01T23:50:00", "2020-07-02T00:08:00", "2020-07-02T00:10:00")
    assert measured(runs, "2020-07-01T00:00:00", "2020-07-02T00:00:00") == Seconds(85_800, 600, 0, 0)
    assert measured(runs, "2020-07-02T00:00:00", "2020-07-03T00:00:00") == Seconds(85_800, 600, 0, 0)


def test_an_outage_across_a_month_end_counts_in_both_months() -> None:
    runs = down("2020-07-31T23:00:00", "2020-08-01T02:29:00", "2020-08-01T02:30:00")
    assert measured(runs, "2020-07-01T00:00:00", "2020-08-01T00:00:00") == Seconds(2_674_800, 3_600, 0, 0)
    assert measured(runs, "2020-08-01T00:00:00", "2020-09-01T00:00:00") == Seconds(2_669_400, 9_000, 0, 0)
    assert measured(runs, "2020-09-01T00:00:00", "2020-10-01T00:00:00") == Seconds(2_592_000, 0, 0, 0)
    assert measured(runs, "2020-07-01T00:00:00", "2020-10-01T00:00:00") == Seconds(7_936_200, 12_600, 0, 0)


def test_a_month_begins_at_midnight_in_shanghai_which_is_four_in_the_afternoon_before_in_utc() -> None:
    runs = down("2020-06-30T23:00:00", "2020-07-01T00:59:00", "2020-07-01T01:00:00")
    built = timeline.build(runs, [], PLAIN)
    assert [outage[:2] for outage in built.outages] == [(s("2020-06-30T15:00:00Z"), s("2020-06-30T17:00:00Z"))]
    june = rates.measure(built, (s("2020-06-29T16:00:00Z"), s("2020-06-30T16:00:00Z")), ALWAYS, [], PLAIN)
    july = rates.measure(built, (s("2020-06-30T16:00:00Z"), s("2020-07-01T16:00:00Z")), ALWAYS, [], PLAIN)
    assert (june, july) == (Seconds(82_800, 3_600, 0, 0), Seconds(82_800, 3_600, 0, 0))


def test_an_outage_long_enough_stays_one_when_midnight_halves_it() -> None:
    policy = Policy(minimum_outage_s=600)
    runs = down("2020-07-01T23:52:00", "2020-07-02T00:07:00", "2020-07-02T00:08:00")
    for day, after in (("2020-07-01", "2020-07-02"), ("2020-07-02", "2020-07-03")):
        seconds = measured(runs, f"{day}T00:00:00", f"{after}T00:00:00", policy=policy)
        assert seconds == Seconds(85_920, 480, 0, 0)


def test_an_outage_of_exactly_the_minimum_is_one_and_a_second_less_is_not() -> None:
    policy = Policy(minimum_outage_s=600)
    exact = down("2020-07-01T23:55:00", "2020-07-02T00:04:00", "2020-07-02T00:05:00")
    short = down("2020-07-01T23:55:00", "2020-07-02T00:04:00", "2020-07-02T00:04:59")
    both_days = ("2020-07-01T00:00:00", "2020-07-03T00:00:00")
    assert measured(exact, *both_days, policy=policy) == Seconds(172_200, 600, 0, 0)
    assert measured(short, *both_days, policy=policy) == Seconds(172_800, 0, 0, 0)


def test_the_account_begins_with_the_day_of_acceptance() -> None:
    runs = down("2020-07-14T20:00:00", "2020-07-15T05:59:00", "2020-07-15T06:00:00")
    accepted = Service(s("2020-07-15T00:00:00"), None)
    july = ("2020-07-01T00:00:00", "2020-08-01T00:00:00")
    assert measured(runs, *july, accepted) == Seconds(1_447_200, 21_600, 0, 0)
    assert sum(measured(runs, *july, accepted)) == 17 * 86_400
    assert measured(runs, *july) == Seconds(2_642_400, 36_000, 0, 0)


def test_billing_from_a_later_day_forgets_what_was_before() -> None:
    runs = down("2020-07-14T20:00:00", "2020-07-15T05:59:00", "2020-07-15T06:00:00")
    billed = Service(s("2020-07-16T00:00:00"), None)
    assert measured(runs, "2020-07-01T00:00:00", "2020-08-01T00:00:00", billed) == Seconds(1_382_400, 0, 0, 0)


def test_the_account_ends_before_the_day_of_retirement() -> None:
    runs = down("2020-09-09T22:00:00", "2020-09-10T02:59:00", "2020-09-10T03:00:00")
    retired = Service(None, s("2020-09-10T00:00:00"))
    september = ("2020-09-01T00:00:00", "2020-10-01T00:00:00")
    assert measured(runs, *september, retired) == Seconds(770_400, 7_200, 0, 0)
    assert measured(runs, "2020-09-10T00:00:00", "2020-10-01T00:00:00", retired) == Seconds(0, 0, 0, 0)


def test_a_point_accepted_on_the_day_it_is_retired_has_no_account() -> None:
    runs = down("2020-09-09T22:00:00", "2020-09-10T02:59:00", "2020-09-10T03:00:00")
    never = Service(s("2020-09-10T00:00:00"), s("2020-09-10T00:00:00"))
    seconds = measured(runs, "2020-09-01T00:00:00", "2020-10-01T00:00:00", never)
    assert seconds == Seconds(0, 0, 0, 0)
    assert rates.rate_of(seconds, PLAIN).value is None


def test_an_acceptance_inside_an_outage_does_not_make_it_too_short() -> None:
    policy = Policy(minimum_outage_s=36_000)
    runs = down("2020-07-14T20:00:00", "2020-07-15T05:59:00", "2020-07-15T06:00:00")
    accepted = Service(s("2020-07-15T00:00:00"), s("2020-07-16T00:00:00"))
    seconds = measured(runs, "2020-07-01T00:00:00", "2020-08-01T00:00:00", accepted, policy)
    assert seconds == Seconds(64_800, 21_600, 0, 0)


@pytest.mark.parametrize(
    ("exclusions", "seconds", "counts", "rate"),
    [
        ("out_of_both", Seconds(79_884, 5_616, 0, 900), (79_884, 85_500), "0.934316"),
        ("online", Seconds(79_884, 5_616, 0, 900), (80_784, 86_400), "0.935000"),
        ("counted", Seconds(80_300, 6_100, 0, 0), (80_300, 86_400), "0.929398"),
    ],
)
def test_the_one_day_case(exclusions: str, seconds: Seconds, counts: tuple[int, int], rate: str) -> None:
    policy = Policy.model_validate({"exclusions": exclusions})
    day, fails, works, behind = (s(f"2020-07-01T{clock}") for clock in ("00:00:00", "08:06:56", "09:48:36", "23:59:59"))
    pieces = [
        Piece(day, fails, State.ONLINE, None),
        Piece(fails, works, State.OFFLINE, None),
        Piece(works, behind + 1, State.ONLINE, None),
    ]
    notice = [(s("2020-07-01T08:00:00"), s("2020-07-01T08:15:00"))]
    found = rates.measure(timeline.from_pieces(pieces, policy), (day, behind + 1), ALWAYS, notice, policy)
    assert found == seconds
    result = rates.rate_of(found, policy)
    assert (result.good, result.counted) == counts
    assert rates.six(result.value) == rate


def test_fractions_of_a_second_are_floored_before_anything_else() -> None:
    runs = [
        run("2020-07-01T00:00:00.9", "2020-07-01T00:00:09.9"),
        run("2020-07-01T00:00:10.2", "2020-07-01T00:00:12.1", Reason.REFUSED, count=3),
        run("2020-07-01T00:00:12.999999", "2020-07-01T00:00:30"),
    ]
    built = timeline.build(runs, [], PLAIN)
    day = s("2020-07-01T00:00:00")
    assert [(p.start - day, p.end - day, p.state) for p in built.pieces] == [
        (0, 10, State.ONLINE),
        (10, 12, State.OFFLINE),
        (12, 150, State.ONLINE),
    ]


def test_of_two_runs_in_one_second_the_later_has_it() -> None:
    runs = [
        run("2020-07-01T00:00:10.1", "2020-07-01T00:00:10.1", Reason.REFUSED, count=1),
        run("2020-07-01T00:00:10.8", "2020-07-01T00:00:20"),
    ]
    built = timeline.build(runs, [], Policy(confirm_samples=1))
    assert [(p.state, p.end - p.start) for p in built.pieces] == [(State.ONLINE, 130)]


def test_a_verdict_is_held_for_its_valid_seconds_and_not_one_more() -> None:
    runs = [
        run("2020-07-01T11:00:00", "2020-07-01T12:00:00", valid_s=130),
        run("2020-07-01T13:00:00", "2020-07-01T14:00:00", valid_s=130),
    ]
    seconds = measured(runs, "2020-07-01T12:00:00", "2020-07-01T13:00:00")
    assert seconds == Seconds(130, 0, 3_470, 0)


def test_a_crash_is_unknown_from_the_last_result_to_the_next() -> None:
    runs = [
        run("2020-07-01T09:00:00", "2020-07-01T10:00:00.4"),
        run("2020-07-01T10:05:00.6", "2020-07-01T10:30:00"),
    ]
    crash = Gap("a", us("2020-07-01T10:00:00.4"), us("2020-07-01T10:05:00.6"), "crash")
    seconds = measured(runs, "2020-07-01T09:00:00", "2020-07-01T10:30:00", gaps=(crash,))
    assert seconds == Seconds(3_600 + 1_499, 0, 301, 0)


def test_after_a_gap_nothing_is_held_until_the_next_sample() -> None:
    runs = [
        run("2020-07-01T09:00:00", "2020-07-01T10:00:00", valid_s=600),
        run("2020-07-01T10:05:00", "2020-07-01T10:30:00", valid_s=600),
    ]
    lag = Gap("a", us("2020-07-01T10:01:00"), us("2020-07-01T10:02:00"), "lag", "p")
    seconds = measured(runs, "2020-07-01T10:00:00", "2020-07-01T10:30:00", gaps=(lag,))
    assert seconds == Seconds(60 + 1_500, 0, 240, 0)


def test_a_gap_written_back_takes_away_the_failures_inside_it() -> None:
    runs = [
        run("2020-07-01T09:00:00", "2020-07-01T09:59:00"),
        run("2020-07-01T10:00:00", "2020-07-01T10:04:00", Reason.UNREACHABLE, count=5),
        run("2020-07-01T10:05:00", "2020-07-01T11:00:00"),
    ]
    cut_off = Gap("a", us("2020-07-01T10:00:00"), us("2020-07-01T10:05:00"), "cut-off")
    built = timeline.build(runs, [cut_off], PLAIN)
    assert built.outages == ()
    seconds = rates.measure(built, (s("2020-07-01T09:00:00"), s("2020-07-01T11:00:00")), ALWAYS, [], PLAIN)
    assert seconds == Seconds(6_900, 0, 300, 0)


def test_a_gap_that_is_still_open_leaves_all_that_follows_unknown() -> None:
    runs = [run("2020-07-01T09:00:00", "2020-07-01T10:00:00")]
    stopped = Gap("a", us("2020-07-01T10:00:30"), None, "stopped")
    seconds = measured(runs, "2020-07-01T09:00:00", "2020-07-01T12:00:00", gaps=(stopped,))
    assert seconds == Seconds(3_630, 0, 7_170, 0)


def test_unknown_time_inside_an_outage_does_not_split_it() -> None:
    runs = [
        run("2020-07-01T23:00:00", "2020-07-01T23:59:00"),
        run("2020-07-02T00:00:00", "2020-07-02T00:01:00", Reason.TIMEOUT, count=2, valid_s=60),
        run("2020-07-02T00:10:00", "2020-07-02T00:10:00", Reason.TIMEOUT, count=1, valid_s=60),
        run("2020-07-02T00:11:00", "2020-07-02T01:00:00"),
    ]
    built = timeline.build(runs, [], PLAIN)
    day = s("2020-07-02T00:00:00")
    assert built.outages == ((day, day + 660, ((day, day + 120), (day + 600, day + 660))),)
    assert not built.open_chain
    seconds = rates.measure(built, (day, day + 3_600), ALWAYS, [], PLAIN)
    assert seconds == Seconds(2_940, 180, 480, 0)


def test_two_failures_between_two_good_states_are_no_outage_and_three_are() -> None:
    two = [
        run("2020-07-01T23:00:00", "2020-07-01T23:59:00"),
        run("2020-07-02T00:00:00", "2020-07-02T00:01:00", Reason.TIMEOUT, count=2),
        run("2020-07-02T00:02:00", "2020-07-02T01:00:00"),
    ]
    three = [two[0], run("2020-07-02T00:00:00", "2020-07-02T00:01:30", Reason.TIMEOUT, count=3), two[2]]
    hour = ("2020-07-02T00:00:00", "2020-07-02T01:00:00")
    assert measured(two, *hour) == Seconds(3_600, 0, 0, 0)
    assert measured(three, *hour) == Seconds(3_480, 120, 0, 0)


def test_a_recovery_across_midnight_shorter_than_the_limit_joins_the_outages_beside_it() -> None:
    runs = [
        run("2020-07-01T22:00:00", "2020-07-01T22:59:00"),
        run("2020-07-01T23:00:00", "2020-07-01T23:58:00", Reason.TIMEOUT),
        run("2020-07-01T23:59:00", "2020-07-02T00:00:00"),
        run("2020-07-02T00:01:00", "2020-07-02T00:59:00", Reason.TIMEOUT),
        run("2020-07-02T01:00:00", "2020-07-02T02:00:00"),
    ]
    span = ("2020-07-01T22:00:00", "2020-07-02T02:00:00")
    assert measured(runs, *span, policy=Policy(minimum_recovery_s=120)) == Seconds(7_320, 7_080, 0, 0)
    policy = Policy(minimum_recovery_s=121)
    assert measured(runs, *span, policy=policy) == Seconds(7_200, 7_200, 0, 0)
    eleven, one = s("2020-07-01T23:00:00"), s("2020-07-02T01:00:00")
    assert timeline.build(runs, [], policy).outages == ((eleven, one, ((eleven, one),)),)


def test_outages_are_judged_before_recoveries() -> None:
    """Two blips with a short recovery between them are no outage, though together they would be long enough."""
    runs = [
        run("2020-07-01T23:00:00", "2020-07-01T23:58:00"),
        run("2020-07-01T23:59:00", "2020-07-01T23:59:40", Reason.TIMEOUT),
        run("2020-07-02T00:00:00", "2020-07-02T00:00:05"),
        run("2020-07-02T00:00:10", "2020-07-02T00:00:50", Reason.TIMEOUT),
        run("2020-07-02T00:01:10", "2020-07-02T01:00:00"),
    ]
    policy = Policy(minimum_outage_s=100, minimum_recovery_s=30)
    assert measured(runs, "2020-07-01T23:00:00", "2020-07-02T01:00:00", policy=policy) == Seconds(7_200, 0, 0, 0)


def test_failures_at_the_end_of_the_data_are_unknown_until_they_are_enough() -> None:
    runs = [
        run("2020-07-01T23:00:00", "2020-07-01T23:59:00"),
        run("2020-07-02T00:00:00", "2020-07-02T00:01:00", Reason.TIMEOUT, count=2),
    ]
    more = [runs[0], run("2020-07-02T00:00:00", "2020-07-02T00:02:00", Reason.TIMEOUT, count=3)]
    span = ("2020-07-02T00:00:00", "2020-07-02T00:03:00")
    assert measured(runs, *span) == Seconds(0, 0, 180, 0)
    assert measured(more, *span) == Seconds(0, 180, 0, 0)
    assert timeline.build(runs, [], PLAIN).open_chain
    assert timeline.build(more, [], PLAIN).open_chain


def test_one_vantage_that_sees_the_camera_is_enough_and_a_quorum_is_asked_for_offline_only() -> None:
    runs = [
        run("2020-07-01T00:00:00", "2020-07-01T00:59:00", Reason.TIMEOUT, count=60, vantage="a"),
        run("2020-07-01T00:00:00", "2020-07-01T00:19:00", vantage="b"),
        run("2020-07-01T00:20:00", "2020-07-01T00:39:00", Reason.REFUSED, count=20, vantage="b", valid_s=60),
    ]
    hour = ("2020-07-01T00:00:00", "2020-07-01T01:00:00")
    assert measured(runs, *hour) == Seconds(1_200, 2_400, 0, 0)
    assert measured(runs, *hour, policy=Policy(vantages="quorum", quorum=2)) == Seconds(1_200, 1_200, 1_200, 0)


def test_a_rejected_password_is_unknown_unless_the_contract_calls_it_offline() -> None:
    runs = [run("2020-07-01T00:00:00", "2020-07-01T00:59:00", Reason.AUTH_REJECTED)]
    hour = ("2020-07-01T00:00:00", "2020-07-01T01:00:00")
    assert measured(runs, *hour) == Seconds(0, 0, 3_600, 0)
    assert measured(runs, *hour, policy=Policy(auth_rejected="offline")) == Seconds(0, 3_600, 0, 0)


@pytest.mark.parametrize(
    ("unknown", "counts", "rate"),
    [("excluded", (60, 80), "0.750000"), ("online", (80, 100), "0.800000"), ("offline", (60, 100), "0.600000")],
)
def test_unknown_seconds_go_where_the_policy_says(unknown: str, counts: tuple[int, int], rate: str) -> None:
    policy = Policy.model_validate({"unknown": unknown})
    result = rates.rate_of(Seconds(60, 20, 20, 7), policy)
    assert (result.good, result.counted, rates.six(result.value)) == (*counts, rate)
    assert (result.best, result.worst) == (Fraction(4, 5), Fraction(3, 5))


@pytest.mark.parametrize(
    ("target", "verdict"), [("0.6", "met"), ("0.600001", "undecided"), ("0.8", "undecided"), ("0.800001", "missed")]
)
def test_the_verdict_is_certain_only_when_the_unknown_cannot_change_it(target: str, verdict: str) -> None:
    assert rates.verdict(Seconds(60, 20, 20, 7), PLAIN, Fraction(target)) == verdict


def test_too_little_coverage_is_not_assessable() -> None:
    eighty = Seconds(60, 20, 20, 7)
    assert rates.verdict(eighty, Policy(minimum_coverage=Fraction(4, 5)), Fraction(1, 2)) == "met"
    assert rates.verdict(eighty, Policy(minimum_coverage=Fraction(81, 100)), Fraction(1, 2)) == "not-assessable"
    assert rates.verdict(Seconds(0, 0, 100, 0), PLAIN, Fraction(1, 2)) == "not-assessable"
