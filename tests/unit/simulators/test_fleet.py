"""A small fleet in its own process: it speaks RTSP, goes wrong as scripted, and its truth file says so."""

from __future__ import annotations

import base64
import re
import signal
import subprocess
import sys
import time
from datetime import datetime

import pytest

from tests.simulated_fleet import DEADLINE_S, digest, read, receive, states, until


def test_healthy_cameras_ask_for_their_own_kind_of_login(start):
    fleet = start("--cameras", "5")
    for number in range(1, 6):
        reply = fleet.ask(number, "OPTIONS")
        assert reply.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 5\r\n")
        assert b"\r\nPublic: OPTIONS, DESCRIBE" in reply
    sdp = fleet.ask(1, "DESCRIBE").decode()
    assert "Content-Type: application/sdp" in sdp
    assert f"Content-Base: {fleet.ledger[0]['rtsp_url']}/\r\n" in sdp
    assert sdp.count("m=video 0 RTP/AVP 96\r\n") == sdp.count("m=") == 1
    assert "a=rtpmap:96 H264/90000\r\n" in sdp

    basic = base64.b64encode(f"admin:{fleet.ledger[1]['password']}".encode()).decode()
    assert b'WWW-Authenticate: Basic realm="' in fleet.ask(2, "DESCRIBE")
    assert fleet.ask(2, "DESCRIBE", f"Authorization: Basic {basic}").startswith(b"RTSP/1.0 200 ")
    assert fleet.ask(2, "DESCRIBE", "Authorization: Basic YWRtaW46d3Jvbmc=").startswith(b"RTSP/1.0 401 ")

    for number, mark in ((3, None), (4, "algorithm=MD5"), (5, "algorithm=SHA-256")):
        row = fleet.ledger[number - 1]
        challenge = re.search(r"WWW-Authenticate: (Digest .*)\r\n", fleet.ask(number, "DESCRIBE").decode())
        assert challenge
        assert (mark in challenge[1]) if mark else ("algorithm" not in challenge[1] and "qop" not in challenge[1])
        right, wrong = (digest(row, "DESCRIBE", challenge[1], password=p) for p in (None, "wrong"))
        assert fleet.ask(number, "DESCRIBE", wrong).startswith(b"RTSP/1.0 401 ")
        assert fleet.ask(number, "DESCRIBE", right).startswith(b"RTSP/1.0 200 ")
        other_nonce = digest(row, "DESCRIBE", re.sub('nonce="[^"]+"', f'nonce="{"0" * 32}"', challenge[1]))
        assert b"stale=TRUE" in fleet.ask(number, "DESCRIBE", other_nonce)


def test_other_requests_and_a_conversation_in_pieces(start):
    fleet = start("--cameras", "1")
    url = fleet.ledger[0]["rtsp_url"]
    assert fleet.ask(1, "DESCRIBE", url=url + "/nobody").startswith(b"RTSP/1.0 404 ")
    assert fleet.ask(1, "OPTIONS", url="*").startswith(b"RTSP/1.0 200 ")
    assert b"\r\nAllow: OPTIONS" in fleet.ask(1, "RECORD")
    assert fleet.exchange(1, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"RTSP/1.0 400 ")
    assert fleet.exchange(1, f"OPTIONS {url} RTSP/1.0\r\n\r\n".encode()).startswith(b"RTSP/1.0 400 ")
    assert fleet.exchange(1, b"x" * 200_000).startswith(b"RTSP/1.0 400 ")
    with fleet.connect(1) as sock:
        frame = b"$\x00\x00\x04abcd"
        for piece in (b"OPTI", b"ONS * RTSP/1.0\r\nCS", b"eq: 1\r\n\r\n" + frame):
            sock.sendall(piece)
        assert b"CSeq: 1\r\n" in receive(sock)
        sock.sendall(fleet.request(1, "DESCRIBE") + fleet.request(1, "TEARDOWN"))
        data = receive(sock)
        while chunk := sock.recv(65536):  # TEARDOWN ends the connection
            data += chunk
        assert data.count(b"RTSP/1.0 200 OK") == 2


def test_faults_show_as_scripted(start):
    kinds = ["silent", "hang", "reset", "drip", "404", "oversized", "401", "slow"]
    script = [{"cameras": n, "fault": kind, "at_s": 0} for n, kind in enumerate(kinds, 1)]
    fleet = start("--cameras", "9", "--auth", "open", faults=script)
    # A fault at second 0 is played right after ready: camera 7's is the last but one, and is asked for until it shows.
    assert until(lambda: fleet.ask(7, "DESCRIBE").startswith(b"RTSP/1.0 401 "))

    assert fleet.exchange(1, fleet.request(1, "OPTIONS"), wait_s=0.3) == b""
    assert fleet.ask(2, "OPTIONS").startswith(b"RTSP/1.0 200 ")
    assert fleet.exchange(2, fleet.request(2, "DESCRIBE"), wait_s=0.3) == b""
    with pytest.raises(ConnectionResetError):
        fleet.ask(3, "OPTIONS")
    with fleet.connect(4) as sock:
        sock.sendall(fleet.request(4, "OPTIONS"))
        assert sock.recv(100) == b"R"
        assert sock.recv(100) == b"T"
    assert fleet.ask(5, "OPTIONS").startswith(b"RTSP/1.0 200 ")
    assert fleet.ask(5, "DESCRIBE").startswith(b"RTSP/1.0 404 ")
    assert len(fleet.ask(6, "DESCRIBE")) >= 1 << 20
    assert fleet.ask(8, "DESCRIBE").startswith(b"RTSP/1.0 200 ")
    assert fleet.ask(9, "DESCRIBE").startswith(b"RTSP/1.0 200 ")

    fleet.end()
    last = {camera: spans[-1] for camera, spans in states(fleet.truth).items()}
    expected = ["offline"] * 6 + ["unknown", "online"]
    assert last == {f"SIM-{n:05d}": (s, k) for n, (s, k) in enumerate(zip(expected, kinds, strict=True), 1)} | {
        "SIM-00009": ("online", "")
    }


