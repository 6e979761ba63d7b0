"""Points, the cameras that serve them, and what an import would change: frozen values, shared by ledger files and store.

A point outlives its cameras; its facts are dated. Instants are microseconds UTC; every span is half-open; an open
end is None. Dates are calendar days of the contract's zone. This module does no I/O and reads no clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from monitor.finding import Finding
from monitor.model import Instant

Fact = str | int | date | None

FACT_DEFAULTS: Mapping[str, Fact] = {
    "name": "",
    "gb_code": "",
    "former_gb_code": "",
    "class": "",
    "area": "",
    "address": "",
    "lon_e7": None,
    "lat_e7": None,
    "contract": "",
    "phase": "",
    "supplier": "",
    "upstream": "",
    "first_accepted_on": None,
    "accepted_on": None,
    "acceptance_no": "",
    "billed_from": None,
    "billed_until": None,
    "retired_on": None,
    "document": "",
}
"""The facts that have a column of their own, with what they are when nobody has said anything."""

EXTRA = "extra:"
"""Prefix of a fact that has no column of its own; its default is the empty string."""

Facts = Mapping[str, Fact]
"""All of FACT_DEFAULTS' keys and any number of non-empty `extra:` ones."""


class Pause(NamedTuple):
    """Days [first, until) for which a point is not billed (暂停计费); until None is still open."""

    first: date
    until: date | None


class Secret:
    """A password in memory. It shows itself only to `reveal()`: never in a repr, a log or a traceback."""

    __slots__ = ("_plain",)

    def __init__(self, plain: str) -> None:
        self._plain = plain

    def reveal(self) -> str:
        """Return the password itself; only ciphers and probes may ask."""
        return self._plain

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._plain == self._plain

    def __hash__(self) -> int:
        return hash(self._plain)


class Cipher(Protocol):
    """Encrypts camera passwords. `context` binds a ciphertext to the login and host that it is for."""

    def encrypt(self, plain: str, context: str) -> tuple[bytes, bytes]:
        """Return (nonce, ciphertext)."""

    def decrypt(self, nonce: bytes, cipher: bytes, context: str) -> str:
        """Return the plain text; raise InputError for a wrong key or context."""


def host_of(rtsp_url: str) -> str:
    """Return the host of a stored address, in lower case; empty where there is none."""
    place = re.split(r"[/?#]", rtsp_url.partition("://")[2], maxsplit=1)[0]
    return place.rpartition("@")[2].partition(":")[0].lower()


def credential_context(username: str, rtsp_url: str) -> str:
    """Return what a password is bound to: it opens only for this login on this host."""
    return f"{username}@{host_of(rtsp_url)}"


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """What is known of a device. `macs` are joined by commas; `rtsp_url` never holds a login. Empty: not known."""

    make: str = ""
    model: str = ""
    serial: str = ""
    macs: str = ""
    rtsp_url: str = ""
    onvif_addr: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored login: the password only as nonce and ciphertext."""

    id: int
    username: str
    nonce: bytes
    cipher: bytes


@dataclass(frozen=True, slots=True)
class Camera:
    """A stored device."""

    id: int
    spec: CameraSpec
    credential: Credential | None = None


class Piece(NamedTuple):
    """The facts of a point while they hold; `id` is its row, None for one yet to be written."""

    id: int | None
    start: int
    end: int | None
    facts: Facts


class Stay(NamedTuple):
    """A camera's time at a point; camera None is the camera that the same change brings in."""

    id: int | None
    start: int
    end: int | None
    camera: int | None


class StoredPause(NamedTuple):
    """A billing pause with its row."""

    id: int
    pause: Pause


