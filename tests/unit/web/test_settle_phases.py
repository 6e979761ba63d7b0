"""Phases are called what the contract calls them, in tables, sentences and exports of the money's pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.clock import wall_now
from console.settling.phases import PhaseWords, words_of
from tests.money_site import issued
from tests.site_app import get, settings_at, site_client
from tests.stores.quarters import terms
from tests.unit.web.test_settle_payments import NEXT, PERSONS

WORDS = PhaseWords({"lease": {"phase-1": "一期", "phase-10": "十期", "p": "p"}})


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    async with site_client(settings_at(issued(tmp_path)), PERSONS, at=wall_now()) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("出具 issued 2020Q3 phase-1", "出具 issued 2020Q3 一期"),
        ("phase-10、phase-1：phase-11 不在内", "十期、一期：phase-11 不在内"),
        ("phase-1的数", "一期的数"),
        ("sub-phase-1 与 p", "sub-phase-1 与 p"),
    ],
)
def test_a_sentence_names_phases_by_their_words(text: str, said: str) -> None:
    assert WORDS.said("lease", text) == said
    assert WORDS.said("other", text) == text


def test_a_phase_without_a_title_keeps_its_id_and_one_title_twice_is_told_apart() -> None:
    one = terms().phases[0]
    several = [one.model_copy(update={"id": name, "title": title}) for name, title in (("a", "一期"), ("b", "一期"))]
    several.append(one.model_copy(update={"id": "c", "title": ""}))
    assert words_of(terms().model_copy(update={"phases": tuple(several)})) == {
        "a": "一期（a）",
        "b": "一期（b）",
        "c": "c",
    }


@pytest.mark.parametrize(
    "page",
    [
        "/payments",
        f"/payments/dues/lease/{NEXT}",
        "/payments/new?contract=lease",
        "/payments/invoices/new?contract=lease",
        "/payments/account?contract=lease",
        "/contracts/lease/readings",
    ],
)
async def test_pages_of_money_say_the_contracts_own_name_of_a_phase(client: Any, page: str) -> None:
    status, text = await get(client, page, "经办")
    assert status == 200
    assert "二期" in text
    assert "phase-2" not in text


async def test_exports_say_it_as_well(client: Any) -> None:
    _, text = await get(client, "/payments?format=csv", "经办")
    assert "二期" in text
    assert "phase-2" not in text
