"""Identity through the real SOAP library against a scripted device: logins, quirks, hosts that are not the camera's."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from monitor.model import Instant, Reason
from monitor.points import CameraSpec
from monitor.probes.address import Allowed
from monitor.probes.onvif import identity as identity_module
from monitor.probes.onvif.calls import Calls
from monitor.probes.onvif.device import Device, Service
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_client import host_of
from monitor.probes.onvif.identity import Identity, Profile, identify, spec_of
from monitor.probes.onvif.library import library
from monitor.probes.onvif.report import identity_json
from monitor.probes.target import BasicUse, Credentials
from tests.servers.onvif_scripted import (
    DEVICE,
    MEDIA,
    Asked,
    OnvifDevice,
    capabilities,
    fault,
    http,
    information,
    interfaces,
    onvif_device,
    profiles,
    services,
    soap,
    stream,
)

LOGIN = Credentials("admin", "对的 secret")
WRONG = Credentials("admin", "falsch")


def asked_of(device: OnvifDevice, login: Credentials | None = None, timeout_s: float = 60, **options: Any) -> Identity:
    at = Instant(time.time_ns() // 1000)
    return asyncio.run(identify(Device.parse(device.url), login, at=at, timeout_s=timeout_s, **options))


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """A listener on another loopback address that must never hear from us."""
    with socket.create_server(("127.0.0.9", 0)) as listener:
        listener.setblocking(False)
        yield listener
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_everything_an_ordinary_camera_tells() -> None:
    with onvif_device() as device:
        told = asked_of(device)
    assert told.reason is Reason.OK
    assert (told.make, told.model, told.firmware) == ("海康威视 Hikvision", "DS-2CD3T46", "V5.5.61")
    assert (told.serial, told.hardware_id) == ("DS-2CD3T-0001", "88")
    assert told.macs == ("4C:BD:8F:00:00:01", "4C:BD:8F:00:00:02")
    assert told.profiles == tuple(Profile(f"profile_{i}", f"main {i}", "H264", 2560, 1440) for i in range(2))
    assert told.stream_uri == "rtsp://127.0.0.1:554/Streaming/Channels/101?transportmode=unicast"
    assert (told.stream_off_host, told.off_host, told.missing) == ("", (), ())
    assert told.clock_offset_s is not None
    assert device.operations()[:2] == ["GetSystemDateAndTime", "GetDeviceInformation"]


@pytest.mark.parametrize("skew_s", [0.0, -1.7e9, 86_400.0, 3e9])
def test_the_login_is_signed_with_the_cameras_own_time(skew_s: float) -> None:
    with onvif_device(check="ws", skew_s=skew_s) as device:
        told = asked_of(device, LOGIN)
    assert (told.reason, told.auth, told.auth_checked) == (Reason.OK, "ws-security", True)
    assert told.stream_uri
    assert device.failed_logins == 0
    assert told.clock_offset_s is not None
    assert abs(told.clock_offset_s - skew_s) < 30


@pytest.mark.parametrize("refusal", ["200 OK", "400 Bad Request", "401 Unauthorized", "500 Internal Server Error"])
def test_a_refusal_is_known_under_any_http_status(refusal: str) -> None:
    with onvif_device(check="ws", refusal=refusal) as device:
        assert asked_of(device, LOGIN).auth_checked
        assert asked_of(device, WRONG).reason is Reason.AUTH_REJECTED
        assert asked_of(device).reason is Reason.AUTH_UNKNOWN


@pytest.mark.parametrize("check", ["ws", "digest"])
def test_a_refused_login_is_sent_once_because_devices_lock(check: str) -> None:
    with onvif_device(check=check) as device:
        told = asked_of(device, WRONG)
    assert (told.reason, told.auth_checked) == (Reason.AUTH_REJECTED, False)
    assert device.failed_logins == 1


def test_a_refused_login_is_not_sent_with_later_questions_either() -> None:
    async def twice(device: OnvifDevice) -> list[Reason]:
        parsed, registered = library(), Device.parse(device.url)
        host = await host_of(registered, time.monotonic() + 60, None)
        calls = Calls(parsed, registered, host, WRONG, device.now)
        reasons = []
        for _ in range(3):
            with pytest.raises(OnvifError) as caught:
                await calls("devicemgmt", Service(registered.port, registered.path), "GetDeviceInformation")
            reasons.append(caught.value.reason)
        return reasons

    for check in ("ws", "digest"):
        with onvif_device(check=check) as device:
            assert asyncio.run(twice(device)) == [Reason.AUTH_REJECTED] * 3
        assert device.failed_logins == 1


def test_a_device_that_calls_every_nonce_stale_is_left_alone() -> None:
    stale = 'WWW-Authenticate: Digest realm="camera", nonce="n", qop="auth", stale=true'
    answer = http("", "401 Unauthorized", "text/html", stale)
    with onvif_device(answers={"GetDeviceInformation": answer}) as device:
        assert asked_of(device, LOGIN).reason is Reason.AUTH_REJECTED
    assert sum(one.has_login for one in device.asked) == 2


def test_http_digest_where_the_device_asks_for_it() -> None:
    with onvif_device(check="digest") as device:
        told = asked_of(device, LOGIN)
    assert (told.reason, told.auth, told.auth_checked) == (Reason.OK, "digest", True)
    assert all("UsernameToken" not in one.body for one in device.asked)
    assert device.failed_logins == 0


def test_an_expired_nonce_of_an_accepted_login_is_renewed_once() -> None:
    def renewing(device: OnvifDevice, asked: Asked) -> bytes:
        if 'nonce="new"' in asked.headers["authorization"]:
            return http(interfaces("00:11:22:33:44:55"))
        return http(
            "", "401 Unauthorized", "text/html", 'WWW-Authenticate: Digest realm="camera", nonce="new", qop="auth"'
        )

    class Accepting(OnvifDevice):
        def _accepts(self, asked: Asked) -> bool:
            return asked.operation != "GetDeviceInformation" or super()._accepts(asked)

    device = Accepting(check="digest", answers={"GetNetworkInterfaces": renewing})
    try:
        told = asked_of(device, LOGIN)
    finally:
        device.close()
    assert told.macs == ("00:11:22:33:44:55",)
    assert device.operations().count("GetNetworkInterfaces") == 2


def test_a_device_that_never_checks_proves_nothing_about_the_password() -> None:
    with onvif_device() as device:
        told = asked_of(device, WRONG)
    assert (told.reason, told.auth, told.auth_checked) == (Reason.OK, "none", False)
    assert not any(one.has_login for one in device.asked)


def test_a_password_is_not_sent_in_the_clear_where_that_is_not_permitted() -> None:
    offer = http("", "401 Unauthorized", "text/html", 'WWW-Authenticate: Basic realm="x"')
    for basic, expected in ((BasicUse.NEVER, False), (BasicUse.UNLESS_DIGEST, True)):
        with onvif_device(answers={"GetDeviceInformation": offer}) as device:
            told = asked_of(device, Credentials("admin", "geheim", basic))
        assert told.reason is Reason.AUTH_REJECTED
        assert any(one.headers.get("authorization", "").startswith("Basic") for one in device.asked) is expected


def test_an_account_without_rights_loses_parts_only() -> None:
    answers = {name: http(fault(), "400 Bad Request") for name in ("GetNetworkInterfaces", "GetProfiles")}
    with onvif_device(check="ws", answers=answers) as device:
        told = asked_of(device, LOGIN)
    assert (told.reason, told.serial) == (Reason.OK, "DS-2CD3T-0001")
    assert told.missing == (("macs", Reason.AUTH_REJECTED), ("profiles", Reason.AUTH_REJECTED))
    assert identity_json(told)["missing"] == {"macs": "auth-rejected", "profiles": "auth-rejected"}


# -- hosts


def test_a_service_on_another_host_is_asked_on_the_registered_one(stranger: socket.socket) -> None:
    port = stranger.getsockname()[1]

    def elsewhere(device: OnvifDevice, asked: Asked) -> str:
        return services((DEVICE, device.url), (MEDIA, f"http://127.0.0.9:{device.port}/onvif/other_media"))

    uri = f"rtsp://admin:geheim@127.0.0.9:{port}/live"
    answers: dict[str, Any] = {"GetServices": elsewhere, "GetStreamUri": stream(uri)}
    with onvif_device(check="ws", answers=answers) as device:
        told = asked_of(device, LOGIN)
    assert told.profiles
    assert told.off_host == (f"http://127.0.0.9:{device.port}/onvif/other_media",)
    assert {one.path for one in device.asked if one.operation == "GetProfiles"} == {"/onvif/other_media"}
    assert (told.stream_uri, told.stream_off_host) == (f"rtsp://127.0.0.9:{port}/live", "127.0.0.9")


def test_a_port_that_only_exists_inside_gives_way_to_the_registered_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        inside = f"http://192.168.1.64:{free.getsockname()[1]}/onvif/media"
    with onvif_device(answers={"GetServices": services((MEDIA, inside))}) as device:
        told = asked_of(device)
    assert (told.off_host, told.missing) == ((inside,), ())
    assert {one.path for one in device.asked if one.operation == "GetProfiles"} == {"/onvif/media"}


def test_another_port_of_the_camera_must_be_on_the_allow_list() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.setblocking(False)
        xaddr = f"http://127.0.0.1:{other.getsockname()[1]}/onvif/media"
        with onvif_device(answers={"GetServices": services((MEDIA, xaddr))}) as device:
            told = asked_of(device, allowed=[Allowed.parse(f"127.0.0.1/32:{device.port}")])
        with pytest.raises(BlockingIOError):
            other.accept()
    assert (told.reason, told.missing) == (Reason.OK, ())
    assert any("allow-list" in note for note in told.notes)


def test_a_service_address_without_a_path_is_the_device_services_own() -> None:
    def bare(device: OnvifDevice, asked: Asked) -> str:
        return services((MEDIA, f"http://127.0.0.1:{device.port}"))

    with onvif_device(answers={"GetServices": bare}) as device:
        assert asked_of(device).profiles
    assert {one.path for one in device.asked} == {"/onvif/device_service"}


@pytest.mark.parametrize("refusal", [fault("ter:ActionNotSupported", "?"), soap("<tds:GetServicesResponse/>")])
def test_older_devices_are_asked_for_capabilities(refusal: str) -> None:
    def older(device: OnvifDevice, asked: Asked) -> str:
        return capabilities(f"http://127.0.0.1:{device.port}/onvif/old_media")

    with onvif_device(answers={"GetServices": refusal, "GetCapabilities": older}) as device:
        assert asked_of(device).profiles
    assert device.asked[-1].path == "/onvif/old_media"


# -- values


def test_useless_values_are_kept_as_told_and_not_judged() -> None:
    answers = {
        "GetDeviceInformation": information("SerialNumber"),
        "GetNetworkInterfaces": interfaces("00:00:00:00:00:00", "4CBD8F000001", "nonsense", "4c:bd:8f:00:00:01", ""),
    }
    with onvif_device(answers=answers) as device:
        told = asked_of(device)
    assert told.serial == "SerialNumber"
    assert told.macs == ("4C:BD:8F:00:00:01",)


def test_texts_are_one_printable_line() -> None:
    answer = information("A\n\tB\u202e\u009bC" + "x" * 5_000)
    with onvif_device(answers={"GetDeviceInformation": answer}) as device:
        serial = asked_of(device).serial
    assert serial.startswith("A BC")
    assert serial.isprintable()
    assert len(serial) <= 256


def test_a_device_of_many_channels_is_read_up_to_the_limit() -> None:
    with onvif_device(answers={"GetProfiles": profiles(300)}) as device:
        assert len(asked_of(device).profiles) == 256


# -- failures: the library raises many things, none of them gets out


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(""), Reason.BAD_REPLY),
        (http(soap("")), Reason.BAD_REPLY),
        (http(soap("<tds:Wrong/>")), Reason.BAD_REPLY),
        (http("Error: x\n  at y", "500 Internal Server Error"), Reason.BAD_REPLY),
        (http(information(), "500 Internal Server Error"), Reason.BAD_REPLY),
        (http('<!DOCTYPE a [<!ENTITY b "c">]>' + information()), Reason.BAD_REPLY),
        (http("", "302 Found", "text/html", "Location: http://127.0.0.9/"), Reason.BAD_REPLY),
        (http(fault("ter:ActionNotSupported", "?")), Reason.BAD_REPLY),
        (http("", "404 Not Found"), Reason.NOT_FOUND),
        (http(b"x" * 3_000_000), Reason.BAD_REPLY),
        (http(information(), "200 OK", 'multipart/related; boundary="x"'), Reason.OK),
        (http(soap("<tds:GetDeviceInformationResponse/>")), Reason.OK),
        (http(soap("<tds:GetDeviceInformationResponse><tds:Surprise/></tds:GetDeviceInformationResponse>")), Reason.OK),
    ],
)
def test_every_failure_becomes_a_reason(answer: bytes, reason: Reason) -> None:
    with onvif_device(answers={"GetDeviceInformation": answer}) as device:
        assert asked_of(device).reason is reason


@pytest.mark.parametrize("operation", ["GetNetworkInterfaces", "GetServices", "GetProfiles", "GetStreamUri"])
@pytest.mark.parametrize(
    "answer",
    [http(""), http(soap("")), http(soap("<tds:Wrong/>")), http(fault("ter:Action", "no"), "500 Oops"),
     http(soap("<trt:GetProfilesResponse><trt:Profiles/></trt:GetProfilesResponse>"))],
)  # fmt: skip
def test_a_part_that_fails_leaves_the_rest(operation: str, answer: bytes) -> None:
    with onvif_device(answers={operation: answer}) as device:
        told = asked_of(device)
    assert (told.reason, told.serial) == (Reason.OK, "DS-2CD3T-0001")


def test_a_device_that_will_not_tell_its_time_is_asked_on_with_ours() -> None:
    with onvif_device(check="ws", open_to_all=frozenset()) as device:
        told = asked_of(device, LOGIN)
    assert (told.reason, told.clock_offset_s, told.auth_checked) == (Reason.OK, None, True)


def test_a_device_that_wants_a_login_for_everything_gets_it_once() -> None:
    with onvif_device(check="digest", open_to_all=frozenset()) as device:
        told = asked_of(device, LOGIN)
        assert (told.reason, told.auth, told.auth_checked, told.missing) == (Reason.OK, "digest", True, ())
        assert device.failed_logins == 0
        assert asked_of(device, WRONG).reason is Reason.AUTH_REJECTED
        assert device.failed_logins == 1
        assert asked_of(device).reason is Reason.AUTH_UNKNOWN


def test_the_ledger_gets_what_was_told_and_no_address() -> None:
    with onvif_device() as device:
        spec = spec_of(asked_of(device))
    macs = "4C:BD:8F:00:00:01,4C:BD:8F:00:00:02"
    assert spec == CameraSpec("海康威视 Hikvision", "DS-2CD3T46", "DS-2CD3T-0001", macs)


def test_one_deadline_for_everything_keeps_what_came_before_it() -> None:
    with onvif_device(answers={"GetProfiles": b""}) as device:
        told = asked_of(device, timeout_s=2)
    assert told.reason is Reason.OK
    assert told.macs
    assert told.missing == (("profiles", Reason.TIMEOUT),)
    with onvif_device(answers={"GetDeviceInformation": b""}) as device:
        assert asked_of(device, timeout_s=0.3).reason is Reason.TIMEOUT


def test_a_device_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = asyncio.run(identify(Device.parse(f"127.0.0.1:{port}"), LOGIN, at=Instant(0), timeout_s=9))
    assert (told.reason, told.auth, told.notes != ()) == (Reason.REFUSED, "none", True)


def test_conversations_at_the_same_time_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "AT_ONCE", 2)
    going, most = 0, 0

    async def hold(self: object, *_: object) -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        going -= 1

    monkeypatch.setattr(identity_module._Talk, "hold", hold)

    async def ten() -> None:
        device = Device.parse("127.0.0.1:1")
        await asyncio.gather(*(identify(device, at=Instant(0), timeout_s=9) for _ in range(10)))

    asyncio.run(ten())
    assert most == 2


def test_neither_password_nor_digest_shows_in_what_is_reported() -> None:
    made: list[Callable[[], str]] = []
    with onvif_device(check="ws", answers={"GetProfiles": http(fault("ter:X", "pass word"))}) as device:
        for login in (LOGIN, WRONG):
            told = asked_of(device, login)
            made += [lambda told=told: repr(told) + str(identity_json(told))]  # type: ignore[misc]
    assert all("secret" not in text() and "falsch" not in text() for text in made)
