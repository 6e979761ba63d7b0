"""What is wrong with a file of inputs, by itself and beside its rubric. All checks are generic: none knows a report.

Levels are those of rubric_lint.py. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from settlement.scorecard.card import Card, Scored
from settlement.scorecard.claim_checks import Flaw, Level, Place, flaws_of
from settlement.scorecard.inputs import TOTAL, ScoreInputs
from settlement.scorecard.kinds import Tier, Tiers
from settlement.scorecard.printed import exact_text, plain
from settlement.scorecard.rubric import Rubric


def input_flaws(card: Card) -> list[Flaw]:
    """Check the inputs against their rubric, what the report states against what follows, and the claims."""
    return [
        *_names(card.rubric, card.inputs),
        *(flaw for group in card.groups for row in group.rows for flaw in _row(card, row)),
        *_rests(card),
        *_sums(card),
        *flaws_of(card.inputs.claims, "inputs"),
    ]


def _input(kind: str, place: Place, message: str, remedy: str, level: Level = "error") -> Flaw:
    return Flaw(kind, level, "inputs", place, message, remedy)


def _names(rubric: Rubric, inputs: ScoreInputs) -> Iterator[Flaw]:
    if inputs.rubric != rubric.rubric:
        message = f"数据属于另一评分表 these inputs belong to another rubric: {inputs.rubric}"
        yield _input("other-rubric", ("rubric",), message, f"此表 this one is {rubric.rubric}")
    known = {row.id for row in rubric.indicators}
    for name in sorted(set(inputs.values) - known):
        message = f"未知的指标 unknown indicator: {name}"
        yield _input("unknown", ("values", name), message, "核对编号 check the id")
    groups = {group.id for group in rubric.groups}
    for name in sorted(set(inputs.rests) - groups - {TOTAL}):
        yield _input("unknown", ("rests", name), f"未知的组 unknown group: {name}", "核对编号 check the id")
    for name in sorted(set(inputs.stated.groups) - groups):
        yield _input("unknown", ("stated", "groups", name), f"未知的组 unknown group: {name}", "核对编号 check the id")


def _rests(card: Card) -> Iterator[Flaw]:
    """Ask for the points of what is not printed, and refuse to count them twice."""
    silent = [group.group.id for group in card.groups if group.silent and not group.group.contained]
    if card.rest is None and (silent or card.rubric.unlisted):
        message = f"未印出的分没有合计 the points that are not printed have no rest: {', '.join(silent) or TOTAL}"
        yield _input("missing", ("rests",), message, f"在 rests 中给出 give them under rests: {TOTAL}")
    for group in card.groups:
        whole = all(row.status == "scored" for row in group.rows) and group.group.unlisted == 0
        if group.rest is not None and (whole or group.group.contained):
            message = f"{group.group.title}: 各项已全部给出 all its points are given already"
            yield _input("rest-not-needed", ("rests", group.group.id), message, "删除 remove it")
    if card.rest is not None and not silent and not card.rubric.unlisted:
        yield _input(
            "rest-not-needed", ("rests", TOTAL), "各组已全部给出 all points are given already", "删除 remove it"
        )


def _row(card: Card, row: Scored) -> Iterator[Flaw]:
    given = card.inputs.values.get(row.indicator.id)
    place: Place = ("values", row.indicator.id)
    title, weight = row.indicator.title, row.indicator.weight
    if row.status == "missing":
        what = "没有数据" if given is None else row.arithmetic or "数据不足"
        message = f"{title}: {what} no input for this indicator"
        yield _input("missing", place, message, f"在 values 中给出 {row.indicator.id} give it under values")
        return
    if row.status == "undefined":
        remedy = "补分档或核对数值 add a tier, or check the value"
        yield _input("undefined-value", place, f"{title}: {row.arithmetic}", remedy)
    if not row.source and row.status == "scored":
        message = f"{title}: 没有数据来源 no source is named"
        yield _input("no-source", place, message, "补 source add its source")
    if row.status == "not-printed" and not card.rubric.as_printed:
        message = f"{title}: 没有得分 no score can be given: {row.arithmetic}"
        yield _input("missing", place, message, "只有转载的评分表可以不印出 only a reproduced report may leave it out")
    if row.score is not None and weight is not None and row.score > weight:
        message = f"{title}: 得分 {plain(row.score)} 高于权重 the score is above the weight {plain(weight)}"
        yield _input("above-weight", place, message, "核对得分 check the score")
    if given is not None:
        yield from _given(card, row)


def _given(card: Card, row: Scored) -> Iterator[Flaw]:
    given = card.inputs.values[row.indicator.id]
    place: Place = ("values", row.indicator.id)
    title, weight = row.indicator.title, row.indicator.weight
    ours = not card.rubric.as_printed
    if row.score is not None and weight is not None and row.score < weight and not row.reason and ours:
        message = f"{title}: 扣 {plain(weight - row.score)} 分而无扣分原因 points are taken off without a reason"
        yield _input("no-reason", place, message, "补 reason add it", "warning")
    if given.score is not None and row.by_rule is not None and given.score != row.by_rule:
        message = (
            f"{title}: 评定 {plain(given.score)}，按规则应为 by the rule it is {plain(row.by_rule)}：{row.arithmetic}"
        )
        level: Level = "warning" if given.reason else "error"
        yield _input("award-against-rule", place, message, "改分或说明理由 correct it, or say why", level)
    if given.stated is not None and row.score is not None and given.stated != row.score:
        message = f"{title}: 报告印作 printed as {plain(given.stated)}，按规则为 by the rule it is {plain(row.score)}"
        yield _input("award-against-rule", (*place, "stated"), message, "核对 check it")
    if given.award is not None:
        yield from _award(row, given.exact, given.award, given.shown, place)
    if given.printed is not None and given.exact is not None and not given.printed.could_be(given.exact):
        message = f"{title}: {given.shown}，印作 printed as {given.printed.text}"
        yield _input("share-differs", (*place, "printed"), message, "核对数字 check the numbers")
    for name, figure in given.values.items():
        if figure.printed is not None and figure.exact is not None and not figure.printed.could_be(figure.exact):
            message = f"{title} {name}: {figure.shown}，印作 printed as {figure.printed.text}"
            yield _input("share-differs", (*place, "values", name), message, "核对数字 check the numbers")


def _award(row: Scored, value: Fraction | None, award: str, shown: str, place: Place) -> Iterator[Flaw]:
    """Hold "full marks" against the band in which the value lies, even where no points are printed."""
    formula = row.indicator.formula
    if value is None or not isinstance(formula, Tiers) or formula.items:
        return
    tier = next((tier for tier in formula.tiers if tier.holds(value)), None)
    if tier is None or (award == "full") == _is_full(tier, formula):
        return
    allowed = "，".join(other.text for other in formula.tiers if _is_full(other, formula))
    told = {
        "full": "给了满分 full marks were given",
        "part": "未给满分 only part was given",
        "none": "未给分 nothing was given",
    }
    message = f"{row.indicator.title}: {shown} 在 [{tier.text}] 档；{told[award]}，满分须 full marks need [{allowed}]"
    yield _input("award-against-rule", place, message, "按规则评分 score by the rule")


def _is_full(tier: Tier, formula: Tiers) -> bool:
    if tier.share is not None:
        return tier.share.value == 1
    if tier.off is not None:
        return tier.off == 0
    best = max((other.score for other in formula.tiers if other.score is not None), default=None)
    return tier.score is not None and tier.score == best


def _sums(card: Card) -> Iterator[Flaw]:
    stated = card.inputs.stated
    for group in card.groups:
        told = stated.groups.get(group.group.id)
        if told is not None and not (group.missing or group.silent) and told != group.score:
            message = f"{group.group.title}: 印作 printed as {plain(told)}，合计 the sum is {plain(group.score)}"
            yield _input("group-sum", ("stated", "groups", group.group.id), message, "核对各项 check the rows")
        whole = group.group.whole
        if whole is not None and group.score > whole:
            message = f"{group.group.title}: 得分 {plain(group.score)} 高于权重 above its weight {plain(whole)}"
            yield _input("above-weight", ("rests", group.group.id), message, "核对 check it")
    if card.rest is not None:
        room = card.rubric.total - sum((g.score for g in card.groups if not g.group.contained), Fraction(0))
        if card.rest.score > room:
            message = (
                f"其余得分 {plain(card.rest.score)} 多于余下的分 the rest is more than what is left: {plain(room)}"
            )
            yield _input("above-weight", ("rests", TOTAL), message, "核对 check it")
    if stated.total is not None and card.complete and stated.total != card.total:
        message = f"总分印作 printed as {plain(stated.total)}，合计 the sum is {plain(card.total)}"
        yield _input("total-differs", ("stated", "total"), message, "核对各项 check the rows")
    if stated.grade is not None and card.grade and stated.grade != card.grade:
        message = f"等级印作 printed as {stated.grade}，{exact_text(card.total)} 分应为 the score means {card.grade}"
        yield _input("grade-differs", ("stated", "grade"), message, "核对等级 check the grade")
