"""Every page of the console as pictures: `make screenshots` writes them to build/screenshots with a contact sheet.

Each page is taken on a desk in light and in dark and on a phone, whole, over a seeded city whose first quarter is paid and
whose measured quarter is disputed; some also on paper and in English (tests/screenshot_pages.py lists them). A page that
answers otherwise than expected, complains in the browser's console, asks another host, or is wider than the screen is told
of, and the command fails.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from simulators.city import last_quarter
from tests.camsla_command import ROOT, Camsla
from tests.console_city import add_persons, at_work, close, seed, yesterday
from tests.screenshot_pages import Shot, empty_shots, readme_shots, shots
from tests.screenshot_steps import administrates, evaluates, witnesses
from tests.servers.console import DESK, PHONE, Room, Seat, browsing, serving

PAPER = {"width": 718, "height": 1047}
"""A4 in CSS pixels without its margins of 10 mm."""
KINDS: Mapping[str, dict[str, Any]] = {
    "desk": {"viewport": DESK},
    "dark": {"viewport": DESK, "dark": True},
    "phone": {"viewport": PHONE},
    "print": {"viewport": PAPER},
    "english": {"viewport": DESK, "language": "en-US"},
    "english-phone": {"viewport": PHONE, "language": "en-US"},
}
README: Mapping[str, dict[str, Any]] = {
    "readme": {"viewport": {"width": 1440, "height": 1080}},
    "readme-phone": {"viewport": {"width": 390, "height": 1250}},
}
"""How the pictures of README are taken: as much of a page as a screen shows."""
POINTS = 240
SETTLE_S = 0.4
"""How long a page may take to draw after it has loaded: htmx parts, the map's canvas."""


class Album:
    """Takes pictures and keeps what was wrong."""

    def __init__(self, folder: Path, only: str, kinds: Iterable[str]) -> None:
        self.folder, self.only, self.kinds = folder, only, tuple(kinds)
        self.taken: list[tuple[str, str, str]] = []
        self.wrong: list[str] = []

    def take(self, room: Room, wanted: Iterable[Shot]) -> None:
        """Take each page in every kind; one seat a person and kind, so that nobody signs in twice."""
        wanted = [shot for shot in wanted if re.search(self.only, shot.name)]
        for kind in self.kinds:
            seats: dict[str, Seat] = {}
            for shot in (shot for shot in wanted if kind in shot.kinds):
                if shot.who not in seats:
                    seats[shot.who] = room.seat(shot.who, **{**KINDS, **README}[kind])
                    self._settles(seats[shot.who], kind)
                self._one(seats[shot.who], shot, kind)
            for seat in seats.values():
                self.wrong += [f"{kind}: {text}" for text in (*seat.foreign, *seat.complaints)]
                seat.foreign.clear()
                seat.complaints.clear()
                seat.context.close()

    @staticmethod
    def _settles(seat: Seat, kind: str) -> None:
        """Do what a kind needs once somebody has signed in: an account has a language of its own, whatever the browser's is."""
        if kind == "print":
            seat.page.emulate_media(media="print")
        if kind.startswith("english") and seat.name:
            seat.page.locator("header button[name=language][value=en]").click()
            seat.page.wait_for_selector("html[lang=en]")

    def _one(self, seat: Seat, shot: Shot, kind: str) -> None:
        label = f"{shot.name}-{kind}"
        status = seat.tries(shot.path)
        if status != shot.status:
            self.wrong.append(f"{label}: {shot.path} {status}, not {shot.status}")
            return
        for step in filter(None, shot.opens.split("|")):
            if step.startswith("+"):
                seat.page.goto(seat.page.url + step[1:])
                continue
            link = seat.page.locator(step).first
            if not link.count():
                self.wrong.append(f"{label}: {seat.page.url} has no {step}")
                return
            seat.page.goto(seat.base + str(link.get_attribute("href")))
        if shot.does is not None:
            before = len(seat.complaints)
            shot.does(seat.page)
            # A form that is sent back is said by the page itself; the browser notes its status as well.
            seat.complaints[before:] = [text for text in seat.complaints[before:] if "status of 4" not in text]
        time.sleep(SETTLE_S)
        self._measure(seat.page, label)
        name = shot.name if kind in README else label
        seat.page.screenshot(path=self.folder / f"{name}.png", full_page=kind not in README)
        self.taken.append((shot.name, kind, shot.path))
        print(label, seat.page.url.removeprefix(seat.base), flush=True)

    def _measure(self, page: Page, label: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self.wrong.append(f"{label}: {wide} px wider than the screen")

    def sheet(self) -> None:
        """Write index.html: every picture, small, by page."""
        rows = []
        for name in dict.fromkeys(name for name, _, _ in self.taken):
            cells = "".join(
                f'<a href="{one}-{kind}.png"><img loading="lazy" src="{one}-{kind}.png" alt="{kind}"></a>'
                for one, kind, _ in self.taken
                if one == name
            )
            rows.append(f"<section><h2>{html.escape(name)}</h2>{cells}</section>")
        style = "body{font:14px sans-serif}img{height:320px;margin:4px;border:1px solid #888;object-fit:cover;object-position:top}"
        text = f"<!doctype html><meta charset=utf-8><title>camsla</title><style>{style}</style>{''.join(rows)}"
        (self.folder / "index.html").write_text(text, "utf-8")


def bare(folder: Path, album: Album) -> None:
    """Take an installation's first hour: nobody is there, then everybody and nothing else."""
    folder.mkdir()
    camsla = Camsla(folder)
    with serving(camsla) as base, browsing(base) as room:
        album.take(room, [Shot("first", "", "/first")])
    add_persons(folder / "data")
    with serving(camsla) as base, browsing(base) as room:
        album.take(room, empty_shots())


def main() -> int:
    """Take all pictures; 1 if anything was wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=ROOT / "build" / "screenshots")
    options.add_argument("--only", default="", help="a regular expression that names of pages match")
    options.add_argument("--kinds", default=",".join(KINDS))
    options.add_argument("--readme", action="store_true", help="only the pictures of README, into docs/screens")
    options.add_argument("--city", type=Path, help="a folder that holds the seeded city, or is to hold it")
    given = options.parse_args()
    if given.readme:
        given.out, given.kinds = ROOT / "docs" / "screens", ",".join(README)
    given.out.mkdir(parents=True, exist_ok=True)
    album = Album(given.out, given.only, given.kinds.split(","))
    day = last_quarter(datetime.now(timezone(timedelta(hours=8))).date())
    quarter, before = (f"{one.year}Q{(one.month + 2) // 3}" for one in (day, day - timedelta(days=1)))
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.city or Path(scratch) / "city"
        if not (folder / "data").exists():
            folder.mkdir(parents=True, exist_ok=True)
            camsla = seed(folder, POINTS, closed=False)
            at_work(yesterday(folder), quarter, before)
            close(camsla)
            witnesses(camsla)
        with serving(Camsla(folder)) as base, browsing(base) as room:
            evaluates(room, quarter)
            administrates(room)
            album.take(room, readme_shots(quarter) if given.readme else shots(Camsla(folder), quarter, before))
        if not given.readme and any(
            re.search(album.only, shot.name) for shot in (*empty_shots(), Shot("first", "", ""))
        ):
            bare(Path(scratch) / "bare", album)
    if not given.only and not given.readme:
        album.sheet()
    print(f"{len(album.taken)} pictures: {given.out}")
    for text in album.wrong:
        print("WRONG", text, file=sys.stderr)
    return 1 if album.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
