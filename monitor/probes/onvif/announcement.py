"""WS-Discovery messages: the probe we send, and what devices answer, read warily. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from lxml import etree

from monitor.model import Reason
from monitor.probes.onvif.device import DEFAULT_PORTS, split_host, wire_path
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.soap import child, local, parse_xml, plain

MAX_DATAGRAM = 64 * 1024
MAX_MATCHES = 8
MAX_XADDRS = 8
MAX_SCOPES = 64

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SCOPE = "onvif://www.onvif.org/"


def probe_message(number: str) -> bytes:
    """Return a Probe for network video transmitters. `number` is a UUID that the answers refer to."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
        ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
        f"<a:MessageID>uuid:{number}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
        "</s:Header><s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()


class Match(NamedTuple):
    """One device in an answer: its endpoint (a UUID in lower case, else as written), types, scopes, service addresses."""

    endpoint: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    xaddrs: tuple[str, ...]


def read_matches(raw: bytes, number: str) -> tuple[Match, ...]:
    """Read a ProbeMatches message. Raises OnvifError for anything else, or an answer to another probe than `number`."""
    if len(raw) > MAX_DATAGRAM:
        raise _bad("a datagram that is too large")
    root = parse_xml(raw)
    if local(root) != "Envelope":
        raise _bad("no SOAP envelope")
    answers = child(root, "Header", "RelatesTo")
    if answers is not None and uuid_of(answers.text or "") != number:
        raise _bad("an answer to another probe")
    found = child(root, "Body", "ProbeMatches")
    if found is None:
        raise _bad("no ProbeMatches")
    matches = [_match(element) for element in found if local(element) == "ProbeMatch"]
    if not matches:
        raise _bad("an empty ProbeMatches")
    return tuple(matches[:MAX_MATCHES])


def _match(element: etree._Element) -> Match:
    endpoint = plain(_raw(child(element, "EndpointReference", "Address")))
    return Match(
        uuid_of(endpoint) or endpoint,
        tuple(plain(word.rpartition(":")[2]) for word in _raw(child(element, "Types")).split()[:MAX_SCOPES]),
        tuple(plain(word) for word in _raw(child(element, "Scopes")).split()[:MAX_SCOPES]),
        tuple(plain(word, 2_048) for word in _raw(child(element, "XAddrs")).split()[:MAX_XADDRS]),
    )


def _raw(element: etree._Element | None) -> str:
    return "" if element is None else element.text or ""


def uuid_of(text: str) -> str:
    """Return the UUID in `urn:uuid:…`, `uuid:…` or alone, in lower case; "" if there is none."""
    match = _UUID.search(text.lower())
    return match[0] if match else ""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered. `address` and `port` are where the answer came from.

    `onvif_addr` is its service on that very address, "" if it named none; `off_host` are service addresses on other hosts,
    reported and never contacted. `name`, `hardware` and `location` are from its scopes.
    """

    address: str
    port: int
    endpoint: str
    name: str
    hardware: str
    location: str
    types: tuple[str, ...]
    scopes: tuple[str, ...]
    xaddrs: tuple[str, ...]
    onvif_addr: str
    off_host: tuple[str, ...]


def found_at(address: str, port: int, match: Match) -> Found:
    """Put together what a device at `address` said of itself."""
    here, off = "", []
    for xaddr in match.xaddrs:
        service = _service(xaddr)
        if service is None:
            continue
        scheme, host, service_port, path = service
        if host != address:
            off.append(xaddr)
        elif not here:
            place = f"[{host}]" if ":" in host else host
            here = f"{scheme}://{place}:{service_port}{path}"
    scopes = match.scopes
    return Found(
        address,
        port,
        match.endpoint,
        _scope(scopes, "name/"),
        _scope(scopes, "hardware/"),
        _scope(scopes, "location/"),
        match.types,
        scopes,
        match.xaddrs,
        here,
        tuple(off),
    )


def _service(xaddr: str) -> tuple[str, str, int, str] | None:
    scheme, mark, rest = xaddr.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in DEFAULT_PORTS:
        return None
    cut = re.search(r"[/?#]", rest)
    authority, path = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    host, port = split_host(authority.rpartition("@")[2], DEFAULT_PORTS[scheme])
    sent = wire_path(path.partition("#")[0])
    return None if port is None or sent is None or not host else (scheme, host, port, sent or "/onvif/device_service")


def _scope(scopes: tuple[str, ...], kind: str) -> str:
    """Return the decoded value of the first scope of a kind."""
    for scope in scopes:
        if scope.lower().startswith(_SCOPE + kind):
            return plain(unquote_to_bytes(scope[len(_SCOPE + kind) :]).decode("utf-8", "replace"))
    return ""


def _bad(note: str) -> OnvifError:
    return OnvifError(Reason.BAD_REPLY, note)
