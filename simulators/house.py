"""What conversations and sessions need of the address they came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from simulators.device import Camera


class House(Protocol):
    """One address: its cameras by path, its line, its clock, its account of connections and logins."""

    @property
    def cameras(self) -> Mapping[str, Camera]: ...

    @property
    def dead(self) -> bool:
        """Whether nothing may be sent or heard now."""
        ...

    @property
    def trap(self) -> str:
        """The address that is nobody's: whoever connects there has been led off the host."""
        ...

    def arrived(self, guest: Guest) -> bool:
        """Count a connection or a session's sockets in; False where the fleet is full."""
        ...

    def left(self, guest: Guest) -> None: ...

    def asked(self) -> int:
        """Count a request; return its number within this address, from 0."""
        ...

    def true_us(self) -> int:
        """Return the true time, microseconds since 1970 UTC."""
        ...

    def logged_in(self, camera: Camera, *, good: bool) -> None: ...


class Guest(Protocol):
    """Something that holds open files at an address and can be ended at once."""

    def cut(self) -> None: ...
