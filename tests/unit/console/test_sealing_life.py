"""The evidence log in a server's life: what goes wrong is said once until it changes, and never stops the watcher."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from config.evidence import Evidence
from config.settings import Settings
from console.app.evidence import Sealing
from console.log.keys import KeyFiles
from console.store.audit import Audit
from monitor.evidence.keys import PrivateKey, write_key
from monitor.finding import InputError
from monitor.metrics import LogMetrics
from monitor.model import Instant
from monitor.store import log
from monitor.store.database import reading
from monitor.store.outbox import report
from monitor.store.writer import Writer

ORIGIN = "camsla.local/life"
DAY_US = 86_400_000_000
T0 = Instant(1_593_532_800_000_000)


class Life:
    """A server's sealing on a database of its own, its clock in the test's hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = Settings(data_dir=folder, evidence=Evidence(origin=ORIGIN))
        self.writer = Writer.open(self.settings.url, Audit("test"))
        self.said: list[str] = []
        self.now = T0
        self.registry = CollectorRegistry()
        self.stopping = False
        monkeypatch.setattr("console.app.evidence.wall_now", lambda: self.now)
        self.sealing = Sealing(
            self.settings, self.writer, LogMetrics(self.registry), self.said.append, lambda: self.stopping
        )
        with self.writer.transaction() as connection:
            report(connection, T0, "clk", [{"step_us": 1, "t": T0, "vantage": "local"}])

    def round(self, days: float) -> None:
        self.now = Instant(T0 + round(days * DAY_US))
        asyncio.run(self.sealing.round(True))

    def metric(self, name: str) -> float:
        lines = generate_latest(self.registry).decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    @property
    def key(self) -> Path:
        return self.settings.evidence_key_path

    @property
    def days(self) -> list[str]:
        with reading(self.writer.engine) as connection:
            return [day.day for day in log.days(connection)]


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    made = Life(tmp_path, monkeypatch)
    yield made
    made.writer.close()


def test_without_a_key_it_says_so_once_and_begins_when_there_is_one(life: Life) -> None:
    for days in (0.5, 1.5):
        life.round(days)
    assert len(life.said) == 1
    assert "nothing is sealed and records wait" in life.said[0]
    assert (life.metric("camsla_log_key"), life.metric("camsla_log_records_waiting")) == (0, 1)
    write_key(life.key, PrivateKey.generate(ORIGIN), None)
    life.round(2.5)
    assert life.days == ["2020-07-01", "2020-07-02"]
    assert (life.metric("camsla_log_key"), life.metric("camsla_log_leaves")) == (1, 3)
    assert life.metric("camsla_log_sealed_until_seconds") == (T0 + 2 * DAY_US) / 1e6
    assert [text for text in life.said[1:] if "sealed" not in text] == []


def test_a_key_that_others_may_read_is_said_once_and_counted(life: Life) -> None:
    write_key(life.key, PrivateKey.generate(ORIGIN), None)
    life.key.chmod(0o644)
    for days in (1.5, 1.6, 1.7):
        life.round(days)
    assert len(life.said) == 1
    assert "others may read" in life.said[0]
    assert life.metric("camsla_log_failures_total") == 3
    life.key.chmod(0o600)
    life.round(1.8)
    assert life.days == ["2020-07-01"]


def test_a_round_that_is_told_to_stop_leaves_what_stands(life: Life) -> None:
    write_key(life.key, PrivateKey.generate(ORIGIN), None)
    life.stopping = True
    life.round(1.5)
    assert (life.days, life.said) == ([], [])
    asyncio.run(life.sealing.ended())


def test_a_change_of_the_key_that_a_crash_cut_off_goes_on(life: Life, tmp_path: Path) -> None:
    """The new key's file was written and its record was not: the next call takes that key."""
    from console.log.rotating import rotate
    from console.log.sealing import log_of

    write_key(life.key, PrivateKey.generate(ORIGIN), None)
    keys = KeyFiles(life.key)
    left = PrivateKey.generate(ORIGIN)
    write_key(keys.next_path, left, None)
    assert rotate(life.writer, log_of(life.settings), at=T0, actor="ann") == left.public()
    with pytest.raises(InputError, match="under way"):
        rotate(life.writer, log_of(life.settings), at=T0, actor="ann")
    life.round(1.5)
    life.round(2.5)
    assert life.days == ["2020-07-01", "2020-07-02"]
    assert keys.current() == left
    assert not keys.next_path.exists()


def test_files_half_changed_are_found_by_what_is_in_them(tmp_path: Path) -> None:
    keys = KeyFiles(tmp_path / "k")
    old, new = PrivateKey.generate(ORIGIN), PrivateKey.generate(ORIGIN)
    write_key(keys.path, old, None)
    write_key(keys.next_path, new, None)
    assert keys.signing(ORIGIN, old.public().text()) == old
    assert keys.signing(ORIGIN, new.public().text()) == new
    keys.settle(old.public().text())
    assert keys.current() == old
    keys.path.rename(tmp_path / "k.old")  # the power went between the two changes of names
    assert keys.signing(ORIGIN, new.public().text()) == new
    keys.settle(new.public().text())
    assert keys.current() == new
    keys.settle(new.public().text())
    for public, why in (("", None), (old.public().text(), "not the one that the log names")):
        if why is None:
            assert keys.signing(ORIGIN, public) == new
        else:
            with pytest.raises(InputError, match=why):
                keys.signing(ORIGIN, public)


def test_passphrases_come_from_a_first_line(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    keys: Any = KeyFiles(tmp_path / "k", secret)
    with pytest.raises(InputError, match="cannot read the passphrase"):
        keys.passphrase()
    secret.write_text("\nmore\n")
    with pytest.raises(InputError, match="first line is empty"):
        keys.passphrase()
    secret.write_text("虎穴 得子\r\nmore")
    assert keys.passphrase() == "虎穴 得子"
