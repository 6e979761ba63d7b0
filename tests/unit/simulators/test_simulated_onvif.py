"""The fake cameras' ONVIF services: read by onvif-zeep-async, and by requests and tokens written here anew."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import os
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import av
import pytest

from tests.simulated_fleet import DEADLINE_S, digest, read, states, until

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
WSS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"


def token(row, created, *, password=None, nonce=None):
    """Return a WS-Security header with a digest token (UsernameToken Profile 1.0)."""
    nonce = nonce or os.urandom(16)
    made = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    secret = hashlib.sha1(nonce + made.encode() + (password or row["password"]).encode()).digest()
    return (
        f'<w:Security xmlns:w="{WSS}wssecurity-secext-1.0.xsd" xmlns:u="{WSS}wssecurity-utility-1.0.xsd"><w:UsernameToken>'
        f'<w:Username>{row["username"]}</w:Username><w:Password Type="{WSS}username-token-profile-1.0#PasswordDigest">'
        f"{base64.b64encode(secret).decode()}</w:Password><w:Nonce>{base64.b64encode(nonce).decode()}</w:Nonce>"
        f"<u:Created>{made}</u:Created></w:UsernameToken></w:Security>"
    )


def ask(fleet, number, name, header="", *, body=None, path="/onvif/device_service"):
    """Send a request of the device service; return the HTTP status and the reply's text."""
    text = body or (
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{header}</s:Header>'
        f'<s:Body><{name} xmlns="{DEVICE}"/></s:Body></s:Envelope>'
    )
    with closing(http.client.HTTPConnection(fleet.host(number), fleet.ready["onvif_port"], DEADLINE_S)) as connection:
        connection.request("POST", path, text)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def camera_time(fleet, number):
    status, text = ask(fleet, number, "GetSystemDateAndTime")
    assert status == 200
    parts = [int(re.search(f"<tt:{part}>([0-9]+)<", text)[1]) for part in ("Year", "Month", "Day")]
    return datetime(
        *parts, *(int(re.search(f"<tt:{p}>([0-9]+)<", text)[1]) for p in ("Hour", "Minute", "Second")), tzinfo=UTC
    )


async def test_onvif_zeep_async_reads_identity_and_profiles(start):
    onvif, zeep = pytest.importorskip("onvif"), pytest.importorskip("zeep")
    refused = (onvif.exceptions.ONVIFError, zeep.exceptions.Fault)  # what it raises at await escapes its own wrapper
    fleet = start("--cameras", "3")
    serials, addresses = set(), set()
    for row in fleet.ledger:
        host, port = row["onvif_addr"].split("/")[2].split(":")
        client = onvif.ONVIFCamera(
            host, int(port), row["username"] or "nobody", row["password"] or "x", adjust_time=True
        )
        try:
            await client.update_xaddrs()
            device, media = await client.create_devicemgmt_service(), await client.create_media_service()
            assert (await device.GetSystemDateAndTime()).UTCDateTime.Date.Year >= 2024
            serials.add((await device.GetDeviceInformation()).SerialNumber)
            addresses.update(card.Info.HwAddress for card in await device.GetNetworkInterfaces())
            services = await device.GetServices({"IncludeCapability": False})
            assert [service.Version.Major for service in services] == [2, 2]
            profiles = await media.GetProfiles()
            assert [profile.VideoEncoderConfiguration.Encoding for profile in profiles] == ["H264", "H264"]
            setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
            stream = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profiles[0].token})
            assert stream.Uri == row["rtsp_url"]
            assert (await media.GetSnapshotUri({"ProfileToken": "main"})).Uri == f"http://{host}:{port}/snapshot"
            with pytest.raises(refused, match="No such profile"):
                await media.GetSnapshotUri({"ProfileToken": "third"})
            if row["code"] != "SIM-00002":  # that one asks for Basic, which the client knows no more
                assert (await client.get_snapshot("main")).startswith(b"\xff\xd8\xff")
        finally:
            await client.close()
    assert (len(serials), len(addresses)) == (3, 6)
    host, port = fleet.ledger[1]["onvif_addr"].split("/")[2].split(":")
    client = onvif.ONVIFCamera(host, int(port), "admin", "wrong", adjust_time=True)
    try:
        await client.update_xaddrs()
        with pytest.raises(refused, match="not Authorized"):
            await (await client.create_devicemgmt_service()).GetDeviceInformation()
    finally:
        await client.close()
    fleet.end()
    assert fleet.counts(2)["bad_logins"] == 1
    assert fleet.counts(1)["bad_logins"] == fleet.counts(3)["bad_logins"] == 0


