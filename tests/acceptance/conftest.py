"""Real servers for the acceptance tests, started once and stopped with them."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.probes.decoders import close_shared
from tests.servers import vlc
from tests.servers.loops import LOOPS, Run, runner

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[1] / "servers" / "gst_rtsp.py"
START_S = 30.0


@dataclass(frozen=True)
class GstServer:
    """GStreamer's RTSP server: ports of its open, Digest and Basic instances, and the login of the last two."""

    open: int
    digest: int
    basic: int
    version: str
    user: str = "camera"
    password: str = "对的 secret"

    def url(self, kind: str, path: str = "/live") -> str:
        return f"rtsp://127.0.0.1:{getattr(self, kind)}{path}"


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Run a coroutine, once on each event loop."""
    return runner(request.param)


@pytest.fixture(scope="module")
def decoders() -> Iterator[None]:
    """End the workers that frame probes have started."""
    yield
    close_shared()


@pytest.fixture(scope="module")
def vlc_open() -> Iterator[vlc.Vlc]:
    """VLC without a login."""
    with vlc.running() as server:
        yield server


@pytest.fixture(scope="module")
def vlc_basic() -> Iterator[vlc.Vlc]:
    """VLC that asks for Basic."""
    with vlc.running(login=True) as server:
        yield server


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"gst-rtsp-server is needed here: {why}")
    pytest.skip(f"no gst-rtsp-server: {why}")


@pytest.fixture(scope="session")
def gst_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GstServer]:
    """Start the real server once; without it skip, or fail where CI=true."""
    if not Path(SYSTEM_PYTHON).exists():
        _missing(f"{SYSTEM_PYTHON} is not there")
    errors = tmp_path_factory.mktemp("gst") / "stderr"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            [SYSTEM_PYTHON, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        line = process.stdout.readline() if ready else b""
        if not line:
            _missing(errors.read_text(errors="replace")[-500:] or "it did not start")
        yield GstServer(**json.loads(line))
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
