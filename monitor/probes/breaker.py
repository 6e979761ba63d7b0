"""The credential breaker: cameras lock an account after a few bad logins, so a rejected secret is not tried for ever.

It remembers by device, not by point: the channels of a recorder share its lock. One rejection may be an accident (some
devices answer 401 when they are out of connections). After the second the login is kept back: the camera is asked
without one, which shows it alive as `auth-unknown`, until its secret changes. Only a login that was accepted clears the
count: a device that hangs up on bad logins would otherwise be tried again and again.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from monitor.model import Reason
from monitor.probes.target import BasicUse, Credentials

REJECTIONS = 2
ACCEPTED = frozenset({Reason.OK, Reason.NOT_FOUND, Reason.NO_MEDIA})
"""What a device answers only to a login that it took."""
NEVER_AGAIN_BASIC = frozenset({"digest", "ws-security"})

Login = tuple[str, str, str]
"""Host, user name and password."""

ANY_PORT = 0
"""What a device's own service proved holds for every port of the host."""


class Breaker:
    """Remembers how logins fared. Memory is bounded by the devices watched: `keep` them. Any thread may call."""

    def __init__(self) -> None:
        self._rejected: dict[Login, int] = {}
        self._digest: set[tuple[str, int, str]] = set()
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
            pinned = any((host, p, credentials.username) in self._digest for p in (port, ANY_PORT))
            if pinned and credentials.basic is not BasicUse.NEVER:
                return replace(credentials, basic=BasicUse.NEVER)
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
                self._digest.add((host, port, used.username))

    def keep(self, logins: set[Login]) -> None:
        """Forget all other logins: devices that went, secrets that changed."""
        with self._turn:
            self._rejected = {key: count for key, count in self._rejected.items() if key in logins}
            devices = {(host, username) for host, username, _ in logins}
            self._digest = {pin for pin in self._digest if (pin[0], pin[2]) in devices}

    @property
    def open(self) -> int:
        """How many logins are kept back."""
        with self._turn:
            return sum(count >= REJECTIONS for count in self._rejected.values())
