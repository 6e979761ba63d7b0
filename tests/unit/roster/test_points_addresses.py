"""Stream addresses: logins come out of them, and nothing that was one ever comes back in a message or an address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.points import Camera, CameraSpec, credential_context, host_of
from monitor.roster.address import Login, Stream, parse_url, stream_of
from monitor.roster.camera import is_other_device, is_same_device, plan_camera, stated_spec
from monitor.roster.rows import PointRow

SAID: list[str] = []


def complain(message: str, remedy: str, level: str = "error") -> None:
    SAID.append(f"{level} {message} {remedy}")


@pytest.mark.parametrize(
    ("text", "url", "login"),
    [
        ("rtsp://10.0.0.1", "rtsp://10.0.0.1", ("", "")),
        ("RTSP://10.0.0.1:554/ch1", "rtsp://10.0.0.1/ch1", ("", "")),
        ("rtsp://admin:a:b@10.0.0.1:8554/ch?x=1", "rtsp://10.0.0.1:8554/ch?x=1", ("admin", "a:b")),
        ("rtsp://admin:a@b@10.0.0.1/ch1", "rtsp://10.0.0.1/ch1", ("admin", "a@b")),
        ("rtsp://ad%40min:a%2Fb@Cam.Example/ch1", "rtsp://cam.example/ch1", ("ad@min", "a/b")),
        ("rtsp://10.0.0.1/user=admin&password=&channel=1", "rtsp://10.0.0.1/user=admin&password=&channel=1", ("", "")),
    ],
)
def test_addresses(text: str, url: str, login: tuple[str, str]) -> None:
    stream, found = parse_url(text, complain)
    assert stream is not None
    assert (stream.url, found) == (url, Login(*login))
    assert stream_of(stream.url) == stream
    assert host_of(stream.url) == stream.host


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12))
def test_a_password_never_stays_in_an_address_or_a_message(password: str) -> None:
    SAID.clear()
    marked = f"{password}canary"
    stream, login = parse_url(f"rtsp://admin:{marked}@10.0.0.1/ch1", complain)
    assert (stream is None) == bool(SAID)
    assert "canary" not in " ".join(SAID)
    if stream is not None:
        assert stream == Stream("10.0.0.1", 554, "/ch1")
        assert "%" in password or login == Login("admin", marked)


def test_columns_of_an_address_are_laid_over_what_is_known() -> None:
    known = CameraSpec(rtsp_url="rtsp://10.0.0.1:8554/ch1")
    assert stated_spec(CameraSpec(), {"ipv4": "10.0.0.1"}).rtsp_url == "rtsp://10.0.0.1"
    assert (
        stated_spec(CameraSpec(), {"ipv4": "10.0.0.1", "port": "8554", "path": "/a"}).rtsp_url
        == "rtsp://10.0.0.1:8554/a"
    )
    assert stated_spec(known, {"ipv4": "10.0.0.2"}).rtsp_url == "rtsp://10.0.0.2:8554/ch1"
    assert stated_spec(known, {"path": "/ch2"}).rtsp_url == "rtsp://10.0.0.1:8554/ch2"
    assert stated_spec(known, {"port": ""}).rtsp_url == "rtsp://10.0.0.1/ch1"
    assert stated_spec(known, {"make": "x"}).rtsp_url == known.rtsp_url
    assert stated_spec(known, {"rtsp_url": ""}).rtsp_url == ""
    assert stated_spec(known, {"ipv4": "", "port": "80"}).rtsp_url == ""
    assert stated_spec(known, {"rtsp_url": "", "ipv4": "10.0.0.1"}).rtsp_url == known.rtsp_url


def test_what_makes_another_device() -> None:
    one = CameraSpec(serial="S1", macs="AA:00:00:00:00:01,AA:00:00:00:00:02", rtsp_url="rtsp://10.0.0.1/a")
    assert not is_other_device(one, CameraSpec())
    assert not is_other_device(CameraSpec(), one)
    assert is_other_device(one, CameraSpec(serial="S2"))
    assert is_other_device(one, CameraSpec(macs="AA:00:00:00:00:03"))
    assert not is_other_device(one, CameraSpec(macs="AA:00:00:00:00:02"))
    assert is_other_device(one, CameraSpec(rtsp_url="rtsp://10.0.0.2/a"))
    assert not is_other_device(one, CameraSpec(rtsp_url="rtsp://10.0.0.1:8554/b"))
    assert is_same_device(one, CameraSpec(serial="S1"))
    assert is_same_device(one, CameraSpec(macs="AA:00:00:00:00:02"))
    assert not is_same_device(one, CameraSpec(serial="S1", macs="AA:00:00:00:00:03"))
    assert not is_same_device(CameraSpec(make="x"), CameraSpec(make="x"))


def test_another_device_inherits_no_identity() -> None:
    old = CameraSpec("hik", "m", "S1", "AA:00:00:00:00:01", "rtsp://10.0.0.1/a", "http://10.0.0.1/onvif")
    row = PointRow(2, "P1", camera={"ipv4": "10.0.0.2"})
    plan = plan_camera(row, Camera(1, old), None, complain, complain)
    assert plan.replaced
    assert plan.spec == CameraSpec(rtsp_url="rtsp://10.0.0.2/a")
    assert plan.write is not None
    assert plan.write.id is None


def test_a_password_is_bound_to_login_and_host() -> None:
    assert credential_context("admin", "rtsp://10.0.0.1:8554/a") == credential_context("admin", "rtsp://10.0.0.1/b")
    assert credential_context("admin", "rtsp://10.0.0.1/a") != credential_context("admin", "rtsp://10.0.0.2/a")
    assert credential_context("admin", "rtsp://10.0.0.1/a") != credential_context("root", "rtsp://10.0.0.1/a")
