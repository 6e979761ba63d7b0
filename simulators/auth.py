"""The fake cameras' side of Basic (RFC 7617) and Digest (RFC 2617, RFC 7616) authentication. No I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

MODES = ("open", "basic", "digest", "digest-qop", "digest-sha256")
"""What a camera may ask: nothing; Basic; Digest as old cameras do (MD5, neither qop nor algorithm);
Digest MD5 with qop=auth; Digest SHA-256 with qop=auth."""

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_NONCES_REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class Lock:
    """What a camera demands of a caller."""

    mode: str
    realm: str
    username: str
    password: str


class Nonces:
    """Issues nonces that can be recognised without being stored; a reboot (another `boot`) forgets them all."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._boot = 0
        self._issued = 0

    def _nonce(self, number: int) -> str:
        digest = hashlib.sha256(f"{self._secret}/{self._boot}/{number}".encode()).hexdigest()
        return f"{number:08x}{digest[:24]}"

    def issue(self) -> str:
        """Return a nonce never issued before."""
        self._issued += 1
        return self._nonce(self._issued)

    def knows(self, nonce: str) -> bool:
        """Tell whether the nonce is one of the last 1,024 issued since the last reboot."""
        number = int(nonce[:8], 16) if re.fullmatch(r"[0-9a-f]{32}", nonce) else 0
        recent = self._issued - _NONCES_REMEMBERED < number <= self._issued
        return recent and number > 0 and hmac.compare_digest(nonce, self._nonce(number))

    def reboot(self) -> None:
        self._boot += 1
        self._issued = 0


def challenge(lock: Lock, nonce: str, *, stale: bool = False) -> str:
    """Return the WWW-Authenticate value that this lock sends. An open camera has none: asking is a mistake."""
    if lock.mode == "open":
        raise ValueError("an open camera sends no challenge")
    if lock.mode == "basic":
        return f'Basic realm="{lock.realm}"'
    parts = [f'realm="{lock.realm}"', f'nonce="{nonce}"']
    if lock.mode != "digest":
        parts += ['qop="auth"', "algorithm=" + ("SHA-256" if lock.mode == "digest-sha256" else "MD5")]
    if stale:
        parts.append("stale=TRUE")
    return "Digest " + ", ".join(parts)


def _parameters(text: str) -> dict[str, str]:
    found = _PARAMETER.finditer(text)
    return {m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3] for m in found}


def digest_nonce(authorization: str) -> str | None:
    """Return the nonce a Digest Authorization header claims, None where it is none."""
    scheme, _, rest = authorization.partition(" ")
    return _parameters(rest).get("nonce") if scheme.lower() == "digest" else None


def admits(lock: Lock, authorization: str, method: str, uri: str) -> bool:
    """Tell whether an Authorization header opens the lock for this request; the nonce's age is not judged here."""
    if lock.mode == "open":
        return True
    scheme, _, rest = authorization.strip().partition(" ")
    if lock.mode == "basic":
        return scheme.lower() == "basic" and _basic_matches(lock, rest)
    return scheme.lower() == "digest" and _digest_matches(lock, _parameters(rest), method, uri)


def _basic_matches(lock: Lock, text: str) -> bool:
    try:
        given = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(given, f"{lock.username}:{lock.password}".encode())


def _digest_matches(lock: Lock, given: Mapping[str, str], method: str, uri: str) -> bool:
    sha256 = lock.mode == "digest-sha256"
    algorithm = given.get("algorithm", "MD5").upper()
    named = given.get("username") == lock.username and given.get("realm") == lock.realm and given.get("uri") == uri
    if not named or algorithm != ("SHA-256" if sha256 else "MD5"):
        return False

    def hashed(text: str) -> str:
        return hashlib.new("sha256" if sha256 else "md5", text.encode(), usedforsecurity=False).hexdigest()

    secret = hashed(f"{lock.username}:{lock.realm}:{lock.password}")
    request = hashed(f"{method}:{uri}")
    middle = given.get("nonce", "")
    if lock.mode != "digest":  # qop was offered; a client that ignores it is refused, as strict cameras do
        if (
            given.get("qop") != "auth"
            or not given.get("cnonce")
            or not re.fullmatch("[0-9a-f]{8}", given.get("nc", ""))
        ):
            return False
        middle = ":".join((middle, given["nc"], given["cnonce"], "auth"))
    return hmac.compare_digest(given.get("response", "").encode(), hashed(f"{secret}:{middle}:{request}").encode())
