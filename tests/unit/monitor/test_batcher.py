from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest

import monitor.batcher
from monitor.batcher import Batcher
from monitor.intervals import intersect, normalise
from monitor.model import Instant, Outcome, Reason, Rung, Sample, State
from monitor.notices import MOST_NOTICES, Blind, Notice
from tests.virtual_time import START_US, VirtualLoop, run_virtual

UP = Outcome(State.ONLINE, Reason.OK, Rung.TCP)


class Disk:
    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.batches: list[tuple[float, list[Sample], bool]] = []
        self.notices: list[Notice] = []
        self.offered: list[list[Sample]] = []
        self.told: list[list[Notice]] = []
        self.broken = False

    async def __call__(self, samples: list[Sample], notices: list[Notice], flush: bool) -> None:
        await asyncio.sleep(0.005)
        self.offered.append(samples)
        self.told.append(notices)
        if self.broken:
            raise OSError("disk full")
        self.batches.append((self.loop.now - 1000.0, samples, flush))
        self.notices += notices


def sample(n: int) -> Sample:
    return Sample(f"p{n}", "local", Instant(START_US + n), UP, 125, 1000)


def play(script: Callable[[VirtualLoop, Batcher, Disk], None], seconds: float) -> tuple[Disk, Batcher, list[Exception]]:
    loop = VirtualLoop()
    disk = Disk(loop)
    errors: list[Exception] = []
    batcher = Batcher(disk, errors.append)

    async def main() -> None:
        script(loop, batcher, disk)
        loop.call_later(seconds, batcher.close)
        await batcher.run()

    run_virtual(main(), loop)
    return disk, batcher, errors


def test_results_are_committed_within_a_second() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        for n in range(20):
            loop.call_later(n * 0.3, lambda n=n: batcher.sample(sample(n), changed=False))

    disk, _, _ = play(script, 30)
    assert [s.point for _, samples, _ in disk.batches for s in samples] == [f"p{n}" for n in range(20)]
    for at, samples, _ in disk.batches:
        for s in samples:
            assert at - (s.at - START_US) * 0.3 <= 1.02


def test_a_change_is_committed_within_50_ms_and_flushes_the_runs() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        loop.call_later(1.0, lambda: batcher.sample(sample(1), changed=False))
        loop.call_later(1.2, lambda: batcher.sample(sample(2), changed=True))

    disk, _, _ = play(script, 30)
    at, samples, flush = disk.batches[0]
    assert at <= 1.2 + 0.05 + 0.006
    assert len(samples) == 2
    assert flush


def test_a_batch_holds_at_most_2000_results_in_order() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        for n in range(5_500):
            batcher.sample(sample(n), changed=False)

    disk, _, _ = play(script, 30)
    assert [len(samples) for _, samples, _ in disk.batches if samples] == [2000, 2000, 1500]
    assert [s.at - START_US for _, samples, _ in disk.batches for s in samples] == list(range(5_500))


def test_runs_are_projected_every_minute_without_changes() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        for n in range(200):
            loop.call_later(n, lambda n=n: batcher.sample(sample(n), changed=False))

    disk, _, _ = play(script, 199.5)
    flushed = [at for at, _, flush in disk.batches if flush]
    assert len(flushed) == 4  # three whole minutes and the close
    assert all(59 <= b - a <= 62 for a, b in itertools.pairwise(flushed[:3]))
    assert disk.batches[-1][1:] == ([], True)


def test_a_store_that_fails_loses_nothing_and_keeps_the_order() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        for n in range(300):
            loop.call_later(n * 0.1, lambda n=n: batcher.sample(sample(n), changed=n % 50 == 0))
        loop.call_later(5.0, setattr, disk, "broken", True)
        loop.call_later(20.0, setattr, disk, "broken", False)

    disk, _, errors = play(script, 60)
    assert [s.at - START_US for _, samples, _ in disk.batches for s in samples] == list(range(300))
    assert len(errors) >= 10
    # What failed is offered again as it was: it may have been stored although nobody said so.
    failed = disk.offered[-len(disk.batches) - 1 - len(errors) :]
    first = next(n for n, samples in enumerate(disk.offered) if disk.offered[n + 1 : n + 2] == [samples])
    repeated = [samples for samples in disk.offered[first:] if samples == disk.offered[first]]
    assert failed
    assert len(repeated) == len(errors) + 1


def test_an_overflow_gives_up_the_oldest_and_writes_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor.batcher, "BUFFER_RESULTS", 100)

    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        disk.broken = True
        for n in range(150):
            loop.call_later(n * 0.1, lambda n=n: batcher.sample(sample(n), changed=False))
        loop.call_later(40.0, setattr, disk, "broken", False)

    disk, batcher, _ = play(script, 60)
    kept = {s.at - START_US for _, samples, _ in disk.batches for s in samples}
    gaps = [notice for notice in disk.notices if isinstance(notice, Blind)]
    assert gaps == disk.notices
    covered = {at for gap in gaps for at in range(gap.start - START_US, gap.end - START_US)}
    assert {gap.cause for gap in gaps} == {"overflow"}
    assert kept | covered == set(range(150))
    assert batcher.overflowed == 150 - len(kept) > 0


def test_closing_with_a_dead_store_ends() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        disk.broken = True
        batcher.sample(sample(1), changed=True)

    _, batcher, errors = play(script, 5)
    assert batcher.waiting == 1
    assert errors


def test_notices_of_a_failed_commit_are_offered_again_as_they_were_and_later_ones_wait() -> None:
    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        disk.broken = True
        batcher.sample(sample(0), changed=False)
        for n in range(40):
            blind = Blind(Instant(START_US + 10 * n), Instant(START_US + 10 * n + 1), "stalled")
            loop.call_later(n * 0.5, batcher.notice, blind)
        loop.call_later(15.0, setattr, disk, "broken", False)

    disk, batcher, errors = play(script, 60)
    assert len(errors) > 5
    assert all(told == disk.told[0] for told in disk.told[: len(errors) + 1])
    assert [n.start - START_US for n in disk.notices if isinstance(n, Blind)] == [10 * n for n in range(40)]
    assert (batcher.notices_waiting, batcher.notices_joined) == (0, 0)


def test_a_store_that_stays_away_costs_bounded_memory_for_notices() -> None:
    count = 3 * MOST_NOTICES

    def script(loop: VirtualLoop, batcher: Batcher, disk: Disk) -> None:
        disk.broken = True
        for n in range(count):
            loop.call_later(
                n * 0.01,
                batcher.notice,
                Blind(Instant(START_US + 10 * n), Instant(START_US + 10 * n + 1), "stalled"),
            )
        loop.call_later(count * 0.01 - 1, lambda: waiting.append(batcher.notices_waiting))
        loop.call_later(count * 0.01 + 1, setattr, disk, "broken", False)

    waiting: list[int] = []
    disk, batcher, _ = play(script, count * 0.01 + 60)
    assert waiting[0] <= MOST_NOTICES + 1
    assert batcher.notices_joined > MOST_NOTICES
    assert len(disk.notices) + batcher.notices_joined == count
    spans = normalise([(n.start, n.end) for n in disk.notices if isinstance(n, Blind)])
    told = [(START_US + 10 * n, START_US + 10 * n + 1) for n in range(count)]
    assert intersect(spans, told) == told
