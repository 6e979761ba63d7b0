"""Switches, rings and control targets: who dies together, and how dead they are. Hung and dripping crowds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys

import pytest

from simulators import hung
from simulators.topology import Layout, build_town
from tests.simulated_fleet import DEADLINE_S, NET, read, receive, states, until


def answers(host, port):
    """Whether a TCP connect gets through soon."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(0.2)
        try:
            sock.connect((host, port))
        except TimeoutError:
            return False
        return True


def test_cameras_of_a_supplier_stand_behind_its_switches():
    town = build_town(Layout(1000, "127.1.0.0", 8554, 1, 1, switches=5, controls=4))
    assert [switch.ring for switch in town.switches] == [1, 1, 1, 2, 2]
    assert [control.ring for control in town.controls] == [0, 1, 2, 0]
    behind = {switch.code: [c for c in town.cameras if c.upstream == switch.code] for switch in town.switches}
    assert [len(cameras) for cameras in behind.values()] == [200] * 5
    hosts = [device.host for device in town.everyone()] + [town.trap.partition(":")[0]]
    assert len(set(hosts)) == len(hosts)
    assert all(camera.upstream == "" for camera in build_town(Layout(9, "127.1.0.0", 8554, 1, 1)).cameras)
    assert {c.upstream for c in build_town(Layout(9, "127.1.0.0", 8554, 1, 1, switches=1)).cameras} == {"SW-001"}


def test_a_switch_takes_its_cameras_along_and_a_ring_its_switches_and_controls(start):
    script = [
        {"switches": 1, "fault": "switch-down", "at_s": 0.2, "for_s": 2.5},
        {"suppliers": "2", "fault": "ring-down", "at_s": 0.2},
        {"controls": [1], "fault": "control-down", "at_s": 0.2},
    ]
    fleet = start("--cameras", "10", "--upstreams", "3", "--controls", "3", "--auth", "open", faults=script)
    upstream = [row["upstream"] for row in fleet.ledger]
    first, second, third = (upstream.index(f"SW-00{n}") + 1 for n in (1, 2, 3))
    places = {name: place.split(":") for name, place in (fleet.ready["switches"] | fleet.ready["controls"]).items()}
    places |= {"camera behind 1": (fleet.host(first), fleet.port), "behind 3": (fleet.host(third), fleet.port)}
    assert until(lambda: any(row["camera"] == "CTL-03" for row in read(fleet.truth)))
    assert not any(
        answers(host, int(port)) for name, (host, port) in places.items() if name not in {"SW-002", "CTL-02"}
    )
    assert answers(*places["SW-002"][:1], fleet.port) and answers(*places["CTL-02"][:1], fleet.port)
    assert not answers(fleet.host(first), fleet.ready["onvif_port"])
    assert fleet.ask(second, "DESCRIBE").startswith(b"RTSP/1.0 200 ")
    assert until(lambda: answers(*places["SW-001"][:1], fleet.port))
    assert until(lambda: answers(fleet.host(first), fleet.port))
    assert fleet.ask(first, "DESCRIBE").startswith(b"RTSP/1.0 200 ")
    fleet.end()
    account = states(fleet.truth)
    assert account["SW-001"] == [("online", ""), ("offline", "switch-down"), ("online", "")]
    assert account["SW-003"] == account["CTL-03"] == [("online", ""), ("offline", "ring-down")]
    assert account["CTL-01"] == [("online", ""), ("offline", "control-down")]
    for row in fleet.ledger:
        down = {"SW-001": "switch-down", "SW-003": "ring-down"}.get(row["upstream"])
        assert {fault for _, fault in account[row["code"]]} == {"", down} - {None}


