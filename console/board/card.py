"""One point as duty pages show it: facts of the ledger, what it is now and since when, and its seconds so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

from console.web.words import N_
from monitor.model import Instant, Rung
from monitor.rates import Seconds, rate_of
from monitor.timeline import Policy


class Standing(StrEnum):
    """What a point is now, as an office counts it. 应在线 is all of them but OUT."""

    ONLINE = "online"
    OFFLINE = "offline"
    EXCLUDED = "excluded"
    """Within an approved notice or exclusion, whatever its probes say."""
    UNKNOWN = "unknown"
    OUT = "not-in-service"
    """Not accepted yet, or retired."""


STANDING_ZH: Mapping[Standing, str] = {
    Standing.ONLINE: N_("在线"),
    Standing.OFFLINE: N_("离线"),
    Standing.EXCLUDED: N_("已报备"),
    Standing.UNKNOWN: N_("监测缺失"),
    Standing.OUT: N_("未在役"),
}
STANDING_TONE: Mapping[Standing, str] = {
    Standing.ONLINE: "good",
    Standing.OFFLINE: "bad",
    Standing.EXCLUDED: "plan",
    Standing.UNKNOWN: "mute",
    Standing.OUT: "mute",
}
"""The badge's colour of each standing."""


class Evidence(StrEnum):
    """How much was ever proven of a point at its best; the contract names what counts."""

    VIEWABLE = "viewable"
    REACHABLE = "reachable"
    PLATFORM = "platform"
    NONE = "none"


EVIDENCE_ZH: Mapping[Evidence, str] = {
    Evidence.VIEWABLE: N_("可调阅"),
    Evidence.REACHABLE: N_("可达"),
    Evidence.PLATFORM: N_("仅平台状态"),
    Evidence.NONE: N_("无法监测"),
}
EVIDENCE_OF: Mapping[Rung, Evidence] = {
    Rung.TCP: Evidence.REACHABLE,
    Rung.RTSP: Evidence.REACHABLE,
    Rung.ONVIF: Evidence.REACHABLE,
    Rung.DESCRIBE: Evidence.VIEWABLE,
    Rung.MEDIA: Evidence.VIEWABLE,
    Rung.FRAME: Evidence.VIEWABLE,
    Rung.PLATFORM: Evidence.PLATFORM,
}
"""What an online verdict of a rung proves."""

LAPSED, NEVER = "lapsed", "never"
"""Why a point is unknown besides the probes' own reasons: its last result is too old, or there was none."""

REASON_ZH: Mapping[str, str] = {
    "ok": N_("正常"),
    "refused": N_("拒绝连接"),
    "unreachable": N_("网络不可达"),
    "timeout": N_("超时无响应"),
    "not-found": N_("无此码流"),
    "no-media": N_("无视频数据"),
    "bad-reply": N_("应答异常"),
    "tls": N_("加密握手失败"),
    "auth-rejected": N_("口令被拒"),
    "auth-unknown": N_("口令待更新"),
    "watcher": N_("本系统监测中断"),
    "platform": N_("平台报离线"),
    LAPSED: N_("无新结果"),
    NEVER: N_("从未监测"),
}
RUNG_ZH: Mapping[str, str] = {
    "tcp": N_("端口连接"),
    "rtsp": N_("RTSP 应答"),
    "describe": N_("码流描述"),
    "media": N_("视频数据"),
    "frame": N_("解出画面"),
    "onvif": N_("ONVIF 应答"),
    "platform": N_("平台状态"),
}


class Tally(NamedTuple):
    """Seconds behind a rate, under whatever policy each part was counted; parts add up.

    The rate is good / counted; at worst `least` / `whole`, at best (`least` + unknown) / `whole`.
    """

    good: int = 0
    counted: int = 0
    unknown: int = 0
    excluded: int = 0
    least: int = 0
    whole: int = 0

    @property
    def rate(self) -> Fraction | None:
        """The exact rate; None if nothing is counted."""
        return Fraction(self.good, self.counted) if self.counted else None

    @property
    def worst(self) -> Fraction | None:
        """The rate if all that is unknown had been offline."""
        return Fraction(self.least, self.whole) if self.whole else None

    @property
    def best(self) -> Fraction | None:
        """The rate if all that is unknown had been online."""
        return Fraction(self.least + self.unknown, self.whole) if self.whole else None

    @property
    def offline(self) -> int:
        """Counted seconds that are not good."""
        return self.counted - self.good


