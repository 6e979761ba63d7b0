"""A statement as the strings of a printed paper: everything is said here, the template only places it.

Long lists are cut, and what was left out is said on the paper with the place where it stands in full: the workbook.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from settlement.capitals import capitals
from settlement.money import fen, grouped, round_half_up
from settlement.reports.cover import Cover
from settlement.reports.form import (
    KINDS,
    Row,
    Sort,
    Value,
    found_nothing,
    headline,
    incident_text,
    mixed,
    notices_of,
    outages_of,
    phase_title,
    rows_of,
    rule_kind,
)
from settlement.reports.waterfall import draw, steps_of

PHASES_PER_TABLE = 3
ITEMS_PER_RULE = 15
ITEMS_IN_ALL = 150
NOTICES = 60
ANNEX_POINTS = 2_000
"""How many points the paper lists; a longer list stands in the workbook alone."""
_UNBROKEN = re.compile(r"[!-~]{21,}")
_PIECE = 16
_HOLE = "□"
"""Stands for a character that cannot be seen; the packaged font has no U+FFFD."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def shown(text: object) -> str:
    """Return a text as it may be set: nothing invisible, and long codes may be broken between lines."""
    clean = _UNPRINTABLE.sub(_HOLE, str(text))
    return _UNBROKEN.sub(_broken, clean)


def _broken(match: re.Match[str]) -> str:
    code = match[0]
    return "\u200b".join(code[n : n + _PIECE] for n in range(0, len(code), _PIECE))


def written(value: Value, sort: Sort) -> str:
    """Write a value of the form: yuan, percentages and hours rounded for reading, with "≈" where a rate does not end."""
    if value is None:
        return "—"
    if isinstance(value, str):
        return shown(value)
    match sort:
        case "fen":
            return grouped(int(value))
        case "count":
            return f"{int(value):,}"
        case "share":
            exact = Fraction(value) * 100
            rounded = round_half_up(exact * 10_000)
            text = f"{rounded // 10_000}.{rounded % 10_000:04d}"
            text = text[:-2] if text.endswith("00") else text
            return f"{text} %" if exact * 10_000 == rounded else f"≈ {text} %"
        case _:
            text = grouped(round_half_up(Fraction(value) * 100))
            return text.removesuffix(".00") if sort == "months" else text


def paper_of(document: Mapping[str, Any], cover: Cover) -> dict[str, Any]:
    """Return the paper's strings as JSON data for the template."""
    title, pairs = headline(document, cover)
    due = fen(document["totals"]["total"])
    notices = notices_of(document, cover)
    more = len(notices) - NOTICES
    return {
        "title": shown(title),
        "number": shown(f"{document['contract']['id']}-{document['quarter']}-{document['revision']}"),
        "digest": cover.inputs_sha,
        "final": cover.final,
        "pairs": [[shown(name), shown(text)] for name, text in pairs],
        "tables": list(_tables(document, rows_of(document, cover))),
        "due": grouped(due),
        "capitals": f"人民币{capitals(due)}",
        "lines": list(_lines(document)),
        "sum": [grouped(fen(document["totals"][name])) for name in ("total", "net", "tax")],
        "waterfall": draw(steps_of(document)),
        "rules": _rules(document, cover.zone),
        "untouched": shown(_untouched(document)),
        "notices": [shown(text) for text in notices[:NOTICES]]
        + ([f"另有 {more} 条，见电子表格“提示” {more} more in the workbook"] if more > 0 else []),
        "attachments": [[shown(item.title), shown(item.reference), shown(item.sha256)] for item in cover.attachments],
        "boxes": [[box.zh, box.en, shown(box.name), box.on] for box in cover.signatures],
        "annex": _annex(document),
    }


