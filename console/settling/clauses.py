"""A contract in words: each clause and rule as a sentence in the reader's language, with where the paper says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from console.settling.rule_sentences import rule_sentence
from console.web.words import N_
from settlement.contract import Phase, Reading, Terms
from settlement.families.registry import FAMILIES
from settlement.money import grouped
from settlement.notation import number, share
from settlement.readings import READINGS

Say = Callable[[str], str]


class Clause(NamedTuple):
    """A clause in words: what it is about, its sentence, its source in the paper contract ("" where none is named)."""

    about: str
    text: str
    source: str = ""
    key: str = ""
    """What tells clauses of one kind apart: a rule's id."""


def clauses_of(terms: Terms, say: Say) -> list[Clause]:
    """Return a contract's clauses in the order in which the file has them."""
    found = [
        Clause(say(N_("考核线")), say(N_("在线率不低于 {target}。")).format(target=share(terms.target))),
        Clause(say(N_("预付")), _prepayment(terms, say)),
        Clause(say(N_("计付")), _pays(terms, say)),
        Clause(say(N_("不足整月")), say(_DAY_COUNT[terms.day_count.value])),
        Clause(say(N_("税率")), say(N_("各项价格含税 {rate}。")).format(rate=share(terms.tax_rate))),
        Clause(say(N_("计量口径")), _policy(terms, say)),
    ]
    found += [_rule(rule, say) for rule in terms.rules]
    found += [Clause(say(N_("连续加重")), _escalation(terms, clause, say)) for clause in terms.escalations]
    found += [Clause(say(N_("违约提示")), _breach(terms, clause, say)) for clause in terms.breaches]
    found.append(Clause(say(N_("公安数据")), _authority(terms, say)))
    found.append(Clause(say(N_("审批")), _approval(terms, say)))
    found.append(Clause(say(N_("支付")), _payment(terms, say)))
    found += _further(terms, say)
    return found


_DAY_COUNT: Mapping[str, str] = {
    "actual": N_("不足整月的，按当月实际天数折算。"),
    "actual/30": N_("不足整月的，按实际天数除以 30 折算。"),
    "half-month": N_("不足整月的，按半个月计。"),
    "full-month": N_("不足整月的，按整月计。"),
    "next-month": N_("当月不计，自次月起计。"),
}


def _prepayment(terms: Terms, say: Say) -> str:
    if not terms.prepay_share:
        return say(N_("不预付。"))
    text = say(N_("每季初按 {share} 在线率预付；季后按实际清算，多退少补。")).format(share=share(terms.prepay_share))
    if terms.payment.last_quarter != "cash":
        text += say(N_("末季不预付。"))
    return text


def _pays(terms: Terms, say: Say) -> str:
    window = say(N_("按月")) if terms.grain == "month" else say(N_("按季"))
    if terms.reading is Reading.NONE:
        return say(N_("{window}全额应付，减去各条规则的扣款。")).format(window=window)
    reader = READINGS[terms.reading]
    return say(
        N_("{window}按口径 {reading} 计付：{name}（{formula}；F 应计费用，o 在线率，t 考核线，p 预付比例）。")
    ).format(window=window, reading=terms.reading.value, name=reader.name, formula=reader.formula)


def _policy(terms: Terms, say: Say) -> str:
    policy = terms.policy
    parts = [
        say(N_("连续 {n} 次不通才算掉线")).format(n=policy.confirm_samples),
        say(_UNKNOWN[policy.unknown]),
        say(_EXCLUDED[policy.exclusions]),
    ]
    if policy.minimum_outage_s:
        parts.append(say(N_("短于 {n} 秒的不算掉线")).format(n=policy.minimum_outage_s))
    if policy.minimum_coverage:
        parts.append(say(N_("监测完整率须达到 {share}")).format(share=share(policy.minimum_coverage)))
    return say(N_("；")).join(parts) + say(N_("。"))


_UNKNOWN: Mapping[str, str] = {
    "excluded": N_("监测缺失不计入在线率"),
    "online": N_("监测缺失视同在线"),
    "offline": N_("监测缺失视同离线"),
}
_EXCLUDED: Mapping[str, str] = {
    "out_of_both": N_("批准剔除的时间不计入分子与分母"),
    "online": N_("批准剔除的时间视同在线"),
    "counted": N_("剔除不影响在线率"),
}


def _rule(rule: Any, say: Say) -> Clause:
    family = FAMILIES[rule.kind]
    title = rule.title or family.name
    return Clause(
        say(N_("规则 {id}")).format(id=rule.id) + f"　{title}", rule_sentence(rule, say), rule.clause, rule.id
    )


def _escalation(terms: Terms, clause: Any, say: Say) -> str:
    unit = say(N_("个月")) if clause.grain == "month" else say(N_("个季度"))
    below = share(terms.target if clause.below is None else clause.below)
    text = N_("连续 {n} {unit}低于 {below} 的，自第 {n} 个起在线率扣款乘以 {factor}。")
    return say(text).format(n=clause.consecutive, unit=unit, below=below, factor=number(clause.factor))


def _breach(terms: Terms, clause: Any, say: Say) -> str:
    unit = say(N_("个月")) if clause.grain == "month" else say(N_("个季度"))
    below = share(terms.target if clause.below is None else clause.below)
    text = N_("连续 {n} {unit}低于 {below} 的，结算单上提示：{text}")
    return say(text).format(n=clause.consecutive, unit=unit, below=below, text=clause.text)


