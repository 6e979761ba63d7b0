from __future__ import annotations

from monitor.model import MICROSECONDS, Instant, Outcome, Reason, Run, Rung, State
from monitor.served import clip_to_stays

UP = Outcome(State.ONLINE, Reason.OK, Rung.TCP)


def run(first_s: int, last_s: int, camera: str = "7", valid_s: int = 125) -> Run:
    return Run("p", "local", Instant(first_s * MICROSECONDS), Instant(last_s * MICROSECONDS), 10, UP, valid_s, camera)


def stays(*spans: tuple[int, int | None]) -> dict[str, list[tuple[int, int | None]]]:
    return {"7": [(a * MICROSECONDS, None if b is None else b * MICROSECONDS) for a, b in spans]}


def test_a_run_within_its_cameras_stay_is_untouched() -> None:
    assert clip_to_stays([run(100, 200)], stays((0, None))) == [run(100, 200)]


def test_a_run_without_a_camera_is_untouched() -> None:
    assert clip_to_stays([run(100, 200, camera="")], {}) == [run(100, 200, camera="")]


def test_a_run_outside_every_stay_is_dropped() -> None:
    assert clip_to_stays([run(100, 200)], stays((0, 100), (201, None))) == []
    assert clip_to_stays([run(100, 200)], {}) == []


def test_a_run_over_the_end_of_a_stay_neither_lasts_nor_holds_beyond_it() -> None:
    (cut,) = clip_to_stays([run(100, 200)], stays((0, 150)))
    assert (cut.first, cut.last) == (100 * MICROSECONDS, 150 * MICROSECONDS - 1)
    assert cut.last // MICROSECONDS + cut.valid_s == 150


def test_a_run_just_before_the_end_holds_to_it_only() -> None:
    (cut,) = clip_to_stays([run(100, 200)], stays((0, 230)))
    assert (cut.first, cut.last, cut.valid_s) == (100 * MICROSECONDS, 200 * MICROSECONDS, 30)


def test_a_run_over_the_start_of_a_stay_begins_with_it() -> None:
    (cut,) = clip_to_stays([run(100, 200)], stays((150, None)))
    assert (cut.first, cut.last) == (150 * MICROSECONDS, 200 * MICROSECONDS)


def test_a_run_over_two_stays_is_two_runs() -> None:
    cuts = clip_to_stays([run(100, 200)], stays((0, 120), (180, None)))
    assert [(cut.first // MICROSECONDS, cut.last // MICROSECONDS) for cut in cuts] == [(100, 119), (180, 200)]
