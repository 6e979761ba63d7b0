"""In a browser: what somebody typed before their session ended is back in the form when they have signed in again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.camsla_command import Camsla
from tests.console_city import PASSWORD, add_persons
from tests.servers.console import Room, browsing, serving


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    camsla = Camsla(tmp_path_factory.mktemp("draft"))
    add_persons(camsla.folder / "data")
    with serving(camsla) as base, browsing(base) as found:
        yield found


def typed(room: Room) -> Page:
    """Fill in the form of a new account, and send it after the session is over."""
    seat = room.seat("admin")
    page = seat.go("/system/new-account")
    page.fill("[name=name]", "xiaowang")
    page.fill("[name=areas]", "东街、西街")
    page.check("input[value=leader]")
    seat.context.clear_cookies()
    page.click("form.card button.first")
    page.wait_for_url("**/login?**")
    return page


def sign_in(page: Page, name: str) -> None:
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("form.sign-in button.first")
    page.wait_for_selector("header.top")


def test_what_was_typed_is_back_and_is_sent_by_a_click(room: Room) -> None:
    page = typed(room)
    sign_in(page, "admin")
    assert page.url.endswith("/system/new-account")
    assert (page.input_value("[name=name]"), page.input_value("[name=areas]")) == ("xiaowang", "东街、西街")
    assert page.is_checked("input[value=leader]") and not page.is_checked("input[value=handler]")
    assert "尚未提交" in page.inner_text(".notice")
    page.click("form.card button.first")
    page.wait_for_selector(".once")
    page.goto(f"{room.base}/system/new-account")
    assert page.input_value("[name=name]") == "" and page.evaluate("sessionStorage.length") == 0


def test_somebody_else_gets_nothing_of_it(room: Room) -> None:
    page = typed(room)
    sign_in(page, "duty")
    assert page.url.rstrip("/") == room.base
    assert page.evaluate("sessionStorage.length") == 0
