"""Rung `onvif`: the device service answers GetSystemDateAndTime, and how far its clock is off.

What proves life is a SOAP envelope with something in it: also a fault, whatever the HTTP status, because only the device
service itself writes one (devices that want a login even for the time do this). Everything else under that
address (an empty body, plain text, a login page) is no device service.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from lxml import etree

from monitor.model import MICROSECONDS, Instant, Reason, Rung
from monitor.probes.address import Allowed
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.failure import OnvifError
from monitor.probes.onvif.http_client import Answer, Host, ask, host_of, request_bytes
from monitor.probes.onvif.http_wire import Response
from monitor.probes.onvif.soap import GET_TIME, DeviceTime, device_time, fault_of, open_body
from monitor.probes.result import MAX_NOTE, Note, ProbeResult, Step, result_of

CONTENT_TYPE = (
    'application/soap+xml; charset=utf-8; action="http://www.onvif.org/ver10/device/wsdl/GetSystemDateAndTime"'
)


class Liveness(NamedTuple):
    """A verdict at rung `onvif`, and the device's clock.

    `clock_offset_s` is the device's UTC less ours, at the middle of the round trip; devices tell whole seconds, so it is
    up to 1 s too low. None where the device told no time. `zone` is its time zone as it wrote it; `fault` the fault
    it answered with, "" for none.
    """

    result: ProbeResult
    clock_offset_s: float | None = None
    zone: str = ""
    fault: str = ""


class Told(NamedTuple):
    """What GetSystemDateAndTime brought: the clock's offset in microseconds, the zone, and the fault if it was one."""

    offset_us: int | None
    zone: str
    fault: str


async def probe(
    device: Device,
    *,
    at: Instant,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Liveness:
    """Ask a device for its time, without a login. Whatever it does becomes a result; only cancellation is raised.

    `at` is the wall clock's instant now. `timeout_s` spans everything, the name look-up included.
    """
    began = monotonic()
    notes = [Note("#", b"%b timeout_s=%g" % (device.text.encode(), timeout_s))]
    reason, told = Reason.OK, Told(None, "", "")
    try:
        host = await host_of(device, began + timeout_s, allowed, tls)
        told = await ask_time(device, host, at, began, notes)
        if told.fault:
            notes.append(Note("#", f"服务在线，但拒绝报时 alive, but tells no time: {told.fault}".encode()))
    except OnvifError as error:
        reason = error.reason
        notes.append(Note("#", str(error).encode()))
    took_us = round((monotonic() - began) * 1e6)
    step = Step(Rung.ONVIF.value, reason is Reason.OK, reason, took_us, tuple(notes))
    result = result_of(device.text, (step,), took_us, "")
    return Liveness(result, seconds(told.offset_us), told.zone, told.fault)


async def ask_time(device: Device, host: Host, at: Instant, began: float, notes: list[Note]) -> Told:
    """Ask for the time. `at` is the wall clock's instant when the monotonic clock stood at `began`.

    Raises OnvifError if no device service answers.
    """
    answer = await ask(host, device.port, request_bytes(device.host, device.port, device.path, CONTENT_TYPE, GET_TIME))
    response = answer.response
    notes.append(Note("<", b"HTTP %d\n%b" % (response.status, response.body[:MAX_NOTE])))
    element = soap_answer(response)
    fault = fault_of(element)
    if fault is not None:
        return Told(None, "", str(fault) or "Fault")
    told = device_time(element)
    return Told(_offset(told, answer, at, began), told.zone, "")


def soap_answer(response: Response) -> etree._Element:
    """Return what stands in the SOAP body of a reply. Raises OnvifError with what the HTTP status adds to its lack."""
    status = response.status
    if 300 <= status < 400:
        raise OnvifError(Reason.BAD_REPLY, f"HTTP {status}: 转到别处，不跟随 a redirect, not followed")
    try:
        return open_body(response.body)
    except OnvifError as error:
        note = f"HTTP {status}: {error}"
        if status in {401, 403}:
            raise OnvifError(Reason.AUTH_UNKNOWN, note) from None
        raise OnvifError(Reason.NOT_FOUND if status in {404, 410} else error.reason, note) from None


def seconds(offset_us: int | None) -> float | None:
    """Return an offset in seconds, to the millisecond."""
    return None if offset_us is None else round(offset_us / MICROSECONDS, 3)


def _offset(told: DeviceTime, answer: Answer, at: Instant, began: float) -> int | None:
    if told.utc is None:
        return None
    middle_s = (answer.sent + answer.came) / 2 - began
    return told.utc - (at + round(middle_s * MICROSECONDS))
