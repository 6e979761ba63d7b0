"""WS-Discovery on loopback: who is asked, who is believed, and how answers differ from what the standard says."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from monitor.finding import InputError
from monitor.probes.address import Allowed
from monitor.probes.onvif import discovery
from monitor.probes.onvif.announcement import Found, probe_message, read_matches
from monitor.probes.onvif.discovery import MAX_ANSWERS, Search, addresses_of, discover, parse_networks
from monitor.probes.onvif.failure import OnvifError
from tests.servers.loops import Run
from tests.servers.onvif_announcer import Reply, announcers, match

NUMBER = "0b7e0d1e-9c1c-4a55-8f0a-1c2d3e4f5a6b"
_nets = itertools.count(1)


@pytest.fixture
def net(worker_id: str) -> str:
    """A network of 30 loopback addresses that no other test uses at the same time."""
    worker = int(worker_id.removeprefix("gw")) if worker_id != "master" else 99
    return f"127.{100 + worker}.{next(_nets)}."


def searched(run: Run[Any], cidr: str, timeout_s: float = 30) -> Search:
    """Search; the time counts only where somebody stays silent."""
    return run(discover(parse_networks([cidr], None), rate=1_000, timeout_s=timeout_s))  # type: ignore[no-any-return]


def only(search: Search) -> Found:
    (found,) = search.found
    return found


def test_every_address_is_asked_and_who_answers_is_listed(run: Run[Any], net: str) -> None:
    def reply(address: str) -> Reply:
        return lambda number: [
            match(number, f"http://{address}/onvif/device_service", f"urn:uuid:{NUMBER[:-2]}{address[-2:]}")
        ]

    answering = [f"{net}{last}" for last in range(1, 7)]
    with announcers({address: reply(address) for address in answering}) as devices:
        search = searched(run, f"{net}0/29")
    assert search.asked == 6
    assert [one.address for one in search.found] == answering
    assert search.found[0].onvif_addr == f"http://{net}1:80/onvif/device_service"
    assert set(devices.heard.values()) <= {1, 2}
    assert search.dropped == 0


def test_who_stays_silent_is_asked_twice_and_no_more(run: Run[Any], net: str) -> None:
    with announcers({f"{net}1": lambda number: []}) as devices:
        assert searched(run, f"{net}0/30", timeout_s=0.1).found == ()
    assert devices.heard == {f"{net}1": 2}


def test_an_answer_from_another_port_counts(run: Run[Any], net: str) -> None:
    address = f"{net}1"
    with announcers({address: lambda number: [match(number, f"http://{address}:81/x")]}, frozenset({address})):
        found = only(searched(run, f"{address}/32"))
    assert found.port != 3702
    assert found.onvif_addr == f"http://{address}:81/x"


@pytest.mark.parametrize(
    ("endpoint", "related"),
    [
        ("urn:uuid:{}", "urn:uuid:{}"),
        ("uuid:{}", "uuid:{}"),
        ("{}", "{}"),
        ("URN:UUID:{}", " uuid:{}\n"),
        ("urn:uuid:{}", ""),
    ],
)
def test_numbers_are_written_in_several_ways(endpoint: str, related: str) -> None:
    raw = match("", "http://10.0.0.1/", endpoint.format(NUMBER.upper()), relates_to=related.format(NUMBER.upper()))
    (found,) = read_matches(raw, NUMBER)
    assert found.endpoint == NUMBER


def test_an_answer_to_another_probe_is_dropped(run: Run[Any], net: str) -> None:
    address = f"{net}1"
    with announcers({address: lambda number: [match("uuid:" + NUMBER, f"http://{address}/")]}):
        search = searched(run, f"{address}/32")
    assert (search.found, search.dropped > 0) == ((), True)


def test_scopes_with_newlines_several_addresses_and_one_elsewhere(run: Run[Any], net: str) -> None:
    address = f"{net}1"
    scopes = (
        "\n onvif://www.onvif.org/name/%E5%8D%97%E9%97%A8%201\n\tonvif://www.onvif.org/hardware/DS-2CD\r\n"
        "onvif://www.onvif.org/location/city/X%0D%0AY\n"
    )
    xaddrs = f"http://192.168.1.64/onvif/device_service\n http://{address}:8000/onvif/device_service http://[fe80::1]/x"
    with announcers({address: lambda number: [match(number, xaddrs, scopes=scopes)]}):
        found = only(searched(run, f"{address}/32"))
    assert (found.name, found.hardware, found.location) == ("南门 1", "DS-2CD", "city/X Y")
    assert found.onvif_addr == f"http://{address}:8000/onvif/device_service"
    assert found.off_host == ("http://192.168.1.64/onvif/device_service", "http://[fe80::1]/x")
    assert len(found.xaddrs) == 3


def test_a_device_that_names_only_other_hosts_has_no_usable_address(run: Run[Any], net: str) -> None:
    address = f"{net}1"
    with announcers({address: lambda number: [match(number, "http://evil.example/x")]}):
        found = only(searched(run, f"{address}/32"))
    assert (found.onvif_addr, found.off_host) == ("", ("http://evil.example/x",))


@pytest.mark.parametrize(
    "raw",
    [b"", b"hello", b"\0" * 100, b"<a/>", match("", "x")[:-10], b'<!DOCTYPE a [<!ENTITY b "c">]>' + match("", "x"),
     match("", "x").replace(b"ProbeMatches", b"Hello"), match("", "x").replace(b"ProbeMatch>", b"Other>"),
     match("", "x").replace(b"<d:XAddrs>", b"<d:XAddrs>" + b"x" * 70_000)],
)  # fmt: skip
def test_what_is_no_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(OnvifError):
        read_matches(raw, NUMBER)


def test_what_is_no_answer_is_dropped(run: Run[Any], net: str) -> None:
    with announcers({f"{net}1": lambda number: [b"hello"]}):
        search = searched(run, f"{net}1/32")
    assert (search.found, search.dropped > 0) == ((), True)


def test_a_flood_from_one_address_is_cut(run: Run[Any], net: str) -> None:
    address = f"{net}1"

    def flood(number: str) -> list[bytes]:
        return [match(number, f"http://{address}/", f"urn:uuid:{NUMBER[:-3]}{i:03d}") for i in range(200)]

    with announcers({address: flood}):
        search = searched(run, f"{address}/32")
    assert len(search.found) == MAX_ANSWERS
    assert search.dropped > 0


def test_only_who_was_asked_is_believed() -> None:
    listener = discovery._Listener(list(parse_networks(["10.0.0.0/30"], None)))  # type: ignore[arg-type]
    raw = match("", "http://10.0.0.1/", relates_to="")
    listener.datagram_received(raw, ("10.0.1.1", 3702))
    assert (listener.found, listener.dropped) == ({}, 1)
    listener.datagram_received(raw, ("10.0.0.1", 3702))
    assert len(listener.found) == 1


def test_multicast_goes_out_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(discovery._Listener, "ask_all", lambda self: calls.append(True))
    networks = parse_networks(["127.99.99.1/32"], None)
    asyncio.run(discover(networks, rate=1_000, timeout_s=0.01))
    assert calls == []
    asyncio.run(discover(networks, rate=1_000, timeout_s=0.01, multicast=True))
    assert calls == [True]


def test_multicast_can_be_sent(run: Run[Any]) -> None:
    """Without a network there may be no way out: that is no error either."""
    assert (
        run(discover(parse_networks(["127.99.98.1/32"], None), rate=1_000, timeout_s=0.01, multicast=True)).asked == 1
    )


def test_the_rate_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the loop's own time: by any moment no more was sent than the rate allows, plus one tick's worth."""

    async def once() -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        sent: list[tuple[float, int]] = []
        listener = discovery._Listener(list(parse_networks(["10.0.0.0/24"], None)))  # type: ignore[arg-type]
        monkeypatch.setattr(listener, "_send", lambda address: sent.append((loop.time(), len(sent) + 1)))
        began = loop.time()
        await listener._round(iter([str(i) for i in range(100)]), 400)
        return [(moment - began, count) for moment, count in sent]

    sent = asyncio.run(once())
    assert len(sent) == 100
    assert all(count <= 400 * after_s + 400 * discovery.TICK_S * 2 + 1 for after_s, count in sent)


