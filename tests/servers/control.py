"""A control target for tests: a host that answers TCP, or falls silent as a dead host does (no refusal, nothing)."""

from __future__ import annotations

import socket
import threading


class Control:
    """Listens on a loopback address of its own."""

    def __init__(self, host: str) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, 0))
        self._listener.listen(0)
        self._listener.settimeout(0.05)
        self._answering = True
        self._ended = False
        self._fillers: list[socket.socket] = []
        self._accepted: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def _serve(self) -> None:
        while not self._ended:
            if not self._answering:
                threading.Event().wait(0.02)
                continue
            try:
                self._listener.accept()[0].close()
            except OSError:
                continue

    def silence(self) -> None:
        """Accept nothing more and let the queue run full: further connection attempts time out."""
        self._answering = False
        threading.Event().wait(0.2)
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self._listener.getsockname())
            self._fillers.append(filler)

    def speak(self) -> None:
        """Answer again."""
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()
        self._answering = True

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        for filler in self._fillers:
            filler.close()
        self._listener.close()
