"""The credential breaker: cameras lock an account after a few bad logins, so a rejected secret is not tried for ever.

One rejection may be an accident (some devices answer 401 when they are out of connections). After the second in a row the
login is kept back: the camera is asked without one, which shows it alive as `auth-unknown`, until its secret changes.
"""

from __future__ import annotations

from monitor.model import Reason
from monitor.probes.target import BasicUse, Credentials

REJECTIONS = 2


class Breaker:
    """Remembers, by point, how logins fared. Memory is bounded by the points watched: `forget` what went."""

    def __init__(self) -> None:
        self._rejected: dict[str, tuple[Credentials, int]] = {}
        self._digest: dict[str, Credentials] = {}

    def login(self, point: str, credentials: Credentials | None) -> Credentials | None:
        """Return the login to use now: none if it was rejected too often, never by Basic where Digest was asked for."""
        if credentials is None:
            return None
        rejected = self._rejected.get(point)
        if rejected is not None and rejected[1] >= REJECTIONS and _same(rejected[0], credentials):
            return None
        kept = self._digest.get(point)
        return kept if kept is not None and _same(kept, credentials) else credentials

    def saw(self, point: str, used: Credentials | None, reason: Reason, scheme: str) -> None:
        """Take what came of a probe that used a login (None: without one)."""
        if used is None:
            return
        if reason is Reason.AUTH_REJECTED:
            before = self._rejected.get(point)
            count = before[1] if before is not None and _same(before[0], used) else 0
            self._rejected[point] = (used, count + 1)
        elif scheme:  # the login was asked for and accepted
            self._rejected.pop(point, None)
        if scheme == "digest" and used.basic is not BasicUse.NEVER:
            self._digest[point] = Credentials(used.username, used.password, BasicUse.NEVER)

    def keep(self, points: set[str]) -> None:
        """Forget all other points."""
        for memory in (self._rejected, self._digest):
            for point in [p for p in memory if p not in points]:
                del memory[point]

    @property
    def open(self) -> int:
        """How many points' logins are kept back."""
        return sum(count >= REJECTIONS for _, count in self._rejected.values())


def _same(one: Credentials, other: Credentials) -> bool:
    return (one.username, one.password) == (other.username, other.password)
