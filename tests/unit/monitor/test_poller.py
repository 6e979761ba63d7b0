from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence

import pytest

from monitor.brake import Brake
from monitor.model import Outcome, Reason, Rung, Sample, State
from monitor.notices import Blind, BlindSince, ClockStep, Notice, SightedAgain, UpstreamSeen
from monitor.poller import GRAIN_S, Engine, Job, Pace, Verdict
from monitor.sentinel import Sentinel
from tests.virtual_time import START_US, VirtualLoop, run_virtual

UP = Outcome(State.ONLINE, Reason.OK, Rung.TCP)
DOWN = Outcome(State.OFFLINE, Reason.REFUSED, Rung.TCP)
ASLEEP = Outcome(State.UNKNOWN, Reason.WATCHER, Rung.TCP)


class Recording:
    def __init__(self) -> None:
        self.samples: list[tuple[Sample, bool]] = []
        self.notices: list[Notice] = []

    def sample(self, sample: Sample, *, changed: bool) -> None:
        self.samples.append((sample, changed))

    def notice(self, notice: Notice) -> None:
        self.notices.append(notice)

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
    jobs: Sequence[Job] = (),
    controls: dict[str, Callable[[float], bool]] | None = None,
    upstreams: dict[str, Callable[[float], bool]] | None = None,
    drift_us: Callable[[float], int] = lambda now: 0,
) -> tuple[Recording, Engine]:
    """Run an engine for `seconds` of virtual time; `outcome(now_s, point)` gives verdict and duration.

    Controls and upstreams are given by what they answer at a time; silence takes a whole timeout.
    """
    loop = VirtualLoop()
    sink = Recording()

    async def ask(answers: Callable[[float], bool]) -> bool:
        alive = answers(loop.now - 1000.0)
        await asyncio.sleep(0.001 if alive else pace.timeout_s)
        return alive

    sentinel = Sentinel(
        ask,
        sink.notice,
        loop.clock,
        Brake(pace.interval_s + pace.timeout_s),
        controls=list((controls or {}).values()),
        upstreams=upstreams,
        again_s=pace.retry_s,
    )

    async def probe(target: str, timeout_s: float) -> Verdict:
        begun = loop.now - 1000.0
        result, took_s = outcome(begun, target)
        await asyncio.sleep(took_s)
        return Verdict(result, round(took_s * 1e6))

    engine = Engine(
        "local", probe, sink, pace, loop.clock, sentinel=sentinel, drift_us=lambda: drift_us(loop.now - 1000.0)
    )

    async def main() -> None:
        names = [f"p{i}" for i in range(points)] or ["p"]
        engine.replace(list(jobs) or [Job(name, "", name) for name in names])
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


def assert_apart(times: list[float], apart_s: float) -> None:
    """Each comes when it is due or within a grain of it, never before."""
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert len(gaps) == 2
    assert all(apart_s - 0.001 <= gap <= apart_s + GRAIN_S + 0.001 for gap in gaps), gaps


def test_the_time_a_failing_probe_takes_does_not_delay_its_confirmation() -> None:
    silent = Outcome(State.OFFLINE, Reason.TIMEOUT, Rung.TCP)
    for timeout_s, apart in ((5.0, 10.0), (10.0, 10.0), (12.0, 12.0)):
        pace = Pace(interval_s=60, retry_s=10, timeout_s=timeout_s, confirm_samples=3)
        sink, _ = watch(
            lambda now, p, took=timeout_s: (silent, took) if now > 600 else (UP, 0.01), seconds=1200, pace=pace
        )
        down = [at for at, state in zip(sink.times(), sink.states(), strict=True) if state is State.OFFLINE]
        assert_apart(down[:3], apart)


def test_a_failure_is_confirmed_at_the_retry_interval_and_then_asked_at_the_normal_pace() -> None:
    sink, _ = watch(lambda now, p: (DOWN if now > 600 else UP, 0.01), seconds=1200, pace=PACE)
    down = [t for t, s in zip(sink.times(), sink.states(), strict=True) if s is State.OFFLINE]
    assert_apart(down[:3], 10.0)
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
        pace=Pace(interval_s=10, retry_s=5, timeout_s=5, concurrency=7, slow_concurrency=3),
        points=50,
        act=lambda loop, engine: holder.append(engine),
    )
    assert worst == 7 + 2 * 3


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
    (gap,) = sink.notices
    assert isinstance(gap, Blind)
    assert gap.cause == "stalled"
    assert stop_s - 0.01 <= (gap.end - gap.start) / 1e6 <= stop_s + 1.0


