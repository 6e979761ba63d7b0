"""Records fed by hand: seconds, chains, what they touch, and what a state document keeps."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.canonical import canonical
from monitor.evidence.records import claim_id
from monitor.evidence.replay import Record, Seconds, State, empty, read_state
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import leaf_hash
from monitor.model import State as Verdict

S = 1_000_000
DAY = 86_400
ZERO = 1_593_532_800
"""2020-07-01T00:00:00+08:00."""
DAYS = ["2020-07-01", "2020-07-02", "2020-07-03", "2020-07-04", "2020-07-05", "2020-07-06"]


class Feeder:
    """Feeds records with their leaf hashes, and closes days as a sealer would."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or empty("camsla.local/test", "Asia/Shanghai", "key-1")
        self.blobs: dict[str, list[bytes]] = {}

    def __call__(self, record: Record) -> str:
        leaf = leaf_hash(canonical(record).encode())
        self.state.feed(record, leaf, self.blobs.__getitem__)
        return leaf.hex()

    def tr(self, t: float, to: str = "online", **fields: Any) -> str:
        point, vantage = fields.get("point", "p"), fields.get("vantage", "local")
        trace = self.state.traces.get(point)
        reason = {"online": "ok", "offline": "timeout", "unknown": "auth-rejected"}.get(to, "ok")
        return self({
            "k": "tr", "at": us(t) + S, "t": us(t), "point": point, "vantage": vantage, "from": "unknown", "to": to,
            "reason": reason, "rung": "describe", "valid": 130, "camera": "", "last": None, "n": None,
            "seq": 1 if trace is None else trace.seq + 1, "prev": "" if trace is None else trace.tip,
            "boot": None, "mono": None, **fields,
        })  # fmt: skip

    def gap(self, start: float, end: float | None, at: float, point: str | None = None, vantage: str = "local") -> None:
        end_us = None if end is None else us(end)
        self(
            {
                "k": "gap",
                "at": us(at),
                "vantage": vantage,
                "point": point,
                "start": us(start),
                "end": end_us,
                "cause": "x",
            }
        )

    def adj(self, what: str, start: float, end: float, at: float, **fields: Any) -> str:
        record = {
            "k": "adj", "at": us(at), "what": what, "point": "p", "start": us(start), "end": us(end), "cause": "停电",
            "claimed_by": "张三", "claimed_at": us(at), "document": "", "to": "", "approver": "李四", "target": "", **fields,
        }  # fmt: skip
        record["id"] = claim_id(record)
        self(record)
        return str(record["id"])

    def ros(self, day: int, stays: list[list[Any]], point: str = "p") -> None:
        fields = dict.fromkeys(
            (
                "accepted_on",
                "area",
                "billed_from",
                "billed_until",
                "category",
                "contract",
                "phase",
                "price",
                "retired_on",
                "supplier",
            )
        )
        known = self.state.roster(point)
        facts = [[us(-DAY), None, fields]]
        rev = 1 if known is None else known["rev"] + 1
        self({"k": "ros", "at": closing(day), "point": point, "rev": rev, "facts": facts, "pauses": [], "stays": stays})

    def sum(self, day: int, sealed: int, point: str = "p", **fields: Any) -> str:
        trace = self.state.trace(point)
        for vantage, last, n in fields.get("open", []):
            self.state.touch(trace, trace.grown(vantage, last, n))
        before = trace.sums.get(DAYS[day])
        return self({
            "k": "sum", "at": closing(sealed), "day": DAYS[day], "point": point, "rev": 0 if before is None else before.rev + 1,
            **self.state.seconds(point, DAYS[day])._asdict(), "seq": trace.seq, "tip": trace.tip, "open": trace.extents(),
            "prev": "" if before is None else before.leaf, **fields,
        })  # fmt: skip

    def man(self, day: int, **fields: Any) -> None:
        state = self.state
        state.open_day()
        first = state.first
        self({
            "k": "man", "at": closing(day), "day": DAYS[day], "first": first, "count": state.size + 1 - first,
            "prev": {"size": first, "root": ""}, "points": sum(one.now.rev == 0 for one in state.said),
            "software": "test", "zone": "Asia/Shanghai", "archive": None, "state": "", **fields,
        })  # fmt: skip


