"""Probing: what a probe costs beside C, Debian's blackbox exporter and onvif-zeep-async, and a whole city at its pace.

Every figure with a peer is taken in rounds, the peer in the same round; medians are compared. Prober and cameras are processes
of their own, and only the prober's CPU counts.
"""

from __future__ import annotations

import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.bench import peers
from tests.bench.figure import Figure
from tests.camsla_command import ROOT, Camsla

ROUNDS = 3
PROBES = 6_000
FEW = 2_000
CITY = 11_045
HUNG, DRIPPING, HEALTHY = 10_000, 500, 5_000
ONVIF_CAMERAS = 200
AT_ONCE = 100
LIMIT_S = 200.0
WARM_S, CITY_S = 64.0, 88.0
COLUMNS = ("code", "name", "contract", "phase", "accepted_on", "billed_from", "rtsp_url", "username", "password")
APART = 20_000
"""Where the addresses of the hung cameras begin."""
FAST_S = 10.0
RETRY_S = 3.0


def ledger(folder: Path, cameras: int, port: int, first: int = 0) -> Path:
    """Import a ledger of cameras with passwords, at the addresses from camera `first` on; return its data directory."""
    folder.mkdir()
    with (folder / "points.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for n in range(cameras):
            url = f"rtsp://{peers.address(first + n)}:{port}/live"
            rows.writerow(
                [f"P{n:05d}", f"p{n}", "xinjian", "phase-2", "2020-07-01", "2020-07-01", url, "admin", "secret"]
            )
    Camsla(folder).ok("points", "import", "points.csv")
    return folder / "data"


def child(module: str, **options: Any) -> subprocess.Popen[str]:
    """Start one of the programs beside this file; `True` stands for a bare option."""
    words = [sys.executable, "-m", f"tests.bench.{module}"]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for a program's figures."""
    try:
        text, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, f"{process.args!r}: {process.returncode}"
    figures: dict[str, float] = json.loads(text)
    return figures


def missing(name: str, target: str, peer: str) -> Figure:
    return Figure(name, float("nan"), "×", target, f"not measured: no {peer} here")


def ratio(name: str, ours: list[float], peer: list[float], target: str, peer_name: str) -> Figure:
    """Compare medians."""
    mine, theirs = statistics.median(ours), statistics.median(peer)
    return Figure(name, mine / theirs, "×", target, f"{mine:,.0f} µs ÷ {theirs:,.0f} µs {peer_name}")


OURS: Mapping[str, Mapping[str, Any]] = {
    "options": {"rung": "rtsp"},
    "options, stored": {"rung": "rtsp", "store": True},
    "options, default loop": {"rung": "rtsp", "loop": "default"},
    "describe": {"rung": "describe"},
    "describe, stored": {"rung": "describe", "store": True},
}


def costs(folder: Path, client: Path | None, cameras: peers.Cameras) -> Iterator[Figure]:
    """Targets 1 and 2: CPU per probe of the whole production path."""
    data = ledger(folder / "few", FEW, cameras.port)
    found: dict[str, list[float]] = {name: [] for name in (*OURS, "c options", "c describe", "blackbox")}
    with peers.exporter(folder) as exporter:
        for _ in range(ROUNDS):
            if client is not None:
                for kind in ("options", "describe"):
                    cost = peers.limit_us(client, cameras.port, kind, 2 * PROBES, AT_ONCE, FEW)
                    found[f"c {kind}"].append(cost)
            if exporter is not None:
                found["blackbox"].append(exporter.cost_us(cameras.port, PROBES // 4, 10, FEW))
            for name, options in OURS.items():
                figures = told(child("prober", data_dir=data, cameras=FEW, probes=PROBES, **options))
                assert figures["failed"] == 0, figures
                found[name].append(figures["cpu_us"])
    for name, peer, target in (
        ("options", "c options", "≤ 3"),
        ("options, stored", "c options", "≤ 3"),
        ("options, default loop", "c options", "≤ 3.5"),
        ("describe", "c describe", "≤ 4"),
        ("describe, stored", "c describe", "≤ 4"),
        ("options", "blackbox", "≤ 0.25"),
        ("options, stored", "blackbox", "≤ 0.25"),
    ):
        label = "blackbox_exporter" if peer == "blackbox" else "C epoll client"
        row = f"RTSP {name}: CPU ÷ {label}"
        yield ratio(row, found[name], found[peer], target, label) if found[peer] else missing(row, target, label)


def onvif(cameras: peers.Cameras) -> Iterator[Figure]:
    """Target 5."""
    found: dict[str, list[float]] = {"ours": [], "kept": []}
    for _ in range(3):
        for way, costs_us in found.items():
            options = {"way": way, "port": cameras.port, "cameras": ONVIF_CAMERAS, "probes": 2_000}
            costs_us.append(told(child("onvif_prober", **options))["cpu_us"])
    yield ratio(
        "ONVIF liveness: CPU ÷ onvif-zeep-async", found["ours"], found["kept"], "≤ 0.25", "kept objects, same devices"
    )
    cost = told(child("onvif_prober", way="shared", port=cameras.port, cameras=2_000))
    yield Figure("ONVIF shared WSDL: memory of a further camera", cost["kb"], "KB", "≤ 20", "2,000 spoken to at once")
    yield Figure("ONVIF shared WSDL: time of a further camera", cost["ms"], "ms", "≤ 1")


def city(folder: Path, client: Path | None, cameras: peers.Cameras) -> Iterator[Figure]:
    """Target 3 and its growth: three watchers side by side at the real pace, one of them among hung cameras."""
    whole = ledger(folder / "city", CITY, cameras.port)
    tenth = ledger(folder / "tenth", CITY // 10, cameras.port)
    hung = ledger(folder / "hung", HEALTHY + DRIPPING + HUNG, cameras.port, APART)
    cameras.behave("d", APART + HEALTHY, APART + HEALTHY + DRIPPING)
    cameras.behave("h", APART + HEALTHY + DRIPPING, APART + HEALTHY + DRIPPING + HUNG)
    run = {"seconds": CITY_S, "warm": WARM_S}
    started = [
        child("watch_prober", data_dir=data, healthy=healthy, **run)
        for data, healthy in ((whole, CITY), (tenth, CITY // 10), (hung, HEALTHY))
    ]
    rate, stretch_s = CITY // 60, round(CITY_S - WARM_S)
    limit_us = 0.0
    if client is not None:
        time.sleep(WARM_S)
        limit_us = peers.limit_us(client, cameras.port, "describe", rate * stretch_s, AT_ONCE, CITY, rate)
    large, small, blocked = (told(process) for process in started)
    note = f"{large['probes_per_s']:.0f} probes/s, describe with Digest, SQLite, {CITY_S - WARM_S - 1:.0f} s"
    yield Figure("11,045 cameras at 60 s: CPU of one core", large["cpu_percent"], "%", "≤ 5", note)
    if limit_us:
        limit = limit_us * rate / 1e4
        beside = f"{limit:.1f} % for C at the same pace, at the same time"
        yield Figure("11,045 cameras at 60 s: CPU ÷ C epoll client", large["cpu_percent"] / limit, "×", "", beside)
    yield Figure("11,045 cameras at 60 s: memory, peak", large["peak_mb"], "MB", "≤ 150", "whole process")
    growth = large["cpu_percent"] / small["cpu_percent"]
    yield Figure(
        "growth: CPU, 10 × the cameras", growth, "×", "≤ 11", f"{small['cpu_percent']:.2f} % for {CITY // 10:,}"
    )
    growth = large["peak_mb"] / small["peak_mb"]
    yield Figure(
        "growth: memory, 10 × the cameras", growth, "×", "≤ 11", f"{small['peak_mb']:.0f} MB for {CITY // 10:,}"
    )
    beside = f"{DRIPPING} dripping, {HUNG:,} hung, {HEALTHY:,} healthy; {blocked['running']:,.0f} open at once"
    yield Figure("hung cameras: memory, peak", blocked["peak_mb"], "MB", "≤ 110", beside)
    yield Figure("hung cameras: latest healthy probe", blocked["late_s"], "s", "≤ 60", "behind its interval of 60 s")
    wrong = blocked["false_offline"] + blocked["own_troubles"]
    yield Figure("hung cameras: healthy ones called offline, own troubles", wrong, "", "0")


def outage(folder: Path, cameras: peers.Cameras) -> Iterator[Figure]:
    """Target 4: a tenth of the city falls silent at six times the real pace."""
    process = child(
        "watch_prober", data_dir=folder / "city" / "data", healthy=CITY - CITY // 10, warm=FAST_S + 1,
        seconds=4.5 * FAST_S, interval=FAST_S, retry=RETRY_S, timeout=RETRY_S,
    )  # fmt: skip
    time.sleep(2 * FAST_S)
    cameras.behave("h", CITY - CITY // 10, CITY)
    found = told(process)
    cameras.behave("r", 0, CITY)
    note = f"{found['confirmed']:,.0f} of {CITY // 10:,} outages at {found['probes_per_s']:,.0f} probes/s; timeout = retry = {RETRY_S:g} s"
    worst, median = found["confirm_worst_s"] / RETRY_S, found["confirm_median_s"] / RETRY_S
    yield Figure("outage confirmed after its first failed verdict, worst", worst, "× retry", "≤ 3", note)
    yield Figure("outage confirmed after its first failed verdict, median", median, "× retry", "≤ 3")


def run() -> Iterator[Figure]:
    """Everything on loopback, all counts bounded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = peers.compiled("server", folder)
        if server is None:
            yield missing("probing: all rows", "", f"C compiler ({peers.COMPILER})")
            return
        with peers.cameras(server) as cameras:
            client = peers.compiled("client", folder)
            yield from costs(folder, client, cameras)
            yield from onvif(cameras)
            yield from city(folder, client, cameras)
            yield from outage(folder, cameras)
