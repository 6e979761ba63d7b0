"""What is wrong with a rubric, with a file of inputs, and with the two together. All checks are generic: none knows a report.

Errors are what cannot be right; warnings what should be looked at; notes what the report leaves out. A rubric of one's own
with an error is not scored with. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from settlement.scorecard.card import Card, Scored
from settlement.scorecard.claim_checks import Flaw, Level, Place, flaws_of
from settlement.scorecard.inputs import TOTAL, ScoreInputs
from settlement.scorecard.kinds import HIGHEST, LOWEST, Manual, Position, Proportional, Tier, Tiers
from settlement.scorecard.printed import exact_text, percent, plain
from settlement.scorecard.rubric import Group, Indicator, Rubric


def rubric_flaws(rubric: Rubric) -> list[Flaw]:
    """Check a rubric by itself: weights, groups, formulas, bands, claims."""
    found = [*_total(rubric), *_bands(rubric)]
    for n, group in enumerate(rubric.groups):
        found += _group(rubric, group, ("groups", n))
        for m, row in enumerate(group.indicators):
            found += _indicator(rubric, row, ("groups", n, "indicators", m))
    if rubric.unlisted:
        listed = sum(1 for _ in rubric.indicators)
        message = (
            f"{listed + rubric.unlisted} 个指标中 {rubric.unlisted} 个未印出 of the indicators are not printed: "
            f"{rubric.unlisted} of {listed + rubric.unlisted}"
        )
        level: Level = "note" if rubric.as_printed else "error"
        found.append(_flaw("not-printed", ("unlisted",), message, "找到评分表后补全 complete it", level))
    found += flaws_of(rubric.claims, "rubric")
    return found


def _flaw(kind: str, place: Place, message: str, remedy: str, level: Level = "error") -> Flaw:
    return Flaw(kind, level, "rubric", place, message, remedy)


def _total(rubric: Rubric) -> Iterator[Flaw]:
    counted = [group for group in rubric.groups if not group.contained]
    wholes = [group.whole for group in counted]
    known = sum((whole for whole in wholes if whole is not None), Fraction(0))
    shown = " + ".join("?" if whole is None else plain(whole) for whole in wholes)
    if None in wholes:
        if known > rubric.total:
            message = f"已印出的权重 {shown} 超过 {plain(rubric.total)} the printed weights exceed the total"
            yield _flaw("weights-total", ("groups",), message, "核对权重 check the weights")
    elif known != rubric.total:
        message = (
            f"权重合计 {shown} = {plain(known)}，不是 {plain(rubric.total)} the weights do not add up to the total"
        )
        yield _flaw("weights-total", ("groups",), message, "核对各组权重 check the weights of the groups")


def _bands(rubric: Rubric) -> Iterator[Flaw]:
    limits = [band.at_least for band in rubric.bands]
    grades = [band.grade for band in rubric.bands]
    if len(set(limits)) != len(limits) or len(set(grades)) != len(grades):
        yield _flaw("grade-bands", ("bands",), "等级或分界重复 a grade or its limit occurs twice", "只留一个 keep one")
    if min(limits) > 0:
        message = f"{plain(min(limits))} 分以下没有等级 no grade below that score"
        yield _flaw("grade-bands", ("bands",), message, "补上最低一档 add the lowest band: at_least: 0")
    if max(limits) > rubric.total:
        message = f"分界 {plain(max(limits))} 高于满分 {plain(rubric.total)} a grade above the total is never reached"
        yield _flaw("grade-bands", ("bands",), message, "改低 lower it")


def _group(rubric: Rubric, group: Group, place: Place) -> Iterator[Flaw]:
    known = [row.weight for row in group.indicators if row.weight is not None]
    silent = len(group.indicators) - len(known)
    parts = sum(known, Fraction(0))
    complete = silent == 0 and group.unlisted == 0
    if group.weight is not None and (parts > group.weight or (complete and parts != group.weight)):
        message = (
            f"{group.title}: 指标权重合计 {' + '.join(plain(weight) for weight in known) or '0'} = {plain(parts)}，"
            f"组权重 {plain(group.weight)} the indicators do not add up to the group"
        )
        yield _flaw("group-sum", (*place, "weight"), message, "核对指标与组的权重 check both")
    for n, other in enumerate(group.also_printed):
        if group.whole is not None and other.value.value != group.whole:
            message = (
                f"{group.title}: {other.where or '别处 elsewhere'} 称 says {other.value.text}，"
                f"评分表 the table has {plain(group.whole)}"
            )
            remedy = "以评分表为准并更正文字 keep one of them"
            yield _flaw("group-sum", (*place, "also_printed", n), message, remedy)
    if silent or group.unlisted != 0:
        rows = "数目不详的 an unknown number of" if group.unlisted is None else f"{group.unlisted} 个"
        message = f"{group.title}: 未印出 not printed: {silent} 个权重 weights, {rows} 指标 indicators"
        level: Level = "note" if rubric.as_printed else "error"
        yield _flaw("not-printed", place, message, "找到评分表后补全 complete it once the table is at hand", level)


def _indicator(rubric: Rubric, row: Indicator, place: Place) -> Iterator[Flaw]:
    formula = row.formula
    most, weight = row.most, row.weight
    where = (*place, "formula")
    if most is not None and weight is not None and most != weight:
        how = _how_most(row, most)
        if most > weight:
            message = f"{row.title}: {how}，高于权重 above the weight {plain(weight)}"
            yield _flaw("above-weight", where, message, "改分档或权重 change the points or the weight")
        else:
            message = f"{row.title}: {how}，达不到权重 never reaches the weight {plain(weight)}"
            yield _flaw("below-weight", where, message, "改分档或权重 change the tiers or the weight")
    if isinstance(formula, Tiers):
        yield from _tiers(rubric, row, formula, where)
    if isinstance(formula, Proportional) and row.auto == "payment-late-days" and formula.full_at.value == 1:
        message = f"{row.title}: 天数不能按比率计 days are no share"
        yield _flaw("measure", where, message, "给出 zero_at 与 full_at give zero_at and full_at, or use tiers")


def _how_most(row: Indicator, most: Fraction) -> str:
    formula = row.formula
    if isinstance(formula, Tiers):
        each = most / max(1, len(formula.items))
        product = f"（{len(formula.items)} 项 × {plain(each)}）" if len(formula.items) > 1 else ""
        return f"分档最高得 the tiers give at most {plain(most)}{product}"
    if isinstance(formula, Manual) and formula.each is not None and formula.most is None:
        return f"{len(formula.items)} 项 × {plain(formula.each)} = {plain(most)} 分 points"
    return f"规则给到 the rule gives up to {plain(most)}"


def _tiers(rubric: Rubric, row: Indicator, formula: Tiers, place: Place) -> Iterator[Flaw]:
    low, high = formula.domain
    ordered = sorted(formula.tiers, key=lambda tier: (tier.start, tier.end))
    reached = low
    for tier in ordered:
        if tier.end <= low or tier.start >= high:
            message = f"{row.title}: 分档在取值范围之外 a tier holds no value that there is: {tier.text}"
            yield _flaw("overlapping-tiers", (*place, "tiers"), message, "改上下限或 measure change limits or measure")
            continue
        if tier.start > reached:
            yield _gap(row, formula, place, reached, tier.start)
        reached = max(reached, tier.end)
    if reached < high:
        yield _gap(row, formula, place, reached, high)
    for tier, following in pairwise(ordered):
        if following.start < tier.end:
            message = f"{row.title}: 分档重叠 overlapping tiers: [{tier.text}] [{following.text}]"
            yield _flaw("overlapping-tiers", (*place, "tiers"), message, "改上下限 change the limits")
    for n, tier in enumerate(formula.tiers):
        if tier.not_printed:
            level: Level = "note" if rubric.as_printed else "error"
            message = f"{row.title}: 此档得分未印出 what this band is worth is not printed: {tier.text}"
            yield _flaw("not-printed", (*place, "tiers", n), message, "补上 add it", level)
        elif tier.off is not None and row.weight is not None and tier.off > row.weight:
            message = (
                f"{row.title}: 扣 {plain(tier.off)} 分多于权重 more is taken off than the weight {plain(row.weight)}"
            )
            yield _flaw("above-weight", (*place, "tiers", n), message, "核对 check it", "warning")


def _gap(row: Indicator, formula: Tiers, place: Place, start: Position, end: Position) -> Flaw:
    limits = [limit for tier in formula.tiers for limit in tier.limits]
    share = formula.measure == "share" or any(limit.percent for limit in limits)

    def number(position: Position) -> str:
        return percent(position[1]) if share else plain(position[1])

    low = "(−∞" if start == LOWEST else f"{'(' if start[2] else '['}{number(start)}"
    high = "+∞)" if end == HIGHEST else f"{number(end)}{']' if end[2] else ')'}"
    message = f"{row.title}: {low}, {high} 没有规定得分 the tiers leave these values undefined"
    return _flaw("undefined-band", (*place, "tiers"), message, "补一档 add a tier for them")


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
