"""A city backed up and restored, on both databases and across them: the same statements, rates and log; or nothing at all."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from config.settings import Settings
from console.app.database import open_writer, reader
from console.backups import backup
from console.backups.checking import verified
from console.backups.restore import restore
from console.log.sealing import Sealer, log_of
from console.store.tables import audit
from console.views import phase_rates
from monitor.evidence.keys import PrivateKey, write_key
from monitor.finding import InputError
from monitor.model import Instant
from monitor.period import parse_period
from monitor.scope import EVERYTHING
from monitor.store import log
from settlement.contract import Terms
from settlement.store import contracts, statements
from tests import two_suppliers as city

LATER = Instant(city.AT + 2 * 86_400_000_000)
TABLES_OF_A_DATABASE = ("sqlite", "postgresql")


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], Settings]]:
    """Make empty places for an installation, on either database."""
    made: list[str] = []

    def at(kind: str, name: str) -> Settings:
        folder = tmp_path / name
        if kind == "sqlite":
            return Settings(data_dir=folder)
        server = request.getfixturevalue("postgres_server")
        made.append(server.create())
        return Settings(data_dir=folder, database_url=server.url(made[-1]))

    yield at
    for one in made:
        request.getfixturevalue("postgres_server").drop(one)


def seeded(settings: Settings) -> None:
    """A city with statements of two contracts, its log sealed for a day, and something in the archive."""
    city.seed(settings)
    write_key(settings.evidence_key_path, PrivateKey.generate(settings.evidence.origin), None)
    settings.key_path.touch(mode=0o600)
    settings.key_path.write_bytes(bytes(range(32)))
    with open_writer(settings) as writer:
        steps = Sealer(log_of(settings), writer, delay_minutes=10, apart=False).round(LATER, checkpoint=True)
    assert any(step.day for step in steps)
    settings.archive_dir.mkdir(parents=True)
    (settings.archive_dir / "2020-10-09.1.json").write_bytes(b'{"day":"2020-10-09"}')


def picture(settings: Settings) -> dict[str, Any]:
    """What must be the same afterwards: statements, rates, the log's roots, every file of both folders."""
    found: dict[str, Any] = {}
    with reader(settings) as connection:
        for contract in city.SIDES:
            stored = statements.find(connection, contract, city.QUARTER)
            assert stored is not None
            found[contract] = (stored.body_sha, stored.inputs_sha)
            version = contracts.versions(connection, contract)[0]
            terms: Terms = version.terms
            rates = phase_rates(connection, EVERYTHING, terms, parse_period("2020-08"))
            found[f"{contract} rates"] = {name: (rate.good, rate.counted) for name, rate in rates.items()}
        found["days"] = [(day.day, day.size, day.root, day.note) for day in log.days(connection)]
        newest = log.newest_checkpoint(connection)
        found["checkpoint"] = newest
        found["accounts"] = connection.execute(text("SELECT name, roles FROM accounts ORDER BY name")).all()
        found["audit"] = [
            tuple(row)
            for row in connection.execute(select(audit).where(audit.c.action != "system.restore").order_by("id"))
        ]
    for root in (settings.evidence_dir, settings.archive_dir):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".lock":
                found[f"{root.name}/{path.relative_to(root)}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["days"] and all(found[f"{contract} rates"] for contract in city.SIDES)
    return found


@pytest.mark.parametrize("there", TABLES_OF_A_DATABASE)
@pytest.mark.parametrize("here", TABLES_OF_A_DATABASE)
def test_what_is_restored_is_what_was(place: Any, tmp_path: Path, here: str, there: str) -> None:
    old, new, file = place(here, "old"), place(there, "new"), tmp_path / "city.zip"
    seeded(old)
    heard: list[tuple[int, int]] = []
    manifest = backup.make(old, file, at=LATER, moved=lambda *at: heard.append(at), passphrase="开门 open")
    assert heard and heard[-1][0] == heard[-1][1]
    assert file.stat().st_mode & 0o077 == 0
    assert verified(file) == manifest and manifest.database == here
    assert sum(table.rows for table in manifest.tables.values()) > 100
    assert not {"sessions", "first_secret", "api_requests"} & set(manifest.tables)

    heard.clear()
    done = restore(new, file, at=LATER, actor="admin", passphrase="开门 open", moved=lambda *at: heard.append(at))
    assert heard[-1][0] == heard[-1][1]
    assert done.keys == {"secret_key": "restored", "evidence_key": "restored"} and done.aside == []
    assert picture(new) == picture(old)
    with reader(new) as connection:
        assert connection.scalar(select(audit.c.actor).where(audit.c.action == "system.restore")) == "admin"

    # It goes on: rows are numbered after the last ones, and the log is sealed on.
    with open_writer(new) as writer:
        day = Instant(LATER + 86_400_000_000)
        assert [s.day for s in Sealer(log_of(new), writer, delay_minutes=10, apart=False).round(day, checkpoint=False)]


@pytest.mark.parametrize("kind", TABLES_OF_A_DATABASE)
def test_a_used_place_is_refused_or_kept_aside(place: Any, tmp_path: Path, kind: str) -> None:
    settings, file = place(kind, "used"), tmp_path / "city.zip"
    seeded(settings)
    backup.make(settings, file, at=LATER)
    before = picture(settings)
    with pytest.raises(InputError, match="--replace"):
        restore(settings, file, at=LATER, actor="admin")
    assert picture(settings) == before
    with open_writer(settings) as writer:
        with pytest.raises(InputError, match="写入"):
            restore(settings, file, at=LATER, actor="admin", replace=True)
        with writer.transaction() as connection:
            connection.execute(text("UPDATE accounts SET roles = ''"))
    done = restore(settings, file, at=LATER, actor="admin", replace=True)
    assert done.keys == {"secret_key": "fits", "evidence_key": "fits"}
    assert picture(settings) == before
    assert len(done.aside) >= 3
    if kind == "sqlite":
        kept = Settings(data_dir=tmp_path, database_url=f"sqlite:///{next(p for p in done.aside if 'camsla.db' in p)}")
        with reader(kept) as connection:
            assert connection.scalar(text("SELECT max(roles) FROM accounts")) == ""
    else:
        schema = next(one for one in done.aside if one.startswith("schema")).removeprefix("schema ")
        with reader(settings) as connection:
            assert connection.scalar(text(f'SELECT max(roles) FROM "{schema}".accounts')) == ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    settings = Settings(data_dir=folder / "data")
    seeded(settings)
    backup.make(settings, folder / "city.zip", at=LATER)
    return folder / "city.zip"


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def _changed(whole: dict[str, bytes], /, **changes: Any) -> dict[str, bytes]:
    manifest = json.loads(whole["manifest.json"]) | changes
    return {**whole, "manifest.json": json.dumps(manifest).encode()}


HARMS: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "a row altered": lambda f: {**f, "tables/accounts.ndjson": f["tables/accounts.ndjson"].replace(b"admin", b"adnim")},
    "a row lost": lambda f: {**f, "tables/points.ndjson": b"".join(f["tables/points.ndjson"].splitlines(True)[1:])},
    "a file lost": lambda f: {n: d for n, d in f.items() if n != "archive/2020-10-09.1.json"},
    "a table lost": lambda f: {n: d for n, d in f.items() if n != "tables/runs.ndjson"},
    "a file too many": lambda f: {**f, "evidence/more": b"x"},
    "no manifest": lambda f: {n: d for n, d in f.items() if n != "manifest.json"},
    "a manifest that is none": lambda f: {**f, "manifest.json": b"{}"},
    "another format": lambda f: _changed(f, format="other 1"),
    "a newer schema": lambda f: _changed(f, revision="9999"),
    "a way out": lambda f: _changed(
        {**f, "evidence/../../out": b"x"},
        files=[
            *json.loads(f["manifest.json"])["files"],
            {"name": "evidence/../../out", "bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()},
        ],
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_not_whole_writes_nothing(whole: Path, tmp_path: Path, harm: str) -> None:
    file = written(tmp_path / "harmed.zip", HARMS[harm](entries(whole)))
    settings = Settings(data_dir=tmp_path / "new")
    with pytest.raises(InputError):
        restore(settings, file, at=LATER, actor="admin")
    assert not settings.data_dir.exists() and not (tmp_path / "out").exists()


def test_what_is_cut_short_or_damaged_anywhere_writes_nothing(whole: Path, tmp_path: Path) -> None:
    data, settings = whole.read_bytes(), Settings(data_dir=tmp_path / "new")
    file = tmp_path / "cut.zip"
    for size in (0, 1, 100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(InputError):
            restore(settings, file, at=LATER, actor="admin")
    with zipfile.ZipFile(whole) as archive:
        told = {name: archive.read(name) for name in archive.namelist()}
    for n in range(0, len(data), max(1, len(data) // 60)):
        file.write_bytes(data[:n] + bytes([data[n] ^ 0x55]) + data[n + 1 :])
        try:
            verified(file)
        except InputError:
            continue
        # A byte of ZIP's own that says nothing of a file, such as a time: what would be put back is the same.
        with zipfile.ZipFile(file) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == told
    assert not settings.data_dir.exists()


def test_a_failure_in_the_middle_leaves_everything_as_it_was(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    seeded(settings)
    before = picture(settings)
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == ".camsla.db.restoring":
            raise OSError(28, "no room", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(InputError, match="no room"):
        restore(settings, whole, at=LATER, actor="admin", replace=True)
    monkeypatch.undo()
    assert picture(settings) == before
    assert [p.name for p in settings.data_dir.iterdir() if "restoring" in p.name or "before" in p.name] == []


def test_keys_need_their_passphrase(tmp_path: Path, whole: Path) -> None:
    old, file = Settings(data_dir=tmp_path / "old"), tmp_path / "keys.zip"
    seeded(old)
    backup.make(old, file, at=LATER, passphrase="right")
    assert old.key_path.read_bytes() not in file.read_bytes()
    new = Settings(data_dir=tmp_path / "new")
    with pytest.raises(InputError, match="passphrase"):
        restore(new, file, at=LATER, actor="admin", passphrase="wrong")
    with pytest.raises(InputError, match="holds no keys"):
        restore(new, whole, at=LATER, actor="admin", passphrase="right")
    assert restore(new, whole, at=LATER, actor="admin").keys == {"secret_key": "missing", "evidence_key": "missing"}
    assert not new.key_path.exists()


def test_a_backup_does_not_overwrite(whole: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        backup.make(Settings(data_dir=whole.parent / "data"), whole, at=LATER)
    assert [p.name for p in whole.parent.iterdir() if p.name.startswith(".")] == []
