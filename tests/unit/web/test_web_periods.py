"""A link limited to a period: what its reader can open, and that no list shows another period."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.app.site import every_route
from console.auth import keys
from console.evaluator import challenge_steps
from console.evaluator.challenge_steps import challenges
from console.packs import pack_shelf
from console.settling.board import board
from console.store import links
from console.web.access import EVERYTHING, Person, Role
from console.web.openapi import PARAMETER
from console.web.periods import lies_in, named_within, open_to_limited
from monitor.store.database import open_database, reading
from tests import two_suppliers as city
from tests.signed_in import AT, Office, office
from tests.site_app import settings_at

READER = Person("link:1", frozenset({Role.EVALUATOR}), EVERYTHING, period="2020Q3")


@pytest.mark.parametrize(
    ("label", "period", "inside"),
    [
        ("2020Q3", "2020Q3", True),
        ("2020q3", "2020Q3", True),
        ("2020-07", "2020Q3", True),
        ("2020-07-01..2020-09-30", "2020Q3", True),
        ("2020-09-30", "2020Q3", True),
        ("2020Q3", "2020", True),
        ("2020", "2020", True),
        ("anything", "", True),
        ("2020Q2", "2020Q3", False),
        ("2020", "2020Q3", False),
        ("2020-10", "2020Q3", False),
        ("2020-10-01", "2020Q3", False),
        ("2020-06-30..2020-09-30", "2020Q3", False),
        ("2021Q3", "2020", False),
        ("2020Q31", "2020Q3", False),
        ("2020-13", "2020", False),
        ("", "2020", False),
        ("2020Q3 and more", "2020Q3", False),
    ],
)
def test_a_label_lies_in_a_period_or_not(label: str, period: str, inside: bool) -> None:
    assert lies_in(label, period) is inside


def test_an_address_names_periods_in_many_ways() -> None:
    assert named_within("2020Q3", [("quarter", "2020Q3"), ("limit", "2019"), ("q", "2019"), ("n", "12")])
    assert not named_within("2020Q3", {"year": "2020"})
    assert not named_within("2020", [("period", "2020-01-01..2021-01-01")])
    assert not named_within("2020", [("quarter", "2020Q3"), ("quarter", "2021Q3")])
    assert not named_within("2020", {"anything": "2019-12"})


OPEN_WITHOUT_NAMING = {
    "account", "challenges", "checkpoint", "contracts", "days", "evidence", "l", "language", "login", "logout",
    "openapi.json", "packs", "problems", "reference", "samples", "scorecards", "settlement", "signatures", "statements",
    "static", "trust", "verifier",
}  # fmt: skip
"""What a limited reader may open although its path names no period: each filters its list, or is of no period."""


def test_every_other_route_is_closed_until_somebody_says_why_not() -> None:
    for route in every_route():
        if not open_to_limited(route.path):
            continue
        parts = re.sub(r"^/api/v1", "", route.path).strip("/").split("/")
        word = parts[1] if parts[0] == "evidence" and len(parts) > 1 else parts[0]
        named = "{quarter" in route.path or "{period" in route.path
        assert named or word.partition(".")[0] in OPEN_WITHOUT_NAMING or word in OPEN_WITHOUT_NAMING, route.path
    closed = ("/", "/map", "/points", "/points/{code}", "/payments", "/payments/made", "/budget", "/authority", "/live")
    closed += (
        "/contracts/{name}/readings",
        "/evidence/corrections",
        "/settlement/{contract}/{quarter}/journal.beancount",
    )
    for path in closed:
        assert not open_to_limited(path) and not open_to_limited(f"/api/v1{path}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as found:
        wish = links.Wish("评价", "north", "2020Q3", 30)
        links.add(found.writer, wish, keys.digest_of("word"), at=AT, actor="root")
        assert (await found.get("/l/word"))[::2] == (303, "/evidence")
        yield found


async def test_a_limited_reader_is_led_to_what_is_theirs(house: Office) -> None:
    assert (await house.get("/"))[::2] == (303, "/evidence")
    _, text, _ = await house.get("/evidence")
    menu = set(re.findall(r'data-shortcut="(.)"', text))
    assert menu == {"k", "s", "e", "r", "u", "i"}
    assert 'action="/points"' not in text and "/evidence/corrections" not in text


async def test_what_shows_the_present_or_all_times_is_closed(house: Office) -> None:
    for route in every_route():
        if route.mutating or open_to_limited(route.path) or route.path == "/":
            continue
        place = PARAMETER.sub("1", route.path)
        status, _, _ = await house.get(place)
        assert status == 404, f"{place}: {status}"


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings = settings_at(tmp_path_factory.mktemp("periods"))
    city.seed(settings)
    return settings


@pytest.mark.parametrize(("period", "there"), [("2020Q3", True), ("2020", True), ("2020Q2", False), ("2019", False)])
def test_the_quarters_are_those_of_the_period(seeded: Any, period: str, there: bool) -> None:
    engine = open_database(seeded.url)
    with reading(engine) as connection:
        rows = board(connection, replace(READER, period=period), city.TODAY, city.AT)
        every = board(connection, replace(READER, period=""), city.TODAY, city.AT)
    engine.dispose()
    assert any(row.quarter == "2020Q3" for row in rows) is there
    assert all(row.quarter.startswith(period) for row in rows) and len(rows) <= len(every)


def test_packs_are_those_within_the_period() -> None:
    def pack(period: str) -> Any:
        return SimpleNamespace(contract="north", period=period)

    seen = [p for p in ("2020Q3", "2020-08", "2020-07-01..2020-10-01", "2020Q4") if pack_shelf.sees(READER, pack(p))]
    assert seen == ["2020Q3", "2020-08"]


@pytest.mark.parametrize(("planned", "shown"), [("2020-09-30T23:59:59", True), ("2020-10-01T00:00:00", False)])
def test_a_reveal_is_shown_if_all_its_moments_are_within(
    monkeypatch: pytest.MonkeyPatch, planned: str, shown: bool
) -> None:
    at = city.instant(planned)
    rows = [["N-1", int(at), None, None, None, None, ""]]
    reveal = SimpleNamespace(id="a", at=AT, actor="x", version=1, document={"contract": "north", "rows": rows})
    commit = SimpleNamespace(id="a", at=AT, actor="x")
    monkeypatch.setattr(
        challenge_steps.evaluations,
        "listed",
        lambda _, what: [reveal] if what == challenge_steps.REVEAL else [commit],
    )
    [found] = challenges(None, READER)  # type: ignore[arg-type]
    assert (found.result is not None) is shown
    [found] = challenges(None, replace(READER, period=""))  # type: ignore[arg-type]
    assert found.result is not None
