"""SOAP as devices answer it: hardened reading of an envelope, its faults, and the time in it. No I/O here.

No DTD, no entities, no network, bounded size and depth. Namespaces of what stands in the body are not insisted on: what
an element is called decides.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from lxml import etree

from monitor.model import MICROSECONDS, Instant, Reason
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_wire import MAX_BODY

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
_ENVELOPES = {f"{{{SOAP_11}}}Envelope": f"{{{SOAP_11}}}Body", f"{{{SOAP_12}}}Envelope": f"{{{SOAP_12}}}Body"}

GET_TIME = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/>'
    b"</s:Body></s:Envelope>"
)
"""GetSystemDateAndTime, which a device must answer without a login."""

MAX_ELEMENTS = 20_000
"""Elements in one answer. Devices of 64 channels stay below 15,000."""
MAX_TEXT = 256
"""Characters kept of a name or a fault's text."""

# UTF-8 and the encodings Chinese devices write: in all of them the characters of markup are their ASCII bytes.
_ENCODINGS = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"gb2312", b"gbk", b"gb18030"})
_DECLARED = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)
_REFUSED = (
    "notauthorized",
    "not authorized",
    "unauthorized",
    "failedauthentication",
    "authority failure",
    "sender not auth",
)
_BLANKS = re.compile(r"\s+")


def parse_xml(raw: bytes) -> etree._Element:
    """Return the root of a document. Raises OnvifError for a DOCTYPE, too much of anything, or what is no XML."""
    if len(raw) > MAX_BODY:
        raise _bad(f"a document of more than {MAX_BODY} bytes")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise _bad("a document with a DOCTYPE")
    declared = _DECLARED.match(raw)
    if b"\0" in raw or (declared and declared[1].lower() not in _ENCODINGS):
        raise _bad("a document in an encoding that is not read")
    if raw.count(b"<") > MAX_ELEMENTS * 2:
        raise _bad(f"a document of more than {MAX_ELEMENTS} elements")
    try:
        # Some devices write a line end before the XML declaration, which XML forbids.
        return etree.fromstring(raw.strip(), _PARSER)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise _bad(f"not XML: {str(error)[:120]}") from None


