"""Network addresses a probe may connect to: one plain notation, and the site's allow-list of networks and ports.

An address is input. The odd notations that resolvers accept (`127.1`, `0x7f.1`, `2130706433`, `::ffff:10.0.0.1`) are
refused, because an allow-list that reads them differently from the operating system is no allow-list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from monitor.finding import refuse

IP = IPv4Address | IPv6Address

_LAST_LABEL_IS_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[0-9]{1,5}")
MAX_NAME = 253
MAX_PORT = 65_535


def port_of(text: str) -> int | None:
    """Read a port, 1 to 65535 in plain digits; None if it is not one."""
    if not _PORT.fullmatch(text):
        return None
    port = int(text)
    return port if 1 <= port <= MAX_PORT else None


def literal(host: str) -> IP | None:
    """Return the IP address a host is written as; None if it is a name.

    Raises ValueError with the complaint for a notation that some resolvers would take for an address (numbers that
    are no dotted quad, zone indexes, IPv4 inside IPv6) and for addresses no camera can have.
    """
    if ":" not in host and not _LAST_LABEL_IS_A_NUMBER.fullmatch(host):
        return None
    try:
        address = ip_address(host)
    except ValueError:
        raise ValueError("不规范的 IP 写法 an IP address in an odd notation") from None
    if isinstance(address, IPv6Address) and (address.scope_id is not None or is_ipv4_in_disguise(address)):
        raise ValueError("不规范的 IP 写法 an IP address in an odd notation")
    if address.is_multicast or address.is_unspecified or address == IPv4Address("255.255.255.255"):
        raise ValueError("不是单个设备的地址 not the address of one device")
    return address


def is_ipv4_in_disguise(address: IPv6Address) -> bool:
    """Say whether an IPv6 address is an IPv4 one to the operating system or a translator (mapped, compatible, 6to4)."""
    compatible = int(address) >> 32 == 0 and int(address) > 1
    return address.ipv4_mapped is not None or address.sixtofour is not None or compatible


def is_name(host: str) -> bool:
    """Say whether a host is a well-formed DNS name in ASCII."""
    return len(host) <= MAX_NAME and _NAME.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of the allow-list: a network, and the ports first to last, both included."""

    network: IPv4Network | IPv6Network
    first_port: int = 1
    last_port: int = MAX_PORT

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """Read `10.1.0.0/16`, `10.1.0.0/16:554`, `10.1.0.0/16:554-8554` or `[fd00::/8]:554`; else InputError."""
        match = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text) or re.fullmatch(r"([^:]*)(?::(.*))?", text)
        ports = (match[2] or "").split("-", 1) if match else []
        try:
            if not match or (match[2] is not None and not match[2]):
                raise ValueError
            network = ip_network(match[1])
            if not match[2]:
                return cls(network)
            first, last = port_of(ports[0]), port_of(ports[-1])
            if first is None or last is None or first > last:
                raise ValueError
        except ValueError:
            raise refuse(
                f"白名单条目无效 not a network with ports: {text[:80]!r}",
                "10.1.0.0/16:554 或 10.1.0.0/16:554-8554 或 [fd00::/8]:554；主机位须为 0 host bits must be zero",
            ) from None
        return cls(network, first, last)

    def permits(self, address: IP, port: int) -> bool:
        """Say whether this line allows a connection there."""
        return self.first_port <= port <= self.last_port and address in self.network


def permitted(address: IP, port: int, allowed: Sequence[Allowed] | None) -> bool:
    """Say whether an allow-list permits a connection; None means that no list is in force, an empty one allows nothing."""
    return allowed is None or any(line.permits(address, port) for line in allowed)
