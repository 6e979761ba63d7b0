"""What holds for all tests: no property fails for being slow, and long files begin first, so that no worker is left with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("camsla", deadline=None)  # how fast a machine is says nothing about what is right
settings.load_profile("camsla")

LONG = (
    "test_console_walks.py",
    "test_evidence_page.py",
    "test_watcher_is_honest.py",
    "test_log_kill.py",
    "test_evidence_packs.py",
    "test_watch_kill.py",
    "test_archive_command.py",
    "test_store_to_statement.py",
    "test_city_against_truth.py",
    "test_quarter_close.py",
    "test_power_cut.py",
    "test_evidence_commands.py",
    "test_media_real_servers.py",
    "test_close_kill.py",
    "test_api_schemathesis.py",
    "test_evidence_end_to_end.py",
)
"""Files of tests/acceptance and tests/stores that take a worker longest, longest first; some compute and some mostly wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; everything else stays in its order. For `--dist loadfile --no-loadscope-reorder`."""
    place = {name: n for n, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(Path(item.path).name, len(LONG)))
