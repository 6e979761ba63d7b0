"""RTSP sessions of one address: from SETUP to TEARDOWN, and the RTP that flows while one plays.

Bounds: MAX_SESSIONS a camera (more: 453), TIMEOUT_S without a request where the media goes by UDP, SEND_BUFFER_BYTES
unsent on an RTSP connection (beyond it pictures are left out).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from simulators import picture, rtp
from simulators.device import Camera
from simulators.house import House

MAX_SESSIONS = 8
TIMEOUT_S = 60
SEND_BUFFER_BYTES = 256 * 1024
_PORT_TRIES = 64
_TICKS = rtp.CLOCK_HZ // picture.PICTURES_PER_S


class Carrier(Protocol):
    """The RTSP connection that carries interleaved packets."""

    transport: asyncio.Transport

    def write(self, data: bytes) -> None: ...


class Transport(NamedTuple):
    """The acceptable part of a Transport header: interleaved channels or the client's UDP ports."""

    interleaved: tuple[int, int] | None
    client_port: tuple[int, int] | None


def parse_transport(header: str) -> Iterator[Transport]:
    """Yield the unicast transports that a Transport header offers, in order."""
    for offer in header.split(","):
        words = [word.strip() for word in offer.split(";")]
        values = {name.lower(): value for name, _, value in (word.partition("=") for word in words)}
        if "multicast" in values:
            continue
        if words[0].upper() == "RTP/AVP/TCP":
            yield Transport(_pair(values.get("interleaved", "0-1")) or (0, 1), None)
        elif words[0].upper() in {"RTP/AVP", "RTP/AVP/UDP"} and (ports := _pair(values.get("client_port", ""))):
            yield Transport(None, ports)


def _pair(text: str) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text, re.ASCII)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2] or int(match[1]) + 1)
    return (low, high) if max(low, high) <= 65535 else None


class Session:
    """One client's claim to a camera's picture. `identity` is what the Session header says."""

    def __init__(self, sessions: Sessions, camera: Camera, transport: Transport, carrier: Carrier, peer: str) -> None:
        self.identity = secrets.token_hex(8).upper()
        self.camera = camera
        self.carrier = carrier
        self.transport = transport
        self.playing = False
        self._sessions = sessions
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._packer = rtp.Packer(secrets.randbits(32), secrets.randbits(15), secrets.randbits(31))
        self._picture: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._number = 0

    def open(self) -> bool:
        """Open what the transport needs; False where no pair of ports is to be had."""
        if self.transport.client_port is None:
            return True
        self._sockets = _socket_pair(self.camera.host)
        self.alive()
        return self._sockets is not None

    def alive(self) -> None:
        """Note a request: a UDP session lives on for TIMEOUT_S."""
        if self._expiry is not None:
            self._expiry.cancel()
        if self.transport.client_port is not None:
            self._expiry = self._loop.call_later(TIMEOUT_S, self._expire)

    def _expire(self) -> None:
        self.camera.counts.sessions_expired += 1
        self._sessions.end(self)

    def transport_header(self) -> str:
        """Return the Transport header of the SETUP reply."""
        ssrc = f"ssrc={self._packer.ssrc:08X}"
        if self.transport.interleaved:
            low, high = self.transport.interleaved
            return f"RTP/AVP/TCP;unicast;interleaved={low}-{high};{ssrc}"
        low, high = self.transport.client_port or (0, 0)
        ours = "-".join(str(sock.getsockname()[1]) for sock in self._sockets or ())
        return f"RTP/AVP;unicast;source={self.camera.host};client_port={low}-{high};server_port={ours};{ssrc}"

    def rtp_info(self) -> str:
        """Return the RTP-Info value of the PLAY reply."""
        url = f"{self.camera.url}/trackID=1"
        return f"url={url};seq={self._packer.sequence};rtptime={self._packer.timestamp}"

    def play(self) -> None:
        """Begin to send, with a key picture; playing twice is playing once."""
        if self.playing:
            return
        self.playing = True
        # The film runs with the address's clock, so that two sessions at different times see different pictures.
        shown = self._sessions.house.true_us() * picture.PICTURES_PER_S // 1_000_000
        self._number = shown // picture.GROUP * picture.GROUP
        self._show(self._loop.time())

    def pause(self) -> None:
        """Send no more."""
        self.playing = False
        if self._picture is not None:
            self._picture.cancel()

    def close(self) -> None:
        """Send no more and give the ports back."""
        self.pause()
        if self._expiry is not None:
            self._expiry.cancel()
        for sock in self._sockets or ():
            sock.close()
        self._sockets = None

    def cut(self) -> None:
        """End the session at once."""
        self._sessions.end(self)

    def _show(self, due_s: float) -> None:
        kind = self.camera.kind
        media = kind.media if kind else "live"
        film = picture.film(self.camera.number % picture.VARIANTS)
        reel = film.still if media == "still" else film.live
        units = reel[self._number % picture.PERIOD]
        if media != "none":
            if self._number % picture.GROUP == 0:
                self._send(1, self._packer.report(self.camera.time_us(self._sessions.house.true_us())))
            for packet in self._packer.pack(units, _TICKS):
                self._send(0, packet)
                self.camera.counts.rtp_packets += 1
        self._number += 1
        due_s += 1 / picture.PICTURES_PER_S
        self._picture = self._loop.call_at(due_s, self._show, due_s)

    def _send(self, part: int, packet: bytes) -> None:
        if self.transport.interleaved:
            stream = self.carrier.transport
            if not stream.is_closing() and stream.get_write_buffer_size() < SEND_BUFFER_BYTES:
                self.carrier.write(rtp.interleaved(self.transport.interleaved[part], packet))
        elif self._sockets and self.transport.client_port and self.camera.fault != "udp-broken":
            with contextlib.suppress(OSError):  # a full buffer or a port without an owner: the packet is lost
                self._sockets[part].sendto(packet, (self._peer, self.transport.client_port[part]))


