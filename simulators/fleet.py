"""A fleet of fake cameras on loopback addresses, going wrong on schedule and telling the truth about it.

Camera n (from 1) has the code SIM-0000n and its own address, host_base + n, on one port, path /live; with several
channels per host, camera n has the path /chNN/live on an address it shares, and a closed listener takes its
neighbours along. Locks take turns: open, Basic, Digest (MD5), Digest (MD5, qop), Digest (SHA-256).
"""

from __future__ import annotations

import asyncio
import heapq
import ipaddress
import resource
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from simulators.auth import MODES
from simulators.camera import Camera
from simulators.connection import RtspConnection
from simulators.faults import KINDS, Event, RandomFaults
from simulators.ledger import LedgerRow, area_of, supplier_of
from simulators.refusal import BadInput
from simulators.truth import TruthFile

MAX_CAMERAS = 50_000
MAX_CHANNELS = 64
BACKLOG = 64
LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
SPARE_FILES = 256
"""File descriptors that are neither listeners nor connections: streams, truth file, loop, and those being accepted."""


class Layout(NamedTuple):
    """How many cameras, on which addresses."""

    cameras: int
    host_base: str
    port: int
    channels: int
    seed: int
    mode: str | None = None


def build_cameras(layout: Layout) -> list[Camera]:
    """Return the fleet's cameras in order; BadInput where the addresses would leave 127.0.0.0/8."""
    complaints = []
    if not 1 <= layout.cameras <= MAX_CAMERAS:
        complaints.append(f"--cameras 须为 must be 1..{MAX_CAMERAS}")
    if not 1 <= layout.port <= 65535:
        complaints.append("--port 须为 must be 1..65535")
    if not 1 <= layout.channels <= MAX_CHANNELS:
        complaints.append(f"--channels-per-host 须为 must be 1..{MAX_CHANNELS}")
    if complaints:
        raise BadInput(complaints)
    hosts = -(-layout.cameras // layout.channels)
    try:
        base = ipaddress.IPv4Address(layout.host_base)
        inside = base in LOOPBACK and base + hosts in LOOPBACK and base + hosts != LOOPBACK.broadcast_address
    except ValueError:
        inside = False
    if not inside:
        raise BadInput([f"--host-base {layout.host_base}: 须在 must lie within {LOOPBACK}, 够 with room for {hosts}"])
    cameras = []
    for n in range(1, layout.cameras + 1):
        host, channel = divmod(n - 1, layout.channels)
        path = "/live" if layout.channels == 1 else f"/ch{channel + 1:02d}/live"
        mode = layout.mode or MODES[(n - 1) % len(MODES)]
        cameras.append(Camera(n, layout.seed, str(base + 1 + host), layout.port, path, mode))
    return cameras


def ledger_of(cameras: Sequence[Camera], contract: str, phase: str, accepted_on: str) -> Iterator[LedgerRow]:
    """Yield the fleet's points as ledger rows."""
    for camera in cameras:
        area = area_of(camera.number)
        name, supplier = f"{area}模拟{camera.number:05d}号点", supplier_of(camera.number)
        row = LedgerRow(camera.code, name, contract, phase, area, supplier, accepted_on, accepted_on, camera.url)
        yield row._replace(username=camera.lock.username, password=camera.lock.password)


def raise_file_limit(listeners: int) -> int:
    """Raise the limit of open files as far as allowed; return how many connections fit beside the listeners."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, 1 << 20)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = hard - listeners - SPARE_FILES
    if room < 16:
        raise BadInput(
            [f"文件描述符上限 open files limit {hard}: {listeners} 个监听 listeners 放不下; raise `ulimit -Hn`"]
        )
    return room


class Host:
    """One loopback address: its listening socket while it is open, its cameras by path, its connections."""

    def __init__(self, fleet: Fleet, address: str, port: int) -> None:
        self.cameras: dict[str, Camera] = {}
        self._fleet = fleet
        self._where = (address, port)
        self._server: asyncio.Server | None = None
        self._connections: set[RtspConnection] = set()
        self._asked = 0

    async def open(self) -> int:
        """Start listening; return the instant from which clients can connect. Raises OSError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(self._where)
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
        at = self._fleet.clock()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: RtspConnection(self), sock=sock, backlog=BACKLOG)
        return at

    def close(self) -> int:
        """Stop listening and cut every connection; return the instant from which clients are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        at = self._fleet.clock()
        for connection in list(self._connections):
            connection.cut()
        return at

    @property
    def is_open(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None

    def arrived(self, connection: RtspConnection) -> bool:
        """Count a connection in; False where the fleet is full and it must be turned away."""
        if self._server is None or self._fleet.connections >= self._fleet.room:
            self._fleet.turned_away += 1
            return False
        self._connections.add(connection)
        self._fleet.connections += 1
        return True

    def left(self, connection: RtspConnection) -> None:
        """Count a connection out."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._fleet.connections -= 1

    def asked(self) -> int:
        """Count a request; return its number within this address, from 0."""
        self._fleet.requests += 1
        self._asked += 1
        return self._asked - 1


