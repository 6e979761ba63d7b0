"""Rungs media and frame against GStreamer's RTSP server and VLC, and through the command line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Reason, Rung, State
from monitor.probes.frame import look
from monitor.probes.registry import probe
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target
from tests.acceptance.conftest import GstServer
from tests.camsla_command import Camsla
from tests.servers import vlc
from tests.servers.clip import encoded
from tests.servers.loops import Run, runner
from tests.servers.rtp import packets
from tests.servers.scripted import scripted
from tests.servers.streaming import SDP, Camera, methods

pytestmark = pytest.mark.usefixtures("decoders")
LONG_S = 30.0
RUNGS = [Rung.MEDIA, Rung.FRAME]


def probed(run: Run[Any], url: str, rung: Rung, login: Credentials | None = None, timeout_s: float = LONG_S) -> ProbeResult:  # fmt: skip
    async def once() -> ProbeResult:
        return await probe(Target.parse(url), rung, credentials=login, timeout_s=timeout_s)

    result: ProbeResult = run(once())
    return result


def online(result: ProbeResult, rung: Rung) -> bool:
    assert (result.state, result.rung, result.reason) == (State.ONLINE, rung, Reason.OK), result.steps[-1].log
    return True


def size_in(result: ProbeResult) -> str:
    [line] = [line for line in result.steps[-1].log if "decoded" in line]
    return line.partition("decoded: ")[2]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/live", "h264 64x48"),
        ("/large", "h264 640x360"),
        ("/h265", "hevc 64x48"),
        ("/jpeg", "mjpeg 64x48"),
        ("/both", "h264 64x48"),
        ("/udp", "h264 64x48"),
    ],
)
def test_a_key_frame_of_every_kind_of_stream(gst_server: GstServer, run: Run[Any], path: str, seen: str) -> None:
    result = probed(run, gst_server.url("open", path), Rung.FRAME)
    assert online(result, Rung.FRAME)
    assert size_in(result) == seen
    assert any("asking over UDP" in line for line in result.steps[-2].log) is (path == "/udp")
    assert [step.name for step in result.steps] == ["tcp", "rtsp", "describe", "media", "frame"]


@pytest.mark.parametrize(("path", "rung"), [("/udp", Rung.MEDIA), ("/live", Rung.FRAME)])
@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_a_login_holds_for_the_whole_session(
    gst_server: GstServer, run: Run[Any], kind: str, path: str, rung: Rung
) -> None:
    login = Credentials(gst_server.user, gst_server.password)
    result = probed(run, gst_server.url(kind, path), rung, login)
    assert online(result, rung)
    assert result.auth == kind
    assert gst_server.password not in repr(result)


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_a_wrong_password(gst_server: GstServer, run: Run[Any], kind: str) -> None:
    result = probed(run, gst_server.url(kind), Rung.FRAME, Credentials(gst_server.user, "wrong"))
    assert (result.state, result.rung, result.reason) == (State.UNKNOWN, Rung.DESCRIBE, Reason.AUTH_REJECTED)


def test_probing_again_at_once_finds_media_each_time(gst_server: GstServer, run: Run[Any]) -> None:
    for _ in range(3):
        assert online(probed(run, gst_server.url("open"), Rung.MEDIA), Rung.MEDIA)


@pytest.mark.parametrize("rung", RUNGS)
def test_vlc_streams_over_udp_only(vlc_open: vlc.Vlc, run: Run[Any], rung: Rung) -> None:
    result = probed(run, vlc_open.url(), rung)
    assert online(result, rung)
    assert any("asking over UDP" in line for step in result.steps for line in step.log)


@pytest.mark.parametrize("rung", RUNGS)
def test_vlc_asks_for_basic(vlc_basic: vlc.Vlc, run: Run[Any], rung: Rung) -> None:
    result = probed(run, vlc_basic.url(), rung, Credentials(vlc.USER, vlc.PASSWORD))
    assert online(result, rung)
    assert result.auth == "basic"
    assert probed(run, vlc_basic.url(), rung).reason is Reason.AUTH_UNKNOWN
    wrong = probed(run, vlc_basic.url(), rung, Credentials(vlc.USER, "wrong"))
    assert (wrong.state, wrong.reason) == (State.UNKNOWN, Reason.AUTH_REJECTED)


def test_the_picture_comes_with_the_verdict(gst_server: GstServer, run: Run[Any]) -> None:
    async def once() -> tuple[ProbeResult, Any]:
        target = Target.parse(gst_server.url("open", "/large"))
        return await look(target, timeout_s=LONG_S, thumbnail_px=32)

    result, picture = run(once())
    assert online(result, Rung.FRAME)
    assert (picture.width, picture.height, picture.thumbnail_size) == (640, 360, (32, 18))
    assert len(set(picture.thumbnail)) > 5


H264 = encoded("h264")


def broken(pictures: list[bytes]) -> list[bytes]:
    """The same packets with the slices' data overwritten."""
    return [p[:14] + b"\xff" * (len(p) - 14) if len(p) > 60 else p for p in packets("h264", pictures)]


