"""VLC as an RTSP server on loopback: UDP only, open or with Basic, stopped by its process id.

VLC refuses to run as root; then it runs as `nobody`. It plays a small clip in a loop.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.clip import write_clip

START_S = 30.0
USER, PASSWORD = "camera", "vlc-secret"


@dataclass(frozen=True)
class Vlc:
    """A running server."""

    port: int

    def url(self, path: str = "/live") -> str:
        return f"rtsp://127.0.0.1:{self.port}{path}"


def require() -> str:
    """Return the program; without it skip the test, or fail where nothing may be skipped (CI=true)."""
    found = shutil.which("vlc")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("VLC is not installed, and under CI=true nothing is skipped")
        pytest.skip("VLC is not installed")
    return found


@contextmanager
def running(login: bool = False) -> Iterator[Vlc]:
    """Give a fresh server with the stream /live."""
    program = require()
    folder = Path(tempfile.mkdtemp(prefix="camsla-vlc-"))
    as_user: dict[str, object] = {}
    write_clip(folder / "clip.mkv")
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder, folder / "clip.mkv"):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    options = ["--sout-rtsp-user", USER, "--sout-rtsp-pwd", PASSWORD] if login else []
    process = None
    try:
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    program, "-I", "dummy", "--no-audio", "--no-plugins-cache", "--ignore-config", "--loop", *options,
                    "--rtsp-host", "127.0.0.1", "--sout", f"#rtp{{sdp=rtsp://127.0.0.1:{port}/live}}", "--sout-keep",
                    str(folder / "clip.mkv"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"},
                **as_user,
            )  # fmt: skip
        _wait(port, process, folder / "log")
        yield Vlc(port)
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the stream is described, not merely the port open."""
    deadline = time.monotonic() + START_S
    question = f"OPTIONS rtsp://127.0.0.1:{port}/live RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
                client.sendall(question)
                if b"200" in client.recv(4096):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"VLC did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
