"""Short ways to write samples and runs: seconds after T0, outcomes by one word."""

from __future__ import annotations

from monitor.model import STATE_OF, Instant, Outcome, Reason, Run, Rung, Sample

T0 = 1_593_532_800_000_000
"""2020-06-30T16:00:00Z: midnight of 2020-07-01 in Shanghai."""


def at(second: float) -> Instant:
    return Instant(T0 + round(second * 1_000_000))


def outcome(reason: str) -> Outcome:
    found = Reason(reason)
    return Outcome(STATE_OF[found], found, Rung.DESCRIBE)


def sample(point: str, second: float, reason: str = "ok", *, valid_s: int = 130, camera: str = "") -> Sample:
    return Sample(point, "local", at(second), outcome(reason), valid_s, 20_000, camera)


def run(
    point: str,
    first: float,
    last: float,
    reason: str = "ok",
    *,
    count: int | None = None,
    vantage: str = "import",
    valid_s: int = 130,
) -> Run:
    n = count if count is not None else int(last - first) // 60 + 1
    return Run(point, vantage, at(first), at(last), n, outcome(reason), valid_s)
