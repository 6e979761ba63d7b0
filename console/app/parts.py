"""What single chapters need beside the store, made once per server and handed to visits by type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

from config.settings import Settings
from console.auth.coming_in import SignIn
from console.auth.limits import Limits
from console.auth.passwords import Passwords
from console.board.board import Board
from console.web.endpoints import Repeats
from console.web.repeats import StoredRepeats
from monitor.model import Instant
from settlement.contract import Terms


class Parts:
    """The parts; `start` before the first request, `stop` when streams are to end. A chapter adds its own here."""

    def __init__(
        self, settings: Settings, now: Callable[[], Instant], workers: Executor, contracts: Sequence[Terms]
    ) -> None:
        self._passwords = Passwords()
        self._board = Board(settings, now, workers, contracts)
        self.by_type: dict[type, Any] = {
            SignIn: SignIn(self._passwords, Limits()),
            Board: self._board,
            Repeats: StoredRepeats(),
        }

    async def start(self) -> None:
        """Start what runs in the background."""
        await self._board.start()

    async def stop(self) -> None:
        """End it."""
        await self._board.stop()
        self._passwords.close()
