"""Rung `frame`: a key frame of the stream decodes.

On the session that proved media: packets are put together to key frames, with the parameter sets of the session
description and those in the stream before them, and decoded in a worker process.

| what happens                                        | reason   | why                                                  |
| --------------------------------------------------- | -------- | ---------------------------------------------------- |
| a picture comes out                                 | ok       |                                                      |
| none until the deadline, or none of five attempts   | no-media | packets flow, but nobody could see anything in them  |
| an encoding other than H.264, H.265 and JPEG        | watcher  | we cannot look, so we know nothing about the picture |
| all decoders busy until the deadline, none to start | watcher  | our own trouble                                      |
| the first picture is being decoded at the deadline  | watcher  | it came in time; that we were slow says nothing      |
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.model import Reason, Rung
from monitor.probes import decoders, media
from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.decoders import Decoded
from monitor.probes.exchange import Move, Picture
from monitor.probes.jpeg import Jpeg
from monitor.probes.media import Media
from monitor.probes.nal import H264, H265, Collector
from monitor.probes.result import ProbeResult
from monitor.probes.rtp import Packet
from monitor.probes.rtsp_wire import Reply
from monitor.probes.sdp import Track, parameter_sets
from monitor.probes.stream import opening
from monitor.probes.target import Credentials, Target

MAX_BYTES = 16 * 1024 * 1024
"""Bytes read per probe: several key frames of the largest cameras."""
MAX_ATTEMPTS = 5
CODECS = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}


def collector_of(track: Track, kind: int) -> Collector | None:
    """Return what makes key frames of a payload type's packets; None for an encoding we cannot decode."""
    parameters = track.parameters.get(kind, {})
    match track.encodings.get(kind):
        case "H264":
            return H264(parameter_sets(parameters))
        case "H265":
            return H265(parameter_sets(parameters), don=parameters.get("sprop-max-don-diff", "0") not in {"", "0"})
        case "JPEG":
            return Jpeg(track.size)
    return None


class Frame:
    """The exchange of this rung, on a media session. `picture` is what was decoded, once the rung is proven."""

    rung = Rung.FRAME

    def __init__(self, session: Media) -> None:
        self._media = session
        self._collector: Collector | None = None
        self._kind = self._source = -1
        self._waiting: Picture | None = None  # the newest key frame
        self._begun = self._decoding = False
        self._attempts = 0
        self._error = ""
        self.picture: Decoded | None = None
        session.keep = self._keep

    @property
    def auth(self) -> str:
        """The login scheme used."""
        return self._media.auth

    def begin(self) -> Move:
        self._begun = True
        track = self._media.track
        if track is None or self._collector is None:
            encodings = ", ".join((track.encodings if track else {}).values())
            self._media.note(f"本系统不能解码此编码 an encoding that we do not decode: {encodings or '?'}")
            return Reason.WATCHER
        return self._next()

    def answer(self, reply: Reply) -> Move:
        """Take a reply that the session still waited for."""
        return self._media.answer(reply)

    def packet(self, channel: int | None, data: bytes) -> Move:
        """Take what arrived; a picture to decode if a key frame is whole."""
        self._media.take(channel, data)
        return self._next()

    def decoded(self, outcome: Decoded) -> Move:
        """Take what came of the picture handed out last."""
        self._decoding = False
        if not outcome.error:
            self.picture = outcome
            self._media.note(f"解码成功 decoded: {self._codec} {outcome.width}x{outcome.height}")
            return Reason.OK
        self._error = outcome.error
        if outcome.ours:
            self._media.note(f"本系统未能解码 we could not decode: {outcome.error}")
            return Reason.WATCHER
        if self._attempts >= MAX_ATTEMPTS:
            note, reason = self.silent()
            self._media.note(note)
            return reason
        return self._next()

    def silent(self) -> tuple[str, Reason]:
        """Say why and judge when the deadline comes."""
        if self._decoding and not self._error:
            return "截止时画面仍在解码 still decoding at the deadline", Reason.WATCHER
        spoiled = self._collector.spoiled if self._collector is not None else 0
        text = (
            f"有数据包但没有解出画面 packets but no picture: {self._media.counted}; {self._attempts} key frames tried, "
            f"{spoiled} pictures incomplete"
        )
        return f"{text}, {self._error}" if self._error else text, Reason.NO_MEDIA

    def cut_off(self) -> Reason:
        """Judge a connection that ended."""
        return Reason.NO_MEDIA

    @property
    def _codec(self) -> str:
        track = self._media.track
        return CODECS.get(track.encodings.get(self._kind, ""), "") if track is not None else ""

    def _keep(self, packet: Packet) -> None:
        """Feed a packet of the track; the source and payload type that come first are followed."""
        if self._collector is None:
            track = self._media.track
            self._collector = collector_of(track, packet.kind) if track is not None else None
            self._kind, self._source = packet.kind, packet.source
        if self._collector is not None and (packet.kind, packet.source) == (self._kind, self._source):
            data = self._collector.push(packet)
            if data is not None:
                self._waiting = Picture(self._codec, data)

    def _next(self) -> Move:
        if self._waiting is None or self._decoding or not self._begun:
            return None
        picture, self._waiting = self._waiting, None
        self._decoding = True
        self._attempts += 1
        return picture


async def look(
    target: Target,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
    thumbnail_px: int = 0,
) -> tuple[ProbeResult, Decoded | None]:
    """Probe up to this rung; with the verdict, return the picture's size (and a grey thumbnail that many pixels wide)."""
    pool = decoders.shared()
    pool.warm()
    steps = media.exchanges(target, credentials)
    frame = Frame(steps[-1])

    def decode(picture: Picture, within_s: float) -> decoders.DecodeJob:
        return pool.decode(picture, within_s, thumbnail_px)

    begin = opening(steps[-1], MAX_BYTES, decode)
    result = await climb(target, (*steps, frame), timeout_s=timeout_s, allowed=allowed, begin=begin)
    return result, frame.picture


async def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> ProbeResult:
    """Connect, ask, play, and decode a picture; `credentials` go before the target's."""
    return (await look(target, credentials=credentials, timeout_s=timeout_s, allowed=allowed))[0]
