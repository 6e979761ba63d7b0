"""Hand-typed timelines: what each sentence of the algorithm says, on small cases."""

from __future__ import annotations

import itertools
from decimal import Decimal
from fractions import Fraction

import pytest
from pydantic import ValidationError

from monitor.model import Gap, Instant, Outcome, Reason, Run, Rung, State
from monitor.timeline import NOTHING, Piece, Policy, Timeline, build, from_pieces

ON, OFF, UNK = State.ONLINE, State.OFFLINE, State.UNKNOWN
REASONS = {ON: Reason.OK, OFF: Reason.TIMEOUT, UNK: Reason.WATCHER}
ONE = Policy(confirm_samples=1)


def run(
    first: float,
    last: float,
    count: int,
    state: State,
    *,
    valid_s: int = 130,
    vantage: str = "v",
    reason: Reason | None = None,
) -> Run:
    outcome = Outcome(state, reason or REASONS[state], Rung.DESCRIBE)
    return Run("p", vantage, _us(first), _us(last), count, outcome, valid_s)


def gap(start: float, end: float | None, *, vantage: str = "v", point: str | None = None) -> Gap:
    return Gap(vantage, _us(start), None if end is None else _us(end), "stopped", point)


def _us(second: float) -> Instant:
    return Instant(round(second * 1_000_000))


def states(timeline: Timeline) -> list[tuple[int, int, State]]:
    return [(piece.start, piece.end, piece.state) for piece in timeline.pieces]


def given(*pieces: tuple[int, int, State] | tuple[int, int, State, int | None]) -> list[Piece]:
    return [Piece(piece[0], piece[1], piece[2], piece[3] if len(piece) == 4 else None) for piece in pieces]


# Steps 1-3: quantising and holding


def test_nobody_watched() -> None:
    assert build([], [gap(0, 10)], Policy()) == NOTHING


def test_a_run_holds_valid_s_beyond_its_last_sample() -> None:
    assert build([run(0, 600, 11, ON)], [], Policy()).pieces == (Piece(0, 730, ON, 11),)


def test_the_next_run_ends_the_hold() -> None:
    timeline = build([run(0, 600, 11, ON), run(660, 1200, 10, OFF)], [], ONE)
    assert timeline.pieces == (Piece(0, 660, ON, 11), Piece(660, 1330, OFF, 10))
    assert timeline.open_chain


def test_between_expiry_and_the_next_run_is_unknown() -> None:
    timeline = build([run(0, 600, 11, ON), run(1000, 1000, 1, ON)], [], Policy())
    assert timeline.pieces == (Piece(0, 730, ON, 11), Piece(730, 1000, UNK, 0), Piece(1000, 1130, ON, 1))


def test_run_instants_are_floored() -> None:
    timeline = build([run(0.9, 60.999999, 2, ON), run(120.5, 120.5, 1, OFF)], [], ONE)
    assert states(timeline) == [(0, 120, ON), (120, 250, OFF)]


def test_instants_before_the_epoch_are_floored_too() -> None:
    assert states(build([run(-0.5, -0.5, 1, ON, valid_s=2)], [], Policy())) == [(-1, 1, ON)]


def test_the_later_run_wins_its_second() -> None:
    first, second = run(10.2, 10.2, 1, ON), run(10.7, 10.7, 1, OFF)
    for order in ([first, second], [second, first]):
        assert build(order, [], ONE).pieces == (Piece(10, 140, OFF, 1),)


def test_a_run_without_hold_is_dropped_when_empty() -> None:
    assert build([run(10, 10, 1, ON, valid_s=0)], [], Policy()) == NOTHING


def test_equal_neighbours_of_different_reasons_merge_and_add_samples() -> None:
    runs = [run(0, 60, 2, OFF, reason=Reason.REFUSED), run(120, 180, 2, OFF), run(240, 240, 1, ON)]
    assert build(runs, [], Policy()).pieces == (Piece(0, 240, OFF, 4), Piece(240, 370, ON, 1))


