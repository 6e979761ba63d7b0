"""The archive's files alone: every result comes back, the runs are the projection's, equal results are equal bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.archive import spool
from monitor.archive.building import build
from monitor.archive.checking import check
from monitor.archive.columns import rounded
from monitor.archive.history import Histories, histories
from monitor.archive.parts import Part, Taken, part_of
from monitor.archive.reading import Book
from monitor.archive.shelf import Shelf
from monitor.model import CS_US, MICROSECONDS, Gap, Instant, Reason, Run, Sample
from monitor.period import ZONE, midnight, parse_period
from monitor.store.batch import columns_of, pack
from monitor.store.projection import Projection
from monitor.timeline import Policy
from monitor.timeline import build as build_timeline
from tests.properties.histories import REASONS, TIMEOUT_S, outcome, thorough

DAY = date(2020, 7, 1)
START = midnight(DAY) * MICROSECONDS
DAY_US = 86_400 * MICROSECONDS
POINTS = ("p", "q", "点")
VANTAGES = ("a", "b")


@st.composite
def results(draw: st.DrawFn, days: int = 1, most: int = 30) -> list[Sample]:
    """Results of some points and vantages in the days from DAY on: in order, now and then two of one instant."""
    found: list[Sample] = []
    for point in POINTS:
        for vantage in VANTAGES:
            at = START + draw(st.integers(0, days * DAY_US - 1))
            for _ in range(draw(st.integers(0, most // 6))):
                reason = draw(st.sampled_from(REASONS))
                valid_s = draw(st.sampled_from((5, 130)))
                took = draw(st.integers(0, 90_000_000))
                camera = draw(st.sampled_from(("", "1", "12")))
                found.append(Sample(point, vantage, Instant(at), outcome(reason), valid_s, took, camera))
                at += draw(st.sampled_from((1, 9_999, 10_000, 4_000_000, 5_000_000, 60_012_345, 131_000_000)))
                if at >= START + days * DAY_US:
                    break
    return found


def archived(folder: Path, samples: Sequence[Sample], day: date = DAY, size: int = 7, number: int = 0) -> Part | None:
    """The day's part of samples that came in batches of `size`."""
    batches = []
    for vantage in VANTAGES:
        its = sorted((s for s in samples if s.vantage == vantage), key=lambda s: s.at)
        batches += [pack(vantage, its[n : n + size]) for n in range(0, len(its), size)]
    if not batches:
        return None
    packed = (columns_of(batch.body, batch.sha256) for batch in batches)
    taken = {vantage: Taken() for vantage in VANTAGES}
    return build(folder, day, number, ZONE, packed, points=sorted(POINTS), taken=taken, expected=len(samples))


