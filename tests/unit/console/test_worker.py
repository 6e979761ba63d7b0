"""Jobs in a process of their own: progress, refusals, failures, the deadline."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker, spawn
from pathlib import Path

import pytest

from console.worker import Moved, StoppedError, in_worker
from monitor.finding import Finding, InputError


@dataclass(frozen=True)
class Writes:
    path: Path

    def __call__(self, moved: Moved) -> None:
        moved(1, 2)
        self.path.write_text(str(os.getpid()))
        moved(2, 2)


@dataclass(frozen=True)
class Refuses:
    def __call__(self, moved: Moved) -> None:
        raise InputError([Finding("f", 1, "c", "no", "do"), Finding("f", 2, "c", "neither", "")])


@dataclass(frozen=True)
class Breaks:
    def __call__(self, moved: Moved) -> None:
        raise ZeroDivisionError("a bug")


@dataclass(frozen=True)
class Dies:
    def __call__(self, moved: Moved) -> None:
        os._exit(3)


@dataclass(frozen=True)
class Holds:
    """More than a pipe takes at once."""

    content: bytes

    def __call__(self, moved: Moved) -> None:
        raise AssertionError("never reached")


@dataclass(frozen=True)
class Hangs:
    path: Path

    def __call__(self, moved: Moved) -> None:
        self.path.write_text(str(os.getpid()))
        moved(0, 1)
        while True:
            time.sleep(60)


def test_a_job_runs_elsewhere_and_tells_how_far_it_is(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    in_worker(Writes(tmp_path / "pid"), 60, lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_what_a_job_refuses_is_refused_here() -> None:
    with pytest.raises(InputError) as caught:
        in_worker(Refuses(), 60, lambda done, total: None)
    assert [finding.message for finding in caught.value.findings] == ["no", "neither"]


def test_a_file_that_cannot_be_written_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        in_worker(Writes(tmp_path / "none" / "pid"), 60, lambda done, total: None)
    assert caught.value.findings[0].file.endswith("none/pid")
    assert caught.value.findings[0].remedy


def test_a_bug_is_told_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*in __call__.*ZeroDivisionError: a bug"):
        in_worker(Breaks(), 60, lambda done, total: None)


def test_a_job_that_dies_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        in_worker(Dies(), 60, lambda done, total: None)


def test_at_the_deadline_the_process_is_gone(tmp_path: Path) -> None:
    for deadline_s in (2, 10, 50):  # until the process has come as far as its own code
        with pytest.raises(InputError, match="not done within") as caught:
            in_worker(Hangs(tmp_path / "pid"), deadline_s, lambda done, total: None)
        assert "--deadline" in caught.value.findings[0].remedy
        if (tmp_path / "pid").exists():
            break
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_job_is_ended_when_its_caller_stops(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pytest.raises(StoppedError):
        in_worker(Hangs(path), 60, lambda done, total: None, lambda: path.exists() and path.read_text() != "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)


@pytest.fixture
def dead_at_once() -> Iterator[None]:
    """Processes that end before they read anything; one that the test waits for without end is told of after a minute."""

    def late(signum: int, frame: object) -> None:
        raise TimeoutError("still waiting for a process that is dead")

    resource_tracker.ensure_running()
    before, handler = spawn.get_executable(), signal.signal(signal.SIGALRM, late)
    multiprocessing.set_executable("/bin/false")
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        spawn.set_executable(before)


@pytest.mark.usefixtures("dead_at_once")
def test_a_process_that_dies_at_its_start_holds_nobody_up() -> None:
    with pytest.raises(RuntimeError, match="exit code 1"):
        in_worker(Holds(b"\1" * 4_000_000), 120, lambda done, total: None)