def test_malformed_replies_come_in_every_variant_and_close(start):
    fleet = start("--cameras", "1", "--auth", "open", faults=[{"cameras": 1, "fault": "malformed", "at_s": 0}])
    assert until(lambda: not fleet.ask(1, "DESCRIBE").startswith(b"RTSP/1.0 200 OK\r\nCSeq: 5\r\nServer"))
    replies = set()
    for _ in range(6):
        with fleet.connect(1) as sock:
            sock.sendall(fleet.request(1, "DESCRIBE"))
            data = b""
            while chunk := sock.recv(65536):
                data += chunk
        replies.add(data)
    assert len(replies) == 6
    for data in replies:
        head, _, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)$", head, re.MULTILINE)
        whole = length is not None and len(body) == int(length[1])
        assert not (head.startswith(b"RTSP/1.0 200 OK") and whole and body.startswith(b"v=0"))


def test_a_closed_listener_is_refused_and_the_truth_has_the_instants(start):
    fleet = start("--cameras", "3", faults=[{"cameras": "2-3", "fault": "reboot", "at_s": 0.3, "for_s": 2}])

    def refused() -> bool:
        try:
            fleet.connect(2).close()
        except ConnectionRefusedError:
            return True
        return False

    assert until(refused)
    refused_at = time.time()
    assert until(lambda: not refused())
    open_at = time.time()
    assert fleet.ask(2, "OPTIONS").startswith(b"RTSP/1.0 200 ")
    fleet.end()
    assert states(fleet.truth) == {
        "SIM-00001": [("online", "")],
        "SIM-00002": [("online", ""), ("offline", "reboot"), ("online", "")],
        "SIM-00003": [("online", ""), ("offline", "reboot"), ("online", "")],
    }
    down = next(r for r in read(fleet.truth) if r["camera"] == "SIM-00002" and r["state"] == "offline")
    start_at, end_at = (datetime.fromisoformat(down[key]).timestamp() for key in ("start", "end"))
    # What the client saw cannot contradict the truth: refused only after the start, accepted only after the end.
    assert start_at <= refused_at
    assert end_at <= open_at


def test_channels_share_an_address_and_its_listener(start):
    script = [{"cameras": "1", "fault": "refuse", "at_s": 0.2}, {"cameras": 3, "fault": "404", "at_s": 0}]
    fleet = start("--cameras", "5", "--channels-per-host", "2", "--auth", "open", faults=script)
    urls = [row["rtsp_url"] for row in fleet.ledger]
    assert len(set(urls)) == 5
    assert len({url.split("/")[2] for url in urls}) == 3
    assert until(lambda: fleet.ask(3, "DESCRIBE").startswith(b"RTSP/1.0 404 "))
    assert fleet.ask(4, "DESCRIBE").startswith(b"RTSP/1.0 200 ")
    assert until(lambda: any(r["camera"] == "SIM-00002" for r in read(fleet.truth)))
    with pytest.raises(ConnectionRefusedError):
        fleet.connect(2)
    fleet.end()
    assert states(fleet.truth)["SIM-00002"] == [("online", ""), ("offline", "refuse")]


def test_random_faults_happen_and_the_account_stays_whole(start):
    options = ("--random-faults-per-hour", "3600", "--random-mean-s", "0.3", "--duration-s", "2")
    fleet = start("--cameras", "20", *options)
    assert fleet.process.wait(DEADLINE_S) == 0
    assert "结束 end" in fleet.end()
    account = states(fleet.truth)
    assert len(account) == 20
    assert len({fault for spans in account.values() for _, fault in spans}) > 5


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stdin"])
def test_ends_cleanly_with_connections_open(start, how):
    fleet = start("--cameras", "2", faults=[{"cameras": 1, "fault": "silent", "at_s": 0}])
    with fleet.connect(1) as sock:
        sock.sendall(b"OPTIONS")
        if how == "stdin":
            assert fleet.process.stdin
            fleet.process.stdin.close()
            fleet.process.stdin = None
            fleet.process.wait(DEADLINE_S)
        said = fleet.end(signal.SIGINT if how == "SIGINT" else signal.SIGTERM)
        assert fleet.process.returncode == 0
        assert "Traceback" not in said
    with pytest.raises(ConnectionRefusedError):
        fleet.connect(1)
    assert set(states(fleet.truth)) == {"SIM-00001", "SIM-00002"}


def test_same_seed_same_ledger(start):
    a, b, c = (start("--cameras", "5", "--seed", seed) for seed in ("1", "1", "2"))
    passwords = [[row["password"] for row in fleet.ledger] for fleet in (a, b, c)]
    assert passwords[0] == passwords[1] != passwords[2]
    assert passwords[0][0] == ""
    assert len(set(passwords[0])) == 5


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cameras", "0", "--port", "99999"), ["--cameras", "--port"]),
        (("--host-base", "10.0.0.0"), ["127.0.0.0/8"]),
        (("--host-base", "127.255.255.250"), ["127.0.0.0/8"]),
        (("--random-kinds", "nothing"), ["nothing"]),
    ],
)
def test_bad_options_are_all_named(tmp_path, options, said):
    command = [sys.executable, "-m", "simulators", "fleet", "--truth-out", str(tmp_path / "truth.csv"), *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert all(text in done.stderr for text in said)
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "truth.csv").exists()
