"""Writers side by side: one in all on SQLite, one per role on PostgreSQL, where nothing that they share may clash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.store.audit import Audit
from monitor.finding import InputError
from monitor.scope import EVERYTHING
from monitor.store.database import reading
from monitor.store.identities import outcome_ids, register_vantage
from monitor.store.lock import vantage_role
from monitor.store.queries import timeline_inputs
from monitor.store.writer import Writer
from tests.stores.made import at, outcome, sample

ROOT = Path(__file__).parents[2]
NORTH, SOUTH = vantage_role("north"), vantage_role("south")

# One of several watchers that start together on a database without tables, and find the same new outcomes together.
RACER = """
import json, sys
from dataclasses import replace
from pathlib import Path
from sqlalchemy import text
from console.store.audit import Audit
from monitor.store.lock import vantage_role
from monitor.store.writer import Writer
from tests.stores.made import at, sample
url, folder, name, reasons = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(",")
print("ready", flush=True)
sys.stdin.readline()
with Writer.open(url, Audit(name), folder / "camsla.lock", vantage_role(name)) as writer:
    with writer.transaction() as connection:
        connection.execute(text("INSERT INTO points (code) VALUES ('a') ON CONFLICT DO NOTHING"))
    assert writer.resume(name, at(0)) == 1
    for seq in range(1, 41):
        why = reasons[seq % len(reasons)]
        sent = [replace(sample("a", 60 * seq, why), vantage=name)]
        ack = writer.commit_batch(name, seq, sent, flush=seq % 10 == 0)
        with writer.transaction() as connection:
            writer.audit(connection, at=at(seq), actor=name, action="try", object=str(seq), before=None, after=seq)
print(json.dumps([ack.seq, ack.sha256]), flush=True)
"""


def from_vantage(name, *where):
    point, second, *why = where
    made = sample(point, second, *why)
    return type(made)(made.point, name, made.at, made.outcome, made.valid_s, made.took_us, made.camera)


def test_roles_exclude_only_themselves_on_postgresql_and_all_others_on_sqlite(store):
    store.writer(role=NORTH)
    for role in (NORTH,) if not store.is_sqlite else (NORTH, SOUTH, "ledger"):
        with pytest.raises(InputError, match=f"another process writes.*pid {os.getpid()}"):
            store.writer(role=role)
    if not store.is_sqlite:
        store.writer(role=SOUTH)
        store.writer()
        with pytest.raises(InputError, match="another process writes as ledger"):
            store.writer()


def test_the_holder_on_another_machine_is_named(store, tmp_path):
    if store.is_sqlite:
        return
    store.writer(role=NORTH)
    with pytest.raises(InputError, match=f"as vantage:north: camsla writer pid {os.getpid()} on .*another name"):
        Writer.open(store.url, Audit("test"), tmp_path / "elsewhere.lock", NORTH)
    Writer.open(store.url, Audit("test"), tmp_path / "elsewhere.lock", SOUTH).close()


def test_two_vantages_write_in_turn_and_read_as_two(store):
    if store.is_sqlite:
        return
    store.add_points("a", "b")
    north, south = store.writer(role=NORTH), store.writer(role=SOUTH)
    assert (north.resume("north", at(0)), south.resume("south", at(0))) == (1, 1)
    for seq in range(1, 5):
        north.commit_batch("north", seq, [from_vantage("north", "a", 60 * seq, "timeout")], flush=seq == 4)
        south.commit_batch("south", seq, [from_vantage("south", "a", 60 * seq + 1)], flush=seq == 4)
    with reading(store.engine) as connection:
        found = {h.code: h.runs for h in timeline_inputs(connection, EVERYTHING, (at(0), at(600)))}
    assert [(r.vantage, r.count, r.outcome.reason.value) for r in found["a"]] == [
        ("north", 4, "timeout"),
        ("south", 4, "ok"),
    ]


def test_a_writer_that_lost_its_lock_to_another_writes_nothing(store, postgres_server, tmp_path):
    if store.is_sqlite:
        return
    store.add_points("a")
    writer = store.writer(role=NORTH)
    writer.resume("north", at(0))
    writer.commit_batch("north", 1, [from_vantage("north", "a", 0)])
    with postgres_server.connect(store.engine.url.database) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'camsla writer%'"
            " AND datname = current_database()"
        )
    with pytest.raises(Exception, match=r"terminating|closed"):
        writer.commit_batch("north", 2, [from_vantage("north", "a", 60)])
    with Writer.open(store.url, Audit("test"), tmp_path / "elsewhere.lock", NORTH) as thief:
        for _ in range(2):
            with pytest.raises(InputError, match="another process writes"):
                writer.commit_batch("north", 2, [from_vantage("north", "a", 60)])
        assert thief.resume("north", at(90)) == 2
    assert store.rows("SELECT count(*) FROM batches") == [(1,)]
    writer.commit_batch("north", 2, [from_vantage("north", "a", 120)])
    assert store.rows("SELECT count(*) FROM batches") == [(2,)]


def test_writers_that_start_together_migrate_once_and_share_outcomes(postgres_server, tmp_path):
    name = postgres_server.create()
    url = postgres_server.url(name)
    reasons = ["ok", "timeout", "refused", "not-found", "bad-reply", "tls", "auth-rejected", "unreachable"]
    racers = []
    for number, vantage in enumerate(("north", "south", "east", "west")):
        words = ",".join(reasons[number:] + reasons[:number])
        command = [sys.executable, "-c", RACER, url, str(tmp_path), vantage, words]
        racers.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        said, _ = racer.communicate(timeout=60)
        assert racer.returncode == 0
        assert json.loads(said)[0] == 40
    with postgres_server.connect(name) as connection:

        def ask(sql):
            return connection.execute(sql).fetchall()

        assert ask("SELECT count(*) FROM alembic_version") == [(1,)]
        assert ask("SELECT count(*), count(DISTINCT (state, reason, rung)) FROM outcomes") == [(8, 8)]
        assert sorted(ask("SELECT name FROM vantages")) == [("east",), ("north",), ("south",), ("west",)]
        assert ask("SELECT sum(n) FROM runs") == [(160,)]
        assert ask("SELECT count(*), count(DISTINCT id) FROM audit") == [(160, 160)]
        assert ask("SELECT count(*) FROM outbox WHERE kind = 'tr'") == [(160,)]
    postgres_server.drop(name)


def test_a_name_that_two_writers_add_at_once_is_one_row(store, postgres_server):
    """The second waits for the first's commit and takes its number; without that it would fail on the unique key."""
    if store.is_sqlite:
        return
    north, south = store.writer(role=NORTH), store.writer(role=SOUTH)
    adds = [
        lambda c: outcome_ids(c, {outcome("tls")})[outcome("tls")],
        lambda c: register_vantage(c, "shared", "local"),
    ]

    def second(add):
        with south.transaction() as connection:
            return add(connection)

    with ThreadPoolExecutor(1) as thread, postgres_server.connect(store.engine.url.database) as watching:
        for add in adds:
            with north.transaction() as connection:
                first = add(connection)
                other = thread.submit(second, add)
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                for _ in range(2_000):
                    if watching.execute(waiting).fetchone() == (1,) or other.done():
                        break
                    time.sleep(0.005)
                assert not other.done(), "it did not wait for what the other had not committed"
            assert other.result(30) == first
    assert store.rows("SELECT count(*) FROM outcomes") == [(1,)]
    assert store.rows("SELECT count(*) FROM vantages") == [(1,)]
