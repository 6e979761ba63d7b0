"""What stands at an address: a camera, a switch or a control target, the faults it suffers now, what it has counted."""

from __future__ import annotations

import hashlib
import random
import string
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from simulators import auth
from simulators.kinds import KINDS, Kind

REALM = "IP Camera"
BOOT_YEAR_2000_US = 946_684_800_000_000
"""2000-01-01T00:00:00Z, where a clock without battery begins after a reboot."""


class Device:
    """Whatever can fail: its code in the truth file, its address, the faults in force in the order they began."""

    def __init__(self, code: str, host: str) -> None:
        self.code = code
        self.host = host
        self.faults: list[str] = []

    @property
    def fault(self) -> str:
        """The fault in force: a dead line before a closed one before the one that began last; empty if none."""
        for line in ("dead", "closed"):
            down = [fault for fault in self.faults if KINDS[fault].line == line]
            if down:
                return down[-1]
        return (self.faults or [""])[-1]

    @property
    def kind(self) -> Kind | None:
        return KINDS.get(self.fault)

    @property
    def state(self) -> str:
        """What a faithful watcher would have to say now."""
        return self.kind.state if self.kind else "online"

    @property
    def line(self) -> Literal["open", "closed", "dead"]:
        return self.kind.line if self.kind else "open"


MAX_BAD_LOGINS = 64
_TOKENS_REMEMBERED = 256


class LockOut(NamedTuple):
    """So many bad logins within so many seconds lock a camera for so many seconds; 0 bad logins: never."""

    bad_logins: int = 0
    within_s: float = 300.0
    for_s: float = 1800.0


@dataclass(slots=True)
class Counts:
    """What one camera has seen since the fleet began. A login is a request with credentials."""

    rtsp_requests: int = 0
    onvif_requests: int = 0
    snapshots: int = 0
    good_logins: int = 0
    bad_logins: int = 0
    lock_outs: int = 0
    setups: int = 0
    plays: int = 0
    teardowns: int = 0
    sessions_expired: int = 0
    rtp_packets: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Camera(Device):
    """A fake camera's identity, lock and clock (numbers from 1 within the fleet)."""

    def __init__(self, number: int, seed: int, host: str, port: int, path: str, mode: str, code: str = "") -> None:
        super().__init__(code or f"SIM-{number:05d}", host)
        self.number = number
        self.path = path
        self.url = f"rtsp://{host}:{port}{path}"
        self.onvif_url = ""
        """Address of the ONVIF device service; empty where the camera has none."""
        self.channel = ""
        """What the camera's HTTP paths end in, where several share an address."""
        self.upstream = ""
        rng = random.Random(f"camera/{seed}/{number}")
        password = "".join(rng.choices(string.ascii_letters + string.digits, k=14)) if mode != "open" else ""
        self.lock = auth.Lock(mode, REALM, "admin" if password else "", password)
        self.nonces = auth.Nonces(f"{seed}/{number}/{password}")
        self.counts = Counts()
        self.skews: list[float] = []
        self._set_off_us = 0
        self._identity = hashlib.sha256(f"identity/{seed}/{number}".encode()).digest()
        self._bad: deque[float] = deque(maxlen=MAX_BAD_LOGINS)
        self._tokens: dict[bytes, None] = {}

    @property
    def identity(self) -> bytes:
        """32 bytes from which serial number and hardware addresses are made; a replaced device has others."""
        return hashlib.sha256(self._identity).digest() if "replaced" in self.faults else self._identity

    def time_us(self, true_us: int) -> int:
        """Return what the camera's clock says at a true instant; both microseconds since 1970 UTC."""
        skew_s = self.skews[-1] if self.skews else 0.0
        return true_us + self._set_off_us + round(skew_s * 1_000_000)

    def reboot(self, true_us: int, offset_s: float | None) -> None:
        """Forget nonces, bad logins and the time: the clock is off by `offset_s` from now on, None: begins in 2000."""
        self.nonces.reboot()
        self._bad.clear()
        self._tokens.clear()
        self._set_off_us = BOOT_YEAR_2000_US - true_us if offset_s is None else round(offset_s * 1_000_000)

    def token_is_new(self, nonce: bytes) -> bool:
        """Remember a WS-Security nonce, of the last 256; False for one that was used before."""
        if nonce in self._tokens:
            return False
        if len(self._tokens) >= _TOKENS_REMEMBERED:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[nonce] = None
        return True

    @property
    def onvif_path(self) -> str:
        """The path of the device service."""
        return f"/onvif/device_service{self.channel}"

    def turns_everyone_away(self) -> bool:
        """Whether even the right password is refused now."""
        return self.fault in {"401", "lock-out"}

    def logged_in(self, *, good: bool, at_s: float, lock_out: LockOut, lock: Callable[[Camera], None]) -> None:
        """Count a login; the one that is a bad one too many within the time calls `lock`."""
        if good:
            self.counts.good_logins += 1
            return
        self.counts.bad_logins += 1
        if not lock_out.bad_logins or "lock-out" in self.faults:
            return
        self._bad.append(at_s)
        recent = [then for then in self._bad if at_s - then <= lock_out.within_s]
        if len(recent) >= lock_out.bad_logins:
            self._bad.clear()
            self.counts.lock_outs += 1
            lock(self)
