"""SOAP 1.2 as the fake cameras read and write it, with WS-Security's UsernameToken digest. No I/O.

The digest is Base64(SHA-1(nonce + created + password)), OASIS UsernameToken Profile 1.0, section 3.1.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree

ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
FRESH_US = 300_000_000
"""How far a token's creation may lie from the camera's own clock."""

_NAMESPACES = (
    f'xmlns:s="{ENVELOPE}" xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
    ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:ter="http://www.onvif.org/ver10/error"'
)


class NotSoap(Exception):
    """A body that is no SOAP 1.2 envelope with one request in it."""


class Token(NamedTuple):
    """What a UsernameToken says; `digest` False: the password came as text."""

    username: str
    password: str
    nonce: bytes
    created: str
    digest: bool


class Call(NamedTuple):
    """One request: its namespace and name, its element, and the token it came with."""

    namespace: str
    name: str
    element: ElementTree.Element
    token: Token | None


def read_call(body: bytes) -> Call:
    """Read a request. Raises NotSoap; document types are refused unread."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise NotSoap
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  no document type, so no entities
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two for odd encodings
        raise NotSoap from error
    inner = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or inner is None or len(inner) != 1:
        raise NotSoap
    namespace, _, name = inner[0].tag.removeprefix("{").rpartition("}")
    return Call(namespace, name, inner[0], _token(root))


def _token(root: ElementTree.Element) -> Token | None:
    found = root.find(f"{{{ENVELOPE}}}Header/{{{_WSSE}}}Security/{{{_WSSE}}}UsernameToken")
    if found is None:
        return None
    password = found.find(f"{{{_WSSE}}}Password")
    try:
        nonce = base64.b64decode(found.findtext(f"{{{_WSSE}}}Nonce", ""), validate=True)
    except ValueError:
        nonce = b""
    return Token(
        found.findtext(f"{{{_WSSE}}}Username", ""),
        (password.text or "") if password is not None else "",
        nonce,
        found.findtext(f"{{{_WSU}}}Created", ""),
        password is not None and password.get("Type", "").endswith("#PasswordDigest"),
    )


def token_matches(token: Token, username: str, password: str, clock_us: int) -> bool:
    """Tell whether a digest token is right for a login, and fresh by a clock (microseconds since 1970 UTC)."""
    created_us = _instant_us(token.created)
    if not token.digest or not token.nonce or created_us is None or abs(created_us - clock_us) > FRESH_US:
        return False
    made = hashlib.sha1(token.nonce + token.created.encode() + password.encode(), usedforsecurity=False).digest()
    right = base64.b64encode(made).decode()
    return token.username == username and hmac.compare_digest(token.password.encode(), right.encode())


def _instant_us(text: str) -> int | None:
    try:
        instant = datetime.fromisoformat(text)
        return round((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        return None


def envelope(content: str) -> bytes:
    """Return an envelope around a body's XML text."""
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<s:Envelope {_NAMESPACES}><s:Body>{content}</s:Body></s:Envelope>".encode()


def fault(code: str, subcode: str, text: str) -> bytes:
    """Return a SOAP fault; codes are `Sender` or `Receiver`, subcodes of ONVIF's error namespace."""
    return envelope(
        f"<s:Fault><s:Code><s:Value>s:{code}</s:Value><s:Subcode><s:Value>ter:{subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
    )
