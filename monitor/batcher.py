"""Samples into batches: committed within a second or 2,000 results, and within 50 ms after an outcome changed.

The buffer is bounded. While the store cannot commit, samples wait; when the buffer is full the oldest are given up and
the span they covered becomes a gap, so that nothing unseen is ever taken for good or bad. Notices wait in a bounded queue
of their own (monitor/notices.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from monitor.model import Instant, Sample
from monitor.notices import Blind, Notice, NoticeQueue

BATCH_RESULTS = 2_000
BATCH_S = 1.0
CHANGE_S = 0.05
BUFFER_RESULTS = 200_000
PROJECT_S = 60.0
RETRY_S = 1.0


class Committer(Protocol):
    """The durable side: it returns only after COMMIT. After an exception the same is offered again, stored or not."""

    def __call__(self, samples: list[Sample], notices: list[Notice], flush: bool) -> Awaitable[None]:
        """Store notices and samples, as one batch, together or not at all; `flush` brings the runs up to date as well."""


class Batcher:
    """Takes samples synchronously, commits them in order from one task."""

    def __init__(self, commit: Committer, on_error: Callable[[Exception], None]) -> None:
        self._commit = commit
        self._on_error = on_error
        self._samples: list[Sample] = []
        self._notices = NoticeQueue()
        self._committing = 0  # results at the head of the buffer that a commit under way holds
        self._retrying = 0
        """Results of a batch that failed: it is offered again exactly as it was, since it may have been stored."""
        self._changed = False
        self._unprojected = False
        self._wake = asyncio.Event()
        self._closing = False
        self._commit_at = 0.0
        self._projected_at = 0.0
        self.overflowed = 0
        """Samples given up because the buffer was full."""

    @property
    def waiting(self) -> int:
        """Results not yet acknowledged."""
        return len(self._samples)

    @property
    def notices_waiting(self) -> int:
        """Notices not yet stored."""
        return len(self._notices)

    @property
    def notices_joined(self) -> int:
        """Notices joined with others because too many waited."""
        return self._notices.joined

    def sample(self, sample: Sample, *, changed: bool) -> None:
        """Queue one result."""
        if not self._samples:
            self._commit_at = asyncio.get_running_loop().time() + BATCH_S
            self._wake.set()
        self._samples.append(sample)
        if len(self._samples) == BATCH_RESULTS:
            self._wake.set()
        elif len(self._samples) > BUFFER_RESULTS:
            self._give_up()
        if changed:
            self._changed = True
            self._commit_at = min(self._commit_at, asyncio.get_running_loop().time() + CHANGE_S)
            self._wake.set()

    def notice(self, notice: Notice) -> None:
        """Queue what the watcher has to say of itself; it is committed with the next batch, at once."""
        self._notices.add(notice)
        self._commit_at = asyncio.get_running_loop().time()
        self._wake.set()

    def _give_up(self) -> None:
        head = max(self._committing, self._retrying)
        lost = self._samples[head : head + BUFFER_RESULTS // 10]
        del self._samples[head : head + len(lost)]
        self.overflowed += len(lost)
        start, end = min(s.at for s in lost), Instant(max(s.at for s in lost) + 1)
        self._notices.add(Blind(start, end, "overflow"))

    async def run(self) -> None:
        """Commit until close(); returns when everything queued is stored, or the store fails while closing."""
        loop = asyncio.get_running_loop()
        self._projected_at = loop.time()
        while True:
            if not self._samples and not self._notices:
                if self._closing:
                    if self._unprojected:  # readers look at runs: leave them complete
                        await self._commit_once()
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if not self._closing and len(self._samples) < BATCH_RESULTS and self._commit_at > loop.time():
                self._wake.clear()
                try:
                    async with asyncio.timeout_at(self._commit_at):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                continue
            if not await self._commit_once():
                if self._closing:
                    return
                await asyncio.sleep(RETRY_S)

    async def _commit_once(self) -> bool:
        loop = asyncio.get_running_loop()
        samples, notices = self._samples[: self._retrying or BATCH_RESULTS], self._notices.offer()
        flush = self._changed or self._closing or loop.time() - self._projected_at >= PROJECT_S
        self._changed = False
        self._committing = len(samples)
        try:
            await self._commit(samples, notices, flush)
        except Exception as error:  # the store is foreign ground: whatever it raises, results stay queued
            self._changed = self._changed or flush
            self._retrying = len(samples)
            self._on_error(error)
            return False
        finally:
            self._committing = 0
        self._retrying = 0
        del self._samples[: len(samples)]
        self._notices.stored()
        self._unprojected = not flush
        if flush:
            self._projected_at = loop.time()
        if self._notices:
            self._commit_at = loop.time()
        elif self._samples:
            self._commit_at = loop.time() + (CHANGE_S if self._changed else BATCH_S)
        return True

    def close(self) -> None:
        """Ask run() to store what is queued and end."""
        self._closing = True
        self._wake.set()
