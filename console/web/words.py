"""Words on screens: Chinese is the source, English comes from catalogues (gettext .po files, one per chapter).

A catalogue is read when the server starts; nothing compiled lies in the repository. A message that a catalogue lacks is
shown in Chinese, and a test finds it.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES: Mapping[str, str] = {"zh": "中文", "en": "English"}
DEFAULT = "zh"
COOKIE = "camsla-language"
"""Where a browser keeps its choice."""
FOLDER = Path(__file__).resolve().parent.parent / "locale"


def catalogue_files(language: str) -> list[Path]:
    """Return a language's catalogues, by name."""
    return sorted((FOLDER / language).glob("*.po"))


@cache
def translations(language: str) -> gettext.NullTranslations:
    """Return a language's messages, all chapters together; for Chinese the source itself."""
    if language == DEFAULT:
        return gettext.NullTranslations()
    whole = Catalog(locale=language)
    for path in catalogue_files(language):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                if message.id and message.string:
                    whole.add(message.id, message.string, context=message.context)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def preferred(wanted: Iterator[str] | tuple[str, ...]) -> str:
    """Return the first language that there is, of what somebody wants in that order; else Chinese."""
    for name in wanted:
        short = name.partition("-")[0].strip().lower()
        if short in LANGUAGES:
            return short
    return DEFAULT


def N_(message: str) -> str:
    """Mark a message that is translated later."""
    return message
