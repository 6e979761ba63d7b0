"""Rung `tcp`: the port accepts a connection. It says that something listens, nothing about a camera."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.result import ProbeResult
from monitor.probes.target import Credentials, Target


def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,  # noqa: ARG001 - every probe has this signature
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> Coroutine[Any, Any, ProbeResult]:
    """Connect and close."""
    return climb(target, (), timeout_s=timeout_s, allowed=allowed)
