"""Rung `rtsp`: the device answers OPTIONS.

Any well-formed reply passes, 401 and 404 included: the rung claims that the device speaks RTSP, not that the stream
exists. OPTIONS proves no more than that, since many servers answer 200 for paths they do not have.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from monitor.model import Reason, Rung
from monitor.probes.address import Allowed
from monitor.probes.connection import climb
from monitor.probes.exchange import Request
from monitor.probes.result import ProbeResult
from monitor.probes.rtsp_wire import Reply
from monitor.probes.target import Credentials, Target

USER_AGENT = b"User-Agent: camsla\r\n"


class Options:
    """The exchange of this rung: one request, one reply."""

    __slots__ = ("_target",)
    rung = Rung.RTSP
    auth = ""

    def __init__(self, target: Target) -> None:
        self._target = target

    def begin(self) -> Request:
        return Request(b"OPTIONS %b RTSP/1.0\r\n%b" % (self._target.uri.encode(), USER_AGENT))

    def answer(self, reply: Reply) -> Reason:  # noqa: ARG002 - that it is a reply is all that counts
        return Reason.OK

    def cut_off(self) -> Reason:
        return Reason.BAD_REPLY


def probe(
    target: Target,
    *,
    credentials: Credentials | None = None,  # noqa: ARG001 - every probe has this signature
    timeout_s: float,
    allowed: Sequence[Allowed] | None = None,
) -> Coroutine[Any, Any, ProbeResult]:
    """Connect and ask OPTIONS."""
    return climb(target, (Options(target),), timeout_s=timeout_s, allowed=allowed)
