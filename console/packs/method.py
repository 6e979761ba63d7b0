"""method.html: one page with the formulas of seconds, rates, reading and rules of THIS contract, with the period's figures.

A page of its own: no script, no picture, nothing fetched. Every text of anybody's is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from console.packs.conclusion import percent
from console.packs.formulas import FORMULAS, READING_FORMULAS
from console.packs.readme import template
from console.packs.report import PhaseFigures, Report
from console.packs.story import Story
from monitor.timeline import Policy
from settlement.contract import Reading, Terms
from settlement.families.family import RuleTerms
from settlement.money import fen, grouped
from settlement.readings import READINGS
from settlement.readings import percent as exact_percent
from settlement.reports.form import KINDS, phase_title, rule_kind

ITEMS = 20
"""So many items of a rule are printed; the statement in blobs/ has all."""
_TOLD = frozenset({"kind", "id", "title"})
"""What stands in a rule's heading."""


def page_of(story: Story, report: Report) -> bytes:
    """Return the page, UTF-8."""
    title = f"计算方法 {story.name}"
    body = "\n".join(_sections(story, report))
    head = (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{template('method.css')}</style>\n</head>\n<body>\n"
    )
    return f"{head}{body}\n</body>\n</html>\n".encode()


def _sections(story: Story, report: Report) -> Iterator[str]:
    terms = story.terms
    yield "<h1>计算方法与本期数字</h1>"
    yield '<p class="sub en">Method: the formulas that this contract uses, with this period\'s figures</p>'
    yield _pairs(
        (
            ("合同 contract", f"{terms.title or terms.contract}（{terms.contract} v{story.version}）"),
            ("期间 period", f"{story.period}：{story.first} 至 {story.last}，时区 {terms.zone}"),
            ("考核线 target t", exact_percent(terms.target)),
            ("预付比例 prepaid share p", exact_percent(terms.prepay_share)),
            ("税率 tax", exact_percent(terms.tax_rate)),
        )
    )
    parts = (_seconds(terms.policy), _rates(terms, report), _reading(story), _rules(story), _lines(story), _log(story))
    numbers = iter("一二三四五六")
    for part in parts:
        for text in part:
            yield text.replace("<h2>", f"<h2>{next(numbers)}、", 1) if text.startswith("<h2>") else text


def _p(zh: str, en: str) -> str:
    return f'<p>{escape(zh)} <span class="en">{escape(en)}</span></p>'


