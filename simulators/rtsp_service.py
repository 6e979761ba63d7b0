"""What a fake camera answers to RTSP requests: one H.264 video track, over the connection or by UDP.

What goes wrong by bytes and time stands in conversation.py and misbehaviour.py; here are the faults of answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulators import auth, h264, misbehaviour, rtsp
from simulators.conversation import Conversation, Reply
from simulators.device import Camera
from simulators.house import House
from simulators.session import TIMEOUT_S, Session, Sessions, parse_transport

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER", "TEARDOWN")
SERVER = ("Server", "camsla-simulator/1")
TRACK = "/trackID=1"
SUB_STREAM = "/sub"
"""The path of a camera's second profile, after its own: the same picture."""


def find(cameras: Mapping[str, Camera], request: rtsp.Request) -> Camera | None:
    """Return the camera a request is for among those of one address, by path; None if the path is nobody's."""
    if request.path == "*":
        return next(iter(cameras.values()))
    return cameras.get(request.path.removesuffix(TRACK).removesuffix(SUB_STREAM))


class RtspConversation(Conversation[rtsp.Request]):
    """An RTSP client's connection."""

    def __init__(self, house: House, sessions: Sessions) -> None:
        super().__init__(house)
        self.sessions = sessions

    def connection_lost(self, exc: Exception | None) -> None:
        self.sessions.gone(self)
        super().connection_lost(exc)

    def may_stay(self) -> bool:
        return self.sessions.carried(self)

    def take(self, buffer: bytearray) -> rtsp.Request | None:
        return rtsp.take_request(buffer)

    def refuse(self) -> bytes:
        return rtsp.reply(400, None)

    def fault(self, request: rtsp.Request) -> str:
        # A path that nobody has is still answered by a device, and the device's fault shows on it too.
        camera = find(self.house.cameras, request)
        if camera is not None:
            camera.counts.rtsp_requests += 1
        fault = (camera or next(iter(self.house.cameras.values()))).fault
        if fault == "hang":
            return "" if request.method == "OPTIONS" else "silent"
        return "" if fault == "oversized" and request.method != "DESCRIBE" else fault

    def garble(self, request: rtsp.Request, good: bytes, number: int) -> bytes:
        return misbehaviour.malformed(request, good, number)

    def flood_head(self, request: rtsp.Request, number: int) -> bytes:
        return misbehaviour.flood_head(request, number)

    def answer(self, request: rtsp.Request) -> Reply:
        cseq = request.headers.get("cseq")
        if cseq is None:
            return Reply(rtsp.reply(400, None, [SERVER]), then_close=True)
        act = _ACTS.get(request.method)
        if act is None:
            return Reply(rtsp.reply(405, cseq, [SERVER, ("Allow", ", ".join(METHODS))]))
        if request.method == "OPTIONS":  # like every server seen in the field, OPTIONS asks for nothing
            return Reply(rtsp.reply(200, cseq, [SERVER, ("Public", ", ".join(METHODS))]))
        camera = find(self.house.cameras, request)
        if camera is None or camera.fault == "404":
            return Reply(rtsp.reply(404, cseq, [SERVER]))
        refusal = _refusal(camera, request, self.house)
        if refusal is not None:
            return Reply(rtsp.reply(401, cseq, [SERVER, ("WWW-Authenticate", refusal)]))
        part = act(Asked(self, camera, request))
        reply = rtsp.reply(part.status, cseq, [SERVER, *part.headers], part.body)
        return Reply(reply, then_close=request.method == "TEARDOWN", after=part.after)


class Asked(NamedTuple):
    """A request that may be answered: who asked, which camera, and what."""

    by: RtspConversation
    camera: Camera
    request: rtsp.Request

    def session(self) -> Session | None:
        """Return the session the request names, and keep it alive."""
        session = self.by.sessions.find(self.request.headers.get("session", ""), self.camera)
        if session is not None:
            session.alive()
        return session


class Part(NamedTuple):
    """What distinguishes a reply."""

    status: int = 200
    headers: list[tuple[str, str]] = []  # noqa: RUF012
    body: bytes = b""
    after: Callable[[], None] | None = None


