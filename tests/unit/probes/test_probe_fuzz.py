"""Whatever a device sends, parsers raise nothing but their own error, end, and hold little memory. Seeded.

20,000 inputs per test; CAMSLA_FUZZ=1000000 for the soak.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from monitor.model import Reason, Rung
from monitor.probes import media
from monitor.probes.decoder import MAX_PICTURE, look
from monitor.probes.decoders import Decoded, DecodeJob
from monitor.probes.digest import parse_challenges
from monitor.probes.exchange import Picture
from monitor.probes.frame import MAX_ATTEMPTS, Frame, collector_of
from monitor.probes.nal import MAX_KEPT
from monitor.probes.result import Note
from monitor.probes.rtp import Arrivals, parse
from monitor.probes.sdp import MAX_FORMATS, Track, parameter_sets, video_track
from monitor.probes.session import base_of, control_url, session_of, transport_of
from monitor.probes.stream import StreamClimb
from monitor.probes.target import Credentials, Target
from tests.servers.clip import encoded
from tests.servers.mutation import COUNT, MAX_GROWTH, mutated, resident
from tests.servers.rtp import interleaved, packet, packets
from tests.servers.streaming import SDP

pytestmark = pytest.mark.timeout(max(120, COUNT // 200))
TARGET = Target.parse("rtsp://10.0.0.1/live")
LOGIN = Credentials("camera", "canary")


@contextmanager
def little_memory(what: str) -> Iterator[None]:
    """Compare resident memory before and after; the first part warms caches."""
    before = resident()
    yield
    grown = resident() - before
    print(f"{what}: {COUNT:,} inputs, {grown / 1024 / 1024:+.1f} MiB resident")
    assert grown < MAX_GROWTH


DESCRIPTIONS = [
    SDP.encode(),
    b"v=0\no=- 1 1 IN IP4 0.0.0.0\na=control:rtsp://10.9.9.9/x\nm=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 96 97 26\n"
    b"a=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAFdoR7AWoMDA1KA==,aM48gA==\n"
    b"a=rtpmap:97 H265/90000\na=fmtp:97 sprop-vps=QAEM; sprop-sps=QgEB; sprop-pps=RAHA; sprop-max-don-diff=1\n"
    b"a=control:trackID=1\na=x-dimensions:640,480\na=framesize:96 640-480\n",
    b"m=video 0 RTP/AVP 26\r\na=control:*\r\n",
]


def test_descriptions() -> None:
    rng = random.Random(1)
    tracks = addresses = 0
    with little_memory("descriptions"):
        for _ in range(COUNT):
            track = video_track(mutated(rng, rng.choice(DESCRIPTIONS)))
            if track is None:
                continue
            tracks += 1
            assert 0 < len(track.encodings) <= MAX_FORMATS
            assert all(0 <= kind < 128 for kind in track.encodings)
            for parameters in track.parameters.values():
                parameter_sets(parameters)
            for control in (track.control, track.session_control):
                url = control_url(TARGET, base_of(TARGET, [control], []), control)
                if url is not None:
                    addresses += 1
                    assert (
                        url.startswith("rtsp://10.0.0.1/") or url in {"rtsp://10.0.0.1", TARGET.uri} or url[15] in "?#"
                    ), url
                    assert url.isascii()
                    assert not any(letter.isspace() or not letter.isprintable() for letter in url)
    assert COUNT > tracks > COUNT // 5
    assert addresses > COUNT // 5


HEADERS = [
    b"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=9D8D821A;mode=PLAY",
    b"RTP/AVP;unicast;client_port=59844-59845;server_port=53415-53416;source=10.0.0.1,RTP/AVP;multicast",
    b"ABC;timeout=65",
    b"7e1c2f0e-53c8-4a0f-9e3b-6d0f2f6a1b7c",
    b'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=MD5, stale=true, Basic realm="x"',
]


def test_headers_of_a_session() -> None:
    rng = random.Random(2)
    kinds = {True: 0, False: 0}
    with little_memory("headers"):
        for _ in range(COUNT):
            text = mutated(rng, rng.choice(HEADERS)).decode("latin-1").replace("\n", "")
            name, transport = session_of([text]), transport_of([text])
            kinds[transport is None] += 1
            assert name == "" or (name.isascii() and name.isprintable() and ";" not in name and " " not in name)
            assert transport is None or transport.channel is None or 0 <= transport.channel < 256
            parse_challenges([text])
    assert min(kinds.values()) > COUNT // 10


CODECS = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}
STREAMS = {codec: list(packets(codec, encoded(codec, frames=4), size=60)) for codec in CODECS}


def test_packets() -> None:
    rng = random.Random(3)
    sources = [data for stream in STREAMS.values() for data in stream] + [b"\xb3\x60" + bytes(40)]
    kinds = {True: 0, False: 0}
    arrivals = Arrivals({96})
    with little_memory("packets"):
        for _ in range(COUNT):
            data = mutated(rng, rng.choice(sources))
            parsed = parse(data)
            kinds[parsed is None] += 1
            assert parsed is None or 0 < len(parsed.payload) < len(data)
            arrivals.add(data)
            assert len(arrivals._seen) <= 8
    assert min(kinds.values()) > COUNT // 50


@pytest.mark.parametrize("codec", CODECS)
def test_pictures(codec: str) -> None:
    rng = random.Random(4)
    stream = STREAMS[codec]
    keys: list[bytes] = []
    made = collector_of(Track({96: CODECS[codec]}, {96: {}}), 96)
    assert made is not None
    spoiled = 0
    with little_memory(codec):
        for number in range(COUNT):
            data = stream[number % len(stream)]
            if rng.random() < 0.1:
                data = mutated(rng, data, most=2)
            if rng.random() < 0.02:
                continue
            parsed = parse(data)
            if parsed is None:
                continue
            key = made.push(parsed)
            if key is not None:
                assert len(key) <= MAX_PICTURE + MAX_KEPT * 8192
                keys = [*keys[-50:], key] if len(keys) < COUNT // 50 else keys
        spoiled = made.spoiled
    assert spoiled > 10
    assert len(keys) > 10
    for key in keys[:40]:
        assert "error" in look(codec, key, 8)[0]


def replies(rng: random.Random) -> Callable[[bytes], list[bytes]]:
    """Return a device: for what is asked, pieces of an answer with something wrong in it, more often than not."""
    streams = [STREAMS["h264"], STREAMS["hevc"], [packet(n, b"abc") for n in range(6)]]

    def answer(request: bytes) -> list[bytes]:
        method = request.split(b" ", 1)[0]
        body = rng.choice(DESCRIPTIONS) if method == b"DESCRIBE" else b""
        status = rng.choice([b"200 OK"] * 12 + [b"401 U", b"404 N", b"461 U", b"503 S", b"302 M", b"454 S", b"999 x"])
        head = b"RTSP/1.0 " + status + b"\r\nCSeq: 1\r\n"
        if status[:1] == b"4":
            head += b'WWW-Authenticate: Digest realm="r", nonce="n%d", stale=true\r\n' % rng.randrange(9)
        if method == b"SETUP":
            head += b"Transport: " + rng.choice(HEADERS[:2]) + b"\r\nSession: " + rng.choice(HEADERS[2:4]) + b"\r\n"
        if method == b"DESCRIBE":
            head += rng.choice([b"", b"Content-Base: rtsp://10.0.0.1/live/\r\n", b"Content-Base: x\r\n"])
        whole = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
        if method == b"PLAY":
            whole += b"".join(interleaved(data) for data in rng.choice(streams)[:30])
        if rng.random() < 0.15:
            whole = mutated(rng, whole)
        cut = rng.randrange(len(whole) + 1)
        return [whole[:cut], whole[cut:]]

    return answer


class Wire(asyncio.Transport):
    """A connection in memory: what is written is kept until the device is asked for its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.open = True

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.open = False


