"""The product's commands without the half second that Python takes to import them: one process that has, and forks for each.

Every command is still a process of its own, with its own environment, folder, files and exit code; what is saved is the
start alone. Commands on another day (libfaketime) have a server that was started with that library, and which day it is
each says itself: the library reads FAKETIME at every look at the clock. What else depends on how Python is started (a
locale, a clock set by a file) is started as usual.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OF_THE_START = ("LD_", "PYTHON", "TZ", "LANG", "LC_", "CAMSLA_TEST_")
OF_ANOTHER_DAY = {"LD_PRELOAD", "TZ"}
FAKETIME = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"}
"""How a server of other days is started: without a day of its own, and looking afresh for that of each child."""

LATE = (
    "alembic.command",
    "alembic.config",
    "psycopg",
    "rich.table",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
)
"""What many commands import once they are under way."""


class Server:
    """Asks one forking process; a lock, since it does one command at a time."""

    def __init__(self, start: Mapping[str, str]) -> None:
        """Start it with what `start` adds to this process's environment."""
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.command_server"],
            cwd=ROOT,
            env={**os.environ, **start, **(FAKETIME if start else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End it; it ends by itself when its input closes."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=30)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def run(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run one command to its end. subprocess.TimeoutExpired where it takes longer."""
        with tempfile.TemporaryDirectory(prefix="camsla-said-") as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            asked = {"words": list(words), "cwd": str(cwd), "env": dict(env), "out": str(out), "err": str(err)}
            with self._turn:
                assert self._process.stdin is not None and self._process.stdout is not None
                self._process.stdin.write(json.dumps({**asked, "timeout_s": timeout_s}) + "\n")
                self._process.stdin.flush()
                code = int(self._process.stdout.readline())
            if code == -signal.SIGALRM:
                raise subprocess.TimeoutExpired(list(words), timeout_s)
            return subprocess.CompletedProcess(
                list(words), code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
            )


_servers: dict[frozenset[tuple[str, str]], Server] = {}


def server(env: Mapping[str, str]) -> Server | None:
    """Return this test process's server for such an environment, started when first asked for; None where none can serve."""
    start = {
        name for name in {*env, *os.environ} if name.startswith(OF_THE_START) and env.get(name) != os.environ.get(name)
    }
    if not start <= OF_ANOTHER_DAY & env.keys() or "FAKETIME_TIMESTAMP_FILE" in env:
        return None
    if "LD_PRELOAD" in start and env.get("FAKETIME_DONT_FAKE_MONOTONIC") != "1":
        return None
    added = {name: env[name] for name in start}
    key = frozenset(added.items())
    if key not in _servers:
        _servers[key] = Server(added)
    return _servers[key]


def _child(asked: dict[str, Any]) -> None:
    """Become the command: never returns."""
    code = 70
    try:
        signal.setitimer(signal.ITIMER_REAL, asked["timeout_s"])
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, number)
            os.close(file)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        sys.argv = ["camsla", *asked["words"]]
        from console.cli import main

        main(prog_name="camsla")  # click would name it after this module
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError:
                code = code or 120
        os._exit(code)


def _load() -> None:
    """Import what commands import; what only some need and what starts threads is left to them."""
    import console.cli

    for module in pkgutil.iter_modules(console.cli.__path__):
        importlib.import_module(f"console.cli.{module.name}")
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a child's collector would copy every page that it looks at


def _serve() -> None:
    _load()
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(asked)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
