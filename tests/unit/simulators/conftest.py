"""Fleets that end with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.simulated_fleet import Running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    running: list[Running] = []

    def begin(*options: str, faults: object = None, port: int | None = None) -> Running:
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(Running(folder, *options, faults=faults, port=port))
        return running[-1]

    yield begin
    for fleet in running:
        if fleet.process.poll() is None:
            fleet.process.kill()
            fleet.process.communicate()