class _Change(NamedTuple):
    """A fault's begin or end, due so many seconds after ready; a random one names the camera to draw for next."""

    at_s: float
    order: int
    begins: bool
    fault: str
    cameras: tuple[int, ...]
    drawn_for: int | None


class Fleet:
    """Opens the cameras, plays the faults, keeps the truth. `room` bounds the open connections."""

    def __init__(self, cameras: Sequence[Camera], port: int, truth: TruthFile, clock: Callable[[], int]) -> None:
        self.cameras: Mapping[int, Camera] = {camera.number: camera for camera in cameras}
        self.clock = clock
        self.connections = 0
        self.requests = 0
        self.turned_away = 0
        self._truth = truth
        self._hosts: dict[str, Host] = {}
        for camera in cameras:
            host = self._hosts.setdefault(camera.host, Host(self, camera.host, port))
            host.cameras[camera.path] = camera
        self.room = 0
        self._due: list[_Change] = []
        self._order = 0
        self._draws: dict[int, Iterator[tuple[float, float, str]]] = {}

    async def open(self) -> None:
        """Listen everywhere. BadInput where an address or the port is taken, or too few files may be open."""
        self.room = raise_file_limit(len(self._hosts))
        for address, host in self._hosts.items():
            try:
                at_us = await host.open()
            except OSError as error:
                raise BadInput(
                    [f"{address}: 监听不了 cannot listen: {error.strerror}; 换 --port 或 --host-base"]
                ) from error
            for camera in host.cameras.values():
                self._truth.change(camera.code, camera.state, camera.fault, at_us)

    def close(self) -> None:
        """Close every listener and connection and end every camera's account."""
        for host in self._hosts.values():
            at_us = host.close()
            for camera in host.cameras.values():
                self._truth.finish(camera.code, at_us)

    def status(self) -> str:
        """Return one line about now."""
        n = self._truth.counts()
        return (
            f"在线 online {n['online']}｜离线 offline {n['offline']}｜未知 unknown {n['unknown']}"
            f"｜连接 connections {self.connections}｜请求 requests {self.requests}｜拒入 turned away {self.turned_away}"
        )

    def schedule(self, events: Sequence[Event], chance: RandomFaults | None, seed: int) -> None:
        """Plan the scripted events, and each camera's first random one."""
        for event in events:
            self._plan(event.at_s, True, event.fault, event.cameras, None)
            if event.for_s is not None:
                self._plan(event.at_s + event.for_s, False, event.fault, event.cameras, None)
        if chance is not None and chance.per_hour > 0:
            for number in self.cameras:
                self._draws[number] = chance.of_camera(seed, number)
                self._draw(0.0, number)

    def _plan(self, at_s: float, begins: bool, fault: str, cameras: tuple[int, ...], drawn_for: int | None) -> None:
        self._order += 1
        heapq.heappush(self._due, _Change(at_s, self._order, begins, fault, cameras, drawn_for))

    def _draw(self, after_s: float, number: int) -> None:
        wait_s, length_s, fault = next(self._draws[number])
        self._plan(after_s + wait_s, True, fault, (number,), None)
        self._plan(after_s + wait_s + length_s, False, fault, (number,), number)

    async def play(self, stop: asyncio.Event, duration_s: float | None) -> None:
        """Carry out the changes as they fall due, until told to stop or the duration is over."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not stop.is_set():
            until_s = min(self._due[0].at_s if self._due else float("inf"), duration_s or float("inf"))
            wait_s = until_s - (loop.time() - start)
            if wait_s > 0:
                try:
                    await asyncio.wait_for(stop.wait(), wait_s if wait_s < float("inf") else None)
                except TimeoutError:
                    continue
            elif duration_s is not None and until_s >= duration_s:
                return
            else:
                await self._carry_out(heapq.heappop(self._due))

    async def _carry_out(self, change: _Change) -> None:
        for host, cameras in self._concerned(change):
            for camera in cameras:
                if change.begins:
                    camera.faults.append(change.fault)
                else:
                    camera.faults.remove(change.fault)
                    if change.fault == "reboot":
                        camera.nonces.reboot()
            await self._settle(host)
        if change.drawn_for is not None:
            self._draw(change.at_s, change.drawn_for)

    def _concerned(self, change: _Change) -> list[tuple[Host, list[Camera]]]:
        """The cameras a change is about, by address; a closed listener takes every channel of its address along."""
        by_host: dict[str, list[Camera]] = {}
        for number in change.cameras:
            camera = self.cameras[number]
            by_host.setdefault(camera.host, []).append(camera)
        whole = KINDS[change.fault].closes
        hosts = ((self._hosts[address], cameras) for address, cameras in by_host.items())
        return [(host, list(host.cameras.values()) if whole else cameras) for host, cameras in hosts]

    async def _settle(self, host: Host) -> None:
        """Make the listener agree with the cameras' faults, and write down what changed."""
        closed = any(KINDS[fault].closes for camera in host.cameras.values() for fault in camera.faults)
        at_us = self.clock()
        if closed and host.is_open:
            at_us = host.close()
        elif not closed and not host.is_open:
            at_us = await host.open()
        for camera in host.cameras.values():
            self._truth.change(camera.code, camera.state, camera.fault, at_us)
