"""Who the devices are: each camera's own words, daily, and whenever one comes back after it was away.

A device that changed behind an address is an event (`identity-changed`), never a reason to touch the record of its
point. Costly next to a probe, so a few at a time, and never with a password that is kept back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from config.settings import Settings
from console.app.database import password_cipher
from console.app.watcher import allowed
from monitor.finding import InputError
from monitor.model import MICROSECONDS, Instant, Reason
from monitor.points import Target as StoredTarget
from monitor.points import host_of
from monitor.probes.breaker import ANY_PORT, Breaker
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.identity import Identity, identify, spec_of
from monitor.probes.target import Credentials
from monitor.scope import EVERYTHING
from monitor.store import roster
from monitor.store.database import reading
from monitor.store.identity import record_identity
from monitor.store.writer import Writer

DAILY_US = 86_400 * MICROSECONDS
AGAIN_US = 3_600 * MICROSECONDS
AT_ONCE = 8
A_ROUND = 500
"""Cameras asked in one round; the rest wait for the next."""
TIMEOUT_S = 15.0
ACTOR = "watcher"


class _Due(NamedTuple):
    point: str
    camera: int
    device: Device
    credentials: Credentials | None


class Identifying:
    """Asks the cameras that have an ONVIF address. Memory is bounded by the cameras watched."""

    def __init__(self, settings: Settings, writer: Writer, breaker: Breaker, now: Callable[[], Instant]) -> None:
        self._settings = settings
        self._writer = writer
        self._breaker = breaker
        self._now = now
        self._cipher = password_cipher(settings)
        self._asked: dict[int, Instant] = {}
        self._back: set[str] = set()

    def came_back(self, point: str) -> None:
        """Note that a point answers again: its device may be another one."""
        self._back.add(point)

    async def round(self) -> int:
        """Ask those that are due and return how many told who they are."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(due: _Due) -> bool:
            async with slots:
                return await self._one(due)

        back, self._back = self._back, set()
        due = await asyncio.to_thread(self._due, back)
        return sum(await asyncio.gather(*(one(item) for item in due)))

    def _due(self, back: set[str]) -> list[_Due]:
        now = self._now()
        with reading(self._writer.engine) as connection:
            targets = roster.targets(connection, EVERYTHING, now)
        known = {target.camera_id for target in targets}
        self._asked = {camera: at for camera, at in self._asked.items() if camera in known}
        due: list[_Due] = []
        for target in targets:
            fresh = now - self._asked.get(target.camera_id, Instant(0)) < DAILY_US
            if not target.onvif_addr or (fresh and target.point not in back):
                continue
            if len(due) >= A_ROUND:
                self._asked.pop(target.camera_id, None)  # its turn is the next round
                continue
            try:
                device = replace(Device.parse(target.onvif_addr), credentials=None)  # the ledger's login or none
                login = self._login(target) if device.host == host_of(target.rtsp_url) else None
                due.append(_Due(target.point, target.camera_id, device, login))
            except InputError:
                continue  # an address or a password that cannot be used is said where points are read
        return due

    def _login(self, target: StoredTarget) -> Credentials | None:
        if not target.cipher:
            return None
        password = self._cipher.decrypt(target.nonce, target.cipher, target.context)
        return self._breaker.login(host_of(target.rtsp_url), ANY_PORT, Credentials(target.username, password))

    async def _one(self, due: _Due) -> bool:
        now = self._now()
        self._asked[due.camera] = Instant(now - DAILY_US + AGAIN_US)  # who does not tell is asked again soon
        found = await identify(
            due.device, due.credentials, at=now, timeout_s=TIMEOUT_S, allowed=allowed(self._settings)
        )
        proven = found.auth if found.auth_checked else ""
        self._breaker.saw(due.device.host, ANY_PORT, due.credentials, found.reason, proven)
        if found.reason is not Reason.OK:
            return False
        self._asked[due.camera] = now
        await asyncio.to_thread(self._store, due.camera, found)
        return True

    def _store(self, camera: int, found: Identity) -> None:
        with self._writer.transaction() as connection:
            record_identity(
                connection,
                camera,
                spec_of(found),
                at=self._now(),
                source=f"onvif:{self._settings.watch.vantage}",
                actor=ACTOR,
                audit=self._writer.audit,
            )