def test_no_result_lies_in_the_gap_of_a_stall() -> None:
    """A run that is stored knows no single instants: what a gap took of it could only be estimated."""

    def act(loop: VirtualLoop, engine: Engine) -> None:
        loop.call_later(61.2, loop.oversleep, 5.0)  # a fifth of a second after a tick

    sink, _ = watch(lambda now, p: (UP, 0.001), seconds=100, pace=Pace(interval_s=1), points=40, act=act)
    (gap,) = sink.notices
    assert isinstance(gap, Blind)
    instants = {s.at // 10_000 for s, _ in sink.samples}  # as the archive keeps them
    assert not any(gap.start // 10_000 <= at < gap.end // 10_000 for at in instants)


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


HUNG = Outcome(State.OFFLINE, Reason.TIMEOUT, Rung.RTSP)


def late(sink: Recording, interval_s: float, ok: Callable[[str], bool]) -> float:
    """The worst distance between two probes of one healthy point, beyond the interval."""
    worst = 0.0
    for point in {s.point for s, _ in sink.samples if ok(s.point)}:
        worst = max(worst, max((b - a for a, b in itertools.pairwise(sink.times(point))), default=0.0) - interval_s)
    return worst


def test_hung_cameras_delay_no_healthy_one() -> None:
    pace = Pace(interval_s=60, retry_s=10, timeout_s=5, concurrency=20, slow_concurrency=100)

    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        return (HUNG, 5.0) if int(point[1:]) < 600 else (UP, 0.02)

    sink, _ = watch(outcome, seconds=600, pace=pace, points=900)
    assert late(sink, 60, lambda point: int(point[1:]) >= 600) < 1.0
    assert {s.outcome.state for s, _ in sink.samples if int(s.point[1:]) < 600} == {State.OFFLINE}
    assert {int(s.point[1:]) for s, _ in sink.samples} == set(range(900)), "the hung ones are asked as well"


def test_channels_of_one_recorder_are_asked_a_few_at_a_time() -> None:
    now_running: dict[str, int] = {}
    worst = 0

    async def main() -> None:
        engine.replace([Job(f"c{n}", "", f"c{n}", host="10.0.0.1") for n in range(40)])
        loop.call_later(30, engine.stop)
        await engine.run()

    async def probe(target: str, timeout_s: float) -> Verdict:
        nonlocal worst
        now_running["nvr"] = now_running.get("nvr", 0) + 1
        worst = max(worst, now_running["nvr"])
        await asyncio.sleep(0.3)
        now_running["nvr"] -= 1
        return Verdict(UP, 300_000)

    loop = VirtualLoop()
    sink = Recording()
    engine = Engine("local", probe, sink, Pace(interval_s=10, retry_s=5, timeout_s=5, per_host=2), loop.clock)
    run_virtual(main(), loop)
    assert worst == 2
    assert {s.point for s, _ in sink.samples} == {f"c{n}" for n in range(40)}
    assert len(sink.samples) >= 40 * 2


def dying(share: float, at: float, until: float = 1e9) -> Callable[[float, str], tuple[Outcome, float]]:
    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        dead = int(point[1:]) < share * 200 and at < now < until
        return (HUNG, 5.0) if dead else (UP, 0.01)

    return outcome


def alive_until(at: float, until: float = 1e9) -> Callable[[float], bool]:
    return lambda now: not at < now < until


def test_forty_percent_down_with_controls_alive_stays_offline() -> None:
    controls = {"core": alive_until(1e9), "outside": alive_until(1e9)}
    sink, engine = watch(dying(0.4, 300), seconds=900, pace=PACE, points=200, controls=controls)
    assert sink.notices == []
    assert engine.states() == {State.OFFLINE: 80, State.ONLINE: 120}


def test_one_control_alive_is_enough_to_believe_the_failure() -> None:
    """A supplier's ring dies and takes one control along; the other lies outside and answers."""
    controls = {"ring": alive_until(300), "outside": alive_until(1e9)}
    sink, _ = watch(dying(0.9, 300), seconds=900, pace=PACE, points=200, controls=controls)
    assert sink.notices == []


def test_all_down_with_the_controls_dead_is_our_own_blindness_from_the_first_failure_on() -> None:
    controls = {"core": alive_until(300, 700), "outside": alive_until(300, 700)}
    sink, engine = watch(dying(1.0, 300, 700), seconds=1200, pace=PACE, points=200, controls=controls)
    began, ended = sink.notices
    assert isinstance(began, BlindSince)
    assert isinstance(ended, SightedAgain)
    failed = [s.at for s, _ in sink.samples if s.outcome.state is State.OFFLINE]
    assert began.start == min(failed), "back to the first failing probe"
    assert ended.start == began.start
    assert 700 <= (ended.end - START_US) / 1e6 <= 700 + 2 * (PACE.retry_s + 2 * PACE.timeout_s)
    assert max(failed) < ended.end, "no verdict of the blindness lies outside its gap"
    assert engine.states() == {State.ONLINE: 200}


def test_without_controls_nothing_is_doubted() -> None:
    sink, _ = watch(dying(1.0, 300), seconds=900, pace=PACE, points=200)
    assert sink.notices == []


def test_few_points_are_no_mass() -> None:
    controls = {"core": alive_until(300), "outside": alive_until(300)}
    sink, _ = watch(
        lambda now, p: (DOWN if now > 300 else UP, 0.01), seconds=900, pace=PACE, points=3, controls=controls
    )
    assert sink.notices == []


def test_an_upstream_device_is_asked_when_a_point_behind_it_fails_and_both_edges_are_told() -> None:
    jobs = [Job(f"p{n}", "", f"p{n}", upstream="SW-1" if n < 50 else "SW-2") for n in range(100)]

    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        return (HUNG, 5.0) if int(point[1:]) < 50 and 300 < now < 600 else (UP, 0.01)

    upstreams = {"SW-1": alive_until(300, 600), "SW-2": alive_until(1e9)}
    sink, _ = watch(outcome, seconds=1200, pace=PACE, jobs=jobs, upstreams=upstreams)
    down, up = sink.notices
    assert isinstance(down, UpstreamSeen)
    assert isinstance(up, UpstreamSeen)
    assert (down.name, down.alive, up.name, up.alive) == ("SW-1", False, "SW-1", True)
    assert 300 < (down.at - START_US) / 1e6 < 300 + 20
    assert 600 < (up.at - START_US) / 1e6 < 600 + 60
    assert len([s for s, _ in sink.samples if s.outcome.state is State.OFFLINE]) > 50, "the record is not altered"


@pytest.mark.parametrize("step_s", [1, -1, 3600, -3600, 86_400, -86_400])
def test_a_clock_step_is_told_and_moves_nothing(step_s: int) -> None:
    sink, _ = watch(
        lambda now, p: (UP, 0.01),
        seconds=600,
        pace=PACE,
        drift_us=lambda now: step_s * 1_000_000 if now > 300 else 0,
    )
    (step,) = sink.notices
    assert isinstance(step, ClockStep)
    assert step.step_us == step_s * 1_000_000
    assert {round(b - a, 3) for a, b in itertools.pairwise(sink.times())} == {60.0}


def test_a_flicker_of_a_control_does_not_disarm_the_brake() -> None:
    """Cut off from 600 s on; one control answers for a moment. What fails on afterwards is still our own blindness."""
    flicker = {"core": lambda now: not 600 < now < 3000 or 1000 < now < 1025, "outside": alive_until(600, 3000)}
    sink, engine = watch(dying(1.0, 600, 3000), seconds=3600, pace=PACE, points=200, controls=flicker)
    spans = [(n.start, n.end) for n in sink.notices if isinstance(n, SightedAgain)]
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0], "what was sighted in between is not taken back"
    failed = [s.at for s, _ in sink.samples if s.outcome.state is State.OFFLINE]
    outside = [at for at in failed if not any(start <= at < end for start, end in spans)]
    assert len(outside) <= 200 * 1.5, "at most the cycle in which the control answered"
    assert engine.states() == {State.ONLINE: 200}


def test_a_watcher_that_starts_blind_says_so() -> None:
    dead = {"core": alive_until(-1, 300), "outside": alive_until(-1, 300)}
    sink, _ = watch(dying(1.0, -1, 300), seconds=900, pace=PACE, points=200, controls=dead)
    began, ended = sink.notices
    assert isinstance(began, BlindSince)
    assert isinstance(ended, SightedAgain)
    failed = [s.at for s, _ in sink.samples if s.outcome.state is State.OFFLINE]
    assert began.start == min(failed)
    assert max(failed) < ended.end


def test_channels_that_move_to_another_recorder_are_all_asked_again() -> None:
    pace = Pace(interval_s=60, retry_s=10, timeout_s=5, per_host=1)
    old = [Job(f"p{n}", "", f"p{n}", host="10.0.0.1") for n in range(16)]
    new = [Job(f"p{n}", "2", f"p{n}", host="10.0.0.2") for n in range(16)]

    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        return (HUNG, 5.0) if now < 600 else (UP, 0.1)

    def act(loop: VirtualLoop, engine: Engine) -> None:
        loop.call_later(600, engine.replace, new)

    sink, _ = watch(outcome, seconds=1800, pace=pace, jobs=old, act=act)
    late = {s.point for s, _ in sink.samples if s.at - START_US > 1_200_000_000}
    assert late == {f"p{n}" for n in range(16)}


def test_a_verdict_of_the_old_device_is_never_the_new_ones() -> None:
    def outcome(now: float, point: str) -> tuple[Outcome, float]:
        return (HUNG, 5.0) if now < 640 else (UP, 0.1)

    def act(loop: VirtualLoop, engine: Engine) -> None:
        for n in range(400):
            loop.call_later(600 + n * 0.1, engine.replace, [Job("p", "1" if n < 200 else "2", f"p{n}")])
        engine.replace([Job("p", "1", "p")])

    sink, _ = watch(outcome, seconds=900, pace=PACE, jobs=[Job("p", "1", "p")], act=act)
    assert all(s.outcome.state is State.ONLINE for s, _ in sink.samples if s.camera == "2")
    assert any(s.camera == "2" for s, _ in sink.samples)
