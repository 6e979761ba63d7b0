"""The fake cameras' video as clients get it: by FFmpeg, and packet by packet."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess

import av
import pytest

from tests.simulated_fleet import DEADLINE_S, Talk, access_units, states, until

UDP_PORTS = iter(range(41000 + os.getpid() % 500 * 40, 62000, 2))


@pytest.fixture
def udp():
    """Two UDP sockets on neighbouring ports, RTP and RTCP."""
    for port in UDP_PORTS:
        pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        try:
            for at, sock in enumerate(pair):
                sock.settimeout(DEADLINE_S)
                sock.bind(("127.0.0.1", port + at))
            break
        except OSError:
            for sock in pair:
                sock.close()
    yield port, *pair
    for sock in pair:
        sock.close()


def luma(pictures):
    """Decode access units with FFmpeg's library; return each picture's luma plane."""
    stream = b"".join(b"\x00\x00\x01" + unit for units in pictures for unit in units)
    with av.open(io.BytesIO(stream), format="h264") as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


@pytest.mark.parametrize(("transport", "number"), [("tcp", 1), ("tcp", 2), ("tcp", 4), ("udp", 3)])
def test_ffmpeg_reads_a_moving_picture(start, transport, number):
    if shutil.which("ffmpeg") is None:
        assert os.environ.get("CI") != "true", "CI installs ffmpeg"
        pytest.skip("no ffmpeg")
    fleet = start("--cameras", "4")
    row = fleet.ledger[number - 1]
    login = f"{row['username']}:{row['password']}@" if row["username"] else ""
    url = row["rtsp_url"].replace("rtsp://", f"rtsp://{login}")
    quick = ("-probesize", "32", "-analyzeduration", "0", "-rtsp_transport", transport)
    command = ["ffmpeg", "-v", "error", *quick, "-i", url, "-frames:v", "4", "-f", "framemd5", "-"]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, text=True, check=False)
    assert done.returncode == 0, done.stderr
    digests = [line.split(",")[-1].strip() for line in done.stdout.splitlines() if line and not line.startswith("#")]
    assert len(digests) == len(set(digests)) == 4
    fleet.end()
    counts = fleet.counts(number)
    assert counts["plays"] == counts["setups"] == counts["teardowns"] == 1
    assert counts["bad_logins"] == 0


def test_packets_over_the_connection_are_whole_numbered_and_decodable(start):
    fleet = start("--cameras", "1", "--auth", "open")
    with Talk(fleet, 1) as talk:
        status, headers, session = talk.set_up("RTP/AVP/TCP;unicast;interleaved=4-5")
        assert status == 200
        assert "interleaved=4-5" in headers["transport"]
        assert headers["session"].endswith(";timeout=60")
        status, headers = talk.ask("PLAY", session)
        assert status == 200
        talk.read_frames(20)
        assert talk.ask("GET_PARAMETER", session)[0] == 200
        assert talk.ask("PLAY", "Session: nonsense")[0] == 454
        packets = [packet for channel, packet in talk.frames if channel == 4]
        numbers = [int.from_bytes(packet[2:4]) for packet in packets]
        assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(packets))]
        assert f"seq={numbers[0]}" in headers["rtp-info"]
        assert all(packet[0] == 0x80 and packet[1] & 0x7F == 96 and len(packet) <= 1412 for packet in packets)
        assert any(packet[12] & 31 == 28 for packet in packets), "key pictures come in fragments"
        times = {int.from_bytes(packet[4:8]) for packet in packets}
        assert all((b - a) % 18000 == 0 for a in times for b in times)
        reports = [packet for channel, packet in talk.frames if channel == 5]
        assert reports and reports[0][1] == 200
        pictures = luma(access_units(packets))
        assert len(pictures) >= 4
        assert len(set(pictures)) == len(pictures)
        assert talk.ask("TEARDOWN", session)[0] == 200
    fleet.end()
    assert fleet.counts(1)["teardowns"] == 1
    assert fleet.counts(1)["rtp_packets"] >= len(packets)


def test_udp_comes_from_the_cameras_own_address_and_ends_with_teardown(start, udp):
    port, rtp, rtcp = udp
    fleet = start("--cameras", "2", "--auth", "open")
    with Talk(fleet, 2) as talk:
        status, headers, session = talk.set_up(f"RTP/AVP;unicast;client_port={port}-{port + 1}")
        assert status == 200
        given = dict(part.partition("=")[::2] for part in headers["transport"].split(";"))
        low, high = map(int, given["server_port"].split("-"))
        assert (low % 2, high) == (0, low + 1)
        assert talk.ask("PLAY", session)[0] == 200
        packets = []
        for _ in range(8):
            packet, sender = rtp.recvfrom(2048)
            packets.append(packet)
            assert sender == (fleet.host(2), low)
        assert rtcp.recvfrom(2048)[1] == (fleet.host(2), high)
        assert luma(access_units(packets))
        assert talk.ask("TEARDOWN", session)[0] == 200
    with Talk(fleet, 2) as talk:
        assert talk.ask("PLAY", session)[0] == 454


def test_sessions_are_few_and_end_with_their_connection(start):
    fleet = start("--cameras", "1", "--auth", "open")
    with Talk(fleet, 1) as talk:
        assert [talk.set_up()[0] for _ in range(9)] == [200] * 8 + [453]
        assert talk.set_up("RTP/AVP;multicast")[0] == 461
        assert talk.set_up("RTP/SAVP;unicast;client_port=5000-5001")[0] == 461
        assert talk.ask("SETUP", "Transport: RTP/AVP/TCP")[0] == 459
    with Talk(fleet, 1) as talk:
        assert until(lambda: talk.set_up()[0] == 200)


def test_transports_and_pictures_that_go_wrong(start, udp):
    port, rtp, rtcp = udp
    kinds = ["461", "udp-broken", "no-media", "frozen", "off-host-control", "redirect"]
    script = [{"cameras": n, "fault": kind, "at_s": 0} for n, kind in enumerate(kinds, 1)]
    fleet = start("--cameras", "7", "--auth", "open", faults=script)
    assert until(lambda: fleet.ask(6, "DESCRIBE").startswith(b"RTSP/1.0 302 "))
    by_udp = f"RTP/AVP;unicast;client_port={port}-{port + 1}"

    with Talk(fleet, 1) as talk:
        assert talk.set_up()[0] == 461
        status, _, session = talk.set_up(f"RTP/AVP/TCP;interleaved=0-1,{by_udp}")
        assert status == 200
        talk.ask("PLAY", session)
        assert rtp.recvfrom(2048)[1][0] == fleet.host(1)
        talk.ask("TEARDOWN", session)
    with Talk(fleet, 2) as talk:
        udp_session, tcp_session = talk.set_up(by_udp)[2], talk.set_up()[2]
        assert talk.ask("PLAY", udp_session)[0] == talk.ask("PLAY", tcp_session)[0] == 200
        talk.read_frames(10)
    with Talk(fleet, 3) as silent, Talk(fleet, 4) as still:
        for talk in (silent, still):
            assert talk.ask("PLAY", talk.set_up()[2])[0] == 200
        still.read_frames(20)
        assert silent.ask("GET_PARAMETER")[0] == 200
        assert silent.frames == []
        pictures = luma(access_units([packet for channel, packet in still.frames if channel == 0]))
        assert len(pictures) > 5
        assert len(set(pictures)) == 1
    sdp = fleet.ask(5, "DESCRIBE").decode()
    assert f"a=control:rtsp://{fleet.ready['trap']}/live/trackID=1\r\n" in sdp
    assert f"Location: rtsp://{fleet.ready['trap']}/" in fleet.ask(6, "DESCRIBE").decode()
    assert not [sender for sender in drained(rtp, rtcp) if sender[0] == fleet.host(2)]
    fleet.end()
    last = {camera: spans[-1] for camera, spans in states(fleet.truth).items()}
    expected = ["online", "online", "offline", "online", "online", "offline"]
    assert last == {f"SIM-{n:05d}": (s, k) for n, (s, k) in enumerate(zip(expected, kinds, strict=True), 1)} | {
        "SIM-00007": ("online", "")
    }


def drained(*sockets):
    """Yield who sent what has arrived so far."""
    for sock in sockets:
        sock.setblocking(False)
        try:
            while True:
                yield sock.recvfrom(2048)[1]
        except BlockingIOError:
            pass
