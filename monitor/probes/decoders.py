"""A few worker processes that decode pictures: started when first needed, killed when they hang, replaced when they die.

Fresh interpreters, not forks: a fork of a process with threads and an event loop inherits what it cannot use. Each
worker is looked after by one thread of a small pool, which waits for it with a deadline. Bounds: workers, waiting jobs,
bytes and seconds per job, memory per worker, jobs until a worker is replaced.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from monitor.probes.decoder import ANSWER, CODECS, JOB, MAX_PICTURE, MAX_THUMBNAIL
from monitor.probes.exchange import Picture

WORKERS = min(4, os.cpu_count() or 1)
MAX_WAITING = 256
"""Jobs waiting or under way; what comes on top is refused."""
JOB_S = 3.0
START_S = 20.0
"""How long a fresh interpreter may take to load the decoder."""
MAX_JOBS = 2_000
"""Jobs until a worker is replaced, whatever it may have leaked by then."""
MEMORY_BYTES = 512 * 1024 * 1024
"""Address space per worker: about 130 MB for the decoder itself, 50 MB for each 8K picture it holds."""
_MAX_ANSWER = 4_096
_PROGRAM = Path(__file__).with_name("decoder.py")


class Decoded(NamedTuple):
    """What came of a picture: its size in pixels, or an error; `ours` says that the error is no fault of the picture.

    `thumbnail` holds grey bytes, row by row, of `thumbnail_size` (width, height); (0, 0) where none was asked for.
    """

    width: int = 0
    height: int = 0
    error: str = ""
    ours: bool = False
    thumbnail: bytes = b""
    thumbnail_size: tuple[int, int] = (0, 0)


class DecodeJob:
    """One picture on its way through a worker."""

    __slots__ = ("deadline", "future", "picture", "started", "thumbnail_px")

    def __init__(self, picture: Picture, deadline: float, thumbnail_px: int) -> None:
        self.picture = picture
        self.deadline = deadline  # of time.monotonic()
        self.thumbnail_px = thumbnail_px
        self.started = False
        self.future: asyncio.Future[Decoded]


class _Died(Exception):
    """The worker ended, hung or answered nonsense; `ours` if it was not the picture's doing."""

    def __init__(self, message: str, ours: bool = False) -> None:
        super().__init__(message)
        self.ours = ours


class _Late(Exception):
    """The worker has not answered in time."""