def us(second: float) -> int:
    """Seconds after the first day's beginning, in microseconds since 1970."""
    return ZERO * S + round(second * S)


def closing(day: int) -> int:
    return us((day + 1) * DAY) - 1


def test_a_day_by_hand():
    feed = Feeder()
    feed.tr(0)
    feed.tr(3600, "offline", last=us(3590), n=60)
    feed.tr(7200, last=us(7190), n=60)
    # As long as nobody told how far the run went, it is one sample, held for 130 s.
    assert feed.state.seconds("p", DAYS[0]) == Seconds(3600 + 130, 3600, DAY - 7330, 0)
    feed.state.grow("p", "local", us(7200), us(DAY + 30), 1321)
    assert feed.state.seconds("p", DAYS[0]) == (DAY - 3600, 3600, 0, 0)
    assert feed.state.seconds("p", DAYS[1]) == (160, 0, DAY - 160, 0)
    assert feed.state.seconds("nobody", DAYS[0]) == (0, 0, DAY, 0)
    feed.adj("exclude", 3000, 4000, 9000)
    assert feed.state.seconds("p", DAYS[0]) == (DAY - 3600 - 600, 3200, 0, 1000)


def test_a_gap_hides_what_was_seen_until_the_next_sample():
    feed = Feeder()
    feed.tr(0)
    feed.state.grow("p", "local", us(0), us(DAY), 1441)
    feed.gap(1000.5, None, 1010)
    assert feed.state.seconds("p", DAYS[0]) == (1000, 0, DAY - 1000, 0)
    feed.gap(1000.5, 2000.5, 2010)
    # Proven again by a sample at most 130 s after the gap's end (2001, rounded up).
    assert feed.state.seconds("p", DAYS[0]).on == DAY - (2001 + 130 - 1000)
    feed.gap(1000.5, 3000, 3010)
    assert [(gap.start, gap.end) for gap in feed.state.history("p")[1]] == [
        (us(1000.5), us(2000.5)),
        (us(1000.5), us(3000)),
    ]


def test_two_vantages_and_a_reclassification():
    feed = Feeder()
    feed.tr(0)
    feed.tr(0, "offline", vantage="remote")
    feed.state.grow("p", "local", us(0), us(500), 9)
    feed.state.grow("p", "remote", us(0), us(1000), 17)
    assert feed.state.seconds("p", DAYS[0]) == (630, 500, DAY - 1130, 0)
    first = feed.adj("reclassify", 1000, 2000, 3000, to="offline")
    second = feed.adj("reclassify", 1500, 1600, 3000, to="online", cause="又")
    assert feed.state.seconds("p", DAYS[0]) == (730, 500 + 770, DAY - 2000, 0)
    pieces = feed.state.history("p")[2]
    assert [(p.start - ZERO, p.end - ZERO, p.state, p.samples) for p in pieces] == [
        (1000, 2000, Verdict.OFFLINE, None),
        (1500, 1600, Verdict.ONLINE, None),
    ]
    feed.adj("revoke", 1500, 1600, 3600, target=second)
    feed.adj("revoke", 1000, 2000, 3600, target=first)
    assert feed.state.seconds("p", DAYS[0]) == (630, 500, DAY - 1130, 0)


def test_a_camera_counts_only_where_it_stays():
    feed = Feeder()
    feed.tr(0, camera="7")
    feed.state.grow("p", "local", us(0), us(1000), 17)
    assert feed.state.seconds("p", DAYS[0]).on == 0
    feed.ros(0, [["7", us(-100), us(600)]])
    assert feed.state.seconds("p", DAYS[0]).on == 600
    assert [run.last for run in feed.state.history("p")[0]] == [us(600) - 1]


def test_what_records_touch():
    feed = Feeder()
    feed.tr(0)
    feed.tr(0, point="q")
    feed.tr(0, point="r", vantage="remote")
    feed.ros(0, [])
    for point in "pqr":
        feed.sum(0, 0, point)
    feed.man(0)
    assert feed.state.touched() == {"p": DAYS[0], "q": DAYS[0], "r": DAYS[0]}
    feed.tr(DAY + 60, last=us(DAY), n=5)
    assert feed.state.touched() == {"p": DAYS[0]}  # from the last instant that was known
    feed.gap(DAY + 5, DAY + 9, 2 * DAY - 5)
    assert feed.state.touched() == {"p": DAYS[0], "q": DAYS[1]}
    feed.adj("exclude", -5, 9, DAY + 3, point="r")
    assert feed.state.touched()["r"] == "2020-06-30"
    feed.adj("exclude", 3 * DAY, 3 * DAY + 9, DAY + 3, point="s")
    assert feed.state.touched()["s"] == DAYS[3]


