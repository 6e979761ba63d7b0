"""Papers as PDF: a statement to sign, and the advice on next year's budget. Equal content gives equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settlement.reports.cover import Cover
from settlement.reports.paper import paper_of
from settlement.reports.typeset import to_pdf


def write_pdf(document: Mapping[str, Any], path: Path, cover: Cover) -> None:
    """Write the statement's PDF to `path`."""
    path.write_bytes(to_pdf("statement.typ", paper_of(document, cover), cover.made_on))