def test_the_order_of_runs_is_no_matter() -> None:
    runs = [run(0, 60, 2, ON), run(120, 300, 4, OFF), run(360, 420, 2, ON), run(420.5, 900, 8, OFF)]
    answers = {build(order, [], Policy()) for order in itertools.permutations(runs)}
    assert len(answers) == 1


def test_a_run_of_unknown_ends_the_hold_and_says_nothing() -> None:
    runs = [run(0, 60, 2, ON), run(120, 180, 2, UNK), run(240, 240, 1, ON)]
    assert states(build(runs, [], Policy())) == [(0, 120, ON), (120, 240, UNK), (240, 370, ON)]


def test_a_rejected_login_is_unknown_unless_the_contract_says_offline() -> None:
    runs = [run(0, 60, 2, ON), run(120, 300, 4, UNK, reason=Reason.AUTH_REJECTED), run(360, 360, 1, ON)]
    assert states(build(runs, [], Policy()))[1] == (120, 360, UNK)
    assert states(build(runs, [], Policy(auth_rejected="offline")))[1] == (120, 360, OFF)


def test_only_a_rejected_login_is_mapped() -> None:
    runs = [run(0, 60, 2, ON), run(120, 300, 4, UNK, reason=Reason.AUTH_UNKNOWN), run(360, 360, 1, ON)]
    assert states(build(runs, [], Policy(auth_rejected="offline")))[1] == (120, 360, UNK)


# Step 3: gaps


def test_a_gap_cuts_the_hold() -> None:
    assert states(build([run(0, 600, 11, ON)], [gap(650, 700)], Policy())) == [(0, 650, ON)]


def test_after_a_gap_unknown_until_the_next_sample() -> None:
    runs = [run(0, 600, 11, ON), run(720, 720, 1, ON)]
    assert states(build(runs, [gap(610, 620)], Policy())) == [(0, 610, ON), (610, 720, UNK), (720, 850, ON)]


def test_gap_starts_are_floored_and_ends_ceiled() -> None:
    runs = [run(0, 60, 2, ON), run(100.2, 160, 2, ON)]
    # The run's first sample came after the gap's end, in the gap's last second: known from the next second on.
    assert states(build(runs, [gap(70.9, 100.1)], Policy())) == [(0, 70, ON), (70, 101, UNK), (101, 290, ON)]


def test_a_first_sample_inside_the_gap_is_overridden() -> None:
    runs = [run(0, 60, 2, ON), run(100.2, 160, 2, ON)]
    assert states(build(runs, [gap(70.9, 100.3)], Policy())) == [(0, 70, ON), (70, 160, UNK), (160, 290, ON)]


def test_the_gap_of_a_crash_ends_with_the_first_result_after_it() -> None:
    runs = [run(0, 60, 2, ON), run(100.2, 100.2, 1, ON)]
    assert states(build(runs, [gap(60, 100.2)], Policy())) == [(0, 60, ON), (60, 101, UNK), (101, 230, ON)]


def test_a_gap_in_the_second_of_the_last_sample_overrides_it() -> None:
    assert states(build([run(0, 600, 11, ON)], [gap(600.5, 601)], Policy())) == [(0, 600, ON)]
    assert build([run(600.2, 600.2, 1, ON)], [gap(600.5, 601)], Policy()) == NOTHING


def test_results_inside_a_gap_are_overridden() -> None:
    runs = [run(0, 60, 2, ON), run(120, 240, 3, OFF), run(300, 300, 1, ON)]
    assert states(build(runs, [gap(115, 250)], ONE)) == [(0, 115, ON), (115, 300, UNK), (300, 430, ON)]


def test_an_open_gap_overrides_everything_after_its_start() -> None:
    runs = [run(0, 60, 2, ON), run(120, 9000, 149, OFF)]
    assert states(build(runs, [gap(100, None)], ONE)) == [(0, 100, ON)]


