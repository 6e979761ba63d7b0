"""WS-Discovery for a whole fleet from one socket: each camera answers probes sent to its own address, from that address.

A probe sent to the group 239.255.255.250 on loopback is answered by every camera that lives. Cameras that say nothing on
their ONVIF port say nothing here either.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import struct
import uuid
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

from simulators.device import Camera
from simulators.onvif import MAKERS

GROUP = "239.255.255.250"
MAX_DATAGRAM = 8192
_AT_ONCE = 64
_IP_PKTINFO = 8
"""Linux's number; Python names it from 3.12 on."""
_ASKED = re.compile(rb"<(?:[\w.-]+:)?MessageID[^>]*>\s*([^<\s]{1,200})\s*<")
_SILENT = frozenset({"silent", "hang"})


class Announcer:
    """Answers for the cameras given, by address. `answered` counts the answers sent."""

    def __init__(self, port: int, cameras: Iterable[Camera]) -> None:
        self.answered = 0
        self._port = port
        self._cameras: dict[str, list[Camera]] = {}
        for camera in cameras:
            self._cameras.setdefault(camera.host, []).append(camera)
        self._socket: socket.socket | None = None

    def open(self) -> None:
        """Begin to answer. Raises OSError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
            sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
            sock.bind(("0.0.0.0", self._port))
            group = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
            with contextlib.suppress(OSError):  # loopback without multicast: unicast is answered all the same
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        asyncio.get_running_loop().add_reader(sock.fileno(), self._read, sock)

    def close(self) -> None:
        """Answer no more."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _read(self, sock: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, ancillary, _, sender = sock.recvmsg(MAX_DATAGRAM, socket.CMSG_SPACE(12))
            except OSError:
                return
            asked = _ASKED.search(data)
            if asked is None or b"Probe" not in data:
                continue
            target = _destination(ancillary)
            there = self._cameras if target == GROUP else {target: self._cameras.get(target, [])}
            self._answer(sock, asked[1].decode("ascii", "replace"), there, sender)

    def _answer(
        self, sock: socket.socket, asked: str, there: Mapping[str, Sequence[Camera]], sender: tuple[str, int]
    ) -> None:
        for address, cameras in there.items():
            living = [camera for camera in cameras if camera.line == "open" and camera.fault not in _SILENT]
            if not living:
                continue
            source = struct.pack("=I4s4s", 0, ipaddress.IPv4Address(address).packed, bytes(4))
            with contextlib.suppress(OSError):
                sock.sendmsg([announcement(living[0], asked)], [(socket.IPPROTO_IP, _IP_PKTINFO, source)], 0, sender)
                self.answered += 1


def _destination(ancillary: Iterable[tuple[int, int, bytes]]) -> str:
    """Return the address a datagram was sent to."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            return str(ipaddress.IPv4Address(data[8:12]))
    return ""


def announcement(camera: Camera, asked: str) -> bytes:
    """Return the ProbeMatches message of a camera, in answer to the message of this identity."""
    own = uuid.UUID(bytes=camera.identity[16:32])
    maker, model = MAKERS[camera.number % len(MAKERS)]
    scopes = f"onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/{maker} onvif://www.onvif.org/hardware/{model}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
        f"<s:Header><a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID><a:RelatesTo>{escape(asked)}</a:RelatesTo>"
        "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header>"
        f"<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:{own}</a:Address>"
        f"</a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>{scopes}</d:Scopes>"
        f"<d:XAddrs>{escape(camera.onvif_url)}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion>"
        "</d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
    ).encode()
