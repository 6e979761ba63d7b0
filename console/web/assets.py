"""Scripts, styles and pictures: ours from static/, htmx and Leaflet from their packages, all under one function.

An asset's address carries a digest of its bytes, so that it may be kept by browsers for ever.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mimetypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

STATIC = Path(__file__).resolve().parent.parent / "static"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {name} is not installed")
    return Path(spec.origin).parent / "static"


_PACKAGED: Mapping[str, tuple[str, str]] = {
    "htmx.js": ("js_lib_htmx", "htmx/htmx.min.js"),
    "htmx-sse.js": ("js_lib_htmx", "htmx/ext/sse.js"),
    "leaflet.js": ("js_lib_leaflet", "js_lib_leaflet/leaflet.js"),
    "leaflet.css": ("js_lib_leaflet", "js_lib_leaflet/leaflet.css"),
}


class Asset(NamedTuple):
    """An asset's bytes and media type; `address` is where it is served."""

    body: bytes
    media: str
    address: str


@cache
def assets() -> dict[str, Asset]:
    """Return every asset by name, read once."""
    found: dict[str, Path] = {path.name: path for path in sorted(STATIC.iterdir()) if path.is_file()}
    found |= {name: _package(package) / path for name, (package, path) in _PACKAGED.items()}
    result: dict[str, Asset] = {}
    for name, path in found.items():
        body = path.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:16]
        media = mimetypes.guess_type(name)[0] or "application/octet-stream"
        result[name] = Asset(body, media, f"/static/{digest}/{name}")
    return result


def address(name: str) -> str:
    """Return an asset's address. KeyError if there is no such asset."""
    return assets()[name].address
