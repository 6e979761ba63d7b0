"""An empty file of inputs for a rubric, as YAML text: each indicator with its weight, its rule and what it needs. Pure."""

from __future__ import annotations

import json

from settlement.scorecard.kinds import Manual, PerEvent, Tiers
from settlement.scorecard.printed import exact_text
from settlement.scorecard.rubric import Indicator, Rubric


def blank(rubric: Rubric) -> str:
    """Return YAML in which every value that is still to be given is commented out, so that what is forgotten is missed."""
    lines = [
        f"# {_plain(rubric.title)}",
        "# 去掉 # 填写 remove the # and fill in；没有去掉的指标会被指出 what stays commented out is told of",
        f"rubric: {rubric.rubric}",
        'subject: ""   # 被评价项目 what is evaluated',
        'period: ""    # 评价期间',
        'source: ""    # 数据来源；各项可另写 the source, unless an indicator names its own',
        "values:",
    ]
    for group in rubric.groups:
        lines.append(f"  # —— {_plain(group.title)}")
        for row in group.indicators:
            lines += _row(row)
    return "\n".join([*lines, ""])


def _row(row: Indicator) -> list[str]:
    weight = "未印出 not printed" if row.weight is None else exact_text(row.weight)
    rule = f"；{_plain(row.formula.text)}" if row.formula.text else ""
    auto = f"；--from-store 自动取数 measured: {row.auto}" if row.auto is not None else ""
    return [
        f"  # {_plain(row.title)}（分值 weight {weight}{rule}{auto}）",
        f'  # {row.id}: {{{_needed(row)}, reason: "", evidence: []}}',
    ]


def _needed(row: Indicator) -> str:
    formula = row.formula
    if isinstance(formula, Manual):
        return "score: "
    if isinstance(formula, PerEvent):
        return f"events: {{{', '.join(f'{name}: 0' for name in formula.events)}}}"
    if isinstance(formula, Tiers) and formula.items:
        return f"values: {{{', '.join(f'{name}: {{num: , den: }}' for name in formula.items)}}}"
    return "value: " if isinstance(formula, Tiers) and formula.measure == "number" else "num: , den: "


def _plain(text: str) -> str:
    """A title on one line of a comment, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
