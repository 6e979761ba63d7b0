"""A scripted RTSP device that streams: its answers and what it sends can be bent one by one.

Standard library only and none of the product's code.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.servers.rtp import interleaved, packet
from tests.servers.scripted import Peer

SDP = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
SOME_PACKETS = tuple(packet(1000 + n, b"\x41\x9a payload", timestamp=n * 3600) for n in range(5))


@dataclass
class Camera:
    """What the device says and does. Hand it to scripted(): it is called once per connection."""

    sdp: str = SDP
    described: tuple[str, ...] = ()
    """More headers of the answer to DESCRIBE."""
    session: str = "ABC"
    transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1"
    statuses: dict[str, list[str]] = field(default_factory=dict)
    """Statuses other than 200 by method, one for each time it is asked."""
    stream: Iterable[bytes] = SOME_PACKETS
    channel: int = 0
    udp_from: str = ""
    """Over UDP only, from this address; "" means interleaved."""
    raw: bytes = b""
    """Sent after PLAY as it is."""
    end: Callable[[Peer], None] | None = None
    """What is done instead of answering TEARDOWN."""
    digest: Callable[[str, int], str | None] | None = None
    """Given a request and how many there were, returns the nonce to be asked for, None if it is let in."""
    answer_play: bool = True

    def __call__(self, peer: Peer) -> None:
        client_port = 0
        while request := peer.read():
            method = request.split()[0]
            if self.digest is not None and (nonce := self.digest(request, len(peer.server.requests))) is not None:
                peer.reply("401 Unauthorized", f'WWW-Authenticate: Digest realm="r", nonce="{nonce}", qop="auth"')
                continue
            left = self.statuses.get(method)
            status = left.pop(0) if left else "200 OK"
            headers = [f"Session: {self.session}"] if method != "OPTIONS" and self.session else []
            if method == "SETUP" and status.startswith("200"):
                if self.udp_from and "/TCP" in request:
                    status = "461 Unsupported transport"
                elif self.udp_from:
                    client_port = int(request.partition("client_port=")[2].partition("-")[0])
                    headers.append(self.transport.replace("PORT", str(client_port)).join(["Transport: ", ""]))
                elif self.transport:
                    headers.append(f"Transport: {self.transport}")
            if method == "TEARDOWN" and self.end is not None:
                self.end(peer)
                return
            if method == "DESCRIBE":
                peer.reply(status, *self.described, body=self.sdp.encode())
            elif method != "PLAY" or self.answer_play:
                peer.reply(status, *headers)
            if method == "PLAY" and status.startswith("200"):
                self._play(peer, client_port)

    def _play(self, peer: Peer, client_port: int) -> None:
        if self.raw:
            peer.send(self.raw)
        if not self.udp_from:
            for data in self.stream:
                if not peer.send(interleaved(data, self.channel)):
                    return
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.bind((self.udp_from, 0))
            for data in self.stream:
                out.sendto(data, ("127.0.0.1", client_port))


def methods(requests: list[str]) -> list[str]:
    """Return what was asked, in order."""
    return [request.split()[0] for request in requests]


def asked(requests: list[str], method: str) -> list[str]:
    """Return the addresses that a method was asked of."""
    return [request.split()[1] for request in requests if request.startswith(method)]


def header(request: str, name: str) -> str:
    """Return a header's value, "" if it is not there."""
    match = re.search(rf"^{name}: (.*)$", request, re.MULTILINE)
    return match[1].rstrip("\r") if match else ""


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def signed(request: str, password: str) -> tuple[str, str, bool]:
    """Return nonce and count of a Digest answer (realm r, user camera), and whether it is right."""
    given = dict(re.findall(r'(\w+)="?([^",\r]+)"?', header(request, "Authorization").removeprefix("Digest ")))
    if not given:
        return "", "", False
    method, uri = request.split()[:2]
    first, second = md5(f"camera:r:{password}"), md5(f"{method}:{given['uri']}")
    expected = md5(f"{first}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{second}")
    return given["nonce"], given["nc"], given["uri"] == uri and given["response"] == expected
