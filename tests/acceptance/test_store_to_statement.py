"""The main job from the store: ledger and runs in, rates and statement out; the same bytes on SQLite and PostgreSQL."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.camsla_command import ROOT, Camsla
from tests.servers import postgres


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    command = [sys.executable, "-m", "simulators", "history", "--seed", "1", "--points", "1000", "--out", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


@pytest.fixture(scope="module")
def stores(history: Path, server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Camsla]:
    """The reference history, imported by the program into both databases."""
    url = server.url(server.create())
    made = {
        "sqlite": Camsla(tmp_path_factory.mktemp("sqlite")),
        "postgresql": Camsla(tmp_path_factory.mktemp("pg"), {"CAMSLA_DATABASE_URL": url}),
    }
    for camsla in made.values():
        camsla.ok("points", "import", str(history / "points.csv"), "--actor", "alice")
        camsla.ok("runs", "import", str(history / "runs.csv"), "--actor", "alice")
    return made


def test_the_quarter_of_report_a_from_the_store(stores: dict[str, Camsla]) -> None:
    answer = stores["sqlite"].json("settle", "--contract", "xinjian", "--quarter", "2020Q3", "--reading", "A")
    lines = {(line["phase"], line["kind"]): line["amount"] for line in answer["lines"]}
    assert lines["phase-2", "payable"] == "1652456.40"
    assert lines["phase-2", "true_up"] == "-43143.60"
    assert lines["phase-1", "payable"] == "2074680.00"
    assert lines["phase-1", "true_up"] == "-220320.00"
    assert answer["not_settled"] == []


def test_the_rates_behind_it(stores: dict[str, Camsla]) -> None:
    words = ("rates", "--period", "2020Q3", "--by", "phase", "--contract", "xinjian")
    rows = {row["key"]: row for row in stores["sqlite"].json(*words)["rows"]}
    total = 1000 * 92 * 86_400
    assert rows["phase-2"]["counted_s"] == total
    assert rows["phase-2"]["counted_s"] - rows["phase-2"]["good_s"] == 976_907_520
    assert rows["phase-2"]["rate"] == "0.877100"
    assert rows["phase-1"]["rate"] == "0.813600"
    assert {row["unknown_s"] for row in rows.values()} == {0}
    assert {row["verdict"] for row in rows.values()} == {"missed"}
    (early,) = stores["sqlite"].json("rates", "--period", "2019Q4", "--by", "phase", "--contract", "xinjian")["rows"][
        :1
    ]
    assert (early["key"], early["rate"]) == ("phase-1", "0.836200")


@pytest.mark.parametrize(
    "words",
    [
        ("rates", "--period", "2020Q3", "--by", "phase", "--json"),
        ("rates", "--period", "2020-08", "--by", "point", "--json"),
        ("rates", "--period", "2020-08", "--by", "area", "--csv"),
        ("rates", "--period", "2020-07-10..2020-08-09", "--by", "phase,supplier", "--json"),
        ("rates", "--period", "2020-08", "--definition", "mean-of-points", "--by", "phase", "--json"),
        ("rates", "--period", "2020-08", "--definition", "snapshot", "--at", "10:00", "--json"),
        ("rates", "--period", "2020-08", "--definition", "integrity", "--json"),
        ("settle", "--contract", "xinjian", "--quarter", "2020Q3", "--json"),
        ("settle", "--contract", "xinjian", "--quarter", "2019Q4", "--readings", "all", "--json"),
        ("points", "export"),
    ],
)
def test_both_databases_give_the_same_bytes(stores: dict[str, Camsla], words: tuple[str, ...]) -> None:
    one, other = (stores[name].ok(*words) for name in ("sqlite", "postgresql"))
    assert one == other
    assert len(one) > 100


def test_months_add_up_to_the_quarter(stores: dict[str, Camsla]) -> None:
    def seconds(period: str) -> dict[str, int]:
        rows = stores["sqlite"].json("rates", "--period", period, "--by", "phase")["rows"]
        return {row["key"]: row["good_s"] for row in rows}

    months = [seconds(month) for month in ("2020-07", "2020-08", "2020-09")]
    assert {key: sum(month[key] for month in months) for key in months[0]} == seconds("2020Q3")


def test_the_history_says_itself_what_it_holds(history: Path, stores: dict[str, Camsla]) -> None:
    with (history / "expected.csv").open(newline="") as file:
        expected = list(csv.DictReader(file))
    assert expected
    for row in expected:
        words = ("rates", "--period", row["quarter"], "--by", "phase")
        rows = {found["key"]: found for found in stores["sqlite"].json(*words)["rows"]}
        found = rows[row["phase"]]
        assert found["counted_s"] == int(row["total_s"])
        assert found["counted_s"] - found["good_s"] == int(row["offline_s"])


def test_the_same_file_again_changes_nothing(history: Path, stores: dict[str, Camsla]) -> None:
    for camsla in stores.values():
        before = camsla.ok("rates", "--period", "2020Q3", "--json")
        assert "没有变化" in camsla.ok("runs", "import", str(history / "runs.csv"), "--actor", "bob")
        camsla.ok("points", "import", str(history / "points.csv"), "--actor", "bob")
        assert camsla.ok("rates", "--period", "2020Q3", "--json") == before


def test_a_bad_row_stores_nothing(history: Path, stores: dict[str, Camsla], tmp_path: Path) -> None:
    good = (history / "runs.csv").read_text().splitlines()[:200]
    (tmp_path / "bad.csv").write_text("\n".join([*good, good[1].replace("XJ1", "NOWHERE")]) + "\n")
    for camsla in stores.values():
        before = camsla.ok("rates", "--period", "2019Q4", "--json")
        assert "NOWHERE" in camsla.refused("runs", "import", str(tmp_path / "bad.csv"))
        assert camsla.ok("rates", "--period", "2019Q4", "--json") == before


def test_an_exclusion_counts_from_a_second_persons_approval_on(stores: dict[str, Camsla], tmp_path: Path) -> None:
    claim = "point,start,end,reason\nXJ2-00001,2020-09-01T00:00:00+08:00,2020-09-02T00:00:00+08:00,停电\n"
    (tmp_path / "claims.csv").write_text(claim)
    for camsla in stores.values():
        words = ("rates", "--period", "2020-09", "--by", "point", "--json")
        before = camsla.ok(*words)
        camsla.ok("exclusions", "import", str(tmp_path / "claims.csv"), "--actor", "alice")
        assert camsla.ok(*words) == before
        (row,) = camsla.json("exclusions", "list")
        assert row["status"] == "pending"
        assert "不能审批自己" in camsla.refused("exclusions", "approve", str(row["id"]), "--actor", "alice")
        assert camsla.ok(*words) == before
        camsla.ok("exclusions", "approve", str(row["id"]), "--actor", "bob")
        after = {r["key"]: r for r in camsla.json(*words[:-1])["rows"]}
        assert after["XJ2-00001"]["excluded_s"] == 86_400
        assert after["XJ2-00001"]["counted_s"] == 29 * 86_400
        assert after["XJ2-00002"]["excluded_s"] == 0
    assert stores["sqlite"].ok(*words) == stores["postgresql"].ok(*words)
