"""A reconciliation as a document: JSON data for machines, rows for tables and spreadsheets."""

from __future__ import annotations

from typing import Any

from monitor.rates import six
from settlement.authority import UNIT_ZH
from settlement.comparing import PointComparison
from settlement.facts import Share
from settlement.matching import ITEM_ZH, Item
from settlement.money import yuan
from settlement.readings import percent
from settlement.reconcile import PhaseReconciliation, Reconciliation
from settlement.rules import OnlineRate


def reconciliation_document(found: Reconciliation, *, points: bool = True) -> dict[str, Any]:
    """Return the reconciliation as JSON data: rates with their counts and six places, amounts as yuan.

    Without `points` the comparison of single points is left out; items stay.
    """
    clause = found.clause
    document: dict[str, Any] = {
        "format": "camsla-reconciliation/1",
        "contract": found.contract,
        "quarter": found.quarter,
        "pays": clause.pays,
        "level": clause.level,
        "months": clause.months,
        "tolerance": str(clause.tolerance),
        "by_day": clause.by_day,
        "if_missing": clause.if_missing,
        "phases": [_phase(row) for row in found.phases],
        "items": [_item(item) for item in found.items],
        "files": [
            {
                "sha256": file.sha256,
                "name": file.name,
                "reference": file.reference,
                "received_on": file.received_on,
                "typed": file.typed,
                "actor": file.actor,
                "checked_by": file.checked_by,
                "scan_sha256": file.scan_sha,
            }
            for file in found.files
        ],
        "findings": [{"level": f.level, "phase": f.column, "message": f.message} for f in found.findings],
    }
    if points:
        document["points"] = [_point(row) for row in found.points]
    return document


def _rate(rate: OnlineRate | None) -> dict[str, Any] | None:
    return None if rate is None else {"good": rate.good, "counted": rate.counted, "value": six(rate.value)}


def _share(share: Share | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {"good": share.good, "counted": share.counted, "value": six(share.value) if share.counted else None}


def _fen(amount: int | None) -> str | None:
    return None if amount is None else yuan(amount)


def _phase(row: PhaseReconciliation) -> dict[str, Any]:
    theirs = None
    if row.theirs is not None:
        made = row.theirs.quarterly
        theirs = {
            "num": made.value.numerator,
            "den": made.value.denominator,
            "value": six(made.value),
            "how": made.how,
            "reference": row.reference,
            "from": row.theirs.level,
            "unit": made.unit,
            "counted": made.counted,
            "points": row.theirs.points,
            "printed": None if row.theirs.printed is None else six(row.theirs.printed),
            "months": {label: six(value) for label, value in row.theirs.months},
            "files": list(row.theirs.files),
        }
    chosen = row.chosen
    return {
        "phase": row.phase,
        "own": _rate(row.own),
        "own_points": row.own_points,
        "authority": theirs,
        "difference": six(row.difference),
        "within_tolerance": row.within,
        "payable": {
            "own": _fen(row.own_payable_fen),
            "authority": _fen(row.their_payable_fen),
            "difference": _fen(row.difference_fen),
        },
        "chosen": {
            "source": chosen.source,
            "rate": _rate(chosen.rate),
            "reference": chosen.reference,
            "why": chosen.why,
        },
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "phase": item.phase,
        "point": item.point,
        "theirs": item.theirs,
        "period": item.period,
        "figure": None
        if item.figure is None
        else {"num": item.figure.good, "den": item.figure.counted, "unit": item.unit},
        "own": _share(item.own),
        "text": item.text,
        "file": item.file,
        "line": item.line,
    }


def _point(row: PointComparison) -> dict[str, Any]:
    return {
        "phase": row.phase,
        "point": row.point,
        "authority": {"num": row.theirs.numerator, "den": row.theirs.denominator, "value": six(row.theirs)},
        "own": _share(row.own),
        "difference": six(row.difference),
        "payable_difference": _fen(row.fen),
        "beyond_tolerance": row.beyond,
    }


ITEM_HEADINGS = (
    "类别 kind",
    "期次 phase",
    "点位编号 our point",
    "对方编码 their code",
    "期间 period",
    "对方在线率 their rate",
    "对方分母 their denominator",
    "我方在线秒 our online s",
    "我方计入秒 our counted s",
    "说明 text",
    "文件 file",
    "行 line",
)


def item_cells(item: Item) -> tuple[str | int | None, ...]:
    """Return an item as a row under ITEM_HEADINGS."""
    return (
        ITEM_ZH[item.kind],
        item.phase,
        item.point,
        item.theirs,
        item.period,
        percent(item.figure.value) if item.figure else None,
        f"{item.figure.counted:,} {UNIT_ZH[item.unit]}" if item.figure and item.unit != "share" else None,
        item.own.good if item.own else None,
        item.own.counted if item.own else None,
        item.text,
        item.file[:12],
        item.line or None,
    )
