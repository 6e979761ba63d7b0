"""Who stands where: cameras, the switches before them, control targets, the trap, the hung and the dripping.

Addresses count up from host_base + 1: first the cameras (camera n on host_base + n, or several a host), then the
switches, the control targets, the trap, the dripping cameras' shared addresses, and the hung cameras.

Camera n has the path /live on its address, or /chNN/live where several channels share one. Locks take turns: open, Basic,
Digest (MD5), Digest (MD5, qop), Digest (SHA-256). Every supplier has a ring of switches: of N switches the first supplier
has three in five, as it has of the cameras. Control target 1 stands outside all rings, 2 and 3 in rings 1 and 2, and so on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulators.auth import MODES
from simulators.device import Camera, Device
from simulators.faults import Reach
from simulators.ledger import SUPPLIERS, LedgerRow, area_of, ring_of, supplier_of
from simulators.refusal import BadInput

MAX_CAMERAS = 50_000
MAX_CHANNELS = 64
MAX_SWITCHES = 1000
MAX_CONTROLS = 100
DRIPPING_PER_HOST = 100
LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")


class Layout(NamedTuple):
    """How many of each, from which address on. Ports of 0: there is no such service."""

    cameras: int
    host_base: str
    port: int
    channels: int
    seed: int
    mode: str | None = None
    onvif_port: int = 0
    switches: int = 0
    controls: int = 0
    hung: int = 0
    dripping: int = 0
    discovery_port: int = 0

    @property
    def hung_port(self) -> int:
        """The port that belongs to hung cameras on every loopback address."""
        return self.port + 1


class Switch(Device):
    """An upstream switch (or a control target) and the supplier, from 1, in whose ring it stands; 0: in none."""

    def __init__(self, code: str, host: str, ring: int) -> None:
        super().__init__(code, host)
        self.ring = ring


@dataclass(slots=True)
class Town:
    """Everything there is, in order. Cameras are numbered from 1; the dripping and hung are not among them."""

    cameras: list[Camera]
    switches: list[Switch] = field(default_factory=list)
    controls: list[Switch] = field(default_factory=list)
    trap: str = ""
    dripping: list[Camera] = field(default_factory=list)
    hung: list[Camera] = field(default_factory=list)

    @property
    def reach(self) -> Reach:
        """How many of each a fault script may select from."""
        return Reach(len(self.cameras), len(self.switches), len(SUPPLIERS), len(self.controls))

    def everyone(self) -> Iterator[Device]:
        """Yield every device that a host serves; the hung are served by their crowd."""
        yield from (*self.cameras, *self.switches, *self.controls, *self.dripping)


def build_town(layout: Layout) -> Town:
    """Return who stands where; BadInput where that is out of bounds or would leave 127.0.0.0/8."""
    _check(layout)
    hosts = -(-layout.cameras // layout.channels)
    shared = -(-layout.dripping // DRIPPING_PER_HOST)
    needed = hosts + layout.switches + layout.controls + 1 + shared + layout.hung
    try:
        base = ipaddress.IPv4Address(layout.host_base)
        inside = base in LOOPBACK and base + needed in LOOPBACK and base + needed != LOOPBACK.broadcast_address
    except ValueError:
        inside = False
    if not inside:
        raise BadInput([f"--host-base {layout.host_base}: 须在 must lie within {LOOPBACK}, 够 with room for {needed}"])
    addresses = (str(base + 1 + n) for n in range(needed))
    town = Town(_cameras(layout, [next(addresses) for _ in range(hosts)]))
    first = -(-layout.switches * 3 // 5)
    town.switches = [
        Switch(f"SW-{n:03d}", next(addresses), 1 if n <= first else 2) for n in range(1, layout.switches + 1)
    ]
    town.controls = [Switch(f"CTL-{n:02d}", next(addresses), (n - 1) % 3) for n in range(1, layout.controls + 1)]
    town.trap = f"{next(addresses)}:{layout.port}"
    _connect(town)
    homes = [next(addresses) for _ in range(shared)]
    for n in range(1, layout.dripping + 1):
        number, home = layout.cameras + n, homes[(n - 1) // DRIPPING_PER_HOST]
        camera = Camera(number, layout.seed, home, layout.port, f"/d{n:05d}/live", "open", f"DRIP-{n:05d}")
        camera.faults.append("drip")
        town.dripping.append(camera)
    for n in range(1, layout.hung + 1):
        number = layout.cameras + layout.dripping + n
        camera = Camera(number, layout.seed, next(addresses), layout.hung_port, "/live", "open", f"HUNG-{n:05d}")
        camera.faults.append("silent")
        town.hung.append(camera)
    return town


def _check(layout: Layout) -> None:
    bounds = (
        ("--cameras", layout.cameras, 0 if layout.hung or layout.dripping else 1, MAX_CAMERAS),
        ("--port", layout.port, 1, 65534),
        ("--onvif-port", layout.onvif_port, 0, 65535),
        ("--channels-per-host", layout.channels, 1, MAX_CHANNELS),
        ("--discovery-port", layout.discovery_port, 0, 65535),
        ("--upstreams", layout.switches, 0, MAX_SWITCHES),
        ("--controls", layout.controls, 0, MAX_CONTROLS),
        ("--hung", layout.hung, 0, MAX_CAMERAS),
        ("--drip", layout.dripping, 0, MAX_CAMERAS),
    )
    complaints = [f"{word} 须为 must be {low}..{high}" for word, value, low, high in bounds if not low <= value <= high]
    if layout.onvif_port in {layout.port, layout.hung_port}:
        complaints.append("--onvif-port 与 --port 冲突 clashes with --port or the one after it")
    if layout.discovery_port and not layout.onvif_port:
        complaints.append("--discovery-port 需要 needs an --onvif-port")
    if complaints:
        raise BadInput(complaints)


def _cameras(layout: Layout, hosts: Sequence[str]) -> list[Camera]:
    cameras = []
    for n in range(1, layout.cameras + 1):
        host, channel = divmod(n - 1, layout.channels)
        path = "/live" if layout.channels == 1 else f"/ch{channel + 1:02d}/live"
        mode = layout.mode or MODES[(n - 1) % len(MODES)]
        camera = Camera(n, layout.seed, hosts[host], layout.port, path, mode)
        camera.channel = "" if layout.channels == 1 else f"/ch{channel + 1:02d}"
        if layout.onvif_port:
            camera.onvif_url = f"http://{camera.host}:{layout.onvif_port}{camera.onvif_path}"
        cameras.append(camera)
    return cameras


def _connect(town: Town) -> None:
    """Put every camera behind a switch of its supplier's ring, in turn; with one ring only, behind that one's."""
    for ring in range(1, len(SUPPLIERS) + 1):
        switches = [switch for switch in town.switches if switch.ring == ring] or town.switches
        theirs = [camera for camera in town.cameras if ring_of(camera.number) == ring]
        for at, camera in enumerate(theirs):
            # Neighbours share a switch: switch 1 has the first stretch of cameras, and so on.
            camera.upstream = switches[at * len(switches) // len(theirs)].code if switches else ""


def ledger_of(town: Town, contract: str, phase: str, accepted_on: str) -> Iterator[LedgerRow]:
    """Yield the town's points as ledger rows: cameras, then dripping, then hung ones."""
    for camera in (*town.cameras, *town.dripping, *town.hung):
        area, supplier = area_of(camera.number), supplier_of(camera.number)
        name = f"{area}模拟{camera.number:05d}号点"
        row = LedgerRow(camera.code, name, contract, phase, area, supplier, accepted_on, accepted_on, camera.url)
        yield row._replace(
            username=camera.lock.username,
            password=camera.lock.password,
            onvif_addr=camera.onvif_url,
            upstream=camera.upstream,
        )
