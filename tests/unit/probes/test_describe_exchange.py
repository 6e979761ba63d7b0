"""What DESCRIBE decides, reply by reply, and what it lets out of a login."""

from __future__ import annotations

import base64
import random
import re

import pytest

from monitor.model import Reason
from monitor.probes.describe import Describe
from monitor.probes.exchange import Request
from monitor.probes.login import MAX_LOGINS
from monitor.probes.rtsp import Options
from monitor.probes.rtsp_wire import Reply
from monitor.probes.target import BasicUse, Credentials, Target

TARGET = Target.parse("rtsp://10.0.0.1/live")
LOGIN = Credentials("camera", "canary")
VIDEO = b"v=0\r\nm=audio 0 RTP/AVP 8\r\nm=video 0 RTP/AVP 96\r\n"
DIGEST = 'Digest realm="r", nonce="n1"'


def reply(status: int, *challenges: str, body: bytes = b"") -> Reply:
    head = "".join(["RTSP/1.0 x\r\n", *(f"WWW-Authenticate: {text}\r\n" for text in challenges)])
    return Reply(status, "x", body, head.encode("latin-1"))


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, VIDEO, Reason.OK),
        (200, b"v=0\nm=video 5004 RTP/AVP 96\n", Reason.OK),
        (200, b"m=video 0 RTP/AVP 33", Reason.OK),
        (200, b"", Reason.NO_MEDIA),
        (200, b"v=0\r\nm=audio 0 RTP/AVP 8\r\ni=m=video \r\n", Reason.NO_MEDIA),
        (200, b"v=0\r\nm=videoconference 0 x 1\r\n", Reason.NO_MEDIA),
        (200, b"{}", Reason.NO_MEDIA),
        (301, b"", Reason.BAD_REPLY),
        (302, VIDEO, Reason.BAD_REPLY),
        (400, b"", Reason.BAD_REPLY),
        (403, b"", Reason.AUTH_UNKNOWN),
        (404, b"", Reason.NOT_FOUND),
        (410, b"", Reason.NOT_FOUND),
        (453, b"", Reason.NO_MEDIA),
        (461, b"", Reason.BAD_REPLY),
        (500, b"", Reason.NO_MEDIA),
        (501, b"", Reason.BAD_REPLY),
    ],
)
def test_what_a_status_means(status: int, body: bytes, reason: Reason) -> None:
    assert Describe(TARGET, None).answer(reply(status, body=body)) is reason


@pytest.mark.parametrize("status", [200, 302, 401, 404, 454, 500, 551])
def test_any_reply_to_options_proves_the_rtsp_rung(status: int) -> None:
    assert Options(TARGET).answer(reply(status)) is Reason.OK


def asked(exchange: Describe, answer: Reply) -> Request:
    request = exchange.answer(answer)
    assert isinstance(request, Request)
    return request


def test_401_without_credentials_is_auth_unknown() -> None:
    assert Describe(TARGET, None).answer(reply(401, DIGEST)) is Reason.AUTH_UNKNOWN


def test_a_wrong_password_costs_one_attempt_though_each_401_brings_a_fresh_nonce() -> None:
    exchange = Describe(TARGET, LOGIN)
    request = asked(exchange, reply(401, DIGEST))
    assert b'nonce="n1"' in request.authorization
    assert exchange.answer(reply(401, 'Digest realm="r", nonce="n2"')) is Reason.AUTH_REJECTED


def test_a_stale_nonce_is_answered_once_more_and_no_further() -> None:
    exchange = Describe(TARGET, LOGIN)
    asked(exchange, reply(401, DIGEST))
    again = asked(exchange, reply(401, 'Digest realm="r", nonce="n2", stale=true'))
    assert b'nonce="n2"' in again.authorization
    assert exchange.answer(reply(401, 'Digest realm="r", nonce="n3", stale=true')) is Reason.AUTH_REJECTED
    assert MAX_LOGINS == 2


