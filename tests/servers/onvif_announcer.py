"""Devices that answer WS-Discovery on loopback: UDP sockets on port 3702 of chosen addresses, one thread for all."""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Mapping

PORT = 3702
Reply = Callable[[str], list[bytes]]
"""Takes the MessageID of the probe and returns the datagrams to answer with."""


def match(
    message_id: str,
    xaddrs: str,
    endpoint: str = "urn:uuid:4CBD8F00-0000-0000-0000-000000000001",
    scopes: str = "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Gate%201",
    relates_to: str | None = None,
) -> bytes:
    """Return an ordinary ProbeMatches message."""
    related = message_id if relates_to is None else relates_to
    return (
        '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
        ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><SOAP-ENV:Header><wsa:MessageID>urn:uuid:1</wsa:MessageID>'
        + (f"<wsa:RelatesTo>{related}</wsa:RelatesTo>" if related else "")
        + "</SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch>"
        f"<wsa:EndpointReference><wsa:Address>{endpoint}</wsa:Address></wsa:EndpointReference>"
        f"<d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


class Announcers:
    """`heard` counts the probes that each address got; with `other_port`, answers leave from another port."""

    def __init__(self, replies: Mapping[str, Reply], other_port: frozenset[str]) -> None:
        self.heard = dict.fromkeys(replies, 0)
        self._replies = replies
        self._selector = selectors.DefaultSelector()
        self._stop, self._wake = socket.socketpair()
        self._selector.register(self._stop, selectors.EVENT_READ, "")
        self._others: dict[str, socket.socket] = {}
        for address in replies:
            own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            own.bind((address, PORT))
            self._selector.register(own, selectors.EVENT_READ, address)
            if address in other_port:
                self._others[address] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._others[address].bind((address, 0))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                address: str = key.data
                if not address:
                    return
                own = key.fileobj
                assert isinstance(own, socket.socket)
                data, peer = own.recvfrom(65536)
                self.heard[address] += 1
                found = re.search(rb"MessageID[^>]*>([^<]*)<", data)
                for answer in self._replies[address](found[1].decode() if found else ""):
                    self._others.get(address, own).sendto(answer, peer)

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join(10)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        for other in self._others.values():
            other.close()
        self._wake.close()
        self._selector.close()


@contextlib.contextmanager
def announcers(replies: Mapping[str, Reply], other_port: frozenset[str] = frozenset()) -> Iterator[Announcers]:
    """Run devices for the length of a with block."""
    made = Announcers(replies, other_port)
    try:
        yield made
    finally:
        made.close()