@pytest.mark.timeout(TIMEOUT_S)
@thorough
@given(results(days=2), st.integers(1, 9))
def test_every_result_comes_back_in_its_day(samples: list[Sample], size: int) -> None:
    samples = list(dict.fromkeys(samples))
    with tempfile.TemporaryDirectory() as name:
        for day in (DAY, DAY + timedelta(days=1)):
            part = archived(Path(name), samples, day, size)
            if part is None:
                return
            table = pq.read_table(part.path(Path(name))).to_pylist()
            mine = [s for s in samples if midnight(day) <= s.at // MICROSECONDS < midnight(day + timedelta(days=1))]
            assert part.rows == len(table) == len(mine)
            wanted = [
                (
                    s.point,
                    s.vantage,
                    s.at // CS_US,
                    s.camera,
                    s.outcome.state,
                    s.outcome.reason,
                    s.outcome.rung,
                    s.valid_s,
                )
                for s in mine
            ]
            names = ("point", "vantage", "t_cs", "camera", "state", "reason", "rung", "valid_s")
            assert sorted(tuple(row[n] for n in names) for row in table) == sorted(wanted)
            assert sorted(row["took_us"] for row in table) == sorted(
                rounded(np.array([s.took_us for s in mine], np.int64)).tolist()
            )
            if mine:
                check(Path(name), part)


@pytest.mark.timeout(TIMEOUT_S)
@thorough
@given(results(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_equal_results_are_equal_bytes(samples: list[Sample], size: int, chance) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first = archived(Path(one), samples, size=size)
        chance.shuffle(samples)
        again = archived(Path(two), samples, size=len(samples) or 1)
        assert first == again
        if first is not None:
            assert part_of(Path(one), DAY) == first
            assert first.path(Path(one)).read_bytes() == first.path(Path(two)).read_bytes()


def projected(samples: Sequence[Sample], gaps: Sequence[Gap], point: str, grain_us: int = 1) -> list[Run]:
    """A point's runs as the store's projection makes them of instants cut to a grain."""
    found = []
    for vantage in VANTAGES:
        projection = Projection()
        for gap in gaps:
            if gap.vantage == vantage:
                projection.edges.add(gap.start if grain_us == 1 else (gap.start // grain_us + 1) * grain_us, gap.point)
                if gap.end is not None:
                    projection.edges.add(gap.end // grain_us * grain_us, gap.point)
        for sample in sorted((s for s in samples if s.vantage == vantage), key=lambda s: s.at):
            projection.add(replace(sample, at=Instant(sample.at // grain_us * grain_us)))
        found += [
            Run(point, vantage, Instant(r.first), Instant(r.last), r.count, r.outcome, r.valid_s, r.camera)
            for r in projection.everything().opened
            if r.point == point
        ]
    return found


@st.composite
def watched(draw: st.DrawFn) -> tuple[list[Sample], list[Gap]]:
    """Results a hundredth of a second apart at least, and gaps that begin after a result and end at one or after it."""
    samples = [s for s in draw(results(days=2, most=60)) if s.at]
    apart: dict[tuple[str, str, int], Sample] = {}
    for sample in samples:
        apart.setdefault((sample.point, sample.vantage, sample.at // CS_US), sample)
    samples = list(apart.values())
    gaps = []
    for _ in range(draw(st.integers(0, 4)) if samples else 0):
        edges = sorted(draw(st.sampled_from(samples)).at for _ in range(2))
        vantage, point = draw(st.sampled_from(VANTAGES)), draw(st.sampled_from((None, "p")))
        start, end = edges[0] + 1, edges[1]
        end = draw(st.sampled_from((end, None, end + 10 * CS_US)))
        if end is None or end > start:
            gaps.append(Gap(vantage, Instant(start), None if end is None else Instant(end), "stalled", point))
    return samples, gaps


def read_again(folder: Path, samples: Sequence[Sample], gaps: Sequence[Gap]) -> Histories:
    for day in (DAY, DAY + timedelta(days=1)):
        archived(folder, samples, day)
    folder.mkdir(exist_ok=True)
    return histories(Shelf(folder), gaps, parse_period("2020-07-01..2020-07-02"), ZONE, Policy())


@pytest.mark.timeout(TIMEOUT_S)
@thorough
@given(watched())
def test_runs_are_those_of_the_projection(case: tuple[list[Sample], list[Gap]]) -> None:
    """Exactly those of the same instants to the hundredth of a second."""
    samples, gaps = case
    with tempfile.TemporaryDirectory() as name:
        seen = read_again(Path(name), samples, gaps)
        assert seen.rows == len(samples)
        for point in POINTS:
            runs = [
                replace(run, first=Instant(run.first - CS_US + 1), last=Instant(run.last - CS_US + 1))
                for run in seen.runs(point)
            ]
            assert runs == projected(samples, gaps, point, CS_US)


@pytest.mark.timeout(TIMEOUT_S)
@thorough
@given(watched(), st.sampled_from((Policy(confirm_samples=1), Policy(confirm_samples=2, minimum_outage_s=5))))
def test_every_second_is_what_the_microseconds_say(case: tuple[list[Sample], list[Gap]], policy: Policy) -> None:
    """Cutting instants to hundredths changes no second, unless a result shares a hundredth with an edge on its wrong side."""
    samples, gaps = case
    starts = {gap.start // CS_US: gap.start for gap in gaps}
    ends = {gap.end // CS_US: gap.end for gap in gaps if gap.end is not None}
    samples = [s for s in samples if ends.get(s.at // CS_US, 0) <= s.at < starts.get(s.at // CS_US, s.at + 1)]
    with tempfile.TemporaryDirectory() as name:
        seen = read_again(Path(name), samples, gaps)
        for point in POINTS:
            its = [gap for gap in gaps if gap.point in (None, point)]
            true, again = (build_timeline(r, its, policy) for r in (projected(samples, its, point), seen.runs(point)))
            assert [piece[:3] for piece in again.pieces] == [piece[:3] for piece in true.pieces]


@thorough
@given(st.lists(st.integers(-5, 2**40), min_size=1))
def test_durations_keep_four_binary_digits(values: list[int]) -> None:
    for value, kept in zip(values, rounded(np.array(values, np.int64)).tolist(), strict=True):
        if value <= 0:
            assert kept == 0
        elif value < 2**30:
            assert abs(kept - value) * 16 <= value
            assert len(bin(kept).rstrip("0")) <= len("0b1111")


def test_many_row_groups_are_cut_between_points(monkeypatch, tmp_path: Path) -> None:
    from monitor.archive import building

    monkeypatch.setattr(building, "GROUP_ROWS", 10)
    monkeypatch.setattr(spool, "GROUP_ROWS", 10)
    monkeypatch.setattr(spool, "PENDING_ROWS", 13)
    samples = [
        Sample(point, "a", Instant(START + n * 60_000_000), outcome(Reason.OK), 130, n, "")
        for point in POINTS
        for n in range(7)
    ]
    part = archived(tmp_path, samples)
    assert part is not None
    file = pq.ParquetFile(part.path(tmp_path))
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [14, 7]
    check(tmp_path, part)
    book = Book(())
    assert book.read(part.path(tmp_path), {"点"}) == 7
