"""Limits on trying: failures per account and per address, and guesses at secrets per address. They live in memory.

An account's limit holds whoever tries, so that many machines together guess no faster than one; while somebody guesses it
hinders the account's owner as well.
"""

from __future__ import annotations

import hashlib
from ipaddress import ip_address

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from console.web.faults import TooManyError
from monitor.model import MICROSECONDS, Instant
from monitor.persons import person as as_compared

ACCOUNT = RateLimitItemPerMinute(10, 5)
"""Failures of one account: 10 in 5 minutes."""
ADDRESS = RateLimitItemPerMinute(40, 5)
"""Failures of one address: 40 in 5 minutes; an office's machines often share one."""
GUESSES = RateLimitItemPerMinute(20, 5)
"""Wrong secrets and links of one address: 20 in 5 minutes."""


class Limits:
    """Counts failures; a success is not counted. TooManyError says how long to wait."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def ask_login(self, name: str, address: str, at: Instant) -> None:
        """TooManyError where the account or the address has failed too often."""
        self._ask(ACCOUNT, _of_name(name), at)
        self._ask(ADDRESS, _of_address(address), at)

    def failed_login(self, name: str, address: str) -> None:
        """Count a failure."""
        self._window.hit(ACCOUNT, _of_name(name))
        self._window.hit(ADDRESS, _of_address(address))

    def ask_guess(self, address: str, at: Instant) -> None:
        """TooManyError where the address has guessed too often."""
        self._ask(GUESSES, _of_address(address), at)

    def failed_guess(self, address: str) -> None:
        """Count a wrong secret or link."""
        self._window.hit(GUESSES, _of_address(address))

    def _ask(self, limit: RateLimitItem, key: str, at: Instant) -> None:
        if not self._window.test(limit, key):
            until = self._window.get_window_stats(limit, key).reset_time
            raise TooManyError(max(1, min(300, round(until - at / MICROSECONDS))))


def _of_name(name: str) -> str:
    return "a" + hashlib.sha256(as_compared(name[:200]).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _of_address(address: str) -> str:
    """One IPv6 customer has a whole /64."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    return "i" + (str(found) if found.version == 4 else str(int(found) >> 64))
