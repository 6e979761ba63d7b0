"""One rung above tcp as a pure decision: what to ask, and what each answer means. The connection does the rest."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from monitor.model import Reason, Rung
from monitor.probes.rtsp_wire import Reply


class Request(NamedTuple):
    """One request without CSeq and closing blank line, to be sent after `after_s` seconds.

    `secrets` are masked wherever they come back to us.
    """

    head: bytes
    authorization: bytes = b""
    secrets: tuple[bytes, ...] = ()
    after_s: float = 0.0


class Picture(NamedTuple):
    """A key frame to be decoded: `codec` is h264, hevc or mjpeg; `data` an Annex B access unit or a JPEG file."""

    codec: str
    data: bytes


Move = Request | Picture | Reason | None
"""What an exchange wants next: a request sent, a picture decoded, its rung judged, or (None) to wait."""


class Exchange(Protocol):
    """One rung above tcp: what to ask, and what to do with each answer. Decides only; it sends nothing itself."""

    @property
    def rung(self) -> Rung:
        """The rung it proves."""

    @property
    def auth(self) -> str:
        """The login scheme it used, "" for none."""

    def begin(self) -> Move:
        """Return the first move."""

    def answer(self, reply: Reply) -> Move:
        """Return what follows from a reply."""

    def cut_off(self) -> Reason:
        """Return the reason if the connection ends before the reply, or the deadline comes before the request."""
