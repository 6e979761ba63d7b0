"""Rung `media`: RTP packets of the video track really arrive.

On the connection that described the stream: SETUP of the first video track, interleaved on this connection; where the
device refuses that, over UDP; PLAY; then packets are counted until three of one source prove that media flow. TEARDOWN
is sent whatever came of it. What replies mean is describe's table, and beside it:

| what happens                                 | reason    | why                                                        |
| -------------------------------------------- | --------- | ---------------------------------------------------------- |
| 461 and its like to interleaving             | –         | asked again over UDP                                       |
| 461 to UDP as well                           | no-media  | it describes a stream that it cannot deliver               |
| 454 to PLAY                                  | no-media  | the session is gone as soon as it was set up               |
| PLAY 200 and no packet until the deadline    | no-media  | some servers answer 200 to PLAY without any session        |
| packets that are no RTP of this track        | no-media  |                                                            |
| a control address that is none               | bad-reply |                                                            |
| no two UDP ports free here                   | watcher   | our own trouble                                            |

Addresses: everything is asked of the registered host on the one connection that is open, and RTP over UDP counts only
from that connection's peer (`monitor/probes/session.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.model import Reason, Rung
from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.describe import BUSY_S, REASONS, Describe
from monitor.probes.exchange import Move, Request
from monitor.probes.result import ProbeResult
from monitor.probes.rtp import Arrivals, Packet
from monitor.probes.rtsp import USER_AGENT, Options
from monitor.probes.rtsp_wire import Reply
from monitor.probes.sdp import Track, video_track
from monitor.probes.session import base_of, control_url, names_other_host, session_of, transport_of
from monitor.probes.stream import Line, opening
from monitor.probes.target import Credentials, Target

MAX_BYTES = 2 * 1024 * 1024
"""Bytes read per probe: a picture's first packets prove media, so more is noise."""
REFUSES_TRANSPORT = frozenset({400, 406, 451, 461, 501, 551})
"""What servers answer to a transport they do not offer; 461 is the right word for it."""
_NO_SESSION = frozenset({454, 461})


