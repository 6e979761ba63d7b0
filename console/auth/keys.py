"""Random words that open something: of sessions, tokens, links, and those that a person types once. Stored as SHA-256 only.

They are random enough (100 bits at least, 256 where no person types them) that a plain hash keeps them; a password that a
person chose needs more, see passwords.py.
"""

from __future__ import annotations

import hashlib
import secrets

TOKEN = "camsla_"  # noqa: S105  public: what every token begins with
"""Begins every token of the API, so that scanners for leaked secrets find it."""
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that looks like another on paper
_GROUPS, _GROUP = 5, 5


def fresh() -> str:
    """Return 256 random bits as 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def fresh_token() -> str:
    """Return a token of the API."""
    return TOKEN + fresh()


def fresh_typed() -> str:
    """Return a secret that a person types from paper: five groups of five, 123 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def digest_of(word: str) -> str:
    """Return what of a word is stored: its SHA-256 in hexadecimal."""
    return hashlib.sha256(word.encode("utf-8", "surrogatepass")).hexdigest()


def typed(word: str) -> str:
    """Return a typed secret as it was made, whatever blanks and small letters came with it; else what was typed."""
    plain = "".join(word.upper().replace("-", " ").split())
    if len(plain) != _GROUPS * _GROUP or set(plain) - set(_ALPHABET):
        return word
    return "-".join(plain[n : n + _GROUP] for n in range(0, len(plain), _GROUP))