class Worker:
    """One process and the socket to it. Used by one thread at a time."""

    def __init__(self, memory_bytes: int) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self.jobs = 0
        try:
            with theirs:
                self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                    [sys.executable, "-I", str(_PROGRAM), str(memory_bytes)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
        except BaseException:
            ours.close()
            raise

    def wait_ready(self) -> None:
        """Wait until the decoder is loaded. Raises _Died."""
        try:
            self._receive(ANSWER.size, monotonic() + START_S)
        except _Late:
            raise _Died("the decoder did not start in time", ours=True) from None

    def decode(self, job: DecodeJob) -> Decoded:
        """Have one picture decoded within JOB_S, even if its probe ends earlier: a worker costs more. Raises _Died.

        A worker that was late though it hardly had the processor was starved, which is nobody's fault but ours.
        """
        began_s = self._processor_s()
        try:
            return self._ask(job, monotonic() + JOB_S)
        except _Late:
            starved = self._processor_s() - began_s < JOB_S / 2
            raise _Died("the decoder did not finish in time", ours=starved) from None

    def _processor_s(self) -> float:
        """The processor time the worker has used, in seconds."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _ask(self, job: DecodeJob, deadline: float) -> Decoded:
        self.jobs += 1
        picture = job.picture
        head = JOB.pack(CODECS.index(picture.codec), int(JOB_S) + 1, job.thumbnail_px, len(picture.data))
        try:
            self._socket.settimeout(max(0.001, deadline - monotonic()))
            self._socket.sendall(head + picture.data)
        except TimeoutError:
            raise _Late from None
        except OSError as error:
            raise _Died(str(error)) from None
        (size,) = ANSWER.unpack(self._receive(ANSWER.size, deadline))
        if size > _MAX_ANSWER:
            raise _Died("an answer that is none")
        try:
            answer = json.loads(self._receive(size, deadline))
            shape = (int(answer.get("thumbnail_width", 0)), int(answer.get("thumbnail_height", 0)))
            if not 0 <= min(shape) <= max(shape) <= MAX_THUMBNAIL:
                raise _Died("an answer that is none")
            grey = self._receive(shape[0] * shape[1], deadline)
            width, height = int(answer.get("width", 0)), int(answer.get("height", 0))
            return Decoded(width, height, str(answer["error"]), False, grey, shape)
        except (ValueError, TypeError, AttributeError, KeyError):
            raise _Died("an answer that is none") from None

    def _receive(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        try:
            while len(data) < size:
                self._socket.settimeout(max(0.001, deadline - monotonic()))
                piece = self._socket.recv(size - len(data))
                if not piece:
                    raise _Died("the decoder ended")
                data += piece
        except TimeoutError:
            raise _Late from None
        except OSError as error:
            raise _Died(str(error)) from None
        return bytes(data)

    def kill(self) -> None:
        """End the process at once and collect it."""
        self._socket.close()
        self.process.kill()
        self.process.wait()


class Decoders:
    """The pool. Starts nothing until it is asked; `close` ends everything. Serves any number of event loops."""

    def __init__(self, workers: int = WORKERS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._workers = workers
        self._memory_bytes = memory_bytes
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: set[Worker] = set()
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._threads: ThreadPoolExecutor | None = None
        self.started = 0
        """Workers started so far, replacements included."""

    def warm(self) -> None:
        """Start the first worker in the background, unless there is one."""
        if not self._all and not self._closed:
            self._pool().submit(self._start_one)

    def decode(self, picture: Picture, timeout_s: float, thumbnail_px: int = 0) -> DecodeJob:
        """Begin to decode a picture; the job's future ends with what came of it and never raises."""
        loop = asyncio.get_running_loop()
        job = DecodeJob(picture, monotonic() + timeout_s, min(thumbnail_px, MAX_THUMBNAIL))
        if len(picture.data) > MAX_PICTURE or self._closed or self._waiting >= MAX_WAITING:
            job.started = True
            job.future = loop.create_future()
            too_large = len(picture.data) > MAX_PICTURE
            job.future.set_result(
                Decoded(error="too large" if too_large else "too many pictures wait", ours=not too_large)
            )
            return job
        with self._lock:
            self._waiting += 1
        under_way = self._pool().submit(self._run, job)
        under_way.add_done_callback(self._done)
        job.future = asyncio.wrap_future(under_way)
        return job

    def _done(self, _: Future[Decoded]) -> None:
        with self._lock:
            self._waiting -= 1

    def close(self) -> None:
        """End workers and threads; a job under way ends as our own fault. May be called twice."""
        self._closed = True
        with self._lock:
            workers, self._all = list(self._all), set()
            threads, self._threads = self._threads, None
        for worker in workers:
            worker.process.kill()  # its thread, if it has one just now, sees it end
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        for worker in workers:
            worker.kill()
        self._closed = False
        self._idle = queue.SimpleQueue()

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._workers, "decoder")
            return self._threads

    def _run(self, job: DecodeJob) -> Decoded:
        """On a thread: have the job done by an idle worker, or by a new one."""
        if monotonic() >= job.deadline or self._closed:
            return Decoded(error="no decoder was free in time", ours=True)
        try:
            worker = self._take()
        except (OSError, _Died) as error:
            return Decoded(error=f"no decoder could be started: {error}", ours=True)
        job.started = True
        try:
            decoded = worker.decode(job)
        except _Died as died:
            self._drop(worker)
            return Decoded(error=str(died), ours=died.ours or self._closed)
        if worker.jobs >= MAX_JOBS:
            self._drop(worker)
        else:
            self._idle.put(worker)
        return decoded

    def _take(self) -> Worker:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        worker = Worker(self._memory_bytes)
        with self._lock:
            self._all.add(worker)
            self.started += 1
        try:
            worker.wait_ready()
        except _Died:
            self._drop(worker)
            raise
        return worker

    def _start_one(self) -> None:
        with contextlib.suppress(OSError, _Died):
            self._idle.put(self._take())

    def _drop(self, worker: Worker) -> None:
        with self._lock:
            self._all.discard(worker)
        worker.kill()


_shared: Decoders | None = None


def shared() -> Decoders:
    """Return the process's own pool; it ends with the process, or by close_shared()."""
    global _shared  # noqa: PLW0603 - one pool per process is the bound
    if _shared is None:
        _shared = Decoders()
        atexit.register(close_shared)
    return _shared


def close_shared() -> None:
    """End the process's own pool, if it was used. May be called twice."""
    if _shared is not None:
        _shared.close()
