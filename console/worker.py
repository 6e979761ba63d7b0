"""A job in a process of its own: it can be watched, and ended when its time is over, without harm to anybody else."""

from __future__ import annotations

import multiprocessing
import pickle
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from console.orphan import dependent
from monitor.finding import Finding, InputError, refuse

Moved = Callable[[int, int], None]
POLL_S = 0.5
ENDING_S = 5.0
"""How long an ended process may take to be gone."""


class Job(Protocol):
    """What a worker runs. It and all it holds must be picklable."""

    def __call__(self, moved: Moved) -> None:
        """Do the work, telling `moved` (done, total) now and then."""


class StoppedError(Exception):
    """The job was ended because its caller is stopping; the process is gone."""


def in_worker(job: Job, deadline_s: float, moved: Moved, stopping: Callable[[], bool] = lambda: False) -> None:
    """Run a job in a fresh process and pass its progress on; return when it is done.

    InputError as the job raised it, for a file that it could not write, or when the deadline is over; StoppedError soon
    after `stopping` says so. The process is gone then. Any other failure of the job is a RuntimeError with its traceback.
    The process ends with its parent: it fails at its next word to a closed pipe, and is a daemon besides.

    The job goes through a file: given to the process itself it would be written into a pipe that nobody empties once a
    process has died at its start, and that no deadline ends.
    """
    until = time.monotonic() + deadline_s
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="camsla-") as folder:
        path = Path(folder) / "job"
        path.write_bytes(pickle.dumps(job))
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(path, theirs), daemon=True)
        try:
            process.start()
            theirs.close()
            _follow(ours, process, until, deadline_s, moved, stopping)
        finally:
            theirs.close()
            ours.close()
            if process.is_alive():
                process.kill()
            if process.pid is not None:
                process.join(ENDING_S)


def _follow(
    pipe: Connection, process: Any, until: float, deadline_s: float, moved: Moved, stopping: Callable[[], bool]
) -> None:
    while True:
        if stopping():
            raise StoppedError
        left = until - time.monotonic()
        if left <= 0:
            raise refuse(
                f"超过 {deadline_s:g} 秒未完成，已中止 not done within {deadline_s:g} s, ended",
                "加大 --deadline，或分期出具 give a longer --deadline, or export fewer points",
                column="deadline",
            )
        if not pipe.poll(min(POLL_S, left)):
            continue
        try:
            word, content = pipe.recv()
        except EOFError:
            process.join(ENDING_S)
            raise RuntimeError(f"the worker ended without a word, exit code {process.exitcode}") from None
        if word == "moved":
            moved(*content)
        elif word == "refused":
            raise InputError(content)
        elif word == "failed":
            raise RuntimeError(content)
        else:
            return


def _run(path: Path, pipe: Connection) -> None:
    def moved(done: int, total: int) -> None:
        pipe.send(("moved", (done, total)))

    dependent()
    try:
        job: Job = pickle.loads(path.read_bytes())  # noqa: S301  ours: in_worker wrote it, in a folder of its own
        job(moved)
    except InputError as error:
        pipe.send(("refused", error.findings))
    except OSError as error:
        remedy = "检查磁盘、目录和权限 check disk, directory and permissions"
        pipe.send(("refused", (Finding(str(error.filename or ""), 0, "", f"无法写入 cannot write: {error}", remedy),)))
    except Exception:
        pipe.send(("failed", traceback.format_exc()))
    else:
        pipe.send(("done", None))
    finally:
        pipe.close()
