"""Packs of a store's log: made, checked by the product and by the shipped verifier, the same bytes on both databases."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from console.evaluator import sampling
from console.packs import check_container
from console.packs.checking import check_file
from console.packs.report import Report
from console.packs.trust import read_trust
from console.quarters.carried import Opening
from monitor.canonical import canonical
from monitor.evidence.note import Note, sign
from monitor.evidence.pack import PackWriter
from monitor.finding import InputError
from monitor.model import Instant
from monitor.period import parse_period
from monitor.store import evaluations
from tests.sealed_packs import COLLECTOR, log_in, pack, seal, trust_file
from tests.stores.conftest import on_sqlite
from tests.stores.quarters import CONTRACT, NOW, excluded, instant, issued, ready, terms

LATER = instant("2021-07-06T01:00:00")
COMPUTED = Opening(computed=True)
TIERS: dict[str, Any] = {
    "reading": "none",
    "rules": [
        {
            "kind": "substituted-tiers",
            "id": "main",
            "grain": "quarter",
            "over": "≥",
            "tiers": [
                {"from": "95%", "pays": "rate"},
                {"from": "65%", "to": "95%", "pays": "65%"},
                {"to": "65%", "pays": 0},
            ],
        },
        {"kind": "point-elimination", "id": "剔费", "hours": 168, "over": ">"},
    ],
}
CONTRACTS: dict[str, dict[str, Any]] = {
    "A": {"reading": "A"},
    "B": {"reading": "B"},
    "H": {"reading": "H", "excess_surcharge": "2", "target": "0.95"},
    "tiers": TIERS,
}


def made(store: Any, tmp_path: Path, **changes: Any) -> tuple[Any, Any]:
    """A quarter from observations to its issue; the writer and the log, nothing sealed yet."""
    writer = ready(store, terms(**changes))
    excluded(writer, "A-2", "2020-09-10T00:00:00", "2020-09-11T00:00:00")
    issued(writer, "2020Q3", opening=COMPUTED)
    return writer, log_in(tmp_path, store.url)


def packed(store: Any, tmp_path: Path, **changes: Any) -> tuple[Path, Path]:
    """A quarter from observations to its pack, and the trust file."""
    writer, where = made(store, tmp_path, **changes)
    seal(writer, where, LATER)
    out = tmp_path / "pack.zip"
    pack(where, out, CONTRACT, "2020Q3")
    return out, trust_file(tmp_path / "trust.json")


def checked(out: Path, trust: Path) -> Report:
    return check_file(out, read_trust(trust))


def shipped(out: Path, trust: Path, folder: Path) -> tuple[int, str]:
    """Run the verifier that lies in the pack, from an empty folder, without the site's packages."""
    folder.mkdir()
    with zipfile.ZipFile(out) as file:
        (folder / "verifier.py").write_bytes(file.read("verifier.py"))
    command = [sys.executable, "-I", "-S", "verifier.py", str(out), "--trust", str(trust)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", CONTRACTS)
def test_a_quarter_is_packed_and_recomputed_to_the_fen(store: Any, tmp_path: Path, kind: str) -> None:
    out, trust = packed(store, tmp_path, **CONTRACTS[kind])
    report = checked(out, trust)
    assert report.failures == ()
    assert report.exit == 0, report
    [(total,)] = store.rows("SELECT body FROM statements")
    assert f"{report.total_fen:,}".replace(",", "") == json.loads(total)["totals"]["total"].replace(".", "")
    code, said = shipped(out, trust, tmp_path / "empty")
    assert code == 0, said


PACKS: dict[str, str] = {}
"""The digest of the same pack on the databases where it was made so far."""


def test_the_same_export_gives_the_same_bytes_on_both_databases(store: Any, tmp_path: Path) -> None:
    out, _ = packed(store, tmp_path)
    again = tmp_path / "again.zip"
    pack(log_in(tmp_path, store.url), again, CONTRACT, "2020Q3")
    assert again.read_bytes() == out.read_bytes()
    PACKS[store.engine.dialect.name] = hashlib.sha256(out.read_bytes()).hexdigest()
    assert len(set(PACKS.values())) == 1


def test_a_pack_of_some_points_withholds_the_others(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER)
    out, trust = tmp_path / "some.zip", trust_file(tmp_path / "trust.json")
    said = pack(where, out, CONTRACT, "2020Q3", points=("A-2",))
    assert said["exit"] == 3
    assert said["points"] == 4
    report = checked(out, trust)
    assert report.failures == ()
    assert report.exit == 3
    assert [step.outcome for step in report.steps] == ["ok", "ok", "ok", "ok", "ok", "ok", "open", "open", "open"]
    with zipfile.ZipFile(out) as file:
        lines = file.read("log/2021-07-05/records.ndjson").splitlines()
        assert b"A-2" in file.read("csv/points.csv")
        assert b"A-1" not in file.read("csv/points.csv")
    assert sum(line.startswith(b"~") for line in lines) > len(lines) // 2
    assert not any(b'"point":"A-1"' in line for line in lines if b'"k":"sum"' in line)
    assert shipped(out, trust, tmp_path / "empty")[0] == 3


@pytest.mark.parametrize("hour", ["2021-07-05T15:00:00", "2021-07-06T15:00:00"])
def test_what_is_decided_after_the_statement_does_not_accuse_it(store: Any, tmp_path: Path, hour: str) -> None:
    """A later exclusion changes the sums of the log, and nothing of what the statement was made from."""
    writer, where = made(store, tmp_path)
    excluded(writer, "A-1", "2020-08-03T00:00:00", "2020-08-28T12:00:00", instant(hour))
    seal(writer, where, instant("2021-07-07T01:00:00"))
    out, trust = tmp_path / "pack.zip", trust_file(tmp_path / "trust.json")
    pack(where, out, CONTRACT, "2020Q3")
    assert checked(out, trust).exit == 0
    assert shipped(out, trust, tmp_path / "empty")[0] == 0


def test_a_period_without_a_statement_is_packed_too(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER)
    out, trust = tmp_path / "month.zip", trust_file(tmp_path / "trust.json")
    assert pack(where, out, CONTRACT, "2020-08")["statement"] is None
    assert checked(out, trust).exit == 0
    with zipfile.ZipFile(out) as file:
        assert b"A-1" in file.read("csv/outages.csv")


# -- forged packs: signed again with the collector's own key, as one who holds it would


def forged(out: Path, **changes: bytes) -> Path:
    """Write a pack anew with other members, a fitting manifest and the collector's signature."""
    with zipfile.ZipFile(out) as file:
        members = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    del members["manifest.sig"]
    for name, body in changes.items():
        if name in ("statement", "inputs"):
            field = "sha256" if name == "statement" else "inputs_sha256"
            manifest["statement"][field] = hashlib.sha256(body).hexdigest()
            members[f"blobs/{manifest['statement'][field]}"] = body
        else:
            members[name] = body
    path = out.with_name("forged.zip")
    names = sorted(members)
    with path.open("wb+") as target:
        writer = PackWriter(target)
        for name in [name for name in names if name < "manifest.json"]:
            writer.add(name, members[name])
        later = [name for name in names if name > "manifest.sig"]
        manifest["files"] = {name: hashlib.sha256(body).hexdigest() for name, body in members.items()}
        line = canonical(manifest).encode() + b"\n"
        writer.add("manifest.json", line)
        digest = writer.data_digest([(members[name], False) for name in later])
        text = check_container.signed_text(manifest, hashlib.sha256(line).hexdigest(), digest)
        writer.add("manifest.sig", Note(text, (sign(text, COLLECTOR),)).encode(), stored=True)
        for name in later:
            writer.add(name, members[name])
        writer.close()
    return path


@pytest.fixture(scope="module")
def honest(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A pack and its trust file that are only read: what lies in a pack decides, not the database, whose bytes are the same."""
    folder = tmp_path_factory.mktemp("honest")
    with on_sqlite(sqlite_template, folder) as store:
        return packed(store, folder)


def test_a_pack_made_anew_from_the_same_content_holds(store: Any, tmp_path: Path) -> None:
    out, trust = packed(store, tmp_path)
    assert checked(forged(out), trust).exit == 0


def test_a_statement_edited_by_a_fen_is_found(store: Any, tmp_path: Path) -> None:
    out, trust = packed(store, tmp_path)
    [(body,)] = store.rows("SELECT body FROM statements")
    document = json.loads(str(body))
    document["totals"]["payable"] = "1113.36"
    path = forged(out, statement=canonical(document).encode())
    report = checked(path, trust)
    assert report.exit == 1
    assert any("totals.payable" in text for text in report.failures)
    assert any("attest" in text for text in report.failures)
    assert shipped(path, trust, tmp_path / "empty")[0] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b"[" * 50_000 + b"]" * 50_000,
        b'{"format":"camsla-inputs/1"}',
        b'{"contract_version":1,"facts":[],"format":"camsla-inputs/1","terms":{}}',
        b"\xff",
        b'{"a":1.5}',
    ],
)
@pytest.mark.parametrize("what", ["statement", "inputs"])
def test_documents_of_any_shape_are_told_and_never_a_crash(honest: tuple[Path, Path], body: bytes, what: str) -> None:
    out, trust = honest
    assert checked(forged(out, **{what: body}), trust).exit == 1


@pytest.mark.parametrize(
    ("change", "step"),
    [
        (lambda lines: lines[:5] + lines[6:], 3),
        (lambda lines: [lines[1], lines[0], *lines[2:]], 3),
        (lambda lines: [*lines[:8], lines[7], *lines[8:]], 3),
        (lambda lines: [lines[0].replace(b'"version":1', b'"version":1.0'), *lines[1:]], 3),
    ],
)
def test_edited_records_are_found(honest: tuple[Path, Path], change: Any, step: int) -> None:
    out, trust = honest
    name = "log/2021-07-05/records.ndjson"
    with zipfile.ZipFile(out) as file:
        lines = file.read(name).splitlines()
    report = checked(forged(out, **{name: b"".join(line + b"\n" for line in change(lines))}), trust)
    assert report.exit == 1
    assert next(found.n for found in report.steps if found.outcome == "failed") == step


def test_a_foreign_key_or_a_missing_witness_is_named(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER, witnessed=False)
    out = tmp_path / "pack.zip"
    pack(where, out, CONTRACT, "2020Q3")
    report = checked(out, trust_file(tmp_path / "trust.json"))
    assert [text for text in report.failures if "supplier" in text]
    assert [text for text in report.failures if "evaluator" in text]
    with pytest.raises(InputError, match="named by the origin"):
        read_trust(trust_file(tmp_path / "other.json", origin="camsla.local/other"))


# -- what cannot be exported


def refused(where: Any, out: Path, period: str = "2020Q3", **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        pack(where, out, more.pop("contract", CONTRACT), period, **more)
    assert all(finding.remedy for finding in caught.value.findings)
    return str(caught.value)


def test_what_is_missing_is_named_with_its_remedy(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    out = tmp_path / "pack.zip"
    assert "no day is sealed" in refused(where, out)
    seal(writer, where, LATER)
    assert "is not sealed" in refused(where, out, until="2021-07-06")
    assert "not a point of the contract" in refused(where, out, points=("A-2", "stranger"))
    assert "before the period" in refused(where, out, period="2021-08")
    assert "in force" in refused(where, out, contract="nobody")
    assert "cannot be read" in refused(where, out, documents=((tmp_path / "no.pdf", "立项批复"),))
    issued(writer, "2020Q4", at=Instant(LATER + 3_600_000_000))
    assert "not sealed" in refused(where, out, period="2020Q4")
    assert NOW < LATER


def test_a_damaged_log_is_not_packed(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER)
    path = where.folder.path / "2021-07-05" / "records.ndjson"
    body = path.read_bytes()
    path.write_bytes(body.replace(b'"on":86400', b'"on":86399', 1))
    assert "another root" in refused(where, tmp_path / "pack.zip")


def test_attached_scans_stand_in_the_index(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    seal(writer, where, LATER)
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(
        b"%PDF-1.4\n1 0 obj <</Type /Pages /Count 2>>\n2 0 obj <</Type /Page>>\n3 0 obj <</Type/Page>>\n%%EOF\n"
    )
    out = tmp_path / "pack.zip"
    pack(where, out, CONTRACT, "2020Q3", documents=((scan, "立项批复"),))
    with zipfile.ZipFile(out) as file:
        assert file.read(f"blobs/{hashlib.sha256(scan.read_bytes()).hexdigest()}") == scan.read_bytes()
    assert checked(out, trust_file(tmp_path / "trust.json")).exit == 0


def test_a_scorecard_and_the_sheet_of_a_sample_go_along(store: Any, tmp_path: Path) -> None:
    writer, where = made(store, tmp_path)
    with writer.transaction() as connection:
        document = sampling.draw(connection, terms(), parse_period("2020Q3"), "骰子", 2, "", NOW)
        name = f"{CONTRACT}/2020Q3/2/-/骰子"
        evaluations.add(connection, writer.audit, "sample", name, document, of={"n": 2}, at=NOW, actor="评价")
    seal(writer, where, LATER)
    out = tmp_path / "pack.zip"
    pack(where, out, CONTRACT, "2020Q3", rubric=Path("lease"))
    with zipfile.ZipFile(out) as file:
        assert file.read("site-check-1.pdf").startswith(b"%PDF")
        assert "A-" in file.read("csv/site-check-1.csv").decode("utf-8-sig")
        card = json.loads(file.read("csv/scorecard.json"))
        assert card["rubric"] == "lease"
        measured = {
            row["id"]: row["source"] for group in card["groups"] for row in group["indicators"] if row["measured"]
        }
        assert measured
        scoring = json.loads(file.read("csv/scoring.json"))
        assert scoring["measures"]["online-rate"]["num"] == 29_419_200
    assert checked(out, trust_file(tmp_path / "trust.json")).exit == 0
