"""Joining notices: the store ends up knowing less precisely, and nothing that is not so.

What notices amount to is worked out here in the simplest way, event by event, and compared before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Instant
from monitor.notices import Blind, BlindSince, ClockStep, Notice, NoticeQueue, SightedAgain, UpstreamSeen, join

CAUSES = ("stalled", "overflow")
NAMES = ("SW-1", "SW-2", "SW-3")


@dataclass
class Known:
    """What a store knows after notices: blind instants by cause, open blindness, devices' falls, the clock's movement."""

    blind: dict[str, set[int]] = field(default_factory=dict)
    open: set[tuple[int, str]] = field(default_factory=set)
    down: set[tuple[str, int]] = field(default_factory=set)
    """Device and instant."""
    fell: dict[str, int] = field(default_factory=dict)
    clock_us: int = 0
    steps: int = 0

    def take(self, notices: Iterable[Notice]) -> Known:
        for notice in notices:
            match notice:
                case Blind(start, end, cause):
                    self.blind.setdefault(cause, set()).update(range(start, end))
                case BlindSince(start, cause):
                    self.open.add((start, cause))
                case SightedAgain(start, end, cause):
                    self.open.discard((start, cause))
                    self.blind.setdefault(cause, set()).update(range(start, end))
                case ClockStep(_, step_us):
                    self.clock_us += step_us
                    self.steps += 1
                case UpstreamSeen(name, at, True):
                    self.down |= {(name, n) for n in range(self.fell.pop(name, at), at)}
                case UpstreamSeen(name, at, False):
                    self.fell.setdefault(name, at)
        return self

    def seen_down(self, now: int) -> set[tuple[str, int]]:
        return self.down | {(name, n) for name, at in self.fell.items() for n in range(at, now)}


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Notice], list[Notice], int]:
    """A watcher's notices, cut into what is stored already and what waits, and the instant after the last."""
    now = 0
    blind: Instant | None = None
    down: set[str] = set()
    told: list[Notice] = []
    for _ in range(draw(st.integers(0, 60))):
        now += draw(st.integers(1, 9))
        at = Instant(now)
        match draw(st.integers(0, 4)):
            case 0 | 1:
                length = draw(st.integers(1, 12))
                told.append(Blind(at, Instant(now + length), draw(st.sampled_from(CAUSES))))
            case 2 if blind is None:
                blind = at
                told.append(BlindSince(at, "mass-failure"))
            case 2 if blind is not None:
                told.append(SightedAgain(blind, at, "mass-failure"))
                blind = None
            case 3:
                told.append(ClockStep(at, draw(st.integers(-5, 5))))
            case _:
                name = draw(st.sampled_from(NAMES))
                down ^= {name}
                told.append(UpstreamSeen(name, at, alive=name not in down))
    cut = draw(st.integers(0, len(told)))
    return told[:cut], told[cut:], now + 20


def close_enough(before: list[Notice], waiting: list[Notice], joined: list[Notice], now: int) -> None:
    exact, told = Known().take(before).take(waiting), Known().take(before).take(joined)
    for cause, instants in exact.blind.items():
        assert instants <= told.blind[cause], "what was unknown stays unknown"
        assert min(instants) == min(told.blind[cause])
        assert max(instants) == max(told.blind[cause]), "a hull, and no more"
    assert told.blind.keys() == exact.blind.keys()
    assert told.open == exact.open
    assert told.seen_down(now) <= exact.seen_down(now), "no device is said to be down when it was not seen so"
    assert told.fell.keys() == exact.fell.keys(), "what is down in the end is"
    assert told.clock_us == exact.clock_us
    assert (told.steps > 0) == (exact.steps > 0)


@given(lives(), st.integers(0, 12))
def test_joined_notices_say_the_same_or_less(life: tuple[list[Notice], list[Notice], int], most: int) -> None:
    before, waiting, now = life
    joined = join(waiting, most)
    close_enough(before, waiting, joined, now)
    gaps = [notice for notice in joined if isinstance(notice, Blind)]
    assert len(gaps) <= max(most, len({gap.cause for gap in gaps}))
    assert len(joined) - len(gaps) <= 2 * len(NAMES) + 1 + 2
    close_enough(before, waiting, join(joined, most), now)


@given(lives())
def test_gaps_that_fit_are_left_as_they_are(life: tuple[list[Notice], list[Notice], int]) -> None:
    before, waiting, _ = life
    exact, told = Known().take(before).take(waiting), Known().take(before).take(join(waiting, 1_000))
    assert told.blind == exact.blind


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 40))
def test_the_nearest_gaps_are_joined_first(distances: list[int], most: int) -> None:
    starts = [0]
    for distance in distances:
        starts.append(starts[-1] + 1 + distance)
    gaps = [Blind(Instant(start), Instant(start + 1), "stalled") for start in starts]
    joined = join(gaps, most)
    covered = sum(gap.end - gap.start for gap in joined if isinstance(gap, Blind))
    bridged = max(0, len(gaps) - most)
    assert covered == len(gaps) + sum(sorted(distances)[:bridged])


@given(lives(), st.integers(2, 20), st.lists(st.sampled_from(("fail", "store", "wait")), max_size=60))
def test_a_queue_is_bounded_and_offers_the_same_until_it_is_stored(
    life: tuple[list[Notice], list[Notice], int], most: int, store: list[str]
) -> None:
    before, waiting, now = life
    told = before + waiting
    queue = NoticeQueue(most)
    stored: list[Notice] = []
    failed: list[Notice] = []
    bound = max(most, 2 * (most // 2 + len(CAUSES) + 1 + 2 * len(NAMES) + 1 + 2))
    for number, notice in enumerate(told):
        queue.add(notice)
        assert len(queue) <= bound + max(most, bound), "what is offered and what waits are each bounded"
        way = store[number] if number < len(store) else "wait"
        if way == "wait":
            continue
        offered = queue.offer()
        assert not failed or offered == failed
        failed = offered
        if way == "store":
            queue.stored()
            stored += offered
            failed = []
    while len(queue):
        stored += queue.offer()
        queue.stored()
    close_enough([], told, stored, now)
    assert len(stored) == len(told) - queue.joined