# -- which networks


def test_network_and_broadcast_addresses_are_left_out_and_overlaps_asked_once() -> None:
    networks = parse_networks(["10.0.0.0/30", "10.0.0.0/29", "10.0.1.1", "fd00::/126"], None)
    assert list(addresses_of(networks)) == [
        *(f"10.0.0.{i}" for i in (1, 2, 3, 4, 5, 6)),
        "10.0.1.1",
        *(f"fd00::{i}" for i in (1, 2, 3)),
    ]


@pytest.mark.parametrize("text", ["10.0.0.1/24", "10.1", "0x7f.1/32", "camera.lan", "224.0.0.0/24", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_networks([text], None)


def test_too_many_addresses_are_refused() -> None:
    assert len(parse_networks(["10.0.0.0/16"], None)) == 1
    for texts in (["10.0.0.0/15"], ["10.0.0.0/16", "10.9.0.1"], ["fd00::/64"]):
        with pytest.raises(InputError, match="too many"):
            parse_networks(texts, None)


def test_every_address_must_be_on_the_allow_list_for_the_port() -> None:
    allowed = [Allowed.parse(text) for text in ("10.0.0.0/25:3702", "10.0.0.128/25", "10.0.1.0/24:554")]
    assert len(parse_networks(["10.0.0.0/25", "10.0.0.0/24", "10.0.0.128/26"], allowed)) == 3
    for text in ("10.0.1.0/24", "10.0.0.0/23", "10.2.0.1", "fd00::1"):
        with pytest.raises(InputError, match=f"watch.allow: {text.split('/')[0]}"):
            parse_networks([text], allowed)


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(InputError) as caught:
        parse_networks(["nonsense", "10.0.0.1/8"], None)
    assert len(caught.value.findings) == 2


def test_the_probe_is_a_constant_but_for_its_number() -> None:
    assert probe_message(NUMBER).count(NUMBER.encode()) == 1
    assert b"NetworkVideoTransmitter" in probe_message(NUMBER)
