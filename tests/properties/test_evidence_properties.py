"""Trees, seconds and whole logs against what is said more simply: RFC 9162 by its definition, the oracle, a plain replay."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.canonical import canonical, parse_line
from monitor.evidence import verifier
from monitor.evidence.replay import State, empty
from monitor.evidence.sums import wrong_sums
from monitor.evidence.tree import EMPTY, inclusion, leaf_hash, read_frontier, root_of
from monitor.model import MICROSECONDS
from tests import forged_packs
from tests.evidence_logs import ZONE, Log, write_log
from tests.oracle import seconds_oracle as oracle
from tests.properties import histories as gen
from tests.properties.histories import EXAMPLES, TIMEOUT_S, History, thorough

pytestmark = pytest.mark.timeout(TIMEOUT_S)

RAW = oracle.Rules(confirm_samples=1)

some_lines = st.lists(st.binary(max_size=3), max_size=70)


def defined(lines: list[bytes]) -> bytes:
    """The tree's root as RFC 9162 section 2.1.1 defines it."""
    if not lines:
        return hashlib.sha256(b"").digest()
    if len(lines) == 1:
        return hashlib.sha256(b"\0" + lines[0]).digest()
    k = 1
    while 2 * k < len(lines):
        k *= 2
    return hashlib.sha256(b"\1" + defined(lines[:k]) + defined(lines[k:])).digest()


@given(some_lines, st.data())
@thorough
def test_a_frontier_grows_as_the_tree_is_defined(lines: list[bytes], data: st.DataObject):
    cut = data.draw(st.integers(0, len(lines)))
    before = EMPTY.appended(lines[:cut])
    after = read_frontier(before.line()).appended(lines[cut:])
    assert before.root() == defined(lines[:cut])
    assert after.root() == defined(lines)
    assert after == EMPTY.appended(lines)
    leaves = [leaf_hash(line) for line in lines[cut:]]
    for index in range(cut, len(lines)):
        path = inclusion(before, leaves, index)
        assert root_of(leaves[index - cut], index, len(lines), path) == after.root()
        if path:
            wrong = [*path[:-1], bytes(32)]
            assert root_of(leaves[index - cut], index, len(lines), wrong) != after.root()


def without_empty_gaps(history: History) -> History:
    """The log takes no gap without length; the generators like them."""
    return History(history.runs, tuple(g for g in history.gaps if g.end is None or g.end > g.start))


loggable = gen.histories().map(without_empty_gaps)


def place(row: list[object]) -> list[tuple[bool, object]]:
    """Where an import's line stands: as an array, null first."""
    return [(cell is not None, cell) for cell in row]


def fed(history: History) -> State:
    """A state fed with a history as imports bring it."""
    runs = [
        [
            r.point,
            r.vantage,
            r.first,
            r.last,
            r.count,
            str(r.outcome.state),
            str(r.outcome.reason),
            str(r.outcome.rung),
            r.valid_s,
        ]
        for r in history.runs
    ]
    gaps = [[g.vantage, g.point, g.start, g.end, g.cause] for g in history.gaps]
    files = {"a" * 64: runs, "b" * 64: gaps}
    state = empty("o", ZONE)
    for what, name in (("runs", "a" * 64), ("gaps", "b" * 64)):
        att = {
            "k": "att",
            "at": 0,
            "id": what,
            "version": 0,
            "media": "",
            "actor": "",
            "of": {},
            "what": what,
            "sha256": name,
        }
        state.feed(att, bytes(32), lambda sha256: [canonical(row).encode() for row in sorted(files[sha256], key=place)])
    return state


@given(loggable, st.lists(gen.spans(), min_size=1, max_size=4))
@thorough
def test_seconds_of_any_window_agree_with_the_oracle(history: History, windows: list[tuple[int, int]]):
    state = fed(history)
    expected = oracle.history(gen.oracle_runs(history.runs), gen.oracle_gaps(history.gaps), RAW)
    for start, end in windows:
        states = [expected.at(second) for second in range(start, end)]
        found = state.trace("p").seconds(start, end, state.blindness)
        assert found == (states.count("online"), states.count("offline"), states.count("unknown"), 0)


@given(loggable)
@thorough
def test_what_a_record_does_not_touch_does_not_change(history: History):
    """Every second that differs after one more run or gap lies at or after the instant that it is said to touch."""
    for kind in ("runs", "gaps"):
        its = getattr(history, kind)
        if not its:
            continue
        without = History(its[1:], history.gaps) if kind == "runs" else History(history.runs, its[1:])
        state = fed(without)
        one = its[0]
        window = (gen.BASE_S - 50, gen.BASE_S + 400)
        before = state.trace("p").pieces(*window, state.blindness)
        if kind == "runs":
            instant = state.trace("p").opened(one)
        else:
            instant = state.blindness.add(one.vantage, one.point, one.start, one.end, one.cause)
        after = state.trace("p").pieces(*window, state.blindness)
        touched = instant // MICROSECONDS
        assert cut(before, touched) == cut(after, touched)


