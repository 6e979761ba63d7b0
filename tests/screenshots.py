"""Every page of the console as pictures: `make screenshots` writes them to build/screenshots with a contact sheet.

Each page is taken on a desk in light and in dark and on a phone, whole, over a seeded city whose first quarter is paid and
whose measured quarter is disputed. A page that answers otherwise than expected, complains in the browser's console, asks
another host, or is wider than the screen is told of, and the command fails.
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
from typing import Any, NamedTuple

from playwright.sync_api import Page

from simulators.city import last_quarter
from tests.camsla_command import ROOT, Camsla
from tests.console_city import CONTRACT, add_persons, at_work, close, seed, yesterday
from tests.servers.console import DESK, PHONE, Room, Seat, browsing, serving

KINDS: Mapping[str, dict[str, Any]] = {
    "desk": {"viewport": DESK},
    "dark": {"viewport": DESK, "dark": True},
    "phone": {"viewport": PHONE},
}
POINTS = 240
SETTLE_S = 0.4
"""How long a page may take to draw after it has loaded: htmx parts, the map's canvas."""


class Shot(NamedTuple):
    """A page to be taken: its picture's name, who looks, the address, the status it must answer with."""

    name: str
    who: str
    path: str
    status: int = 200
    opens: str = ""
    """Links (CSS, one after the other by "|") that are followed first, or "+" and what is put to the address then reached.

    Where a link is not there the picture is missing, which is told.
    """


def shots(quarter: str, before: str) -> list[Shot]:
    """Every page, in the menu's order, by somebody who works with it."""
    return [*_watching(), *_settling(quarter, before), *_proving(quarter), *_governing()]


def _watching() -> list[Shot]:
    return [
        Shot("login", "", "/login"),
        Shot("overview", "duty", "/"),
        Shot("overview-wall", "duty", "/?wall=1"),
        Shot("map", "duty", "/map"),
        Shot("map-offline", "duty", "/map?state=offline"),
        Shot("points", "duty", "/points"),
        Shot("points-offline", "duty", "/points?state=offline&sort=since"),
        Shot("points-none", "duty", "/points?q=nothing-like-that"),
        Shot("points-import", "duty", "/points/import"),
        Shot("point", "handler", "/points?state=offline", opens="#points tbody a"),
        Shot("point-supplier", "supplier", "/points/SIM-00001"),
        Shot("outage", "handler", "/points?state=offline", opens="#points tbody a|#outage-table tbody a"),
        Shot("probes", "duty", "/points?state=offline", opens="#points tbody a|#outage-table tbody a|+/probes"),
        Shot("changes", "duty", "/changes"),
    ]


def _settling(quarter: str, before: str) -> list[Shot]:
    at, year = f"/settlement/{CONTRACT}/{quarter}", quarter[:4]
    return [
        Shot("authority", "clerk", "/authority"),
        Shot("authority-import", "clerk", "/authority/import"),
        Shot("authority-typed", "clerk", "/authority/typed"),
        Shot("authority-mappings", "clerk", "/authority/mappings"),
        Shot("authority-file", "clerk", "/authority", opens="#files tbody a"),
        Shot("authority-reconcile", "handler", f"/authority/{CONTRACT}/{quarter}"),
        Shot("authority-items", "handler", f"/authority/{CONTRACT}/{quarter}?show=items"),
        Shot("contracts", "handler", "/contracts"),
        Shot("contract", "handler", f"/contracts/{CONTRACT}"),
        Shot("contract-readings", "handler", f"/contracts/{CONTRACT}/readings"),
        Shot("contract-what-if", "handler", f"/contracts/{CONTRACT}/what-if"),
        Shot("contract-compare", "handler", f"/contracts/{CONTRACT}/compare"),
        Shot("contract-new", "handler", "/new-contract"),
        Shot("settlement", "handler", "/settlement"),
        Shot("statement", "handler", at),
        Shot("statement-none", "handler", f"/settlement/{CONTRACT}/{int(year) + 1}Q1"),
        Shot("statement-points", "handler", f"{at}/points"),
        Shot("statement-point", "supplier", f"{at}/points/SIM-00001"),
        Shot("statement-rules", "handler", f"{at}/rules"),
        Shot("statement-disputes", "checker", f"{at}/disputes"),
        Shot("statement-dispute-new", "supplier", f"{at}/disputes?points=SIM-00001"),
        Shot("statement-history", "leader", f"{at}/history"),
        Shot("statement-money", "handler", f"/settlement/{CONTRACT}/{before}/money"),
        Shot("why-payable", "handler", f"{at}/why/payable"),
        Shot("why-line", "handler", f"{at}/why/2"),
        Shot("statement-redraft", "handler", f"{at}/draft"),
        Shot("payments", "handler", "/payments"),
        Shot("payment-due", "handler", "/payments", opens="#dues tbody a"),
        Shot("payment-new", "handler", "/payments/new"),
        Shot("payments-made", "handler", "/payments/made"),
        Shot("payment", "handler", "/payments/made/1"),
        Shot("invoices", "handler", "/payments/invoices"),
        Shot("invoice-new", "handler", "/payments/invoices/new"),
        Shot("invoice", "handler", "/payments/invoices", opens="#invoices tbody a"),
        Shot("payment-account", "handler", "/payments/account"),
        Shot("budget", "handler", "/budget"),
        Shot("budget-new", "handler", "/budget/new"),
        Shot("budget-year", "handler", "/budget", opens="main tbody a"),
        Shot("budget-advice", "leader", f"/budget/advice/{CONTRACT}/{year}"),
    ]


