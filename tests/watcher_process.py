"""A `camsla watch` process whose acknowledgements and remarks are collected as they are printed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any

from tests.camsla_command import Camsla

WAIT_S = 60.0


class Watcher:
    """Started with `--acks`; `acks` are its acknowledgements, `said` the lines on its standard error."""

    def __init__(self, camsla: Camsla, *words: str) -> None:
        command = ("watch", "--acks", *words)
        self.process = camsla.start(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.acks: list[dict[str, Any]] = []
        self.said: list[str] = []
        self._more = threading.Condition()
        readers = ((self.process.stdout, self._acknowledged), (self.process.stderr, self.said.append))
        self._readers = [threading.Thread(target=self._read, args=reader) for reader in readers]
        for thread in self._readers:
            thread.start()

    def _acknowledged(self, line: str) -> None:
        if line.endswith("}\n"):
            self.acks.append(json.loads(line))

    def _read(self, stream: IO[str], take: Callable[[str], object]) -> None:
        with stream:
            for line in stream:
                with self._more:
                    take(line)
                    self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def _wait(self, done: Callable[[], bool], what: str) -> None:
        with self._more:
            self._more.wait_for(lambda: done() or not self._readers[0].is_alive(), WAIT_S)
            assert done(), f"{what}: {''.join(self.said)[-2000:]}"

    def wait_for(self, batches: int) -> None:
        """Wait until so many more batches are acknowledged."""
        wanted = len(self.acks) + batches
        self._wait(lambda: len(self.acks) >= wanted, "no more batches")

    def wait_for_remark(self, text: str, since: int = 0) -> None:
        """Wait for a line with the text after the first `since` lines."""
        self._wait(lambda: any(text in line for line in self.said[since:]), f"{text!r} was not said")

    def end(self, how: signal.Signals) -> int:
        """Send a signal and return the exit code, with everything printed collected."""
        self.process.send_signal(how)
        code = self.process.wait(WAIT_S)
        for thread in self._readers:
            thread.join(WAIT_S)
        return code