class InMemory(StreamClimb):
    """No UDP sockets here."""

    def open_ports(self) -> int | None:
        return 5004


def test_whole_conversations() -> None:
    """Conversations up to rung frame over a connection in memory, pictures decoded or not as it comes."""
    rng = random.Random(5)
    ends: dict[tuple[Rung, Reason], int] = {}
    asked = inputs = 0
    complaints: list[dict[str, Any]] = []

    def decode(picture: Picture, within_s: float) -> DecodeJob:
        job = DecodeJob(picture, within_s, 0)
        job.started = True
        job.future = asyncio.get_running_loop().create_future()
        job.future.set_result(Decoded(8, 8) if rng.random() < 0.5 else Decoded(error="x"))
        return job

    async def converse() -> None:
        nonlocal asked, inputs
        device = replies(rng)
        steps = media.exchanges(TARGET, rng.choice([None, LOGIN]))
        frame = Frame(steps[-1])
        wire, setting = Wire(), Note("#", b"")
        climber = InMemory((*steps, frame), 30.0, setting, steps[-1], 1 << 20, decode)
        climber.connection_made(wire)
        for _ in range(40):
            if not wire.written or not wire.open:
                break
            requests, wire.written = wire.written, []
            for request in requests:
                asked += 1
                for piece in device(request):
                    inputs += 1
                    climber.data_received(piece)
            await asyncio.sleep(0)
        else:
            pytest.fail("the conversation goes on and on")
        for last in (
            rng.choice([climber.end_late, lambda: climber.connection_lost(None), climber.eof_received]),
            climber._gone,
        ):
            if not climber.finished:
                last()
        assert climber.finished
        assert frame._attempts <= MAX_ATTEMPTS
        assert all(b"canary" not in note.text for step in climber.steps for note in step.notes)
        last = climber.steps[-1]
        ends[Rung(last.name), last.reason] = ends.get((Rung(last.name), last.reason), 0) + 1

    async def work() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        while inputs < COUNT:
            await converse()

    with little_memory("conversations"):
        asyncio.run(work())
    print({f"{rung} {reason}": count for (rung, reason), count in sorted(ends.items())})
    assert not complaints, complaints[0]
    assert {rung for rung, _ in ends} >= {Rung.RTSP, Rung.DESCRIBE, Rung.MEDIA, Rung.FRAME}
    assert {Reason.OK, Reason.NO_MEDIA, Reason.BAD_REPLY, Reason.AUTH_UNKNOWN, Reason.NOT_FOUND} <= {r for _, r in ends}
    assert asked > COUNT // 10
