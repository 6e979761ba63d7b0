from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement import document
from settlement.canonical import MAX_DIFFERENCES, canonical, differences, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_one_text_per_value(value: object) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert document.canonical(value).decode() == text
    assert document.digest(value) == digest(value)


def test_no_binary_floats() -> None:
    for value in (1.5, [1, {"a": 2.0}], {"a": (0.1,)}):
        with pytest.raises(TypeError, match="binary float"):
            canonical(value)


@given(JSON, JSON)
def test_differences_are_none_exactly_if_equal(one: object, other: object) -> None:
    assert (differences(one, other) == []) == (canonical(one) == canonical(other))


def test_a_difference_names_its_place_and_both_values() -> None:
    before = {"a": [1, {"b": "x"}], "c": 1, "only": True}
    after = {"a": [1, {"b": "y"}, 3], "c": 1, "new": None}
    assert differences(before, after) == [
        'a[1].b: "x" → "y"',
        "a[2]: （无 none） → 3",
        "new: （无 none） → null",
        "only: true → （无 none）",
    ]


def test_many_differences_are_cut() -> None:
    found = differences(list(range(100)), list(range(1, 101)))
    assert len(found) == MAX_DIFFERENCES + 1
    assert found[-1] == "…"