def test_a_run_that_goes_on_after_a_gap_is_proven_again_after_valid_s() -> None:
    # 101 samples a minute apart; 130 s after the gap one of them has come for certain.
    timeline = build([run(0, 6000, 101, ON)], [gap(1000, 1200)], Policy())
    assert states(timeline) == [(0, 1000, ON), (1000, 1330, UNK), (1330, 6130, ON)]
    # Samples of seconds 0, 60 … 960 are before the gap, those of 1200, 1260 … 6000 after it.
    assert [piece.samples for piece in timeline.pieces] == [17, 0, 81]


def test_a_run_with_its_last_sample_soon_after_a_gap() -> None:
    timeline = build([run(0, 300, 6, ON)], [gap(100, 290)], Policy())
    assert timeline.pieces == (Piece(0, 100, ON, 2), Piece(100, 300, UNK, 0), Piece(300, 430, ON, 1))


def test_two_gaps_closer_together_than_valid_s() -> None:
    timeline = build([run(0, 6000, 101, ON)], [gap(1250, 1300), gap(1000, 1200)], Policy())
    assert states(timeline) == [(0, 1000, ON), (1000, 1430, UNK), (1430, 6130, ON)]


def test_samples_lost_in_a_gap_do_not_confirm_an_outage() -> None:
    runs = [run(0, 60, 2, ON), run(120, 240, 3, OFF, valid_s=60), run(300, 300, 1, ON)]
    assert states(build(runs, [], Policy()))[1] == (120, 300, OFF)
    # The sample of second 180 is lost. Two are left, the chain is enclosed by online: online, but not in the hole.
    timeline = build(runs, [gap(170, 190)], Policy())
    assert states(timeline) == [(0, 170, ON), (170, 240, UNK), (240, 430, ON)]
    assert states(build(runs, [gap(170, 190)], Policy(confirm_samples=2)))[1:4] == [
        (120, 170, OFF),
        (170, 240, UNK),
        (240, 300, OFF),
    ]


def test_gaps_of_other_vantages_and_points_are_no_matter() -> None:
    gaps = [gap(100, 200, vantage="w"), gap(300, 400, point="q")]
    assert states(build([run(0, 600, 11, ON)], gaps, Policy())) == [(0, 730, ON)]
    assert states(build([run(0, 600, 11, ON)], [gap(100, 700, point="p")], Policy())) == [(0, 100, ON)]


def test_with_and_without_gaps_is_one_algorithm() -> None:
    runs = [
        run(0.5, 600, 11, ON),
        run(660, 700, 2, OFF),
        run(700.5, 1500, 14, ON),
        run(1700, 1700, 1, OFF),
        run(1700.9, 1900, 4, UNK),
        run(2000, 2600, 11, OFF),
        run(2650, 2700, 2, ON),
    ]
    assert build(runs, [gap(-500, -400)], Policy()) == build(runs, [], Policy())


# Step 4: vantages


def test_online_from_any_vantage_is_online() -> None:
    runs = [run(0, 600, 11, OFF, vantage="a"), run(0, 600, 11, ON, vantage="b")]
    assert states(build(runs, [], ONE)) == [(0, 730, ON)]


def test_offline_needs_only_one_vantage_if_no_other_knows() -> None:
    runs = [run(0, 600, 11, OFF, vantage="a"), run(0, 600, 11, UNK, vantage="b")]
    assert states(build(runs, [], ONE)) == [(0, 730, OFF)]


def test_quorum() -> None:
    policy = Policy(confirm_samples=1, vantages="quorum", quorum=2)
    a, b = run(0, 600, 11, OFF, vantage="a"), run(300, 600, 6, OFF, vantage="b")
    assert states(build([a, b], [], policy)) == [(300, 730, OFF)]
    assert build([a], [], policy) == NOTHING
    assert states(build([a, run(300, 600, 6, ON, vantage="b")], [], policy)) == [(300, 730, ON)]


