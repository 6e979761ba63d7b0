"""A city's statement as paper: workbook and PDF of 11,045 points, each in a worker process, its start included."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from console.quarters.papers import Papers
from console.worker import in_worker
from tests.bench.accounting import POINTS
from tests.bench.figure import Figure
from tests.statement_papers import COVER, city

DEADLINE_S = 120.0


def run() -> Iterator[Figure]:
    """Time each paper by itself; the memory is the larger worker's."""
    document = city(POINTS)
    with tempfile.TemporaryDirectory() as folder:
        xlsx, pdf = Path(folder) / "a.xlsx", Path(folder) / "a.pdf"
        for name, job, target in (
            ("statement as workbook", Papers(document, COVER, xlsx=xlsx), "≤ 10 s"),
            ("statement as PDF", Papers(document, COVER, pdf=pdf), "≤ 3 s"),
        ):
            begun = time.perf_counter()
            in_worker(job, DEADLINE_S, lambda done, total: None)
            yield Figure(f"{name}, {POINTS:,} points", time.perf_counter() - begun, "s", target)
        yield Figure("workbook's size", xlsx.stat().st_size / 2**20, "MiB")
        annex = Papers(city(2_000), COVER, pdf=pdf)
        begun = time.perf_counter()
        in_worker(annex, DEADLINE_S, lambda done, total: None)
        yield Figure("statement as PDF with an annex of 2,000 points", time.perf_counter() - begun, "s", "≤ 3 s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    yield Figure("largest worker's memory", peak, "MiB")
