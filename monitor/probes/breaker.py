"""The credential breaker: cameras lock an account after a few bad logins, so a rejected secret is not tried for ever.

It remembers by device, not by point: the channels of a recorder share its lock. One rejection may be an accident (some
devices answer 401 when they are out of connections). After the second the login is kept back: the camera is asked
without one, which shows it alive as `auth-unknown`, until its secret changes. Only a login that was accepted clears the
count: a device that hangs up on bad logins would otherwise be tried again and again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from monitor.model import Reason
from monitor.probes.target import BasicUse, Credentials

REJECTIONS = 2
ACCEPTED = frozenset({Reason.OK, Reason.NOT_FOUND, Reason.NO_MEDIA})
"""What a device answers only to a login that it took."""
NEVER_AGAIN_BASIC = frozenset({"digest", "ws-security"})

Login = tuple[str, str, str]
"""Host, user name and password."""

Pins = frozenset[tuple[int, str]]
"""Ports and user names of a host at which Digest was asked for."""
NO_PINS: Pins = frozenset()

ANY_PORT = 0
"""What a device's own service proved holds for every port of the host."""


class Breaker:
    """Remembers how logins fared. Memory is bounded by the devices watched: `keep` them. Any thread may call."""

    def __init__(self) -> None:
        self._rejected: dict[Login, int] = {}
        self._digest: dict[str, Pins] = {}
        self._pins: dict[Pins, Pins] = {}  # each once: a city has thousands of hosts and few ways to ask them
        self._turn = threading.Lock()

    def login(self, host: str, port: int, credentials: Credentials | None) -> Credentials | None:
        """Return the login to use now: none if it was rejected too often, never by Basic where Digest was asked for.

        Rejections count for the whole host, because its lock does; two servers on one host may ask differently.
        """
        if credentials is None:
            return None
        with self._turn:
            if self._rejected.get((host, credentials.username, credentials.password), 0) >= REJECTIONS:
                return None
            pins, username = self._digest.get(host, NO_PINS), credentials.username
            pinned = (port, username) in pins or (ANY_PORT, username) in pins
        if pinned and credentials.basic is not BasicUse.NEVER:
            return Credentials(username, credentials.password, BasicUse.NEVER)
        return credentials

    def saw(self, host: str, port: int, used: Credentials | None, reason: Reason, scheme: str) -> None:
        """Take what came of a conversation that used a login (None: without one) by `scheme` ("": it was not asked for)."""
        if used is None:
            return
        key = (host, used.username, used.password)
        with self._turn:
            if reason is Reason.AUTH_REJECTED:
                self._rejected[key] = self._rejected.get(key, 0) + 1
            elif scheme and reason in ACCEPTED:
                self._rejected.pop(key, None)
            if scheme in NEVER_AGAIN_BASIC:
                self._pin(self._digest, host, (port, used.username))

    def _pin(self, digest: dict[str, Pins], host: str, pin: tuple[int, str]) -> None:
        before = digest.get(host, NO_PINS)
        if pin not in before:
            pins = before | {pin}
            digest[host] = self._pins.setdefault(pins, pins)

    def keep(self, logins: Iterable[Login]) -> None:
        """Forget all other logins: devices that went, secrets that changed."""
        with self._turn:
            rejected: dict[Login, int] = {}
            digest: dict[str, Pins] = {}
            known, self._pins = self._digest, {}
            for login in logins:
                host, username, _ = login
                if login in self._rejected:
                    rejected[login] = self._rejected[login]
                for pin in known.get(host, NO_PINS):
                    if pin[1] == username:
                        self._pin(digest, host, pin)
            self._rejected, self._digest = rejected, digest

    @property
    def open(self) -> int:
        """How many logins are kept back."""
        with self._turn:
            return sum(count >= REJECTIONS for count in self._rejected.values())
