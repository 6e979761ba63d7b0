"""A command line that cannot be read is answered in Chinese and English, with exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camsla_command import Camsla


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("settle", "--quarter", "2020Q3"), "缺少选项 Missing option '--contract'"),
        (("settel",), "没有这个命令 No such command 'settel'"),
        (("statement", "expotr"), "没有这个命令 No such command 'expotr'"),
        (("statement", "show"), "缺少参数 Missing argument 'CONTRACT'"),
        (("settle", "--contrat", "x"), "没有这个选项 No such option"),
        (("--wrong",), "没有这个选项 No such option"),
        (("settle", "--contract", "x", "--quarter", "2020Q3", "--reading", "Z"), "取值无效 Invalid value"),
        (("events", "list", "more"), "多余的参数 Got unexpected extra"),
    ],
)
def test_what_cannot_be_read_is_said_in_both_languages(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    said = Camsla(tmp_path).refused(*words)
    assert f"错误 error: {message}" in said
    assert said.startswith("用法 Usage: camsla")
    assert "帮助 help: camsla" in said


def test_an_option_without_its_value(tmp_path: Path) -> None:
    said = Camsla(tmp_path).refused("settle", "--contract")
    assert "选项写法有误 Option '--contract' requires an argument" in said


def test_help_without_a_verb_stays_help(tmp_path: Path) -> None:
    done = Camsla(tmp_path).run("statement")
    assert "错误" not in done.stderr
    assert "Usage: camsla statement" in done.stdout + done.stderr