def test_an_import_brings_runs_and_gaps():
    feed = Feeder()
    runs = [["p", "platform", us(-DAY), us(-DAY + 600), 3, "online", "ok", "platform", 400]]
    feed.blobs["a" * 64] = [canonical(row).encode() for row in runs]
    feed.blobs["b" * 64] = [canonical(["platform", None, us(-DAY + 100), us(-DAY + 200), "x"]).encode()]
    att = {"k": "att", "at": us(1), "id": "f", "version": 0, "media": "", "actor": "", "of": {}}
    feed({**att, "what": "runs", "sha256": "a" * 64})
    assert feed.state.seconds("p", "2020-06-30") == (1000, 0, DAY - 1000, 0)
    feed({**att, "what": "gaps", "sha256": "b" * 64})
    assert feed.state.seconds("p", "2020-06-30").on == 100 + 400
    assert feed.state.touched() == {"p": "2020-06-30"}
    assert feed.state.att == {"runs f 0": "a" * 64, "gaps f 0": "b" * 64}
    assert list(feed.state.newest()) == [("p", "platform", us(-DAY))]


def test_a_file_of_an_import_is_sorted_and_a_document_says_one_thing():
    att = {"k": "att", "at": us(1), "id": "f", "version": 0, "media": "", "actor": "", "of": {}}
    rows = [["p", "platform", us(at), us(at), 1, "online", "ok", "platform", 9] for at in (5, 3)]
    feed = Feeder()
    feed.blobs["a" * 64] = [canonical(row).encode() for row in rows]
    with pytest.raises(ValueError, match="out of order"):
        feed({**att, "what": "runs", "sha256": "a" * 64})
    for row in (["p"], [*rows[0][:3], us(1), *rows[0][4:]], [*rows[0][:5], "up", *rows[0][6:]]):
        feed = Feeder()
        feed.blobs["a" * 64] = [canonical(row).encode()]
        with pytest.raises(ValueError, match="not a run of an import"):
            feed({**att, "what": "runs", "sha256": "a" * 64})
    feed = Feeder()
    feed({**att, "what": "contract", "sha256": "a" * 64})
    feed({**att, "what": "contract", "sha256": "a" * 64})
    with pytest.raises(ValueError, match="with other bytes"):
        feed({**att, "what": "contract", "sha256": "b" * 64})


def opened(feed: Feeder) -> None:
    feed.tr(0)
    feed.tr(60, "offline", last=us(0), n=1)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "seq": ({"seq": 4}, "does not follow"),
    "prev": ({"prev": "0" * 64}, "does not follow"),
    "state": ({"to": "up"}, "to cannot be"),
    "reason": ({"reason": "because"}, "reason cannot be"),
    "float": ({"n": 1.5, "last": 1}, "n cannot be"),
    "flag": ({"valid": True}, "valid cannot be"),
    "kind": ({"k": "tx"}, "unknown kind"),
    "field": ({"extra": 1}, "not known: extra"),
    "last": ({"last": us(-5), "n": 2}, "has shrunk"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_transition_that_does_not_fit(name: str):
    feed = Feeder()
    opened(feed)
    fields, what = BROKEN[name]
    with pytest.raises(ValueError, match=what):
        feed.tr(90, **fields)


def test_a_field_that_is_missing():
    with pytest.raises(ValueError, match="missing or not known: cause"):
        Feeder()({"k": "gap", "at": 0, "vantage": "v", "point": None, "start": 0, "end": None})
    with pytest.raises(ValueError, match="ends before it starts"):
        Feeder().gap(5, 5, 6)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"approver": "张三"}, "approved by who claimed"),
        ({"to": "online"}, "names a state"),
        ({"what": "reclassify"}, "names a state"),
        ({"end": us(10)}, "ends before it starts"),
        ({"target": "0" * 64}, "names a target"),
        ({"what": "revoke"}, "names a target"),
        ({"what": "revoke", "target": "0" * 64}, "withdraws what p does not have"),
    ],
)
def test_a_correction_that_does_not_fit(fields: dict[str, Any], what: str):
    with pytest.raises(ValueError, match=what):
        Feeder().adj(
            **{"what": "exclude", "start": 10, "end": 20, "at": 30, **({"end": 10} if "end" in fields else fields)}
        )


