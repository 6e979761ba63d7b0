"""A small watched city for tests of the board and its pages: six points, one of each standing, at noon of 1 July 2020."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from config.settings import Settings
from console.app.database import open_writer
from console.board.board import Board
from console.web.access import Person, Role
from console.web.visit import SITE
from monitor.model import STATE_OF, Instant, Outcome, Reason, Rung, Sample
from monitor.scope import Scope
from monitor.store.tables import cameras, exclusions, occupancies, point_facts, points
from monitor.store.writer import Writer
from settlement.contract import Terms
from tests.site_app import person, settings_at, site_client

T0 = 1_593_532_800_000_000
"""Midnight of 2020-07-01 in Shanghai."""
NOON = 12 * 3600
PERSONS: dict[str, Person] = {
    "值班": person("值班", Role.OPERATIONS),
    "领导": person("领导", Role.LEADER),
    "甲方": person("甲方", Role.SUPPLIER, scope=Scope(supplier="甲")),
    "甲方合同": person("甲方合同", Role.SUPPLIER, scope=Scope(contracts=frozenset({"lease"}), supplier="甲")),
    "外地": person("外地", Role.OPERATIONS, scope=Scope(contracts=frozenset({"other"}))),
    "数据员": person("数据员", Role.CLERK),
}
TERMS = Terms.model_validate(
    {
        "contract": "lease",
        "supplier": "甲",
        "tax_rate": "0.06",
        "target": "0.90",
        "prepay_share": "0.90",
        "phases": [
            {"id": "p1", "title": "一期", "unit_price": "850.00", "in_service_from": "2020-01-01", "months": 24},
            {"id": "p2", "title": "二期", "unit_price": "628.00", "in_service_from": "2020-01-01", "months": 24},
        ],
    }
)
LEDGER: Mapping[str, dict[str, Any]] = {
    "A-1": {
        "name": "人民路口",
        "area": "东",
        "phase": "p1",
        "supplier": "甲",
        "gb_code": "3402",
        "lon_e7": 1_180_000_000,
    },
    "A-2": {"name": "<b>桥头</b>", "area": "东", "phase": "p1", "supplier": "甲", "lon_e7": 1_181_000_000},
    "B-1": {"name": "学校", "area": "西", "phase": "p2", "supplier": "乙", "lon_e7": 1_182_000_000},
    "B-2": {"name": "市场", "area": "西", "phase": "p2", "supplier": "乙"},
    "C-1": {"name": "车站", "area": "西", "phase": "p2", "supplier": "乙", "accepted_on": None},
    "D-1": {"name": "河边", "area": "西", "phase": "p2", "supplier": "乙", "lon_e7": 1_183_000_000},
}


def at(second: float) -> Instant:
    return Instant(T0 + round(second * 1_000_000))


def outcome(reason: str, rung: Rung = Rung.DESCRIBE) -> Outcome:
    return Outcome(STATE_OF[Reason(reason)], Reason(reason), rung)


def samples(code: str, first: int, last: int, reason: str = "ok", rung: Rung = Rung.DESCRIBE) -> list[Sample]:
    """One a minute, both ends included."""
    return [Sample(code, "local", at(s), outcome(reason, rung), 125, 9_000) for s in range(first, last + 1, 60)]


class WatchedCity:
    """Its database and the writer that watches it."""

    def __init__(self, folder: Path) -> None:
        self.settings: Settings = settings_at(folder)
        self.clock = NOON + 30.0
        self.writer: Writer | None = None  # of a site that is up: a database has one
        writer = open_writer(self.settings)
        with writer.transaction() as connection:
            for code, facts in LEDGER.items():
                number = connection.execute(insert(points).values(code=code).returning(points.c.id)).scalar_one()
                held = {"valid_from": 0, "recorded_at": 0, "actor": "test", "point_id": number}
                more = {"contract": "lease", "accepted_on": "2020-01-01", "lat_e7": 310_000_000, **facts}
                connection.execute(insert(point_facts).values({**held, **more}))
                if code != "D-1":
                    url = f"rtsp://10.0.0.{number}/live"
                    camera = insert(cameras).values(make="海康", model="DS", rtsp_url=url).returning(cameras.c.id)
                    serving = {**held, "camera_id": connection.execute(camera).scalar_one()}
                    connection.execute(insert(occupancies).values(serving))
            approved = {"claimed_by": "a", "claimed_at": 0, "approved_by": "b", "approved_at": 1, "cause": "割接"}
            span = {"scope_kind": "point", "scope_id": "B-1", "start_at": at(NOON - 600), "end_at": at(NOON + 600)}
            connection.execute(insert(exclusions).values({**span, **approved}))
        writer.close()
        self.watch(
            samples("A-1", 0, NOON)
            + samples("A-2", 0, NOON - 7_200 - 60)
            + samples("A-2", NOON - 7_200, NOON - 3_660, "timeout", Rung.TCP)
            + samples("A-2", NOON - 3_600, NOON, "refused", Rung.TCP)
            + samples("B-1", 0, NOON)
            + samples("B-2", 0, NOON, "auth-rejected"),
            blind=False,
        )

    def watch(self, seen: list[Sample], *, blind: bool = False, settings_at_s: float | None = None) -> None:
        """Store results as the watcher does, in one process after another."""
        writer = self.writer or open_writer(self.settings)
        try:
            now = at(self.clock if settings_at_s is None else settings_at_s)
            number = writer.resume("local", now, blind=blind)
            writer.commit("local", number if seen else None, seen, flush=True, at=now)
        finally:
            if self.writer is None:
                writer.close()

    def now(self) -> Instant:
        return at(self.clock)

    def board(self) -> Board:
        return Board(self.settings, self.now, contracts=(TERMS,))


@asynccontextmanager
async def watched_board(city: WatchedCity) -> AsyncIterator[Board]:
    """A board that has read and counted once, and goes on only when told to."""
    board = city.board()
    await board.refresh()
    await board.count()
    try:
        yield board
    finally:
        await board.stop()


@asynccontextmanager
async def watched_site(folder: Path) -> AsyncIterator[tuple[WatchedCity, Board, Any]]:
    """The site over the small city."""
    city = WatchedCity(folder)
    async with (
        watched_board(city) as board,
        site_client(city.settings, PERSONS, at=city.now(), more={Board: board}) as client,
    ):
        city.writer = client.app[SITE].writer  # type: ignore[index]
        yield city, board, client
