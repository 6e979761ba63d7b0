"""What single chapters need beside the store, made once per server and handed to visits by type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

from config.settings import Settings
from console.auth.coming_in import SignIn
from console.auth.directory import Directory
from console.auth.limits import Limits
from console.auth.oidc import Provider
from console.auth.passwords import Passwords
from console.auth.services import DirectorySignIn
from console.board.board import Board
from console.packs.jobs import PackJobs
from console.web.endpoints import Repeats
from console.web.repeats import StoredRepeats
from monitor.model import Instant
from settlement.contract import Terms


class OtherWays(NamedTuple):
    """Ways to sign in beside a password kept here, where the settings name them."""

    oidc: Provider | None
    ldap: DirectorySignIn | None


def other_ways(settings: Settings) -> OtherWays:
    """Return the ways that the settings name. InputError for a secret that cannot be read or an extra not installed."""
    oidc, ldap = settings.accounts.oidc, settings.accounts.ldap
    return OtherWays(
        None if oidc is None else Provider(oidc),
        None if ldap is None else DirectorySignIn(Directory(ldap), ldap.roles),
    )


class Parts:
    """The parts; `start` before the first request, `stop` when streams are to end. A chapter adds its own here."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], Instant],
        workers: Executor,
        contracts: Sequence[Terms],
        ways: OtherWays,
    ) -> None:
        self._passwords = Passwords()
        self._board = Board(settings, now, workers, contracts)
        self._packs = PackJobs(settings)
        self._oidc = ways.oidc
        self.by_type: dict[type, Any] = {
            SignIn: SignIn(self._passwords, Limits(), ways.oidc, ways.ldap),
            Board: self._board,
            Repeats: StoredRepeats(),
            PackJobs: self._packs,
        }

    async def start(self) -> None:
        """Start what runs in the background."""
        await self._board.start()

    async def stop(self) -> None:
        """End it."""
        await self._board.stop()
        await asyncio.to_thread(self._packs.close)
        if self._oidc is not None:
            await self._oidc.close()
        self._passwords.close()
