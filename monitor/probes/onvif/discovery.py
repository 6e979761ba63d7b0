"""WS-Discovery over chosen networks: one small datagram to each address, at a bounded rate, and who answers.

Only addresses that were asked are believed, and nothing in an answer is contacted.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from monitor.finding import Finding, InputError, refuse
from monitor.probes.address import Allowed, permitted
from monitor.probes.onvif.announcement import MAX_DATAGRAM, Found, found_at, probe_message, read_matches
from monitor.probes.onvif.failure import OnvifError

PORT = 3702
MULTICAST = "239.255.255.250"
MAX_ADDRESSES = 65_536
MAX_RATE = 1_000
DEFAULT_RATE = 100
MAX_ANSWERS = 4
"""Datagrams read from one address; what it sends beyond is dropped."""
MAX_BAD = 100_000
"""Unusable datagrams after which no more are read."""
TICK_S = 0.01
SECOND_ANSWER_S = 0.2

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


def parse_networks(texts: Sequence[str], allowed: Sequence[Allowed] | None) -> tuple[Network, ...]:
    """Read CIDRs (or single addresses) to search, at most 65,536 addresses in all.

    With an allow-list, every address must be on it for port 3702; without one, the CIDRs themselves are the list.
    Raises InputError with every complaint.
    """
    networks: list[Network] = []
    findings: list[Finding] = []
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError:
            findings.append(
                Finding(
                    "",
                    0,
                    "CIDR",
                    f"不是网段 not a network: {text[:80]!a}",
                    "例如 for example 10.20.0.0/24；主机位须为 0",
                )
            )
            continue
        if network.is_multicast or network.is_unspecified:
            findings.append(
                Finding(
                    "", 0, "CIDR", f"不能搜索 cannot be searched: {network}", "给出设备网段 name the devices' network"
                )
            )
        elif not _inside(network, allowed):
            findings.append(
                Finding(
                    "",
                    0,
                    "CIDR",
                    f"{network} 不全在白名单内 is not wholly on the allow-list for port {PORT}",
                    f"在 watch.allow 中加入 add to watch.allow: {network}:{PORT}",
                )
            )
        else:
            networks.append(network)
    count = sum(network.num_addresses for network in networks)
    if count > MAX_ADDRESSES:
        findings.append(
            Finding(
                "", 0, "CIDR", f"地址过多 too many addresses: {count:,} > {MAX_ADDRESSES:,}", "分批搜索 search in parts"
            )
        )
    if findings:
        raise InputError(findings)
    return tuple(networks)


def _inside(network: Network, allowed: Sequence[Allowed] | None) -> bool:
    if allowed is None or any(
        line.first_port <= PORT <= line.last_port
        and line.network.version == network.version
        and network.subnet_of(line.network)  # type: ignore[arg-type]  # versions are the same
        for line in allowed
    ):
        return True
    if network.num_addresses > MAX_ADDRESSES:
        return False
    return all(permitted(address, PORT, allowed) for address in network)


def addresses_of(networks: Sequence[Network]) -> Iterator[str]:
    """Give every host address once, without network and broadcast addresses."""
    seen: set[Address] = set()
    for network in networks:
        for address in network.hosts():
            if address not in seen:
                seen.add(address)
                yield str(address)


@dataclass(frozen=True, slots=True)
class Search:
    """What a search brought: devices in the order of their addresses, how many addresses were asked, and how many
    datagrams were of no use (malformed, not asked for, or too many from one address)."""

    found: tuple[Found, ...]
    asked: int
    dropped: int


async def discover(
    networks: Sequence[Network], *, rate: int = DEFAULT_RATE, timeout_s: float = 3.0, multicast: bool = False
) -> Search:
    """Ask every address twice (once if it has answered), `rate` datagrams per second, then listen `timeout_s` more.

    `multicast` also asks the local segment as a whole; answers still count only from within `networks`. Raises
    InputError if no datagram can be sent from here.
    """
    if not 1 <= rate <= MAX_RATE:
        raise ValueError(f"rate {rate}")
    listeners: list[_Listener] = []
    try:
        for version, family, local in ((4, socket.AF_INET, "0.0.0.0"), (6, socket.AF_INET6, "::")):
            chosen = [network for network in networks if network.version == version]
            if chosen:
                listeners.append(await _listen(chosen, family, local))
        for listener in listeners:
            if multicast:
                listener.ask_all()
            await listener.ask_each(rate)
        await _listened(listeners, timeout_s)
    finally:
        for listener in listeners:
            listener.close()
    found = [one for listener in listeners for one in listener.found.values()]
    if listeners and all(listener.sent == 0 for listener in listeners):
        raise refuse(
            "一个数据报也发不出去 no datagram could be sent",
            "检查本机网络和防火墙 check this machine's network and firewall",
        )
    return Search(
        tuple(
            sorted(found, key=lambda one: (ip_address(one.address).version, int(ip_address(one.address)), one.endpoint))
        ),
        sum(listener.asked for listener in listeners),
        sum(listener.dropped for listener in listeners),
    )


async def _listened(listeners: Sequence[_Listener], timeout_s: float) -> None:
    """Wait for answers; once every address has answered, only a moment longer, for those that answer twice."""
    waiting = [asyncio.ensure_future(listener.complete.wait()) for listener in listeners]
    try:
        done, late = await asyncio.wait(waiting, timeout=timeout_s) if waiting else (set(), set())
        if done and not late:
            await asyncio.sleep(min(timeout_s, SECOND_ANSWER_S))
    finally:
        for one in waiting:
            one.cancel()


async def _listen(networks: list[Network], family: socket.AddressFamily, local: str) -> _Listener:
    loop = asyncio.get_running_loop()
    try:
        _, listener = await loop.create_datagram_endpoint(
            lambda: _Listener(networks), local_addr=(local, 0), family=family
        )
    except OSError as error:
        raise refuse(
            f"无法打开 UDP 端口 cannot open a UDP port: {error.strerror}", "检查权限 check permissions"
        ) from None
    return listener


class _Listener(asyncio.DatagramProtocol):
    """One UDP socket: asks the networks' addresses and keeps what they answer."""

    def __init__(self, networks: list[Network]) -> None:
        self._networks = networks
        self._number = str(uuid.uuid4())
        self._message = probe_message(self._number)
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: dict[str, int] = {}
        self.found: dict[tuple[str, str], Found] = {}
        self.asked = 0
        self.sent = 0
        self.dropped = 0
        self.complete = asyncio.Event()
        """Every address has answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass of asyncio's

    def close(self) -> None:
        """Let go of the socket."""
        if self._transport is not None:
            self._transport.abort()

    def ask_all(self) -> None:
        """Ask the local segment by multicast (IPv4 only), one hop far."""
        transport = self._transport
        if transport is not None and self._networks[0].version == 4:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            with _uncounted():
                transport.sendto(self._message, (MULTICAST, PORT))

    async def ask_each(self, rate: int) -> None:
        """Send to every address, and once more to those that stayed silent: datagrams get lost."""
        await self._round(addresses_of(self._networks), rate)
        self.asked = self.sent
        await self._round((a for a in addresses_of(self._networks) if a not in self._answers), rate)
        self._check()

    async def _round(self, addresses: Iterator[str], rate: int) -> None:
        loop = asyncio.get_running_loop()
        budget, before = 1.0, loop.time()
        for address in addresses:
            while budget < 1.0:
                await asyncio.sleep(TICK_S)
                now = loop.time()
                # After a stall, no burst makes up for it.
                budget = min(budget + (now - before) * rate, max(1.0, rate * TICK_S * 2))
                before = now
            budget -= 1.0
            self._send(address)

    def _send(self, address: str) -> None:
        if self._transport is None:
            return
        try:
            self._transport.sendto(self._message, (address, PORT))
        except OSError:
            return
        self.sent += 1

    def datagram_received(self, data: bytes, addr: tuple[str, int, *tuple[int, ...]]) -> None:
        address, port = addr[0], addr[1]
        try:
            source = ip_address(address.partition("%")[0])
        except ValueError:
            return
        if self.dropped >= MAX_BAD:
            return
        asked = any(source in network for network in self._networks)
        if not asked or len(data) > MAX_DATAGRAM or self._answers.get(str(source), 0) >= MAX_ANSWERS:
            self.dropped += 1
            return
        self._answers[str(source)] = self._answers.get(str(source), 0) + 1
        self._check()
        try:
            matches = read_matches(data, self._number)
        except OnvifError:
            self.dropped += 1
            return
        for match in matches:
            self.found.setdefault((str(source), match.endpoint), found_at(str(source), port, match))

    def _check(self) -> None:
        if self.asked and len(self._answers) >= self.asked:
            self.complete.set()

    def error_received(self, exc: Exception) -> None:
        """Nobody there, or no way there: silence says the same."""


@contextmanager
def _uncounted() -> Iterator[None]:
    try:
        yield
    except OSError:
        return
