"""The other side of the probing benchmarks: fake cameras and the limit in C, and Debian's blackbox exporter.

All of it lives on loopback addresses and ends with the block that started it.
"""

from __future__ import annotations

import http.client
import os
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCES = Path(__file__).with_name("c")
COMPILER = "cc"
BLACKBOX = "prometheus-blackbox-exporter"
TICKS = os.sysconf("SC_CLK_TCK")
LIMIT_S = 120.0

BLACKBOX_MODULE = r"""
modules:
  rtsp:
    prober: tcp
    timeout: 5s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - send: "OPTIONS * RTSP/1.0\r"
        - send: "CSeq: 1\r"
        - send: "\r"
        - expect: "^RTSP/1.0 200 OK"
"""


def compiled(name: str, folder: Path) -> Path | None:
    """Compile one of the C programs; None where there is no compiler."""
    if shutil.which(COMPILER) is None:
        return None
    program = folder / name
    subprocess.run([COMPILER, "-O2", "-o", program, SOURCES / f"{name}.c", "-lm"], check=True, timeout=LIMIT_S)
    return program


class Cameras:
    """The running server: `port` is open on every address 127.1.x.y."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._process = process
        self.port = int(process.stdout.readline())

    def behave(self, how: str, first: int, end: int) -> None:
        """Let cameras `first` to `end` - 1 answer (r), hang (h), drip (d) or reset (x) from now on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{how} {first} {end}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"


@contextmanager
def cameras(program: Path) -> Iterator[Cameras]:
    """Serve cameras until the block ends."""
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Cameras(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


def address(camera: int) -> str:
    return f"127.1.{camera // 250}.{camera % 250 + 1}"


def limit_us(program: Path, port: int, kind: str, probes: int, concurrency: int, cameras: int, rate: int = 0) -> float:
    """Return the C client's CPU per probe; `rate` a second, or as fast as it goes."""
    words = [str(program), str(port), kind, str(probes), str(concurrency), str(cameras), "5000", str(rate)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LIMIT_S)
    well, wrong, cpu_us = done.stdout.split()
    assert (int(well), int(wrong)) == (probes, 0), done.stdout
    return float(cpu_us) / probes


def cpu_s(pid: int) -> float:
    """Return a process's CPU so far, user and system, all threads; one clock tick fine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> tuple[float, float]:
    """Return a process's resident memory now and at its peak."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024, int(lines["VmHWM"].split()[0]) / 1024


class Exporter:
    """A running blackbox exporter."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid = pid
        self._port = port

    def cost_us(self, camera_port: int, probes: int, at_once: int, cameras: int) -> float:
        """Return the exporter's own CPU per probe; whoever asks it does not count."""
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for n in range(probes):
            waiting.put(n % cameras)
        troubles: list[str] = []
        threads = [
            threading.Thread(target=self._ask, args=(waiting, camera_port, troubles), daemon=True)
            for _ in range(at_once)
        ]
        before = cpu_s(self._pid)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)
        assert not troubles, troubles[0]
        assert waiting.empty()
        return (cpu_s(self._pid) - before) / probes * 1e6

    def _ask(self, waiting: queue.SimpleQueue[int], camera_port: int, troubles: list[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            while not troubles:
                camera = waiting.get_nowait()
                connection.request("GET", f"/probe?module=rtsp&target={address(camera)}:{camera_port}")
                text = connection.getresponse().read()
                if b"probe_success 1" not in text:
                    troubles.append(text.decode(errors="replace")[-300:])
        except queue.Empty:
            pass
        except OSError as error:
            troubles.append(str(error))
        finally:
            connection.close()


@contextmanager
def exporter(folder: Path) -> Iterator[Exporter | None]:
    """Run the exporter until the block ends; None where it is not installed."""
    if shutil.which(BLACKBOX) is None:
        yield None
        return
    configuration = folder / "blackbox.yml"
    configuration.write_text(BLACKBOX_MODULE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [BLACKBOX, f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await_port(port)
            yield Exporter(process.pid, port)
        finally:
            process.terminate()
            process.wait(10)


def _await_port(port: int) -> None:
    limit = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)
        else:
            return
