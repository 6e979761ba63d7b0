"""kill -9 between any two steps of a round of sealing: the next round ends it, and the log is one valid line of days."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.store.writer import Writer
from tests.stores.made import at, sample
from tests.stores.test_close_kill import child, kill_at, opened
from tests.stores.test_store_log import DAY_S, DELAY_S, days, in_step, replayed, sealer, watched, where

MOST_POINTS = 400
FILES = ((os, "fsync"), (Path, "rename"), (Path, "replace"), (Path, "mkdir"), (Path, "unlink"), (Path, "open"))


def killed_at_files_too(writer: Writer, number: int) -> list[int]:
    """Kill this process at the n-th point: of the database, as elsewhere, and before and after each change of a file."""
    seen = kill_at(writer, number)

    def point() -> None:
        seen[0] += 1
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched_call(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            point()
            result = real(*arguments, **named)
            point()
            return result

        return call

    for place, name in FILES:
        setattr(place, name, watched_call(getattr(place, name)))
    return seen


def a_day_of_results(store: Any, day: int) -> None:
    writer = opened(store.url, store.lock_path)
    seq = writer.resume("local", at(day * DAY_S), blind=False)
    results = [
        sample(code, day * DAY_S + 60 * place, "ok" if place else "timeout") for place in range(3) for code in "ab"
    ]
    writer.commit_batch("local", seq, results, flush=True, at=at(day * DAY_S + 200))
    writer.close()


@pytest.mark.timeout(300)
def test_a_round_killed_anywhere_is_ended_by_the_next(store: Any, monkeypatch: Any) -> None:
    watched(store, "a", "b").close()
    monkeypatch.setattr("tests.stores.test_close_kill.kill_at", killed_at_files_too)
    met: dict[str, int] = {}
    for day, number in enumerate(range(1, MOST_POINTS, 2)):  # after a change is before the next one
        a_day_of_results(store, day)
        now = at((day + 1) * DAY_S + DELAY_S)
        survived = child(store, lambda writer, now=now: sealer(store, writer).round(now, checkpoint=True), number)
        recorded, there = len(days(store)), len(where(store).folder.days())
        met["in the folder, not in the database" if there > recorded else "in step"] = number
        assert recorded <= there <= recorded + 1
        if survived is not None:
            break
        writer = opened(store.url, store.lock_path)
        sealer(store, writer).round(now, checkpoint=True)
        writer.close()
        assert len(days(store)) == day + 1
    assert survived is not None, "it never ended"
    assert number > 40
    assert len(met) == 2, met
    state = replayed(store)
    in_step(store)
    assert state.day == days(store)[-1]
    assert store.rows("SELECT count(*) FROM outbox WHERE leaf IS NULL") == [(0,)]
