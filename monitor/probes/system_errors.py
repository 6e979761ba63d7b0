"""What the operating system's errors say about a device, in one place for all probes."""

from __future__ import annotations

import errno
import socket
import ssl

from monitor.model import Reason

_REFUSED = frozenset({errno.ECONNREFUSED})
_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
_CUT_OFF = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ENOTCONN, errno.ESHUTDOWN})


def reason_of(error: OSError) -> Reason:
    """Translate an operating system's error, of connecting or later, into a reason.

    What says nothing about the device (no sockets or ports left, no resolver, a local firewall) is `watcher`.
    """
    if isinstance(error, ssl.SSLError):
        return Reason.TLS
    if isinstance(error, socket.gaierror):
        return Reason.WATCHER
    if error.errno in _REFUSED:
        return Reason.REFUSED
    if error.errno in _UNREACHABLE:
        return Reason.UNREACHABLE
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return Reason.TIMEOUT
    return Reason.BAD_REPLY if error.errno in _CUT_OFF else Reason.WATCHER
