"""A probe that ends tells the engine whether somebody may have waited for its slot or its host."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.lanes import Lanes


@dataclass
class Item:
    host: str = ""
    due: float = 0.0
    slow: bool = False
    turn: int = 0


def started(lanes: Lanes[Item], now: float) -> list[int]:
    return [item.turn for item in lanes.start(now)]


def test_only_a_full_lane_or_a_busy_host_was_waited_for() -> None:
    lanes: Lanes[Item] = Lanes(2, 1, 1)
    first, second, third = Item("a"), Item("b"), Item("c")
    for item in (first, second, third):
        lanes.add(item, 0.0)
    turns = started(lanes, 0.0)
    assert len(turns) == 2
    assert lanes.done(turns[0])  # the lane was full, the third waits
    (last,) = started(lanes, 0.0)
    assert lanes.done(turns[1])  # full again
    assert not lanes.done(last)

    channels = [Item("recorder"), Item("recorder")]
    for item in channels:
        lanes.add(item, 1.0)
    (one,) = started(lanes, 1.0)
    assert lanes.running == 1
    assert lanes.done(one)  # the lane had room, the host had not
    (other,) = started(lanes, 1.0)
    assert not lanes.done(other)
