"""Records that waited in the outbox before there was a log, brought to the form that the log has, from the tables beside them.

Written in SQL of its own, as the tables were when this migration was made: later changes of the program must not reach back.
What no table knows any more is dropped: a record that says less than the log asks for would prove nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

ROWS_AT_ONCE = 1_000


def bring_up_to_date(connection: sa.Connection) -> None:
    """Rewrite transitions, clock steps, corrections and imports, and add what had no record: contracts, statements, documents."""
    _transitions(connection)
    _clock_steps(connection)
    _corrections(connection)
    _imports(connection)
    _add(connection, _settled(connection))


def _waiting(connection: sa.Connection, kind: str) -> list[tuple[int, int, dict[str, Any]]]:
    query = sa.text("SELECT id, at, body FROM outbox WHERE kind = :kind AND leaf IS NULL ORDER BY id")
    return [(number, at, json.loads(body)) for number, at, body in connection.execute(query, {"kind": kind})]


def _rewrite(connection: sa.Connection, bodies: Mapping[int, Mapping[str, object] | None]) -> None:
    """Give rows their new bodies, by number; those without one are dropped."""
    kept = [{"n": number, "b": _canonical(body)} for number, body in bodies.items() if body is not None]
    gone = [{"n": number} for number, body in bodies.items() if body is None]
    for statement, rows in (
        (sa.text("UPDATE outbox SET body = :b WHERE id = :n"), kept),
        (sa.text("DELETE FROM outbox WHERE id = :n"), gone),
    ):
        for start in range(0, len(rows), ROWS_AT_ONCE):
            connection.execute(statement, rows[start : start + ROWS_AT_ONCE])


def _add(connection: sa.Connection, rows: Iterable[tuple[int, Mapping[str, object]]]) -> None:
    """Add `att` rows, in order of time."""
    made = [{"at": at, "b": _canonical(body)} for at, body in sorted(rows, key=lambda row: row[0])]
    statement = sa.text("INSERT INTO outbox (at, kind, body) VALUES (:at, 'att', :b)")
    for start in range(0, len(made), ROWS_AT_ONCE):
        connection.execute(statement, made[start : start + ROWS_AT_ONCE])


def _transitions(connection: sa.Connection) -> None:
    """A transition now says how long its run may be held, by which camera, and how far the run before had grown."""
    rows = _waiting(connection, "tr")
    if not rows:
        return
    found: dict[tuple[str, str, int], tuple[Any, ...]] = {}
    wanted = {(body["point"], body["vantage"], body["at"]) for _, _, body in rows}
    query = sa.text(
        "SELECT p.code, v.name, r.first_at, r.valid_s, r.camera_id, lag(r.last_at) OVER w, lag(r.n) OVER w FROM runs r"
        " JOIN points p ON p.id = r.point_id JOIN vantages v ON v.id = r.vantage_id WHERE v.kind NOT IN ('import', 'platform')"
        " WINDOW w AS (PARTITION BY r.point_id, r.vantage_id ORDER BY r.first_at)"
    )
    for code, vantage, first, *rest in connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}):
        if (code, vantage, first) in wanted:
            found[code, vantage, first] = tuple(rest)
    bodies: dict[int, Mapping[str, object] | None] = {}
    for number, _, body in rows:
        run = found.get((body["point"], body["vantage"], body["at"]))
        if run is None:
            bodies[number] = None
            continue
        valid, camera, last, count = run
        timed = {"boot": None, "mono": None, "t": body.pop("at")}  # first: what follows takes the rest of the body
        named = {"camera": "" if camera is None else str(camera), "last": last, "n": count, "valid": valid}
        bodies[number] = {**body, **timed, **named}
    _rewrite(connection, bodies)


def _clock_steps(connection: sa.Connection) -> None:
    rows = _waiting(connection, "clk")
    _rewrite(connection, {number: {"t": body.pop("at"), **body} for number, _, body in rows})


def _corrections(connection: sa.Connection) -> None:
    """A correction now says all that was claimed; it used to hold a digest of that, by which its row is found again."""
    rows = _waiting(connection, "adj")
    if not rows:
        return
    query = sa.text(
        "SELECT id, scope_id, start_at, end_at, cause, document_sha, claimed_by, claimed_at, approved_by, revokes"
        " FROM exclusions WHERE scope_kind = 'point'"
    )
    claims = {row.id: row for row in connection.execute(query)}

    def older(row: Any) -> str:
        content = _claimed(row) | {"revokes": None if row.revokes is None else older(claims[row.revokes])}
        return _digest(content)

    def present(row: Any) -> dict[str, object] | None:
        target = None if row.revokes is None else claims[row.revokes]
        if target is not None and target.approved_by is None:
            return None  # what was withdrawn had never been approved
        withdrawn = None if target is None else present(target)
        content = _claimed(row) | {"to": "", "what": "exclude", "target": ""}
        if withdrawn is not None:
            content |= {"what": "revoke", "target": withdrawn["id"]}
        return {**content, "approver": row.approved_by, "id": _digest(content)}

    known = {older(row): present(row) for row in claims.values() if row.approved_by is not None}
    _rewrite(connection, {number: known.get(body["target"]) for number, _, body in rows})


def _claimed(row: Any) -> dict[str, object]:
    return {
        "cause": row.cause,
        "claimed_at": row.claimed_at,
        "claimed_by": row.claimed_by,
        "document": row.document_sha or "",
        "end": row.end_at,
        "point": row.scope_id,
        "start": row.start_at,
    }


def _imports(connection: sa.Connection) -> None:
    """An import's record now holds the digest of a canonical file, made again here from the rows of that instant."""
    bodies: dict[int, Mapping[str, object] | None] = {}
    done: set[tuple[int, str]] = set()
    actors = sa.text("SELECT actor FROM audit WHERE at = :at AND object = :what ORDER BY id LIMIT 1")
    for number, at, body in _waiting(connection, "att"):
        kind, _, what = body["what"].partition("-")
        lines = _run_lines(connection, kind, at) if what == "runs" else _gap_lines(connection, kind, at)
        if not lines or (at, body["what"]) in done:
            bodies[number] = None
            continue
        done.add((at, body["what"]))
        bodies[number] = {
            "actor": connection.scalar(actors, {"at": at, "what": body["what"]}) or "",
            "id": body["sha256"],
            "media": "application/x-ndjson",
            "of": {"kind": kind, "rows": len(lines), "source": body["sha256"]},
            "sha256": hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest(),
            "version": 1,
            "what": what,
        }
    _rewrite(connection, bodies)


