"""The fake cameras' locks, on the examples printed in RFC 7616 (3.9.1), RFC 2069's erratum and RFC 7617."""

from __future__ import annotations

import pytest

from simulators.auth import Lock, Nonces, admits, challenge

RFC_7616 = (
    'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, '
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="{response}"'
)
MD5 = RFC_7616.format(algorithm="MD5", response="8ca523f5e9506fed4657c9700eebdbec")
SHA256 = RFC_7616.format(
    algorithm="SHA-256", response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
)
RFC_2069 = (
    'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'uri="/dir/index.html", response="1949323746fe6a43ef61f9606e7febea"'
)
CASES = [
    (Lock("digest-qop", "http-auth@example.org", "Mufasa", "Circle of Life"), MD5),
    (Lock("digest-sha256", "http-auth@example.org", "Mufasa", "Circle of Life"), SHA256),
    (Lock("digest", "testrealm@host.com", "Mufasa", "CircleOfLife"), RFC_2069),
    (Lock("basic", "test", "Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
]


@pytest.mark.parametrize(("lock", "header"), CASES)
def test_the_printed_examples_open(lock, header):
    assert admits(lock, header, "GET", "/dir/index.html")


@pytest.mark.parametrize(("lock", "header"), CASES[:3])
def test_another_method_or_address_does_not(lock, header):
    assert not admits(lock, header, "DESCRIBE", "/dir/index.html")
    assert not admits(lock, header, "GET", "/dir/other.html")
    assert not admits(lock, header.replace("qop=auth, ", "").replace("Mufasa", "Scar"), "GET", "/dir/index.html")


def test_no_lock_takes_another_locks_answer():
    for lock, _ in CASES:
        for other, header in CASES:
            assert admits(lock, header, "GET", "/dir/index.html") == (lock is other)
        for nonsense in ("", "Basic", "Digest", "Basic !!!", "Bearer abc", 'Digest username="'):
            assert not admits(lock, nonsense, "GET", "/dir/index.html")


def test_challenges_name_what_they_ask():
    lock = Lock("digest", "r", "u", "p")
    assert challenge(lock, "n") == 'Digest realm="r", nonce="n"'
    sha = Lock("digest-sha256", "r", "u", "p")
    assert challenge(sha, "n", stale=True) == 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, stale=TRUE'


def test_nonces_are_known_until_a_reboot_or_a_thousand_others():
    nonces = Nonces("secret")
    first = nonces.issue()
    assert nonces.knows(first)
    assert not nonces.knows(first[:-1] + ("0" if first[-1] != "0" else "1"))
    assert not nonces.knows("") and not nonces.knows("0" * 32)
    issued = [nonces.issue() for _ in range(1024)]
    assert not nonces.knows(first)
    assert nonces.knows(issued[0])
    nonces.reboot()
    assert not any(map(nonces.knows, issued))
    assert nonces.issue() != first
