from __future__ import annotations

from monitor.model import Reason
from monitor.probes.breaker import ANY_PORT, Breaker
from monitor.probes.target import BasicUse, Credentials

LOGIN = Credentials("admin", "secret")
OTHER = Credentials("admin", "changed")


def test_a_secret_rejected_twice_is_kept_back_until_it_changes() -> None:
    breaker = Breaker()
    used = 0
    for _ in range(100):
        login = breaker.login("p", 554, LOGIN)
        used += login is not None
        breaker.saw("p", 554, login, Reason.AUTH_REJECTED if login else Reason.AUTH_UNKNOWN, "digest" if login else "")
    assert used == 2
    assert breaker.open == 1
    changed = breaker.login("p", 554, OTHER)
    assert changed is not None
    assert changed.password == OTHER.password
    breaker.saw("p", 554, OTHER, Reason.OK, "digest")
    breaker.keep({("p", "admin", "changed")})
    assert breaker.open == 0
    assert breaker.login("q", 554, LOGIN) is LOGIN


def test_one_rejection_among_successes_is_forgiven() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.saw("p", 554, LOGIN, Reason.AUTH_REJECTED, "basic")
        breaker.saw("p", 554, LOGIN, Reason.OK, "basic")
        assert breaker.login("p", 554, LOGIN) is not None


def test_a_failure_of_another_kind_neither_counts_nor_forgives() -> None:
    breaker = Breaker()
    breaker.saw("p", 554, LOGIN, Reason.AUTH_REJECTED, "basic")
    breaker.saw("p", 554, LOGIN, Reason.TIMEOUT, "")
    assert breaker.login("p", 554, LOGIN) is not None
    breaker.saw("p", 554, LOGIN, Reason.AUTH_REJECTED, "basic")
    assert breaker.login("p", 554, LOGIN) is None


def test_digest_is_never_downgraded_afterwards() -> None:
    breaker = Breaker()
    breaker.saw("p", 554, LOGIN, Reason.OK, "digest")
    login = breaker.login("p", 554, LOGIN)
    assert login is not None
    assert login.basic is BasicUse.NEVER
    changed = breaker.login("p", 554, OTHER)
    assert changed is not None
    assert changed.basic is BasicUse.NEVER, "nor with another password"
    assert breaker.login("q", 554, LOGIN) is LOGIN


def test_a_device_that_hangs_up_on_every_other_login_is_no_way_around() -> None:
    breaker = Breaker()
    used = 0
    for n in range(40):
        login = breaker.login("p", 554, LOGIN)
        used += login is not None
        breaker.saw("p", 554, login, Reason.AUTH_UNKNOWN if n % 2 else Reason.AUTH_REJECTED, "digest" if login else "")
    assert used <= 3


def test_the_channels_of_a_recorder_share_its_lock_and_a_right_password_beside_a_wrong_one_does_not_hide_it() -> None:
    breaker = Breaker()
    spent = 0
    for channel in range(32):
        login = breaker.login("nvr", 554, OTHER if channel % 2 else LOGIN)
        wrong = login is not None and login.password == OTHER.password
        spent += wrong
        breaker.saw("nvr", 554, login, Reason.AUTH_REJECTED if wrong else Reason.OK, "digest" if login else "")
    assert spent == 2


def test_two_servers_on_one_host_may_ask_differently_but_the_devices_own_word_holds_for_all() -> None:
    breaker = Breaker()
    breaker.saw("p", 554, LOGIN, Reason.OK, "digest")
    assert breaker.login("p", 8554, LOGIN) is LOGIN
    breaker.saw("p", ANY_PORT, LOGIN, Reason.OK, "ws-security")
    login = breaker.login("p", 8554, LOGIN)
    assert login is not None
    assert login.basic is BasicUse.NEVER


def test_points_that_went_are_forgotten() -> None:
    breaker = Breaker()
    for _ in range(2):
        breaker.saw("p", 554, LOGIN, Reason.AUTH_REJECTED, "basic")
    breaker.keep({("q", "admin", "secret")})
    assert breaker.open == 0
    assert breaker.login("p", 554, LOGIN) is LOGIN
