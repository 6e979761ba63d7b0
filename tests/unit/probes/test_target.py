"""Addresses are input: what is read, what is refused, and that no password comes out again."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.finding import InputError
from monitor.probes.address import Allowed, permitted
from monitor.probes.target import Target


@pytest.mark.parametrize(
    ("text", "host", "port", "path", "address", "uri"),
    [
        ("rtsp://127.0.0.1:8554/live", "127.0.0.1", 8554, "/live", "127.0.0.1", "rtsp://127.0.0.1:8554/live"),
        ("RTSP://CAM-1.city.lan/a?b=1&c", "cam-1.city.lan", 554, "/a?b=1&c", None, "rtsp://cam-1.city.lan/a?b=1&c"),
        ("10.0.0.1", "10.0.0.1", 554, "", "10.0.0.1", "rtsp://10.0.0.1"),
        ("10.0.0.1:65535", "10.0.0.1", 65535, "", "10.0.0.1", "rtsp://10.0.0.1:65535"),
        ("rtsp://[FD00::1]:8554/x", "fd00::1", 8554, "/x", "fd00::1", "rtsp://[fd00::1]:8554/x"),
        ("[::1]", "::1", 554, "", "::1", "rtsp://[::1]"),
        ("rtsp://h?chan=1", "h", 554, "?chan=1", None, "rtsp://h?chan=1"),
        (
            "rtsp://h/频道 1".replace(" ", "%20"),
            "h",
            554,
            "/%E9%A2%91%E9%81%93%201",
            None,
            "rtsp://h/%E9%A2%91%E9%81%93%201",
        ),
    ],
)
def test_what_is_read(text: str, host: str, port: int, path: str, address: str | None, uri: str) -> None:
    target = Target.parse(text)
    assert (target.host, target.port, target.path, target.address) == (host, port, path, address)
    assert (target.text, target.uri, target.credentials) == (text, uri, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("rtsp://", "bad host"),
        ("http://h/", "only rtsp"),
        ("rtsps://h/", "only rtsp"),
        ("file:///etc/passwd", "only rtsp"),
        ("h/x", "needs rtsp"),
        ("u:p@h", "needs rtsp"),
        ("h:65536", "bad port"),
        ("rtsp://h:70000/x", "bad port"),
        ("h:0", "bad port"),
        ("h:", "bad port"),
        ("h:5 5", "bad port"),
        ("h:+554", "bad port"),
        ("h:٥٥٤", "bad port"),
        ("rtsp://h/a b", "blanks"),
        ("rtsp://h/a\r\nX-Injected: 1", "control"),
        ("rtsp://h/" + "a" * 2000, "longer"),
        ("rtsp://h/a@b", "ambiguous"),
        ("rtsp://u:p/w@h/x", "ambiguous"),
        ("127.1", "odd notation"),
        ("0x7f.1", "odd notation"),
        ("0x7f000001", "odd notation"),
        ("2130706433", "odd notation"),
        ("017.0.0.1", "odd notation"),
        ("127.0.0.1.", "odd notation"),
        ("1.2.3.256", "odd notation"),
        ("rtsp://127.1:554/", "odd notation"),
        ("[::ffff:127.0.0.1]", "odd notation"),
        ("[::ffff:7f00:1]", "odd notation"),
        ("[::127.0.0.1]", "odd notation"),
        ("[2002:7f00:1::]", "odd notation"),
        ("[fe80::1%eth0]", "odd notation"),
        ("[127.0.0.1]", "IPv6"),
        ("fd00::1", "bad host"),
        ("0.0.0.0", "one device"),
        ("[::]", "one device"),
        ("224.0.0.1", "one device"),
        ("255.255.255.255", "one device"),
        ("摄像机", "bad host"),
        ("a..b", "bad host"),
        ("-a", "bad host"),
        ("a%41", "bad host"),
        ("a" * 64, "bad host"),
        (".".join(["a" * 60] * 5), "bad host"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        Target.parse(text, file="points.csv", line=7, column="rtsp_url")
    [finding] = raised.value.findings
    assert (finding.file, finding.line, finding.column) == ("points.csv", 7, "rtsp_url")
    assert finding.remedy


def test_a_login_in_the_url_becomes_credentials() -> None:
    target = Target.parse("rtsp://ad%40min:p%40ss%3A%2F@10.0.0.1/live")
    assert target.credentials is not None
    assert (target.credentials.username, target.credentials.password) == ("ad@min", "p@ss:/")
    assert target.text == "rtsp://ad%40min:***@10.0.0.1/live"
    assert target.uri == "rtsp://10.0.0.1/live"


def test_an_unquoted_at_sign_in_the_password() -> None:
    target = Target.parse("rtsp://u:p@ss@10.0.0.1/")
    assert target.credentials is not None
    assert target.credentials.password == "p@ss"
    assert target.host == "10.0.0.1"


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://u:canary@10.0.0.1/live",
        "rtsp://u:canary@127.1/live",
        "rtsp://u:canary@h:99999/live",
        "rtsp://u:can/canary@h/live",
        "rtsp://u:canary%0d%0a@h/live",
        "rtsp://u:canary@h/a b",
        "http://u:canary@h/",
        "u:canary@h",
        "rtsp://h/user=admin_password=canary_channel=1",
        "rtsp://h:0/user=admin&PWD=canary&channel=1",
    ],
)
def test_a_password_is_never_shown(text: str) -> None:
    try:
        shown = Target.parse(text).text
    except InputError as wrong:
        shown = str(wrong)
    assert "canary" not in shown
    assert "***" in shown


@given(st.text(max_size=40) | st.from_regex(r"(rtsp://)?[0-9a-fx.:\[\]@%/]{0,30}", fullmatch=True))
def test_any_text_is_a_target_or_an_input_error(text: str) -> None:
    try:
        target = Target.parse(text)
    except InputError:
        return
    assert 1 <= target.port <= 65535
    assert target.uri.isascii()
    assert target.uri.isprintable()
    if target.address is not None:
        assert str(ip_address(target.address)) == target.address


@pytest.mark.parametrize(
    ("line", "address", "port", "expected"),
    [
        ("10.1.0.0/16:554", "10.1.2.3", 554, True),
        ("10.1.0.0/16:554", "10.1.2.3", 555, False),
        ("10.1.0.0/16:554", "10.2.0.0", 554, False),
        ("10.1.0.0/16:554-8554", "10.1.255.255", 8554, True),
        ("10.1.0.0/16:554-8554", "10.1.255.255", 8555, False),
        ("10.1.0.0/16", "10.1.0.0", 65535, True),
        ("[fd00::/8]:554", "fd12::1", 554, True),
        ("[fd00::/8]:554", "10.1.2.3", 554, False),
        ("10.0.0.7", "10.0.0.7", 80, True),
    ],
)
def test_the_allow_list(line: str, address: str, port: int, expected: bool) -> None:
    assert permitted(ip_address(address), port, [Allowed.parse(line)]) is expected


def test_no_list_allows_all_and_an_empty_one_nothing() -> None:
    assert permitted(ip_address("10.0.0.1"), 554, None)
    assert not permitted(ip_address("10.0.0.1"), 554, [])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/8:",
        "10.0.0.0/8:0",
        "10.0.0.0/8:9-1",
        "10.0.0.0/8:1-",
        "fd00::/8",
        "x",
    ],
)
def test_bad_lines_of_the_allow_list(line: str) -> None:
    with pytest.raises(InputError):
        Allowed.parse(line)


def test_an_address_outside_the_list_is_refused_at_once() -> None:
    allowed = [Allowed.parse("10.0.0.0/8:554")]
    assert Target.parse("10.0.0.1", allowed=allowed).port == 554
    assert Target.parse("some-name:8554", allowed=allowed).address is None  # judged when it is resolved
    with pytest.raises(InputError, match="allow-list"):
        Target.parse("127.0.0.1", allowed=allowed)
