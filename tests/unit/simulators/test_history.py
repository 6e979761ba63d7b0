"""The reference history has the printed report's rates to the second, whoever adds them up."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.history import write_history
from simulators.refusal import BadInput

FILES = ("points.csv", "runs.csv", "gaps.csv", "expected.csv")
DAY = 86_400


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("history")
    write_history(1, 1000, 0, out)
    return out


@pytest.fixture(scope="module")
def held(history: Path) -> dict[str, list[tuple[int, int, str, int]]]:
    """Per point: (start, end, state, samples), each run held until the next one or until its validity lapses."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(history / "runs.csv"):
        found[row["point"]].append(row)
    spans = {}
    for point, runs in found.items():
        runs.sort(key=lambda row: seconds(row["first"]))
        nexts = [seconds(row["first"]) for row in runs[1:]] + [2**62]
        lapses = [seconds(row["last"]) + int(row["valid_s"]) for row in runs]
        spans[point] = [
            (seconds(row["first"]), min(after, lapse), row["state"], int(row["count"]))
            for row, after, lapse in zip(runs, nexts, lapses, strict=True)
        ]
    return spans


# Quarters at Asia/Shanghai midnight, and offline seconds = rate x 1,000 points x days x 86,400, worked out by hand.
@pytest.mark.parametrize(
    ("prefix", "first", "end", "days", "offline_s"),
    [
        ("XJ1", "2019-10-01T00:00:00+08:00", "2020-01-01T00:00:00+08:00", 92, 1_302_013_440),
        ("XJ1", "2020-07-01T00:00:00+08:00", "2020-10-01T00:00:00+08:00", 92, 1_481_656_320),
        ("XJ2", "2020-07-01T00:00:00+08:00", "2020-10-01T00:00:00+08:00", 92, 976_907_520),
    ],
)
def test_quarters_have_exactly_the_printed_rates(held, prefix, first, end, days, offline_s):
    window = seconds(first), seconds(end)
    totals = {"online": 0, "offline": 0}
    points = [spans for point, spans in held.items() if point.startswith(prefix)]
    for spans in points:
        for start, stop, state, _ in spans:
            totals[state] += max(0, min(stop, window[1]) - max(start, window[0]))
    assert len(points) == 1000
    assert totals["offline"] == offline_s
    assert totals["online"] + totals["offline"] == 1000 * days * DAY


def test_runs_abut_from_the_first_instant_to_the_last(held):
    begins = {"XJ1": "2019-10-01T00:00:00+08:00", "XJ2": "2020-07-01T00:00:00+08:00"}
    for point, spans in held.items():
        assert spans[0][0] == seconds(begins[point[:3]])
        assert spans[-1][1] == seconds("2020-10-01T00:00:00+08:00")
        assert all(a[1] == b[0] for a, b in pairwise(spans)), point


def test_every_outage_would_be_confirmed(held):
    shortest, longest, outages = 2**62, 0, 0
    for spans in held.values():
        at = 0
        while at < len(spans):
            chain = at
            while at < len(spans) and spans[at][2] == "offline":
                at += 1
            if chain < at:
                lasted = spans[at - 1][1] - spans[chain][0]
                assert sum(span[3] for span in spans[chain:at]) >= 3
                shortest, longest, outages = min(shortest, lasted), max(longest, lasted), outages + 1
            at += 1
    assert shortest >= 300
    assert longest > 7 * DAY
    assert outages > 10_000


def test_samples_of_a_run_are_never_further_apart_than_their_validity(history):
    for row in rows(history / "runs.csv"):
        span, count = seconds(row["last"]) - seconds(row["first"]), int(row["count"])
        assert count >= 1
        assert (count - 1) * 125 >= span >= (count - 2) * 60
    assert len(rows(history / "runs.csv")) <= 60_000


def test_outages_are_uneven_and_differ_by_reason(history, held):
    down = sorted(sum(s[1] - s[0] for s in spans if s[2] == "offline") for spans in held.values())
    assert sum(down[-200:]) > sum(down) / 2
    outcomes = {(row["state"], row["reason"], row["rung"]) for row in rows(history / "runs.csv")}
    assert outcomes == {
        ("online", "ok", "describe"),
        ("offline", "timeout", "tcp"),
        ("offline", "refused", "tcp"),
        ("offline", "unreachable", "tcp"),
        ("offline", "not-found", "describe"),
    }


def test_ledger_and_expectations(history):
    ledger = rows(history / "points.csv")
    assert len({row["code"] for row in ledger}) == len(ledger) == 2000
    assert {(r["contract"], r["phase"], r["accepted_on"], r["billed_from"]) for r in ledger} == {
        ("xinjian", "phase-1", "2019-07-01", "2019-07-01"),
        ("xinjian", "phase-2", "2020-07-01", "2020-07-01"),
    }
    assert {row["point"] for row in rows(history / "runs.csv")} == {row["code"] for row in ledger}
    assert rows(history / "gaps.csv") == []
    assert rows(history / "expected.csv")[-1] == {
        "phase": "phase-2",
        "quarter": "2020Q3",
        "points": "1000",
        "total_s": "7948800000",
        "offline_s": "976907520",
        "fault_rate": "0.1229",
    }


def test_same_seed_same_bytes_other_seed_others(tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_history(seed, 50, 2, tmp_path / name)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert (tmp_path / "a" / "runs.csv").read_bytes() != (tmp_path / "c" / "runs.csv").read_bytes()


def test_no_sample_falls_into_a_gap(tmp_path):
    write_history(3, 50, 4, tmp_path)
    gaps = [(seconds(row["start"]), seconds(row["end"])) for row in rows(tmp_path / "gaps.csv")]
    assert len(gaps) == 4
    resumed = set()
    for row in rows(tmp_path / "runs.csv"):
        first, last = seconds(row["first"]), seconds(row["last"])
        assert not any(first < end and last >= start for start, end in gaps)
        resumed.add(first)
    assert resumed.issuperset(end for _, end in gaps)


@pytest.mark.parametrize(("points", "gaps"), [(7, 0), (0, 0), (20_025, 0), (25, 51)])
def test_impossible_sizes_are_refused_and_nothing_is_written(tmp_path, points, gaps):
    with pytest.raises(BadInput):
        write_history(1, points, gaps, tmp_path / "out")
    assert not (tmp_path / "out").exists()
