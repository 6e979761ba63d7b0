"""The invented city: the same words give the same bytes, runs of a point abut, the last ones reach the end and hold."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

UNTIL = "2026-11-15T12:00:00+08:00"


def write(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "simulators",
        "city",
        "--points",
        "60",
        "--until",
        UNTIL,
        "--out",
        str(out),
        *words,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_words_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert write(tmp_path / name).returncode == 0
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
    assert write(tmp_path / "c", "--seed", "2").returncode == 0
    assert (tmp_path / "c" / "runs.csv").read_bytes() != (tmp_path / "a" / "runs.csv").read_bytes()


def test_runs_abut_but_for_gaps_and_reach_the_end(tmp_path: Path) -> None:
    assert write(tmp_path, "--holds-s", "7200", "--first", "2026-10-01").returncode == 0
    blind = [tuple(datetime.fromisoformat(row[k]) for k in ("start", "end")) for row in rows(tmp_path / "gaps.csv")]
    of_point: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(tmp_path / "runs.csv"):
        of_point[row["point"]].append(row)
    assert set(of_point) == {row["code"] for row in rows(tmp_path / "points.csv")}
    end = datetime.fromisoformat(UNTIL)
    for its in of_point.values():
        assert datetime.fromisoformat(its[0]["first"]) == datetime.fromisoformat("2026-10-01T00:00:00+08:00")
        for before, after in pairwise(its):
            last, first = datetime.fromisoformat(before["last"]), datetime.fromisoformat(after["first"])
            cut = any(a <= first and b >= last for a, b in blind)
            assert timedelta(0) < first - last <= timedelta(seconds=60) or cut
        assert end - datetime.fromisoformat(its[-1]["last"]) <= timedelta(seconds=60)
        assert its[-1]["valid_s"] == "7200"


def test_some_are_down_at_the_end_and_most_are_not(tmp_path: Path) -> None:
    assert write(tmp_path, "--points", "2000").returncode == 0
    newest = {row["point"]: row["state"] for row in rows(tmp_path / "runs.csv")}
    down = sum(state == "offline" for state in newest.values())
    assert 10 <= down <= 120


@pytest.mark.parametrize("words", [("--points", "7"), ("--first", "2026-12-01"), ("--holds-s", "10")])
def test_words_out_of_bounds_are_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = write(tmp_path / "out", *words)
    assert done.returncode == 2
    assert "须为" in done.stderr
    assert not (tmp_path / "out").exists()
