"""Calls of a device's services through onvif-zeep-async, over our own bounded connection, with a login where it is asked for.

A call goes out without a login first. Only if the device refuses that, the login follows, once: as HTTP Digest if the device
asks for that, else as a WS-Security digest stamped with the device's own time. A login that was refused is not
tried again, because devices lock accounts. Every error that the library raises becomes an OnvifError here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from lxml import etree

from monitor.model import Reason
from monitor.probes.digest import Challenge, authorization, choose, parse_challenges
from monitor.probes.onvif.device import Device, Service
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_client import Host, ask, request_bytes
from monitor.probes.onvif.library import Library
from monitor.probes.onvif.liveness import soap_answer
from monitor.probes.onvif.soap import fault_of, local
from monitor.probes.target import Credentials

MAX_REFUSALS = 2
"""Calls refused although the login had been accepted before (rights of the account) before no more are sent."""
INLINE_BYTES = 16 * 1024
"""Replies above this are read on a thread: the library takes tens of microseconds per element."""


class Auth(StrEnum):
    """How the login went over the wire."""

    NONE = "none"
    WS_SECURITY = "ws-security"
    DIGEST = "digest"
    BASIC = "basic"


class Refused(Exception):
    """The device wants a login, or another one."""

    def __init__(self, challenges: tuple[Challenge, ...], note: str) -> None:
        super().__init__(note)
        self.challenges = challenges


class _Reply(NamedTuple):
    """What the library expects of an HTTP reply; only whole, checked envelopes get this far."""

    content: bytes
    status_code: int = 200
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/soap+xml"}


class Wire:
    """The library's transport: posts to one service of one registered host, and nowhere else."""

    def __init__(self, device: Device, host: Host) -> None:
        self._device = device
        self._host = host
        self.service = Service(device.port, device.path)
        self.operation = ""
        self.login: Callable[[str], bytes] | None = None
        """Returns the Authorization header for a path."""

    async def post_xml(self, _address: str, envelope: Any, headers: dict[str, str]) -> _Reply:
        """Send an envelope and return the envelope that came. Raises Refused and OnvifError."""
        body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        place, kind = self.service, headers.get("Content-Type", "application/soap+xml; charset=utf-8")
        header = self.login(place.path) if self.login else b""
        request = request_bytes(self._device.host, place.port, place.path, kind, body, header)
        response = (await ask(self._host, place.port, request)).response
        challenges = parse_challenges(response.all("www-authenticate")) if response.status == 401 else ()
        if challenges:
            raise Refused(challenges, f"HTTP {response.status}")
        try:
            element = soap_answer(response)
        except OnvifError as error:
            if error.reason is Reason.AUTH_UNKNOWN:
                raise Refused((), str(error)) from None
            raise
        fault = fault_of(element)
        if fault is not None and (fault.refuses_login or response.status in {401, 403}):
            raise Refused((), str(fault))
        if fault is not None:
            raise OnvifError(Reason.BAD_REPLY, f"HTTP {response.status}: {fault}")
        if local(element) != f"{self.operation}Response" or not 200 <= response.status < 300:
            raise OnvifError(Reason.BAD_REPLY, f"HTTP {response.status} with {local(element)[:80]}")
        return _Reply(response.body.strip())


