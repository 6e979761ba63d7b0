"""A worker process ends with the process that started it, even where that one was killed and could not say so."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def dependent() -> None:
    """Call first in a worker: from now on it outlives nobody, and leaves a terminal's Ctrl-C to its parent to decide."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="orphan", daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)  # what it computes is nobody's any more
