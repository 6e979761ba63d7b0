"""The formula of every rule family in a line of each language, for the method page. Figures stand on the statement."""

from __future__ import annotations

from collections.abc import Mapping

FORMULAS: Mapping[str, tuple[str, str]] = {
    "pro-rata": (
        "应付 = 费用 × 在线率；在线率达到 full_from 的全付",
        "payable = fee × online rate; from full_from on the whole fee",
    ),
    "substituted-tiers": (
        "应付 = 费用 × 在线率所在档的 pays（rate 即在线率本身）",
        "payable = fee × what the tier of the rate pays (rate: the online rate itself)",
    ),
    "point-elimination": (
        "窗口内一点的计入离线时长超过 hours，该点本窗口不付费；书面报备的不计",
        "a point out for longer than hours in the window is not paid for it; outages excused in writing do not count",
    ),
    "per-percentage-point": (
        "扣款 = (counted_from − 在线率) 的百分点数 × share_per_point × 费用（of: year 为年费）；steps 之外另加",
        "deduction = percentage points below counted_from × share_per_point × the fee (of: year, the yearly fee); steps add to it",
    ),
    "hourly-percentage": (
        "扣款 = 免计 free_hours 之外的小时数 × share_per_hour × 该点费用；达到 flat.hours 按 flat.share；至多该点费用",
        "deduction = hours beyond free_hours × share_per_hour × the point's fee; from flat.hours on flat.share; at most the point's fee",
    ),
    "time-abatement": (
        "扣款 = 该点费用 × 计入的故障小时 ÷ 月小时数（hours_per_month，未写则为窗口实际小时）",
        "deduction = the point's fee × counted hours ÷ hours of the month (hours_per_month; else those of the window)",
    ),
    "daily-fee": (
        "扣款 = 该点费用 ÷ 天数（days_per_month，未写则为窗口天数）× 故障天数（24 小时为一天）",
        "deduction = the point's fee ÷ days (days_per_month; else those of the window) × days of outage (24 hours each)",
    ),
    "fee-brackets": (
        "扣款 = 费用 × 在线率所在档的 deducts（bracket：整档；marginal：逐档累加）",
        "deduction = fee × what the bracket of the rate deducts (bracket: as a whole; marginal: each part at its own)",
    ),
    "assessment-score": (
        "得分 = 100 − 各类事件 points × 次数 − 其他规则扣分；应付 = 费用 × 得分所在档的 pays",
        "score = 100 − points of each event − points of other rules; payable = fee × what the score's band pays",
    ),
    "class-allowance": (
        "超出该类点位免计分钟后，每满（或不足）一小时扣该类分值",
        "beyond the minutes allowed for the point's class, each hour takes the class's points off",
    ),
    "weighted-unavailability": (
        "扣款 = 费用 ÷ 360 × 点位权重 × 不可用时段数 × 使用系数 × 重复系数",
        "deduction = fee ÷ 360 × weight of the point × periods out × use factor × repeat factor",
    ),
    "rectification": (
        "在时限内修复不扣；逾期自故障起计；同因在规定小时内再发，追溯至前一次",
        "repaired within the deadline costs nothing; late counts from the start; the same cause again within the hours is back-dated",
    ),
    "sampling": (
        "扣款点数 = 总点数 × (抽检缺陷率 − 允许率)；扣款 = 点数 × 单价",
        "points charged = all points × (share of defects − what is allowed); deduction = points × price",
    ),
    "excess-surcharge": (
        "扣款 = k × 费用 × max(0, 故障率 − 允许故障率)",
        "deduction = k × fee × max(0, fault rate − the allowed one)",
    ),
    "late-payment": (
        "利息 = 逾期金额 × 日利率 × 天数；不影响本期应付",
        "interest = amount × daily share × days; it never changes what is payable",
    ),
    "unit-fine": (
        "扣款 = 单项金额 × 次数（或开始的时段数）",
        "deduction = amount × events (or periods begun)",
    ),
}
"""By kind."""

READING_FORMULAS: Mapping[str, str] = {
    "A": "应付 = F × o",
    "B": "o ≥ t：应付 = F；o < t：应付 = F × o",
    "C": "应付 = F × (1 − max(0, t − o))",
    "D": "应付 = F × min(1, o ÷ t)",
    "E": "应付 = F × min(o, p)",
    "G": "应付 = p × F × o",
    "H": "应付 = F × max(0, o − k × max(0, t − o))",
    "none": "应付 = F − 各规则扣款（见下） F less what the rules below take",
}
"""By reading: F full fee, o online rate, t target, p prepaid share, k surcharge."""
