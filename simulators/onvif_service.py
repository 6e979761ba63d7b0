"""A client's HTTP connection to a fake camera: ONVIF requests and the snapshot.

A login that fails is answered as ONVIF says: HTTP 400 with the SOAP fault ter:NotAuthorized. Tokens are judged by the
camera's own clock, and none is taken twice.
"""

from __future__ import annotations

from simulators import auth, http, jpeg, misbehaviour, onvif, picture, soap
from simulators.conversation import Conversation, Reply
from simulators.device import Camera
from simulators.h264 import HEIGHT_MACROBLOCKS, WIDTH_MACROBLOCKS

_SOAP = "application/soap+xml; charset=utf-8"


class HttpConversation(Conversation[http.Request]):
    """An HTTP client's connection."""

    def take(self, buffer: bytearray) -> http.Request | None:
        return http.take_request(buffer)

    def refuse(self) -> bytes:
        return http.reply(400, "text/plain", b"", [("Connection", "close")])

    def _camera(self, request: http.Request) -> Camera | None:
        channel = onvif.number_in(request.target)
        return next((camera for camera in self.house.cameras.values() if camera.channel == channel), None)

    def fault(self, request: http.Request) -> str:
        camera = self._camera(request) or next(iter(self.house.cameras.values()))
        fault = camera.fault
        return {"hang": "silent", "onvif-malformed": "malformed", "onvif-oversized": "oversized"}.get(fault, fault)

    def garble(self, request: http.Request, good: bytes, number: int) -> bytes:  # noqa: ARG002
        return misbehaviour.malformed_http(good, number)

    def flood_head(self, request: http.Request, number: int) -> bytes:  # noqa: ARG002
        return misbehaviour.flood_head_http(number)

    def answer(self, request: http.Request) -> Reply:
        camera = self._camera(request)
        if camera is None:
            reply = http.reply(404, "text/plain", b"")
        elif request.target.startswith(onvif.SNAPSHOT_PATH):
            reply = self._snapshot(camera, request)
        elif request.method != "POST":
            reply = http.reply(405, "text/plain", b"", [("Allow", "POST")])
        else:
            camera.counts.onvif_requests += 1
            status, body = self._soap(camera, request.body)
            reply = http.reply(status, _SOAP, body)
        return Reply(reply, then_close=not request.keeps_open)

    def _soap(self, camera: Camera, body: bytes) -> tuple[int, bytes]:
        try:
            call = soap.read_call(body)
        except soap.NotSoap:
            return 400, soap.fault("Sender", "WellFormed", "Well-formed Error")
        operation = onvif.OPERATIONS.get((call.namespace, call.name))
        if operation is None:
            return 500, soap.fault("Receiver", "ActionNotSupported", "Optional Action Not Implemented")
        if not operation.anonymous and not self._admits(camera, call.token):
            return 400, soap.fault("Sender", "NotAuthorized", "Sender not Authorized")
        clock_us = camera.time_us(self.house.true_us())
        base, stream = camera.onvif_url.removesuffix(camera.onvif_path), camera.url
        if camera.fault == "off-host":
            base, stream = f"http://{self.house.trap}", f"rtsp://{self.house.trap}{camera.path}"
        answer = operation.answer(onvif.Place(camera, base, stream, clock_us), call.element)
        if answer is None:
            return 400, soap.fault("Sender", "InvalidArgVal", "No such profile")
        return 200, soap.envelope(answer)

    def _admits(self, camera: Camera, token: soap.Token | None) -> bool:
        """Judge a login, and count it if it is one."""
        if camera.lock.mode == "open" and not camera.turns_everyone_away():
            return True
        if token is None:
            return False
        good = (
            not camera.turns_everyone_away()
            and soap.token_matches(
                token, camera.lock.username, camera.lock.password, camera.time_us(self.house.true_us())
            )
            and camera.token_is_new(token.nonce)
        )
        self.house.logged_in(camera, good=good)
        return good

    def _snapshot(self, camera: Camera, request: http.Request) -> bytes:
        if request.method != "GET":
            return http.reply(405, "text/plain", b"", [("Allow", "GET")])
        lock, given = camera.lock, request.headers.get("authorization", "")
        if camera.turns_everyone_away() or lock.mode != "open":
            nonce = auth.digest_nonce(given)
            right = not camera.turns_everyone_away() and auth.admits(lock, given, request.method, request.target)
            stale = right and lock.mode != "basic" and not camera.nonces.knows(nonce or "")
            if given and not stale:
                self.house.logged_in(camera, good=right)
            if not right or stale:
                shown = lock if lock.mode != "open" else auth.Lock("digest", lock.realm, "", "")
                challenge = auth.challenge(shown, camera.nonces.issue(), stale=stale)
                return http.reply(401, "text/plain", b"", [("WWW-Authenticate", challenge)])
        camera.counts.snapshots += 1
        kind = camera.kind
        true_us = self.house.true_us()
        number = 0 if kind and kind.media == "still" else true_us * picture.PICTURES_PER_S // 1_000_000
        return http.reply(200, "image/jpeg", snapshot(camera, number))


def snapshot(camera: Camera, number: int) -> bytes:
    """Return the camera's picture of this number as JPEG, without the ground's texture."""
    variant = camera.number % picture.VARIANTS
    places = [
        [picture.luma(y * WIDTH_MACROBLOCKS + x, number, variant) for x in range(WIDTH_MACROBLOCKS) for _ in range(2)]
        for y in range(HEIGHT_MACROBLOCKS)
        for _ in range(2)
    ]
    return jpeg.encode(places)
