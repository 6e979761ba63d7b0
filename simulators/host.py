"""One loopback address of the fleet: its devices, its listeners, its connections and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Protocol

from simulators.device import Camera, Device
from simulators.house import Guest
from simulators.listener import Listener
from simulators.onvif_service import HttpConversation
from simulators.rtsp_service import RtspConversation
from simulators.session import Sessions


class Account(Protocol):
    """What an address needs of the fleet."""

    trap: str

    def true_us(self) -> int: ...

    def logged_in(self, camera: Camera, *, good: bool) -> None: ...

    def arrived(self, files: int) -> bool: ...

    def left(self, files: int) -> None: ...

    def asked(self) -> None: ...


class Silence(asyncio.Protocol):
    """Whoever connects is greeted and hears nothing more, as by a switch's management port."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if isinstance(transport, asyncio.Transport) and not self._host.arrived(self):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._host.left(self)

    def cut(self) -> None:
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()


class Host:
    """An address and its devices, of which a closed or dead line takes all along; serves as the cameras' House."""

    def __init__(self, account: Account, address: str) -> None:
        self.cameras: dict[str, Camera] = {}
        self.devices: list[Device] = []
        self.address = address
        self.sessions = Sessions(self)
        self.dead = False
        self._account = account
        self._listeners: list[Listener] = []
        self._guests: dict[Guest, int] = {}
        self._asked = 0

    @property
    def trap(self) -> str:
        return self._account.trap

    def add(self, device: Device) -> None:
        """Let a device live here."""
        self.devices.append(device)
        if isinstance(device, Camera):
            self.cameras[device.path] = device

    def serve_rtsp(self, port: int) -> None:
        self._listeners.append(Listener(self.address, port, lambda: RtspConversation(self, self.sessions)))

    def serve_http(self, port: int) -> None:
        self._listeners.append(Listener(self.address, port, lambda: HttpConversation(self)))

    def serve_nothing(self, port: int) -> None:
        """Greet TCP clients and say nothing."""
        self._listeners.append(Listener(self.address, port, lambda: Silence(self)))

    def settle(self) -> int:
        """Make the listeners agree with the devices' faults; return the instant from which clients can tell.

        Raises OSError where an address or port is taken.
        """
        lines = {device.line for device in self.devices}
        line = "dead" if "dead" in lines else "closed" if "closed" in lines else "open"
        changes = [listener for listener in self._listeners if listener.line != line]
        if not changes:
            return self.true_us()
        if line == "open":
            self._cut_all()  # connections that a dead line held are no good any more
            for listener in changes:
                listener.open()
            self.dead = False
            return self.true_us()
        self.dead = line == "dead"
        at_us = self.true_us()
        for listener in changes:
            if line == "dead":
                listener.die()
            else:
                listener.close()
        if line == "closed":
            self._cut_all()
        return at_us

    def close(self) -> int:
        """End everything; return the instant from which clients are refused."""
        for listener in self._listeners:
            listener.close()
        at_us = self.true_us()
        self._cut_all()
        return at_us

    def _cut_all(self) -> None:
        self.sessions.end_all()
        for guest in list(self._guests):
            guest.cut()

    def concerned(self, devices: list[Device], *, whole: bool) -> Iterator[Device]:
        """Yield the devices a fault is about: those named, or with the line of one of them all that live here."""
        yield from self.devices if whole else devices

    # What conversations and sessions need (House).

    def arrived(self, guest: Guest) -> bool:
        files = 1 if isinstance(guest, asyncio.Protocol) else 2
        if not self._account.arrived(files):
            return False
        self._guests[guest] = files
        return True

    def left(self, guest: Guest) -> None:
        files = self._guests.pop(guest, 0)
        if files:
            self._account.left(files)

    def asked(self) -> int:
        self._account.asked()
        self._asked += 1
        return self._asked - 1

    def true_us(self) -> int:
        return self._account.true_us()

    def logged_in(self, camera: Camera, *, good: bool) -> None:
        self._account.logged_in(camera, good=good)


def by_address(hosts: Mapping[str, Host], devices: list[Device]) -> Iterator[tuple[Host, list[Device]]]:
    """Yield the hosts of these devices in order, each with its own."""
    found: dict[str, list[Device]] = {}
    for device in devices:
        found.setdefault(device.host, []).append(device)
    for address, those in found.items():
        yield hosts[address], those