def test_vantages_cover_for_each_other_in_a_gap() -> None:
    runs = [run(0, 600, 11, ON, vantage="a"), run(0, 600, 11, ON, vantage="b")]
    assert states(build(runs, [gap(100, 500, vantage="a")], Policy())) == [(0, 730, ON)]


def test_samples_of_a_merged_piece_are_the_largest_vantages() -> None:
    runs = [
        run(0, 60, 2, OFF, vantage="a"),
        run(120, 240, 3, OFF, vantage="a", reason=Reason.REFUSED),
        run(0, 240, 4, OFF, vantage="b"),
    ]
    assert build(runs, [], Policy()).pieces == (Piece(0, 370, OFF, 5),)


def test_a_vantage_lends_only_the_samples_within_the_stretch() -> None:
    # a's own line is down for hours; b has one failed probe. One sample is not three: no outage.
    runs = [
        run(0, 36_000, 601, OFF, vantage="a"),
        run(0, 18_000, 301, ON, vantage="b"),
        run(18_060, 18_060, 1, OFF, vantage="b"),
        run(18_120, 36_000, 299, ON, vantage="b"),
    ]
    assert states(build(runs, [], Policy())) == [(0, 36_130, ON)]
    assert states(build(runs, [], ONE))[1] == (18_060, 18_120, OFF)


def test_a_stretch_that_only_holds_an_earlier_verdict_has_one_sample() -> None:
    runs = [run(0, 100, 2, OFF, vantage="a"), run(0, 0, 1, ON, vantage="b")]
    assert build(runs, [], ONE).pieces == (Piece(0, 130, ON, 1), Piece(130, 230, OFF, 1))


# Step 5: pieces from files


def test_pieces_are_sorted_merged_and_filled() -> None:
    pieces = given((50, 60, OFF), (0, 10, ON), (10, 20, ON), (20, 20, OFF), (60, 70, UNK), (80, 90, ON))
    assert from_pieces(pieces, Policy()).pieces == (
        Piece(0, 20, ON, None),
        Piece(20, 50, UNK, 0),
        Piece(50, 60, OFF, None),
        Piece(60, 80, UNK, 0),
        Piece(80, 90, ON, None),
    )


def test_unknown_at_the_ends_is_cut_off() -> None:
    assert states(from_pieces(given((0, 10, UNK), (10, 20, ON), (30, 40, UNK)), Policy())) == [(10, 20, ON)]
    assert from_pieces(given((0, 10, UNK)), Policy()) == NOTHING


def test_overlapping_pieces_are_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="overlap"):
        from_pieces(given((0, 10, ON), (9, 20, OFF)), Policy())


# Step 6: outages


def test_an_outage_begins_with_its_first_failed_sample() -> None:
    runs = [run(0, 600, 11, ON), run(660, 780, 3, OFF), run(840, 900, 2, ON)]
    timeline = build(runs, [], Policy())
    assert states(timeline)[1] == (660, 840, OFF)
    assert timeline.outages == ((660, 840, ((660, 840),)),)
    assert not timeline.open_chain


def test_two_failed_samples_between_online_are_online() -> None:
    runs = [run(0, 600, 11, ON), run(660, 720, 2, OFF), run(780, 900, 3, ON)]
    timeline = build(runs, [], Policy())
    assert states(timeline) == [(0, 1030, ON)]
    assert timeline.outages == ()


def test_an_unconfirmed_outage_beside_unknown_is_unknown() -> None:
    runs = [run(0, 600, 11, ON), run(660, 720, 2, OFF), run(780, 840, 2, UNK), run(900, 900, 1, ON)]
    assert states(build(runs, [], Policy())) == [(0, 660, ON), (660, 900, UNK), (900, 1030, ON)]


