"""A scripted ONVIF device on loopback: an ordinary camera whose every answer a test may replace by the bytes it wants.

Standard library only and none of the product's code. It checks WS-Security and HTTP Digest logins by itself, against its
own clock, and remembers what it was asked.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
LONGEST_S = 30.0
FRESH_S = 30.0
REALM, NONCE = "camera", "8d7f0a"


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @property
    def operation(self) -> str:
        match = re.search(r"<(?:[\w-]+:)?Body[^>]*>\s*<(?:[\w-]+:)?(\w+)", self.body)
        return match[1] if match else ""

    @property
    def has_login(self) -> bool:
        return "UsernameToken" in self.body or "authorization" in self.headers


def http(
    body: str | bytes, status: str = "200 OK", kind: str = "application/soap+xml; charset=utf-8", *more: str
) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(raw)}", *more, "", ""]
    return "\r\n".join(lines).encode() + raw


def soap(inner: str, ns: str = "http://www.w3.org/2003/05/soap-envelope") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{ns}" xmlns:tds="{DEVICE}"'
        f' xmlns:trt="{MEDIA}" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error">'
        f"<SOAP-ENV:Body>{inner}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


def fault(subcode: str = "ter:NotAuthorized", text: str = "Sender not Authorized") -> str:
    return soap(
        "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
        f"<SOAP-ENV:Value>{subcode}</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code>"
        f'<SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">{text}</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>'
    )


def moment(name: str, at: datetime) -> str:
    return (
        f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
        f"</tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date></tt:{name}>"
    )


def time_answer(utc: datetime | None, zone: str = "CST-8", here: datetime | None = None, saving: str = "false") -> str:
    return soap(
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        f"<tt:DaylightSavings>{saving}</tt:DaylightSavings><tt:TimeZone><tt:TZ>{zone}</tt:TZ></tt:TimeZone>"
        + (moment("UTCDateTime", utc) if utc else "")
        + (moment("LocalDateTime", here) if here else "")
        + "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def information(serial: str = "DS-2CD3T-0001", make: str = "海康威视 Hikvision") -> str:
    return soap(
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{make}</tds:Manufacturer><tds:Model>DS-2CD3T46</tds:Model>"
        f"<tds:FirmwareVersion>V5.5.61</tds:FirmwareVersion><tds:SerialNumber>{serial}</tds:SerialNumber>"
        "<tds:HardwareId>88</tds:HardwareId></tds:GetDeviceInformationResponse>"
    )


def interfaces(*macs: str) -> str:
    rows = "".join(
        f'<tds:NetworkInterfaces token="eth{i}"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth{i}</tt:Name>'
        f"<tt:HwAddress>{mac}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info></tds:NetworkInterfaces>"
        for i, mac in enumerate(macs)
    )
    return soap(f"<tds:GetNetworkInterfacesResponse>{rows}</tds:GetNetworkInterfacesResponse>")


def services(*pairs: tuple[str, str]) -> str:
    rows = "".join(
        f"<tds:Service><tds:Namespace>{ns}</tds:Namespace><tds:XAddr>{xaddr}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for ns, xaddr in pairs
    )
    return soap(f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>")


def capabilities(media: str) -> str:
    return soap(
        "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
        f"<tt:XAddr>{media}</tt:XAddr><tt:StreamingCapabilities/></tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def profiles(count: int = 2) -> str:
    rows = "".join(
        f'<trt:Profiles token="profile_{i}" fixed="true"><tt:Name>main {i}</tt:Name>'
        f'<tt:VideoEncoderConfiguration token="v{i}"><tt:Name>v{i}</tt:Name><tt:UseCount>1</tt:UseCount>'
        "<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>2560</tt:Width><tt:Height>1440</tt:Height></tt:Resolution>"
        "<tt:Quality>5</tt:Quality><tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
        for i in range(count)
    )
    return soap(f"<trt:GetProfilesResponse>{rows}</trt:GetProfilesResponse>")


def stream(uri: str) -> str:
    return soap(
        f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:GetStreamUriResponse>"
    )


Answer = Callable[["OnvifDevice", Asked], bytes | str]


@dataclass
class OnvifDevice:
    """The device. `check` is how it checks logins: "" (never), "ws" or "digest". `answers` replaces operations' answers:
    text is sent as HTTP 200, bytes as they are, a function is asked; an empty `bytes` hangs until the peer closes."""

    user: str = "admin"
    password: str = "对的 secret"
    check: str = ""
    refusal: str = "400 Bad Request"
    skew_s: float = 0.0
    open_to_all: frozenset[str] = frozenset({"GetSystemDateAndTime"})
    answers: Mapping[str, bytes | str | Answer] = field(default_factory=dict)
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    failed_logins: int = 0
    sent: int = 0
    failures: list[BaseException] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((self.host, 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/onvif/device_service"

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=self.skew_s)

    def operations(self) -> list[str]:
        return [one.operation for one in self.asked]

    def usual(self, operation: str) -> str:
        """Return an ordinary camera's answer."""
        base = f"http://{self.host}:{self.port}"
        known: dict[str, Callable[[], str]] = {
            "GetSystemDateAndTime": lambda: time_answer(self.now()),
            "GetDeviceInformation": information,
            "GetNetworkInterfaces": lambda: interfaces("4c:bd:8f:00:00:01", "4c-bd-8f-00-00-02"),
            "GetServices": lambda: services((DEVICE, self.url), (MEDIA, f"{base}/onvif/media_service")),
            "GetCapabilities": lambda: capabilities(f"{base}/onvif/media_service"),
            "GetProfiles": profiles,
            "GetStreamUri": lambda: stream(f"rtsp://{self.host}:554/Streaming/Channels/101?transportmode=unicast"),
        }
        made = known.get(operation)
        return made() if made else fault("ter:ActionNotSupported", "no such operation")

    def _answer(self, asked: Asked) -> bytes:
        if self.check and asked.operation not in self.open_to_all and not self._accepts(asked):
            self.failed_logins += asked.has_login
            if self.check == "digest":
                challenge = f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", qop="auth"'
                return http("", "401 Unauthorized", "text/html", challenge)
            return http(fault(), self.refusal)
        answer: Any = self.answers.get(asked.operation)
        if callable(answer):
            answer = answer(self, asked)
        if answer is None:
            answer = self.usual(asked.operation)
        return http(answer) if isinstance(answer, str) else answer

    def _accepts(self, asked: Asked) -> bool:
        return self._accepts_token(asked.body) if self.check == "ws" else self._accepts_digest(asked)

    def _accepts_token(self, body: str) -> bool:
        found = {
            name: re.search(rf"<[\w-]+:{name}(?:\s[^>]*)?>([^<]*)<", body)
            for name in ("Username", "Password", "Nonce", "Created")
        }
        if not all(found.values()):
            return False
        user, digest, nonce, created = (match[1] for match in found.values() if match)
        stamp = datetime.fromisoformat(created.replace("Z", "+00:00"))
        fresh = abs((stamp - self.now()).total_seconds()) <= FRESH_S
        right = hashlib.sha1(base64.b64decode(nonce) + created.encode() + self.password.encode()).digest()
        return fresh and user == self.user and base64.b64decode(digest) == right

    def _accepts_digest(self, asked: Asked) -> bool:
        header = asked.headers.get("authorization", "")
        said = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}
        if not header.startswith("Digest ") or said.get("uri") != asked.path or said.get("nonce") != NONCE:
            return False
        first = hashlib.md5(f"{self.user}:{REALM}:{self.password}".encode()).hexdigest()
        second = hashlib.md5(f"POST:{asked.path}".encode()).hexdigest()
        text = f"{first}:{NONCE}:{said.get('nc')}:{said.get('cnonce')}:auth:{second}"
        return said.get("response") == hashlib.md5(text.encode()).hexdigest()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.connections += 1
            connection.settimeout(LONGEST_S)
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                asked = _read(connection)
                if asked is None:
                    return
                self.asked.append(asked)
                self.heard.set()
                answer = self._answer(asked)
                if answer:
                    connection.sendall(answer)
                    self.sent += len(answer)
                    if self.tls is None:
                        connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except (ConnectionError, BrokenPipeError, OSError):
                pass
            except BaseException as failure:
                self.failures.append(failure)
            finally:
                connection.close()

    def close(self) -> None:
        self._stopping = True
        socket.create_connection((self.host, self.port)).close()
        self._accepting.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(LONGEST_S + 5)
            assert not thread.is_alive(), "a connection was left open"
        if self.failures:
            raise self.failures[0]


def _read(connection: socket.socket) -> Asked | None:
    raw = b""
    while b"\r\n\r\n" not in raw:
        data = connection.recv(65536)
        if not data:
            return None
        raw += data
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        data = connection.recv(65536)
        if not data:
            return None
        body += data
    method, path, _ = first.split(" ", 2)
    return Asked(method, path, headers, body.decode())


@contextlib.contextmanager
def onvif_device(**options: Any) -> Iterator[OnvifDevice]:
    """Run a device for the length of a with block."""
    device = OnvifDevice(**options)
    try:
        yield device
    finally:
        device.close()