def test_days_that_do_not_close():
    for fields, what in (
        ({"zone": "UTC"}, "another zone"),
        ({"first": 1}, "leaves are"),
        ({"count": 9}, "leaves are"),
        ({"prev": {"size": 1, "root": ""}}, "tree before"),
        ({"points": 3}, "first sums"),
        ({"at": closing(0) - 1}, "last microsecond"),
    ):
        feed = Feeder()
        opened(feed)
        feed.sum(0, 0)
        with pytest.raises(ValueError, match=what):
            feed.man(0, **fields)
    feed = Feeder()
    feed.tr(DAY)
    with pytest.raises(ValueError, match="recorded after its end"):
        feed.man(0)
    feed = Feeder()
    feed.man(0)
    with pytest.raises(ValueError, match="followed by another"):
        feed.man(2)


def test_sums_that_do_not_fit():
    for fields, what in (
        ({"rev": 1}, "does not follow"),
        ({"seq": 1}, "another tr"),
        ({"open": []}, "other vantages"),
        ({"on": 5}, "add up"),
    ):
        feed = Feeder()
        opened(feed)
        with pytest.raises(ValueError, match=what):
            feed.sum(0, 0, **fields)
    feed = Feeder()
    opened(feed)
    feed.sum(1, 0)
    with pytest.raises(ValueError, match="later day"):
        feed.man(0)
    with pytest.raises(ValueError, match="after a record that closes"):
        feed.tr(120)


def test_sums_that_are_wrong_or_missing_are_told():
    feed = Feeder()
    opened(feed)
    right = feed.state.seconds("p", DAYS[0])
    feed.sum(0, 0, on=right.on + 1, un=right.un - 1)
    feed.man(0)
    (doubt,) = wrong_sums(feed.state)
    assert (doubt.point, doubt.day, doubt.owed, doubt.told) == ("p", DAYS[0], right, True)
    assert doubt.said == (right.on + 1, right.off, right.un - 1, 0)
    feed.adj("exclude", 0, 50, DAY + 1)
    feed.man(1)
    assert [(one.day, one.said, one.owed) for one in wrong_sums(feed.state)] == [
        (DAYS[0], None, (right.on - 50, right.off, right.un, 50))
    ]


def test_the_collectors_key_changes():
    feed = Feeder()
    key = {"k": "key", "at": us(1), "old": "key-1", "new": "key-2", "old_sig": "s", "new_sig": "s"}
    feed(key)
    assert feed.state.key == "key-2"
    with pytest.raises(ValueError, match="not the collector's"):
        feed(key)


def test_a_state_document_keeps_what_the_next_days_need():
    feed = Feeder()
    feed.tr(0)
    feed.tr(0, "offline", vantage="remote")
    feed.tr(1000, vantage="remote", last=us(900), n=10)
    feed.tr(2000, "offline", last=us(1990), n=30)
    feed.tr(3000, last=us(2990), n=10)
    feed.gap(100, 200, 300)
    feed.state.grow("p", "local", us(3000), us(3 * DAY), 3 * 1440)
    for day in range(4):
        feed.sum(day, day)
        feed.man(day)
    document = feed.state.document()
    point = document["points"]["p"]
    # The run at 3000 has been online for more than an hour before July 2nd: of its own vantage no earlier run is needed.
    assert [(run[0], run[1]) for run in point["runs"]] == [("local", us(3000)), ("remote", us(1000))]
    assert sorted(point["sums"]) == DAYS[1:4]
    assert document["gaps"] == [["local", None, us(100), us(200), "x"]]
    assert (document["day"], document["size"], document["key"]) == (DAYS[3], feed.state.size, "key-1")
    again = read_state(document, "Asia/Shanghai")
    assert again.document() == document
    assert again.since == DAYS[1]
    assert again.seconds("p", DAYS[1]) == feed.state.seconds("p", DAYS[1])
    with pytest.raises(ValueError, match="cannot be told"):
        again.seconds("p", DAYS[0])
    feed.state.trim()
    assert feed.state.document() == document
    assert [run.first for run in feed.state.history("p")[0]] == [us(3000), us(1000)]