def test_the_same_nonce_called_stale_is_not_answered_again() -> None:
    exchange = Describe(TARGET, LOGIN)
    asked(exchange, reply(401, DIGEST))
    assert exchange.answer(reply(401, DIGEST + ", stale=true")) is Reason.AUTH_REJECTED


def test_403_after_a_login_is_auth_rejected() -> None:
    exchange = Describe(TARGET, LOGIN)
    asked(exchange, reply(401, DIGEST))
    assert exchange.answer(reply(403)) is Reason.AUTH_REJECTED


def test_no_downgrade_from_digest_to_basic_within_a_conversation() -> None:
    exchange = Describe(TARGET, LOGIN)
    asked(exchange, reply(401, DIGEST))
    assert exchange.answer(reply(401, 'Basic realm="r"')) is Reason.AUTH_REJECTED


@pytest.mark.parametrize(
    "challenges", [(), ("Negotiate",), ('Digest realm="r", nonce="n", algorithm=NEW', "Basic realm=r")]
)
def test_a_challenge_that_may_not_be_answered_gets_no_password(challenges: tuple[str, ...]) -> None:
    assert Describe(TARGET, LOGIN).answer(reply(401, *challenges)) is Reason.AUTH_UNKNOWN


def test_basic_only_where_it_is_allowed() -> None:
    request = asked(Describe(TARGET, LOGIN), reply(401, 'Basic realm="r"'))
    assert request.authorization == b"Basic " + base64.b64encode(b"camera:canary")
    never = Credentials("camera", "canary", BasicUse.NEVER)
    assert Describe(TARGET, never).answer(reply(401, 'Basic realm="r"')) is Reason.AUTH_UNKNOWN
    assert Describe(TARGET, Credentials("a:b", "c")).answer(reply(401, 'Basic realm="r"')) is Reason.AUTH_UNKNOWN


def test_everything_secret_of_a_login_is_named_for_masking() -> None:
    basic = asked(Describe(TARGET, LOGIN), reply(401, 'Basic realm="r"'))
    assert basic.authorization.partition(b" ")[2] in basic.secrets
    assert b"canary" in basic.secrets
    digest = asked(Describe(TARGET, LOGIN), reply(401, DIGEST))
    response = re.search(rb'response="(\w+)"', digest.authorization)
    assert response is not None
    assert response[1] in digest.secrets
    assert b"canary" in digest.secrets


def test_503_is_asked_once_more_with_the_nonce_counted_on() -> None:
    exchange = Describe(TARGET, LOGIN)
    first = asked(exchange, reply(401, DIGEST + ', qop="auth"'))
    assert b"nc=00000001" in first.authorization
    again = asked(exchange, reply(503))
    assert again.after_s > 0
    assert b"nc=00000002" in again.authorization
    assert exchange.cut_off() is Reason.NO_MEDIA
    assert exchange.answer(reply(503)) is Reason.NO_MEDIA


def test_a_connection_cut_off() -> None:
    exchange = Describe(TARGET, LOGIN)
    assert exchange.cut_off() is Reason.BAD_REPLY
    asked(exchange, reply(401, DIGEST))
    assert exchange.cut_off() is Reason.AUTH_UNKNOWN


def test_whatever_a_device_answers_the_exchange_ends_soon() -> None:
    rng = random.Random(11)
    challenges = [DIGEST, 'Basic realm="r"', 'Digest nonce="n2", stale=true, qop=auth', "Digest", "\x00", ""]
    reasons = set()
    for _ in range(2_000):
        exchange = Describe(TARGET, rng.choice([None, LOGIN, Credentials("", "", BasicUse.ALWAYS)]))
        for _ in range(MAX_LOGINS + 2):
            status = rng.choice([200, 302, 401, 401, 401, 403, 404, 453, 500, 503, 999])
            step = exchange.answer(
                reply(status, *rng.choices(challenges, k=rng.randint(0, 3)), body=rng.choice([b"", VIDEO]))
            )
            if isinstance(step, Reason):
                reasons.add(step)
                break
        else:
            pytest.fail("the exchange goes on and on")
    assert Reason.AUTH_REJECTED in reasons
    assert Reason.OK in reasons