def _refusal(camera: Camera, request: rtsp.Request, house: House) -> str | None:
    """Return the challenge if the request's credentials do not open the camera's lock, else None; count the login."""
    lock, given = camera.lock, request.headers.get("authorization", "")
    if camera.turns_everyone_away():
        if given:
            house.logged_in(camera, good=False)
        mode = lock.mode if lock.mode != "open" else "digest"
        return auth.challenge(auth.Lock(mode, lock.realm, "", ""), camera.nonces.issue())
    if lock.mode == "open":
        return None
    if not auth.admits(lock, given, request.method, request.uri):
        if given:
            house.logged_in(camera, good=False)
        return auth.challenge(lock, camera.nonces.issue())
    nonce = auth.digest_nonce(given)
    if lock.mode != "basic" and not camera.nonces.knows(nonce or ""):
        return auth.challenge(lock, camera.nonces.issue(), stale=True)
    house.logged_in(camera, good=True)
    return None


def _describe(asked: Asked) -> Part:
    camera = asked.camera
    trap = f"rtsp://{asked.by.house.trap}{camera.path}"
    if camera.fault == "redirect":
        return Part(302, [("Location", trap)])
    shown = trap if camera.fault == "off-host-control" else camera.url
    return Part(
        headers=[("Content-Base", shown + "/"), ("Content-Type", "application/sdp")],
        body=description(camera, shown + TRACK if camera.fault == "off-host-control" else TRACK[1:]),
    )


def _setup(asked: Asked) -> Part:
    sessions, headers = asked.by.sessions, asked.request.headers
    if not asked.request.path.endswith(TRACK):
        return Part(459)
    if held := asked.session():
        if held.playing:
            return Part(455)
        sessions.end(held)
    offers = parse_transport(headers.get("transport", ""))
    refused = asked.camera.fault == "461"
    chosen = next((offer for offer in offers if not (refused and offer.interleaved)), None)
    if chosen is None:
        return Part(461)
    peer = asked.by.transport.get_extra_info("peername")[0]
    session = sessions.setup(asked.camera, chosen, asked.by, peer)
    if session is None:
        return Part(453)
    return Part(headers=[("Transport", session.transport_header()), _session_header(session)])


def _session_header(session: Session) -> tuple[str, str]:
    return ("Session", f"{session.identity};timeout={TIMEOUT_S}")


def _play(asked: Asked) -> Part:
    session = asked.session()
    if session is None:
        return Part(454)
    asked.camera.counts.plays += 1
    headers = [_session_header(session), ("Range", "npt=now-"), ("RTP-Info", session.rtp_info())]
    return Part(headers=headers, after=session.play)


def _pause(asked: Asked) -> Part:
    session = asked.session()
    if session is None:
        return Part(454)
    session.pause()
    return Part(headers=[_session_header(session)])


def _parameter(asked: Asked) -> Part:
    session = asked.session()
    return Part(headers=[_session_header(session)] if session else [])


def _teardown(asked: Asked) -> Part:
    session = asked.session()
    if session is not None:
        asked.camera.counts.teardowns += 1
        asked.by.sessions.end(session)
    return Part()


_ACTS: Mapping[str, Callable[[Asked], Part]] = {
    "OPTIONS": _parameter,
    "DESCRIBE": _describe,
    "SETUP": _setup,
    "PLAY": _play,
    "PAUSE": _pause,
    "GET_PARAMETER": _parameter,
    "SET_PARAMETER": _parameter,
    "TEARDOWN": _teardown,
}


def description(camera: Camera, control: str) -> bytes:
    """Return the camera's session description (RFC 4566): one H.264 video track (RFC 6184)."""
    session = int.from_bytes(hashlib.sha256(camera.code.encode()).digest()[:4])
    lines = (
        "v=0",
        f"o=- {session} 1 IN IP4 {camera.host}",
        f"s={camera.code}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
        "m=video 0 RTP/AVP 96",
        "b=AS:2000",
        "a=rtpmap:96 H264/90000",
        f"a=fmtp:96 {h264.format_parameters()}",
        f"a=control:{control}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()
