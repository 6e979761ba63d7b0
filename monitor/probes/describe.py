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

import re
from collections.abc import Coroutine, Sequence
from typing import Any

from monitor.model import Reason, Rung
from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.exchange import Request
from monitor.probes.login import Login
from monitor.probes.result import ProbeResult
from monitor.probes.rtsp import USER_AGENT, Options
from monitor.probes.rtsp_wire import Reply
from monitor.probes.target import Credentials, Target

BUSY_S = 0.25
"""How long to wait before asking again after a 503."""

_VIDEO = re.compile(rb"(?:^|\n)m=video[ \t]", re.IGNORECASE)
REASONS = {
    403: Reason.AUTH_UNKNOWN,
    404: Reason.NOT_FOUND,
    410: Reason.NOT_FOUND,
    453: Reason.NO_MEDIA,
    500: Reason.NO_MEDIA,
    503: Reason.NO_MEDIA,
}
"""What a status means, for this rung and for those above it."""


class Describe:
    """The exchange of this rung: DESCRIBE, and again with a login where the device asks for one.

    `described` is the reply that passed; `login` may go on signing in the same conversation.
    """

    __slots__ = ("_busy", "_head", "_target", "_uri", "described", "login")
    rung = Rung.DESCRIBE

    def __init__(self, target: Target, credentials: Credentials | None) -> None:
        self._target = target
        self._uri = ""
        self._head = b""
        self._busy = False
        self.login = Login(credentials)
        self.described: Reply | None = None

    @property
    def auth(self) -> str:
        """The login scheme used."""
        return self.login.scheme

    def begin(self) -> Request:
        return self._request()

    def answer(self, reply: Reply) -> Request | Reason:
        status = reply.status
        if status == 200:
            self.described = reply
            return Reason.OK if _VIDEO.search(reply.body) else Reason.NO_MEDIA
        if status == 401:
            return self.login.challenged(reply) or self._request()
        if status == 403 and self.login.tried:
            return Reason.AUTH_REJECTED
        if status == 503 and not self._busy:
            self._busy = True
            return self._request()._replace(after_s=BUSY_S)
        return REASONS.get(status, Reason.BAD_REPLY)

    def cut_off(self) -> Reason:
        """Judge a connection that ended before the reply."""
        if self._busy:
            return Reason.NO_MEDIA
        return Reason.AUTH_UNKNOWN if self.login.tried else Reason.BAD_REPLY

    def _request(self) -> Request:
        if not self._head:  # made only when it is needed: of thousands of hung cameras none comes so far
            self._uri = self._target.uri
            self._head = b"DESCRIBE %b RTSP/1.0\r\nAccept: application/sdp\r\n%b" % (self._uri.encode(), USER_AGENT)
        return self.login.signed(self._head, "DESCRIBE", self._uri)


def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> Coroutine[Any, Any, ProbeResult]:
    """Connect, ask OPTIONS, then DESCRIBE; `credentials` go before those in the target."""
    login = credentials if credentials is not None else target.credentials
    return climb(target, (Options(target), Describe(target, login)), timeout_s=timeout_s, allowed=allowed)
