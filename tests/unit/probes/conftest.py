from __future__ import annotations

from typing import Any

import pytest

from tests.servers.loops import LOOPS, Run, runner


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Run a coroutine, once on each event loop."""
    return runner(request.param)
