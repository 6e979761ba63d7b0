"""Days sealed by hand: which records close a day, revisions, what is made again from the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from monitor.canonical import canonical, digest, parse_line
from monitor.evidence import sealing
from monitor.evidence.records import FACTS, claim_id
from monitor.evidence.replay import Record, State, empty, read_state
from monitor.evidence.sealing import Extent, Row
from monitor.evidence.tree import EMPTY, Frontier, leaf_hash

S = 1_000_000
DAY = 86_400
ZERO = 1_593_273_600
"""2020-06-28T00:00:00+08:00, so that the third day ends a month."""
DAYS = ["2020-06-28", "2020-06-29", "2020-06-30", "2020-07-01", "2020-07-02", "2020-07-03"]
ORIGIN, ZONE = "camsla.local/test", "Asia/Shanghai"


def us(second: float) -> int:
    return ZERO * S + round(second * S)


class Log:
    """A log in memory: its days' lines, and the rows and extents that a test gives."""

    def __init__(self) -> None:
        self.state = empty(ORIGIN, ZONE, "key")
        self.tree = EMPTY
        self.days: list[list[bytes]] = []
        self.rows: list[Row] = []
        self.extents: list[Extent] = []
        self.roster: dict[str, Record] = {}
        self.asked: list[Mapping[str, str]] = []
        self.imports: dict[str, list[bytes]] = {}

    def row(self, at: float, kind: str, body: Record) -> None:
        self.rows.append(Row(len(self.rows), us(at), kind, body))

    def tr(self, at: float, t: float, to: str = "online", point: str = "p", **fields: Any) -> None:
        reason = "ok" if to == "online" else "timeout"
        self.row(at, "tr", {
            "t": us(t), "point": point, "vantage": "local", "from": "unknown", "to": to, "reason": reason, "rung": "describe",
            "valid": 130, "camera": "", "last": None, "n": None, "boot": None, "mono": None, **fields,
        })  # fmt: skip

    def exclude(self, at: float, start: float, end: float) -> None:
        body = {
            "what": "exclude", "point": "p", "start": us(start), "end": us(end), "cause": "停电", "claimed_by": "张三",
            "claimed_at": us(at), "document": "", "to": "", "approver": "李四", "target": "",
        }  # fmt: skip
        self.row(at, "adj", {**body, "id": claim_id(body)})

    def listed(self, point: str = "p", until: float | None = None) -> None:
        facts = [[us(-DAY), None if until is None else us(until), dict.fromkeys(sorted(FACTS))]]
        self.roster[point] = {"facts": facts, "pauses": [], "stays": []}

    def seal(self) -> list[Record]:
        """Seal the next day and return its records."""
        day = DAYS[len(self.days)]
        lines = list(sealing.numbered(self.state, self.rows, self.imports.__getitem__))
        self.rows = []
        closing = sealing.closing(
            self.state,
            day,
            self.tree,
            roster=self.roster,
            extents=lambda state: self.extents,
            earlier=lambda wanted: self.earlier(wanted, lines),
            software="test",
        )
        lines += closing
        self.days.append(lines)
        self.tree = self.tree.appended(lines)
        return [parse_line(line) for line in lines]

    def earlier(self, wanted: Mapping[str, str], today: Iterable[bytes]) -> State:
        self.asked.append(wanted)
        state = empty(ORIGIN, ZONE, "key", frozenset(wanted))
        for line in [line for day in [*self.days, today] for line in day]:
            state.feed(parse_line(line), leaf_hash(line), self.imports.__getitem__)
        return state


def numbers(record: Record) -> tuple[str, int, int, int, int, int]:
    return record["day"], record["rev"], record["on"], record["off"], record["un"], record["ex"]


def sums(records: list[Record]) -> list[tuple[str, int, int, int, int, int]]:
    return [numbers(one) for one in records if one["k"] == "sum"]


def test_a_first_day():
    log = Log()
    log.listed()
    log.tr(3601, 3600)
    log.extents = [Extent("p", "local", us(3600), us(DAY + 60), 1382), Extent("q", "local", us(0), us(9), 2)]
    tr, ros, total, man = log.seal()
    assert (tr["k"], tr["seq"], tr["prev"], tr["at"]) == ("tr", 1, "", us(3601))
    assert (ros["k"], ros["rev"], ros["point"], ros["at"]) == ("ros", 1, "p", us(DAY) - 1)
    assert numbers(total) == (DAYS[0], 0, DAY - 3600, 0, 3600, 0)
    assert total["tip"] == leaf_hash(log.days[0][0]).hex()
    assert total["open"] == [["local", us(DAY + 60), 1382]]
    assert {name: man[name] for name in ("first", "count", "prev", "points", "day", "archive")} == {
        "first": 0, "count": 4, "prev": {"size": 0, "root": ""}, "points": 1, "day": DAYS[0], "archive": None,
    }  # fmt: skip
    assert man["state"] == digest(log.state.document())


def test_state_documents_are_named_on_the_first_day_and_at_ends_of_months():
    log = Log()
    log.listed()
    named = []
    for _ in range(4):
        man = log.seal()[-1]
        named.append(man["state"] != "")
        assert not man["state"] or man["state"] == digest(log.state.document())
    assert named == [True, False, True, False]
    # A quiet day has the same records, and the roster is not said twice.
    assert [parse_line(line)["k"] for line in log.days[3]] == ["sum", "man"]
    assert parse_line(log.days[3][1])["prev"]["size"] == sum(map(len, log.days[:3]))


def test_what_comes_late_is_a_revision_on_the_day_it_comes():
    log = Log()
    log.listed()
    log.tr(1, 0)
    log.extents = [Extent("p", "local", us(0), us(DAY - 5), 1440)]
    log.seal()
    # The run was silent from DAY - 5 on, and that it failed at DAY - 3 is known only on the next day.
    log.tr(DAY + 9, DAY - 3, "offline", last=us(DAY - 5), n=1440)
    log.extents = [Extent("p", "local", us(DAY - 3), us(DAY + 57), 2)]
    assert sums(log.seal()) == [
        (DAYS[0], 1, DAY - 3, 3, 0, 0),
        (DAYS[1], 0, 0, 187, DAY - 187, 0),
    ]
    assert parse_line(log.days[1][1])["prev"] == leaf_hash(log.days[0][2]).hex()
    log.exclude(2 * DAY + 1, 100, 200)
    assert sums(log.seal())[0] == (DAYS[0], 2, DAY - 103, 3, 0, 100)
    assert log.asked == []


def test_nothing_is_said_again_where_nothing_changed():
    log = Log()
    log.listed()
    log.tr(1, 0)
    log.extents = [Extent("p", "local", us(0), us(2 * DAY), 2881)]
    log.seal()
    log.row(DAY + 1, "gap", {"vantage": "other", "point": None, "start": us(5), "end": us(9), "cause": "x"})
    log.row(DAY + 1, "gap", {"vantage": "local", "point": "q", "start": us(5), "end": us(9), "cause": "x"})
    assert sums(log.seal()) == [(DAYS[1], 0, DAY, 0, 0, 0)]


def test_older_days_are_told_by_an_earlier_state():
    log = Log()
    log.listed()
    log.tr(1, 0, "offline")
    log.tr(101, 100, last=us(60), n=2)
    log.extents = [Extent("p", "local", us(100), us(5 * DAY), 7200)]
    for _ in range(4):
        log.seal()
    assert log.state.since == DAYS[1]
    log.exclude(4 * DAY + 1, 50, 60)
    records = log.seal()
    assert sums(records) == [(DAYS[0], 1, DAY - 100, 90, 0, 10), (DAYS[4], 0, DAY, 0, 0, 0)]
    assert log.asked == [{"p": DAYS[0]}]
    assert [one["point"] for one in records if one["k"] == "sum"] == ["p", "p"]


def test_history_of_before_the_log_has_first_sums_of_its_own_days():
    log = Log()
    log.listed()
    log.imports["a" * 64] = [
        canonical(["q", "file", us(-3 * DAY), us(-DAY - 100), 2, "online", "ok", "platform", 50]).encode()
    ]
    att = {"what": "runs", "id": "f", "version": 0, "sha256": "a" * 64, "media": "", "actor": "", "of": {}}
    log.row(5, "att", att)
    assert sums(log.seal()) == [
        (DAYS[0], 0, 0, 0, DAY, 0),
        ("2020-06-25", 0, DAY, 0, 0, 0),
        ("2020-06-26", 0, DAY - 50, 0, 50, 0),
    ]
    assert sums(log.seal()) == [(DAYS[1], 0, 0, 0, DAY, 0)]


def test_a_point_that_is_no_longer_listed_has_a_sum_while_its_run_grows():
    log = Log()
    log.listed(until=DAY)
    log.tr(1, 0)
    for last, days in ((DAY, DAYS[:1]), (2 * DAY, DAYS[1:2]), (2 * DAY, DAYS[2:3]), (2 * DAY, [])):
        log.extents = [Extent("p", "local", us(0), us(last), last // 60)]
        assert [one[0] for one in sums(log.seal())] == days  # on the third day it is still held for its 130 s


def test_extents_of_runs_that_the_log_does_not_know_are_not_told():
    log = Log()
    log.listed()
    log.tr(1, 0)
    log.extents = [Extent("p", "local", us(DAY - 1), us(DAY + 60), 2)]  # its tr waits for the next day
    total = log.seal()[2]
    assert total["open"] == [["local", us(0), 1]]


def test_made_again_from_the_same_state_a_day_is_the_same_bytes():
    log = Log()
    log.listed()
    log.tr(1, 0)
    log.seal()
    document = log.state.document()
    log.tr(DAY + 50, DAY + 49, "offline", last=us(300), n=6)
    rows = list(log.rows)
    log.seal()
    again = Log()
    again.state, again.tree = read_state(document, ZONE), EMPTY.appended(log.days[0])
    again.roster, again.days, again.rows = log.roster, log.days[:1], rows
    again.seal()
    assert again.days[1] == log.days[1]
    assert again.state.document() == log.state.document()


def test_a_row_that_the_log_cannot_take_is_named():
    log = Log()
    log.row(1, "gap", {"vantage": "local", "point": None, "start": us(5), "end": us(5), "cause": "x"})
    with pytest.raises(ValueError, match=r"row 0: .*ends before it starts"):
        log.seal()
    log = Log()
    log.row(DAY, "clk", {"vantage": "local", "t": us(DAY), "step_us": 5})
    with pytest.raises(ValueError, match="recorded after its end"):
        log.seal()
    log = Log()
    log.tree = Frontier(1, (bytes(32),), None)
    with pytest.raises(ValueError, match="the tree before"):
        log.seal()


def test_an_earlier_state_that_is_not_early_enough_is_refused():
    log = Log()
    log.listed()
    log.tr(1, 0)
    log.extents = [Extent("p", "local", us(0), us(5 * DAY), 7200)]
    for _ in range(4):
        log.seal()
    log.exclude(4 * DAY + 1, 50, 60)
    late = read_state(log.state.document(), ZONE)
    log.earlier = lambda wanted, today: late  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="cannot tell"):
        log.seal()
