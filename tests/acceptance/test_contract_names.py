"""A contract's bare name is the shipped example, and says so where the store holds another of that name."""

from __future__ import annotations

from pathlib import Path

from config.contracts import SHIPPED
from tests.camsla_command import Camsla


def test_a_name_that_the_store_holds_too_says_which_is_taken(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    (tmp_path / "own.yaml").write_text((SHIPPED / "xinjian.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    given = ("--count", "phase-2=1000", "--rate")
    commands = (
        ("settle", "--contract", "xinjian", "--quarter", "2020Q3", *given, "phase-2=0.9"),
        ("score", "advice", "xinjian", "2020", *given, "2020Q3/phase-2=0.9"),
        ("contract", "what-if", "own.yaml", "--against", "xinjian"),
        ("contract", "lint", "xinjian"),
    )
    word = "the shipped example here, not the stored version 1"
    for words in commands:
        assert word not in camsla.run(*words).stderr
    camsla.ok("contract", "add", "own.yaml", "--effective-from", "2019-07-01", "--actor", "甲")
    for words in commands:
        assert word in camsla.run(*words).stderr, words
    assert word not in camsla.run("contract", "lint", "own.yaml").stderr


def test_a_name_that_only_the_store_holds_says_that_a_file_is_wanted(tmp_path: Path) -> None:
    camsla = Camsla(tmp_path)
    text = (SHIPPED / "xinjian.yaml").read_text(encoding="utf-8").replace("contract: xinjian", "contract: lease-7")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    commands = (
        ("settle", "--contract", "lease-7", "--quarter", "2020Q3", "--count", "phase-2=9", "--rate", "phase-2=0.9"),
        ("rates", "--period", "2020Q3", "--contract", "lease-7"),
        ("score", "lease", "--from-store", "--contract", "lease-7", "--period", "2020Q3", "--partial"),
        ("contract", "lint", "lease-7"),
    )
    camsla.ok("contract", "add", "own.yaml", "--effective-from", "2019-07-01", "--actor", "甲")
    for words in commands:
        said = camsla.refused(*words)
        assert "lease-7 只在库中（第 1 版）" in said and "name its file" in said, words
    (tmp_path / "lease-7").write_text(text, encoding="utf-8")
    camsla.ok(*commands[0])
