"""Answering a login challenge: Basic (RFC 7617) and Digest (RFC 7616, and RFC 2069's form without qop).

Everything is computed on bytes: a realm arrives in whatever encoding the device uses and must be hashed as it came.
No I/O here, and no choice of a random number: the caller passes `cnonce`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from monitor.probes.target import BasicUse, Credentials

MAX_CHALLENGES = 8
MAX_PARAMETERS = 32
_ALGORITHMS: dict[str, Callable[[bytes], Any]] = {
    # MD5 is what cameras speak; it proves a login here, it protects nothing of ours.
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "MD5-SESS": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
    "SHA-256-SESS": hashlib.sha256,
}
_PREFERENCE = ("SHA-256", "SHA-256-SESS", "MD5", "MD5-SESS")
_SCHEME = re.compile(r"[\s,]*([A-Za-z][A-Za-z0-9_-]{0,31})(?:[ \t]+|(?=,)|$)")
_PARAMETER = re.compile(r"[\s,]*([A-Za-z][A-Za-z0-9_-]{0,31})[ \t]*=[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"?|([^\s,\"]*))")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One offer of a device. Texts are latin-1 views of the bytes that came; `qop` is () where none was offered."""

    scheme: str
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    algorithm: str | None = None
    qop: tuple[str, ...] = ()
    stale: bool = False

    @property
    def answerable(self) -> bool:
        """Say whether we know how to answer it (auth-int alone and unknown algorithms are not)."""
        if self.scheme == "basic":
            return True
        known = (self.algorithm or "MD5").upper() in _ALGORITHMS
        return self.scheme == "digest" and known and bool(self.nonce) and (not self.qop or "auth" in self.qop)


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Read WWW-Authenticate header values; several challenges may share one value. Never raises.

    Missing commas, unquoted values and an unclosed last quote are tolerated. A challenge with control characters is left
    out, since its nonce would be echoed into our request.
    """
    found: list[Challenge] = []
    for value in values:
        at = 0
        while len(found) < MAX_CHALLENGES and (match := _SCHEME.match(value, at)):
            parameters, at = _parameters(value, match.end())
            if not any(_CONTROL.search(text) for text in parameters.values()):
                found.append(_challenge(match[1].lower(), parameters))
    return tuple(found)


def _parameters(value: str, at: int) -> tuple[dict[str, str], int]:
    parameters: dict[str, str] = {}
    while len(parameters) < MAX_PARAMETERS and (match := _PARAMETER.match(value, at)):
        quoted, plain = match[2], match[3]
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        parameters.setdefault(match[1].lower(), text)
        at = match.end()
    return parameters, at


def _challenge(scheme: str, parameters: dict[str, str]) -> Challenge:
    return Challenge(
        scheme,
        realm=parameters.get("realm", ""),
        nonce=parameters.get("nonce", ""),
        opaque=parameters.get("opaque"),
        algorithm=parameters.get("algorithm"),
        qop=tuple(word for word in re.split(r"[\s,]+", parameters.get("qop", "").lower()) if word),
        stale=parameters.get("stale", "").lower() == "true",
    )


def choose(challenges: Iterable[Challenge], basic: BasicUse, *, digest_seen: bool = False) -> Challenge | None:
    """Return the strongest offer that may be answered: Digest SHA-256, then MD5, then Basic; None if there is none.

    Basic is taken only as `basic` says; `digest_seen` tells that the device offered Digest earlier in the conversation.
    """
    offers = tuple(challenges)
    digests = [offer for offer in offers if offer.scheme == "digest"]
    answerable = [offer for offer in digests if offer.answerable]
    if answerable:
        return min(answerable, key=lambda offer: _PREFERENCE.index((offer.algorithm or "MD5").upper()))
    downgrade = bool(digests) or digest_seen
    if basic is BasicUse.NEVER or (downgrade and basic is not BasicUse.ALWAYS):
        return None
    return next((offer for offer in offers if offer.scheme == "basic"), None)


def authorization(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, *, cnonce: str, count: int = 1
) -> bytes:
    """Return the value of the Authorization header that answers an answerable challenge.

    `count` is the number of requests sent with this nonce so far, this one included. Raises ValueError for a user name
    that Basic cannot carry (one with a colon).
    """
    username, password = credentials.username.encode(), credentials.password.encode()
    if challenge.scheme == "basic":
        if b":" in username:
            raise ValueError("Basic 认证的用户名不能含冒号 Basic cannot carry a user name with a colon")
        return b"Basic " + base64.b64encode(username + b":" + password)
    algorithm = (challenge.algorithm or "MD5").upper()
    new = _ALGORITHMS[algorithm]

    def digest(*parts: bytes) -> bytes:
        return new(b":".join(parts)).hexdigest().encode()  # type: ignore[no-any-return]

    realm, nonce = challenge.realm.encode("latin-1"), challenge.nonce.encode("latin-1")
    client, counted = cnonce.encode(), b"%08x" % count
    secret = digest(username, realm, password)
    if algorithm.endswith("-SESS"):
        secret = digest(secret, nonce, client)
    request = digest(method.encode(), uri.encode())
    fields = [(b"username", username), (b"realm", realm), (b"nonce", nonce), (b"uri", uri.encode())]
    if challenge.qop:
        fields.append((b"response", digest(secret, nonce, counted, client, b"auth", request)))
    else:
        fields.append((b"response", digest(secret, nonce, request)))
    if challenge.opaque is not None:
        fields.append((b"opaque", challenge.opaque.encode("latin-1")))
    value = b", ".join(b'%b="%b"' % (name, _escaped(text)) for name, text in fields)
    if challenge.algorithm is not None:
        value += b", algorithm=" + algorithm.replace("-SESS", "-sess").encode()
    if challenge.qop:
        value += b', qop=auth, nc=%b, cnonce="%b"' % (counted, client)
    elif algorithm.endswith("-SESS"):
        value += b', cnonce="%b"' % client
    return b"Digest " + value


def _escaped(text: bytes) -> bytes:
    return text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
