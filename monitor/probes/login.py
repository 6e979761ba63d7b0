"""One conversation's login: which challenge is answered, how often, and when to stop.

A camera that is asked too often with a wrong password locks the account. So a challenge is answered once; once more
only for a nonce that the device itself calls stale; and once more, later in the conversation, where the device has
already let this very login in and merely wants a fresh nonce.
"""

from __future__ import annotations

import base64
import re
import secrets

from monitor.model import Reason
from monitor.probes.digest import Challenge, authorization, choose, parse_challenges
from monitor.probes.exchange import Request
from monitor.probes.rtsp_wire import Reply
from monitor.probes.target import Credentials

MAX_LOGINS = 2
"""Answers to a challenge until the device lets us in: one, and one more only for a nonce it calls stale."""
MAX_RENEWALS = 1
"""Answers to challenges after the device has let us in."""


class Login:
    """The state of one conversation. `scheme` is the scheme last answered with, "" for none."""

    __slots__ = ("_challenge", "_count", "_credentials", "_digest_seen", "_logins", "_renewals", "_welcome", "scheme")

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._challenge: Challenge | None = None  # the one being answered
        self._count = 0  # requests sent with its nonce
        self._logins = 0
        self._renewals = 0
        self._welcome = False
        self._digest_seen = False
        self.scheme = ""

    @property
    def tried(self) -> bool:
        """Say whether a login was sent."""
        return self._logins > 0

    def accepted(self) -> None:
        """Take note that the device has answered a request with this login."""
        self._welcome = self._logins > 0

    def challenged(self, reply: Reply) -> Reason | None:
        """Take a 401: None if the request may be signed and sent again, else the reason why not."""
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
        if self._welcome:
            self._renewals += 1
        else:
            self._logins += 1
        self._challenge, self._count = challenge, 0
        self.scheme = challenge.scheme
        return None

    def signed(self, head: bytes, method: str, uri: str) -> Request:
        """Return the request, signed for the challenge in force if there is one."""
        challenge, credentials = self._challenge, self._credentials
        if challenge is None or credentials is None:
            return Request(head)
        self._count += 1
        cnonce = secrets.token_hex(8) if challenge.qop or challenge.algorithm else ""
        value = authorization(challenge, credentials, method, uri, cnonce=cnonce, count=self._count)
        return Request(head, value, _secrets(value, credentials))

    def _may_retry(self, challenge: Challenge | None) -> bool:
        """Say whether a 401 after a login only asks for a fresh nonce; anything else could lock the account."""
        before = self._challenge
        fresh = challenge is not None and (before is None or challenge.nonce != before.nonce)
        if self._welcome:
            return fresh and self._renewals < MAX_RENEWALS
        return fresh and challenge is not None and challenge.stale and self._logins < MAX_LOGINS


def _secrets(value: bytes, credentials: Credentials) -> tuple[bytes, ...]:
    """Return what must not stand in a log even if the device sends it back to us."""
    password = credentials.password.encode()
    found = re.search(rb'response="([^"]*)"', value)
    shown = found[1] if found else value.partition(b" ")[2]
    return tuple(text for text in (shown, password, base64.b64encode(password)) if text)
