"""Debian's Chromium, driven by playwright, for pages that run in a browser: no network, and every request seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MAX_WAIT_MS = 60_000


@dataclass
class Opened:
    """A page in the browser, with what it asked for and what it complained of since it was opened."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def calls(self, script: str, argument: Any = None) -> Any:
        """What a JavaScript expression gives in the page."""
        return self.page.evaluate(script, argument)


def require() -> str:
    """Return the program; without it skip the test, or fail where nothing may be skipped (CI=true)."""
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, and under CI=true nothing is skipped")
        pytest.skip("Chromium is not installed")
    return found


@contextmanager
def opened(file: Path) -> Iterator[Opened]:
    """Open an HTML file as a double click would, from file://."""
    program = require()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        page = browser.new_page()
        page.set_default_timeout(MAX_WAIT_MS)
        seen = Opened(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(file.as_uri())
        yield seen
        browser.close()
