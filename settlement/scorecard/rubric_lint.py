"""What is wrong with a rubric: weights, groups, bands, formulas, claims. All checks are generic: none knows a report.

Errors are what cannot be right; warnings what should be looked at; notes what the report leaves out. A rubric of one's own
with an error is not scored with. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from settlement.scorecard.claim_checks import Flaw, Level, Place, flaws_of
from settlement.scorecard.kinds import HIGHEST, LOWEST, Manual, Position, Proportional, Tiers
from settlement.scorecard.printed import percent, plain
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