class Media:
    """The exchange of this rung. The connection attaches itself before it begins.

    `keep` is given every packet of the track. `answer` and `packet` go on being useful after the rung is proven, for a
    rung above on the same session.
    """

    rung = Rung.MEDIA

    def __init__(self, target: Target, describe: Describe) -> None:
        self._line: Line | None = None
        self.track: Track | None = None
        self.keep: Callable[[Packet], None] = lambda _: None
        self._target = target
        self._describe = describe
        self._login = describe.login
        self._aggregate = self._uri = target.uri
        self._transport = b""
        self._method = ""
        self._udp = self._busy = self._open = self._left = False
        self._session = ""
        self._channel: int | None = None
        self._arrivals = Arrivals(())
        self._other_channel = 0

    @property
    def auth(self) -> str:
        """The login scheme used."""
        return self._login.scheme

    def attach(self, line: Line) -> None:
        """Take the connection that the session runs on."""
        self._line = line

    def begin(self) -> Move:
        described = self._describe.described
        self.track = track = video_track(described.body) if described is not None else None
        if described is None or track is None or self._line is None:
            self.note("视频轨没有负载类型 the video track names no payload type")
            return Reason.BAD_REPLY
        self._login.accepted()
        self._arrivals = Arrivals(track.encodings)
        base = base_of(self._target, described.all("content-base"), described.all("content-location"))
        aggregate = control_url(self._target, base, track.session_control)
        uri = control_url(self._target, base, track.control)
        for text in (track.control, track.session_control):
            if names_other_host(self._target, text):
                self.note(
                    f"控制地址指向别处，只用其路径 control names another place, only its path is used: {text[:200]}"
                )
        if uri is None or aggregate is None:
            self.note(f"控制地址不可用 not a usable control address: {track.control[:200]!r}")
            return Reason.BAD_REPLY
        self._uri, self._aggregate = uri, aggregate
        return self._setup(b"RTP/AVP/TCP;unicast;interleaved=0-1")

    def _setup(self, transport: bytes) -> Request:
        self._transport = b"Transport: %b\r\n" % transport
        return self._request("SETUP")

    def _request(self, method: str) -> Request:
        self._method = method
        uri = self._uri if method == "SETUP" else self._aggregate
        head = b"%b %b RTSP/1.0\r\n%b" % (method.encode(), uri.encode(), USER_AGENT)
        if self._session:
            head += b"Session: %b\r\n" % self._session.encode()
        if method == "SETUP":
            head += self._transport
        elif method == "PLAY":
            head += b"Range: npt=0.000-\r\n"
        return self._login.signed(head, method, uri)

    def answer(self, reply: Reply) -> Move:
        status = reply.status
        if status == 200:
            self._login.accepted()
            return self._granted(reply) if self._method == "SETUP" else None
        if status == 401:
            return self._login.challenged(reply) or self._request(self._method)
        if status == 403 and self._login.tried:
            return Reason.AUTH_REJECTED
        if status == 503 and not self._busy:
            self._busy = True
            return self._request(self._method)._replace(after_s=BUSY_S)
        if self._method == "SETUP" and not self._udp and status in REFUSES_TRANSPORT:
            return self._over_udp(f"{status}")
        return Reason.NO_MEDIA if status in _NO_SESSION else REASONS.get(status, Reason.BAD_REPLY)

    def _over_udp(self, why: str) -> Move:
        self._udp = True
        port = self._line.open_ports() if self._line is not None else None
        if port is None:
            self.note("本机没有可用的 UDP 端口 no UDP ports left here")
            return Reason.WATCHER
        self.note(f"改用 UDP asking over UDP instead: {why}")
        return self._setup(b"RTP/AVP;unicast;client_port=%d-%d" % (port, port + 1))

    def _granted(self, reply: Reply) -> Move:
        self._open = True
        self._session = session_of(reply.all("session"))
        granted = transport_of(reply.all("transport"))
        if granted is not None and not self._udp and not granted.tcp:
            # It set up UDP though asked for interleaving: its packets would go to ports that are not ours.
            return self._over_udp("the device answered with another transport")
        if granted is not None and granted.multicast:
            self.note("设备给出组播，未加入 the device granted multicast, which is not joined")
        if not self._udp or (granted is not None and granted.tcp):
            self._channel = 0 if granted is None or granted.channel is None else granted.channel
            if self._line is not None:
                self._line.listen()
        if not self._session:
            self.note("设备未给出会话 the device names no session")
        return self._request("PLAY")

    def take(self, channel: int | None, data: bytes) -> Packet | None:
        """Count what arrived on an interleaved channel (None: over UDP); return it if it is a packet of the track."""
        if channel != self._channel:
            self._other_channel += 1
            return None
        packet = self._arrivals.add(data)
        if packet is not None:
            self.keep(packet)
        return packet

    def packet(self, channel: int | None, data: bytes) -> Move:
        """Take what arrived; the rung's reason once media are proven."""
        self.take(channel, data)
        if self._arrivals.source is None:
            return None
        self.note(self.counted)
        return Reason.OK

    def silent(self) -> tuple[str, Reason]:
        """Say why and judge when the deadline comes."""
        if self._method != "PLAY":
            return "在截止时间前没有完整应答 no whole answer before the deadline", Reason.TIMEOUT
        return f"PLAY 之后没有视频 no video after PLAY: {self.counted}", Reason.NO_MEDIA

    @property
    def counted(self) -> str:
        """What has arrived, for the log."""
        counts = self._arrivals
        return (
            f"{counts.good} packets of the track, {counts.foreign_kind} of other payload types, "
            f"{counts.no_rtp} not RTP, {self._other_channel} on other channels"
        )

    def cut_off(self) -> Reason:
        """Judge a connection that ended."""
        if self._method == "PLAY" or self._busy:
            return Reason.NO_MEDIA
        return Reason.BAD_REPLY

    def leave(self) -> Request | None:
        """Return TEARDOWN, once, if a session was set up."""
        if not self._open or self._left:
            return None
        self._left = True
        return self._request("TEARDOWN")

    def left(self, reply: Reply) -> Request | None:
        """Return TEARDOWN signed anew if the reply to it asks for that, else None."""
        if reply.status != 401 or self._login.challenged(reply) is not None:
            return None
        return self._request("TEARDOWN")

    def note(self, text: str) -> None:
        """Add a remark to the log."""
        if self._line is not None:
            self._line.note(text)


def exchanges(target: Target, credentials: Credentials | None) -> tuple[Options, Describe, Media]:
    """Return the rungs up to this one, as one conversation."""
    describe = Describe(target, credentials if credentials is not None else target.credentials)
    return Options(target), describe, Media(target, describe)


async def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> ProbeResult:
    """Connect, ask OPTIONS, DESCRIBE, SETUP and PLAY, and wait for packets; `credentials` go before the target's."""
    steps = exchanges(target, credentials)
    return await climb(target, steps, timeout_s=timeout_s, allowed=allowed, begin=opening(steps[-1], MAX_BYTES))