def _formula(text: str) -> str:
    return f'<p class="formula">{escape(text)}</p>'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in pairs)
    return f"<table>{rows}</table>"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], text: frozenset[int] = frozenset({0})) -> str:
    """Columns in `text` are words, all others figures."""
    head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
    plain, figure = "<td>", '<td class="n">'
    body = "".join(
        "<tr>" + "".join(f"{plain if n in text else figure}{escape(cell)}</td>" for n, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _seconds(policy: Policy) -> Iterator[str]:
    yield "<h2>秒数 seconds</h2>"
    yield _p(
        "每次探测的结论自其时刻起有效，到下一结论、有效期满或监测中断为止；此外为监测缺失，既不算好也不算坏。",
        "A verdict holds from its sample to the next one, to the end of its validity, or to a gap; all else is unknown.",
    )
    yield _p(
        "多个监测点同时观察时：任一见到在线即在线"
        if policy.vantages == "any_online"
        else f"多个监测点同时观察时：任一见到在线即在线；至少 {policy.quorum} 个见到离线才算离线",
        "Several vantages: online if any says so"
        + ("." if policy.vantages == "any_online" else f"; offline if at least {policy.quorum} say so."),
    )
    yield _p(
        f"离线段累计不少于 {policy.minimum_outage_s} 秒且不少于 {policy.confirm_samples} 次探测，才确认为中断；"
        "未确认的，两侧都在线则算在线，否则算缺失。",
        f"An outage is confirmed from {policy.minimum_outage_s} s and {policy.confirm_samples} failed samples on; "
        "else it is online if both sides are, unknown if not.",
    )
    yield _p(
        f"恢复须不少于 {policy.minimum_recovery_s} 秒且不少于 {policy.recovery_samples} 次探测，否则仍算离线。",
        f"A recovery counts from {policy.minimum_recovery_s} s and {policy.recovery_samples} samples on; else it stays offline.",
    )
    if policy.auth_rejected == "offline":
        yield _p("口令被拒算离线（合同约定）。", "A rejected login is offline, as the contract says.")
    yield _formula("在线 ON + 离线 OFF + 缺失 U + 剔除 X = 服务期内的全部秒数")


_UNKNOWN = {
    "excluded": ("缺失不计入两侧", "unknown counts on neither side"),
    "online": ("缺失算在线", "unknown counts as online"),
    "offline": ("缺失算离线", "unknown counts as offline"),
}
_EXCLUDED = {
    "out_of_both": ("剔除时段不计入两侧", "excluded time counts on neither side"),
    "online": ("剔除时段视同在线，计入两侧", "excluded time counts as online on both sides"),
    "counted": ("剔除不影响在线率", "exclusions have no effect"),
}


def _rates(terms: Terms, report: Report) -> Iterator[str]:
    policy = terms.policy
    good = ["ON"] + ["X"] * (policy.exclusions == "online") + ["U"] * (policy.unknown == "online")
    counted = ["ON", "OFF"] + ["X"] * (policy.exclusions == "online") + ["U"] * (policy.unknown != "excluded")
    yield "<h2>在线率 online rate</h2>"
    yield _formula(f"在线率 o = ({' + '.join(good)}) ÷ ({' + '.join(counted)})")
    base = "ON + X" if policy.exclusions == "online" else "ON"
    whole = "ON + OFF + X" if policy.exclusions == "online" else "ON + OFF"
    yield _formula(f"下限 = ({base}) ÷ ({whole} + U)　上限 = ({base} + U) ÷ ({whole} + U)")
    zh, en = zip(_UNKNOWN[policy.unknown], _EXCLUDED[policy.exclusions], strict=True)
    yield _p(
        "；".join(zh) + "。一期的在线率把各点的秒数相加后再除。", "; ".join(en) + ". A phase adds its points' seconds."
    )
    if not report.phases:
        yield _p("本包没有可重算的期次。", "No phase is recomputed in this pack.")
        return
    rows = [_rate_row(figures) for figures in report.phases]
    headings = (
        "期次",
        "点位",
        "在线 ON s",
        "离线 OFF s",
        "缺失 U s",
        "剔除 X s",
        "计好 ÷ 计入",
        "在线率",
        "下限 ～ 上限",
    )
    yield _table(headings, rows)
    if terms.authority.pays != "own":
        word = {"authority": "公安核定在线率", "lower": "两者中较低的", "higher": "两者中较高的"}[terms.authority.pays]
        yield _p(
            f"按合同，付款采用{word}；上表是系统监测值。",
            "The contract pays by the authority's figure or a choice of both; the table shows our own measurement.",
        )


def _rate_row(figures: PhaseFigures) -> list[str]:
    return [
        figures.title or figures.phase,
        f"{figures.points:,}",
        *(f"{part:,}" for part in figures.seconds),
        f"{figures.good:,} ÷ {figures.counted:,}",
        percent(figures.value),
        f"{percent(figures.worst)} ～ {percent(figures.best)}",
    ]


def _reading(story: Story) -> Iterator[str]:
    terms = story.terms
    document = story.document
    reading = Reading(document["reading"]) if document is not None else terms.reading
    yield f"<h2>计费口径 reading {escape(reading.value)}</h2>"
    if reading is not Reading.NONE:
        yield f"<p>{escape(READINGS[reading].name)}</p>"
    yield _formula(READING_FORMULAS[reading.value])
    yield _p(
        f"F 应计服务费（点月数 × 单价），o 采用的在线率，t 考核线 {exact_percent(terms.target)}，"
        f"p 预付比例 {exact_percent(terms.prepay_share)}，k 加扣倍数 {terms.excess_surcharge}。",
        "F full fee (point-months × price), o the rate that pays, t target, p prepaid share, k surcharge.",
    )
    month = "按月" if terms.grain == "month" else "按季"
    yield _p(
        f"{month}计算；不足整月按{_DAY_COUNT.get(terms.day_count.value, terms.day_count.value)}；"
        "金额以精确分数计算，每行只在最后舍入一次到分（四舍五入）。",
        "Amounts are exact fractions, each line is rounded once, half up, to the fen.",
    )
    if document is None:
        return
    rows = [
        [
            phase_title(phase),
            f"{phase['points']['opening']:,} / +{phase['points']['added']:,} / −{phase['points']['removed']:,}",
            phase["points"]["point_months"],
            _money(phase["unit_price"]),
            _money(phase["full_fee"]["gross"]),
            _used(phase),
        ]
        for phase in document["phases"]
    ]
    yield _table(("期次", "计费点位 季初/增/减", "点月数", "单价 元", "应计服务费 F 元", "采用在线率 o"), rows)


_DAY_COUNT = {"actual": "当月实际天数", "actual/30": "每月 30 天", "half-month": "半月（上下半月）"}


def _used(phase: Mapping[str, Any]) -> str:
    rate = phase.get("rate")
    if not rate:
        return "—"
    return f"{rate['good']:,} ÷ {rate['counted']:,} = {rate['value']}"


def _money(text: str) -> str:
    return grouped(fen(text))


def _rules(story: Story) -> Iterator[str]:
    terms = story.terms
    if not terms.rules:
        return
    yield "<h2>考核规则 rules of this contract</h2>"
    taken = [
        (phase_title(phase), rule)
        for phase in (story.document["phases"] if story.document is not None else ())
        for rule in phase["rules"]
    ]
    for rule in terms.rules:
        yield f"<h3>{escape(rule.id)}　{escape(rule_kind(rule.kind))}　{escape(rule.title)}</h3>"
        zh, en = FORMULAS.get(rule.kind, ("", ""))
        if zh:
            yield f'<p class="formula">{escape(zh)}<br><span class="en">{escape(en)}</span></p>'
        yield f"<p><code>{escape(_terms_of(rule))}</code></p>"
        rows = [
            [title, found["window"], _amount(found), found["formula"]]
            for title, found in taken
            if found["rule"] == rule.id
        ]
        if rows:
            yield _table(("期次", "窗口", "扣款", "算式 with figures"), rows, frozenset({0, 1, 3}))
        items = [item for _, found in taken if found["rule"] == rule.id for item in found["items"]]
        if items:
            shown = [[i["point"], i["incident"], i["amount"], i["why"], i["suppressed_by"]] for i in items[:ITEMS]]
            yield _table(("点位", "事件", "金额", "事由", "已由何规则处罚"), shown, frozenset({0, 1, 3, 4}))
            if len(items) > ITEMS:
                more = len(items) - ITEMS
                yield _p(f"另有 {more:,} 项，见 blobs/ 中的结算单。", f"{more:,} more in the statement under blobs/.")


def _amount(found: Mapping[str, Any]) -> str:
    return f"{found['amount']} 元" if found["unit"] == "fen" else f"{found['amount']} 分"


def _terms_of(rule: RuleTerms) -> str:
    told = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return "；".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in told.items() if key not in _TOLD
    )


def _lines(story: Story) -> Iterator[str]:
    document = story.document
    if document is None:
        return
    yield "<h2>结算单各行 lines of the statement</h2>"
    rows = []
    for phase in document["phases"]:
        rows += [_line(phase_title(phase), line) for line in phase["lines"]]
    rows += [_line(line["phase"], line) for line in document["adjustments"]]
    yield _table(("期次", "项目", "金额 元（含税）", "算式 arithmetic"), rows, frozenset({0, 1, 3}))
    totals = document["totals"]
    yield _formula(f"本次应付净额 net due = {_money(totals['total'])} 元（应付 payable {_money(totals['payable'])}）")


def _line(phase: str, line: Mapping[str, Any]) -> list[str]:
    zh, en = KINDS.get(line["kind"], (line["kind"], ""))
    window = f" {line['window']}" if line.get("window") else ""
    return [f"{phase}{window}", f"{zh} {en}".strip(), _money(line["gross"]), line["why"]]


def _log(story: Story) -> Iterator[str]:
    sealed = story.sealed
    yield "<h2>记录与封存 log and seal</h2>"
    yield _formula("叶 leaf = SHA-256(0x00 ‖ 行)　节点 node = SHA-256(0x01 ‖ 左 ‖ 右)　（RFC 9162 第 2.1 节）")
    yield _p(
        "每天封存一次：当天的各行接在此前的树之后，树根由采集方签名，并由见证方加签。树根之前任何一行的改动、删除、调换或插入都会使树根不同。",
        "Each day's lines are appended to the tree; its root is signed by the collector and co-signed by witnesses. "
        "Any change before it gives another root.",
    )
    yield _pairs(
        (
            ("日志 origin", sealed.origin),
            ("封存日期 days", f"{sealed.first} 至 {sealed.last}"),
            ("本包记录 records", f"{sealed.records:,}"),
            ("树的大小 tree size", f"{sealed.size:,}"),
            ("树根 root", sealed.root),
            ("合同条款 terms SHA-256", story.terms_sha or "—"),
            ("冻结的输入 inputs SHA-256", story.inputs_sha or "—"),
            ("结算单 statement SHA-256", story.statement_sha or "—"),
            ("软件 software", story.software),
        )
    )
