"""How reading a client's request may end, and how large one may be."""

from __future__ import annotations

MAX_REQUEST_BYTES = 64 * 1024


class NotUnderstood(Exception):
    """What arrived is no request of this protocol, or too large a one."""
