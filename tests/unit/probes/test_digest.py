"""Login answers against the vectors printed in the RFCs, and the challenges that real devices send."""

from __future__ import annotations

import hashlib
import random
import re

import pytest

from monitor.finding import InputError
from monitor.probes.digest import Challenge, authorization, choose, parse_challenges
from monitor.probes.target import BasicUse, Credentials

MUFASA = Credentials("Mufasa", "Circle Of Life")


def parts(value: bytes) -> dict[str, str]:
    scheme, _, rest = value.decode().partition(" ")
    assert scheme == "Digest"
    return {m[1]: m[2] if m[2] is not None else m[3] for m in re.finditer(r'(\w+)=(?:"([^"]*)"|([^,]*))', rest)}


def md5(*texts: str) -> str:
    return hashlib.md5(":".join(texts).encode()).hexdigest()


def test_rfc_2617_section_3_5() -> None:
    [challenge] = parse_challenges(
        [
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ]
    )
    value = authorization(challenge, MUFASA, "GET", "/dir/index.html", cnonce="0a4f113b")
    assert parts(value) == {
        "username": "Mufasa",
        "realm": "testrealm@host.com",
        "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
        "uri": "/dir/index.html",
        "response": "6629fae49393a05397450978507c4ef1",
        "opaque": "5ccc069c403ebaf9f0171e9517f40e41",
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "0a4f113b",
    }


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    [challenge] = parse_challenges(
        [
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    client = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    login = Credentials("Mufasa", "Circle of Life")
    value = parts(authorization(challenge, login, "GET", "/dir/index.html", cnonce=client))
    assert value["response"] == response
    assert value["algorithm"] == algorithm


def test_rfc_7617_basic() -> None:
    [challenge] = parse_challenges(['Basic realm="WallyWorld"'])
    login = Credentials("Aladdin", "open sesame")
    assert authorization(challenge, login, "GET", "/", cnonce="") == b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_without_qop_opaque_and_algorithm_as_cameras_do() -> None:
    [challenge] = parse_challenges(['Digest realm="IP Camera(23435)", nonce="3c1f5fa1"'])
    uri = "rtsp://10.0.0.1/live"
    value = parts(authorization(challenge, Credentials("admin", "12345"), "DESCRIBE", uri, cnonce="unused"))
    expected = md5(md5("admin", "IP Camera(23435)", "12345"), "3c1f5fa1", md5("DESCRIBE", uri))
    assert value == {
        "username": "admin", "realm": "IP Camera(23435)", "nonce": "3c1f5fa1", "uri": uri, "response": expected,
    }  # fmt: skip


def test_md5_sess() -> None:
    [challenge] = parse_challenges(['Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth"'])
    value = parts(authorization(challenge, Credentials("u", "p"), "DESCRIBE", "x", cnonce="c", count=3))
    secret = md5(md5("u", "r", "p"), "n", "c")
    assert value["response"] == md5(secret, "n", "00000003", "c", "auth", md5("DESCRIBE", "x"))
    assert (value["nc"], value["algorithm"]) == ("00000003", "MD5-sess")


def test_a_realm_in_gbk_is_hashed_as_it_came() -> None:
    realm = "摄像机".encode("gbk")
    [challenge] = parse_challenges([f'Digest realm="{realm.decode("latin-1")}", nonce="n"'])
    value = authorization(challenge, Credentials("u", "p"), "DESCRIBE", "x", cnonce="")
    secret = hashlib.md5(b"u:" + realm + b":p").hexdigest()
    assert md5(secret, "n", md5("DESCRIBE", "x")).encode() in value
    assert b'realm="' + realm + b'"' in value


def test_quotes_are_taken_off_and_put_back() -> None:
    [challenge] = parse_challenges([r'Digest realm="a \"b\" \\c", nonce="n"'])
    assert challenge.realm == 'a "b" \\c'
    assert rb'realm="a \"b\" \\c"' in authorization(challenge, Credentials('"u', "p"), "X", "y", cnonce="")


@pytest.mark.parametrize(
    ("value", "schemes"),
    [
        ('Digest realm="x", nonce="y", Basic realm="x"', ["digest", "basic"]),
        ('Basic realm="x", Digest realm="x", nonce="y"', ["basic", "digest"]),
        ("Negotiate, Basic realm=x", ["negotiate", "basic"]),
        ("Basic", ["basic"]),
        ('digest realm="x" nonce="y"', ["digest"]),
        ("Digest realm=x,nonce=y", ["digest"]),
        ('Digest realm="x", nonce="y', ["digest"]),
        ("", []),
        ("=,=", []),
    ],
)
def test_sloppy_challenges(value: str, schemes: list[str]) -> None:
    challenges = parse_challenges([value])
    assert [challenge.scheme for challenge in challenges] == schemes
    for challenge in challenges:
        if challenge.scheme == "digest":
            assert (challenge.realm, challenge.nonce) == ("x", "y")


def test_stale_and_qop_words() -> None:
    [challenge] = parse_challenges(['Digest realm="r", nonce="n", stale=TRUE, qop="Auth-Int , AUTH"'])
    assert challenge.stale
    assert challenge.qop == ("auth-int", "auth")
    assert challenge.answerable


def test_control_characters_are_never_echoed() -> None:
    assert parse_challenges(['Digest realm="r", nonce="a\rX: 1"', 'Digest realm="r\x00", nonce="b"']) == ()


DIGEST, SHA = Challenge("digest", "r", "n"), Challenge("digest", "r", "n", algorithm="SHA-256")
STRANGE, BASIC = Challenge("digest", "r", "n", algorithm="SHA-512-256"), Challenge("basic", "r")
INTEGRITY = Challenge("digest", "r", "n", qop=("auth-int",))


@pytest.mark.parametrize(
    ("offers", "basic", "digest_seen", "expected"),
    [
        ([BASIC], BasicUse.UNLESS_DIGEST, False, BASIC),
        ([BASIC], BasicUse.UNLESS_DIGEST, True, None),
        ([BASIC], BasicUse.ALWAYS, True, BASIC),
        ([BASIC], BasicUse.NEVER, False, None),
        ([BASIC, DIGEST], BasicUse.ALWAYS, False, DIGEST),
        ([DIGEST, SHA], BasicUse.NEVER, False, SHA),
        ([STRANGE, BASIC], BasicUse.UNLESS_DIGEST, False, None),
        ([STRANGE, BASIC], BasicUse.ALWAYS, False, BASIC),
        ([STRANGE, DIGEST], BasicUse.NEVER, False, DIGEST),
        ([INTEGRITY], BasicUse.ALWAYS, False, None),
        ([Challenge("digest", "r", "")], BasicUse.ALWAYS, False, None),
        ([], BasicUse.ALWAYS, False, None),
    ],
)
def test_no_downgrade(offers: list[Challenge], basic: BasicUse, digest_seen: bool, expected: Challenge | None) -> None:
    assert choose(offers, basic, digest_seen=digest_seen) == expected


def test_basic_cannot_carry_a_colon() -> None:
    with pytest.raises(ValueError, match="colon"):
        authorization(BASIC, Credentials("a:b", "c"), "X", "y", cnonce="")


@pytest.mark.parametrize(("user", "password"), [("a\r\nX: 1", "p"), ("a", "p\n"), ("a\x00", "p"), ("a", "p" * 257)])
def test_logins_that_would_break_a_header_are_refused_without_being_shown(user: str, password: str) -> None:
    with pytest.raises(InputError) as raised:
        Credentials(user, password)
    assert password not in str(raised.value) or password == "p"


def test_a_password_is_in_no_repr() -> None:
    assert "canary" not in repr(Credentials("u", "canary"))


def test_random_challenges_raise_nothing_and_are_answered_or_refused() -> None:
    rng = random.Random(7)
    words = [
        "Digest",
        "Basic",
        "realm",
        "nonce",
        "=",
        '"',
        ",",
        " ",
        "\\",
        "x",
        "qop",
        "auth",
        "algorithm",
        "MD5",
        "ÿ",
        "\t",
    ]
    answered = 0
    for _ in range(5_000):
        value = "Digest nonce=" * rng.randint(0, 1) + "".join(rng.choice(words) for _ in range(rng.randint(0, 30)))
        chosen = choose(parse_challenges([value]), BasicUse.ALWAYS)
        if chosen is not None:
            header = authorization(chosen, MUFASA, "DESCRIBE", "rtsp://h/", cnonce="c")
            assert b"\r" not in header
            assert b"\n" not in header
            answered += 1
    assert answered > 500
