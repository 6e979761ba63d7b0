"""A whole city as an office would hold it: a ledger with places and devices, its history until an instant, its contract.

The cameras are those of a fleet with the same number, seed and port (`python -m simulators fleet`), so that what the history
tells of the past can be watched live from its end on. Everything is invented; the same words give the same bytes.

Files, UTF-8:

    points.csv     the ledger: places on a map, makes and models, two phases, two suppliers, switches where asked for
    runs.csv       what a vantage named "history" saw from `first` on; the last run of a point holds for `holds_s`
    gaps.csv       spans in which that vantage was blind
    authority.csv  what the authority measured per phase and month of the last whole quarter, in its own words
    contract.yaml  the lease: 一期 at 850 and 二期 at 628 yuan a point and month, from the last whole quarter on

Outages: every point has a badness of its own, so that few points make most of the trouble; now and then a whole area's street
cabinet goes down for hours, with every third point of it; a small share of the points is down when the history ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from simulators.history import FAILURE_WEIGHTS, FAILURES, INTERVAL_S, VALID_S, instant, write_csv
from simulators.ledger import AREAS, LedgerRow
from simulators.outages import MIN_ONLINE_S, MIN_OUTAGE_S, ZONE, Span
from simulators.refusal import BadInput
from simulators.topology import Layout, build_town, ledger_of

CONTRACT = "city"
MAX_POINTS = 20_000
MAX_DAYS = 400
VANTAGE = "history"
PHASE_ONE_SHARE = 0.4
MEAN_OUTAGES_A_MONTH = {"phase-1": 0.8, "phase-2": 1.1}
MEDIAN_OUTAGE_S = {"phase-1": 62_000, "phase-2": 165_000}
DOWN_AT_THE_END = 0.02
CABINETS_A_MONTH = 4
_CENTRES = (
    (28.69, 115.82),
    (28.62, 115.74),
    (28.55, 115.67),
    (28.88, 115.93),
    (28.97, 115.86),
    (28.94, 116.02),
    (28.83, 116.13),
    (28.50, 115.80),
)
_STREETS = (
    "建设路",
    "文化大道",
    "解放路",
    "长征路",
    "兴国路",
    "礼步湖大道",
    "新建大道",
    "工业三路",
    "子实路",
    "明矾路",
)
_SPOTS = ("路口东北角", "路口西南角", "小学门口", "农贸市场", "公交站", "桥头", "卫生院", "社区入口", "停车场", "村口")
_MAKES = (
    ("海康威视", "DS-2CD3T46"),
    ("大华", "DH-IPC-HFW2433"),
    ("宇视", "IPC-B232"),
    ("华为", "M2120-EI"),
    ("天地伟业", "TC-C34GN"),
)
COLUMNS = (
    *LedgerRow._fields,
    "gb_code",
    "category",
    "address",
    "lon",
    "lat",
    "make",
    "model",
    "serial",
)


class Words(NamedTuple):
    """What is asked for. `first` is a day, `until` an instant in seconds; both in the ledger's zone."""

    points: int
    seed: int
    first: date
    until: int
    holds_s: int
    port: int
    switches: int
    out: Path


