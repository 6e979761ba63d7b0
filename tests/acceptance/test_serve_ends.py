"""`camsla serve` ends with all its processes: told to at its first word, or killed."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

from tests.camsla_command import Camsla

ENOUGH_S = 60


def started(camsla: Camsla) -> subprocess.Popen[str]:
    """Return a server that has just said that it is ready."""
    process = camsla.start("serve", "--no-watch", "--port", "0", stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert any("已就绪" in line for line in process.stderr)
    return process


def rest_of(process: subprocess.Popen[str]) -> str | None:
    """Return what is said until nobody is left who could; None where somebody stays."""
    said: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(ENOUGH_S)
    if said:
        process.stderr.close()
    return said[0] if said else None


def test_an_end_asked_for_at_the_first_word_is_an_orderly_one(tmp_path: Path) -> None:
    for _ in range(3):
        process = started(Camsla(tmp_path))
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in (rest_of(process) or "Traceback: a process stays")
        assert process.wait(ENOUGH_S) == 0


def test_a_killed_server_leaves_no_process_behind(tmp_path: Path) -> None:
    process = started(Camsla(tmp_path))
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(200):
        if children.read_text().strip():  # the process of heavy work, for the overview's first picture of the city
            break
        threading.Event().wait(0.05)
    process.kill()
    assert rest_of(process) is not None
    process.wait(ENOUGH_S)
