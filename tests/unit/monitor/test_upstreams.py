"""Upstream devices on their beat, in virtual time: when they are asked, what is told of them, and what is not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

from monitor.brake import Brake
from monitor.model import Outcome, Reason, Rung, Sample, State
from monitor.notices import Notice, UpstreamSeen
from monitor.poller import Engine, Job, Pace, Verdict
from monitor.sentinel import Sentinel
from monitor.upstreams import Upstreams
from tests.virtual_time import START_US, VirtualLoop, run_virtual

Heard = Callable[[float, str], bool | None]
EVERY_S = 60.0
AGAIN_S = 10.0
TIMEOUT_S = 5.0


class Beat:
    """Devices that answer as `heard` says; silence takes a timeout."""

    def __init__(self, names: list[str], heard: Heard, at_once: int = 200) -> None:
        self.loop = VirtualLoop()
        self.heard = heard
        self.asked: list[tuple[float, str]] = []
        self.running = 0
        self.most = 0
        self.notices: list[Notice] = []
        targets = {name: name for name in names}
        self.upstreams = Upstreams(
            self._ask, self.notices.append, self.loop.clock, targets, every_s=EVERY_S, again_s=AGAIN_S, at_once=at_once
        )

    @property
    def now(self) -> float:
        return self.loop.now - 1000.0

    async def _ask(self, name: str) -> bool | None:
        self.asked.append((self.now, name))
        self.running += 1
        self.most = max(self.most, self.running)
        alive = self.heard(self.now, name)
        try:
            await asyncio.sleep(0.01 if alive else TIMEOUT_S)
        finally:
            self.running -= 1
        return alive

    def play(self, seconds: float, act: Callable[[Beat], None] = lambda _: None) -> Beat:
        async def main() -> None:
            self.upstreams.begin()
            act(self)
            while self.now < seconds:
                await asyncio.sleep(0.25)
                self.upstreams.tick()
            for task in (tasks := self.upstreams.close()):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        run_virtual(main(), self.loop)
        return self

    def times(self, name: str) -> list[float]:
        return [at for at, asked in self.asked if asked == name]

    def told(self) -> list[tuple[str, bool]]:
        return [(n.name, n.alive) for n in self.notices if isinstance(n, UpstreamSeen)]


def names(count: int) -> list[str]:
    return [f"SW-{n}" for n in range(count)]


def test_all_are_asked_at_the_start_and_then_once_an_interval_spread_over_it() -> None:
    beat = Beat(names(600), lambda now, name: True, at_once=50).play(299.9)
    first = beat.asked[:600]
    assert {name for _, name in first} == set(names(600))
    assert first[-1][0] < 1.0
    assert beat.most == 50
    for name in names(600):
        times = beat.times(name)
        assert 29.5 < times[1] - times[0] < 90.5
        assert all(59.5 < b - a < 60.5 for a, b in itertools.pairwise(times[1:]))
    later = [int(at // 1) for at, _ in beat.asked[600:] if 100 <= at < 280]
    assert max(later.count(second) for second in set(later)) < 3 * 600 / 60
    assert beat.notices == []
    assert beat.upstreams.states() == {"up": 600, "down": 0, "unknown": 0}


def test_a_fall_and_a_return_are_told_though_no_point_is_asked() -> None:
    beat = Beat(["SW-1", "SW-2"], lambda now, name: name == "SW-2" or not 300 < now < 900).play(1200)
    assert beat.told() == [("SW-1", False), ("SW-1", True)]
    down, up = beat.notices
    assert isinstance(down, UpstreamSeen)
    assert isinstance(up, UpstreamSeen)
    assert 300 < (down.at - START_US) / 1e6 < 300 + EVERY_S
    assert 900 < (up.at - START_US) / 1e6 < 900 + EVERY_S + TIMEOUT_S
    silent = [at for at in beat.times("SW-1") if 400 < at < 900]
    assert len(silent) <= 500 / EVERY_S + 1, "one that is known to be silent is asked once a turn"


def test_a_suspected_device_is_asked_at_once_but_not_at_every_failure() -> None:
    def act(beat: Beat) -> None:
        asked_last = 0.1  # right after the first round
        for n in range(200):
            beat.loop.call_later(asked_last + n * 0.1, beat.upstreams.suspect, "SW-1")
        beat.loop.call_later(1, beat.upstreams.suspect, "no such device")

    beat = Beat(["SW-1"], lambda now, name: True).play(20.5, act)
    times = beat.times("SW-1")
    assert times[:2] == [0.0, pytest.approx(0.1)]
    assert all(b - a >= AGAIN_S - 0.001 for a, b in itertools.pairwise(times[1:]) if b < 20)
    assert len(times) <= 4


def test_what_cannot_be_told_is_neither_a_fall_nor_a_return() -> None:
    answers = {"SW-1": [True, None, None, True], "SW-2": [None]}

    def heard(now: float, name: str) -> bool | None:
        return answers[name][min(int(now // 120), len(answers[name]) - 1)]

    beat = Beat(["SW-1", "SW-2"], heard).play(600)
    assert beat.notices == []
    assert beat.upstreams.states() == {"up": 1, "down": 0, "unknown": 1}


def test_thousands_of_silent_devices_do_not_raise_the_load() -> None:
    beat = Beat(names(2000), lambda now, name: int(name[3:]) % 2 == 0, at_once=40).play(1500)
    assert beat.most == 40
    assert beat.upstreams.states() == {"up": 1000, "down": 1000, "unknown": 0}
    assert sorted(beat.told()) == sorted((name, False) for name in names(2000)[1::2])
    assert all(len(beat.times(name)) > 4 for name in names(2000)), "and all are asked in turn"


def test_a_suspected_device_goes_ahead_of_those_that_are_due() -> None:
    def act(beat: Beat) -> None:
        beat.loop.call_later(1.0, beat.upstreams.suspect, "SW-499")

    beat = Beat(names(500), lambda now, name: False, at_once=10).play(60, act)
    assert beat.times("SW-499")[0] <= 10.0, "as soon as the first ten have been given up"
    assert len({name for at, name in beat.asked if at < 10.0}) <= 10


def test_while_the_watcher_is_blind_nobody_is_asked_and_silence_says_nothing() -> None:
    def act(beat: Beat) -> None:
        beat.loop.call_later(130.0, beat.upstreams.suspect, "SW-1")
        beat.loop.call_later(133.0, beat.upstreams.blinded)
        beat.loop.call_later(140.0, beat.upstreams.suspect, "SW-2")
        beat.loop.call_later(400.0, beat.upstreams.sighted)

    beat = Beat(names(4), lambda now, name: not 129 < now < 390 and name != "SW-3").play(700, act)
    assert [told for told in beat.told() if told[0] != "SW-3"] == []
    assert not [at for at, _ in beat.asked if 139 < at < 400]
    again = [name for at, name in beat.asked if at >= 400]
    assert set(again[:2]) == {"SW-2", "SW-3"}, "who was suspected, or not known to be up, is asked first"
    assert beat.upstreams.states() == {"up": 3, "down": 1, "unknown": 0}


def test_nothing_is_asked_after_the_end() -> None:
    beat = Beat(names(100), lambda now, name: False, at_once=5).play(2.0)
    assert len(beat.asked) == 5


def test_upstream_devices_never_alter_the_record_of_points() -> None:
    """The same points with devices that fall and return, with devices that stand, and without any."""
    pace = Pace(interval_s=60, retry_s=10, timeout_s=5)
    up, down = Outcome(State.ONLINE, Reason.OK, Rung.TCP), Outcome(State.OFFLINE, Reason.REFUSED, Rung.TCP)

    class Sink:
        def __init__(self) -> None:
            self.samples: list[Sample] = []
            self.notices: list[Notice] = []

        def sample(self, sample: Sample, *, changed: bool) -> None:
            self.samples.append(sample)

        def notice(self, notice: Notice) -> None:
            self.notices.append(notice)

    def watched(heard: Callable[[float], bool], upstreams: dict[str, str]) -> Sink:
        loop, sink = VirtualLoop(), Sink()

        async def ask(target: str) -> bool:
            alive = heard(loop.now - 1000.0)
            await asyncio.sleep(0.01 if alive else TIMEOUT_S)
            return alive

        async def probe(target: str, timeout_s: float) -> Verdict:
            dead = target < "p5" and 300 < loop.now - 1000.0 < 800
            await asyncio.sleep(0.01)
            return Verdict(down if dead else up, 10_000)

        sentinel = Sentinel(ask, sink.notice, loop.clock, Brake(65), upstreams=upstreams, every_s=60, again_s=10)
        engine = Engine("local", probe, sink, pace, loop.clock, sentinel=sentinel)

        async def main() -> None:
            sentinel.begin()
            engine.replace([Job(f"p{n}", "", f"p{n}", upstream="SW-1") for n in range(10)])
            loop.call_later(1200, engine.stop)
            await engine.run()

        run_virtual(main(), loop)
        return sink

    falling = watched(lambda now: not (100 < now < 200 or 250 < now < 900), {"SW-1": "SW-1"})
    standing = watched(lambda now: True, {"SW-1": "SW-1"})
    without = watched(lambda now: True, {})
    assert len(falling.notices) == 4
    assert standing.notices == without.notices == []
    assert falling.samples == standing.samples == without.samples