def tally(seconds: Seconds, policy: Policy) -> Tally:
    """Return an account as a policy counts it."""
    rate = rate_of(seconds, policy)
    least = seconds.online + (seconds.excluded if policy.exclusions == "online" else 0)
    whole = least + seconds.offline + seconds.unknown
    return Tally(rate.good, rate.counted, rate.unknown, rate.excluded, least, whole)


def added(parts: Iterable[Tally]) -> Tally:
    """Return all parts as one."""
    return Tally(*(sum(column) for column in zip(*parts, strict=True)))


class Stretch(NamedTuple):
    """A point's seconds of today, this month and this quarter while one set of facts held."""

    contract: str
    phase: str
    area: str
    supplier: str
    day: Tally
    month: Tally
    quarter: Tally


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ledger says of a point now. Degrees WGS-84 or as the ledger has them; `host` is its camera's address.

    `watched`: its camera has an address to probe. `text` is what a search looks through, in small letters.
    """

    id: int
    code: str
    name: str
    gb_code: str
    former_gb_code: str
    contract: str
    phase: str
    area: str
    supplier: str
    upstream: str
    category: str
    address: str
    lon: float | None
    lat: float | None
    in_service: bool
    camera_id: int | None
    make: str
    model: str
    host: str
    watched: bool
    text: str


class Now(NamedTuple):
    """What a point is now. Instants in microseconds, None where nothing is known.

    `since` is when this state began: for an outage its first failed probe, whatever reasons followed. `confirmed` is
    False while an outage has fewer failed probes than its contract believes. `recovered`: an outage went before.
    `reason` and `rung` are the last verdict's words (REASON_ZH, RUNG_ZH); `vantage` is whose verdict it is.
    """

    standing: Standing
    since: Instant | None = None
    reason: str = NEVER
    rung: str = ""
    last_seen: Instant | None = None
    confirmed: bool = True
    recovered: bool = False
    evidence: Evidence = Evidence.NONE
    vantage: str = ""


Account = tuple[Any, ...]
"""A Stretch as plain tuples: the collector of garbage looks at tens of thousands of named ones, and stops the server for it."""


def stretch_of(account: Account) -> Stretch:
    """Return an account as a Stretch."""
    return Stretch(*account[:4], *(Tally(*part) for part in account[4:]))


class PointCard(NamedTuple):
    """A point. `accounts` are empty until its seconds are first counted; see City.accounts_at for until when they are."""

    facts: Facts
    now: Now
    accounts: tuple[Account, ...] = ()

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """Its seconds, one entry for each set of facts that held this quarter."""
        return tuple(map(stretch_of, self.accounts))

    @property
    def code(self) -> str:
        return self.facts.code

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def gb_code(self) -> str:
        return self.facts.gb_code

    @property
    def contract(self) -> str:
        return self.facts.contract

    @property
    def phase(self) -> str:
        return self.facts.phase

    @property
    def area(self) -> str:
        return self.facts.area

    @property
    def supplier(self) -> str:
        return self.facts.supplier

    @property
    def address(self) -> str:
        return self.facts.address

    @property
    def category(self) -> str:
        return self.facts.category

    @property
    def lon(self) -> float | None:
        return self.facts.lon

    @property
    def lat(self) -> float | None:
        return self.facts.lat

    @property
    def make(self) -> str:
        return self.facts.make

    @property
    def model(self) -> str:
        return self.facts.model

    @property
    def host(self) -> str:
        return self.facts.host

    @property
    def watched(self) -> bool:
        return self.facts.watched

    @property
    def standing(self) -> Standing:
        return self.now.standing

    @property
    def since(self) -> Instant | None:
        return self.now.since

    @property
    def reason(self) -> str:
        return self.now.reason

    @property
    def rung(self) -> str:
        return self.now.rung

    @property
    def last_seen(self) -> Instant | None:
        return self.now.last_seen

    @property
    def evidence(self) -> Evidence:
        return self.now.evidence

    @property
    def day(self) -> Tally:
        """Today so far."""
        return added(stretch.day for stretch in self.stretches)

    @property
    def month(self) -> Tally:
        """This calendar month so far."""
        return added(stretch.month for stretch in self.stretches)

    @property
    def quarter(self) -> Tally:
        """This calendar quarter so far."""
        return added(stretch.quarter for stretch in self.stretches)
