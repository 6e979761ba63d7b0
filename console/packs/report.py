"""What a check of a pack found: steps with their outcomes, what failed, what was not recomputed, and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

from monitor.rates import Seconds

Outcome = Literal["ok", "failed", "open"]
OUTCOMES: Mapping[Outcome, str] = {"ok": "通过 ok", "failed": "不符 FAILED", "open": "未重算 not recomputed"}
STEPS: Mapping[int, tuple[str, str]] = {
    1: ("证据包格式与目录", "container and manifest"),
    2: ("签名与见证", "signatures and witnesses"),
    3: ("每日封存与前后衔接", "each day continues the one before"),
    4: ("记录编码、种类与次序", "records: encoding, kinds, order"),
    5: ("逐点链条与日汇总唯一", "chains of points, one sum a day"),
    6: ("逐点逐日秒数重算", "seconds of every point and day"),
    7: ("月末状态文件重算", "state documents at month ends"),
    8: ("在线率按合同重算", "rates under the contract's policy"),
    9: ("结算金额重算", "the statement's amounts"),
}
"""The steps of docs/evidence-format.md, by number."""


class Step(NamedTuple):
    """One step; `detail` says with figures what was looked at."""

    n: int
    outcome: Outcome
    detail: str

    @property
    def title(self) -> tuple[str, str]:
        """The step's name, Chinese and English."""
        return STEPS[self.n]


class Witness(NamedTuple):
    """A valid signature on the last checkpoint; `role` is "" where no trust file says it, `at` seconds, 0 for the collector."""

    name: str
    role: str
    at: int


@dataclass(frozen=True, slots=True)
class PhaseFigures:
    """A phase in the period: its account, its rate with what unknown time leaves open, and what it is paid (None: not known)."""

    phase: str
    title: str
    points: int
    seconds: Seconds
    good: int
    counted: int
    best: Fraction | None
    worst: Fraction | None
    payable_fen: int | None = None

    @property
    def value(self) -> Fraction | None:
        """The rate; None if nothing is counted."""
        return Fraction(self.good, self.counted) if self.counted else None


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `failures` name record and reason; `open` what could not be recomputed, or was taken as frozen."""

    steps: tuple[Step, ...]
    failures: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    phases: tuple[PhaseFigures, ...] = ()
    total_fen: int | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    """Whole numbers and digests by name: days, records, points, size, root."""

    @property
    def exit(self) -> int:
        """0: everything holds; 1: something does not; 3: what was checked holds, something could not be recomputed."""
        if self.failures or any(step.outcome == "failed" for step in self.steps):
            return 1
        return 3 if self.open or any(step.outcome == "open" for step in self.steps) else 0