def _run_lines(connection: sa.Connection, kind: str, at: int) -> list[str]:
    query = sa.text(
        "SELECT p.code, v.name, r.first_at, r.last_at, r.n, o.state, o.reason, o.rung, r.valid_s FROM runs r"
        " JOIN points p ON p.id = r.point_id JOIN vantages v ON v.id = r.vantage_id JOIN outcomes o ON o.id = r.outcome_id"
        " WHERE r.recorded_at = :at AND v.kind = :kind"
    )
    return [
        _canonical(list(row))
        for row in sorted(tuple(row) for row in connection.execute(query, {"at": at, "kind": kind}))
    ]


def _gap_lines(connection: sa.Connection, kind: str, at: int) -> list[str]:
    query = sa.text(
        "SELECT v.name, p.code, g.start_at, g.end_at, g.cause FROM gaps g JOIN vantages v ON v.id = g.vantage_id"
        " LEFT JOIN points p ON p.id = g.point_id WHERE g.recorded_at = :at AND v.kind = :kind"
    )
    rows = [tuple(row) for row in connection.execute(query, {"at": at, "kind": kind})]
    rows.sort(
        key=lambda row: (row[0], row[1] is not None, row[1] or "", row[2], row[3] is not None, row[3] or 0, row[4])
    )
    return [_canonical(list(row)) for row in rows]


def _settled(connection: sa.Connection) -> Iterable[tuple[int, Mapping[str, object]]]:
    """Yield the records of contracts, statements, the authority's files and documents, with when each became so."""
    query = sa.text(
        "SELECT contract, version, sha256, effective_from, actor, approved_at, approved_by FROM contract_versions"
        " WHERE approved_at IS NOT NULL"
    )
    for row in connection.execute(query):
        of = {"added_by": row.actor, "effective_from": row.effective_from}
        yield row.approved_at, _att("contract", row.contract, row.version, row.sha256, row.approved_by, of)
    query = sa.text("SELECT id, contract, period, revision, inputs_sha, body_sha, recorded_at, actor FROM statements")
    statements = {row.id: row for row in connection.execute(query)}
    for row in statements.values():
        name = f"{row.contract}/{row.period}"
        yield row.recorded_at, _att("inputs", name, row.revision, row.inputs_sha, row.actor, {})
        yield row.recorded_at, _att("statement", name, row.revision, row.body_sha, row.actor, {})
    for step in connection.execute(sa.text("SELECT statement_id, at, actor FROM statement_steps WHERE step = 'issue'")):
        row = statements[step.statement_id]
        yield step.at, _att("issued", f"{row.contract}/{row.period}", row.revision, row.body_sha, step.actor, {})
    yield from _handed_in(connection)


def _handed_in(connection: sa.Connection) -> Iterable[tuple[int, Mapping[str, object]]]:
    media = {}
    for row in connection.execute(sa.text("SELECT sha256, name, media, recorded_at, actor FROM documents")):
        media[row.sha256] = row.media
        yield row.recorded_at, _att("document", row.sha256, 1, row.sha256, row.actor, {"name": row.name}, row.media)
    query = sa.text(
        "SELECT sha256, contract, revision, name, reference, recorded_at, actor, checked_at, checked_by, withdrawn_at,"
        " withdrawn_by FROM authority_files"
    )
    for row in connection.execute(query):
        for step, at, actor in (
            ("import", row.recorded_at, row.actor),
            ("check", row.checked_at, row.checked_by),
            ("withdraw", row.withdrawn_at, row.withdrawn_by),
        ):
            if at is not None:
                of = {"name": row.name, "reference": row.reference, "step": step}
                kind = media.get(row.sha256, "application/octet-stream")
                yield at, _att("authority", f"{row.contract}/{row.sha256}", row.revision, row.sha256, actor, of, kind)


def _att(
    what: str,
    name: str,
    version: int,
    sha256: str,
    actor: str,
    of: Mapping[str, object],
    media: str = "application/json",
) -> dict[str, object]:
    return {
        "actor": actor,
        "id": name,
        "media": media,
        "of": dict(of),
        "sha256": sha256,
        "version": version,
        "what": what,
    }


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _digest(value: object) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()
