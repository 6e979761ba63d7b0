"""`camsla probe --onvif` and `camsla discover` against the fake cameras of simulators/, which a SOAP client accepts."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.camsla_command import Camsla
from tests.servers.onvif_scripted import onvif_device
from tests.simulated_fleet import Running

YEARS_S = -5 * 365 * 86_400
FAULTS = [
    {"cameras": 1, "fault": "skew", "at_s": 0, "offset_s": YEARS_S},
    {"cameras": 2, "fault": "off-host", "at_s": 0},
    {"cameras": 4, "fault": "refuse", "at_s": 0},
]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(
        tmp_path_factory.mktemp("fleet"),
        *("--cameras", "4", "--auth", "digest", "--lock-out", "3", "--discovery-port", "3702"),
        faults=FAULTS,
    )
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
    running.process.communicate()
    stats = json.loads(running.stats.read_text())
    assert stats["fleet"]["trapped"] == 0, "something off the registered hosts was contacted"
    assert [running.counts(number).get("bad_logins", 0) for number in (1, 2, 3)] == [0, 0, 1]


@pytest.fixture
def camsla(tmp_path: Path) -> Camsla:
    return Camsla(tmp_path)


def probed(
    camsla: Camsla, fleet: Running, number: int, exit_code: int = 0, password: str | None = None
) -> dict[str, Any]:
    row = fleet.ledger[number - 1]
    secret = camsla.folder / "secret"
    secret.write_text(row["password"] if password is None else password)
    words = ("--onvif", row["onvif_addr"], "--user", row["username"], "--password-file", str(secret), "--timeout", "20")
    done = camsla.run("probe", *words, "--json")
    assert done.returncode == exit_code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert row["password"] not in done.stdout + done.stderr
    return found


def test_a_clock_years_off_is_measured_and_does_not_keep_us_out(camsla: Camsla, fleet: Running) -> None:
    found = probed(camsla, fleet, 1)
    assert (found["state"], found["rung"], found["reason"]) == ("online", "onvif", "ok")
    assert abs(found["clock_offset_s"] - YEARS_S) < 60
    identity = found["identity"]
    assert (identity["reason"], identity["auth"], identity["auth_checked"]) == ("ok", "ws-security", True)
    assert identity["serial"].startswith("SN")
    assert len(identity["macs"]) == 2
    assert [profile["token"] for profile in identity["profiles"]] == ["main", "sub"]
    assert identity["stream_uri"] == fleet.ledger[0]["rtsp_url"]
    assert (identity["off_host"], identity["stream_off_host"], identity["missing"]) == ([], "", {})


def test_service_addresses_on_another_host_are_reported_and_not_followed(camsla: Camsla, fleet: Running) -> None:
    trap = fleet.ready["trap"]
    identity = probed(camsla, fleet, 2)["identity"]
    assert identity["reason"] == "ok"
    assert (len(identity["profiles"]), identity["missing"]) == (2, {})
    assert all(trap in address for address in identity["off_host"])
    assert len(identity["off_host"]) == 2
    assert identity["stream_off_host"] == trap.partition(":")[0]


def test_a_wrong_password_is_tried_once_and_said(camsla: Camsla, fleet: Running) -> None:
    found = probed(camsla, fleet, 3, password="falsch")
    assert (found["state"], found["identity"]["reason"]) == ("online", "auth-rejected")
    assert found["identity"]["auth_checked"] is False
    assert probed(camsla, fleet, 3)["identity"]["auth_checked"] is True


def test_a_dead_device(camsla: Camsla, fleet: Running) -> None:
    found = probed(camsla, fleet, 4, exit_code=1)
    assert (found["state"], found["reason"]) == ("offline", "refused")
    assert (found["identity"], found["clock_offset_s"]) == (None, None)


def test_the_table_is_for_people(camsla: Camsla) -> None:
    with onvif_device() as device:
        text = camsla.ok("probe", "--onvif", device.url)
    assert "海康威视" in text
    assert "4C:BD:8F:00:00:01" in text
    assert "not proven" in text


def test_bad_addresses_are_refused_all_at_once(camsla: Camsla) -> None:
    message = camsla.refused("probe", "--onvif", "http://10.1/", "--onvif", "ftp://10.0.0.1")
    assert message.count("--onvif") == 2
    camsla.env["CAMSLA_WATCH__ALLOW"] = '["10.0.0.0/8"]'
    assert "白名单" in camsla.refused("probe", "--onvif", "127.0.0.1:9")
    message = camsla.refused("discover", "127.0.0.0/30", "nonsense")
    assert "watch.allow" in message
    assert "不是网段" in message


def discovered(camsla: Camsla, fleet: Running, *words: str) -> list[dict[str, Any]]:
    networks = [f"{fleet.host(number)}/32" for number in (1, 2, 3)]
    out = camsla.ok("discover", *networks, "--rate", "1000", "--timeout", "30", "--json", *words)
    return [json.loads(line) for line in out.splitlines()]


def test_devices_are_new_until_the_ledger_has_them(camsla: Camsla, fleet: Running) -> None:
    alive = {fleet.host(number): fleet.ledger[number - 1]["onvif_addr"] for number in (1, 3)}
    before = {one["address"]: one for one in discovered(camsla, fleet)}
    assert {address: before[address]["onvif_addr"] for address in alive} == alive
    assert {one["known"] for one in before.values()} == {None}
    camsla.ok("points", "import", str(fleet.points), "--actor", "li")
    assert discovered(camsla, fleet) == []
    assert {one["address"] for one in discovered(camsla, fleet, "--all") if one["known"]} == set(before)
