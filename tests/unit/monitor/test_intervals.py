from __future__ import annotations

import pytest

from monitor.intervals import Span, clip, intersect, normalise, subtract, total, union


def test_normalise_sorts_merges_touching_and_drops_empty() -> None:
    assert normalise([(30, 40), (10, 20), (20, 25), (5, 5), (9, 3), (38, 39)]) == [(10, 25), (30, 40)]


def test_normalise_keeps_the_longer_end_of_nested_spans() -> None:
    assert normalise([(0, 100), (10, 20), (50, 120)]) == [(0, 120)]


def test_normalise_of_nothing() -> None:
    assert normalise([]) == []


@pytest.mark.parametrize(
    ("a", "b", "both", "either", "only_a"),
    [
        ([], [], [], [], []),
        ([(0, 10)], [], [], [(0, 10)], [(0, 10)]),
        ([], [(0, 10)], [], [(0, 10)], []),
        ([(0, 10)], [(10, 20)], [], [(0, 20)], [(0, 10)]),
        ([(0, 10)], [(3, 5)], [(3, 5)], [(0, 10)], [(0, 3), (5, 10)]),
        ([(3, 5)], [(0, 10)], [(3, 5)], [(0, 10)], []),
        (
            [(0, 10), (20, 30), (40, 50)],
            [(5, 25), (28, 45)],
            [(5, 10), (20, 25), (28, 30), (40, 45)],
            [(0, 50)],
            [(0, 5), (25, 28), (45, 50)],
        ),
        (
            [(0, 100)],
            [(0, 1), (10, 11), (99, 100)],
            [(0, 1), (10, 11), (99, 100)],
            [(0, 100)],
            [(1, 10), (11, 99)],
        ),
        ([(0, 2), (4, 6)], [(1, 5)], [(1, 2), (4, 5)], [(0, 6)], [(0, 1), (5, 6)]),
    ],
)
def test_binary_operations(
    a: list[Span], b: list[Span], both: list[Span], either: list[Span], only_a: list[Span]
) -> None:
    assert intersect(a, b) == both
    assert intersect(b, a) == both
    assert union(a, b) == either
    assert union(b, a) == either
    assert subtract(a, b) == only_a


def test_clip_is_half_open() -> None:
    assert clip([(0, 10), (20, 30)], 9, 20) == [(9, 10)]
    assert clip([(0, 10)], 10, 20) == []
    assert clip([(0, 10)], 5, 5) == []
    assert clip([(0, 10)], 7, 3) == []


def test_total() -> None:
    assert total([]) == 0
    assert total([(-5, 5), (100, 101)]) == 11
