"""`camsla evidence show`: one point's timeline for a person, day by day, and what stands behind every outage."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from console import views
from console.app import database
from console.authority.terms import terms_for
from console.cli.frame import Session, answering, json_option, pass_session, print_json, print_table
from console.evaluator.challenging import RAW
from console.points.records import Places
from console.points.strip import MARKS, Down, PointLine, point_line
from monitor.evidence.folder import LogFolder
from monitor.model import MICROSECONDS
from monitor.period import parse_period
from monitor.rates import rate_of, six
from monitor.store.claims import Claim
from monitor.store.seen import Probe
from monitor.timeline import Policy

STATUS_ZH = {
    "pending": "待批 pending",
    "approved": "同意 approved",
    "withdrawn": "撤回 withdrawn",
    "revocation": "撤回件 revocation",
}
WHAT_ZH = {"": "剔除 exclusion", "online": "补判在线 to online", "offline": "补判离线 to offline"}
LEGEND = "图例 legend（每格半小时，取其中最差 half an hour each, the worst of it）: " + "  ".join(
    f"{MARKS[name]} {zh}"
    for name, zh in (
        ("online", "在线 online"),
        ("offline", "离线 offline"),
        ("unknown", "未知 unknown"),
        ("excluded", "剔除 excluded"),
    )
)


@click.command(short_help="一个点位的时间线 a point's timeline")
@click.argument("point")
@click.option("--period", required=True, help="2020-07 | 2020Q3 | 2020-07-01..2020-07-31（含首尾 inclusive）")
@click.option("--contract", help="按此合同的口径 under this contract's policy; 默认为设置 default: the settings'")
@click.option("--raw", is_flag=True, help="不作掉线确认，每次失败都算 every failed probe counts, nothing is debounced")
@json_option
@pass_session
@answering
def show(session: Session, point: str, period: str, contract: str | None, raw: bool, as_json: bool) -> None:
    """逐日显示一个点位的状态，及其掉线（原因、层级、上联归因、最初几次探测）、监测中断、剔除与补判，附封存记录编号。

    A strip of characters a day; outages with their reasons, rungs, attribution and first failing probes; the watcher's gaps;
    exclusions and reclassifications; each with the number of its sealed record.
    """
    settings = session.settings
    if raw and contract is not None:
        raise click.UsageError("--raw 与 --contract 二者取一 --raw or --contract, not both")
    terms = None if contract is None else terms_for(settings, contract)
    zone = settings.zone if terms is None else terms.zone
    policy = RAW if raw else settings.policy if terms is None else terms.policy
    question = views.Question(parse_period(period), zone, policy)
    with database.reader(settings) as connection:
        log = LogFolder(settings.evidence_dir, settings.evidence.origin)
        places = Places(log, settings.archive_dir, settings.zone)
        line = point_line(connection, point, question, database.now(), places)
    if as_json:
        print_json(
            {
                "period": period,
                "contract": None if terms is None else terms.contract,
                "raw": raw,
                **_json(line, policy, zone),
            }
        )
        return
    named = "原始 raw" if raw else "设置 settings" if terms is None else terms.contract
    _head(line, period, f"口径 policy: {named}", policy)
    _strips(line)
    _tables(line, zone)


def _head(line: PointLine, period: str, named: str, policy: Policy) -> None:
    facts = line.facts[-1]
    told = "，".join(
        f"{zh} {value}"
        for zh, value in (
            ("合同", facts.contract), ("期次", facts.phase), ("区域", facts.area), ("供应商", facts.supplier), ("上联", facts.upstream),
        )
        if value
    )  # fmt: skip
    click.echo(f"{line.code} {facts.name}" + (f"（{told}）" if told else ""))
    if facts.address:
        click.echo(facts.address)
    rate = rate_of(line.seconds, policy)
    share = six(rate.value)
    seconds = line.seconds
    click.echo(
        f"{period} · {named} · 在线率 rate {'—' if share is None else f'{float(share):.4%}'} · 在线 online {seconds.online:,} s · "
        f"离线 offline {seconds.offline:,} s · 未知 unknown {seconds.unknown:,} s · 剔除 excluded {seconds.excluded:,} s"
    )
    click.echo(LEGEND)


def _strips(line: PointLine) -> None:
    cells = max(len(day.strip) for day in line.days)
    scale = "".join(f"{hour:<8}" for hour in range(0, 24, 4))[:cells]
    click.echo(f"{'':11}{scale:<{cells}}")
    for day in line.days:
        online, offline, unknown, excluded = day.seconds
        dark = [
            f"{zh} {_span(n)}"
            for zh, n in (("离线", offline), ("未知", unknown), ("剔除", excluded))
            if n
        ]  # fmt: skip
        known = online + offline
        share = f"{online / known:8.3%}" if known else f"{'—':>8}"
        click.echo(f"{day.day} {day.strip:<{cells}} {share} {' '.join(dark)}".rstrip())


def _tables(line: PointLine, zone: str) -> None:
    def local(second: int) -> str:
        return datetime.fromtimestamp(second, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")

    headings = ("起 from", "止 to", "历时 lasted", "原因/层级 reason/rung", "上联归因 upstream", "记录 record")
    print_table(
        f"掉线 outages · {len(line.outages):,}",
        [(heading, False) for heading in headings],
        [
            (
                local(row.start),
                "仍在掉线 still down" if row.still_down else local(row.end),
                _span(row.offline_s),
                "\n".join(_reasons(row)),
                row.upstream,
                "导入 imported" if row.imported else _leaf(row.leaf) if row.reasons else "",
            )
            for row in line.outages
        ],
    )
    logged = [(row, probe) for row in line.outages for probe in row.probes]
    if logged:
        _logs(logged, zone)
    elif any(row.reasons and not row.imported for row in line.outages):
        click.echo("最初几次探测的明细已不在库和归档中 the first probes' own results are no longer kept")
    if line.gaps:
        columns = ("观测源 vantage", "起 from", "止 to", "范围 of", "原因 cause", "记录 record")
        print_table(
            f"监测中断 gaps · {len(line.gaps):,}",
            [("编号 no.", True), *((heading, False) for heading in columns)],
            [
                (
                    row.id, row.vantage, local(row.start // MICROSECONDS),
                    "未结束 not over" if row.end is None else local(row.end // MICROSECONDS),
                    row.point or "全部 all", row.cause, _leaf(leaf),
                )
                for row, leaf in line.gaps
            ],
        )  # fmt: skip
    if line.claims:
        names = ("内容 what", "起 from", "止 to", "事由 reason", "申请 by", "批准 by", "状态 status", "记录 record")
        print_table(
            f"剔除与补判 corrections · {len(line.claims):,}",
            [("编号 no.", True), *((heading, False) for heading in names)],
            [
                (
                    row.id, WHAT_ZH[row.to], local(row.start // MICROSECONDS), local(row.end // MICROSECONDS), row.cause,
                    row.claimed_by, row.approved_by, STATUS_ZH[row.status], _leaf(leaf),
                )
                for row, leaf in line.claims
            ],
        )  # fmt: skip


def _logs(logged: list[tuple[Down, Probe]], zone: str) -> None:
    headings = ("时刻 at", "观测源 vantage", "状态 state", "原因 reason", "层级 rung")
    print_table(
        "最初几次失败的探测 the first failing probes",
        [*((heading, False) for heading in headings), ("用时 took ms", True), ("批次 batch", True)],
        [
            (
                datetime.fromtimestamp(probe.at / MICROSECONDS, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
                probe.vantage, probe.outcome.state.value, probe.outcome.reason.value, probe.outcome.rung.value,
                f"{probe.took_us / 1_000:,.1f}", "归档 archive" if probe.batch is None else f"{probe.batch:,}",
            )
            for _, probe in logged
        ],
    )  # fmt: skip


def _reasons(row: Down) -> list[str]:
    return [f"{reason}/{rung} ×{n:,}" for reason, rung, n in row.reasons] or ["补判 reclassified"]


def _leaf(number: int | None) -> str:
    return "未封存 not sealed" if number is None else f"{number}"


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, 3_600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


def _json(line: PointLine, policy: Policy, zone: str) -> dict[str, Any]:
    def local(second: float) -> str:
        return datetime.fromtimestamp(second, ZoneInfo(zone)).isoformat()

    def claim(row: Claim, leaf: int | None) -> dict[str, Any]:
        return {
            "id": row.id, "what": row.what, "to": row.to or None, "start": local(row.start / MICROSECONDS),
            "end": local(row.end / MICROSECONDS), "reason": row.cause, "document": row.document_sha or None,
            "claimed_by": row.claimed_by, "approved_by": row.approved_by or None, "revokes": row.revokes,
            "status": row.status, "record": leaf,
        }  # fmt: skip

    return {
        "point": line.code,
        "name": line.facts[-1].name,
        "seconds": line.seconds._asdict(),
        "rate": six(rate_of(line.seconds, policy).value),
        "days": [{"day": day.day.isoformat(), **day.seconds._asdict(), "strip": day.strip} for day in line.days],
        "outages": [
            {
                "start": local(row.start), "end": local(row.end), "offline_s": row.offline_s, "open": row.still_down,
                "upstream": row.upstream or None,
                "reasons": [{"reason": reason, "rung": rung, "samples": n} for reason, rung, n in row.reasons],
                "probes": [_probe(probe, zone) for probe in row.probes],
                "imported": row.imported,
                "record": row.leaf,
            }
            for row in line.outages
        ],
        "gaps": [
            {
                "id": row.id, "vantage": row.vantage, "point": row.point, "start": local(row.start / MICROSECONDS),
                "end": None if row.end is None else local(row.end / MICROSECONDS), "cause": row.cause, "record": leaf,
            }
            for row, leaf in line.gaps
        ],
        "corrections": [claim(row, leaf) for row, leaf in line.claims],
    }  # fmt: skip


def _probe(probe: Probe, zone: str) -> dict[str, Any]:
    return {
        "at": datetime.fromtimestamp(probe.at / MICROSECONDS, ZoneInfo(zone)).isoformat(),
        "vantage": probe.vantage,
        "state": probe.outcome.state.value,
        "reason": probe.outcome.reason.value,
        "rung": probe.outcome.rung.value,
        "took_us": probe.took_us,
        "batch": probe.batch,
    }