def test_a_dead_line_swallows_what_is_under_way(start):
    script = [{"switches": 1, "fault": "switch-down", "at_s": 0.3}]
    fleet = start("--cameras", "1", "--upstreams", "1", "--auth", "open", faults=script)
    with fleet.connect(1) as sock:
        sock.sendall(fleet.request(1, "OPTIONS"))
        assert receive(sock)
        assert until(lambda: any(row["camera"] == "SW-001" for row in read(fleet.truth)))
        sock.sendall(fleet.request(1, "OPTIONS"))
        assert receive(sock, 0.3) == b""


def test_hung_and_dripping_cameras_stand_beside_the_healthy(start):
    fleet = start("--cameras", "2", "--hung", "3", "--drip", "2", "--auth", "open", port=7900 + os.getpid() % 300 * 2)
    assert [row["code"][:4] for row in fleet.ledger] == ["SIM-", "SIM-", "DRIP", "DRIP", "HUNG", "HUNG", "HUNG"]
    assert fleet.ask(1, "OPTIONS").startswith(b"RTSP/1.0 200 ")
    with fleet.connect(3) as sock:
        sock.sendall(fleet.request(3, "OPTIONS"))
        assert sock.recv(100) == b"R"
        assert sock.recv(100) == b"T"
    hosts = {row["rtsp_url"].split("/")[2] for row in fleet.ledger[4:]}
    assert len(hosts) == 3
    for place in hosts:
        host, _, port = place.partition(":")
        with socket.create_connection((host, int(port)), DEADLINE_S) as sock:
            sock.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
            assert receive(sock, 0.1) == b""
    fleet.end()
    account = states(fleet.truth)
    assert account["HUNG-00003"] == [("offline", "silent")]
    assert account["DRIP-00002"] == [("offline", "drip")]
    assert account["SIM-00002"] == [("online", "")]


async def test_a_crowd_forgets_clients_that_are_gone_and_keeps_those_that_wait(monkeypatch):
    monkeypatch.setattr(hung, "LISTENERS", 1)
    monkeypatch.setattr(hung, "DEEPEST", 32)
    monkeypatch.setattr(hung, "SWEEP_S", 0.02)
    crowd = hung.Crowd(6800 + os.getpid() % 500)
    crowd.open()
    loop = asyncio.get_running_loop()
    try:
        async with contextlib.AsyncExitStack() as waiting:
            clients = []
            for number in range(64):
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sock.setblocking(False)
                await asyncio.wait_for(loop.sock_connect(sock, (NET, crowd._port)), DEADLINE_S)
                await asyncio.sleep(0.002)
                if number % 8:
                    sock.close()
                else:
                    clients.append(sock)
                    waiting.callback(sock.close)
            assert crowd.taken >= 64 - 32
            assert 8 <= crowd.waiting() <= 8 + 32
            for sock in clients:
                with pytest.raises(BlockingIOError):
                    sock.recv(1)
        for _ in range(1000):
            if crowd.waiting() <= 32:
                break
            await asyncio.sleep(0.02)
        assert crowd.waiting() <= 32
    finally:
        crowd.close()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"cameras": 1, "fault": "switch-down", "at_s": 0}, "switches"),
        ({"switches": 3, "fault": "switch-down", "at_s": 0}, "1..2"),
        ({"suppliers": 3, "fault": "ring-down", "at_s": 0}, "1..2"),
        ({"controls": 1, "fault": "refuse", "at_s": 0}, "cameras"),
        ({"cameras": 1, "fault": "skew", "at_s": 0}, "offset_s"),
        ({"cameras": 1, "fault": "hang", "at_s": 0, "offset_s": 3}, "offset_s"),
    ],
)
def test_events_that_concern_nobody_are_named(tmp_path, event, said):
    (tmp_path / "f.json").write_text(json.dumps([event]))
    command = [sys.executable, "-m", "simulators", "fleet", "--truth-out", str(tmp_path / "truth.csv")]
    command += ["--upstreams", "2", "--controls", "1", "--faults", str(tmp_path / "f.json")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert "f.json:[0]: " in done.stderr and said in done.stderr