def _tables(document: Mapping[str, Any], rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    """Yield the form in tables of a few phases each; the last one has the sums."""
    titles = [shown(phase_title(phase)) for phase in document["phases"]]
    starts = range(0, max(1, len(titles)), PHASES_PER_TABLE)
    for start in starts:
        last = start == starts[-1]
        stop = start + PHASES_PER_TABLE
        body = []
        for row in rows:
            values: list[Value] = [*row.values[start:stop], *([row.total] if last else [])]
            if all(value is None for value in values) and not last:
                continue
            cells = [written(value, row.sort) for value in values]
            body.append({"zh": row.zh, "en": row.en, "strong": row.strong, "text": row.sort == "text", "cells": cells})
        yield {"titles": [*titles[start:stop], *(["合计 total"] if last else [])], "rows": body}


def _lines(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    titles = {phase["phase"]: phase_title(phase) for phase in document["phases"]}
    lines = [(line, phase["phase"]) for phase in document["phases"] for line in phase["lines"]]
    lines += [(line, line["phase"]) for line in document["adjustments"]]
    for line, phase in lines:
        zh, en = KINDS.get(line["kind"], (line["kind"], ""))
        parent = f"（调整 adjusts {line['parent']}）" if line.get("parent") else ""
        window = "" if line.get("window") in {None, "", document["quarter"]} else f" {line['window']}"
        yield {
            "n": str(line["n"]),
            "phase": shown(titles.get(phase, phase)),
            "zh": zh + window,
            "en": en,
            "amounts": [grouped(fen(line[column])) for column in ("gross", "net", "tax")],
            "why": shown(line["why"] + parent),
            "strong": line["kind"] in {"payable", "true_up"},
        }


def _untouched(document: Mapping[str, Any]) -> str:
    """Name the rules that had nothing to punish, with the windows; "" if there are none."""
    found: dict[tuple[str, str], list[str]] = {}
    for phase in document["phases"]:
        for rule in phase["rules"]:
            if found_nothing(rule):
                name = f"{rule['title']} {rule['rule']}".strip()
                found.setdefault((phase_title(phase), name), []).append(rule["window"])
    named = [f"{title} {name}（{'、'.join(windows)}）" for (title, name), windows in found.items()]
    return f"未触发 nothing found：{'；'.join(named)}" if named else ""


def _rules(document: Mapping[str, Any], zone: str) -> list[dict[str, Any]]:
    rules = []
    left = ITEMS_IN_ALL
    for phase in document["phases"]:
        for rule in phase["rules"]:
            if found_nothing(rule):
                continue
            items = rule["items"][: min(ITEMS_PER_RULE, left)]
            left -= len(items)
            more = len(rule["items"]) - len(items)
            rules.append(
                {
                    "title": shown(rule["title"] or rule["rule"]),
                    "where": shown(f"{phase_title(phase)}　{rule['window']}　{_called(rule)}".rstrip("　")),
                    "amount": _amount(rule["amount"], rule["unit"]),
                    "formula": shown(rule["formula"]),
                    "items": [_item(item, rule["unit"], zone) for item in items],
                    "more": f"另有 {more:,} 项，见电子表格“规则与扣款” {more:,} more in the workbook" if more else "",
                }
            )
    return rules


def _amount(amount: str, unit: str) -> str:
    if unit == "fen":
        return grouped(fen(amount))
    return f"{written(mixed(amount), 'months')} 分 points"


def _called(rule: Mapping[str, Any]) -> str:
    """A rule's id, with its family's name where the title is another; nothing of the reading, whose title says it all."""
    if rule["kind"] == "reading":
        return ""
    kind = rule_kind(rule["kind"])
    return rule["rule"] if kind == rule["title"] else f"{rule['rule']}（{kind}）"


def _item(item: Mapping[str, Any], unit: str, zone: str) -> list[str]:
    kept = item.get("suppressed_by")
    amount = f"0（已由 {kept} 处理 given to it）" if kept else _amount(item["amount"], unit)
    return [
        shown(item["point"]) or "—",
        shown(incident_text(item["incident"], zone)) or "—",
        shown(amount),
        shown(item["why"]),
    ]


def _annex(document: Mapping[str, Any]) -> dict[str, Any]:
    count = sum(len(phase["point_lines"]) for phase in document["phases"])
    if count > ANNEX_POINTS:
        note = (
            f"共 {count:,} 个点位，逐点明细见同一结算单的电子表格“点位明细”（数据指纹相同）。 {count:,} points: their lines stand in the "
            "workbook of this statement, which carries the same digest."
        )
        return {"note": note, "rows": []}
    rows = [
        [
            shown(phase_title(phase)),
            shown(line["code"]),
            *(grouped(fen(line[name])) for name in ("full", "payable", "deduction")),
            f"{outages_of(line):,}",
            written(Fraction(int(line["offline_s"]), 3600), "hours"),
            shown("、".join(line["rules"])),
        ]
        for phase in document["phases"]
        for line in phase["point_lines"]
    ]
    note = (
        ""
        if rows
        else "本结算单按点数与在线率结算，无逐点明细。 Settled on counts and rates; there are no lines per point."
    )
    return {"note": note, "rows": rows}
