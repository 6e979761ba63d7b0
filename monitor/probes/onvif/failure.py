"""What went wrong while asking a device: one exception for wire, SOAP and library, with the reason it stands for."""

from __future__ import annotations

from monitor.model import Reason


class OnvifError(Exception):
    """A question that got no usable answer. `reason` is the verdict; the text says more, without logins."""

    def __init__(self, reason: Reason, note: str) -> None:
        super().__init__(note)
        self.reason = reason