def open_body(raw: bytes) -> etree._Element:
    """Return the first element of a SOAP body. Raises OnvifError if there is none or it is no envelope."""
    if not raw.strip():
        raise _bad("an empty body")
    root = parse_xml(raw)
    body = root.find(_ENVELOPES[root.tag]) if root.tag in _ENVELOPES else None
    if body is None:
        raise _bad(f"no SOAP envelope: {local(root)[:80]}")
    for child in body:
        return child
    raise _bad("an empty SOAP body")


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: etree._Element | None) -> str:
    """Return an element's text as one line of at most 256 characters; "" for none."""
    return "" if element is None else plain(element.text or "")


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return what a device said as one printable line of at most `limit` characters."""
    line = _BLANKS.sub(" ", text[: limit * 8]).strip()[:limit]
    return line if line.isprintable() else "".join(c for c in line if c.isprintable())


def child(element: etree._Element | None, *names: str) -> etree._Element | None:
    """Return the first descendant by a path of names, whatever their namespaces."""
    for name in names:
        if element is None:
            return None
        element = next((found for found in element if local(found) == name), None)
    return element


class Fault(NamedTuple):
    """A SOAP fault: its codes from general to special without prefixes, and its text."""

    codes: tuple[str, ...]
    text: str

    @property
    def refuses_login(self) -> bool:
        """Say whether the device wants a login or another one. Devices word this in many ways."""
        said = " ".join((*self.codes, self.text)).lower()
        return any(word in said for word in _REFUSED)

    def __str__(self) -> str:
        return f"{'/'.join(self.codes)} {self.text}".strip()


def fault_of(element: etree._Element) -> Fault | None:
    """Return the fault that the first element of a body is, SOAP 1.2 or 1.1; None if it is none."""
    if local(element) != "Fault":
        return None
    codes: list[str] = []
    level = child(element, "Code")
    while level is not None and len(codes) < 8:
        codes.append(text_of(child(level, "Value")).rpartition(":")[2])
        level = child(level, "Subcode")
    text = text_of(child(element, "Reason", "Text"))
    if not codes:
        codes = [text_of(child(element, "faultcode")).rpartition(":")[2]]
        text = text or text_of(child(element, "faultstring"))
    return Fault(tuple(code for code in codes if code), text)


class DeviceTime(NamedTuple):
    """What a device says the time is: microseconds UTC, None if it cannot be told; and its zone as it wrote it."""

    utc: Instant | None
    zone: str


def device_time(answer: etree._Element) -> DeviceTime:
    """Read GetSystemDateAndTimeResponse. Any year is a value; a date that does not exist is none.

    Without UTC the local time is used if its zone can be told without doubt and no daylight saving is in force.
    """
    found = child(answer, "SystemDateAndTime")
    parts = {local(part): part for part in found} if found is not None else {}
    zone = text_of(child(parts.get("TimeZone"), "TZ"))
    utc = _moment(parts.get("UTCDateTime"))
    if utc is None:
        offset = zone_offset(zone)
        here = _moment(parts.get("LocalDateTime"))
        if here is not None and offset is not None and text_of(parts.get("DaylightSavings")) in {"false", "0"}:
            utc = Instant(here - offset * MICROSECONDS)
    return DeviceTime(utc, zone)


_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NUMBER = re.compile(r"\s*([0-9]{1,4})\s*", re.ASCII)
_FIELDS = ("Year", "Month", "Day", "Hour", "Minute", "Second")


def _moment(element: etree._Element | None) -> Instant | None:
    """Return a DateTime element's instant as if it were UTC. Hours, minutes and seconds may run over a little."""
    if element is None:
        return None
    said: dict[str, str] = {}
    for part in element.iter():
        tag = part.tag
        said[tag[tag.rfind("}") + 1 :]] = part.text or ""
    matches = [_NUMBER.fullmatch(said.get(name, "")) for name in _FIELDS]
    numbers = [int(match[1]) for match in matches if match]
    if len(numbers) < len(_FIELDS):
        return None
    year, month, day, hour, minute, second = numbers
    if hour > 24 or minute > 60 or second > 61:
        return None
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    return Instant((days * 86_400 + hour * 3_600 + minute * 60 + second) * MICROSECONDS)


_POSIX = re.compile(
    r"(?:[A-Za-z]{3,64}|<[A-Za-z0-9+-]{1,16}>)([+-]?)([0-9]{1,2})(?::([0-9]{2}))?(?::[0-9]{2})?(?:,.*)?"
)
_MEANT_EITHER_WAY = re.compile(r"(?:GMT|UTC)[+-]", re.IGNORECASE)


def zone_offset(zone: str) -> int | None:
    """Return a zone's seconds east of Greenwich, None if it cannot be told without doubt.

    ISO 8601 (`+08:00`) counts east, POSIX (`CST-8`, `UTC0`, `MoroccoStandardTime0`) counts west. `GMT+8` and the like
    mean either, depending on who wrote them; zones with a daylight saving name are not worked out.
    """
    iso = re.fullmatch(r"([+-])([0-9]{2}):([0-9]{2})", zone)
    if zone == "Z":
        return 0
    if iso:
        seconds = int(iso[2]) * 3600 + int(iso[3]) * 60
        return -seconds if iso[1] == "-" else seconds
    posix = _POSIX.fullmatch(zone)
    if not posix:
        return None
    seconds = int(posix[2]) * 3600 + int(posix[3] or 0) * 60
    if seconds and _MEANT_EITHER_WAY.match(zone):
        return None
    return seconds if posix[1] == "-" else -seconds


def _bad(note: str) -> OnvifError:
    return OnvifError(Reason.BAD_REPLY, note)