def test_an_open_chain_is_unknown_until_it_passes() -> None:
    short = build([run(0, 600, 11, ON), run(660, 720, 2, OFF)], [], Policy())
    assert states(short) == [(0, 660, ON)]
    assert short.open_chain
    longer = build([run(0, 600, 11, ON), run(660, 780, 3, OFF)], [], Policy())
    assert states(longer) == [(0, 660, ON), (660, 910, OFF)]
    assert longer.open_chain


def test_data_that_begin_offline_are_unknown_before_confirmation() -> None:
    assert states(build([run(0, 60, 2, OFF), run(120, 240, 3, ON)], [], Policy())) == [(120, 370, ON)]


def test_minimum_outage_counts_the_offline_seconds() -> None:
    pieces = given((0, 100, ON), (100, 160, OFF), (160, 200, ON))
    assert states(from_pieces(pieces, Policy(minimum_outage_s=60)))[1] == (100, 160, OFF)
    assert states(from_pieces(pieces, Policy(minimum_outage_s=61))) == [(0, 200, ON)]


def test_both_conditions_must_hold() -> None:
    pieces = given((0, 100, ON, 5), (100, 160, OFF, 2), (160, 200, ON, 5))
    assert states(from_pieces(pieces, Policy(minimum_outage_s=60, confirm_samples=3))) == [(0, 200, ON)]
    assert len(states(from_pieces(pieces, Policy(minimum_outage_s=60, confirm_samples=2)))) == 3


def test_unknown_inside_a_chain_neither_splits_it_nor_counts() -> None:
    pieces = given((0, 100, ON), (100, 130, OFF), (130, 500, UNK), (500, 530, OFF), (530, 600, ON))
    timeline = from_pieces(pieces, Policy(minimum_outage_s=60))
    assert timeline.outages == ((100, 530, ((100, 130), (500, 530))),)
    assert states(timeline)[2] == (130, 500, UNK)
    # One second more is not there: the offline pieces become online, unknown inside stays unknown.
    assert states(from_pieces(pieces, Policy(minimum_outage_s=61))) == [(0, 130, ON), (130, 500, UNK), (500, 600, ON)]


def test_samples_of_a_chain_are_added_over_its_offline_pieces() -> None:
    pieces = given((0, 9, ON, 1), (9, 12, OFF, 2), (12, 15, UNK, 0), (15, 18, OFF, 1), (18, 20, ON, 1))
    assert from_pieces(pieces, Policy(confirm_samples=3)).outages == ((9, 18, ((9, 12), (15, 18))),)
    assert from_pieces(pieces, Policy(confirm_samples=4)).outages == ()


def test_the_cliff_alternating_short_outages_read_as_online() -> None:
    pieces = given(*((at, at + 50, OFF if at % 100 else ON) for at in range(0, 10_050, 50)))
    assert states(from_pieces(pieces, Policy(minimum_outage_s=51))) == [(0, 10_050, ON)]
    assert len(from_pieces(pieces, Policy(minimum_outage_s=50)).outages) == 100


# Step 7: recoveries


def test_a_recovery_too_short_between_outages_is_offline() -> None:
    pieces = given((0, 100, ON), (100, 200, OFF), (200, 210, ON), (210, 300, OFF), (300, 400, ON))
    timeline = from_pieces(pieces, Policy(minimum_recovery_s=11))
    assert states(timeline) == [(0, 100, ON), (100, 300, OFF), (300, 400, ON)]
    assert timeline.outages == ((100, 300, ((100, 300),)),)
    assert len(from_pieces(pieces, Policy(minimum_recovery_s=10)).outages) == 2


def test_recovery_samples() -> None:
    runs = [run(0, 120, 3, OFF), run(180, 180, 1, ON), run(240, 360, 3, OFF), run(420, 480, 2, ON)]
    assert states(build(runs, [], Policy(recovery_samples=2))) == [(0, 420, OFF), (420, 610, ON)]


def test_a_short_recovery_beside_unknown_stays_online() -> None:
    pieces = given((0, 100, OFF), (100, 110, ON), (110, 120, UNK), (120, 300, OFF))
    assert states(from_pieces(pieces, Policy(minimum_recovery_s=60)))[1] == (100, 110, ON)


