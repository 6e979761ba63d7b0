"""The verifier's page is one file, the same every time, and allows itself nothing but its own script and style."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files

from console import evidence_page
from console.evidence_page import PARTS, page, script


def test_it_is_the_same_bytes_every_time() -> None:
    first = page()
    page.cache_clear()
    assert page() == first
    assert first.startswith(b"<!DOCTYPE html>")


def test_every_part_of_the_folder_is_in_it_once() -> None:
    folder = files(evidence_page).joinpath("script")
    assert sorted(PARTS) == sorted(item.name.removesuffix(".js") for item in folder.iterdir())
    assert len(set(PARTS)) == len(PARTS)


def test_its_policy_allows_its_own_script_and_style_alone() -> None:
    text = page().decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    allowed = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert allowed.pop("default-src") == allowed.pop("base-uri") == allowed.pop("form-action") == "'none'"
    assert allowed.pop("worker-src") == "blob:"
    for name, element in (("script-src", "script"), ("style-src", "style")):
        bodies = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(body.encode()).digest()).decode() for body in bodies]
        assert [f"'sha256-{digest}'" for digest in digests] == [allowed.pop(name)]
    assert not allowed
    assert not re.search(r"""\s(on\w+|style|src|href)\s*=\s*["']""", text)


def test_its_script_asks_for_nothing_and_makes_no_code_of_texts() -> None:
    code = script()
    for word in ("eval(", "new Function", "innerHTML", "outerHTML", "document.write", "fetch(", "XMLHttpRequest"):
        assert word not in code
    for word in ("import(", "importScripts", "WebSocket", "sendBeacon", "localStorage", "indexedDB", "http:", "https:"):
        assert word not in code
