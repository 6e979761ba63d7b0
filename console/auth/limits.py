"""Limits on trying: failures per account and per address, and guesses at secrets per address. They live in memory.

An account's limit holds whoever tries, so that many machines together guess no faster than one. So that nobody can keep an
owner out by guessing wrong on purpose, an address from which the account has signed in before has a limit of its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
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


MOST_KNOWN = 10_000
"""So many accounts' addresses are remembered; the one used longest ago is forgotten first."""


class Limits:
    """Counts failures; a success is not counted. Used on the loop only.

    A try under way counts as a failure until it ends: checking a password takes time, and whoever sends a thousand at once
    has no more of them checked than whoever waits for each answer.
    """

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._under_way: Counter[str] = Counter()
        self._known: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def login(self, name: str, address: str, at: Instant) -> Iterator[Callable[[], None]]:
        """Hold a try to sign in, and give what counts it as failed. TooManyError where account or address has failed too often.

        What ends without an error and is not counted as failed has succeeded: the address is known from then on.
        """
        account, place = _of_name(name), _of_address(address)
        pair = account + place
        failures = 0
        with self._one(((ACCOUNT, pair if pair in self._known else account), (ADDRESS, place)), at) as failed:

            def told() -> None:
                nonlocal failures
                failures += 1
                failed()

            yield told
        if not failures:
            self._known[pair] = None
            self._known.move_to_end(pair)
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def guess(self, address: str, at: Instant) -> AbstractContextManager[Callable[[], None]]:
        """Hold a guess at a secret or link, and give what counts it as wrong. TooManyError where the address guessed too often."""
        return self._one(((GUESSES, _of_address(address)),), at)

    @contextmanager
    def _one(self, counted: Sequence[tuple[RateLimitItem, str]], at: Instant) -> Iterator[Callable[[], None]]:
        keys = [f"{limit.get_expiry()}/{limit.amount}/{key}" for limit, key in counted]
        for (limit, key), held in zip(counted, keys, strict=True):
            stats = self._window.get_window_stats(limit, key)
            if stats.remaining <= self._under_way[held]:
                wait_s = 1 if stats.remaining else round(stats.reset_time - at / MICROSECONDS)
                raise TooManyError(max(1, min(300, wait_s)))

        def failed() -> None:
            for limit, key in counted:
                self._window.hit(limit, key)

        self._under_way.update(keys)
        try:
            yield failed
        finally:
            self._under_way.subtract(keys)
            self._under_way = +self._under_way


def _of_name(name: str) -> str:
    return "a" + hashlib.sha256(as_compared(name[:200]).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _of_address(address: str) -> str:
    """One IPv6 customer has a whole /64."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    return "i" + (str(found) if found.version == 4 else str(int(found) >> 64))