def _proving(quarter: str) -> list[Shot]:
    return [
        Shot("evidence", "evaluator", "/evidence"),
        Shot("packs", "evaluator", "/evidence/packs"),
        Shot("pack", "evaluator", "/evidence/packs", opens="#packs tbody a"),
        Shot("samples", "evaluator", "/evidence/samples"),
        Shot("sample", "evaluator", "/evidence/samples", opens="#samples tbody a"),
        Shot("challenges", "evaluator", "/evidence/challenges"),
        Shot("corrections", "handler", "/evidence/corrections"),
        Shot("scorecards", "evaluator", "/scorecards"),
        Shot("scorecard", "evaluator", f"/scorecards/lease?contract={CONTRACT}&period={quarter}"),
    ]


def _governing() -> list[Shot]:
    return [
        Shot("links", "handler", "/links"),
        Shot("system", "admin", "/system"),
        Shot("accounts", "admin", "/system/accounts"),
        Shot("account-one", "admin", "/system/accounts/supplier"),
        Shot("account-new", "admin", "/system/new-account"),
        Shot("audit", "admin", "/system/audit"),
        Shot("audit-one", "admin", "/system/audit", opens="main tbody a"),
        Shot("account", "handler", "/account"),
        Shot("password", "handler", "/account/password"),
        Shot("reference", "handler", "/reference"),
        Shot("refused", "leader", "/system", 403),
        Shot("not-found", "duty", "/points/NOBODY", 404),
        Shot("reporter", "reporter", "/account"),
    ]


def empty_shots() -> list[Shot]:
    """Pages of an installation in which nothing has been done yet."""
    pages = (
        "points",
        "map",
        "changes",
        "authority",
        "contracts",
        "settlement",
        "payments",
        "budget",
        "evidence",
        "scorecards",
    )
    whose = {"points": "duty", "map": "duty", "changes": "duty", "authority": "clerk"}
    return [
        Shot("empty-overview", "duty", "/"),
        *(Shot(f"empty-{page}", whose.get(page, "handler"), f"/{page}") for page in pages),
    ]


def evaluates(room: Room, quarter: str) -> None:
    """Let the evaluator order a pack and draw a sample, so that there is something to be seen."""
    seat = room.seat("evaluator")
    page = seat.go(f"/evidence/packs?contract={CONTRACT}&year={quarter[:4]}")
    page.locator("#order select[name=period]").select_option(quarter)
    page.get_by_role("button", name="打包").click()
    page.get_by_role("link", name="下载").or_(page.get_by_role("link", name="打开证据包")).first.wait_for()
    seat.go("/evidence/samples")
    for name, value in (("period", quarter), ("seed", "20-26-09-30 现场种子"), ("n", "12")):
        page.fill(f"input[name={name}]", value)
    page.get_by_role("button", name="抽取并记录快照").click()
    page.wait_for_selector("#points")
    seat.context.close()


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
            for shot in wanted:
                if shot.who not in seats:
                    seats[shot.who] = room.seat(shot.who, **KINDS[kind])
                self._one(seats[shot.who], shot, kind)
            for seat in seats.values():
                self.wrong += [f"{kind}: {text}" for text in (*seat.foreign, *seat.complaints)]
                seat.foreign.clear()
                seat.complaints.clear()
                seat.context.close()

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
        time.sleep(SETTLE_S)
        self._measure(seat.page, label)
        seat.page.screenshot(path=self.folder / f"{label}.png", full_page=True)
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
                f'<a href="{name}-{kind}.png"><img loading="lazy" src="{name}-{kind}.png" alt="{kind}"></a>'
                for kind in self.kinds
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
    options.add_argument("--city", type=Path, help="a folder that holds the seeded city, or is to hold it")
    given = options.parse_args()
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
        with serving(Camsla(folder)) as base, browsing(base) as room:
            evaluates(room, quarter)
            album.take(room, shots(quarter, before))
        if any(re.search(album.only, shot.name) for shot in (*empty_shots(), Shot("first", "", ""))):
            bare(Path(scratch) / "bare", album)
    album.sheet()
    print(f"{len(album.taken)} pictures: {given.out / 'index.html'}")
    for text in album.wrong:
        print("WRONG", text, file=sys.stderr)
    return 1 if album.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
