"""Real GStreamer RTSP servers on loopback, for the acceptance tests. Run with the system's Python (it has `gi`).

Prints one JSON line {"open": port, "digest": port, "basic": port, "version": text} once all three listen, and ends when
stdin closes, so that it never outlives the test that started it. Paths: /live (H.264), /large (H.264 in many fragments),
/h265, /jpeg, /both (audio, then H.264), /udp (refuses interleaving), /audio (no video), /broken (a pipeline that cannot
start). Login of the two that ask for one: camera / 对的 secret.
"""

from __future__ import annotations

import json
import sys
import warnings

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

USER, PASSWORD, ROLE = "camera", "对的 secret", "viewer"
VIDEO = "videotestsrc is-live=true ! video/x-raw,format=I420,width=64,height=48,framerate=5/1"
H264 = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=5"
LARGE = VIDEO.replace("width=64,height=48", "width=640,height=360")
AUDIO = "audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! alawenc"
PIPELINES = {
    "/live": f"( {VIDEO} ! {H264} ! rtph264pay name=pay0 pt=96 )",
    "/large": f"( {LARGE} ! {H264} ! rtph264pay name=pay0 pt=96 mtu=400 config-interval=-1 )",
    "/h265": f"( {VIDEO} ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=5 ! rtph265pay name=pay0 pt=98 mtu=300 )",
    "/both": f"( {AUDIO} ! rtppcmapay name=pay0 pt=8 {VIDEO} ! {H264} ! rtph264pay name=pay1 pt=96 )",
    "/udp": f"( {VIDEO} ! {H264} ! rtph264pay name=pay0 pt=96 )",
    "/jpeg": f"( {VIDEO} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )",
    "/audio": f"( {AUDIO} ! rtppcmapay name=pay0 pt=8 )",
    "/broken": "( filesrc location=/nonexistent ! jpegparse ! rtpjpegpay name=pay0 pt=26 )",
}


def permissions() -> GstRtspServer.RTSPPermissions:
    allowed = GstRtspServer.RTSPPermissions.new()
    allowed.add_role(ROLE)
    for right in ("media.factory.access", "media.factory.construct"):
        allowed.add_permission_for_role(ROLE, right, True)
    return allowed


def authentication(method: str) -> GstRtspServer.RTSPAuth:
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", ROLE)
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(USER, PASSWORD, token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(USER, PASSWORD), token)
    return auth


def serve(method: str) -> GstRtspServer.RTSPServer:
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    for path, pipeline in PIPELINES.items():
        factory = GstRtspServer.RTSPMediaFactory.new()
        factory.set_launch(pipeline)
        factory.set_shared(True)
        if path == "/udp":
            factory.set_protocols(GstRtsp.RTSPLowerTrans.UDP)
        if method != "open":
            factory.set_permissions(permissions())
        server.get_mount_points().add_factory(path, factory)
    if method != "open":
        server.set_auth(authentication(method))
    server.attach(None)
    return server


def main() -> None:
    warnings.simplefilter("ignore")
    Gst.init(None)
    loop = GLib.MainLoop()
    servers = {method: serve(method) for method in ("open", "digest", "basic")}
    ports = {method: server.get_bound_port() for method, server in servers.items()}
    print(json.dumps({**ports, "version": Gst.version_string()}), flush=True)

    def stdin_closed(*_: object) -> bool:
        if not sys.stdin.buffer.raw.read(1):
            loop.quit()
            return False
        return True

    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, stdin_closed)
    loop.run()


if __name__ == "__main__":
    main()
