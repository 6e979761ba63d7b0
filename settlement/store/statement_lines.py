"""A statement's lines: as its document has them, and as rows with their components."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, select

from settlement.money import fen
from settlement.store.tables import line_components, statement_lines


def document_lines(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return all lines of a statement document with their phase, in the order of their numbers."""
    found = [
        {**line, "phase": phase["phase"]} for phase in document.get("phases", ()) for line in phase.get("lines", ())
    ]
    found += [dict(line) for line in document.get("adjustments", ())]
    return sorted(found, key=lambda line: int(line["n"]))


def lines(connection: Connection, number: int) -> list[Mapping[str, Any]]:
    """Return a statement's lines in order, amounts in fen, each with its components."""
    parts: dict[int, dict[str, Mapping[str, int]]] = {}
    for row in connection.execute(select(line_components).where(line_components.c.statement_id == number)):
        parts.setdefault(row.n, {})[row.component] = {"gross": row.gross, "net": row.net, "tax": row.tax}
    query = select(statement_lines).where(statement_lines.c.statement_id == number).order_by(statement_lines.c.n)
    return [{**row, "components": parts.get(row["n"], {})} for row in connection.execute(query).mappings()]


def rows_of(number: int, document: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return a document's lines and their components as rows of the statement with that number."""
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for line in document_lines(document):
        rows.append(
            {
                "statement_id": number,
                "n": line["n"],
                "phase": line["phase"],
                "point": line.get("point", ""),
                "window": line.get("window", ""),
                "kind": line["kind"],
                **_columns(line),
                "why": line["why"],
                "parent": line.get("parent") or "",
            }
        )
        components: Iterable[tuple[str, Mapping[str, str]]] = (line.get("components") or {}).items()
        parts += [
            {"statement_id": number, "n": line["n"], "component": name, **_columns(part)} for name, part in components
        ]
    return rows, parts


def _columns(amounts: Mapping[str, str]) -> dict[str, int]:
    return {name: fen(amounts[name]) for name in ("gross", "net", "tax")}
