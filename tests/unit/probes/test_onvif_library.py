"""The SOAP library is let in without what it does to a process, and its service descriptions are parsed once."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

from monitor.probes.onvif.calls import Calls
from monitor.probes.onvif.device import Device
from monitor.probes.onvif.http_client import Host
from monitor.probes.onvif.library import library

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, os, socket, sys, urllib.request
os.environ["http_proxy"] = os.environ["https_proxy"] = "http://127.0.0.1:9"
logging.getLogger().setLevel(logging.ERROR)
before = dict(os.environ)
def nothing_may_connect(*_):
    raise AssertionError("something was fetched")
socket.socket.connect = nothing_may_connect
from monitor.probes.onvif.library import library
found = library()
root = logging.getLogger()
print(root.handlers, root.level == logging.ERROR, dict(os.environ) == before, len(found.bindings["media"].all()) > 50)
"""


def test_importing_it_changes_neither_logging_nor_environment_and_fetches_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "True", "True", "True"]
    assert done.stderr == ""


def test_it_is_hardened() -> None:
    settings = library().settings
    assert settings.forbid_dtd
    assert settings.forbid_external
    assert settings.forbid_entities
    assert not settings.xml_huge_tree


def test_a_device_costs_little_beside_the_shared_descriptions() -> None:
    from datetime import datetime

    shared, device = library(), Device.parse("127.0.0.1:1")
    host = Host("127.0.0.1", "127.0.0.1", 0.0)
    made = [Calls(shared, device, host, None, lambda: datetime.min)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        made += [Calls(shared, device, host, None, lambda: datetime.min) for _ in range(100)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert library() is shared
    assert (after - before) / 100 < 20_000
