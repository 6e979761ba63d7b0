"""The product as a program: `camsla` run as a real process, with nothing of the surrounding environment's settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.command_server import server

ROOT = Path(__file__).resolve().parents[1]
CAMSLA = Path(sys.executable).with_name("camsla")


def environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAMSLA_")}
    return {**kept, "CAMSLA_DATA_DIR": str(folder / "data"), "COLUMNS": "200", **(extra or {})}


class Camsla:
    """Runs commands in one folder on one database."""

    def __init__(self, folder: Path, extra: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.env = environment(folder, extra)

    def run(self, *words: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
        forking = server(self.env)
        if forking is not None:
            return forking.run(words, cwd=self.folder, env=self.env, timeout_s=timeout_s)
        return subprocess.run(
            [CAMSLA, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def ok(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, f"camsla {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: str) -> str:
        """Run a command that must be refused with exit 2 and a message, never a traceback."""
        done = self.run(*words)
        assert done.returncode == 2, f"camsla {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        assert done.stderr.strip()
        return done.stderr

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen([CAMSLA, *words], cwd=self.folder, env=self.env, text=True, **options)
