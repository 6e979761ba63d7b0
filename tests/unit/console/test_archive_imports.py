"""What lives for months, or starts a hundred times a day, does not load the archive's libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.camsla_command import ROOT


@pytest.mark.parametrize(
    "module",
    ["console.app.server", "console.cli.watch", "console.cli.rates", "console.cli.archive", "console.cli.settle"],
)
def test_pyarrow_and_numpy_are_not_loaded(module: str) -> None:
    script = f"import sys, {module}; print(*sorted({{'numpy', 'pyarrow'}} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == []
