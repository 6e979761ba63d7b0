"""The pool of decoders: real pictures decode; what is hostile, hangs or dies costs one worker and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.probes import decoders, jpeg
from monitor.probes.decoders import Decoded, Decoders
from monitor.probes.exchange import Picture
from tests.servers.clip import encoded
from tests.servers.loops import Run

LONG_S = 30.0
KEY = {codec: Picture(codec, encoded(codec, frames=1)[0]) for codec in ("h264", "hevc", "mjpeg")}


@contextlib.contextmanager
def opened(**options: Any) -> Iterator[Decoders]:
    pool = Decoders(**options)
    try:
        yield pool
    finally:
        pool.close()


def decoded(run: Run[Any], pool: Decoders, *pictures: Picture, thumbnail_px: int = 0) -> list[Decoded]:
    async def work() -> list[Decoded]:
        jobs = [pool.decode(picture, LONG_S, thumbnail_px) for picture in pictures]
        return list(await asyncio.gather(*(job.future for job in jobs)))

    result: list[Decoded] = run(work())
    return result


def test_real_pictures_decode(run: Run[Any]) -> None:
    with opened(workers=1) as pool:
        results = decoded(run, pool, *KEY.values(), thumbnail_px=16)
        assert pool.started == 1
    for result in results:
        assert (result.width, result.height, result.error) == (64, 48, "")
        assert result.thumbnail_size == (16, 12)
        assert len(result.thumbnail) == 16 * 12


def test_what_does_not_decode_is_the_pictures_fault_and_keeps_the_worker(run: Run[Any]) -> None:
    with opened(workers=1) as pool:
        results = decoded(run, pool, Picture("h264", b"\0\0\1\x65 nothing of the kind"), KEY["h264"])
        assert pool.started == 1
    assert results[0].error
    assert not results[0].ours
    assert results[1].error == ""


def test_a_picture_beyond_the_limit_is_refused(run: Run[Any]) -> None:
    with opened(workers=1) as pool:
        [result] = decoded(run, pool, Picture("h264", bytes(decoders.MAX_PICTURE + 1)))
        assert pool.started == 0
    assert (result.error, result.ours) == ("too large", False)


def test_a_small_file_that_claims_a_huge_picture(run: Run[Any]) -> None:
    header = jpeg.headers(1, 65_528, 65_528, jpeg.quantisation(50), 0)
    with opened(workers=1) as pool:
        [result, after] = decoded(run, pool, Picture("mjpeg", header + bytes(500) + b"\xff\xd9"), KEY["mjpeg"])
        assert pool.started == 1
    assert result.error
    assert not result.ours
    assert after.error == ""


def test_too_many_at_once_are_refused_as_our_own_trouble(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "MAX_WAITING", 3)
    with opened(workers=1) as pool:
        results = decoded(run, pool, *[KEY["mjpeg"]] * 5)
        again = decoded(run, pool, KEY["mjpeg"])
    assert [result.error for result in results] == ["", "", "", *["too many pictures wait"] * 2]
    assert all(result.ours == bool(result.error) for result in results)
    assert again[0].error == ""


def pid_of(pool: Decoders) -> int:
    [worker] = pool._all
    return worker.process.pid


def test_a_worker_that_was_killed_is_replaced(run: Run[Any]) -> None:
    with opened(workers=1) as pool:
        assert decoded(run, pool, KEY["h264"])[0].error == ""
        os.kill(pid_of(pool), signal.SIGKILL)
        [worker] = pool._all
        worker.process.wait()
        [lost] = decoded(run, pool, KEY["h264"])
        assert lost.error
        assert decoded(run, pool, KEY["h264"])[0].error == ""
        assert pool.started == 2


def test_a_worker_that_hangs_is_killed_and_replaced(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(workers=1) as pool:
        assert decoded(run, pool, KEY["h264"])[0].error == ""
        hanging = pid_of(pool)
        os.kill(hanging, signal.SIGSTOP)
        monkeypatch.setattr(decoders, "JOB_S", 0.2)
        [result] = decoded(run, pool, KEY["h264"])
        assert result.error == "the decoder did not finish in time"
        assert result.ours  # it was kept from the processor: that says nothing about the picture
        with pytest.raises(ProcessLookupError):
            os.kill(hanging, 0)
        monkeypatch.undo()
        assert decoded(run, pool, KEY["h264"])[0].error == ""


def test_a_picture_that_takes_too_long_costs_its_worker(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = Picture("hevc", encoded("hevc", 1920, 1080, frames=1)[0])
    with opened(workers=1) as pool:
        assert decoded(run, pool, KEY["h264"])[0].error == ""
        monkeypatch.setattr(decoders, "JOB_S", 0.01)
        [result] = decoded(run, pool, heavy)
        assert result.error == "the decoder did not finish in time"
        monkeypatch.undo()
        assert decoded(run, pool, KEY["h264"])[0].error == ""
        assert pool.started == 2


def test_memory_is_limited(run: Run[Any]) -> None:
    huge = Picture("mjpeg", encoded("mjpeg", 7680, 4320, frames=1)[0])
    with opened(workers=1, memory_bytes=150 * 1024 * 1024) as pool:
        before = decoded(run, pool, KEY["mjpeg"])[0]
        [result] = decoded(run, pool, huge)
        after = decoded(run, pool, KEY["mjpeg"])[0]
    assert (before.error, after.error) == ("", "")
    assert result.error
    assert not result.ours
    with opened(workers=1) as pool:
        assert decoded(run, pool, huge)[0].width == 7680


def test_a_worker_that_cannot_start_is_our_own_trouble(run: Run[Any]) -> None:
    with opened(workers=1, memory_bytes=8 * 1024 * 1024) as pool:  # not enough to load the decoder
        [result] = decoded(run, pool, KEY["h264"])
    assert result.ours
    assert "no decoder could be started" in result.error


def test_a_job_whose_time_is_over_before_a_worker_is_free_is_our_own_trouble(run: Run[Any]) -> None:
    async def work() -> Decoded:
        job = pool.decode(KEY["h264"], 0.0)
        return await job.future

    with opened(workers=1) as pool:
        result = run(work())
        assert pool.started == 0
    assert result.ours


def test_a_cancelled_job_leaves_no_trace(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> Decoded:
        jobs = [pool.decode(KEY["h264"], LONG_S) for _ in range(3)]
        for job in jobs:
            job.future.cancel()
        await asyncio.wait([job.future for job in jobs])
        return await pool.decode(KEY["h264"], LONG_S).future

    monkeypatch.setattr(decoders, "MAX_WAITING", 4)
    with opened(workers=1) as pool:
        for _ in range(3):  # were cancelled jobs still counted, the second round would be refused
            assert run(work()).error == ""


def test_closing_ends_every_process_and_may_be_done_twice(run: Run[Any]) -> None:
    with opened(workers=2) as pool:
        decoded(run, pool, *[KEY["hevc"]] * 6)
        workers = [worker.process.pid for worker in pool._all]
        assert 1 <= len(workers) <= 2
        pool.close()
        for pid in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert decoded(run, pool, KEY["hevc"])[0].error == ""  # and it can be used again


def test_closing_under_way_is_our_own_doing(run: Run[Any]) -> None:
    async def work() -> Decoded:
        loop = asyncio.get_running_loop()
        await pool.decode(KEY["h264"], LONG_S).future
        os.kill(pid_of(pool), signal.SIGSTOP)
        job = pool.decode(KEY["h264"], LONG_S)
        while not job.started:  # noqa: ASYNC110 - set by a thread
            await asyncio.sleep(0.001)
        await loop.run_in_executor(None, pool.close)
        return await job.future

    with opened(workers=1) as pool:
        assert run(work()).ours


def test_workers_are_replaced_after_so_many_jobs(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "MAX_JOBS", 2)
    with opened(workers=1) as pool:
        assert [result.error for result in decoded(run, pool, *[KEY["mjpeg"]] * 5)] == [""] * 5
        assert pool.started == 3


def test_the_worker_ends_when_its_parent_has_gone() -> None:
    worker = decoders.Worker(decoders.MEMORY_BYTES)
    worker.wait_ready()
    worker._socket.close()
    assert worker.process.wait(LONG_S) == 0
    worker.kill()
