"""How the evidence log stands, for its page and its endpoint: key, sealed days with roots and signatures, what waits."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import Connection

from config.settings import Settings
from console.log.sealing import log_of
from console.log.trust import trust_of
from monitor.evidence.keys import PublicKey
from monitor.finding import Finding, InputError
from monitor.model import Instant
from monitor.store import log


class DayRow(NamedTuple):
    """A sealed day: leaves [first, size), the tree's root after it, the roles that have co-signed its checkpoint, and
    those that have signed neither it nor a later one, which would cover it.
    """

    day: str
    first: int
    size: int
    root: str
    sealed_at: Instant
    signed: tuple[str, ...]
    lacking: tuple[str, ...]

    @property
    def records(self) -> int:
        """How many records the day has."""
        return self.size - self.first


class WitnessRow(NamedTuple):
    """A witness of the settings and the newest sealed day that they have signed; "" if none."""

    role: str
    name: str
    key: str
    newest: str


class LogState(NamedTuple):
    """The log. `key` is the collector's public key, "" where there is none or it cannot be read; `fault` says why.

    `leaves` counts all numbered records, `hourly` those of them that only a checkpoint of the running day covers.
    """

    origin: str
    key: str
    fault: str
    days: tuple[DayRow, ...]
    leaves: int
    waiting: int
    waiting_first: Instant | None
    waiting_last: Instant | None
    witnesses: tuple[WitnessRow, ...]
    announced: str = ""
    """The public key that the log changes to once the day of the change is sealed, "" where no change is under way."""

    @property
    def sealed_until(self) -> str:
        """The last sealed day, "" before the first."""
        return self.days[-1].day if self.days else ""

    @property
    def hourly(self) -> int:
        """Records after the last sealed day that a checkpoint covers."""
        return self.leaves - (self.days[-1].size if self.days else 0)


def log_state(connection: Connection, settings: Settings) -> LogState:
    """Read how the log stands. A key that cannot be read is told of, it is no error."""
    roles = {PublicKey.parse(one.key).name: one.role for one in settings.evidence.witnesses}
    signed: dict[int, list[str]] = defaultdict(list)
    for one in log.signatures(connection):
        signed[one.size].append(roles.get(one.name, one.name))
    days: list[DayRow] = []
    covered: set[str] = set()
    for day in reversed(log.days(connection)):
        covered.update(signed[day.size])  # a checkpoint covers all before it
        lacking = tuple(role for role in roles.values() if role not in covered)
        days.append(
            DayRow(day.day, day.first, day.size, day.root, day.sealed_at, tuple(sorted(signed[day.size])), lacking)
        )
    days.reverse()
    queue = log.queue(connection)
    key, fault = _key(settings)
    return LogState(
        settings.evidence.origin,
        key,
        fault,
        tuple(days),
        log.size(connection),
        queue.rows,
        queue.first,
        queue.last,
        tuple(_witness(role, name, settings, tuple(days)) for name, role in roles.items()),
        next(iter(reversed(log.keys_announced(connection))), ""),
    )


def _witness(role: str, name: str, settings: Settings, days: tuple[DayRow, ...]) -> WitnessRow:
    key = next(one.key for one in settings.evidence.witnesses if one.role == role)
    newest = next((day.day for day in reversed(days) if role in day.signed), "")
    return WitnessRow(role, name, key, newest)


def _key(settings: Settings) -> tuple[str, str]:
    where = log_of(settings)
    if not where.keys.there:
        return "", "没有封存密钥，证据不封存 there is no key, nothing is sealed: camsla evidence keygen"
    try:
        return where.keys.current().public().text(), ""
    except InputError as error:
        return "", error.findings[0].message


def trust_document(settings: Settings) -> dict[str, Any]:
    """Return trust.json's content. InputError where there is no key that can be read."""
    where = log_of(settings)
    if not where.keys.there:
        remedy = "camsla evidence keygen"
        raise InputError([Finding("", 0, "key", "没有封存密钥 there is no key to seal with", remedy)])
    return trust_of(settings, where.keys.current().public())


def trust_text(settings: Settings) -> bytes:
    """Return trust.json as it is handed out."""
    return (json.dumps(trust_document(settings), ensure_ascii=False, indent=2) + "\n").encode()
