"""The board: what points are now, since when, and their seconds, as an office counts them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from console import views
from console.app.database import open_writer
from console.board.card import Evidence, Standing, Tally, tally
from console.board.summary import alarms, verdict_of
from console.board.wanted import Wanted
from monitor.period import parse_period
from monitor.rates import Seconds, rate_of
from monitor.scope import EVERYTHING, Scope
from monitor.store import gaps
from monitor.store.database import open_database, reading
from monitor.store.identities import vantage_ids
from monitor.store.tables import point_facts
from monitor.timeline import Policy
from tests.watched_city import NOON, WatchedCity, at, samples, watched_board


async def test_each_point_is_what_an_office_counts_it_as(tmp_path: Path) -> None:
    async with watched_board(WatchedCity(tmp_path)) as board:
        city = board.city()
        assert {card.code: card.standing for card in city.cards} == {
            "A-1": Standing.ONLINE,
            "A-2": Standing.OFFLINE,
            "B-1": Standing.EXCLUDED,
            "B-2": Standing.UNKNOWN,
            "C-1": Standing.OUT,
            "D-1": Standing.UNKNOWN,
        }
        assert city.counts == (5, 1, 1, 1, 2, 1, 0)
        down = city.by_code["A-2"]
        assert down.since == at(NOON - 7_200)  # the outage's beginning, though its reason changed since
        assert (down.reason, down.rung, down.now.confirmed) == ("refused", "tcp", True)
        assert city.by_code["B-1"].since == at(NOON - 600)
        assert {card.code: card.evidence for card in city.cards} == {
            "A-1": Evidence.VIEWABLE,
            "A-2": Evidence.VIEWABLE,  # its last online result proved as much
            "B-1": Evidence.VIEWABLE,
            "B-2": Evidence.REACHABLE,
            "C-1": Evidence.NONE,
            "D-1": Evidence.NONE,
        }
        assert (city.by_code["B-2"].reason, city.by_code["D-1"].reason) == ("auth-rejected", "never")
        assert city.by_code["A-1"].host == "10.0.0.1" and not city.by_code["D-1"].watched


async def test_seconds_are_those_of_the_rates_that_statements_use(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        seen = board.city()
        assert (seen.day, seen.month, seen.quarter) == ("2020-07-01", "2020-07", "2020Q3")
        down = seen.by_code["A-2"].quarter
        assert (down.good, down.counted, down.unknown) == (NOON - 7_200, NOON + 30, 0)
        day = parse_period("2020-07-01..2020-07-01")
        with reading(open_database(city.settings.url)) as connection:
            whole = views.point_seconds(connection, EVERYTHING, views.Question(day, "Asia/Shanghai", Policy()))
        online = sum(account.seconds.online for account in whole)
        assert (
            seen.whole[2].good == online - 95
        )  # for so long the one online verdict outside exclusions still holds after now
        assert seen.whole[0] == seen.whole[1] == seen.whole[2]  # the first day of month and quarter


async def test_scope_filters_facets_and_search_see_the_same_points(tmp_path: Path) -> None:
    async with watched_board(WatchedCity(tmp_path)) as board:
        mine = board.city(Scope(supplier="甲"))
        assert [card.code for card in mine.cards] == ["A-1", "A-2"]
        assert [phase.phase for phase in mine.phases] == ["p1"]
        assert mine.whole[2].counted < board.city().whole[2].counted
        assert board.city(Scope(contracts=frozenset({"other"}))).cards == ()
        city = board.city()
        wanted = Wanted(state=("offline", "unknown"), area=("西",))
        assert [card.code for card in city.select(wanted, at(NOON))] == ["B-2", "D-1"]
        facets = city.facets(wanted, at(NOON))
        assert facets["state"] == [("excluded", 1), ("not-in-service", 1), ("unknown", 2)]
        assert facets["area"] == [("东", 1), ("西", 2)]  # its own choice does not hide the others
        assert [card.code for card in city.select(Wanted(q="3402 人民"))] == ["A-1"]
        assert [card.code for card in city.select(Wanted(down_h=1.9), at(NOON))] == ["A-2"]
        assert city.select(Wanted(down_h=2.1), at(NOON)) == []


async def test_a_fall_and_a_return_are_dated_by_their_first_results(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        version = board.city().version
        city.watch(samples("A-1", NOON + 60, NOON + 60, "timeout"))
        city.clock = NOON + 65
        await board.refresh()
        fallen = board.city().by_code["A-1"]
        assert (fallen.standing, fallen.since, fallen.now.confirmed) == (Standing.OFFLINE, at(NOON + 60), False)
        assert board.city().counts.unconfirmed == 1 and board.city().version > version
        city.watch(samples("A-1", NOON + 120, NOON + 240, "timeout") + samples("A-2", NOON + 60, NOON + 240))
        city.clock = NOON + 245
        await board.refresh()
        fallen, back = board.city().by_code["A-1"], board.city().by_code["A-2"]
        assert (fallen.since, fallen.now.confirmed) == (at(NOON + 60), True)
        assert (back.standing, back.since, back.now.recovered) == (Standing.ONLINE, at(NOON + 60), True)
        anew = city.board()  # a server that starts now says the same of both
        await anew.refresh()
        assert {c.code: c.since for c in anew.city().cards} == {c.code: c.since for c in board.city().cards}
        await anew.stop()


async def test_nothing_changed_is_no_new_version(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        version = board.city().version
        city.watch(samples("A-1", NOON + 60, NOON + 60))
        city.clock = NOON + 65
        await board.refresh()
        assert board.city().version == version
        assert board.city().at == at(NOON + 65)


async def test_blindness_makes_states_unknown_and_says_so(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        assert alarms(board.city(), city.now(), "Asia/Shanghai", str) == []
        writer = open_writer(city.settings)
        with writer.transaction() as connection:
            vantage = (vantage_ids(connection)["local"][0], "local")
            gaps.add(connection, vantage, at(NOON + 10), None, "sentinel", at=at(NOON + 20))
        writer.close()
        await board.refresh()
        blind = board.city()
        assert blind.counts.online == 0 and blind.by_code["A-2"].reason == "watcher"
        assert blind.by_code["A-1"].since == at(NOON + 10) and blind.blind_since == at(NOON + 10)
        assert any("12:00:10" in text for text in alarms(blind, city.now(), "Asia/Shanghai", str))


async def test_results_that_stop_lapse_and_old_data_are_told(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        city.clock = NOON + 1_800
        told = alarms(board.city(), city.now(), "Asia/Shanghai", str)
        assert told[0] == "数据停在 12:00:30"
        await board.refresh()
        assert board.city().by_code["A-1"].reason == "lapsed" and board.city().counts.online == 0
        assert any(
            text.startswith("监测结果停在 12:00:00") for text in alarms(board.city(), city.now(), "Asia/Shanghai", str)
        )


async def test_the_ledger_and_who_may_see_it_follow_a_change(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        writer = open_writer(city.settings)
        with writer.transaction() as connection:
            one = board.city().by_code["A-1"].facts.id
            row = dict(connection.execute(point_facts.select().where(point_facts.c.point_id == one)).mappings().one())
            connection.execute(update(point_facts).where(point_facts.c.id == row.pop("id")).values(superseded_at=5))
            connection.execute(point_facts.insert().values({**row, "supplier": "乙"}))
        writer.close()
        await board.refresh()
        assert [card.code for card in board.city(Scope(supplier="甲")).cards] == ["A-2"]


async def test_a_store_that_fails_leaves_the_last_city_and_says_so(tmp_path: Path) -> None:
    city = WatchedCity(tmp_path)
    async with watched_board(city) as board:
        file = tmp_path / "camsla.db"
        file.rename(tmp_path / "away.db")
        await board.refresh()
        assert len(board.city().cards) == 6 and "读取状态" in board.city().trouble
        (tmp_path / "away.db").rename(file)
        await board.refresh()
        assert board.city().trouble == ""


def test_tallies_are_rates_under_every_policy() -> None:
    seconds = Seconds(700, 200, 80, 20)
    for unknown in ("excluded", "online", "offline"):
        for exclusions in ("out_of_both", "online", "counted"):
            policy = Policy(unknown=unknown, exclusions=exclusions)
            its, rate = tally(seconds, policy), rate_of(seconds, policy)
            assert (its.rate, its.best, its.worst) == (rate.value, rate.best, rate.worst)
    assert Tally().rate is None
    assert verdict_of(Tally(95, 100, 0, 0, 95, 100), rate_of(Seconds(9, 1, 0, 0), Policy()).value) == "met"
    assert verdict_of(Tally(95, 100, 20, 0, 95, 120), rate_of(Seconds(9, 1, 0, 0), Policy()).value) == "undecided"
