"""One fake camera: who it is, what it answers to RTSP requests when nothing is wrong.

It speaks OPTIONS, DESCRIBE, GET_PARAMETER and TEARDOWN and offers one H.264 video track. What it does when something
is wrong stands in misbehaviour.py; the connection that carries both in connection.py.
"""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Callable, Mapping

from simulators import auth, h264, rtsp
from simulators.faults import KINDS, Kind

METHODS = ("OPTIONS", "DESCRIBE", "GET_PARAMETER", "TEARDOWN")
REALM = "IP Camera"
SERVER = ("Server", "camsla-simulator/1")


class Camera:
    """A fake camera's identity, its lock, and the faults it suffers now (numbers from 1 within the fleet)."""

    def __init__(self, number: int, seed: int, host: str, port: int, path: str, mode: str) -> None:
        self.number = number
        self.code = f"SIM-{number:05d}"
        self.host = host
        self.path = path
        self.url = f"rtsp://{host}:{port}{path}"
        rng = random.Random(f"camera/{seed}/{number}")
        password = "".join(rng.choices(string.ascii_letters + string.digits, k=14)) if mode != "open" else ""
        self.lock = auth.Lock(mode, REALM, "admin" if password else "", password)
        self.nonces = auth.Nonces(f"{seed}/{number}/{password}")
        self.faults: list[str] = []

    @property
    def fault(self) -> str:
        """The fault in force: a closed listener before all, else the one that began last; empty if there is none."""
        closing = [fault for fault in self.faults if KINDS[fault].closes]
        return (closing or self.faults or [""])[-1]

    @property
    def state(self) -> str:
        """What a faithful watcher of the video would have to say now."""
        kind: Kind | None = KINDS.get(self.fault)
        return kind.state if kind else "online"


def find(cameras: Mapping[str, Camera], request: rtsp.Request) -> Camera | None:
    """Return the camera a request is for among those of one address, by path; None if the path is nobody's."""
    if request.path == "*":
        return next(iter(cameras.values()))
    return cameras.get(request.path)


def answer(camera: Camera | None, request: rtsp.Request) -> tuple[bytes, bool]:
    """Return the reply's bytes, and whether the connection closes after it. `camera` None: no such path."""
    cseq = request.headers.get("cseq")
    if cseq is None:
        return rtsp.reply(400, None, [SERVER]), True
    act = _ACTS.get(request.method)
    if act is None:
        return rtsp.reply(405, cseq, [SERVER, ("Allow", ", ".join(METHODS))]), False
    if request.method != "OPTIONS":  # like every server seen in the field, OPTIONS asks for nothing
        if camera is None or camera.fault == "404":
            return rtsp.reply(404, cseq, [SERVER]), False
        refusal = _refusal(camera, request)
        if refusal is not None:
            return rtsp.reply(401, cseq, [SERVER, ("WWW-Authenticate", refusal)]), False
    headers, body = act(camera)
    return rtsp.reply(200, cseq, [SERVER, *headers], body), request.method == "TEARDOWN"


def _refusal(camera: Camera, request: rtsp.Request) -> str | None:
    """Return the challenge if the request's credentials do not open the camera's lock, else None."""
    lock, given = camera.lock, request.headers.get("authorization", "")
    if camera.fault == "401":
        mode = lock.mode if lock.mode != "open" else "digest"
        return auth.challenge(auth.Lock(mode, lock.realm, "", ""), camera.nonces.issue())
    if not auth.admits(lock, given, request.method, request.uri):
        return auth.challenge(lock, camera.nonces.issue())
    nonce = auth.digest_nonce(given)
    if lock.mode.startswith("digest") and not camera.nonces.knows(nonce or ""):
        return auth.challenge(lock, camera.nonces.issue(), stale=True)
    return None


Part = tuple[list[tuple[str, str]], bytes]


def _options(_: Camera | None) -> Part:
    return [("Public", ", ".join(METHODS))], b""


def _describe(camera: Camera | None) -> Part:
    if camera is None:
        raise AssertionError("DESCRIBE without a camera is answered 404 before")
    return [("Content-Base", camera.url + "/"), ("Content-Type", "application/sdp")], description(camera)


def _nothing(_: Camera | None) -> Part:
    return [], b""


_ACTS: Mapping[str, Callable[[Camera | None], Part]] = {
    "OPTIONS": _options,
    "DESCRIBE": _describe,
    "GET_PARAMETER": _nothing,
    "TEARDOWN": _nothing,
}


def description(camera: Camera) -> bytes:
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
        "a=control:trackID=1",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()
