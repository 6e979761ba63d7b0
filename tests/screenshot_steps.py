"""What is done on the console's pages before they are taken: files put in, a price tried, a pack ordered, a backup made."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from tests.camsla_command import Camsla
from tests.console_city import CONTRACT
from tests.servers.console import Room

WORK_MS = 60_000
"""How long a trial over past quarters, a pack or a backup may take."""


def changed_ledger(ledger: Path, host: str) -> Path:
    """Write the ledger once more with a point renamed, one moved and a new one at `host`, and return where it is.

    Without `host` the new one has another's address, which is refused.
    """
    with ledger.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1] |= {"name": rows[1]["name"] + "（东）"}
    rows[3] |= {"address": "新建大道 8 号", "lon": "115.900001"}
    new = {**rows[-1], "code": "SIM-09001", "gb_code": "36012200001320009001", "serial": "SN0100009001"}
    if host:
        new |= {"rtsp_url": f"rtsp://{host}:8554/live", "onvif_addr": f"http://{host}:9554/onvif/device_service"}
    rows.append(new)
    changed = ledger.with_name("points-changed.csv" if host else "points-wrong.csv")
    with changed.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return changed


def uploads(path: Path, word: str) -> Callable[[Page], None]:
    """Return what puts a file into the page's form and presses the button that is called `word`."""

    def does(page: Page) -> None:
        page.set_input_files("main input[type=file]", path)
        page.get_by_role("button", name=word).click()
        page.wait_for_url(re.compile(r"/import/[A-Za-z0-9_-]{22}"), timeout=WORK_MS)

    return does


def tries_a_price(page: Page) -> None:
    """Raise a price of the contract and let the past quarters be reckoned again."""
    text = page.locator("textarea[name=text]")
    raised = re.sub(r"850\.00", "880.00", text.input_value())
    text.fill(raised)
    page.get_by_role("button", name="试算以往各季度").click()
    page.wait_for_selector("#trial:not([hx-get])", timeout=WORK_MS)


def opens_columns(page: Page) -> None:
    """Open the chooser of columns and go on by keyboard, so that it is seen where the focus is."""
    page.click(".choose summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")


def signs_in_wrongly(page: Page) -> None:
    """Sign in as somebody who is not there."""
    page.fill("input[name=name]", "somebody")
    page.fill("input[name=password]", "not-the-pass-phrase")
    page.click("form.sign-in button.first")
    page.wait_for_selector(".errors, .error")


def pays_nothing(page: Page) -> None:
    """Send an amount that is none, past the browser's own check, so that the page says what is wrong."""
    form = page.locator("main form[method=post]")
    form.evaluate("form => { form.noValidate = true }")
    form.locator("input[name=amount]").fill("1,6五")
    form.locator("button.first").click()
    page.wait_for_selector(".errors, .error")


def witnesses(camsla: Camsla) -> None:
    """Let supplier and evaluator sign the newest sealed day's checkpoint with the keys that the seeded city has of them."""
    camsla.ok("evidence", "checkpoint", "--out", "day.note")
    for role in ("supplier", "evaluator"):
        camsla.ok("evidence", "cosign", "day.note", "--key", f"{role}.key", "--out", f"{role}.note")
        camsla.ok("evidence", "add-signature", f"{role}.note", "--actor", role)


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


def administrates(room: Room) -> None:
    """Let the administrator make a backup, so that there is one to be seen."""
    seat = room.seat("admin")
    page = seat.go("/system/backup")
    page.get_by_role("button", name="立即备份").click()
    page.wait_for_selector("#progress:not([hx-get])", state="attached", timeout=WORK_MS)
    page.locator("main table a[download]").first.wait_for(timeout=WORK_MS)
    seat.context.close()
