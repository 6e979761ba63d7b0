from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from monitor.model import Outcome, Reason, Rung, Sample, State
from monitor.poller import Engine, Job, Pace, Verdict
from tests.virtual_time import START_US, VirtualLoop, run_virtual

UP = Outcome(State.ONLINE, Reason.OK, Rung.TCP)
DOWN = Outcome(State.OFFLINE, Reason.REFUSED, Rung.TCP)
ASLEEP = Outcome(State.UNKNOWN, Reason.WATCHER, Rung.TCP)


class Recording:
    def __init__(self) -> None:
        self.samples: list[tuple[Sample, bool]] = []
        self.gaps: list[tuple[int, int, str]] = []

    def sample(self, sample: Sample, *, changed: bool) -> None:
        self.samples.append((sample, changed))

    def gap(self, start: int, end: int, cause: str) -> None:
        self.gaps.append((start, end, cause))

    def times(self, point: str = "p") -> list[float]:
        return [(s.at - START_US) / 1e6 for s, _ in self.samples if s.point == point]

    def states(self, point: str = "p") -> list[State]:
        return [s.outcome.state for s, _ in self.samples if s.point == point]


def watch(
    outcome: Callable[[float, str], tuple[Outcome, float]],
    *,
    seconds: float,
    pace: Pace,
    points: int = 0,
    act: Callable[[VirtualLoop, Engine], None] | None = None,
) -> tuple[Recording, Engine]:
    """Run an engine for `seconds` of virtual time; `outcome(now_s, point)` gives verdict and duration."""
    loop = VirtualLoop()
    sink = Recording()

    async def probe(target: str, timeout_s: float) -> Verdict:
        begun = loop.now - 1000.0
        result, took_s = outcome(begun, target)
        await asyncio.sleep(took_s)
        return Verdict(result, round(took_s * 1e6))

    engine = Engine("local", probe, sink, pace, loop.clock)

    async def main() -> None:
        names = [f"p{i}" for i in range(points)] or ["p"]
        engine.replace([Job(name, "", name) for name in names])
        loop.call_later(seconds, engine.stop)
        if act is not None:
            act(loop, engine)
        await engine.run()

    run_virtual(main(), loop)
    return sink, engine


PACE = Pace(interval_s=60, retry_s=10, timeout_s=5, confirm_samples=3)


def test_a_healthy_camera_is_asked_once_per_interval_on_its_own_phase() -> None:
    sink, _ = watch(lambda now, p: (UP, 0.01), seconds=3600, pace=PACE)
    times = sink.times()
    assert len(times) == 60
    gaps = [round(b - a, 3) for a, b in itertools.pairwise(times)]
    assert set(gaps) == {60.0}


def test_a_failure_is_confirmed_at_the_retry_interval_and_then_asked_at_the_normal_pace() -> None:
    sink, _ = watch(lambda now, p: (DOWN if now > 600 else UP, 0.01), seconds=1200, pace=PACE)
    down = [t for t, s in zip(sink.times(), sink.states(), strict=True) if s is State.OFFLINE]
    assert [round(b - a, 1) for a, b in itertools.pairwise(down[:3])] == [10.0, 10.0]
    assert 600 < down[0] <= 660
    # after confirmation the phase of the healthy time is kept
    up = [t for t, s in zip(sink.times(), sink.states(), strict=True) if s is State.ONLINE]
    assert all(abs((t - up[0]) % 60) < 0.001 or abs((t - up[0]) % 60 - 60) < 0.001 for t in down[3:])


def test_only_changes_ask_for_a_quick_commit() -> None:
    sink, _ = watch(lambda now, p: (DOWN if 600 < now < 900 else UP, 0.01), seconds=1800, pace=PACE)
    changed = [s.outcome.state for s, flag in sink.samples if flag]
    assert changed == [State.ONLINE, State.OFFLINE, State.ONLINE]


def test_points_are_spread_over_the_interval() -> None:
    sink, _ = watch(lambda now, p: (UP, 0.01), seconds=59.9, pace=PACE, points=2000)
    per_second: dict[int, int] = {}
    for sample, _ in sink.samples:
        second = (sample.at - START_US) // 1_000_000
        per_second[second] = per_second.get(second, 0) + 1
    assert len(per_second) == 60
    assert max(per_second.values()) < 3 * 2000 / 60


def test_concurrency_is_bounded() -> None:
    worst = 0

    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        nonlocal worst
        worst = max(worst, holder[0].running) if holder else worst
        return UP, 5.0

    holder: list[Engine] = []
    watch(
        outcome,
        seconds=120,
        pace=Pace(interval_s=10, retry_s=5, timeout_s=5, concurrency=7),
        points=50,
        act=lambda loop, engine: holder.append(engine),
    )
    assert worst == 7


@pytest.mark.parametrize("stop_s", [1.0, 5.0, 120.0])
def test_a_stopped_watcher_blames_no_camera_and_writes_the_gap(stop_s: float) -> None:
    """Probes under way when the process stops come back as timeouts; they must be repeated, not recorded."""
    stop_at = 61.0

    def act(loop: VirtualLoop, engine: Engine) -> None:
        loop.call_later(stop_at, loop.oversleep, stop_s)

    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        overlaps = now < stop_at < now + 2.0
        return (DOWN if overlaps else UP, 2.0)

    sink, _ = watch(outcome, seconds=400, pace=Pace(interval_s=4, retry_s=2, timeout_s=3), points=30, act=act)
    assert {s.outcome.state for s, _ in sink.samples} == {State.ONLINE}
    assert len(sink.gaps) == 1
    start, end, cause = sink.gaps[0]
    assert cause == "stalled"
    assert (end - start) / 1e6 >= stop_s
    assert (end - start) / 1e6 <= stop_s + 1.0


def test_a_trouble_of_our_own_is_recorded_as_unknown_and_asked_at_the_retry_pace() -> None:
    """A failed name look-up, no sockets left: not the camera's fault, and no reason to spin either."""
    sink, _ = watch(lambda now, p: (ASLEEP if 600 < now < 900 else UP, 0.0), seconds=1200, pace=PACE)
    assert set(sink.states()) == {State.ONLINE, State.UNKNOWN}
    assert min(b - a for a, b in itertools.pairwise(sink.times())) > 9.9
    assert len(sink.samples) <= 20 + 2 * 2


def test_jobs_that_go_are_no_longer_asked_and_new_ones_are() -> None:
    def act(loop: VirtualLoop, engine: Engine) -> None:
        loop.call_later(300, engine.replace, [Job("q", "", "q")])

    sink, _ = watch(lambda now, p: (UP, 0.01), seconds=600, pace=PACE, act=act)
    assert max(sink.times("p")) <= 300
    assert min(sink.times("q")) >= 300


def test_a_replaced_camera_begins_anew_and_its_samples_name_it() -> None:
    def act(loop: VirtualLoop, engine: Engine) -> None:
        loop.call_later(300, engine.replace, [Job("p", "2", "p")])

    sink, _ = watch(lambda now, p: (UP, 0.01), seconds=600, pace=PACE, act=act)
    assert {s.camera for s, _ in sink.samples if s.at - START_US > 300_000_000} == {"2"}
    assert sum(flag for _, flag in sink.samples) == 2


def test_a_fault_in_the_probe_adapter_is_an_error_not_an_outage() -> None:
    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        raise ZeroDivisionError

    with pytest.raises(RuntimeError, match="probe adapter"):
        watch(outcome, seconds=300, pace=PACE)
