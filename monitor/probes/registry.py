"""Which probe climbs to which rung. A new rung is one file with a `probe` of this signature, and one line here."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from monitor.model import Rung
from monitor.probes import describe, frame, media, rtsp, tcp
from monitor.probes.address import Allowed
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target


class Probe(Protocol):
    """Climb to a rung on one connection, within `timeout_s` seconds in all.

    Whatever the device does becomes a result; only cancellation is raised. `allowed` None means that no allow-list is
    in force.
    """

    def __call__(
        self,
        target: Target,
        *,
        credentials: Credentials | None = None,
        timeout_s: float,
        allowed: Sequence[Allowed] | None = None,
    ) -> Awaitable[ProbeResult]: ...


PROBES: Mapping[Rung, Probe] = {
    Rung.TCP: tcp.probe,
    Rung.RTSP: rtsp.probe,
    Rung.DESCRIBE: describe.probe,
    Rung.MEDIA: media.probe,
    Rung.FRAME: frame.probe,
}


def probe(
    target: Target,
    rung: Rung,
    *,
    credentials: Credentials | None = None,
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> Awaitable[ProbeResult]:
    """Probe up to a rung, the rungs below it included. KeyError for a rung that is no probe of ours."""
    return PROBES[rung](target, credentials=credentials, timeout_s=timeout_s, allowed=allowed)
