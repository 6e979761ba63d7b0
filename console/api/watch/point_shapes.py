"""What the endpoints of one point take and give."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from console.api.watch.shapes import AccountSaid, Cursor, Limit, PeriodText, RateSaid, Shape
from console.points.results import MOST_PROBES


class FactsSaid(Shape):
    """The ledger's facts while they held; `until` null: still. Last billed day and retirement as the ledger has them."""

    since: str | None
    until: str | None
    name: str
    gb_code: str
    former_gb_code: str
    category: str
    contract: str
    phase: str
    area: str
    supplier: str
    address: str
    upstream: str
    accepted_on: str | None
    billed_from: str | None
    billed_until: str | None
    retired_on: str | None
    document: str
    more: dict[str, str]


class DeviceSaid(Shape):
    """A device that served the point; `until` null: still."""

    make: str
    model: str
    serial: str
    macs: str
    host: str
    since: str | None
    until: str | None


class MonthSaid(Shape):
    """A month of a point."""

    month: str
    seconds: AccountSaid
    rate: RateSaid
    outages: int


class LossSaid(Shape):
    """What a statement took in a quarter, or an estimate for a month (`estimate` true), in yuan."""

    period: str
    contract: str
    estimate: bool
    state: str
    revision: int
    full: str | None
    deduction: str | None


class PauseSaid(Shape):
    """Days for which the point is not billed: from the first, until (exclusive)."""

    since: str | None
    until: str | None


class ClaimSaid(Shape):
    """An exclusion or reclassification and how it stands; `to` is what a reclassification gives."""

    id: int
    to: str
    since: str | None
    until: str | None
    cause: str
    status: str


class PointSaid(Shape):
    """A point. Amounts only for accounts that read money. Times of `facts` and `devices` are those of the ledger."""

    code: str
    state: str
    since: str | None
    last_result: str | None
    read_by: str
    facts: tuple[FactsSaid, ...]
    week: RateSaid
    year: RateSaid
    months: tuple[MonthSaid, ...]
    devices: tuple[DeviceSaid, ...]
    pauses: tuple[PauseSaid, ...]
    claims: tuple[ClaimSaid, ...]
    losses: tuple[LossSaid, ...]


class TimelineAsked(BaseModel):
    """A period of at most 92 days; none: the last seven days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: PeriodText = ""


class StateSaid(Shape):
    """What the point was in [since, until)."""

    since: str
    until: str
    state: str


class DaySaid(Shape):
    """A day: its account, and what was when, up to now."""

    day: str
    seconds: AccountSaid
    states: tuple[StateSaid, ...]


class TimelineSaid(Shape):
    """Days, newest first."""

    code: str
    zone: str
    days: tuple[DaySaid, ...]


class OutagesAsked(BaseModel):
    """A period of at most 366 days; none: the last 366 days."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: PeriodText = ""
    after: Cursor = ""
    limit: Limit = 100


class CauseSaid(Shape):
    """What failing probes said, how far they came, and how many."""

    reason: str
    rung: str
    samples: int


class OutageSaid(Shape):
    """A confirmed outage; `until` is its last offline second so far where it is still open."""

    since: str
    until: str
    open: bool
    offline_s: int
    excluded_s: int
    upstream: str
    causes: tuple[CauseSaid, ...]


class OutagesSaid(Shape):
    """Outages, newest first."""

    code: str
    outages: tuple[OutageSaid, ...]
    next: str | None


class ProbesAsked(BaseModel):
    """A span of at most two days, [from, to); instants with their zone."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    since: Annotated[AwareDatetime, Field(alias="from")]
    until: Annotated[AwareDatetime, Field(alias="to")]
    limit: Annotated[int, Field(ge=1, le=MOST_PROBES)] = 200


class ProbeSaid(Shape):
    """One result, its instant to the millisecond. `batch` null: from the raw archive."""

    at: str
    vantage: str
    state: str
    reason: str
    rung: str
    took_us: int
    batch: int | None


class ProbesSaid(Shape):
    """The first results of the span; `next` is the `from` of the following request, null when this is all."""

    code: str
    probes: tuple[ProbeSaid, ...]
    next: str | None
