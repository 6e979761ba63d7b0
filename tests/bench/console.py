"""Pages under load: twenty people click through the seeded city while 11,045 cameras are watched by the same process.

A person takes a page, looks at it for a second and clicks again: a link of the pages in turn, another point each time. The
time is taken from the request's first byte to the answer's last, in a process of its own beside server and cameras, on the
same machine. Requests a second are those of the same people without a pause.
"""

from __future__ import annotations

import asyncio
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from tests.bench import peers
from tests.bench.figure import Figure
from tests.camsla_command import ROOT, Camsla
from tests.console_city import CITY, CONTRACT, PASSWORD, seed

USERS = 20
LOOK_S = 1.0
STRETCH_S = 40.0
RUSH_S = 10.0
SETTLE_S = 75.0
"""A whole cycle of probes, and the board's first count of the rates."""
TARGET_MS = 150
PAGES = {
    "overview": "/",
    "map data": "/map/points.json",
    "points": "/points?page={page}",
    "point": "/points/SIM-{point:05d}",
    "statement": "/settlement/{contract}/{quarter}",
}


def run() -> Iterator[Figure]:
    """Yield each page's 95th percentile and the requests a second."""
    with tempfile.TemporaryDirectory(prefix="camsla-bench-") as scratch:
        folder = Path(scratch)
        program = peers.compiled("server", folder)
        if program is None:
            yield Figure("console: all rows", float("nan"), "ms", "", f"not measured: no C compiler ({peers.COMPILER})")
            return
        with peers.cameras(program) as cameras:
            camsla = seed(folder, CITY, port=cameras.port, sealed=False, login=("admin", "secret"))
            quarter = _last_quarter(folder)
            camsla.ok("statement", "draft", CONTRACT, _before(quarter), "--actor", "handler")
            _issue(camsla, _before(quarter))
            camsla.ok("statement", "draft", CONTRACT, quarter, "--actor", "handler")
            with _server(camsla) as base:
                time.sleep(SETTLE_S)
                words = [sys.executable, "-m", "tests.bench.console", base, quarter]
                done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
        yield from _figures(json.loads(done.stdout))


def _figures(told: dict[str, list[float]]) -> Iterator[Figure]:
    for name, times in told.items():
        if name == "rush":
            yield Figure("console: requests a second without pause", times[0], "1/s", "", f"{USERS} users, all pages")
            continue
        cuts = statistics.quantiles(times, n=20)
        beside = f"{USERS} users, {len(times)} requests, median {statistics.median(times):.0f} ms"
        yield Figure(f"console: {name}, 95th percentile", cuts[18], "ms", f"≤ {TARGET_MS}", beside)


def _last_quarter(folder: Path) -> str:
    with (folder / "city" / "authority.csv").open(encoding="utf-8", newline="") as file:
        month = next(csv.DictReader(file))["月份"]
    return f"{month[:4]}Q{(int(month[5:7]) + 2) // 3}"


def _before(quarter: str) -> str:
    year, number = int(quarter[:4]), int(quarter[5])
    return f"{year}Q{number - 1}" if number > 1 else f"{year - 1}Q4"


def _issue(camsla: Camsla, quarter: str) -> None:
    for step, actor in (
        ("reconcile", "handler"),
        ("confirm", "supplier"),
        ("check", "checker"),
        ("approve", "approver"),
        ("issue", "handler"),
    ):
        camsla.ok("statement", step, CONTRACT, quarter, "--actor", actor)


def _server(camsla: Camsla):  # type: ignore[no-untyped-def]  # a context manager of the test servers
    from tests.servers.console import serving

    return serving(camsla, watch=True)


async def _measure(base: str, quarter: str) -> dict[str, list[float]]:
    connector = aiohttp.TCPConnector(limit=USERS)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        cookie = await _sign_in(session, base)
        times: dict[str, list[float]] = {name: [] for name in PAGES}
        until = time.monotonic() + STRETCH_S
        await asyncio.gather(*(_person(session, base, cookie, quarter, n, until, LOOK_S, times) for n in range(USERS)))
        rushed: dict[str, list[float]] = {name: [] for name in PAGES}
        begun = time.monotonic()
        await asyncio.gather(
            *(_person(session, base, cookie, quarter, n, begun + RUSH_S, 0.0, rushed) for n in range(USERS))
        )
        count = sum(len(its) for its in rushed.values())
        return {**times, "rush": [count / (time.monotonic() - begun)]}


async def _sign_in(session: aiohttp.ClientSession, base: str) -> str:
    form = {"name": "approver", "password": PASSWORD, "next": "/"}
    headers = {"Origin": base}
    async with session.post(f"{base}/login", data=form, headers=headers, allow_redirects=False) as response:
        if response.status != 303:
            raise RuntimeError(f"cannot sign in: {response.status} {(await response.text())[:500]}")
        return "; ".join(f"{cookie.key}={cookie.value}" for cookie in response.cookies.values() if cookie.value)


async def _person(
    session: aiohttp.ClientSession,
    base: str,
    cookie: str,
    quarter: str,
    number: int,
    until: float,
    look_s: float,
    times: dict[str, list[float]],
) -> None:
    chance = random.Random(number)
    await asyncio.sleep(look_s * number / USERS)
    names = list(PAGES)
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    turn = number
    while time.monotonic() < until:
        name = names[turn % len(names)]
        turn += 1
        place = PAGES[name].format(
            page=chance.randrange(1, CITY // 50),
            point=chance.randrange(1, CITY + 1),
            contract=CONTRACT,
            quarter=quarter,
        )
        begun = time.perf_counter()
        async with session.get(base + place, headers=headers, allow_redirects=False) as response:
            body = await response.read()
        if response.status != 200:
            raise RuntimeError(f"{place}: {response.status} {body[:300]!r}")
        times[name].append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(look_s)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_measure(sys.argv[1], sys.argv[2]))))
