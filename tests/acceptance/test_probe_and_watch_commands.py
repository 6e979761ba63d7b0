"""`camsla probe` and `camsla watch` against GStreamer's real RTSP server and against peers that misbehave."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.camsla_command import Camsla

if TYPE_CHECKING:
    from tests.acceptance.conftest import GstServer


@pytest.fixture
def camsla(tmp_path: Path, gst_server: GstServer) -> Camsla:
    (tmp_path / "right").write_text(gst_server.password + "\n")
    (tmp_path / "wrong").write_text("falsch\n")
    return Camsla(tmp_path)


@pytest.fixture
def dead_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and never speaks."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(20)
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in held:
        connection.close()


def probe(camsla: Camsla, exit_code: int, *words: str) -> list[dict[str, Any]]:
    done = camsla.run("probe", *words, "--json")
    assert done.returncode == exit_code, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_open_digest_and_basic_are_online(camsla: Camsla, gst_server: GstServer) -> None:
    (open_,) = probe(camsla, 0, gst_server.url("open"))
    assert (open_["state"], open_["rung"], open_["reason"]) == ("online", "describe", "ok")
    assert [rung["name"] for rung in open_["rungs"]] == ["tcp", "rtsp", "describe"]
    assert all(rung["ok"] and rung["ms"] >= 0 and rung["log"] for rung in open_["rungs"])
    login = ("--user", gst_server.user, "--password-file", "right")
    results = probe(camsla, 0, gst_server.url("digest"), gst_server.url("basic"), *login)
    assert [result["state"] for result in results] == ["online", "online"]
    assert gst_server.password not in json.dumps(results, ensure_ascii=False)


def test_the_password_never_shows(camsla: Camsla, gst_server: GstServer) -> None:
    done = camsla.run("probe", gst_server.url("basic"), "--user", gst_server.user, "--password-file", "right", "--log")
    assert done.returncode == 0
    assert gst_server.password not in done.stdout + done.stderr


def test_each_failure_has_its_reason(camsla: Camsla, gst_server: GstServer, dead_port: int, silent_port: int) -> None:
    assert [r["reason"] for r in probe(camsla, 1, gst_server.url("open", "/nothing"))] == ["not-found"]
    (wrong,) = probe(camsla, 1, gst_server.url("digest"), "--user", gst_server.user, "--password-file", "wrong")
    assert (wrong["state"], wrong["reason"]) == ("unknown", "auth-rejected")
    (none,) = probe(camsla, 1, gst_server.url("digest"))
    assert (none["state"], none["reason"]) == ("unknown", "auth-unknown")
    (dead,) = probe(camsla, 1, f"rtsp://127.0.0.1:{dead_port}/live")
    assert (dead["state"], dead["reason"], dead["rung"]) == ("offline", "refused", "tcp")
    (silent,) = probe(camsla, 1, f"127.0.0.1:{silent_port}", "--timeout", "0.5")
    assert (silent["state"], silent["reason"], silent["rung"]) == ("offline", "timeout", "rtsp")
    (reached,) = probe(camsla, 0, f"127.0.0.1:{silent_port}", "--rung", "tcp")
    assert reached["state"] == "online"


def test_one_that_is_not_online_makes_exit_1(camsla: Camsla, gst_server: GstServer, dead_port: int) -> None:
    results = probe(camsla, 1, gst_server.url("open"), f"127.0.0.1:{dead_port}")
    assert [result["state"] for result in results] == ["online", "offline"]
    table = camsla.run("probe", gst_server.url("open"), f"127.0.0.1:{dead_port}")
    assert "在线" in table.stdout
    assert "拒绝连接" in table.stdout


@pytest.mark.parametrize("target", ["127.0.0.1:70000", "rtsp://", "http://127.0.0.1/", "127.1:554", "0x7f.1:554"])
def test_bad_addresses_are_refused(camsla: Camsla, target: str) -> None:
    camsla.refused("probe", target)


def test_bad_logins_are_refused(camsla: Camsla) -> None:
    assert "--password-file" in camsla.refused("probe", "127.0.0.1:1", "--user", "camera")
    assert "nowhere" in camsla.refused("probe", "127.0.0.1:1", "--user", "camera", "--password-file", "nowhere")


def test_the_allow_list_is_kept(camsla: Camsla, gst_server: GstServer) -> None:
    camsla.env["CAMSLA_WATCH__ALLOW"] = '["127.0.0.2/32"]'
    camsla.refused("probe", gst_server.url("open"))


def test_watch_stores_what_real_servers_answer(
    camsla: Camsla, gst_server: GstServer, dead_port: int, silent_port: int
) -> None:
    """Seven cameras, one per kind of answer, watched for a few rounds; the runs say what each was."""
    secret, wrong = gst_server.password, "falsch-7781"
    rows = [
        ("open", gst_server.url("open"), "", "", "online", "ok"),
        ("digest", gst_server.url("digest"), gst_server.user, secret, "online", "ok"),
        ("basic", gst_server.url("basic"), gst_server.user, secret, "online", "ok"),
        ("wrong", gst_server.url("digest", "/jpeg"), gst_server.user, wrong, "unknown", "auth-rejected"),
        ("missing", gst_server.url("open", "/nothing"), "", "", "offline", "not-found"),
        ("dead", f"rtsp://127.0.0.1:{dead_port}/live", "", "", "offline", "refused"),
        ("silent", f"rtsp://127.0.0.1:{silent_port}/live", "", "", "offline", "timeout"),
    ]
    lines = ["code,name,phase,accepted_on,rtsp_url,username,password"]
    lines += [f"{code},{code},phase-1,2020-01-01,{url},{user},{password}" for code, url, user, password, _, _ in rows]
    (camsla.folder / "points.csv").write_text("\n".join(lines) + "\n")
    camsla.ok("points", "import", "points.csv", "--actor", "test")
    camsla.env |= {"CAMSLA_WATCH__TIMEOUT_S": "0.8", "CAMSLA_WATCH__RETRY_S": "0.3"}
    done = camsla.run("watch", "--interval", "1", "--duration", "6")
    assert done.returncode == 0, done.stderr
    assert "应在线 7" in done.stderr
    database = camsla.folder / "data" / "camsla.db"
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(
            "SELECT p.code, o.state, o.reason, count(*), sum(r.n) FROM runs r JOIN points p ON p.id = r.point_id"
            " JOIN outcomes o ON o.id = r.outcome_id GROUP BY 1, 2, 3"
        ).fetchall()
        records = [json.loads(body) for (body,) in connection.execute("SELECT body FROM outbox WHERE kind = 'tr'")]
    # After two rejections the login is kept back, lest the camera lock its account.
    expected = {(code, state, reason) for code, _, _, _, state, reason in rows} | {("wrong", "unknown", "auth-unknown")}
    assert {(code, state, reason) for code, state, reason, _, _ in found} == expected
    assert {runs for _, _, _, runs, _ in found} == {1}, "one run each: nothing else changed"
    samples = {(code, reason): n for code, _, reason, _, n in found}
    assert samples.pop(("wrong", "auth-rejected")) == 2
    assert min(samples.values()) >= 3
    assert len(records) == 8
    boots = {record["boot"] for record in records}
    assert boots == {Path("/proc/sys/kernel/random/boot_id").read_text().strip()}
    uptime = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
    assert all(0 < record["mono"] <= uptime for record in records)
    for path in (camsla.folder / "data").iterdir():
        raw = path.read_bytes()
        assert secret.encode() not in raw
        assert wrong.encode() not in raw
