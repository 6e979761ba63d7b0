"""A database from before the log: what waits in its outbox is brought to the log's form, and what had no record gets one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import text as sql

from monitor.model import Gap
from monitor.store import attested
from monitor.store.database import connect
from monitor.store.imports import Origin, import_runs
from monitor.store.migrate import LOCATION, check_schema, migrate
from tests.stores.made import at, run, sample
from tests.stores.test_store_exclusions import approved, claimed, revoked, row

ORIGIN = Origin("runs.csv", hashlib.sha256(b"runs").hexdigest())
GAPS = Origin("gaps.csv", hashlib.sha256(b"gaps").hexdigest())


def records(store: Any) -> list[tuple[int, str, dict[str, Any]]]:
    return [
        (when, kind, json.loads(body))
        for when, kind, body in store.rows("SELECT at, kind, body FROM outbox ORDER BY id")
    ]


def older(store: Any, alter: Any) -> None:
    """Take the schema back by one and rewrite the outbox as the program wrote it then."""
    config = Config()
    config.set_main_option("script_location", LOCATION)
    with connect(store.engine, writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        for number, kind, body in connection.execute(sql("SELECT id, kind, body FROM outbox ORDER BY id")).all():
            found = alter(kind, json.loads(body))
            connection.execute(
                sql("UPDATE outbox SET body = :b WHERE id = :n"),
                {"b": json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False), "n": number},
            )


def old_adj(body: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    content = {name: body[name] for name in ("cause", "claimed_at", "claimed_by", "document", "end", "point", "start")}
    content["revokes"] = ids.get(body["target"])
    whole = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    ids[body["id"]] = hashlib.sha256(whole.encode()).hexdigest()
    return {
        "actor": body["claimed_by"],
        "approver": body["approver"],
        "document": body["document"],
        "reason": body["cause"],
        "target": ids[body["id"]],
    }


def test_waiting_records_of_older_form_are_brought_up_to_date(store):
    store.add_points("a", "b")
    writer = store.writer()
    writer.resume("local", at(0))
    writer.commit_batch("local", 1, [sample("a", 0), sample("b", 0)])
    writer.commit_batch("local", 2, [sample("a", 60), sample("b", 60, "timeout")], flush=True)
    gap = writer.open_gap("local", at(70), "lag", at=at(72))
    writer.close_gap("local", gap, at(80), at=at(81))
    (number,) = claimed(writer, row("a", 0, 60))
    approved(writer, [number])
    approved(writer, [revoked(writer, number)])
    runs, gaps = [run("b", 300, 360), run("a", 240, 360, "timeout")], [Gap("import", at(400), None, "broken", "b")]
    with writer.transaction() as connection:
        import_runs(connection, writer.audit, runs, gaps, actor="ann", at=at(500), origin=ORIGIN, gap_origin=GAPS)
    writer.close()
    wanted = records(store)
    ids: dict[str, str] = {}

    def alter(kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind == "tr":
            kept = ("from", "point", "reason", "rung", "to", "vantage")
            return {"at": body["t"], **{name: body[name] for name in kept}}
        if kind == "adj":
            return old_adj(body, ids)
        if kind == "att":
            return {"rows": body["of"]["rows"], "sha256": body["id"], "what": f"import-{body['what']}"}
        return body

    older(store, alter)
    assert records(store) != wanted
    migrate(store.engine)
    assert records(store) == wanted
    with connect(store.engine) as connection, connection.begin():
        check_schema(connection)
        for when, kind, body in wanted:
            if kind == "att":
                text = "".join(attested.import_text(connection, body["what"], body["of"]["kind"], when))
                assert hashlib.sha256(text.encode()).hexdigest() == body["sha256"]


def test_clock_steps_and_records_that_nothing_bears_out(store):
    with connect(store.engine, writes=True) as connection, connection.begin():
        for kind, body in (
            ("clk", {"step_us": 5, "t": 7, "vantage": "local"}),
            ("tr", {"point": "gone", "vantage": "local", "t": 7, "from": "unknown", "to": "online"}),
            ("adj", {"target": "0" * 64}),
            ("att", {"what": "import-runs", "sha256": "0" * 64}),
        ):
            connection.execute(
                sql("INSERT INTO outbox (at, kind, body) VALUES (9, :k, :b)"), {"k": kind, "b": json.dumps(body)}
            )

    def alter(kind: str, body: dict[str, Any]) -> dict[str, Any]:
        return {"at" if name == "t" else name: value for name, value in body.items()}

    older(store, alter)
    migrate(store.engine)
    assert records(store) == [(9, "clk", {"step_us": 5, "t": 7, "vantage": "local"})]
