"""Envelopes, faults, times and addresses, with the bytes that real devices were seen to send."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.finding import InputError
from monitor.model import Reason
from monitor.probes.address import Allowed
from monitor.probes.onvif.device import DEFAULT_PATH, Device, Service, service_of
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.soap import Fault, device_time, fault_of, open_body, zone_offset
from tests.servers.onvif_scripted import fault, information, soap, time_answer

NOON = datetime(2026, 7, 1, 12, 0, 30, tzinfo=UTC)
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"


def us(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def time_of(text: str) -> tuple[int | None, str]:
    return tuple(device_time(open_body(text.encode())))  # type: ignore[return-value]


# -- time


@pytest.mark.parametrize("zone", ["UTC0", "+00:00", "MoroccoStandardTime0", "CST-8", "", "?"])
def test_utc_counts_whatever_the_zone_says(zone: str) -> None:
    assert time_of(time_answer(NOON, zone)) == (us(NOON), zone)


@pytest.mark.parametrize("year", [1, 1969, 1970, 2000, 2038, 2106, 9999])
def test_any_year_is_a_value(year: int) -> None:
    utc, _ = time_of(time_answer(NOON.replace(year=year)))
    assert utc is not None
    assert utc - us(NOON) == (NOON.replace(year=year) - NOON).total_seconds() * 1_000_000


@pytest.mark.parametrize(
    ("broken", "instead"),
    [("<tt:Month>7<", "<tt:Month>13<"), ("<tt:Day>1<", "<tt:Day>0<"), ("<tt:Year>2026<", "<tt:Year>0<")]
    + [("<tt:Hour>12<", f"<tt:Hour>{x}<") for x in ("25", "-1", "", "noon", "１２", "99999999")],
)
def test_a_date_that_does_not_exist_is_no_time_and_no_error(broken: str, instead: str) -> None:
    text = time_answer(NOON)
    assert broken in text
    assert time_of(text.replace(broken, instead)) == (None, "CST-8")


def test_a_leap_second_and_24_o_clock_are_read() -> None:
    late = NOON.replace(hour=23, minute=59, second=59)
    assert time_of(time_answer(late).replace("<tt:Second>59<", "<tt:Second>60<"))[0] == us(late) + 1_000_000
    assert time_of(time_answer(NOON).replace("<tt:Hour>12<", "<tt:Hour>24<"))[0] == us(NOON) + 12 * 3_600_000_000


@pytest.mark.parametrize(
    ("zone", "saving", "offset_h"),
    [
        ("CST-8", "false", 8),
        ("CST-08:00:00", "0", 8),
        ("UTC0", "false", 0),
        ("+08:00", "false", 8),
        ("MoroccoStandardTime0", "false", 0),
        ("<+0330>-3:30", "false", 3.5),
        ("CST-8", "true", None),  # summer time: how much is not said
        ("GMT+08:00", "false", None),  # POSIX says west, people mean east
        ("EST5EDT,M3.2.0,M11.1.0", "false", None),
        ("China Standard Time", "false", None),
        ("", "false", None),
    ],
)
def test_local_time_stands_in_for_utc_only_where_its_zone_is_beyond_doubt(
    zone: str, saving: str, offset_h: float | None
) -> None:
    escaped = zone.replace("<", "&lt;").replace(">", "&gt;")
    utc, said = time_of(time_answer(None, escaped, NOON, saving))
    assert said == zone
    assert utc == (None if offset_h is None else us(NOON) - offset_h * 3_600_000_000)


def test_offsets_count_east() -> None:
    assert zone_offset("-05:30") == -(5 * 3600 + 1800)
    assert zone_offset("EST5") == -5 * 3600
    assert zone_offset("GMT0") == 0
    assert zone_offset("Z") == 0


@pytest.mark.parametrize("ns", [SOAP_11, "http://www.w3.org/2003/05/soap-envelope"])
def test_both_versions_of_soap_are_read(ns: str) -> None:
    text = time_answer(NOON).replace("http://www.w3.org/2003/05/soap-envelope", ns)
    assert time_of(text)[0] == us(NOON)


def test_an_answer_without_any_time_is_read() -> None:
    assert time_of(soap("<tds:GetSystemDateAndTimeResponse/>")) == (None, "")


def test_a_line_end_before_the_declaration_and_gb2312_are_tolerated() -> None:
    assert time_of("\r\n" + time_answer(NOON))[0] == us(NOON)
    raw = information().replace('encoding="UTF-8"', 'encoding="GB2312"').encode("gb2312")
    assert "海康威视" in (open_body(raw)[0].text or "")


# -- what is no answer


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   \r\n",
        b"<html><body>login</body></html>",
        b"Internal Server Error\n at Foo.bar (app.js:12)",
        soap("").encode(),
        soap("<!-- nothing -->").encode(),
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>',
        b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>',
        b'<s:Envelope xmlns:s="urn:other"><s:Body><a/></s:Body></s:Envelope>',
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + soap("<a>&a;</a>").encode(),
        b"<!DOCTYPE x SYSTEM 'http://127.0.0.1:1/x.dtd'>" + soap("<a/>").encode(),
        soap("<a>&lol;</a>").encode(),
        soap("<a/>").encode("utf-16"),
        soap("<a/>").replace("UTF-8", "UTF-7").encode(),
        soap("<a/>").replace("UTF-8", "IBM037").encode("cp037"),
        soap("<a>" * 300 + "</a>" * 300).encode(),
        soap("<a/>" * 50_000).encode(),
        soap("<a>" + "x" * 1_100_000 + "</a>").encode(),
        soap("<a>\0</a>").encode(),
        soap('<a b="1" b="2"/>').encode(),
    ],
)
def test_what_is_no_envelope_with_something_in_it_is_a_bad_reply(raw: bytes) -> None:
    with pytest.raises(OnvifError) as caught:
        open_body(raw)
    assert caught.value.reason is Reason.BAD_REPLY
    assert len(str(caught.value)) < 300


def test_a_doctype_is_refused_before_anything_is_parsed() -> None:
    for raw in (b"<!DOCTYPE x [<!ENTITY a 'b'> and no end", b"<a><!ENTITY"):
        with pytest.raises(OnvifError, match="DOCTYPE"):
            open_body(raw)


# -- faults


def test_a_fault_is_read_with_its_codes_in_both_versions() -> None:
    new = fault_of(open_body(fault().encode()))
    assert new == Fault(("Sender", "NotAuthorized"), "Sender not Authorized")
    old = fault_of(
        open_body(
            soap(
                "<SOAP-ENV:Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Not\n Authorized\x85</faultstring></SOAP-ENV:Fault>",
                SOAP_11,
            ).encode()
        )
    )
    assert old == Fault(("Client",), "Not Authorized")
    assert new.refuses_login
    assert old is not None
    assert old.refuses_login


@pytest.mark.parametrize(
    ("code", "text", "refused"),
    [
        ("ter:NotAuthorized", "", True),
        ("ter:InvalidArgVal", "authority failure", True),
        ("wsse:FailedAuthentication", "The security token could not be authenticated", True),
        ("ter:ActionNotSupported", "no such operation", False),
        ("ter:Action", "author unknown", False),
    ],
)
def test_a_refused_login_is_told_from_other_faults(code: str, text: str, refused: bool) -> None:
    found = fault_of(open_body(fault(code, text).encode()))
    assert found is not None
    assert found.refuses_login is refused


def test_an_answer_is_no_fault() -> None:
    assert fault_of(open_body(information().encode())) is None


# -- addresses


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("10.0.0.1", ("10.0.0.1", 80, DEFAULT_PATH, False)),
        ("10.0.0.1:8000", ("10.0.0.1", 8000, DEFAULT_PATH, False)),
        ("http://10.0.0.1/onvif/x?y=1", ("10.0.0.1", 80, "/onvif/x?y=1", False)),
        ("HTTPS://Camera.lan", ("camera.lan", 443, DEFAULT_PATH, True)),
        ("http://[fd00::1]:81/", ("fd00::1", 81, "/", False)),
    ],
)
def test_an_address_is_read(text: str, place: tuple[str, int, str, bool]) -> None:
    device = Device.parse(text)
    assert (device.host, device.port, device.path, device.tls) == place


def test_a_login_in_an_address_leaves_its_text() -> None:
    device = Device.parse("http://admin:geheim%40x@10.0.0.1/a?password=hush")
    assert device.credentials is not None
    assert (device.credentials.username, device.credentials.password) == ("admin", "geheim@x")
    assert "geheim" not in repr(device)
    assert "hush" not in device.text


@pytest.mark.parametrize(
    "text",
    ["", "ftp://10.0.0.1", "http://10.1", "http://0x7f.1/", "http://[::ffff:10.0.0.1]/", "http://2130706433", "10.0.0.1/x",
     "http://10.0.0.1:0", "http://10.0.0.1:99999", "http://10.0.0.1/a b", "http://10.0.0.1/\r\nX: y", "http://224.0.0.1",
     "http://a_b:c@d@10.0.0.1/@x", "http://", "http://10.0.0.1/#x", "http://bad host/"],
)  # fmt: skip
def test_other_notations_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Device.parse(text)


def test_the_allow_list_counts_with_its_ports() -> None:
    allowed = [Allowed.parse("10.0.0.0/24:80")]
    assert Device.parse("10.0.0.1", allowed=allowed).port == 80
    for text in ("10.0.0.1:81", "10.0.1.1"):
        with pytest.raises(InputError, match="白名单"):
            Device.parse(text, allowed=allowed)


@pytest.mark.parametrize(
    ("xaddr", "service"),
    [
        ("http://10.0.0.1/onvif/media", Service(80, "/onvif/media")),
        ("http://10.0.0.1:8000:8000/onvif/media?Idx=43", Service(8000, "/onvif/media?Idx=43")),
        ("http://192.168.1.64:81/onvif/media", Service(81, "/onvif/media", "192.168.1.64")),
        ("http://evil.example/onvif/media", Service(80, "/onvif/media", "evil.example")),
        ("http://10.0.0.1", Service(80, DEFAULT_PATH)),
        ("http://10.0.0.1/", Service(80, DEFAULT_PATH)),
        (" http://admin:x@10.0.0.1/m\n", Service(80, "/m")),
        ("http:///onvif/media", Service(80, "/onvif/media", "")),
        ("https://10.0.0.1/onvif/media", None),
        ("http://10.0.0.1/a\r\nHost: evil", None),
        ("http://10.0.0.1:0/", None),
        ("/onvif/media", None),
        ("", None),
        ("http://10.0.0.1/" + "x" * 3_000, None),
    ],
)
def test_a_service_address_gives_path_and_port_and_never_the_host(xaddr: str, service: Service | None) -> None:
    assert service_of(Device.parse("http://10.0.0.1"), "10.0.0.1", xaddr) == service
