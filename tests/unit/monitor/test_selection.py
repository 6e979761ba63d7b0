"""The auditor's sample: reproducible with a shell, proportional over strata, and steered by nobody."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.evidence.selection import Chosen, choose, rank, shared

SHA = shutil.which("sha256sum")


@pytest.mark.skipif(SHA is None, reason="sha256sum is not installed")
@pytest.mark.parametrize(("seed", "code"), [("20201101", "XJ-0001"), ("审计 2020", "点位-7"), ("a%sb", "\\n")])
def test_a_shell_finds_the_same_rank(seed: str, code: str) -> None:
    command = ["sh", "-c", 'printf \'%s\\n%s\' "$1" "$2" | sha256sum', "sh", seed, code]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said.split()[0] == rank(seed, code)


def test_the_smallest_ranks_are_taken_in_their_order() -> None:
    codes = [f"P{n}" for n in range(100)]
    ordered = sorted(codes, key=lambda code: rank("s", code))
    assert [point.code for point in choose(dict.fromkeys(codes, ""), 5, "s")] == ordered[:5]
    assert [point.code for point in choose(dict.fromkeys(reversed(codes), ""), 5, "s")] == ordered[:5]
    assert [point.code for point in choose(dict.fromkeys(codes, ""), 5, "t")] != ordered[:5]


def test_strata_share_by_largest_remainder() -> None:
    # 10 of 100 + 50 + 7: 6.37, 3.18, 0.45; the one left goes to 0.45.
    assert shared({"a": 100, "b": 50, "c": 7}, 10) == {"a": 6, "b": 3, "c": 1}
    assert shared({"b": 1, "a": 1}, 1) == {"a": 1, "b": 0}, "equal remainders by name"
    assert shared({}, 3) == {}
    assert shared({"a": 2}, 5) == {"a": 2}


sizes = st.dictionaries(st.sampled_from("abcdef一二"), st.integers(1, 60), min_size=1)


@given(sizes, st.integers(0, 200), st.text(min_size=1, max_size=8))
@settings(max_examples=100, deadline=None, database=None)
def test_a_sample_is_proportional_and_the_same_in_any_order(counts: dict[str, int], n: int, seed: str) -> None:
    strata = {f"{name}{i}": name for name, size in counts.items() for i in range(size)}
    chosen = choose(strata, n, seed)
    total = sum(counts.values())
    assert len(chosen) == min(n, total) == len({point.code for point in chosen})
    assert chosen == choose(dict(reversed(strata.items())), n, seed)
    for name, size in counts.items():
        its = [point for point in chosen if point.stratum == name]
        assert abs(len(its) - min(n, total) * size / total) < 1
        left = [rank(seed, code) for code, of in strata.items() if of == name and code not in {p.code for p in its}]
        assert [point.rank for point in its] == sorted(point.rank for point in its)
        if its and left:
            assert its[-1].rank < min(left)
    assert all(point == Chosen(point.code, strata[point.code], rank(seed, point.code)) for point in chosen)
