"""Rung `describe`: the device describes the stream, logged in where it asks for that, and the stream has video.

What a reply to DESCRIBE means (the first reply after the login counts, if one was asked for):

| reply                         | reason        | why                                                             |
| ----------------------------- | ------------- | --------------------------------------------------------------- |
| 200 with an m=video line      | ok            |                                                                 |
| 200 without one               | no-media      |                                                                 |
| 401, 403 without credentials  | auth-unknown  | it lives, and we were given nothing to show                     |
| 401, 403 after credentials    | auth-rejected | it lives, and our secret is suspect                             |
| 404, 410                      | not-found     | also when it comes before any challenge                         |
| 453, 500, 503                 | no-media      | the server is up and cannot produce the picture: its pipeline   |
|                               |               | fails or its capacity is used up                                |
| 3xx                           | bad-reply     | a redirect is never followed: it could lead off the device      |
| anything else                 | bad-reply     |                                                                 |

A 503 is asked once more after a moment: servers that share one pipeline answer it while the pipeline of the viewer who has
just left (perhaps our own last probe) is still being taken down.

A device whose challenge we may not answer (Basic after Digest, unknown algorithms) or that hangs up on being asked for a
login is auth-unknown: it lives, and nothing is known about its picture.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence

from monitor.model import Reason, Rung
from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.digest import Challenge, authorization, choose, parse_challenges
from monitor.probes.exchange import Request
from monitor.probes.result import ProbeResult
from monitor.probes.rtsp import USER_AGENT, Options
from monitor.probes.rtsp_wire import Reply
from monitor.probes.target import Credentials, Target

MAX_LOGINS = 2
"""Answers to a challenge per probe: one, and one more only for a nonce the device itself calls stale."""
BUSY_S = 0.25
"""How long to wait before asking again after a 503."""

_VIDEO = re.compile(rb"(?:^|\n)m=video[ \t]", re.IGNORECASE)
_REASONS = {
    403: Reason.AUTH_UNKNOWN,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    453: Reason.NO_MEDIA,
    500: Reason.NO_MEDIA,
    503: Reason.NO_MEDIA,
}


class Describe:
    """The exchange of this rung: DESCRIBE, and again with a login where the device asks for one."""

    __slots__ = ("_busy", "_challenge", "_count", "_credentials", "_digest_seen", "_head", "_logins", "_uri", "auth")
    rung = Rung.DESCRIBE

    def __init__(self, target: Target, credentials: Credentials | None) -> None:
        self._uri = target.uri
        self._credentials = credentials
        self._head = b"DESCRIBE %b RTSP/1.0\r\nAccept: application/sdp\r\n%b" % (self._uri.encode(), USER_AGENT)
        self._challenge: Challenge | None = None  # the one being answered
        self._count = 0  # requests sent with its nonce
        self._logins = 0
        self._digest_seen = False
        self._busy = False
        self.auth = ""

    def begin(self) -> Request:
        return Request(self._head)

    def answer(self, reply: Reply) -> Request | Reason:
        status = reply.status
        if status == 200:
            return Reason.OK if _VIDEO.search(reply.body) else Reason.NO_MEDIA
        if status == 401:
            return self._log_in(reply)
        if status == 403 and self._logins:
            return Reason.AUTH_REJECTED
        if status == 503 and not self._busy:
            self._busy = True
            return self._request()._replace(after_s=BUSY_S)
        return _REASONS.get(status, Reason.BAD_REPLY)

    def cut_off(self) -> Reason:
        """Judge a connection that ended before the reply."""
        if self._busy:
            return Reason.NO_MEDIA
        return Reason.AUTH_UNKNOWN if self._logins else Reason.BAD_REPLY

    def _log_in(self, reply: Reply) -> Request | Reason:
        credentials = self._credentials
        if credentials is None:
            return Reason.AUTH_UNKNOWN
        offers = parse_challenges(reply.all("www-authenticate"))
        challenge = choose(offers, credentials.basic, digest_seen=self._digest_seen)
        self._digest_seen |= any(offer.scheme == "digest" for offer in offers)
        if self._logins and not self._may_retry(challenge):
            return Reason.AUTH_REJECTED
        if challenge is None or (challenge.scheme == "basic" and ":" in credentials.username):
            return Reason.AUTH_UNKNOWN
        self._logins += 1
        self._challenge, self._count = challenge, 0
        self.auth = challenge.scheme
        return self._request()

    def _request(self) -> Request:
        """Return DESCRIBE, signed for the challenge in force if there is one."""
        challenge, credentials = self._challenge, self._credentials
        if challenge is None or credentials is None:
            return Request(self._head)
        self._count += 1
        cnonce = secrets.token_hex(8) if challenge.qop or challenge.algorithm else ""
        value = authorization(challenge, credentials, "DESCRIBE", self._uri, cnonce=cnonce, count=self._count)
        return Request(self._head, value, _secrets(value, credentials))

    def _may_retry(self, challenge: Challenge | None) -> bool:
        """Say whether a 401 after a login only asks for a fresh nonce; anything else could lock the account."""
        before = self._challenge
        fresh = challenge is not None and challenge.stale and (before is None or challenge.nonce != before.nonce)
        return fresh and self._logins < MAX_LOGINS


def _secrets(value: bytes, credentials: Credentials) -> tuple[bytes, ...]:
    """Return what must not stand in a log even if the device sends it back to us."""
    password = credentials.password.encode()
    found = re.search(rb'response="([^"]*)"', value)
    shown = found[1] if found else value.partition(b" ")[2]
    return tuple(text for text in (shown, password, base64.b64encode(password)) if text)


async def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> ProbeResult:
    """Connect, ask OPTIONS, then DESCRIBE; `credentials` go before those in the target."""
    login = credentials if credentials is not None else target.credentials
    return await climb(target, (Options(target), Describe(target, login)), timeout_s=timeout_s, allowed=allowed)