class Calls:
    """The calls of one conversation, one at a time. `auth_checked` says whether the device was seen to check a login:
    it refused a call without one and accepted it with it."""

    def __init__(
        self,
        library: Library,
        device: Device,
        host: Host,
        credentials: Credentials | None,
        device_clock: Callable[[], datetime],
    ) -> None:
        self._library = library
        self._credentials = credentials
        self._device_clock = device_clock
        self._wire = Wire(device, host)
        self._clients = {
            name: library.client(wsdl=document, transport=self._wire, settings=library.settings)
            for name, document in library.documents.items()
        }
        self._challenge: Challenge | None = None
        self._count = 0
        self._refusals = 0
        self._rejected = False
        self.auth = Auth.NONE
        self.auth_checked = False

    async def __call__(self, name: str, service: Service, operation: str, **arguments: Any) -> Any:
        """Call an operation of the service `name` and return the library's value for its reply.

        Raises OnvifError: `auth-unknown` where a login is wanted and there is none, `auth-rejected` where it was
        refused, else what went wrong.
        """
        self._wire.service, self._wire.operation = service, operation
        if self.auth is Auth.NONE:
            try:
                return await self._send(name, operation, arguments)
            except Refused as refused:
                if self._credentials is None:
                    raise OnvifError(Reason.AUTH_UNKNOWN, f"需要登录 a login is wanted: {refused}") from None
                if self._rejected:
                    raise OnvifError(Reason.AUTH_REJECTED, f"登录已被拒 the login was refused: {refused}") from None
                self._choose(refused.challenges, self._credentials)
        return await self._with_login(name, operation, arguments)

    async def _with_login(self, name: str, operation: str, arguments: dict[str, Any]) -> Any:
        if self._refusals >= MAX_REFUSALS:
            raise OnvifError(Reason.AUTH_REJECTED, "账号权限不足，不再尝试 the account lacks rights, not tried again")
        for again in (False, True):
            try:
                value = await self._send(name, operation, arguments)
            except Refused as refused:
                if not again and self._renewed(refused.challenges):
                    continue
                if self.auth_checked:
                    self._refusals += 1
                else:
                    self.auth, self._rejected = Auth.NONE, True
                    self._no_login()
                raise OnvifError(Reason.AUTH_REJECTED, f"登录被拒 the login was refused: {refused}") from None
            self.auth_checked = True
            return value
        raise AssertionError("unreachable")

    def _choose(self, challenges: tuple[Challenge, ...], credentials: Credentials) -> None:
        """Settle how the login goes over the wire. Basic, in the clear, only where `credentials` permit it."""
        self._challenge = choose(challenges, credentials.basic)
        if self._challenge is None:
            self.auth = Auth.WS_SECURITY
            return
        self.auth = Auth(self._challenge.scheme)
        self._count = 0
        self._wire.login = self._header

    def _renewed(self, challenges: tuple[Challenge, ...]) -> bool:
        """Take a fresh nonce for an accepted login, or one that the device calls stale; False for a plain refusal."""
        if self.auth is not Auth.DIGEST or self._credentials is None:
            return False
        fresh = choose((c for c in challenges if c.scheme == "digest"), self._credentials.basic)
        if fresh is None or not (fresh.stale or self.auth_checked):
            return False
        self._challenge, self._count = fresh, 0
        return True

    def _header(self, path: str) -> bytes:
        assert self._challenge is not None  # noqa: S101
        assert self._credentials is not None  # noqa: S101
        self._count += 1
        try:
            return authorization(
                self._challenge, self._credentials, "POST", path, cnonce=secrets.token_hex(8), count=self._count
            )
        except ValueError as error:
            raise OnvifError(Reason.AUTH_REJECTED, str(error)) from None

    def _no_login(self) -> None:
        self._wire.login = None

    async def _send(self, name: str, operation: str, arguments: dict[str, Any]) -> Any:
        """Have the library write the request and read the reply. Raises Refused and OnvifError."""
        client, binding = self._clients[name], self._library.bindings[name]
        client.wsse = self._token() if self.auth is Auth.WS_SECURITY else None
        try:
            reply = await binding.send_async(client, {"address": self._wire.service.path}, operation, (), arguments)
            read = partial(binding.process_reply, client, binding.get(operation), reply)
            if len(reply.content) > INLINE_BYTES:
                return await asyncio.get_running_loop().run_in_executor(None, read)
            return read()
        except (Refused, OnvifError):
            raise
        except Exception as error:
            # The library raises whatever its parsing stumbles over (IndexError, AttributeError, …).
            raise OnvifError(
                Reason.BAD_REPLY,
                f"{operation}: 应答无法解析 unreadable reply: {type(error).__name__}: {str(error)[:160]}",
            ) from None

    def _token(self) -> Any:
        assert self._credentials is not None  # noqa: S101
        return self._library.token(
            self._credentials.username,
            self._credentials.password,
            use_digest=True,
            created=self._device_clock(),
        )
