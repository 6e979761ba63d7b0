"""Fault scripts: both formats mean the same, and every mistake is named at once."""

from __future__ import annotations

import json
import random

import pytest

from simulators.faults import Event, RandomFaults, load_script, select
from simulators.refusal import BadInput


def test_json_and_csv_mean_the_same(tmp_path):
    (tmp_path / "f.json").write_text(
        json.dumps(
            [
                {"cameras": [2, 5], "fault": "refuse", "at_s": 10, "for_s": 30},
                {"cameras": "3-4 1", "fault": "404", "at_s": 0.5},
            ]
        )
    )
    (tmp_path / "f.csv").write_text("cameras,fault,at_s,for_s\n2;5,refuse,10,30\n3-4 1,404,0.5,\n")
    expected = [Event(10.0, 30.0, "refuse", (2, 5)), Event(0.5, None, "404", (1, 3, 4))]
    assert load_script(tmp_path / "f.json", 5, 1) == load_script(tmp_path / "f.csv", 5, 1) == expected


def test_every_mistake_is_named(tmp_path):
    (tmp_path / "f.json").write_text(
        json.dumps(
            [
                {"cameras": 9, "fault": "refuse", "at_s": 1},
                {"cameras": 1, "fault": "explode", "at_s": -1, "for_s": 0, "colour": "red"},
                {"fault": "hang", "at_s": "NaN"},
            ]
        )
    )
    with pytest.raises(BadInput) as error:
        load_script(tmp_path / "f.json", 5, 1)
    places = [complaint.partition("f.json:")[2][:3] for complaint in error.value.complaints]
    assert places == ["[0]", "[1]", "[1]", "[1]", "[1]", "[2]", "[2]"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("f.yaml", "[]"),
        ("f.json", "{"),
        ("f.json", "{}"),
        ("f.json", "[1]"),
        ("f.csv", "cameras,fault,at_s\n1,hang,0,7\n"),
    ],
)
def test_unreadable_scripts(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput):
        load_script(tmp_path / name, 5, 1)


def test_missing_script(tmp_path):
    with pytest.raises(BadInput):
        load_script(tmp_path / "none.json", 5, 1)


@pytest.mark.parametrize("selector", [None, "", "0", "6", "4-2", "101%", "x", [1, "x"], "-1", "²"])
def test_selectors_that_mean_nothing(selector):
    assert isinstance(select(selector, 5, random.Random(1)), str)


def test_a_share_is_chosen_by_the_seed(tmp_path):
    (tmp_path / "f.csv").write_text("cameras,fault,at_s\n10%,hang,0\n10%,hang,0\nall,hang,0\n")
    first, second, everyone = load_script(tmp_path / "f.csv", 200, 1)
    assert len(first.cameras) == len(second.cameras) == 20
    assert first.cameras != second.cameras
    assert everyone.cameras == tuple(range(1, 201))
    assert load_script(tmp_path / "f.csv", 200, 1)[0] == first
    assert load_script(tmp_path / "f.csv", 200, 2)[0] != first


def test_random_faults_repeat_with_the_seed_and_keep_their_means():
    chance = RandomFaults(60.0, 30.0, ("hang", "refuse"))
    draws = [chance.of_camera(seed, number) for seed, number in ((1, 1), (1, 1), (1, 2))]
    first, again, other = ([next(draw) for _ in range(4000)] for draw in draws)
    assert first == again != other
    assert 50 < sum(wait for wait, _, _ in first) / 4000 < 70
    assert 25 < sum(length for _, length, _ in first) / 4000 < 35
    assert {fault for _, _, fault in first} == {"hang", "refuse"}
