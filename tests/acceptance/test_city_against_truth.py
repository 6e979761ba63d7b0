"""A city of fake cameras with seeded faults, watched by the program; what it measured is held against what really was.

CAMSLA_CITY="cameras,seconds,interval" makes it larger: 5000,900,5 is a city at twelve times its pace for a quarter of an
hour. Figures are printed (pytest -s).
"""

from __future__ import annotations

import csv
import os
import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from tests.camsla_command import Camsla
from tests.servers import fleet

CAMERAS, SECONDS, INTERVAL_S = (float(part) for part in os.environ.get("CAMSLA_CITY", "60,30,1").split(","))
RETRY_S, TIMEOUT_S = INTERVAL_S / 5, max(0.5, INTERVAL_S / 5)
KINDS = "refuse,silent,hang,reset,404,malformed,reboot" + (",slow" if TIMEOUT_S > 2 else "")
"""A slow camera answers 1.5 s late: alive to who waits so long, and not a question for a hasty watcher."""

SLACK_S = 1.5
"""Quantising to seconds at both ends, and a busy machine."""

CONFIRMED_S = INTERVAL_S + 2 * (RETRY_S + TIMEOUT_S) + TIMEOUT_S + SLACK_S
"""An outage that lasts longer than this cannot be missed: one interval until it is seen, two confirmations."""

APART_S = 2 * (INTERVAL_S + TIMEOUT_S) + SLACK_S

Spans = dict[str, list[tuple[float, float]]]


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Faults of one camera that follow one another without a break are one outage."""
    result: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1] + 0.001:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def true_outages(path: Path) -> Spans:
    found: Spans = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["state"] == "offline":
                found[row["camera"]].append((seconds(row["start"]), seconds(row["end"])))
    return {camera: joined(spans) for camera, spans in found.items()}


@pytest.mark.timeout(300 + 2 * int(SECONDS))
def test_measured_against_true(tmp_path: Path) -> None:
    per_hour = 3600 / SECONDS * 0.8  # most cameras fail once or not at all
    faults = ["--random-faults-per-hour", f"{per_hour:.3f}", "--random-mean-s", f"{CONFIRMED_S * 1.5:.1f}"]
    faults += ["--random-kinds", KINDS]
    with fleet.running(
        tmp_path / "fleet", cameras=int(CAMERAS), host_base="127.20.0.0", port=19154, extra=faults
    ) as city:
        settings = {
            "CAMSLA_WATCH__RETRY_S": f"{RETRY_S:g}",
            "CAMSLA_WATCH__TIMEOUT_S": f"{TIMEOUT_S:g}",
            "CAMSLA_WATCH__CONCURRENCY": "400",
        }
        camsla = Camsla(tmp_path, settings)
        camsla.ok("points", "import", str(city.points), "--actor", "test")
        words = ("watch", "--interval", f"{INTERVAL_S:g}", "--duration", f"{SECONDS:g}", "--quiet")
        done = camsla.run(*words, timeout_s=SECONDS + 120)
        assert done.returncode == 0, done.stderr
    truth = true_outages(city.truth)
    rows = camsla.json("outages", "--period", "2020-01-01..2099-12-31")
    measured: Spans = defaultdict(list)
    for row in rows:
        measured[row["point"]].append((seconds(row["start"]), seconds(row["end"])))
    watched = camsla.json("rates", "--period", "2020-01-01..2099-12-31")["rows"][0]
    begin, end, gaps = watched_span(camsla)
    clouded = 0
    errors = {"start": [], "end": []}  # type: dict[str, list[float]]
    missed = []
    invented = [
        (camera, span)
        for camera, spans in measured.items()
        for span in spans
        if not any(a - SLACK_S < span[1] and span[0] < b + INTERVAL_S + SLACK_S for a, b in truth.get(camera, []))
    ]
    for camera, spans in truth.items():
        for n, (start, stop) in enumerate(spans):
            if any(a - CONFIRMED_S < stop and start < b + CONFIRMED_S for a, b in gaps):
                clouded += 1  # the watcher says that it did not see; what it claims nonetheless is judged above
                continue
            seen = [
                # A failed probe began while the camera was down: what begins later belongs to the next outage.
                s
                for s in measured.get(camera, [])
                if s[0] < stop + SLACK_S and start - SLACK_S < s[1]
            ]
            whole = begin + INTERVAL_S < start and stop < end - CONFIRMED_S
            if not seen:
                if whole and stop - start > CONFIRMED_S:
                    missed.append((camera, start, stop))
                continue
            # With another outage closer than a probe, an edge belongs to both of them.
            alone_before = n == 0 or start - spans[n - 1][1] > APART_S
            alone_after = n == len(spans) - 1 or spans[n + 1][0] - stop > APART_S
            if whole and alone_before:
                errors["start"].append(seen[0][0] - start)
            if whole and alone_after:
                errors["end"].append(seen[-1][1] - stop)
    compared = len(errors["start"])
    worst = {edge: max((abs(e) for e in found), default=0.0) for edge, found in errors.items()}
    print(
        f"\n{int(CAMERAS):,} cameras, {SECONDS:g} s at {INTERVAL_S:g} s: {watched['counted_s']:,} s counted,"
        f" {len(gaps)} gaps of the watcher's own, {clouded} outages near them left out,"
        f" {compared} outages compared, {len(missed)} missed, {len(invented)} invented,"
        f" worst error at the start {worst['start']:.2f} s, at the end {worst['end']:.2f} s"
    )
    assert compared >= CAMERAS / 10
    assert missed == []
    assert invented == []
    assert worst["start"] <= INTERVAL_S + TIMEOUT_S + SLACK_S
    assert worst["end"] <= INTERVAL_S + TIMEOUT_S + SLACK_S


def watched_span(camsla: Camsla) -> tuple[float, float, list[tuple[float, float]]]:
    """From when until when results reach, and when the watcher says that it was blind: a busy machine stalls it."""
    with closing(sqlite3.connect(camsla.folder / "data" / "camsla.db")) as connection:
        first, last = connection.execute("SELECT min(first_at), max(last_at) FROM runs").fetchone()
        gaps = connection.execute("SELECT start_at, end_at FROM gaps").fetchall()
    return first / 1e6, last / 1e6, [(start / 1e6, end / 1e6) for start, end in gaps]