def test_a_short_recovery_at_the_end_stays_online() -> None:
    pieces = given((0, 100, OFF), (100, 110, ON))
    assert states(from_pieces(pieces, Policy(minimum_recovery_s=60))) == [(0, 100, OFF), (100, 110, ON)]


def test_unknown_inside_a_short_recovery_stays_unknown_in_the_outage() -> None:
    pieces = given((0, 100, OFF), (100, 110, ON), (110, 120, UNK), (120, 130, ON), (130, 300, OFF))
    timeline = from_pieces(pieces, Policy(minimum_recovery_s=60))
    assert states(timeline) == [(0, 110, OFF), (110, 120, UNK), (120, 300, OFF)]
    assert timeline.outages == ((0, 300, ((0, 110), (120, 300))),)


def test_recoveries_are_judged_on_the_outages_result() -> None:
    # The blip at 105 becomes online first: so the recovery lasts 15 s, not twice 5, and is long enough.
    pieces = given((0, 100, OFF), (100, 105, ON), (105, 110, OFF), (110, 115, ON), (115, 200, OFF))
    policy = Policy(minimum_outage_s=10, minimum_recovery_s=15)
    assert states(from_pieces(pieces, policy)) == [(0, 100, OFF), (100, 115, ON), (115, 200, OFF)]
    assert states(from_pieces(pieces, Policy(minimum_outage_s=10, minimum_recovery_s=16))) == [(0, 200, OFF)]


def test_neighbouring_recoveries_are_judged_apart_and_at_once() -> None:
    pieces = given((0, 50, OFF), (50, 55, ON), (55, 60, OFF), (60, 65, ON), (65, 100, OFF))
    assert states(from_pieces(pieces, Policy(minimum_recovery_s=6))) == [(0, 100, OFF)]


def test_no_iteration_an_outage_made_longer_is_not_asked_for_again() -> None:
    # The first outage fails and, beside unknown, is unknown; no later step brings it back.
    pieces = given((0, 5, OFF), (5, 8, ON), (8, 100, OFF), (100, 200, ON))
    policy = Policy(minimum_outage_s=10, minimum_recovery_s=60)
    assert states(from_pieces(pieces, policy)) == [(5, 8, ON), (8, 100, OFF), (100, 200, ON)]


# Policy


def test_defaults_are_the_data_models() -> None:
    policy = Policy()
    assert (policy.confirm_samples, policy.minimum_outage_s) == (3, 0)
    assert (policy.recovery_samples, policy.minimum_recovery_s) == (1, 0)
    assert (policy.unknown, policy.exclusions, policy.vantages) == ("excluded", "out_of_both", "any_online")
    assert (policy.quorum, policy.auth_rejected, policy.minimum_coverage) == (2, "unknown", Fraction(0))
    assert policy.max_interval_s == 300


@pytest.mark.parametrize("value", ["0.9", Decimal("0.9"), "9/10", Fraction(9, 10)])
def test_minimum_coverage_is_exact(value: object) -> None:
    assert Policy.model_validate({"minimum_coverage": value}).minimum_coverage == Fraction(9, 10)


@pytest.mark.parametrize(
    "bad",
    [
        {"confirm_samples": 0},
        {"confirm_samples": True},
        {"confirm_samples": "3"},
        {"minimum_outage_s": -1},
        {"minimum_outage_s": 1.5},
        {"recovery_samples": 0},
        {"quorum": 0},
        {"unknown": "offlne"},
        {"exclusions": "in"},
        {"max_interval_s": 301},
        {"max_interval_s": 0},
        {"minimum_coverage": 0.9},
        {"minimum_coverage": True},
        {"minimum_coverage": Decimal("NaN")},
        {"minimum_coverage": "1.01"},
        {"minimum_coverage": "-0.1"},
        {"confirm_sample": 3},
    ],
)
def test_a_bad_policy_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(bad)