@dataclass(frozen=True, slots=True)
class StoredPoint:
    """A point as known now: pieces and stays in order of time."""

    id: int
    code: str
    pieces: tuple[Piece, ...]
    stays: tuple[Stay, ...]
    pauses: tuple[StoredPause, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """The whole ledger as known now, read once before an import is planned."""

    points: Mapping[str, StoredPoint] = field(default_factory=dict)
    cameras: Mapping[int, Camera] = field(default_factory=dict)


class Kind(StrEnum):
    """What a row of an import does to its point. A row may do several things at once."""

    NEW = "new"
    RELOCATED = "relocated"
    REPLACED = "replaced"
    RECODED = "recoded"
    RETIRED = "retired"
    RESTORED = "restored"
    VACATED = "vacated"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


KIND_ZH: Mapping[Kind, str] = {
    Kind.NEW: "新增",
    Kind.RELOCATED: "迁移",
    Kind.REPLACED: "更换",
    Kind.RECODED: "编码变更",
    Kind.RETIRED: "停用",
    Kind.RESTORED: "更正停用",
    Kind.VACATED: "设备移出",
    Kind.CHANGED: "变更",
    Kind.UNCHANGED: "不变",
}


class Change(NamedTuple):
    """One field, as it was and as it will be, as text. Passwords never appear, only that they change."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class CameraWrite:
    """A camera to insert (id None) or to bring up to date.

    `login` is a password to encrypt and attach; without one the camera gets `credential_id`.
    """

    id: int | None
    spec: CameraSpec
    credential_id: int | None = None
    login: tuple[str, Secret] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One point's part of a plan: what a person reads (kinds, changes) and the rows that carry it out."""

    code: str
    line: int
    kinds: tuple[Kind, ...]
    effective: date
    changes: tuple[Change, ...] = ()
    point_id: int | None = None
    drop_pieces: tuple[int, ...] = ()
    add_pieces: tuple[Piece, ...] = ()
    drop_stays: tuple[int, ...] = ()
    add_stays: tuple[Stay, ...] = ()
    drop_pauses: tuple[int, ...] = ()
    add_pauses: tuple[Pause, ...] = ()
    camera: CameraWrite | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do, complete and free of errors. `entries` has every row, unchanged ones too."""

    file: str
    sha256: str
    effective_from: date
    zone: str
    entries: tuple[Entry, ...]
    warnings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many points each kind touches; a point of several kinds counts in each."""
        counts = dict.fromkeys((kind.value for kind in Kind), 0)
        for entry in self.entries:
            for kind in entry.kinds:
                counts[kind.value] += 1
        return counts

    @property
    def changed(self) -> tuple[Entry, ...]:
        """The entries that do anything."""
        return tuple(entry for entry in self.entries if entry.kinds != (Kind.UNCHANGED,))


@dataclass(frozen=True, slots=True)
class RosterPoint:
    """A point's facts while they held, [start, end) cut to what was asked for.

    A point whose facts changed meanwhile comes once per span. Dates: `first_accepted_on`, `accepted_on` and
    `billed_from` are the first day; `billed_until` and `retired_on` the first day no longer. `pauses` are those known
    for the point whatever the span.
    """

    id: int
    code: str
    start: Instant
    end: Instant | None
    name: str = ""
    gb_code: str = ""
    former_gb_code: str = ""
    category: str = ""
    area: str = ""
    address: str = ""
    lon_e7: int | None = None
    lat_e7: int | None = None
    contract: str = ""
    phase: str = ""
    supplier: str = ""
    upstream: str = ""
    first_accepted_on: date | None = None
    accepted_on: date | None = None
    acceptance_no: str = ""
    billed_from: date | None = None
    billed_until: date | None = None
    retired_on: date | None = None
    document: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Occupancy:
    """A camera's time at a point, cut to what was asked for."""

    point_id: int
    point: str
    camera_id: int
    start: Instant
    end: Instant | None


@dataclass(frozen=True, slots=True)
class Target:
    """What the watcher probes: an address and, where one is stored, its login with the password still encrypted."""

    point_id: int
    point: str
    camera_id: int
    rtsp_url: str
    onvif_addr: str = ""
    username: str = ""
    nonce: bytes = b""
    cipher: bytes = b""

    @property
    def context(self) -> str:
        """What Cipher.decrypt needs besides nonce and ciphertext."""
        return credential_context(self.username, self.rtsp_url)