def last_quarter(day: date) -> date:
    """Return the first day of the quarter that ended last before a day."""
    start = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    before = start - timedelta(days=1)
    return date(before.year, (before.month - 1) // 3 * 3 + 1, 1)


def write_city(words: Words) -> list[str]:
    """Write the files and return a summary, one text a line; BadInput before anything is written."""
    days = (words.until - _midnight(words.first)) / 86_400
    if not 8 <= words.points <= MAX_POINTS or not 1 <= days <= MAX_DAYS:
        raise BadInput([f"--points 须为 must be 8..{MAX_POINTS}，--first 至 until 1..{MAX_DAYS} 天 days"])
    if not VALID_S <= words.holds_s <= 604_800:
        raise BadInput([f"--holds-s 须为 must be {VALID_S}..604800"])
    rng = random.Random(f"city/{words.seed}/{words.points}")
    rows = _ledger(words, rng)
    blind = _blind(rng, words)
    outages = _outages(rng, words, rows)
    try:
        words.out.mkdir(parents=True, exist_ok=True)
        write_csv(words.out / "points.csv", COLUMNS, rows)
        header = ("point", "vantage", "first", "last", "count", "state", "reason", "rung", "valid_s")
        runs = write_csv(words.out / "runs.csv", header, _runs(rng, words, rows, outages, blind))
        stopped = [(VANTAGE, "", instant(a), instant(b), "stopped") for a, b in blind]
        write_csv(words.out / "gaps.csv", ("vantage", "point", "start", "end", "cause"), stopped)
        (words.out / "contract.yaml").write_text(_contract(words), encoding="utf-8")
        write_csv(words.out / "authority.csv", ("期次", "月份", "在线率", "点位数"), _authority(words, rows, outages))
    except OSError as error:
        raise BadInput([f"{words.out}: 写不进 cannot write: {error}"]) from error
    return [
        f"{words.out}: {len(rows)} 点 points, {runs} 段 runs, {len(blind)} 段监测中断 gaps, 至 until {instant(words.until)}"
    ]


def _ledger(words: Words, rng: random.Random) -> list[tuple[str, ...]]:
    onvif = words.port + 1000
    town = build_town(Layout(words.points, "127.1.0.0", words.port, 1, words.seed, None, onvif, words.switches))
    service = last_quarter(datetime.fromtimestamp(words.until, ZONE).date())
    accepted = service.isoformat()
    first = round(words.points * PHASE_ONE_SHARE)
    rows: list[tuple[str, ...]] = []
    for n, row in enumerate(ledger_of(town, CONTRACT, "phase-1", accepted)):
        phase = "phase-1" if n < first else "phase-2"
        lat, lon = _CENTRES[AREAS.index(row.area)]
        street, spot = rng.choice(_STREETS), rng.choice(_SPOTS)
        make, model = rng.choice(_MAKES)
        spread = rng.gauss(0, 0.018), rng.gauss(0, 0.022)
        more = (
            f"36012200001320{n + 1:06d}",
            rng.choices(("一类", "二类", "三类"), (5, 3, 2))[0],
            f"{row.area}{street}{rng.randrange(1, 400)}号",
            f"{lon + spread[1]:.6f}",
            f"{lat + spread[0]:.6f}",
            make,
            model,
            f"SN{words.seed:02d}{n + 1:08d}",
        )
        rows.append((*row._replace(phase=phase, name=f"{row.area}{street}{spot}"), *more))
    return rows


_AREA, _PHASE = LedgerRow._fields.index("area"), LedgerRow._fields.index("phase")


def _outages(rng: random.Random, words: Words, rows: Sequence[tuple[str, ...]]) -> list[list[Span]]:
    """Each point's outages, ascending, apart by ten minutes at least."""
    start, end = _midnight(words.first), words.until
    months = (end - start) / (30 * 86_400)
    cabinets: dict[str, list[Span]] = {area: [] for area in AREAS}
    for _ in range(round(CABINETS_A_MONTH * months)):
        at = rng.randrange(start, end - 7_200)
        cabinets[rng.choice(AREAS)].append((at, min(at + rng.randrange(3_600, 6 * 3_600), end - 3_600)))
    found: list[list[Span]] = []
    for n, row in enumerate(rows):
        phase = row[_PHASE]
        badness = rng.lognormvariate(-0.9, 1.3)
        count = min(60, _poisson(rng, MEAN_OUTAGES_A_MONTH[phase] * badness * months))
        spans = []
        for _ in range(count):
            at = rng.randrange(start, end - 3_600)
            length = MIN_OUTAGE_S + int(MEDIAN_OUTAGE_S[phase] * rng.lognormvariate(0.0, 1.4))
            spans.append((at, min(at + length, end - 3_600)))
        if n % 3 == 0:
            spans += cabinets[row[_AREA]]
        if rng.random() < DOWN_AT_THE_END:
            spans.append((end - int(600 * rng.lognormvariate(2.5, 1.3)) - MIN_OUTAGE_S, end))
        found.append(_apart(spans, start))
    return found


def _poisson(rng: random.Random, mean: float) -> int:
    count, at = 0, rng.expovariate(1.0)
    while at < mean:
        count, at = count + 1, at + rng.expovariate(1.0)
    return count


def _apart(spans: Sequence[Span], start: int) -> list[Span]:
    merged: list[Span] = []
    for a, b in sorted(spans):
        low = max(a, start + MIN_ONLINE_S)
        if b - low < MIN_OUTAGE_S:
            continue
        if merged and low - merged[-1][1] < MIN_ONLINE_S:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((low, b))
    return merged


def _blind(rng: random.Random, words: Words) -> list[Span]:
    """The vantage was stopped once in about three weeks, for minutes; never in the last day."""
    start, end = _midnight(words.first), words.until - 86_400
    count = max(0, (end - start) // (21 * 86_400))
    part = (end - start) // max(1, count)
    firsts = (start + part * n + rng.randrange(max(1, part - 1_800)) for n in range(count))
    return [(first, first + rng.randrange(180, 1_500)) for first in firsts]


def _runs(
    rng: random.Random,
    words: Words,
    rows: Sequence[tuple[str, ...]],
    outages: Sequence[Sequence[Span]],
    blind: Sequence[Span],
) -> Iterator[tuple[str | int, ...]]:
    start, end = _midnight(words.first), words.until
    for row, its in zip(rows, outages, strict=True):
        at = start
        for a, b in its:
            yield from _stretch(row[0], at, a, ("online", "ok", "describe"), blind, words)
            reason, rung = rng.choices(FAILURES, FAILURE_WEIGHTS)[0]
            yield from _stretch(row[0], a, b, ("offline", reason, rung), blind, words)
            at = b
        if at < end:
            yield from _stretch(row[0], at, end, ("online", "ok", "describe"), blind, words)


def _stretch(
    code: str, first: int, end: int, outcome: tuple[str, str, str], blind: Sequence[Span], words: Words
) -> Iterator[tuple[str | int, ...]]:
    """The runs of one state, sampled once a minute; a span of blindness cuts it."""
    at = first
    for a, b in [span for span in blind if span[0] < end and span[1] > first]:
        if at < a:
            yield _run(code, at, a, outcome, VALID_S)
        at = max(at, b)
    if at < end:
        yield _run(code, at, end, outcome, words.holds_s if end == words.until else VALID_S)


def _run(code: str, first: int, end: int, outcome: tuple[str, str, str], valid_s: int) -> tuple[str | int, ...]:
    count = (end - 1 - first) // INTERVAL_S + 1
    last = first + (count - 1) * INTERVAL_S
    return (code, VANTAGE, instant(first), instant(last), count, *outcome, valid_s)


def _authority(
    words: Words, rows: Sequence[tuple[str, ...]], outages: Sequence[Sequence[Span]]
) -> Iterator[tuple[str, str, str, str]]:
    """What the authority says of the last whole quarter: near the truth, to two decimals, as text."""
    rng = random.Random(f"authority/{words.seed}")
    first = last_quarter(datetime.fromtimestamp(words.until, ZONE).date())
    for phase, title in (("phase-1", "一期"), ("phase-2", "二期")):
        its = [spans for row, spans in zip(rows, outages, strict=True) if row[_PHASE] == phase]
        for n in range(3):
            month = date(first.year, first.month + n, 1)
            low = _midnight(month)
            high = _midnight((month + timedelta(days=31)).replace(day=1))
            down = sum(max(0, min(b, high) - max(a, low)) for spans in its for a, b in spans)
            rate = 100 * (1 - down / (len(its) * (high - low))) + rng.uniform(-0.15, 0.15)
            yield title, f"{month:%Y-%m}", f"{rate:.2f}%", str(len(its))


def _contract(words: Words) -> str:
    begun = last_quarter(datetime.fromtimestamp(words.until, ZONE).date())
    return f"""# 模拟城市的租赁合同 the invented city's lease; prices as in the reference contract (config/contracts/xinjian.yaml)
contract: {CONTRACT}
title: 全市视频监控点位租赁 the city's surveillance points, lease
purchaser: 模拟区公安分局
supplier: 承建单位甲
zone: Asia/Shanghai
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
grain: quarter
reading: A
excess_surcharge: 1
day_count: actual
phases:
  - id: phase-1
    title: 一期
    unit_price: "850.00"
    in_service_from: {begun}
    months: 48
  - id: phase-2
    title: 二期
    unit_price: "628.00"
    components: {{line: "122.00", integration: "359.00", platform: "147.00"}}
    in_service_from: {begun}
    months: 48
"""


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())
