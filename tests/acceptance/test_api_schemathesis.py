"""The API under requests that its own document allows, and some that it does not, as somebody of every role: never a failure.

A few examples of each operation in `make test`; CAMSLA_API_EXAMPLES=200 asks for more. Whatever fails is shrunk and printed
with the curl command that repeats it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from console.app.site import every_route
from console.web.access import Role
from console.web.openapi import document, operation_id
from tests import two_suppliers as city
from tests.site_app import CSRF, WHO, settings_at

EXAMPLES = int(os.environ.get("CAMSLA_API_EXAMPLES", "2"))
ENDPOINTS = [route for route in every_route() if route.kind == "endpoint"]
ENDLESS = "text/event-stream"
ANSWER_S = 60
SCHEMA = schemathesis.openapi.from_dict(document(ENDPOINTS, "1"))
BY_ID = {
    operation.definition.raw["operationId"]: operation
    for operation in (result.ok() for result in SCHEMA.get_all_operations())
}
START_S = 60.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A seeded city, served from a loop in a thread of its own."""
    seeded = settings_at(tmp_path_factory.mktemp("api"))
    city.seed(seeded)
    told: dict[str, Any] = {}
    ready = threading.Event()

    async def serve() -> None:
        told["loop"], told["end"] = asyncio.get_running_loop(), asyncio.Event()
        async with city.serving(seeded) as client:
            told["base"] = str(client.make_url("/")).rstrip("/")
            ready.set()
            await told["end"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(START_S), "the site did not start"
    yield told["base"]
    told["loop"].call_soon_threadsafe(told["end"].set)
    thread.join(30)
    assert not thread.is_alive()


def test_every_endpoint_is_tried() -> None:
    assert set(BY_ID) == {operation_id(route.method, route.path) for route in ENDPOINTS}


@pytest.mark.parametrize(
    "route", [r for r in ENDPOINTS if r.models.media != ENDLESS], ids=lambda r: f"{r.method} {r.path}"
)
def test_no_request_makes_it_fail(running: str, route: Any) -> None:
    """Below 500 whatever comes; what an allowed reading answers is as documented; who is not allowed is told so."""
    operation = BY_ID[operation_id(route.method, route.path)]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES <= 2,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def tried(case: Any) -> None:
        for role in Role:
            may = route.allow is None or role in route.allow
            headers = {WHO: role.value, "X-CSRF-Token": CSRF}
            response = case.call(base_url=running, headers=headers, timeout=ANSWER_S)
            curl = case.as_curl_command(headers=headers)
            assert response.status_code < 500, f"{role}: {response.status_code} {response.text[:500]}\n{curl}"
            if not may:
                assert response.status_code == 403, f"{role} may not: {response.status_code}\n{curl}"
                continue
            said = operation.definition.raw["responses"]
            assert str(response.status_code) in said, f"{role}: {response.status_code} is not documented\n{curl}"

    tried()