_PAYS: Mapping[str, str] = {
    "own": N_("以系统监测在线率付款。"),
    "authority": N_("以公安核定在线率付款。"),
    "lower": N_("取系统监测与公安核定中较低者付款。"),
    "higher": N_("取系统监测与公安核定中较高者付款。"),
}
_MISSING: Mapping[str, str] = {
    "wait": N_("未到则等待"),
    "provisional-own": N_("未到则暂按系统监测"),
    "prepay-only": N_("未到则只付预付款"),
}


def _authority(terms: Terms, say: Say) -> str:
    clause = terms.authority
    text = say(_PAYS[clause.pays])
    if clause.pays != "own":
        when = say(N_("季后 {n} 天内")).format(n=clause.by_day) if clause.by_day is not None else say(N_("公安数据"))
        text += f"{when}{say(_MISSING[clause.if_missing])}{say(N_('。'))}"
    if clause.tolerance:
        text += say(N_("两者相差 {share} 以内无须说明。")).format(share=share(clause.tolerance))
    return text


_LINKS: Mapping[str, str] = {"check": N_("复核"), "review": N_("分管复核"), "approve": N_("审批")}


def _approval(terms: Terms, say: Say) -> str:
    clause = terms.approval
    chain = " → ".join(say(_LINKS[word]) for word in clause.chain)
    text = say(N_("经办 → 核对 → 供应商确认 → {chain}，各由不同的人办理。")).format(chain=chain)
    if clause.objection_days is not None:
        silence = N_("逾期视为确认") if clause.silence == "confirms" else N_("逾期仍等待")
        text += say(N_("异议期 {n} 天，{silence}。")).format(n=clause.objection_days, silence=say(silence))
    return text


_FROM: Mapping[str, str] = {
    "quarter-start": N_("付款季度首日"),
    "quarter-end": N_("结算季度末日"),
    "issued": N_("结算单出具日"),
    "invoice": N_("发票日期"),
}


def _payment(terms: Terms, say: Say) -> str:
    clause = terms.payment
    days = N_("个工作日") if clause.days == "workday" else N_("天")
    text = say(N_("自{start}起 {n} {days}内支付。")).format(
        start=say(_FROM[clause.counted_from]), n=clause.due_days, days=say(days)
    )
    if clause.interest_per_day:
        text += say(N_("逾期每日计 {share} 利息")).format(share=share(clause.interest_per_day))
        if clause.interest_cap is not None:
            text += say(N_("，至多 {share}")).format(share=share(clause.interest_cap))
        text += say(N_("。"))
    return text


def _further(terms: Terms, say: Say) -> list[Clause]:
    found: list[Clause] = []
    if terms.retention is not None:
        text = N_("每季应付的 {share} 留作质保金，{day} 退还。")
        its = terms.retention
        found.append(Clause(say(N_("质保金")), say(text).format(share=share(its.share), day=its.released_on)))
    if terms.instalments is not None:
        plan = terms.instalments
        text = N_("总额 {total} 元，分 {n} 期，首期 {day}，每 {months} 个月一期。")
        found.append(
            Clause(
                say(N_("分期")),
                say(text).format(
                    total=grouped(plan.total_fen), n=plan.count, day=plan.first_due, months=plan.every_months
                ),
            )
        )
    if terms.relocation is not None:
        text = N_("每年 {n} 处迁移免费，超出每处 {price} 元。")
        move = terms.relocation
        found.append(Clause(say(N_("迁移")), say(text).format(n=move.free_per_year, price=grouped(move.price_fen))))
    if terms.total_fen is not None:
        text = N_("累计支付不超过合同总金额 {total} 元。")
        found.append(Clause(say(N_("合同总金额")), say(text).format(total=grouped(terms.total_fen))))
    return found


def phase_sentence(phase: Phase, say: Say) -> str:
    """Return a phase's price and term in words, for comparing versions."""
    text = say(N_("单价 {price} 元/点/月，{start} 起 {n} 个月")).format(
        price=grouped(phase.unit_price_fen), start=phase.in_service_from, n=phase.months
    )
    if phase.components_fen:
        text += "；" + "、".join(f"{name} {grouped(fen)}" for name, fen in phase.components_fen.items())
    for price in phase.prices:
        text += say(N_("；{day} 起 {price} 元")).format(day=price.valid_from, price=grouped(price.unit_price_fen))
    return text


class Changed(NamedTuple):
    """A clause of two versions: `before` or `after` is "" where only one of them has it."""

    about: str
    before: str
    after: str


def changed_clauses(one: Terms, other: Terms, say: Say) -> list[Changed]:
    """Return what the clauses, phases and rules of two versions say differently, in the order of the later one."""

    def told(terms: Terms) -> dict[tuple[str, str], tuple[str, str]]:
        parties = ("title", "purchaser", "supplier")
        names = {"title": N_("名称"), "purchaser": N_("采购人"), "supplier": N_("供应商")}
        rows = {("party", name): (say(names[name]), str(getattr(terms, name))) for name in parties}
        seen: dict[str, int] = {}
        for clause in clauses_of(terms, say):
            n = seen[clause.about] = seen.get(clause.about, 0) + 1
            key = clause.key or f"{clause.about} {n}"
            text = clause.text + (f"（{clause.source}）" if clause.source else "")
            rows["clause", key] = (clause.about, text)
        for phase in terms.phases:
            about = say(N_("期次 {id}")).format(id=phase.id)
            rows["phase", phase.id] = (about, phase_sentence(phase, say))
        return rows

    was, now = told(one), told(other)
    keys = [*now, *(key for key in was if key not in now)]
    found = []
    for key in keys:
        before, after = was.get(key, ("", ""))[1], now.get(key, ("", ""))[1]
        if before != after:
            found.append(Changed((now.get(key) or was[key])[0], before, after))
    return found