FRAMES = {
    "no key frame": (SDP, list(packets("h264", H264[1:5])), Reason.NO_MEDIA, "0 key frames tried"),
    "no parameter sets": (SDP, [p for p in packets("h264", H264) if p[12] & 0x1F != 24], Reason.NO_MEDIA, "key frames tried"),
    "unreadable slices": (SDP, broken(H264), Reason.NO_MEDIA, "key frames tried"),
    "each key frame incomplete": (SDP, [p for n, p in enumerate(packets("h264", H264, size=30)) if n % 2], Reason.NO_MEDIA, "incomplete"),
    "an encoding we do not decode": (SDP.replace("H264", "MP4V-ES"), list(packets("h264", H264)), Reason.WATCHER, "MP4V-ES"),
}  # fmt: skip


@pytest.mark.parametrize(("sdp", "stream", "reason", "said"), FRAMES.values(), ids=FRAMES)
def test_packets_without_a_picture(sdp: str, stream: list[bytes], reason: Reason, said: str) -> None:
    with scripted(Camera(sdp=sdp, stream=stream)) as device:
        result = probed(runner("uvloop"), f"rtsp://127.0.0.1:{device.port}/live", Rung.FRAME, timeout_s=1.2)
        assert (result.rung, result.reason) == (Rung.FRAME, reason), result.steps[-1].log
        assert result.steps[-2].ok
        assert any(said in line for line in result.steps[-1].log), result.steps[-1].log
        assert methods(device.requests)[-1] == "TEARDOWN"


@pytest.mark.parametrize("udp_from", ["", "127.0.0.1"])
def test_a_scripted_camera_is_seen(run: Run[Any], udp_from: str) -> None:
    camera = Camera(stream=list(packets("h264", H264, size=100)), udp_from=udp_from)
    if udp_from:
        camera.transport = "RTP/AVP;unicast;client_port=PORT"
    with scripted(camera) as device:
        result = probed(run, f"rtsp://127.0.0.1:{device.port}/live", Rung.FRAME)
        assert online(result, Rung.FRAME)
        assert methods(device.requests)[-1] == "TEARDOWN"


@pytest.mark.parametrize("rung", RUNGS)
def test_by_the_command(gst_server: GstServer, tmp_path: Path, rung: Rung) -> None:
    done = Camsla(tmp_path).run("probe", gst_server.url("open", "/h265"), "--rung", rung.value, "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["state"], row["rung"]) == ("online", rung.value)
    assert row["rungs"][-1]["name"] == rung.value
    assert done.stderr == ""


def test_watching_by_media(gst_server: GstServer, tmp_path: Path) -> None:
    camsla = Camsla(tmp_path, {"CAMSLA_WATCH__RUNG": "media", "CAMSLA_WATCH__TIMEOUT_S": "1.5"})
    with scripted(Camera(stream=())) as device:
        urls = {
            "live": gst_server.url("open"),
            "udp": gst_server.url("open", "/udp"),
            "dead": f"rtsp://127.0.0.1:{device.port}/x",
        }
        lines = ["code,name,phase,accepted_on,rtsp_url"]
        lines += [f"{code},{code},phase-1,2020-01-01,{url}" for code, url in urls.items()]
        (tmp_path / "points.csv").write_text("\n".join(lines) + "\n")
        camsla.ok("points", "import", "points.csv", "--actor", "test")
        done = camsla.run("watch", "--interval", "3", "--duration", "3")
        assert done.returncode == 0, done.stderr
        assert methods(device.requests).count("TEARDOWN") == methods(device.requests).count("PLAY") > 0
    with closing(sqlite3.connect(tmp_path / "data" / "camsla.db")) as connection:
        found = connection.execute(
            "SELECT DISTINCT p.code, o.reason, o.rung FROM runs r JOIN points p ON p.id = r.point_id"
            " JOIN outcomes o ON o.id = r.outcome_id ORDER BY 1"
        ).fetchall()
    assert found == [("dead", "no-media", "media"), ("live", "ok", "media"), ("udp", "ok", "media")]


def test_a_server_that_plays_nothing_by_the_command(tmp_path: Path) -> None:
    with scripted(Camera(stream=())) as device:
        url = f"rtsp://127.0.0.1:{device.port}/live"
        done = Camsla(tmp_path).run("probe", url, "--rung", "media", "--timeout", "1.2", "--json")
    row = json.loads(done.stdout)
    assert done.returncode == 1
    assert (row["state"], row["rung"], row["reason"]) == ("offline", "media", "no-media")
    assert methods(device.requests)[-1] == "TEARDOWN"
