"""The verifier as one HTML page that evaluators open in a browser: no network, no installation, no Python.

The page is put together from parts in this folder, with a policy that allows exactly its own script and style. Its script
shares no code with the product and none with verifier.py: it is a third reading of docs/evidence-format.md.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

PARTS = (
    "bytes",
    "digests",
    "ed25519",
    "json",
    "container",
    "tree",
    "notes",
    "calendar",
    "timeline",
    "records",
    "replay",
    "money",
    "charges",
    "statement",
    "facts",
    "steps",
    "screen",
    "main",
)
"""The script's parts in the order of reading; each uses what stands before it, and functions of any."""


def script() -> str:
    """Return the page's script: all parts within one strict function, so that nothing of it is a global name."""
    parts = "\n".join(_text(f"script/{name}.js") for name in PARTS)
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def page() -> bytes:
    """Return the page, the same bytes every time: nothing in it is loaded from anywhere."""
    style, code = _text("page.css"), script()
    for text in (style, code):
        if "</" in text or "<!--" in text or "\r" in text:
            raise ValueError("a part of the page would end its element, or be read as other bytes than were hashed")
    policy = (
        f"default-src 'none'; script-src {_source(code)}; style-src {_source(style)}; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    result = _text("page.html")
    for mark, text in (("@CSP@", policy), ("@STYLE@", style), ("@SCRIPT@", code)):
        before, found, after = result.partition(mark)
        if not found:
            raise ValueError(f"the page lacks {mark}")
        result = before + text + after
    return result.encode()


def _text(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Return what a policy calls exactly this inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
