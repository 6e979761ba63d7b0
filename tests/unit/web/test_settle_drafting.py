"""A draft that takes long: its progress is seen, it goes on without its asker, and nobody drafts the quarter beside it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.quarters.progress import Progress, Slate, slate
from console.settling import drafting
from tests.settle_site import PERSONS, Q, drafted, made
from tests.site_app import get, post, site_client
from tests.stores.quarters import NOW

FORM = {"prepaid": "computed"}


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[Any]:
    async with site_client(made(tmp_path), PERSONS, at=NOW) as found:
        yield found


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let computing wait, having read two of four points, until the event is set."""
    go = threading.Event()
    compute = drafting.compute_draft

    def slow(*arguments: Any) -> Any:
        arguments[-1].tell("reading", 2, 4)
        assert go.wait(30)
        return compute(*arguments)

    monkeypatch.setattr(drafting, "compute_draft", slow)
    monkeypatch.setattr(drafting, "WAIT_S", 0.0)
    monkeypatch.setattr(drafting.waited, "__defaults__", (0.05,))
    yield go
    go.set()


async def test_the_progress_is_seen_until_the_draft_stands(client: Any, held: threading.Event) -> None:
    status, _, place = await post(client, f"{Q}/draft", "h", FORM)
    assert status == 303
    assert place.startswith(f"{Q}/draft/")
    _, page = await get(client, place, "h")
    assert "读取监测记录" in page
    assert "2 / 4" in page
    assert 'width="50"' in page
    status, text, _ = await post(client, f"{Q}/draft", "h", FORM)
    assert status == 422
    assert "经办 正在起草" in text
    assert f'href="{place}"' in text  # the way to where it is seen
    held.set()
    status = 200
    while status == 200:
        status, _ = await get(client, place, "h")
    assert status == 303
    assert (await get(client, Q, "h"))[0] == 200


async def test_what_speaks_against_a_draft_is_told_where_its_progress_was_seen(
    client: Any, held: threading.Event
) -> None:
    status, _, place = await post(client, f"{Q}/draft", "h", {})  # the first quarter's prepayment is not told
    assert status == 303
    held.set()
    status, text = await get(client, place, "h")
    while status == 200:
        status, text = await get(client, place, "h")
    assert status == 422
    assert "没有更早的结算单" in text


async def test_a_draft_that_nobody_knows_leads_to_the_quarter(client: Any) -> None:
    await drafted(client)
    async with client.get(f"{Q}/draft/{'0' * 16}", headers={"X-Test-Person": "h"}, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, Q)


def test_a_slate_tells_stage_and_steps_and_is_gone_afterwards() -> None:
    with slate() as kept:
        assert kept.seen() == Progress("waiting", 0, 0)
        moved = kept.stage("comparing")
        for done in range(1, 10_001):
            moved(done, 10_000)
        assert kept.seen() == Progress("comparing", 10_000, 10_000)
        assert kept.seen().percent == 100
        kept.tell("settling")
        assert kept.seen() == Progress("settling", 0, 0)
        assert kept.seen().percent == 0
    assert not Path(kept.path).exists()
    kept.tell("reading", 1, 2)  # whoever still tells is not heard, and does not fail
    assert kept.seen() == Progress("waiting", 0, 0)
    assert Slate().seen() == Progress("waiting", 0, 0)
