"""The fake cameras answer WS-Discovery, each from its own address."""

from __future__ import annotations

import os
import re
import socket

from tests.simulated_fleet import DEADLINE_S, until

PROBE = (
    b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    b' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Header><w:MessageID>uuid:1234</w:MessageID></e:Header>'
    b"<e:Body><d:Probe/></e:Body></e:Envelope>"
)


def test_each_camera_answers_for_itself_and_the_dead_do_not(start):
    port = 14000 + os.getpid() % 2000
    script = [{"cameras": 3, "fault": "refuse", "at_s": 0}]
    fleet = start("--cameras", "3", "--discovery-port", str(port), faults=script)
    assert until(lambda: refused(fleet, 3))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(DEADLINE_S)
        for number in (3, 1, 2):
            sock.sendto(b"nonsense", (fleet.host(number), port))
            sock.sendto(PROBE, (fleet.host(number), port))
        texts = {}
        for _ in range(2):
            data, (host, _) = sock.recvfrom(65536)
            texts[host] = data.decode()
        assert set(texts) == {fleet.host(1), fleet.host(2)}
        for number in (1, 2):
            text = texts[fleet.host(number)]
            assert f"<d:XAddrs>{fleet.ledger[number - 1]['onvif_addr']}</d:XAddrs>" in text
            assert "<a:RelatesTo>uuid:1234</a:RelatesTo>" in text
        assert len({re.search("urn:uuid:([^<]+)</a:Address>", text)[1] for text in texts.values()}) == 2


def refused(fleet, number):
    try:
        fleet.connect(number).close()
    except ConnectionRefusedError:
        return True
    return False
