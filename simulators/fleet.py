"""A town of fake cameras on loopback addresses, going wrong on schedule and telling the truth about it."""

from __future__ import annotations

import asyncio
import heapq
import resource
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from simulators.device import Camera, Device, LockOut
from simulators.discovery import Announcer
from simulators.faults import Event, RandomFaults
from simulators.host import Host, by_address
from simulators.hung import Crowd
from simulators.kinds import KINDS
from simulators.ledger import ring_of
from simulators.refusal import BadInput
from simulators.topology import Layout, Switch, Town
from simulators.truth import TruthFile

SPARE_FILES = 256
"""File descriptors that are neither listeners nor connections: streams, truth file, loop, and those being accepted."""


def raise_file_limit(listeners: int) -> int:
    """Raise the limit of open files as far as allowed; return how many connections fit beside the listeners."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(hard, 2 * listeners + 4 * SPARE_FILES) if hard != resource.RLIM_INFINITY else max(soft, 1 << 20)
    for limit in ((wanted, wanted), (hard if hard != resource.RLIM_INFINITY else wanted, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            break
        except (ValueError, OSError):
            continue
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = soft - listeners - SPARE_FILES
    if room < 16:
        raise BadInput(
            [
                f"文件描述符上限 open files limit {hard}: {listeners} 个监听 listeners 放不下; raise `ulimit -Hn`, "
                "or run several fleets with a --host-base each"
            ]
        )
    return room


class _Change(NamedTuple):
    """A fault's begin or end, due so many seconds after ready; a random one names the camera to draw for next."""

    at_s: float
    order: int
    begins: bool
    event: Event
    drawn_for: int | None


