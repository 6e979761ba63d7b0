"""Rung media against a scripted device: what proves media, what does not, and that TEARDOWN always comes. Both loops."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any

import pytest

from monitor.model import Reason, Rung, State
from monitor.probes.media import MAX_BYTES
from monitor.probes.registry import probe
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target
from tests.servers.loops import Run, runner
from tests.servers.rtp import interleaved, packet
from tests.servers.scripted import Peer, Scripted, scripted
from tests.servers.streaming import SDP, SOME_PACKETS, Camera, asked, header, methods, signed

LOGIN = Credentials("camera", "canary-secret")
SHORT_S = 0.6
LADDER = ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN"]


def probed(run: Run[Any], camera: Camera, path: str = "/live", **options: Any) -> tuple[ProbeResult, Scripted]:
    async def once() -> ProbeResult:
        target = Target.parse(f"rtsp://127.0.0.1:{device.port}{path}")
        return await probe(target, Rung.MEDIA, **{"timeout_s": 30.0, **options})

    with scripted(camera) as device:
        result: ProbeResult = run(once())
    return result, device


def verdict(result: ProbeResult) -> tuple[State, Rung, Reason]:
    return result.state, result.rung, result.reason


NO_MEDIA = (State.OFFLINE, Rung.MEDIA, Reason.NO_MEDIA)
ONLINE = (State.ONLINE, Rung.MEDIA, Reason.OK)


def test_packets_prove_media_and_the_session_is_left(run: Run[Any]) -> None:
    result, device = probed(run, Camera())
    assert verdict(result) == ONLINE
    assert methods(device.requests) == LADDER
    assert [step.name for step in result.steps] == ["tcp", "rtsp", "describe", "media"]
    assert header(device.requests[2], "Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert [header(request, "Session") for request in device.requests[2:]] == ["", "ABC", "ABC"]
    assert any("packets of the track" in line for line in result.steps[-1].log)
    assert any(line.startswith("> TEARDOWN") for line in result.steps[-1].log)


def test_a_200_to_play_with_nothing_behind_it_is_no_media(run: Run[Any]) -> None:
    result, device = probed(run, Camera(stream=()), timeout_s=SHORT_S)
    assert verdict(result) == NO_MEDIA
    assert methods(device.requests) == LADDER
    assert any("0 packets of the track" in line for line in result.steps[-1].log)


def test_play_may_be_answered_without_any_session(run: Run[Any]) -> None:
    result, device = probed(run, Camera(session=""))
    assert verdict(result) == ONLINE
    assert "Session" not in device.requests[3]
    assert methods(device.requests) == LADDER
    assert any("names no session" in line for line in result.steps[-1].log)


def garbage() -> Iterator[bytes]:
    rng = random.Random(3)
    for _ in range(300):
        yield rng.randbytes(rng.randint(0, 300))


def short_packets() -> list[bytes]:
    return [packet(n, b"") for n in range(20)]


WRONG = {
    "garbage": (tuple(garbage()), 0, "not RTP"),
    "another payload type": (tuple(packet(n, b"x" * 9, kind=8) for n in range(20)), 0, "20 of other payload types"),
    "another channel": (SOME_PACKETS, 1, "5 on other channels"),
    "headers with nothing behind": (tuple(short_packets()), 0, "20 not RTP"),
    "one packet over and over": ((packet(7, b"abc"),) * 50, 0, "50 packets of the track"),
    "two packets": (SOME_PACKETS[:2], 0, "2 packets of the track"),
    "another source each time": (tuple(packet(n, b"abc", source=n) for n in range(50)), 0, "50 packets of the track"),
    "numbers far apart": (tuple(packet(n * 9_000, b"abc") for n in range(20)), 0, "20 packets of the track"),
}


@pytest.mark.parametrize(("stream", "channel", "said"), WRONG.values(), ids=WRONG)
def test_what_is_no_media_of_the_track(stream: tuple[bytes, ...], channel: int, said: str) -> None:
    result, device = probed(runner("uvloop"), Camera(stream=stream, channel=channel), timeout_s=SHORT_S)
    assert verdict(result) == NO_MEDIA
    assert any(said in line for line in result.steps[-1].log), result.steps[-1].log
    assert methods(device.requests) == LADDER


def test_raw_bytes_instead_of_frames_are_a_bad_reply_and_the_session_is_left(run: Run[Any]) -> None:
    result, device = probed(run, Camera(raw=b"\x00\x00\x01\xb3 no RTSP at all", stream=()))
    assert verdict(result) == (State.OFFLINE, Rung.MEDIA, Reason.BAD_REPLY)
    assert methods(device.requests) == LADDER


def test_a_flood_of_other_things_ends_at_the_limit(run: Run[Any]) -> None:
    flood = (packet(n, bytes(60_000), kind=8) for n in range(10_000))
    result, device = probed(run, Camera(stream=flood))
    assert verdict(result) == NO_MEDIA
    assert any(str(MAX_BYTES) in line for line in result.steps[-1].log)
    assert device.sent < 64 * 1024 * 1024


def test_empty_frames_without_end_are_a_bad_reply(run: Run[Any]) -> None:
    result, _ = probed(run, Camera(raw=b"$\0\0\0" * 40_000, stream=()))
    assert verdict(result) == (State.OFFLINE, Rung.MEDIA, Reason.BAD_REPLY)


def test_packets_count_even_before_play_is_answered(run: Run[Any]) -> None:
    result, device = probed(run, Camera(answer_play=False))
    assert verdict(result) == ONLINE
    assert methods(device.requests) == LADDER


def silent(peer: Peer) -> None:
    peer.wait_for_close()


def hang_up(peer: Peer) -> None:
    peer.reset()


@pytest.mark.parametrize("end", [silent, hang_up])
@pytest.mark.parametrize("stream", [SOME_PACKETS, ()], ids=["media", "none"])
def test_teardown_may_go_unanswered(run: Run[Any], end: Any, stream: tuple[bytes, ...]) -> None:
    result, device = probed(run, Camera(end=end, stream=stream), timeout_s=SHORT_S)
    assert verdict(result) == (ONLINE if stream else NO_MEDIA)
    assert methods(device.requests) == LADDER


@pytest.mark.parametrize("stream", [(), SOME_PACKETS[:1]], ids=["silence", "one packet"])
def test_cancellation_leaves_the_session(run: Run[Any], stream: tuple[bytes, ...]) -> None:
    async def cancelled() -> bool:
        loop, playing = asyncio.get_running_loop(), asyncio.Event()

        def heard() -> None:
            if methods(device.requests)[-1] == "PLAY":
                loop.call_soon_threadsafe(playing.set)

        device.heard = heard
        work = asyncio.ensure_future(probe(Target.parse(f"127.0.0.1:{device.port}"), Rung.MEDIA, timeout_s=60))
        await playing.wait()
        work.cancel()
        await asyncio.wait([work])
        return work.cancelled()

    with scripted(Camera(stream=stream)) as device:
        assert run(cancelled())
    assert methods(device.requests) == LADDER


def test_cancellation_while_leaving_is_obeyed(run: Run[Any]) -> None:
    async def cancelled() -> bool:
        loop, leaving = asyncio.get_running_loop(), asyncio.Event()

        def heard() -> None:
            if methods(device.requests)[-1] == "TEARDOWN":
                loop.call_soon_threadsafe(leaving.set)

        device.heard = heard
        work = asyncio.ensure_future(probe(Target.parse(f"127.0.0.1:{device.port}"), Rung.MEDIA, timeout_s=60))
        await leaving.wait()
        work.cancel()
        await asyncio.wait([work])
        return work.cancelled()

    with scripted(Camera(end=silent)) as device:
        assert run(cancelled())
    assert methods(device.requests) == LADDER


SESSIONS = {
    "ABC": "ABC",
    "ABC;timeout=65": "ABC",
    "ABC ; timeout=65": "ABC",
    "7e1c2f0e-53c8-4a0f-9e3b-6d0f2f6a1b7c;timeout=60": "7e1c2f0e-53c8-4a0f-9e3b-6d0f2f6a1b7c",
    "+a$b-c_d.e": "+a$b-c_d.e",
}


@pytest.mark.parametrize(("given", "used"), SESSIONS.items())
def test_the_sessions_name_is_sent_back_without_its_parameters(run: Run[Any], given: str, used: str) -> None:
    result, device = probed(run, Camera(session=given))
    assert verdict(result) == ONLINE
    assert [header(request, "Session") for request in device.requests[3:]] == [used, used]


TRANSPORTS = {
    "": 0,
    "RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=9D8D821A;mode=PLAY": 0,
    'RTP/AVP/TCP;unicast;destination=10.9.9.9;source=10.8.8.8;interleaved=2-3;mode="play"': 2,
    "rtp/avp/tcp; unicast; interleaved=4": 4,
    "RTP/AVP;unicast;interleaved=6-7": 6,
    "RAW/RAW/UDP;unicast,RTP/AVP/TCP;interleaved=0-1": 0,
}


@pytest.mark.parametrize(("given", "channel"), TRANSPORTS.items())
def test_what_the_transport_grants_is_followed(run: Run[Any], given: str, channel: int) -> None:
    result, _ = probed(run, Camera(transport=given, channel=channel))
    assert verdict(result) == ONLINE


BASE = "Content-Base: rtsp://HOST/live"
CONTROLS = {
    "relative, no base": ("track1", (), "/live/track1", "/live"),
    "relative, base with slash": ("track1", (BASE + "/",), "/live/track1", "/live/"),
    "relative, base without slash": ("track1", (BASE,), "/live/track1", "/live"),
    "relative, Content-Location": ("track1", ("Content-Location: rtsp://HOST/live/",), "/live/track1", "/live/"),
    "absolute": ("rtsp://HOST/live/trackID=0", (BASE,), "/live/trackID=0", "/live"),
    "absolute path": ("/streams/1", (BASE,), "/streams/1", "/live"),
    "star": ("*", (BASE + "/",), "/live/", "/live/"),
    "none at all": ("", (), "/live", "/live"),
    "a query in the base": ("trackID=1", ("Content-Base: rtsp://HOST/cam?channel=1/",), "/cam?channel=1/trackID=1", "/cam?channel=1/"),
    "a base that is none": ("track1", ("Content-Base: nonsense",), "/live/track1", "/live"),
    "a blank": ("my track", (), "/live/my%20track", "/live"),
    "another host": ("rtsp://10.9.9.9:554/live/inner", (), "/live/inner", "/live"),
    "another host in the base": ("track1", ("Content-Base: rtsp://10.9.9.9/live/",), "/live/track1", "/live/"),
    "a login in it": ("rtsp://u:p@10.9.9.9/live/inner", (), "/live/inner", "/live"),
}  # fmt: skip


@pytest.mark.parametrize(("control", "headers", "setup", "play"), CONTROLS.values(), ids=CONTROLS)
def test_control_addresses(run: Run[Any], control: str, headers: tuple[str, ...], setup: str, play: str) -> None:
    async def once() -> ProbeResult:
        host = f"127.0.0.1:{device.port}"
        camera.sdp = camera.sdp.replace("HOST", host)
        camera.described = tuple(text.replace("HOST", host) for text in headers)
        return await probe(Target.parse(f"rtsp://{host}/live"), Rung.MEDIA, timeout_s=30)

    line = f"a=control:{control}\r\n" if control else ""
    camera = Camera(sdp=SDP.replace("a=control:track1\r\n", line))
    with scripted(camera) as device:
        result = run(once())
        assert device.connections == 1  # whatever host was named, nothing else is connected to
    place = f"rtsp://127.0.0.1:{device.port}"
    assert verdict(result) == ONLINE
    assert asked(device.requests, "SETUP") == [place + setup]
    assert asked(device.requests, "PLAY") == asked(device.requests, "TEARDOWN") == [place + play]


def test_a_session_control_is_what_plays(run: Run[Any]) -> None:
    sdp = SDP.replace("s=x\r\n", "s=x\r\na=control:rtsp://10.9.9.9/all\r\n")
    result, device = probed(run, Camera(sdp=sdp))
    assert verdict(result) == ONLINE
    assert asked(device.requests, "PLAY") == [f"rtsp://127.0.0.1:{device.port}/all"]
    assert any("only its path is used" in line for line in result.steps[-1].log)


@pytest.mark.parametrize("control", ["http://127.0.0.1/x", "file:///etc/passwd", "a\x07b", "x" * 5000])
def test_a_control_address_that_is_none(run: Run[Any], control: str) -> None:
    result, device = probed(run, Camera(sdp=SDP.replace("track1", control)))
    assert verdict(result) == (State.OFFLINE, Rung.MEDIA, Reason.BAD_REPLY)
    assert methods(device.requests) == ["OPTIONS", "DESCRIBE"]


AUDIO = "m=audio 0 RTP/AVP 8\r\na=control:track0\r\n"
SECOND = "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=control:track2\r\n"


@pytest.mark.parametrize("sdp", [SDP.replace("m=video", AUDIO + "m=video"), SDP + SECOND, SDP + AUDIO])
def test_the_first_video_track_is_chosen(run: Run[Any], sdp: str) -> None:
    result, device = probed(run, Camera(sdp=sdp))
    assert verdict(result) == ONLINE
    assert asked(device.requests, "SETUP") == [f"rtsp://127.0.0.1:{device.port}/live/track1"]


def test_udp_after_interleaving_was_refused(run: Run[Any]) -> None:
    camera = Camera(udp_from="127.0.0.1", transport="RTP/AVP/UDP;unicast;client_port=PORT;server_port=9-10;mode=play")
    result, device = probed(run, camera)
    assert verdict(result) == ONLINE
    assert methods(device.requests) == ["OPTIONS", "DESCRIBE", "SETUP", *LADDER[2:]]
    ports = header(device.requests[3], "Transport").partition("client_port=")[2].split("-")
    assert int(ports[0]) % 2 == 0
    assert int(ports[1]) == int(ports[0]) + 1


@pytest.mark.parametrize("udp_from", ["", "127.0.0.1"])
def test_the_loops_own_transports_serve_as_well(run: Run[Any], monkeypatch: pytest.MonkeyPatch, udp_from: str) -> None:
    monkeypatch.setattr("monitor.probes.sockets.AVAILABLE", False)
    transport = "RTP/AVP;unicast;client_port=PORT" if udp_from else "RTP/AVP/TCP;unicast;interleaved=0-1"
    result, device = probed(run, Camera(udp_from=udp_from, transport=transport))
    assert verdict(result) == ONLINE
    assert methods(device.requests)[-1] == "TEARDOWN"


@pytest.mark.parametrize("extra", ["", ";source=127.0.0.2", ";destination=127.0.0.3;source=127.0.0.2"])
def test_udp_from_another_address_does_not_count(run: Run[Any], extra: str) -> None:
    camera = Camera(udp_from="127.0.0.2", transport="RTP/AVP;unicast;client_port=PORT" + extra)
    result, device = probed(run, camera, timeout_s=SHORT_S)
    assert verdict(result) == NO_MEDIA
    assert any("5 datagrams from other addresses" in line for line in result.steps[-1].log)
    assert methods(device.requests)[-1] == "TEARDOWN"


@pytest.mark.parametrize("stream", [tuple(garbage()), (b"",) * 20], ids=["garbage", "empty"])
def test_garbage_over_udp_is_no_media(run: Run[Any], stream: tuple[bytes, ...]) -> None:
    camera = Camera(udp_from="127.0.0.1", transport="RTP/AVP;unicast;client_port=PORT", stream=stream)
    result, _ = probed(run, camera, timeout_s=SHORT_S)
    assert verdict(result) == NO_MEDIA


def test_a_device_that_grants_udp_though_asked_for_interleaving_is_asked_for_udp(run: Run[Any]) -> None:
    result, device = probed(run, Camera(transport="RTP/AVP;unicast;client_port=0-1"), timeout_s=SHORT_S)
    assert verdict(result) == NO_MEDIA  # it goes on to send elsewhere
    assert methods(device.requests).count("SETUP") == 2
    assert "client_port" in header(device.requests[3], "Transport")


def test_no_udp_ports_is_our_own_trouble(run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.probes.stream._two_ports", lambda _: ())
    result, _ = probed(run, Camera(udp_from="127.0.0.1"))
    assert verdict(result) == (State.UNKNOWN, Rung.MEDIA, Reason.WATCHER)


STATUSES = {
    "not found": ({"SETUP": ["404 Not Found"]}, Reason.NOT_FOUND, False),
    "no capacity": ({"SETUP": ["453 Not Enough Bandwidth"]}, Reason.NO_MEDIA, False),
    "no transport at all": ({"SETUP": ["461 Unsupported transport"] * 2}, Reason.NO_MEDIA, False),
    "session gone": ({"PLAY": ["454 Session Not Found"]}, Reason.NO_MEDIA, True),
    "pipeline fails": ({"PLAY": ["503 Service Unavailable"] * 2}, Reason.NO_MEDIA, True),
    "redirected": ({"PLAY": ["302 Moved"]}, Reason.BAD_REPLY, True),
    "forbidden": ({"SETUP": ["403 Forbidden"]}, Reason.AUTH_UNKNOWN, False),
    "asks for a login": ({"SETUP": ["401 Unauthorized"]}, Reason.AUTH_UNKNOWN, False),
    "nonsense": ({"PLAY": ["455 Method Not Valid in This State"]}, Reason.BAD_REPLY, True),
}


@pytest.mark.parametrize(("statuses", "reason", "opened"), STATUSES.values(), ids=STATUSES)
def test_what_a_status_means(run: Run[Any], statuses: dict[str, list[str]], reason: Reason, opened: bool) -> None:
    result, device = probed(run, Camera(statuses={method: list(given) for method, given in statuses.items()}))
    assert (result.rung, result.reason) == (Rung.MEDIA, reason)
    assert ("TEARDOWN" in methods(device.requests)) is opened


def test_a_503_that_passes(run: Run[Any]) -> None:
    result, device = probed(run, Camera(statuses={"SETUP": ["503 Service Unavailable"]}))
    assert verdict(result) == ONLINE
    assert methods(device.requests).count("SETUP") == 2


def test_a_connection_lost_after_play_is_no_media(run: Run[Any]) -> None:
    def device(peer: Peer) -> None:
        camera = Camera(stream=())
        camera._play = lambda peer, port: peer.connection.close()  # type: ignore[method-assign]
        try:
            camera(peer)
        except OSError:
            return

    with scripted(device) as server:

        async def once() -> ProbeResult:
            return await probe(Target.parse(f"127.0.0.1:{server.port}"), Rung.MEDIA, timeout_s=30)

        assert verdict(run(once())) == NO_MEDIA


class Guard:
    """Asks for Digest, with a fresh nonce wherever `renew` says so (a request's number)."""

    def __init__(self, *renew: int, password: str = "canary-secret") -> None:
        self.renew = set(renew)
        self.nonce = "n0"
        self.password = password
        self.seen: list[tuple[str, str]] = []

    def __call__(self, request: str, number: int) -> str | None:
        if request.startswith("OPTIONS"):
            return None
        nonce, count, right = signed(request, self.password)
        self.seen.append((nonce, count))
        if number in self.renew:
            self.renew.discard(number)
            self.nonce = f"n{number}"
            return self.nonce
        return None if right and nonce == self.nonce else self.nonce


def test_one_nonce_serves_the_conversation_and_is_counted_on(run: Run[Any]) -> None:
    guard = Guard()
    result, device = probed(run, Camera(digest=guard), credentials=LOGIN)
    assert verdict(result) == ONLINE
    assert result.auth == "digest"
    assert guard.seen == [("", ""), *(("n0", f"{n:08x}") for n in (1, 2, 3, 4))]
    assert methods(device.requests) == ["OPTIONS", "DESCRIBE", *LADDER[1:]]
    assert "canary" not in repr(result)


@pytest.mark.parametrize("number", [4, 5, 6], ids=["SETUP", "PLAY", "TEARDOWN"])
def test_a_fresh_challenge_later_on_is_answered_once(run: Run[Any], number: int) -> None:
    guard = Guard(number)
    result, _ = probed(run, Camera(digest=guard), credentials=LOGIN)
    assert verdict(result) == ONLINE
    assert guard.seen[-1][0] == f"n{number}"


def test_a_second_fresh_challenge_is_not_answered(run: Run[Any]) -> None:
    guard = Guard(4, 6)  # SETUP, then PLAY
    result, device = probed(run, Camera(digest=guard), credentials=LOGIN)
    assert verdict(result) == (State.UNKNOWN, Rung.MEDIA, Reason.AUTH_REJECTED)
    assert methods(device.requests).count("PLAY") == 1
    assert methods(device.requests)[-1] == "TEARDOWN"


def test_a_login_asked_for_at_setup_only(run: Run[Any]) -> None:
    def late(request: str, number: int) -> str | None:
        return guard(request, number) if number > 2 else None

    guard = Guard()
    assert verdict(probed(run, Camera(digest=late), credentials=LOGIN)[0]) == ONLINE
    guard = Guard(password="another")
    result, device = probed(run, Camera(digest=late), credentials=LOGIN)
    assert verdict(result) == (State.UNKNOWN, Rung.MEDIA, Reason.AUTH_REJECTED)
    assert sum("Authorization" in request for request in device.requests) == 1


def test_frames_before_and_between_replies_do_no_harm(run: Run[Any]) -> None:
    def device(peer: Peer) -> None:
        for extra in (b"", b"", interleaved(b"early"), SOME_PACKETS[0] and interleaved(SOME_PACKETS[0])):
            request = peer.read()
            peer.send(extra)
            body = SDP.encode() if request.startswith("DESCRIBE") else b""
            peer.reply("200 OK", "Session: 1", body=body)
        peer.send(b"".join(interleaved(data) for data in SOME_PACKETS))
        peer.read()
        peer.reply("200 OK")
        peer.wait_for_close()

    with scripted(device) as server:

        async def once() -> ProbeResult:
            return await probe(Target.parse(f"127.0.0.1:{server.port}"), Rung.MEDIA, timeout_s=30)

        assert verdict(run(once())) == ONLINE
        assert methods(server.requests) == LADDER
