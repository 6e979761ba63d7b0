"""佐证材料目录: every paper that an evaluator asks for, with what the pack holds of it and what is still to be attached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from console.packs.story import Attached, Story, issued_word
from settlement.reports.paper import shown

TO_ATTACH = "待补 to be attached"
HEADINGS = (
    "序号",
    "对应指标",
    "材料名称",
    "文号 / 编号",
    "日期",
    "出具单位",
    "原件 / 复印件 / 电子",
    "页数",
    "是否盖章",
    "文件指纹 SHA-256",
    "备注",
)


class Row(NamedTuple):
    """One material: texts as they are printed. `held`: the pack holds it."""

    indicator: str
    title: str
    number: str = ""
    day: str = ""
    issuer: str = ""
    form: str = ""
    pages: str = ""
    sealed: str = ""
    sha256: str = ""
    remark: str = ""
    held: bool = False

    def cells(self, n: int) -> tuple[str, ...]:
        """The row under HEADINGS."""
        return (str(n), *self[:-1])


PAPERS: tuple[tuple[str, str], ...] = (
    ("立项 project", "立项批复"),
    ("绩效目标 targets", "绩效目标表"),
    ("预算 budget", "预算批复及调整"),
    ("采购 procurement", "采购文件"),
    ("采购 procurement", "中标通知书"),
    ("合同 contract", "合同及补充协议"),
    ("管理 management", "实施方案"),
    ("管理 management", "管理制度"),
    ("验收 acceptance", "验收单"),
    ("台账 ledger", "点位台账及变更审批"),
    ("在线率 online rate", "公安月度在线率原件"),
    ("在线率 online rate", "系统监测明细（封存）"),
    ("在线率 online rate", "报备及剔除审批"),
    ("在线率 online rate", "现场核查表"),
    ("运维 maintenance", "故障工单"),
    ("运维 maintenance", "周汇总表"),
    ("考核 assessment", "考核评分表"),
    ("结算 settlement", "费用结算单"),
    ("支付 payment", "发票"),
    ("支付 payment", "支付申请"),
    ("支付 payment", "支付凭证"),
    ("支付 payment", "回单"),
    ("支付 payment", "明细账"),
    ("结算 settlement", "异议复核意见"),
    ("效益 use", "使用台账"),
    ("满意度 satisfaction", "满意度问卷"),
    ("绩效 performance", "绩效自评表"),
    ("整改 rectification", "上年整改报告"),
)
"""What offices collect, in the order of the list they use, with the indicator that it backs."""


def rows_of(story: Story) -> list[Row]:
    """Return the list: what the pack holds under each paper, then what else was attached; the rest is to be attached."""
    waiting = list(story.attached)
    rows: list[Row] = []
    for indicator, title in PAPERS:
        found = list(_known(story, indicator, title))
        for document in [item for item in waiting if item.title == title]:
            found.append(_scan(indicator, document))
            waiting.remove(document)
        rows += found
        if not any(row.held for row in found):
            rows.append(Row(indicator, title, remark=TO_ATTACH))
        elif title in _PAPER_TOO and not _scanned(found):
            rows.append(Row(indicator, title, remark=f"签章原件扫描件 the signed paper：{TO_ATTACH}"))
    rows += [_scan("其他 other", document) for document in waiting]
    return rows


_PAPER_TOO = frozenset({"合同及补充协议", "点位台账及变更审批", "费用结算单"})
"""Of these the system holds data; the signed paper is wanted besides."""


def _scanned(rows: Iterable[Row]) -> bool:
    return any(row.form.startswith("扫描件") for row in rows)


def _scan(indicator: str, document: Attached) -> Row:
    pages = "" if document.pages is None else str(document.pages)
    remark = f"随包 in this pack: blobs/{document.sha256[:12]}…"
    if document.name and document.name != document.title:
        remark = f"{document.name}　{remark}"
    form = "扫描件 scan" if document.media in _PICTURES else "电子 electronic"
    return Row(indicator, document.title, form=form, pages=pages, sha256=document.sha256, remark=remark, held=True)


_PICTURES = frozenset({"application/pdf", "image/png", "image/jpeg", "image/tiff"})


def _data(indicator: str, title: str, **more: Any) -> Row:
    return Row(indicator, title, form="电子数据 data", sealed="数字签名 signed", held=True)._replace(**more)


def _known(story: Story, indicator: str, title: str) -> Iterator[Row]:
    """Yield what the system itself has of a paper."""
    sealed = story.sealed
    match title:
        case "合同及补充协议":
            number = f"{story.terms.contract} v{story.version}"
            remark = "合同条款（录入并经另一人批准的数据）terms as entered and approved by another person"
            sha = story.terms_sha
            yield _data(indicator, title, number=number, issuer=story.terms.purchaser, sha256=sha, remark=remark)
        case "点位台账及变更审批":
            remark = f"{story.points:,} 个点位 points；csv/points.csv"
            yield _data(indicator, title, number=story.name, day=_days(story.first, story.last), remark=remark)
        case "公安月度在线率原件":
            yield from _authority(story, indicator, title)
        case "系统监测明细（封存）":
            days = _days(sealed.first, sealed.last)
            remark = f"{sealed.records:,} 条记录 records；树根 root {sealed.size:,}：{sealed.root[:16]}…；log/"
            yield _data(
                indicator,
                title,
                number=sealed.origin,
                day=days,
                issuer="本系统 camsla",
                sha256=sealed.root,
                remark=remark,
            )
        case "报备及剔除审批":
            for count in story.corrections:
                papers = f"；依据 documents {len(count.documents)}" if count.documents else ""
                remark = f"{count.kind} {count.number:,} 条，均经另一人批准 each approved by another person{papers}；csv/corrections.csv"
                yield _data(indicator, title, remark=remark)
        case "现场核查表":
            for member, what in sorted(story.sheets.items()):
                yield _data(
                    indicator, title, number=what, remark=f"按种子抽样，快照已封存 drawn by seed, sealed；{member}"
                )
        case "考核评分表" if story.scorecard:
            yield _data(indicator, title, number=story.name, remark=story.scorecard)
        case "费用结算单" if story.document is not None:
            word = issued_word(story)
            number = f"{story.terms.contract} {story.document['quarter']} r{story.document['revision']}"
            remark = f"{word}；blobs/{story.statement_sha[:12]}…"
            yield _data(
                indicator, title, number=number, issuer=story.terms.purchaser, sha256=story.statement_sha, remark=remark
            )


def _authority(story: Story, indicator: str, title: str) -> Iterator[Row]:
    for file in story.files:
        checked = f"经 {file['checked_by']} 核对 checked" if file.get("checked_by") else "未核对 not checked"
        yield Row(
            indicator,
            title,
            number=str(file.get("reference", "")),
            day=str(file.get("received_on", "") or ""),
            issuer="公安机关",
            form="电子 electronic",
            sha256=str(file["sha256"]),
            remark=f"{file.get('name', '')}；{checked}",
            held=True,
        )


def _days(first: date, last: date) -> str:
    return f"{first} 至 {last}"


def page_of(story: Story) -> dict[str, object]:
    """Return the index as strings for its template."""
    rows = rows_of(story)
    return {
        "title": "佐证材料目录",
        "number": shown(story.name),
        "digest": story.inputs_sha,
        "pairs": [
            ["项目 / 合同", shown(f"{story.terms.title or story.terms.contract}（{story.terms.contract}）")],
            ["期间", f"{story.period}（{_days(story.first, story.last)}）"],
            ["甲方", shown(story.terms.purchaser or "—")],
            ["乙方", shown(story.terms.supplier or "—")],
        ],
        "headings": list(HEADINGS),
        "rows": [{"cells": [shown(cell) for cell in row.cells(n)], "held": row.held} for n, row in enumerate(rows, 1)],
        "held": str(sum(row.held for row in rows)),
        "missing": str(sum(not row.held for row in rows)),
    }
