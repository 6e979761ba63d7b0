"""The contracts hold, and each of them bites: a planted violation is caught by the very command developers run."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("monitor", "settlement", "config", "console", "deploy", "simulators")
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    for room in ROOMS:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", ".importlinter"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=100, check=False)


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    return run(tree, str(BIN / "lint-imports"), "--no-cache")


def test_the_untouched_tree_keeps_its_contracts(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout


IMPORTS = [
    ("monitor/metrics_planted.py", "import settlement.money\n", "console → config → settlement → monitor"),
    ("config/planted.py", "import console.clock\n", "console → config → settlement → monitor"),
    ("settlement/planted.py", "import monitor.store.tables\n", "settlement sees only monitor's pure modules"),
    ("settlement/money.py", "import settlement.contract\n", "inside settlement"),
    ("monitor/intervals.py", "import monitor.timeline\n", "inside monitor"),
    ("monitor/probes/planted.py", "import monitor.store.tables\n", "inside monitor"),
    ("monitor/timeline.py", "import asyncio\n", "pure modules do no I/O"),
    ("monitor/rates.py", "import time\n", "pure modules do no I/O"),
    ("settlement/rules.py", "import sqlalchemy\n", "pure modules do no I/O"),
    ("settlement/statement.py", "import pathlib\n", "pure modules do no I/O"),
    ("simulators/planted.py", "import monitor.model\n", "simulators import nothing of ours"),
    ("console/planted.py", "import simulators\n", "nothing of ours imports simulators"),
]


@pytest.mark.parametrize(("file", "line", "contract"), IMPORTS, ids=[f"{f}:{c}" for f, _, c in IMPORTS])
def test_a_planted_import_is_caught(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / file
    before = path.read_text() if path.exists() else None
    path.write_text((before or '"""Planted."""\n') + line)
    try:
        result = lint_imports(copy)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if "BROKEN" in text]
    assert any(contract in text for text in broken), result.stdout


CODE = [
    ("import datetime\n\nx = datetime.datetime.now()\n", "TID251"),
    ("from datetime import datetime\n\nx = datetime.now()\n", "TID251"),
    ("from datetime import date\n\nx = date.today()\n", "TID251"),
    ("import time\n\nx = time.time()\n", "TID251"),
    ("from time import time_ns\n\nx = time_ns()\n", "TID251"),
    ("from apscheduler.triggers.cron import CronTrigger\n\nx = CronTrigger(hour=1)\n", "TID251"),
    ("def f():\n    return undefined_name\n", "F821"),
]


@pytest.mark.parametrize(("code", "rule"), CODE, ids=[f"{i}-{rule}" for i, (_, rule) in enumerate(CODE)])
def test_planted_code_is_caught_by_the_linter(copy: Path, code: str, rule: str) -> None:
    path = copy / "monitor" / "planted.py"
    path.write_text('"""Planted."""\n\n' + code)
    try:
        result = run(copy, str(BIN / "ruff"), "check", "--no-cache", "monitor/planted.py")
    finally:
        path.unlink()
    assert result.returncode != 0
    assert rule in result.stdout


def test_a_planted_type_error_is_caught(copy: Path) -> None:
    path = copy / "monitor" / "planted.py"
    path.write_text(
        '"""Planted."""\n\nfrom monitor.model import Instant\n\nx: str = Instant(1)\n\n\ndef f(a):\n    return a\n'
    )
    try:
        result = run(copy, str(BIN / "mypy"), "--cache-dir=.mypy_cache", "monitor/planted.py")
    finally:
        path.unlink()
    assert result.returncode != 0
    assert "Incompatible types" in result.stdout
    assert "missing a type annotation" in result.stdout


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "__pycache__" not in path.parts]


def test_every_cron_trigger_names_its_time_zone() -> None:
    """APScheduler's CronTrigger object ignores the scheduler's zone and runs in UTC unless it is told."""
    bare = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "CronTrigger":
                if not any(keyword.arg == "timezone" for keyword in node.keywords):
                    bare.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert bare == []


def test_modules_and_functions_stay_readable_in_one_sitting() -> None:
    long = []
    for path in sources():
        text = path.read_text()
        # The reader that travels is one file by its nature; its sections are what modules are elsewhere.
        if text.count("\n") > (2_040 if path.name == "verifier.py" else 350):
            long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                if node.end_lineno - node.lineno > 75:
                    long.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert long == []


PURE_SHELLS = {  # everything else in monitor/ and settlement/ that is one file must be in the contract of pure modules
    "monitor.poller",
    "monitor.batcher",
    "monitor.sentinel",
    "monitor.upstreams",
    "monitor.metrics",
    "settlement.close",
    "settlement.quarter",
    "settlement.store",
}


def test_every_module_outside_the_shells_is_under_the_contract_of_purity() -> None:
    listed = (ROOT / ".importlinter").read_text()
    pure = listed.split("[importlinter:contract:pure]")[1].split("forbidden_modules")[0].split()
    for room in ("monitor", "settlement"):
        for path in (ROOT / room).glob("*.py"):
            module = f"{room}.{path.stem}"
            if path.stem != "__init__" and module not in PURE_SHELLS:
                assert module in pure, f"{module} is neither pure nor named as a shell"


def test_requirements_are_hashed_and_name_no_host() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert packages
        for line in packages:
            assert "==" in line
            assert line.endswith("\\"), f"{path.name}: {line} has no hash"
