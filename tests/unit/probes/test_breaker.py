from __future__ import annotations

from monitor.model import Reason
from monitor.probes.breaker import Breaker
from monitor.probes.target import BasicUse, Credentials

LOGIN = Credentials("admin", "secret")
OTHER = Credentials("admin", "changed")


def test_a_secret_rejected_twice_is_kept_back_until_it_changes() -> None:
    breaker = Breaker()
    used = 0
    for _ in range(100):
        login = breaker.login("p", LOGIN)
        used += login is not None
        breaker.saw("p", login, Reason.AUTH_REJECTED if login else Reason.AUTH_UNKNOWN, "digest" if login else "")
    assert used == 2
    assert breaker.open == 1
    assert breaker.login("p", OTHER) == OTHER
    breaker.saw("p", OTHER, Reason.OK, "digest")
    assert breaker.open == 0
    assert breaker.login("q", LOGIN) is LOGIN


def test_one_rejection_among_successes_is_forgiven() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.saw("p", LOGIN, Reason.AUTH_REJECTED, "basic")
        breaker.saw("p", LOGIN, Reason.OK, "basic")
        assert breaker.login("p", LOGIN) is not None


def test_a_failure_of_another_kind_neither_counts_nor_forgives() -> None:
    breaker = Breaker()
    breaker.saw("p", LOGIN, Reason.AUTH_REJECTED, "basic")
    breaker.saw("p", LOGIN, Reason.TIMEOUT, "")
    assert breaker.login("p", LOGIN) is not None
    breaker.saw("p", LOGIN, Reason.AUTH_REJECTED, "basic")
    assert breaker.login("p", LOGIN) is None


def test_digest_is_never_downgraded_afterwards() -> None:
    breaker = Breaker()
    breaker.saw("p", LOGIN, Reason.OK, "digest")
    login = breaker.login("p", LOGIN)
    assert login is not None
    assert login.basic is BasicUse.NEVER
    assert breaker.login("p", OTHER) is OTHER


def test_points_that_went_are_forgotten() -> None:
    breaker = Breaker()
    for _ in range(2):
        breaker.saw("p", LOGIN, Reason.AUTH_REJECTED, "basic")
    breaker.keep({"q"})
    assert breaker.open == 0
    assert breaker.login("p", LOGIN) is LOGIN