def test_a_snapshot_asks_for_the_cameras_kind_of_login(start):
    fleet = start("--cameras", "2", "--auth", "basic")
    login = f"admin:{fleet.ledger[1]['password']}"

    def get(given=None):
        place = (fleet.host(2), fleet.ready["onvif_port"], DEADLINE_S)
        headers = {"Authorization": "Basic " + base64.b64encode(given.encode()).decode()} if given else {}
        with closing(http.client.HTTPConnection(*place)) as connection:
            connection.request("GET", "/snapshot", headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()

    assert [get()[0], get("admin:wrong")[0], get(login)[0]] == [401, 401, 200]
    assert get()[1]["WWW-Authenticate"].startswith("Basic ")
    assert get(login)[1]["Content-Type"] == "image/jpeg"
    with av.open(io.BytesIO(get(login)[2]), format="jpeg_pipe") as container:
        assert [(frame.width, frame.height) for frame in container.decode(video=0)] == [(64, 48)]
    fleet.end()
    assert (fleet.counts(2)["bad_logins"], fleet.counts(2)["snapshots"]) == (1, 3)


def test_tokens_are_judged_by_the_cameras_own_clock_and_taken_once(start):
    script = [{"cameras": 1, "fault": "skew", "at_s": 0, "offset_s": -86400}]
    fleet = start("--cameras", "2", "--auth", "digest", faults=script)
    assert until(lambda: camera_time(fleet, 1) < datetime.now(UTC) - timedelta(hours=23))
    for number, row in enumerate(fleet.ledger, 1):
        clock = camera_time(fleet, number)
        nonce = os.urandom(16)
        assert ask(fleet, number, "GetDeviceInformation", token(row, clock, nonce=nonce))[0] == 200
        status, text = ask(fleet, number, "GetDeviceInformation", token(row, clock, nonce=nonce))
        assert (status, "ter:NotAuthorized" in text) == (400, True)
        assert ask(fleet, number, "GetDeviceInformation", token(row, clock + timedelta(minutes=6)))[0] == 400
        assert ask(fleet, number, "GetDeviceInformation", token(row, clock, password="wrong"))[0] == 400
        assert ask(fleet, number, "GetDeviceInformation")[0] == 400
        assert ask(fleet, number, "GetCapabilities")[0] == 200
        assert ask(fleet, number, "GetDeviceInformation", token(row, clock + timedelta(minutes=4)))[0] == 200
    fleet.end()
    assert [fleet.counts(number)["bad_logins"] for number in (1, 2)] == [3, 3]
    assert states(fleet.truth)["SIM-00001"][-1] == ("online", "skew")


def test_a_reboot_loses_the_clock(start):
    script = [
        {"cameras": 1, "fault": "reboot", "at_s": 0.1, "for_s": 0.2},
        {"cameras": 2, "fault": "reboot", "at_s": 0.1, "for_s": 0.2, "offset_s": 0},
    ]
    fleet = start("--cameras", "2", faults=script)
    assert until(lambda: sum(row["fault"] == "reboot" for row in read(fleet.truth)) == 2)
    assert camera_time(fleet, 1).year == 2000
    assert abs(camera_time(fleet, 2) - datetime.now(UTC)) < timedelta(minutes=1)


def test_services_that_go_wrong(start):
    kinds = ["onvif-malformed", "onvif-oversized", "off-host", "replaced", "hang", "slow"]
    script = [{"cameras": n, "fault": kind, "at_s": 0.4} for n, kind in enumerate(kinds, 1)]
    fleet = start("--cameras", "6", "--auth", "open", faults=script)
    before = ask(fleet, 4, "GetNetworkInterfaces")[1]
    assert until(lambda: ask(fleet, 4, "GetNetworkInterfaces")[1] != before)
    replies = set()
    for _ in range(7):
        try:
            replies.add(ask(fleet, 1, "GetSystemDateAndTime"))
        except (http.client.HTTPException, ConnectionError, UnicodeDecodeError) as error:
            replies.add(type(error).__name__)
    assert not any("GetSystemDateAndTimeResponse" in reply[1] and "</s:Envelope>" in reply[1] for reply in replies)
    assert len(replies) > 3
    with closing(http.client.HTTPConnection(fleet.host(2), fleet.ready["onvif_port"], DEADLINE_S)) as connection:
        connection.request("POST", "/onvif/device_service", "x")
        assert len(connection.getresponse().read(1 << 20)) == 1 << 20
    trap = fleet.ready["trap"]
    assert f"<tt:XAddr>http://{trap}/onvif/media_service</tt:XAddr>" in ask(fleet, 3, "GetCapabilities")[1]
    fleet.end()
    assert {row["state"] for row in read(fleet.truth) if row["fault"] in kinds and row["fault"] != "hang"} == {"online"}


def test_what_is_no_request_is_refused(start):
    fleet = start("--cameras", "2", "--channels-per-host", "2", "--auth", "open")
    assert ask(fleet, 1, "", body="no XML", path="/onvif/device_service/ch01")[0] == 400
    bomb = '<!DOCTYPE x [<!ENTITY a "a">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>'
    assert ask(fleet, 1, "", body=bomb, path="/onvif/device_service/ch01")[0] == 400
    assert ask(fleet, 1, "Reboot", path="/onvif/device_service/ch02")[0] == 500
    assert ask(fleet, 1, "GetCapabilities", path="/onvif/device_service")[0] == 404
    text = [ask(fleet, 1, "GetDeviceInformation", path=f"/onvif/device_service/ch0{n}")[1] for n in (1, 2)]
    assert text[0] != text[1]


def test_bad_logins_lock_a_camera_and_are_counted(start):
    options = ("--lock-out", "3", "--lock-out-s", "1.5", "--auth", "digest-qop")
    fleet = start("--cameras", "2", *options)

    def log_in(number, password=None):
        row = fleet.ledger[number - 1]
        challenge = re.search(r"WWW-Authenticate: (Digest .*)\r\n", fleet.ask(number, "DESCRIBE").decode())[1]
        answer = digest(row, "DESCRIBE", challenge, password=password)
        return int(fleet.ask(number, "DESCRIBE", answer).split()[1])

    row = fleet.ledger[0]
    assert [log_in(1, "wrong"), log_in(1, "wrong")] == [401, 401]
    assert log_in(1) == 200
    assert ask(fleet, 1, "GetDeviceInformation", token(row, datetime.now(UTC), password="wrong"))[0] == 400
    assert log_in(1) == 401, "the right password is of no use now"
    assert ask(fleet, 1, "GetDeviceInformation", token(row, datetime.now(UTC)))[0] == 400
    assert camera_time(fleet, 1).year >= 2024
    assert [log_in(2, "wrong"), log_in(2, "wrong"), log_in(2)] == [401, 401, 200]
    assert until(lambda: log_in(1) == 200)
    fleet.end()
    assert states(fleet.truth)["SIM-00001"] == [("online", ""), ("unknown", "lock-out"), ("online", "")]
    assert states(fleet.truth)["SIM-00002"] == [("online", "")]
    assert (fleet.counts(1)["lock_outs"], fleet.counts(2)["lock_outs"]) == (1, 0)
    assert fleet.counts(1)["bad_logins"] >= 5
    assert fleet.counts(2)["bad_logins"] == 2
