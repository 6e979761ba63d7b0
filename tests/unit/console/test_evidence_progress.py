"""Long work is told of in lines where no bar can be drawn."""

from __future__ import annotations

import io
import threading

from console.cli.evidence_progress import Progress


class Log(io.StringIO):
    """A log file that says when a text has come."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.came = text, threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.text in self.getvalue():
            self.came.set()
        return written


def test_a_line_comes_without_anything_moving():
    log = Log("核验 0 %")
    with Progress("核验", stream=log, every_s=0.001):
        assert log.came.wait(60)


def test_lines_say_how_far_it_is():
    log = Log("核验 25 %")
    with Progress("核验", stream=log, every_s=0.001) as progress:
        progress.moved(1, 4)
        assert log.came.wait(60)
    told = log.getvalue()
    assert told.endswith(" s\n")
    assert log.getvalue() == told  # nothing comes once it is over


def test_short_work_says_nothing():
    log = Log("")
    with Progress("核验", stream=log, every_s=3_600) as progress:
        progress.moved(1, 1)
    assert log.getvalue() == ""