def test_documents_that_are_none():
    feed = Feeder()
    opened(feed)
    feed.ros(0, [["7", us(0), None]])
    feed.sum(0, 0)
    feed.man(0)
    document = feed.state.document()
    assert read_state(document, "Asia/Shanghai").document() == document
    wrong: list[dict[str, Any]] = [
        {**document, "format": "camsla-state/2"},
        {**document, "gaps": [[1]]},
        {**document, "points": {"p": {}}},
        {**document, "points": {"p": {**document["points"]["p"], "extra": 1}}},
        {**document, "extra": 1},
        {name: value for name, value in document.items() if name != "key"},
        {**document, "day": "yesterday"},
    ]
    for one in wrong:
        with pytest.raises(ValueError, match="not a state document"):
            read_state(one, "Asia/Shanghai")


def test_a_state_of_some_points_only():
    whole, part = Feeder(), Feeder(empty("camsla.local/test", "Asia/Shanghai", "key-1", frozenset("q")))
    for feed in (whole, part):
        feed.tr(0)
        feed.tr(0, "offline", point="q")
        feed.gap(5, 6, 7)
    part.state.skip(b"")
    assert part.state.points == ["q"]
    assert part.state.size == whole.state.size + 1
    assert part.state.seconds("q", DAYS[0]) == whole.state.seconds("q", DAYS[0]) == (0, 5, DAY - 5, 0)


def test_days_read_at_once_are_those_read_one_by_one():
    feed = Feeder()
    feed.tr(0)
    feed.tr(20 * 3600, "offline", last=us(20 * 3600 - 10), n=1200)
    feed.tr(30 * 3600, last=us(30 * 3600 - 10), n=600)
    feed.state.grow("p", "local", us(30 * 3600), us(4 * DAY + 500), 4000)
    feed.tr(50 * 3600, "offline", vantage="other")
    feed.gap(DAY - 100, DAY + 100, 4 * DAY)
    feed.gap(3 * DAY - 50.5, 3 * DAY + 40.5, 4 * DAY, point="p")
    feed.adj("exclude", DAY - 1000, 2 * DAY + 500, 4 * DAY)
    feed.adj("exclude", 3 * DAY + 20, 3 * DAY + 30, 4 * DAY)
    feed.adj("reclassify", 3 * DAY - 20, 3 * DAY + 60, 4 * DAY, to="offline")
    feed.adj("reclassify", 5 * DAY - 60, 6 * DAY, 4 * DAY, to="online")
    told = dict(feed.state.days("p", DAYS[0], DAYS[-1]))
    assert told == {day: feed.state.seconds("p", day) for day in DAYS}
    assert [seconds.ex for seconds in told.values()] == [1000, DAY, 500, 10, 0, 0]
    assert len(set(told.values())) == len(DAYS)
    assert [list(feed.state.days("nobody", DAYS[1], DAYS[2]))[n][1].un for n in (0, 1)] == [DAY, DAY]
    with pytest.raises(ValueError, match="no days"):
        feed.state.days("p", DAYS[1], DAYS[0])


def test_a_state_apart_goes_its_own_way():
    feed = Feeder()
    feed.tr(0)
    feed.gap(100, None, 200)
    claim = feed.adj("exclude", 50, 60, 300)
    feed.ros(0, [["c", us(0), None]])
    feed.sum(0, 0)
    other = Feeder(feed.state.apart())
    figures = feed.state.seconds("p", DAYS[0])
    assert other.state.seconds("p", DAYS[0]) == figures
    other.man(0)
    other.tr(DAY + 10, "offline", last=us(90), n=2)
    other.gap(100, 150, DAY + 20)
    other.adj("revoke", 50, 60, DAY + 30, target=claim)
    other.tr(DAY + 40, point="q")
    assert other.state.seconds("p", DAYS[0]) != figures
    assert feed.state.seconds("p", DAYS[0]) == figures
    assert feed.state.points == ["p"]
    assert (feed.state.day, feed.state.touched()) == ("", {"p": DAYS[0]})
    feed.man(0)
    assert wrong_sums(feed.state) == []
