"""The bodies of the fake cameras' ONVIF replies: device service and media service, core specification 2.x. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from simulators.device import Camera
from simulators.h264 import HEIGHT_MACROBLOCKS, WIDTH_MACROBLOCKS

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
DEVICE_PATH = "/onvif/device_service"
MEDIA_PATH = "/onvif/media_service"
SNAPSHOT_PATH = "/snapshot"
MAKERS = (("Hikora", "HK-2CD"), ("Dahwin", "DW-IPC"), ("Uniseen", "UN-HIC"), ("Tianvid", "TV-400"))
PROFILES = ("main", "sub")


class Place(NamedTuple):
    """Which camera answers, at which base address (http://host:port) its services and its stream are said to be."""

    camera: Camera
    base: str
    stream: str
    clock_us: int


def number_in(path: str) -> str:
    """Return the channel part of a service path: what follows `/onvif/…_service` or `/snapshot`, empty for none."""
    for prefix in (DEVICE_PATH, MEDIA_PATH, SNAPSHOT_PATH):
        if path.startswith(prefix):
            return path[len(prefix) :]
    return path


def _time(place: Place, _: ElementTree.Element) -> str | None:
    utc = datetime.fromtimestamp(place.clock_us // 1_000_000, UTC)

    def parts(at: datetime) -> str:
        return (
            f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
            f"</tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day></tt:Date>"
        )

    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone>"
        f"<tt:UTCDateTime>{parts(utc)}</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def serial_number(camera: Camera) -> str:
    """Return the serial number the camera reports."""
    return f"SN{camera.identity[:6].hex().upper()}"


def hardware_addresses(camera: Camera) -> tuple[str, str]:
    """Return the camera's two hardware addresses, locally administered."""
    digits = camera.identity[6:16]
    return tuple("02:" + digits[at : at + 5].hex(":") for at in (0, 5))  # type: ignore[return-value]


def _information(place: Place, _: ElementTree.Element) -> str | None:
    maker, model = MAKERS[place.camera.number % len(MAKERS)]
    return (
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{maker}</tds:Manufacturer>"
        f"<tds:Model>{model}{place.camera.number % 7}</tds:Model><tds:FirmwareVersion>V5.{place.camera.number % 9}.0</tds:FirmwareVersion>"
        f"<tds:SerialNumber>{serial_number(place.camera)}</tds:SerialNumber><tds:HardwareId>88</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )


def _capabilities(place: Place, _: ElementTree.Element) -> str | None:
    return (
        f"<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Device><tt:XAddr>{_service(place, DEVICE_PATH)}</tt:XAddr></tt:Device>"
        f"<tt:Media><tt:XAddr>{_service(place, MEDIA_PATH)}</tt:XAddr><tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>"
        "<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities></tt:Media>"
        "</tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


def _services(place: Place, _: ElementTree.Element) -> str | None:
    listed = "".join(
        f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace><tds:XAddr>{_service(place, path)}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for namespace, path in ((DEVICE, DEVICE_PATH), (MEDIA, MEDIA_PATH))
    )
    return f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>"


def _service(place: Place, path: str) -> str:
    return escape(place.base + path + number_in(place.camera.onvif_path))


def _interfaces(place: Place, _: ElementTree.Element) -> str | None:
    listed = "".join(
        f'<tds:NetworkInterfaces token="{name}"><tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>{name}</tt:Name>'
        f"<tt:HwAddress>{address}</tt:HwAddress><tt:MTU>1500</tt:MTU></tt:Info></tds:NetworkInterfaces>"
        for name, address in zip(("eth0", "wlan0"), hardware_addresses(place.camera), strict=True)
    )
    return f"<tds:GetNetworkInterfacesResponse>{listed}</tds:GetNetworkInterfacesResponse>"


def _profiles(_: Place, __: ElementTree.Element) -> str | None:
    width, height = 16 * WIDTH_MACROBLOCKS, 16 * HEIGHT_MACROBLOCKS
    listed = "".join(
        f'<trt:Profiles token="{name}" fixed="true"><tt:Name>{name}</tt:Name>'
        f'<tt:VideoSourceConfiguration token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>2</tt:UseCount>'
        f'<tt:SourceToken>vs</tt:SourceToken><tt:Bounds x="0" y="0" width="{width}" height="{height}"/>'
        f'</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="vec-{name}"><tt:Name>vec-{name}</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl><tt:FrameRateLimit>5"
        "</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2000</tt:BitrateLimit>"
        "</tt:RateControl><tt:H264><tt:GovLength>5</tt:GovLength><tt:H264Profile>Baseline</tt:H264Profile></tt:H264>"
        "<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
        for name in PROFILES
    )
    return f"<trt:GetProfilesResponse>{listed}</trt:GetProfilesResponse>"


def _profile_asked(element: ElementTree.Element) -> str | None:
    token = element.findtext(f"{{{MEDIA}}}ProfileToken", "")
    return token if token in PROFILES else None


def _uri(kind: str, uri: str) -> str:
    return (
        f"<trt:Get{kind}UriResponse><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri><tt:InvalidAfterConnect>false"
        "</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
        f"</trt:MediaUri></trt:Get{kind}UriResponse>"
    )


def _stream(place: Place, element: ElementTree.Element) -> str | None:
    profile = _profile_asked(element)
    return profile and _uri("Stream", place.stream + ("" if profile == PROFILES[0] else "/sub"))


def _snapshot(place: Place, element: ElementTree.Element) -> str | None:
    return _uri("Snapshot", _service(place, SNAPSHOT_PATH)) if _profile_asked(element) else None


class Operation(NamedTuple):
    """How a request is answered (None: no such profile), and whether it needs no login (core specification, table 5)."""

    answer: Callable[[Place, ElementTree.Element], str | None]
    anonymous: bool = False


OPERATIONS: Mapping[tuple[str, str], Operation] = {
    (DEVICE, "GetSystemDateAndTime"): Operation(_time, anonymous=True),
    (DEVICE, "GetCapabilities"): Operation(_capabilities, anonymous=True),
    (DEVICE, "GetServices"): Operation(_services, anonymous=True),
    (DEVICE, "GetDeviceInformation"): Operation(_information),
    (DEVICE, "GetNetworkInterfaces"): Operation(_interfaces),
    (MEDIA, "GetProfiles"): Operation(_profiles),
    (MEDIA, "GetStreamUri"): Operation(_stream),
    (MEDIA, "GetSnapshotUri"): Operation(_snapshot),
}
