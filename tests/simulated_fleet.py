"""A fleet of fake cameras in its own process, for the tests of the simulators: talk to it, read its truth."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

# Tests may run side by side: each process has its own part of 127.0.0.0/8, each fleet its own port in it.
NET = f"127.{64 + os.getpid() % 60}.{os.getpid() // 60 % 250}.0"
PORTS = iter(range(8600, 9000))
DEADLINE_S = 20


class Running:
    """A fleet process, its ledger and its truth."""

    def __init__(self, folder: Path, *options: str, faults: object = None, port: int | None = None) -> None:
        self.points, self.truth, self.ready_file = (folder / name for name in ("points.csv", "truth.csv", "ready.json"))
        if faults is not None:
            (folder / "faults.json").write_text(json.dumps(faults))
            options += ("--faults", str(folder / "faults.json"))
        self.port = port or next(PORTS)
        self.stats = folder / "stats.json"
        files = ("--points-out", self.points, "--truth-out", self.truth, "--ready-file", self.ready_file)
        files += ("--stats-out", self.stats)
        place = ("--host-base", NET, "--port", str(self.port), "--status-s", "0")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators", "fleet", *options, *place, *map(str, files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert until(lambda: self.ready_file.exists() or self.process.poll() is not None)
        assert self.ready_file.exists(), self.process.communicate()[0].decode()
        self.ledger = read(self.points)
        self.ready = json.loads(self.ready_file.read_text())

    def host(self, number: int) -> str:
        return re.match(r"rtsp://([0-9.]+):", self.ledger[number - 1]["rtsp_url"])[1]  # type: ignore[index]

    def exchange(self, number: int, data: bytes, *, wait_s: float = DEADLINE_S) -> bytes:
        """Send to camera n; return what came until the peer closed or one reply was complete."""
        with self.connect(number) as sock:
            sock.sendall(data)
            return receive(sock, wait_s)

    def connect(self, number: int) -> socket.socket:
        return socket.create_connection((self.host(number), self.port), timeout=DEADLINE_S)

    def request(self, number: int, method: str, *headers: str, url: str | None = None) -> bytes:
        url = url or self.ledger[number - 1]["rtsp_url"]
        return "\r\n".join([f"{method} {url} RTSP/1.0", "CSeq: 5", *headers, "", ""]).encode()

    def ask(self, number: int, method: str, *headers: str, url: str | None = None) -> bytes:
        return self.exchange(number, self.request(number, method, *headers, url=url))

    def counts(self, number: int) -> dict[str, int]:
        """What camera n counted, once the fleet has ended."""
        return json.loads(self.stats.read_text())["cameras"].get(self.ledger[number - 1]["code"], {})

    def end(self, number: int = signal.SIGTERM) -> str:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.communicate(timeout=DEADLINE_S)[0].decode()


def until(condition: Callable[[], object]) -> bool:
    """Wait for an event of another process; the deadline only stops a broken run."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def receive(sock: socket.socket, wait_s: float = DEADLINE_S, limit: int = 1 << 20) -> bytes:
    data = b""
    while len(data) < limit and select.select([sock], [], [], wait_s)[0]:
        chunk = sock.recv(65536)
        data += chunk
        head, mark, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if not chunk or (mark and len(body) >= int(length[1] if length else 0)):
            break
    return data


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def states(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Per camera its (state, fault) in order, having checked that the spans abut."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in read(path):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["end"])
        assert row["start"] < row["end"]
        rows[row["camera"]].append(row)
    for spans in rows.values():
        assert all(a["end"] == b["start"] for a, b in pairwise(spans))
    return {camera: [(row["state"], row["fault"]) for row in spans] for camera, spans in rows.items()}


def digest(row: dict[str, str], method: str, challenge: str, *, password: str | None = None) -> str:
    """Answer a Digest challenge, written here anew from RFC 7616."""
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    name = "sha256" if given.get("algorithm") == "SHA-256" else "md5"

    def h(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    a1 = h(f"{row['username']}:{given['realm']}:{row['password'] if password is None else password}")
    a2 = h(f"{method}:{row['rtsp_url']}")
    parts = f'username="{row["username"]}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{row["rtsp_url"]}"'
    if "qop" in given:
        response = h(f"{a1}:{given['nonce']}:00000001:abcdef:auth:{a2}")
        parts += f', qop=auth, nc=00000001, cnonce="abcdef", algorithm={given["algorithm"]}'
    else:
        response = h(f"{a1}:{given['nonce']}:{a2}")
    return f'Authorization: Digest {parts}, response="{response}"'


class Talk:
    """An RTSP client's connection to a camera without login: requests, replies, and the frames in between."""

    def __init__(self, fleet: Running, number: int) -> None:
        self.url = fleet.ledger[number - 1]["rtsp_url"]
        self.sock = fleet.connect(number)
        self.frames: list[tuple[int, bytes]] = []
        self._data = b""

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def ask(self, method: str, *headers: str, path: str = "") -> tuple[int, dict[str, str]]:
        """Send a request; return its reply's status and headers, by lower-case name."""
        self.sock.sendall("\r\n".join([f"{method} {self.url}{path} RTSP/1.0", "CSeq: 7", *headers, "", ""]).encode())
        while True:
            while b"\r\n\r\n" not in self._data or self._data[:1] == b"$":
                if not self._take_frame():
                    self._more()
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}

    def set_up(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> tuple[int, dict[str, str], str]:
        """Ask for the track; return status, headers and the Session header for later requests."""
        status, headers = self.ask("SETUP", f"Transport: {transport}", path="/trackID=1")
        return status, headers, "Session: " + headers.get("session", "").partition(";")[0]

    def read_frames(self, until_many: int) -> None:
        """Read until so many interleaved frames are held."""
        while len(self.frames) < until_many:
            if not self._take_frame():
                self._more()

    def _take_frame(self) -> bool:
        size = 4 + int.from_bytes(self._data[2:4])
        if self._data[:1] != b"$" or len(self._data) < max(size, 4):
            return False
        self.frames.append((self._data[1], self._data[4:size]))
        self._data = self._data[size:]
        return True

    def _more(self) -> None:
        chunk = self.sock.recv(65536)
        assert chunk, "the camera closed the connection"
        self._data += chunk


def access_units(packets: list[bytes]) -> list[list[bytes]]:
    """Put RTP packets of H.264 back together (RFC 6184), written here anew; incomplete pictures are left out."""
    pictures: list[list[bytes]] = []
    units: list[bytes] = []
    part = b""
    for packet in packets:
        payload = packet[12:]
        if payload[0] & 31 == 28:
            start, end = payload[1] & 0x80, payload[1] & 0x40
            part = (bytes([payload[0] & 0xE0 | payload[1] & 31]) if start else part) + payload[2:]
            if end:
                units.append(part)
        else:
            units.append(payload)
        if packet[1] & 0x80:
            pictures.append(units)
            units = []
    return pictures
