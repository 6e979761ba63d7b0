"""Whatever a client sends, the fake cameras' readers understand it or say that they do not; sessions are not for ever."""

from __future__ import annotations

import asyncio
import contextlib
import os

from hypothesis import given
from hypothesis import strategies as st

from simulators import auth, http, rtsp, session, soap
from simulators.device import Camera
from simulators.reading import NotUnderstood

RTSP = b"DESCRIBE rtsp://h/live RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc"
HTTP = b"POST /onvif/device_service HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
SOAP = (
    b'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Header/>'
    b'<e:Body><GetProfiles xmlns="http://www.onvif.org/ver10/media/wsdl"/></e:Body></e:Envelope>'
)


def mutated(draw, text):
    """Change a few bytes of a message, or cut some out."""
    data = bytearray(text)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(data)


@given(st.data())
def test_readers_understand_or_say_so(data):
    for take, text in ((rtsp.take_request, RTSP), (http.take_request, HTTP)):
        buffer = bytearray(mutated(data.draw, text))
        before = len(buffer)
        try:
            request = take(buffer)
        except NotUnderstood:
            continue
        assert (request is None) or len(buffer) < before
    with contextlib.suppress(soap.NotSoap):
        soap.read_call(mutated(data.draw, SOAP))


@given(st.text(), st.text())
def test_logins_of_any_text_are_judged(text, created):
    for mode in auth.MODES[1:]:
        lock = auth.Lock(mode, "r", "u", "p")
        assert not auth.admits(lock, f'Digest username="u", realm="r", uri="/", response="{text}"', "GET", "/")
    assert not soap.token_matches(soap.Token("u", text, b"n", created, digest=True), "u", "p", 0)


def test_the_unchanged_messages_are_read_whole():
    buffer = bytearray(RTSP + RTSP)
    assert rtsp.take_request(buffer) == rtsp.take_request(buffer)
    assert buffer == b""
    request = http.take_request(bytearray(HTTP))
    assert (request.method, request.body) == ("POST", b"abcde")
    assert soap.read_call(SOAP)[:2] == ("http://www.onvif.org/ver10/media/wsdl", "GetProfiles")


class House:
    """The least that sessions need."""

    dead = False

    def __init__(self):
        self.guests = []

    def arrived(self, guest):
        self.guests.append(guest)
        return True

    def left(self, guest):
        self.guests.remove(guest)

    def true_us(self):
        return 0


async def test_a_udp_session_that_nobody_asks_after_ends(monkeypatch):
    monkeypatch.setattr(session, "TIMEOUT_S", 0.02)
    house, camera = House(), Camera(1, 1, "127.0.0.1", 8554, "/live", "open")
    sessions = session.Sessions(house)
    ports = next(session.parse_transport(f"RTP/AVP;unicast;client_port={40000 + os.getpid() % 9000}"))
    held = sessions.setup(camera, ports, None, "127.0.0.1")
    assert held is not None and house.guests == [held]
    held.play()
    for _ in range(500):
        if not len(sessions):
            break
        await asyncio.sleep(0.02)
    assert len(sessions) == 0
    assert house.guests == []
    assert camera.counts.sessions_expired == 1
