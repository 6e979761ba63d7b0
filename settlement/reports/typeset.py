"""Pages and pictures from the templates beside this file: data goes in as JSON, bytes come out, the same each time.

No text of anybody's is ever part of a template: templates read one JSON value and show its strings as strings. Only fonts
that come with packages are used, never the machine's, so that a document looks the same everywhere: the Chinese one, and
for signs that it lacks (⌈ ⌉) those of the typesetter.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).parent
PICTURE_PPI = 144.0
_FONTS = "fonts/ofl/notosanssc"


def font_folder() -> Path:
    """Return the folder of the packaged Noto Sans SC."""
    return Path(str(files("justmytype_intl_cjk"))) / _FONTS


def _compiler(source: Path, data: Any) -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[font_folder()])
    text = json.dumps(data, ensure_ascii=False, sort_keys=True)
    return typst.Compiler(source, root=TEMPLATES, font_paths=fonts, ignore_system_fonts=True, sys_inputs={"data": text})


def to_pdf(template: str, data: Any, made_on: date) -> bytes:
    """Return the template's PDF; `made_on` becomes its creation date, so that equal data give equal bytes."""
    at = int(datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC).timestamp())
    made = _compiler(TEMPLATES / template, data).compile(format="pdf", timestamp=at)
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


def to_png(svg: str, ppi: float = PICTURE_PPI) -> bytes:
    """Return a picture of our own as PNG, for programs that show no SVG."""
    made = _compiler(TEMPLATES / "picture.typ", svg).compile(format="png", ppi=ppi)
    return made[0] if isinstance(made, list) else made if made is not None else b""
