"""Requests through a proxy: the address, scheme and host that it saw are believed if the proxy is one of the settings'."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address, ip_network

from aiohttp import web
from aiohttp_remotes import XForwardedFiltered


class Proxies:
    """Takes X-Forwarded-For, -Proto and -Host from requests whose sender lies in one of the networks; from no other."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = [ip_network(network) for network in networks]
        self._forwarded = XForwardedFiltered(set(self._networks))

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Handle a request as its first sender sent it."""
        if not self._trusted(request.remote):
            return await handler(request)
        return await self._forwarded.middleware(request, handler)

    def _trusted(self, remote: str | None) -> bool:
        try:
            found = ip_address((remote or "").partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._networks)
