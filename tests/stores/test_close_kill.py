"""kill -9 before and after every statement and COMMIT of a close and of an issue: all of it is there, or nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event

from console.quarters.disputing import Ruling, decide, dispute
from console.quarters.statement_life import issue, link, reconcile
from console.store.audit import Audit
from monitor.finding import InputError
from monitor.store.database import connect
from monitor.store.writer import Writer
from settlement.life import State
from settlement.quarter import life, verified
from settlement.store import statements
from tests.stores.quarters import CONTRACT, action, drafted, excluded, issued, ready, upto

MOST_POINTS = 400
OPEN_S = 30
WRITES = "camsla_writes"
TABLES = (
    "statements",
    "statement_steps",
    "statement_lines",
    "line_components",
    "granted_lines",
    "journal",
    "postings",
    "dues",
    "payments",
    "audit",
)


def opened(url: str, lock: Any) -> Writer:
    """Open the writer as soon as the one that was killed before is gone from the server."""
    deadline = time.monotonic() + OPEN_S
    while True:
        try:
            return Writer.open(url, Audit("test"), lock)
        except InputError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def kill_at(writer: Writer, number: int) -> list[int]:
    """Kill this process at the n-th point: before and after each statement and each COMMIT of the writing connection."""
    seen = [0]

    def point(connection: Any) -> None:
        if connection is not None and not connection.get_execution_options().get(WRITES):
            return
        seen[0] += 1
        if seen[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(writer.engine, "before_cursor_execute", lambda c, *_: point(c))
    event.listen(writer.engine, "after_cursor_execute", lambda c, *_: point(c))
    commit = writer.engine.dialect.do_commit

    def do_commit(dbapi: Any) -> None:
        ours = dbapi is writer._connection.connection or dbapi is writer._connection.connection.dbapi_connection
        if not ours:
            commit(dbapi)
            return
        point(None)
        commit(dbapi)
        point(None)

    writer.engine.dialect.do_commit = do_commit  # type: ignore[method-assign]
    return seen


def child(store: Any, work: Callable[[Writer], object], number: int) -> int | None:
    """Run `work` in a process of its own that is killed at a point. Return how many points it passed, None if it was killed."""
    store.engine.dispose()
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        code = 1
        try:
            os.close(read)
            writer = opened(store.url, store.lock_path)
            seen = kill_at(writer, number)
            work(writer)
            os.write(write, str(seen[0]).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as stream:
        said = stream.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert said == ""
        return None
    assert os.WEXITSTATUS(status) == 0, "the work itself failed"
    return int(said)


def counts(store: Any) -> dict[str, int]:
    return {name: store.rows(f"SELECT count(*) FROM {name}")[0][0] for name in TABLES}


def settle_down(store: Any) -> None:
    """Wait until the server has noticed that the killed process is gone, so that what is counted is final."""
    opened(store.url, store.lock_path).close()


def killed_everywhere(store: Any, work: Callable[[Writer], object]) -> tuple[dict[str, int], dict[str, int], int]:
    """Kill `work` at one point after the other until it is killed after COMMIT; return the counts before and after.

    Until then nothing may be there. The third value is at how many points it was killed.
    """
    before = counts(store)
    for number in range(1, MOST_POINTS):
        survived = child(store, work, number)
        settle_down(store)
        now = counts(store)
        assert survived is None, f"no point after COMMIT among {survived}"
        if now != before:
            return before, now, number
    raise AssertionError("it never ended")


def prepared(store: Any) -> None:
    """2020Q4 is to be drafted: with a correction of 2020Q3, and a claim that was granted."""
    writer = ready(store)
    issued(writer, "2020Q2")
    drafted(writer, "2020Q3")
    reconcile(writer, action("2020Q3", "经办"))
    number, _ = dispute(writer, action("2020Q3", "供应商", "单价"), 2, "", 700)
    decide(writer, action("2020Q3", "复核", "同意"), Ruling(number, "accepted"))
    link(writer, action("2020Q3", "复核"), ("check",))
    link(writer, action("2020Q3", "审批"), ("approve",))
    issue(writer, action("2020Q3", "经办"))
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-13T00:00:00")
    writer.close()


def test_a_close_killed_anywhere_is_there_whole_or_not_at_all(store: Any) -> None:
    prepared(store)
    before, after, points = killed_everywhere(store, lambda writer: drafted(writer, "2020Q4"))
    assert points > 16, "every statement of the close was killed before and after"
    added = {name: after[name] - before[name] for name in TABLES}
    assert (added["statements"], added["statement_steps"], added["audit"], added["granted_lines"]) == (1, 1, 1, 1)
    assert (added["statement_lines"], added["line_components"], added["journal"]) == (7, 14, 0)
    writer = store.writer()
    again = drafted(writer, "2020Q4")
    assert not again.added
    assert verified(again.stored) == []
    assert counts(store) == after
    rows = store.rows(f"SELECT count(*) FROM statement_lines WHERE statement_id = {again.stored.id}")
    assert rows == [(len(statements.document_lines(again.stored.document)),)]


def test_an_issue_killed_anywhere_is_posted_whole_or_not_at_all(store: Any) -> None:
    prepared(store)
    writer = store.writer()
    drafted(writer, "2020Q4")
    upto(writer, "2020Q4", "approve")
    writer.close()
    before, after, points = killed_everywhere(store, lambda writer: issue(writer, action("2020Q4", "经办")))
    assert points > 20
    added = {name: after[name] - before[name] for name in TABLES}
    assert added["statement_steps"] == added["journal"] == 1
    assert added["dues"] > 0
    assert store.rows("SELECT sum(fen) FROM postings") == [(0,)]
    writer = store.writer()
    with pytest.raises(InputError, match="not possible now"):
        issue(writer, action("2020Q4", "经办"))
    with connect(store.engine) as connection, connection.begin():
        stored = statements.require(connection, CONTRACT, "2020Q4")
        assert life(connection, stored).state is State.ISSUED
    assert counts(store) == after
