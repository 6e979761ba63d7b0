"""A fleet of fake cameras as a process of its own, for tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.camsla_command import ROOT

READY_S = 60


@dataclass
class Fleet:
    process: subprocess.Popen[bytes]
    points: Path
    truth: Path
    ready_at: str

    def freeze(self) -> None:
        """All cameras fall silent at once: the kernel still accepts, nobody speaks."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(
    folder: Path,
    *,
    cameras: int,
    host_base: str,
    port: int,
    faults: Sequence[dict[str, object]] = (),
    extra: Sequence[str] = (),
) -> Iterator[Fleet]:
    folder.mkdir(exist_ok=True)
    points, truth, ready, script = (folder / name for name in ("points.csv", "truth.csv", "ready.json", "faults.json"))
    script.write_text(json.dumps(list(faults)))
    words = ["fleet", "--cameras", str(cameras), "--seed", "3", "--host-base", host_base, "--port", str(port)]
    words += ["--points-out", str(points), "--truth-out", str(truth), "--ready-file", str(ready), "--status-s", "0"]
    words += ["--faults", str(script), *extra]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators", *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + READY_S
        while not ready.exists():
            assert process.poll() is None, "the fleet ended"
            assert time.monotonic() < deadline, "the fleet did not get ready"
            time.sleep(0.05)
        yield Fleet(process, points, truth, json.loads(ready.read_text())["ready_at"])
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