def _socket_pair(host: str) -> tuple[socket.socket, socket.socket] | None:
    """Return UDP sockets on an even port of the address and the one above it; None if there is no such pair."""
    for _ in range(_PORT_TRIES):
        pair = []
        try:
            for port in (0, None):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                pair.append(sock)
                sock.setblocking(False)
                sock.bind((host, 0 if port == 0 else pair[0].getsockname()[1] + 1))
            if pair[0].getsockname()[1] % 2 == 0:
                return pair[0], pair[1]
        except (OSError, OverflowError):
            pass
        for sock in pair:
            sock.close()
    return None


class Sessions:
    """The sessions of one address by their identity."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._held: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._held)

    def setup(self, camera: Camera, transport: Transport, carrier: Carrier, peer: str) -> Session | None:
        """Return a new session; None where the camera has too many, or the ports or open files run out."""
        if sum(1 for session in self._held.values() if session.camera is camera) >= MAX_SESSIONS:
            return None
        session = Session(self, camera, transport, carrier, peer)
        if transport.client_port is not None and not self.house.arrived(session):
            return None
        if not session.open():
            self._give_back(session)
            return None
        self._held[session.identity] = session
        camera.counts.setups += 1
        return session

    def find(self, header: str, camera: Camera) -> Session | None:
        """Return the camera's session that a Session header names."""
        session = self._held.get(header.partition(";")[0].strip())
        return session if session is not None and session.camera is camera else None

    def end(self, session: Session) -> None:
        """End a session; ending it twice is ending it once."""
        if self._held.pop(session.identity, None) is not None:
            self._give_back(session)

    def _give_back(self, session: Session) -> None:
        session.close()
        if session.transport.client_port is not None:
            self.house.left(session)

    def _those(self, chosen: Callable[[Session], bool]) -> list[Session]:
        return [session for session in self._held.values() if chosen(session)]

    def gone(self, carrier: Carrier) -> None:
        """A connection ended: sessions that live on it end with it; those by UDP stay until they time out."""
        for session in self._those(lambda session: session.carrier is carrier):
            if session.transport.interleaved:
                self.end(session)

    def carried(self, carrier: Carrier) -> bool:
        """Whether a session that was set up on this connection plays."""
        return bool(self._those(lambda session: session.carrier is carrier and session.playing))

    def end_all(self) -> None:
        """End every session."""
        for session in list(self._held.values()):
            self.end(session)