class Fleet:
    """Opens the cameras, plays the faults, keeps the truth. `room` bounds the open connections."""

    def __init__(
        self, town: Town, layout: Layout, truth: TruthFile, clock: Callable[[], int], lock_out: LockOut | None = None
    ) -> None:
        self.town = town
        self.trap = town.trap
        self.true_us = clock
        self.connections = 0
        self.requests = 0
        self.turned_away = 0
        self.trapped = 0
        self._lock_out = lock_out or LockOut()
        self._truth = truth
        self._layout = layout
        self._hosts: dict[str, Host] = {}
        for device in town.everyone():
            if device.host not in self._hosts:
                self._hosts[device.host] = self._host(device)
            self._hosts[device.host].add(device)
        self._crowd = Crowd(layout.hung_port) if town.hung else None
        self._announcer = Announcer(layout.discovery_port, town.cameras) if layout.discovery_port else None
        self._trap: asyncio.Server | None = None
        self.room = 0
        self._due: list[_Change] = []
        self._order = 0
        self._draws: dict[int, Iterator[tuple[float, float, str]]] = {}

    def _host(self, device: Device) -> Host:
        host = Host(self, device.host)
        if not isinstance(device, Camera):
            host.serve_nothing(self._layout.port)
            return host
        host.serve_rtsp(self._layout.port)
        if device.onvif_url:
            host.serve_http(self._layout.onvif_port)
        return host

    async def open(self) -> None:
        """Listen everywhere. BadInput where an address or the port is taken, or too few files may be open."""
        each = 2 if self._layout.onvif_port else 1
        self.room = raise_file_limit(each * len(self._hosts))
        address = ""
        try:
            for host in self._hosts.values():
                address = host.address
                self._settle(host)
            address, _, port = self.trap.partition(":")
            self._trap = await asyncio.get_running_loop().create_server(self._spring, address, int(port))
            if self._announcer is not None:
                address = f"*:{self._layout.discovery_port}"
                self._announcer.open()
            if self._crowd is not None:
                address = f"*:{self._layout.hung_port}"
                self._crowd.open()
                for camera in self.town.hung:
                    self._truth.change(camera.code, camera.state, camera.fault, self.true_us())
        except OSError as error:
            raise BadInput(
                [f"{address}: 监听不了 cannot listen: {error.strerror}; 换 --port 或 --host-base"]
            ) from error

    def _spring(self) -> asyncio.Protocol:
        """Somebody has been led off the host."""
        self.trapped += 1
        return _Trap()

    def close(self) -> None:
        """Close every listener and connection and end every device's account."""
        for host in self._hosts.values():
            at_us = host.close()
            for device in host.devices:
                self._truth.finish(device.code, at_us)
        if self._crowd is not None:
            self._crowd.close()
        for camera in self.town.hung:
            self._truth.finish(camera.code, self.true_us())
        if self._announcer is not None:
            self._announcer.close()
        if self._trap is not None:
            self._trap.close()

    def status(self) -> str:
        """Return one line about now."""
        n = self._truth.counts()
        waiting = self._crowd.waiting() if self._crowd else 0
        return (
            f"在线 online {n['online']}｜离线 offline {n['offline']}｜未知 unknown {n['unknown']}"
            f"｜连接 connections {self.connections}｜请求 requests {self.requests}｜拒入 turned away {self.turned_away}"
            f"｜悬挂 hung clients {waiting}"
        )

    def statistics(self) -> dict[str, object]:
        """Return what was counted: the fleet's figures, and per camera those that saw anything."""
        counted = ((camera, camera.counts.as_dict()) for camera in (*self.town.cameras, *self.town.dripping))
        figures = {
            "connections": self.connections,
            "requests": self.requests,
            "turned_away": self.turned_away,
            "trapped": self.trapped,
            "sessions": sum(len(host.sessions) for host in self._hosts.values()),
            "announced": self._announcer.answered if self._announcer else 0,
            "hung_clients": self._crowd.waiting() if self._crowd else 0,
        }
        return {
            "fleet": figures,
            "cameras": {camera.code: counts for camera, counts in counted if any(counts.values())},
        }

    def schedule(self, events: Sequence[Event], chance: RandomFaults | None, seed: int) -> None:
        """Plan the scripted events, and each camera's first random one."""
        for event in events:
            self._plan(event, None)
        if chance is not None and chance.per_hour > 0:
            for camera in self.town.cameras:
                self._draws[camera.number] = chance.of_camera(seed, camera.number)
                self._draw(0.0, camera.number)

    def _plan(self, event: Event, drawn_for: int | None) -> None:
        self._push(event.at_s, True, event, None)
        if event.for_s is not None:
            self._push(event.at_s + event.for_s, False, event, drawn_for)

    def _push(self, at_s: float, begins: bool, event: Event, drawn_for: int | None) -> None:
        self._order += 1
        heapq.heappush(self._due, _Change(at_s, self._order, begins, event, drawn_for))

    def _draw(self, after_s: float, number: int) -> None:
        wait_s, length_s, fault = next(self._draws[number])
        self._plan(Event(after_s + wait_s, length_s, fault, (number,)), number)

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
        event = change.event
        whole = KINDS[event.fault].line != "open"
        for count, (host, named) in enumerate(by_address(self._hosts, self._meant(event)), 1):
            for device in host.concerned(named, whole=whole):
                self._begin(device, event) if change.begins else self._end(device, event)
            self._settle(host)
            if count % 100 == 0:  # a whole ring going down keeps nobody else waiting
                await asyncio.sleep(0)
        if change.drawn_for is not None:
            self._draw(change.at_s, change.drawn_for)

    def _begin(self, device: Device, event: Event) -> None:
        device.faults.append(event.fault)
        if event.fault == "skew" and isinstance(device, Camera):
            device.skews.append(event.offset_s or 0.0)

    def _end(self, device: Device, event: Event) -> None:
        if event.fault in device.faults:
            device.faults.remove(event.fault)
        if isinstance(device, Camera) and event.fault == "skew":
            device.skews.remove(event.offset_s or 0.0)
        if isinstance(device, Camera) and event.fault == "reboot":
            device.reboot(self.true_us(), event.offset_s)

    def _meant(self, event: Event) -> list[Device]:
        """Return the devices an event is about: those it names, and the cameras behind or of what it names."""
        town = self.town
        switches = [town.switches[number - 1] for number in event.switches]
        codes = {switch.code for switch in switches}
        cameras = set(event.cameras)
        if codes or event.suppliers:
            cameras |= {
                camera.number
                for camera in town.cameras
                if camera.upstream in codes or ring_of(camera.number) in event.suppliers
            }
        meant: list[Device] = [town.cameras[number - 1] for number in sorted(cameras)]
        if event.fault == "switch-down":
            meant += switches
        if event.fault == "ring-down":
            meant += [switch for switch in (*town.switches, *town.controls) if switch.ring in event.suppliers]
        controls: list[Switch] = [town.controls[number - 1] for number in event.controls]
        return [*meant, *controls]

    def _settle(self, host: Host) -> None:
        """Make the listeners agree with the devices' faults, and write down what changed."""
        at_us = host.settle()
        for device in host.devices:
            self._truth.change(device.code, device.state, device.fault, at_us)

    # What the addresses need (Account).

    def arrived(self, files: int) -> bool:
        if self.connections + files > self.room:
            self.turned_away += 1
            return False
        self.connections += files
        return True

    def left(self, files: int) -> None:
        self.connections -= files

    def asked(self) -> None:
        self.requests += 1

    def logged_in(self, camera: Camera, *, good: bool) -> None:
        at_s = asyncio.get_running_loop().time()
        camera.logged_in(good=good, at_s=at_s, lock_out=self._lock_out, lock=self._locked)

    def _locked(self, camera: Camera) -> None:
        camera.faults.append("lock-out")
        self._note(camera)
        asyncio.get_running_loop().call_later(self._lock_out.for_s, self._unlocked, camera)

    def _unlocked(self, camera: Camera) -> None:
        if "lock-out" in camera.faults:
            camera.faults.remove("lock-out")
            self._note(camera)

    def _note(self, camera: Camera) -> None:
        self._truth.change(camera.code, camera.state, camera.fault, self.true_us())


class _Trap(asyncio.Protocol):
    """Ends whatever connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
