"""`camsla serve` as a process, and people before it in Debian's Chromium: every request and every complaint is seen."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.camsla_command import Camsla
from tests.console_city import PASSWORD
from tests.servers.chromium import FLAGS, MAX_WAIT_MS, require

START_S = 60.0
expect.set_options(timeout=MAX_WAIT_MS)  # of waiting for what comes; its own five seconds are a question of the machine
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def serving(camsla: Camsla, *words: str, watch: bool = False) -> Iterator[str]:
    """Run the server on a free port; give its address. What it says is drained, so that no pipe fills."""
    given = ("serve", "--port", "0", *(() if watch else ("--no-watch",)), *words)
    process = camsla.start(*given, stderr=subprocess.PIPE)
    said: list[str] = []
    ready = threading.Event()

    def drain() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            said.append(line)
            if "已就绪" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=drain, daemon=True)
    reader.start()
    try:
        ready.wait(START_S)
        found = re.search(r"http://\S+?:\d+", "".join(said))
        assert found is not None, "".join(said)
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        reader.join(timeout=10)
        assert process.stderr is not None
        process.stderr.close()
        assert process.returncode == 0, "".join(said)[-3_000:]
        assert "Traceback" not in "".join(said), "".join(said)[-3_000:]


@dataclass
class Seat:
    """Somebody before a browser, with what it asked for elsewhere and what it complained of."""

    base: str
    name: str
    context: BrowserContext
    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open one of our pages; it must be there."""
        response = self.page.goto(self.base + path)
        assert response is not None and response.status == 200, f"{self.name} {path}: {response and response.status}"
        return self.page

    def tries(self, path: str) -> int:
        """Open a page that may be refused; returns the status. What the browser says of it is no complaint."""
        before = len(self.complaints)
        response = self.page.goto(self.base + path)
        assert response is not None
        if response.status >= 400:
            del self.complaints[before:]
        return response.status

    @contextmanager
    def refused(self, status: int) -> Iterator[None]:
        """Do something that is refused: the browser notes the status of the page that says why, and nothing else."""
        before = len(self.complaints)
        yield
        said = self.complaints[before:]
        assert len(said) == 1 and f"status of {status}" in said[0], said
        del self.complaints[before:]

    def content(self) -> bool:
        """Tell whether nothing was asked of another host and nothing was complained of."""
        return not self.foreign and not self.complaints


class Room:
    """A browser with a seat for whoever comes."""

    def __init__(self, base: str, browser: Browser) -> None:
        self.base = base
        self.browser = browser
        self.seats: list[Seat] = []

    def seat(self, name: str, *, viewport: Any = DESK, dark: bool = False, language: str = "zh-CN") -> Seat:
        """Sign somebody in at a seat of their own; with no name nobody is signed in."""
        context = self.browser.new_context(
            viewport=viewport,
            locale=language,
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
            timezone_id="Asia/Shanghai",
        )
        context.set_default_timeout(MAX_WAIT_MS)
        page = context.new_page()
        seat = Seat(self.base, name, context, page)
        host = urlsplit(self.base).netloc

        def asked(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != host:
                seat.foreign.append(request.url)

        def told(message: Any) -> None:
            if message.type in {"error", "warning"}:
                seat.complaints.append(f"{page.url}: {message.text}")

        page.on("request", asked)
        page.on("console", told)
        page.on("pageerror", lambda error: seat.complaints.append(f"{page.url}: {error}"))
        self.seats.append(seat)
        if name:
            seat.go("/login")
            page.fill("input[name=name]", name)
            page.fill("input[name=password]", PASSWORD)
            page.click("form.sign-in button.first")
            page.wait_for_selector("header.top")
        return seat


@contextmanager
def browsing(base: str) -> Iterator[Room]:
    """Start a browser; at the end every seat must have been content."""
    program = require()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        room = Room(base, browser)
        try:
            yield room
        finally:
            browser.close()
        assert [url for seat in room.seats for url in seat.foreign] == []
        assert [text for seat in room.seats for text in seat.complaints] == []
