"""A child process that asks ONVIF devices for their time, our way or by onvif-zeep-async with kept objects.

Prints CPU per question, user and system of this process. `--way shared` measures instead what a further camera costs
that is spoken to through the WSDL files parsed once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import uvloop

from monitor.model import Instant, Reason
from monitor.probes.onvif.calls import Calls
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.http_client import host_of
from monitor.probes.onvif.library import library
from monitor.probes.onvif.liveness import probe
from monitor.probes.target import Credentials
from tests.bench.peers import address

AT_ONCE = 50
AT = Instant(1_600_000_000_000_000)


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()


async def each(ask: Callable[[int], Awaitable[None]], count: int, cameras: int) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for n in numbers:
            await ask(n % cameras)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def cost_us(ask: Callable[[int], Awaitable[None]], words: argparse.Namespace) -> dict[str, float]:
    await each(ask, 2 * words.cameras, words.cameras)  # connections, caches
    before = cpu_s()
    await each(ask, words.probes, words.cameras)
    return {"cpu_us": (cpu_s() - before) / words.probes * 1e6}


async def ours(words: argparse.Namespace) -> dict[str, float]:
    devices = [Device.parse(f"http://{address(n)}:{words.port}/onvif/device_service") for n in range(words.cameras)]

    async def ask(n: int) -> None:
        told = await probe(devices[n], at=AT, timeout_s=5.0)
        assert told.result.reason is Reason.OK, told
        assert told.clock_offset_s is not None

    return await cost_us(ask, words)


async def kept(words: argparse.Namespace) -> dict[str, float]:
    from onvif import ONVIFCamera

    objects = [ONVIFCamera(address(n), words.port, "admin", "secret") for n in range(words.cameras)]
    services = [await camera.create_devicemgmt_service() for camera in objects]

    async def ask(n: int) -> None:
        told = await services[n].GetSystemDateAndTime()
        assert told.UTCDateTime.Date.Year > 2000

    try:
        return await cost_us(ask, words)
    finally:
        for camera in objects:
            await camera.close()


async def shared(words: argparse.Namespace) -> dict[str, float]:
    parsed = library()
    login = Credentials("admin", "secret")
    devices = [Device.parse(f"http://{address(n)}:{words.port}/onvif/device_service") for n in range(words.cameras)]
    hosts = [await host_of(device, time.monotonic() + 60, None) for device in devices]
    spoken_to = [Calls(parsed, devices[0], hosts[0], login, _never)]
    memory, began = resident_bytes(), cpu_s()
    spoken_to += [Calls(parsed, device, host, login, _never) for device, host in zip(devices, hosts, strict=True)]
    count = len(spoken_to) - 1
    return {"ms": (cpu_s() - began) / count * 1e3, "kb": (resident_bytes() - memory) / count / 1024}


def _never() -> datetime:
    raise AssertionError("nothing is signed here")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--way", choices=("ours", "kept", "shared"), required=True)
    parser.add_argument("--cameras", type=int, default=200)
    parser.add_argument("--probes", type=int, default=3_000)
    words = parser.parse_args()
    way = {"ours": ours, "kept": kept, "shared": shared}[words.way]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(way(words))))


if __name__ == "__main__":
    main()