def cut(pieces: list[object], end: int) -> list[tuple[int, int, object]]:
    found = [(p.start, min(p.end, end), p.state) for p in pieces if p.start < end]  # type: ignore[attr-defined]
    joined: list[tuple[int, int, object]] = []
    for start, until, state in found:
        if joined and joined[-1][1] == start and joined[-1][2] is state:
            joined[-1] = (joined[-1][0], until, state)
        else:
            joined.append((start, until, state))
    return joined


def replayed(log: Log, state: State, days: list[str], *, trim: bool) -> None:
    """Feed days from the folder: every sum must be right, every state document the one that is kept."""
    kept = log.folder.states()
    for day in days:
        log.folder.replay(state, log.folder.read_day(day).lines, day)
        assert [doubt for doubt in wrong_sums(state) if doubt.told] == []
        if day in kept:
            assert canonical(state.document()).encode() == log.folder.state(day)
            if trim:
                state.trim()


@given(st.integers(0, 1 << 32), st.booleans())
@settings(max_examples=max(10, EXAMPLES // 15), deadline=None, database=None)
def test_a_log_read_from_its_beginning_is_right_in_every_sum(seed: int, trim: bool):
    with tempfile.TemporaryDirectory() as root:
        log = write_log(Path(root), seed)
        state = empty(log.folder.origin, ZONE, log.key.public().text())
        replayed(log, state, log.days, trim=trim)
        assert trim or wrong_sums(state) == []


@given(st.integers(0, 1 << 32))
@settings(max_examples=max(3, EXAMPLES // 60), deadline=None, database=None)
def test_a_log_read_from_a_state_document_is_right_in_every_sum(seed: int):
    with tempfile.TemporaryDirectory() as root:
        log = write_log(Path(root), seed, points=3, days=12, first="2020-06-25")
        for start in log.folder.states()[:-1]:
            for trim in (False, True):
                days = [day for day in log.days if day > start]
                replayed(log, log.folder.load_state(start, ZONE), days, trim=trim)


@given(st.integers(0, 1 << 32))
@example(113)  # late rows that revise a day before the state document twice
@example(178)
@settings(max_examples=max(5, EXAMPLES // 60), deadline=None, database=None)
def test_the_verifier_that_travels_says_the_same(seed: int):
    with tempfile.TemporaryDirectory() as root:
        log = write_log(Path(root), seed, points=3, days=10, first="2020-06-24")
        trust = f"{canonical(log.trust())}\n".encode()
        for first in [None, *log.folder.states()[:-1]]:
            start = None if first is None else log.days[log.days.index(first) + 1]
            members, said = forged_packs.members_of(log.folder, start)
            pack = forged_packs.signed(members, forged_packs.manifest_of(log.folder.origin, said), log.key)
            report = verifier.check(pack, trust)
            assert report.count == 0, list(report.lines())


@given(st.integers(0, 1 << 32))
@settings(max_examples=max(3, EXAMPLES // 60), deadline=None, database=None)
def test_the_same_days_are_the_same_bytes_whether_the_sealer_slept_or_not(seed: int):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first = write_log(Path(one), seed, reload=False)
        second = write_log(Path(two), seed, reload=True)
        assert [first.folder.read_day(day).lines for day in first.days] == [
            second.folder.read_day(day).lines for day in second.days
        ]


def test_the_invented_logs_have_all_that_can_happen(tmp_path: Path):
    """Over some seeds: revisions, sums of earlier days, gaps, imports, corrections and their withdrawal, moved cameras."""
    seen: set[str] = set()
    for seed in range(12):
        log = write_log(tmp_path / str(seed), seed)
        for day in log.days:
            for line in log.folder.read_day(day).lines:
                record = parse_line(line)
                seen.add(record["k"])
                seen.add(record.get("what", ""))
                if record["k"] == "sum":
                    seen |= {"rev"} if record["rev"] else {"earlier"} if record["day"] < day else set()
                    seen |= {"excluded"} if record["ex"] else set()
                if record["k"] == "ros" and record["rev"] > 1:
                    seen.add("moved")
    wanted = {"tr", "gap", "clk", "adj", "ros", "sum", "agt", "att", "man", "rev", "earlier", "excluded", "moved"}
    assert wanted | {"exclude", "reclassify", "revoke", "runs", "gaps"} <= seen
