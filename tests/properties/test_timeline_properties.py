"""The timeline and the rates against a per-second oracle, and what must hold of them whatever the history is."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor import rates, timeline
from monitor.model import MICROSECONDS, Gap, Instant, Run, State
from monitor.rates import Seconds, Service
from monitor.timeline import Piece, Policy, Timeline
from tests.oracle import seconds_oracle as oracle
from tests.properties import histories as gen
from tests.properties.histories import BASE_S, TIMEOUT_S, History, thorough

pytestmark = pytest.mark.timeout(TIMEOUT_S)

ALL_KEPT = {"confirm_samples": 1, "minimum_outage_s": 0, "recovery_samples": 1, "minimum_recovery_s": 0}
"""With these limits steps 6 and 7 change nothing, so that step 5 can be seen."""


def state_at(built: Timeline, second: int) -> State:
    for piece in built.pieces:
        if piece.start <= second < piece.end:
            return piece.state
    return State.UNKNOWN


def check_shape(built: Timeline) -> None:
    """Pieces lie end to end, each differs from its neighbour, and the first and last are knowledge."""
    for piece in built.pieces:
        assert piece.start < piece.end
    for left, right in pairwise(built.pieces):
        assert left.end == right.start
        assert left.state != right.state
    if built.pieces:
        assert built.pieces[0].state != State.UNKNOWN
        assert built.pieces[-1].state != State.UNKNOWN
    for outage in built.outages:
        assert outage.start == outage.offline[0][0]
        assert outage.end == outage.offline[-1][1]


def compare(built: Timeline, expected: oracle.History) -> None:
    """Second for second, over all that the oracle knows and a little around it."""
    check_shape(built)
    first, behind = expected.start - 3, expected.start + len(expected.states) + 3
    if built.pieces:
        first, behind = min(first, built.pieces[0].start), max(behind, built.pieces[-1].end)
        assert behind - first < 100_000
    found = {second: piece.state for piece in built.pieces for second in range(piece.start, piece.end)}
    for second in range(first, behind):
        assert found.get(second, State.UNKNOWN) == expected.at(second), f"second {second - BASE_S} after the base"
    assert [tuple(outage) for outage in built.outages] == [tuple(outage) for outage in expected.outages()]
    assert built.open_chain == expected.open_chain()


@given(gen.histories(), gen.policies())
@thorough
def test_every_second_agrees_with_the_oracle(history: History, policy: Policy) -> None:
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), gen.oracle_rules(policy))
    compare(timeline.build(history.runs, history.gaps, policy), expected)


@given(gen.histories(vantages=1), gen.policies())
@thorough
def test_every_second_agrees_with_the_oracle_for_one_vantage(history: History, policy: Policy) -> None:
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), gen.oracle_rules(policy))
    compare(timeline.build(history.runs, history.gaps, policy), expected)


@given(gen.histories(least=2, reasons=gen.MOSTLY_FAULTS), gen.policies(), st.integers(2, 3))
@thorough
def test_every_second_agrees_with_the_oracle_under_a_quorum(history: History, policy: Policy, quorum: int) -> None:
    asked = policy.model_copy(update={"vantages": "quorum", "quorum": quorum})
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), gen.oracle_rules(asked))
    compare(timeline.build(history.runs, history.gaps, asked), expected)


@given(gen.histories(least=0), gen.policies(), gen.decisions())
@thorough
def test_every_second_agrees_with_the_oracle_after_reclassifications(
    history: History, policy: Policy, decided: list[Piece]
) -> None:
    said = [(piece.start, piece.end, str(piece.state)) for piece in decided]
    rules = gen.oracle_rules(policy)
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), rules, said)
    compare(timeline.build(history.runs, history.gaps, policy, decided), expected)


@given(gen.histories(), gen.policies(), gen.decisions())
@thorough
def test_a_reclassification_changes_no_second_that_was_known(
    history: History, policy: Policy, decided: list[Piece]
) -> None:
    kept = policy.model_copy(update=ALL_KEPT)
    before = timeline.build(history.runs, history.gaps, kept)
    said = [(piece.start, piece.end, str(piece.state)) for piece in decided]
    rules = gen.oracle_rules(kept)
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), rules, said)
    after = timeline.build(history.runs, history.gaps, kept, decided)
    for piece in before.pieces:
        for second in range(piece.start, piece.end):
            if piece.state != State.UNKNOWN:
                assert state_at(after, second) == piece.state
    wanted = {second for piece in decided for second in range(piece.start, piece.end)}
    for second in wanted:
        assert state_at(after, second) != State.UNKNOWN
    for piece in after.pieces:
        if piece.state != State.UNKNOWN:
            counted = expected.samples[piece.start - expected.start]
            assert piece.samples == (None if counted == oracle.UNLIMITED else counted)


@given(gen.rows(), gen.policies())
@thorough
def test_state_rows_agree_with_the_oracle(rows: list[Piece], policy: Policy) -> None:
    expected = oracle.history_of_rows([(r.start, r.end, str(r.state)) for r in rows], gen.oracle_rules(policy))
    compare(timeline.from_pieces(rows, policy), expected)


@given(gen.histories(), gen.policies())
@thorough
def test_sample_counts_of_merged_pieces_agree_with_the_oracle(history: History, policy: Policy) -> None:
    kept = policy.model_copy(update=ALL_KEPT)
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), gen.oracle_rules(kept))
    for piece in timeline.build(history.runs, history.gaps, kept).pieces:
        if piece.state != State.UNKNOWN:
            assert piece.samples == expected.samples[piece.start - expected.start]


@given(
    gen.histories(),
    gen.policies(),
    gen.spans(),
    gen.services,
    st.lists(gen.spans(0, 120), max_size=3),
    st.sampled_from((Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1), None)),
)
@thorough
def test_seconds_rates_and_verdicts_agree_with_the_oracle(
    history: History,
    policy: Policy,
    window: tuple[int, int],
    dates: tuple[int | None, int | None],
    exclusions: list[tuple[int, int]],
    target: Fraction | None,
) -> None:
    rules = gen.oracle_rules(policy)
    known = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), rules)
    expected = oracle.measure(known, window, dates, exclusions, rules)
    built = timeline.build(history.runs, history.gaps, policy)
    seconds = rates.measure(built, window, Service(*dates), exclusions, policy)
    assert tuple(seconds) == tuple(expected)
    compare_figures(seconds, expected, policy, target)


@given(
    st.tuples(*[st.integers(0, 3) | st.integers(0, 10_000)] * 4),
    gen.policies(),
    st.fractions(0, 1, max_denominator=20) | st.none(),
)
@thorough
def test_rates_of_any_sums_agree_with_the_oracle(
    sums: tuple[int, int, int, int], policy: Policy, target: Fraction | None
) -> None:
    compare_figures(Seconds(*sums), oracle.Seconds(*sums), policy, target)


def compare_figures(seconds: Seconds, expected: oracle.Seconds, policy: Policy, target: Fraction | None) -> None:
    rules = gen.oracle_rules(policy)
    figures = oracle.figures(expected, rules)
    rate = rates.rate_of(seconds, policy)
    assert (rate.good, rate.counted) == (figures.good, figures.counted)
    assert (rate.value, rate.best, rate.worst) == (figures.rate, figures.best, figures.worst)
    assert (rate.excluded, rate.unknown) == (expected.excluded, expected.unknown)
    for aim in (target, figures.rate, figures.best, figures.worst):
        if aim is not None:
            assert rates.verdict(seconds, policy, aim) == oracle.verdict(expected, rules, aim)


@given(gen.histories(), gen.policies(), gen.spans(), gen.services, st.lists(gen.spans(0, 120), max_size=3))
@thorough
def test_online_offline_unknown_and_excluded_make_up_the_time_in_service(
    history: History,
    policy: Policy,
    window: tuple[int, int],
    dates: tuple[int | None, int | None],
    exclusions: list[tuple[int, int]],
) -> None:
    built = timeline.build(history.runs, history.gaps, policy)
    seconds = rates.measure(built, window, Service(*dates), exclusions, policy)
    start = max([window[0]] + [d for d in dates[:1] if d is not None])
    end = min([window[1]] + [d for d in dates[1:] if d is not None])
    assert seconds.online + seconds.offline + seconds.unknown + seconds.excluded == max(0, end - start)
    assert min(seconds) >= 0


@given(
    gen.histories(),
    gen.policies(),
    st.lists(st.integers(0, 50) | st.integers(-10, 200), min_size=2, max_size=6).map(sorted),
    gen.services,
    st.lists(gen.spans(0, 120), max_size=3),
)
@thorough
def test_cutting_never_tests_confirmation_again(
    history: History,
    policy: Policy,
    cuts: list[int],
    dates: tuple[int | None, int | None],
    exclusions: list[tuple[int, int]],
) -> None:
    """However a window is cut, the parts add to the whole: an outage is not lost by lying on a cut."""
    built = timeline.build(history.runs, history.gaps, policy)
    total = Seconds(0, 0, 0, 0)
    for start, end in pairwise(cuts):
        part = rates.measure(built, (BASE_S + start, BASE_S + end), Service(*dates), exclusions, policy)
        total = rates.add(total, part)
    whole = rates.measure(built, (BASE_S + cuts[0], BASE_S + cuts[-1]), Service(*dates), exclusions, policy)
    assert total == whole


@given(gen.histories(), gen.policies(), st.randoms(use_true_random=False))
@thorough
def test_order_and_repetition_of_the_input_change_nothing(history: History, policy: Policy, random: object) -> None:
    runs, gaps = list(history.runs) * 2, list(history.gaps) * 2
    random.shuffle(runs)  # type: ignore[attr-defined]
    random.shuffle(gaps)  # type: ignore[attr-defined]
    assert timeline.build(runs, gaps, policy) == timeline.build(history.runs, history.gaps, policy)


def outside(gap: Gap, runs: tuple[Run, ...]) -> bool:
    """Whether a gap leaves alone all seconds from the first to the last sample of every run."""
    start = gap.start // MICROSECONDS
    for run in runs:
        end = run.last // MICROSECONDS + 1 if gap.end is None else -(-gap.end // MICROSECONDS)
        if start <= run.last // MICROSECONDS and end > run.first // MICROSECONDS:
            return False
    return True


@given(gen.histories(vantages=1), gen.policies(), st.integers(2, 4))
@thorough
def test_telling_a_run_as_several_changes_nothing(history: History, policy: Policy, pieces: int) -> None:
    gaps = [gap for gap in history.gaps if outside(gap, history.runs)]
    taken = [run.first // MICROSECONDS for run in history.runs]
    parts: list[Run] = []
    for run in history.runs:
        told = gen.split_run(run, pieces)
        # A part whose only second belongs to a later run would be dropped, and its samples with it.
        lost = any(part.first // MICROSECONDS in taken for part in told[1:])
        parts += [run] if lost else told
    assert timeline.build(parts, gaps, policy) == timeline.build(history.runs, gaps, policy)


@given(st.data(), gen.policies())
@thorough
def test_loading_may_stop_at_an_online_run_that_passes_recovery(data: st.DataObject, policy: Policy) -> None:
    runs = data.draw(gen.runs_of("a", most=8))
    firsts = [run.first // MICROSECONDS for run in runs]
    passing = [
        index
        for index, run in enumerate(runs)
        if run.outcome.state == State.ONLINE
        and run.count >= policy.recovery_samples
        and min([*firsts[index + 1 : index + 2], run.last // MICROSECONDS + run.valid_s]) - firsts[index]
        >= max(1, policy.minimum_recovery_s)
    ]
    assume(passing)
    anchor = data.draw(st.sampled_from(passing))
    whole = timeline.build(runs, [], policy)
    later, earlier = timeline.build(runs[anchor:], [], policy), timeline.build(runs[: anchor + 1], [], policy)
    for second in range(firsts[anchor], BASE_S + 400):
        assert state_at(later, second) == state_at(whole, second)
    for second in range(BASE_S, firsts[anchor]):
        assert state_at(earlier, second) == state_at(whole, second)


@given(gen.histories(), gen.policies(), gen.spans(), st.lists(gen.spans(0, 120), max_size=3))
@thorough
def test_the_rate_lies_between_worst_and_best(
    history: History, policy: Policy, window: tuple[int, int], exclusions: list[tuple[int, int]]
) -> None:
    built = timeline.build(history.runs, history.gaps, policy)
    seconds = rates.measure(built, window, Service(None, None), exclusions, policy)
    by_mode = {
        mode: rates.rate_of(seconds, policy.model_copy(update={"unknown": mode}))
        for mode in ("excluded", "online", "offline")
    }
    best, worst = by_mode["excluded"].best, by_mode["excluded"].worst
    assert by_mode["online"].value == best
    assert by_mode["offline"].value == worst
    if by_mode["excluded"].value is not None:
        assert best is not None
        assert worst is not None
        assert worst <= by_mode["excluded"].value <= best
    else:
        assert (best is None) == (seconds.unknown == 0)


@given(st.fractions(0, 1) | st.integers(0, 2_000_001).map(lambda n: Fraction(n, 2_000_001)) | st.none())
@thorough
def test_six_places_are_rounded_half_up(value: Fraction | None) -> None:
    text = rates.six(value)
    if value is None:
        assert text is None
        return
    assert text is not None
    whole, _, places = text.partition(".")
    assert len(places) == 6
    millionths = int(whole) * 1_000_000 + int(places)
    assert Fraction(-1, 2) < millionths - value * 1_000_000 <= Fraction(1, 2)


MONTHS = [int(datetime(2020, month, 1, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) for month in (7, 8, 9, 10)]


@st.composite
def quarters(draw: st.DrawFn) -> list[Run]:
    """Runs of hours and weeks that cover the third quarter of 2020 and like to end about midnight."""
    runs: list[Run] = []
    day = -draw(st.integers(0, 3))
    at = (MONTHS[0] + day * 86_400) * MICROSECONDS
    while at < MONTHS[3] * MICROSECONDS and len(runs) < 12:
        length_s = draw(st.integers(1, 40)) * 86_400 + draw(st.integers(-2, 2)) * draw(st.sampled_from((1, 300, 3_600)))
        last = at + length_s * MICROSECONDS - draw(st.sampled_from((0, 1, 500_000)))
        reason = draw(st.sampled_from(gen.REASONS))
        runs.append(Run("p", "a", Instant(at), Instant(last), length_s // 300 + 1, gen.outcome(reason), 300))
        at = last + draw(st.sampled_from((1, 100, 299, 300, 301, 7_200))) * MICROSECONDS
    return runs


@given(quarters(), gen.policies(), st.lists(st.tuples(st.integers(0, 91), st.integers(0, 86_400)), max_size=4))
@thorough
def test_days_add_to_months_and_months_to_the_quarter(
    runs: list[Run], policy: Policy, notices: list[tuple[int, int]]
) -> None:
    built = timeline.build(runs, [], policy)
    exclusions = [(MONTHS[0] + day * 86_400 + 43_200, MONTHS[0] + day * 86_400 + 43_200 + s) for day, s in notices]
    service = Service(MONTHS[0] + 86_400, MONTHS[3] - 1)

    def measured(start: int, end: int) -> Seconds:
        return rates.measure(built, (start, end), service, exclusions, policy)

    quarter = Seconds(0, 0, 0, 0)
    for start, end in pairwise(MONTHS):
        month = Seconds(0, 0, 0, 0)
        for midnight in range(start, end, 86_400):
            month = rates.add(month, measured(midnight, midnight + 86_400))
        assert month == measured(start, end)
        quarter = rates.add(quarter, month)
    assert quarter == measured(MONTHS[0], MONTHS[3])
    assert sum(quarter) == 91 * 86_400 - 1
