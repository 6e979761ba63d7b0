"""A contract's rules as sentences, one for each of the families, from their terms alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from console.web.words import N_
from settlement.money import grouped
from settlement.notation import number, share

Say = Callable[[str], str]


def rule_sentence(rule: Any, say: Say) -> str:
    """Return what a rule says, with its limits, how it counts and what caps it. KeyError for a family without a sentence."""
    text = SENTENCES[rule.kind](rule, say)
    more: list[str] = []
    if rule.cap_share is not None:
        more.append(say(N_("至多扣其费用的 {share}")).format(share=share(rule.cap_share)))
    if rule.cap_fen is not None:
        more.append(say(N_("至多扣 {amount} 元")).format(amount=grouped(rule.cap_fen)))
    if rule.phases:
        more.append(say(N_("仅适用于 {names}")).format(names="、".join(rule.phases)))
    if rule.components:
        more.append(say(N_("只动用 {names} 部分")).format(names="、".join(rule.components)))
    if rule.repeat is not None:
        factors = "、".join(number(factor) for factor in rule.repeat.factors)
        text_of = N_("{n} 天内再犯依次乘以 {factors}")
        more.append(say(text_of).format(n=rule.repeat.within_days, factors=factors))
    window = say(N_("按季")) if rule.grain == "quarter" else say(N_("按月"))
    return f"{window}：{text}{say(N_('。'))}" + "".join(f"{part}{say(N_('。'))}" for part in more)


def _beyond(over: str, say: Say) -> str:
    return say(N_("超过")) if over == ">" else say(N_("达到"))


def _rounded(rounding: str, say: Say) -> str:
    return say({"ceil": N_("不足一单位按一单位"), "floor": N_("只计整单位"), "exact": N_("按实际")}[rounding])


def _clock(clock: str, say: Say) -> str:
    return say(N_("自报障起计")) if clock == "report" else say(N_("自故障起计"))


def _timed(rule: Any, say: Say) -> str:
    parts = [_clock(rule.clock, say), _rounded(rule.rounding, say)]
    if rule.free_hours:
        text = N_("{beyond} {n} 小时才计") if rule.mode == "bracket" else N_("{beyond} {n} 小时的部分才计")
        parts.append(say(text).format(beyond=_beyond(rule.over, say), n=number(rule.free_hours)))
    if rule.per == "window":
        parts.append(say(N_("同一点位当期合计")))
    return "，".join(parts)


def _band(row: Any, write: Callable[[Any], str]) -> str:
    return f"{write(row.low)}–{write(row.high)}"


def _pro_rata(rule: Any, say: Say) -> str:
    if rule.full_from is None:
        return say(N_("按在线率计付"))
    return say(N_("在线率{beyond} {rate} 全额付，否则按在线率计付")).format(
        beyond=_beyond(rule.over, say), rate=share(rule.full_from)
    )


def _tiers(rule: Any, say: Say) -> str:
    parts = []
    for row in reversed(rule.tiers):
        pays = (
            say(N_("按在线率付")) if isinstance(row.pays, str) else say(N_("付 {share}")).format(share=share(row.pays))
        )
        parts.append(f"{_band(row, share)} {pays}")
    return say(N_("在线率分档：{bands}")).format(bands="；".join(parts))


def _elimination(rule: Any, say: Say) -> str:
    text = N_("单点故障合计{beyond} {n} 小时的不付费，书面批准的除外")
    return say(text).format(beyond=_beyond(rule.over, say), n=rule.hours)


def _per_point(rule: Any, say: Say) -> str:
    of = say(N_("年费")) if rule.of == "year" else say(N_("当期费用"))
    text = say(N_("在线率低于 {below} 的，从 {line} 起每低一个百分点扣{of}的 {share}，{rounded}")).format(
        below=share(rule.below),
        line=share(rule.line),
        of=of,
        share=share(rule.share_per_point),
        rounded=_rounded(rule.rounding, say),
    )
    for step in rule.steps:
        text += say(N_("；超过 {n} 个的每个扣 {share}")).format(n=step.beyond, share=share(step.share))
    return text


def _hourly(rule: Any, say: Say) -> str:
    text = say(N_("单点故障每小时扣该点费用的 {share}，{how}")).format(
        share=share(rule.share_per_hour), how=_timed(rule, say)
    )
    if rule.flat is not None:
        flat = N_("；{beyond} {n} 小时的一律扣 {share}")
        text += say(flat).format(
            beyond=_beyond(rule.flat.over, say), n=number(rule.flat.hours), share=share(rule.flat.share)
        )
    return text


def _abatement(rule: Any, say: Say) -> str:
    base = str(rule.hours_per_month) if rule.hours_per_month else say(N_("当期小时数"))
    return say(N_("按故障时长折减：费用 × 小时 ÷ {base}，{how}")).format(base=base, how=_timed(rule, say))


def _daily(rule: Any, say: Say) -> str:
    base = str(rule.days_per_month) if rule.days_per_month else say(N_("当期天数"))
    return say(N_("每故障一天扣一天的费用（费用 ÷ {base}），{how}")).format(base=base, how=_timed(rule, say))


def _brackets(rule: Any, say: Say) -> str:
    rows = [
        f"{_band(row, share)} {say(N_('扣 {share}')).format(share=share(row.deducts))}"
        for row in reversed(rule.brackets)
    ]
    how = say(N_("各段分别计")) if rule.mode == "marginal" else say(N_("整档计"))
    return say(N_("按在线率分档扣全部费用（{how}）：{bands}")).format(how=how, bands="；".join(rows))


def _score(rule: Any, say: Say) -> str:
    off = "、".join(f"{kind} {number(points)}" for kind, points in rule.points.items()) or say(N_("其他规则所扣"))
    bands = "；".join(
        f"{_band(row, number)} {say(N_('付 {share}')).format(share=share(row.pays))}" for row in reversed(rule.bands)
    )
    return say(N_("满分 100，扣分：{off}；得分分档：{bands}")).format(off=off, bands=bands)


def _classes(rule: Any, say: Say) -> str:
    rows = "；".join(
        say(N_("{name} 免计 {minutes} 分钟，超出每小时 {points} 分")).format(
            name=name, minutes=row.minutes, points=number(row.points)
        )
        for name, row in rule.classes.items()
    )
    text = f"{rows}，{_timed(rule, say)}"
    if rule.events:
        text += "；" + "、".join(f"{kind} {number(points)} {say(N_('分'))}" for kind, points in rule.events.items())
    if rule.fen_per_point is not None:
        text += say(N_("；每分 {amount} 元")).format(amount=grouped(rule.fen_per_point))
    return text


def _weighted(rule: Any, say: Say) -> str:
    text = say(N_("月费分 {n} 段，每段 {minutes} 分钟；每不可用一段扣 费用 ÷ {n} × 权重 × 使用系数，{how}")).format(
        n=rule.periods, minutes=rule.period_minutes, how=_timed(rule, say)
    )
    named: Mapping[str, Any] = {**rule.weights, **rule.use_factors}
    if named:
        text += "；" + "、".join(f"{name} {number(factor)}" for name, factor in named.items())
    return text


def _rectification(rule: Any, say: Say) -> str:
    if rule.share_per_period is not None:
        price = say(N_("该点费用的 {share}")).format(share=share(rule.share_per_period))
    else:
        price = say(N_("{amount} 元")).format(amount=grouped(rule.fen_per_period))
    text = say(N_("修复时间{beyond} {n} 小时的，自始每 {period} 小时扣 {price}（{clock}，{rounded}）")).format(
        beyond=_beyond(rule.over, say),
        n=number(rule.deadline_hours),
        period=number(rule.period_hours),
        price=price,
        clock=_clock(rule.clock, say),
        rounded=_rounded(rule.rounding, say),
    )
    if rule.again_hours:
        text += say(N_("；修复后 {n} 小时内同因再发视为未修复")).format(n=number(rule.again_hours))
    return text


def _sampling(rule: Any, say: Say) -> str:
    price = (
        say(N_("每点 {amount} 元")).format(amount=grouped(rule.price_fen))
        if rule.price_fen is not None
        else say(N_("按每点当期费用"))
    )
    text = N_("抽检不合格率{beyond} {allowed} 的部分推算到全部点位，{price}，{rounded}")
    return say(text).format(
        beyond=_beyond(rule.over, say), allowed=share(rule.allowed), price=price, rounded=_rounded(rule.rounding, say)
    )


def _surcharge(rule: Any, say: Say) -> str:
    allowed = say(N_("考核线所容许的")) if rule.allowed is None else share(rule.allowed)
    return say(N_("故障率{beyond} {allowed} 的部分再按 {factor} 倍加扣")).format(
        beyond=_beyond(rule.over, say), allowed=allowed, factor=number(rule.factor)
    )


def _late(rule: Any, say: Say) -> str:
    text = say(N_("采购人逾期付款每日计 {share} 利息，免计 {n} 天")).format(share=share(rule.per_day), n=rule.free_days)
    if rule.most is not None:
        text += say(N_("，至多 {share}")).format(share=share(rule.most))
    return text


def _fine(rule: Any, say: Say) -> str:
    kinds = "、".join(rule.events)
    price = (
        say(N_("{amount} 元")).format(amount=grouped(rule.fine_fen))
        if rule.fine_fen is not None
        else say(N_("{n} 分")).format(n=number(rule.points))
    )
    if rule.period_hours is None:
        return say(N_("{kinds} 每次扣 {price}")).format(kinds=kinds, price=price)
    text = say(N_("{kinds} 每 {n} 小时扣 {price}，{rounded}")).format(
        kinds=kinds, n=number(rule.period_hours), price=price, rounded=_rounded(rule.rounding, say)
    )
    if rule.free_hours:
        text += say(N_("；不{beyond} {n} 小时的不扣")).format(beyond=_beyond(rule.over, say), n=number(rule.free_hours))
    return text


SENTENCES: Mapping[str, Callable[[Any, Say], str]] = {
    "pro-rata": _pro_rata,
    "substituted-tiers": _tiers,
    "point-elimination": _elimination,
    "per-percentage-point": _per_point,
    "hourly-percentage": _hourly,
    "time-abatement": _abatement,
    "daily-fee": _daily,
    "fee-brackets": _brackets,
    "assessment-score": _score,
    "class-allowance": _classes,
    "weighted-unavailability": _weighted,
    "rectification": _rectification,
    "sampling": _sampling,
    "excess-surcharge": _surcharge,
    "late-payment": _late,
    "unit-fine": _fine,
}
"""A sentence for every family, by its kind."""
