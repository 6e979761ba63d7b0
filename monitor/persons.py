"""Persons as they sign: two spellings of one name are one person, so that nobody approves what he made by writing it anew.

What is stored and printed stays as it was written. A name is compared without its form (full-width letters, ligatures),
its case, the number of its blanks, blanks beside Chinese characters, and the mark of a system login.
"""

from __future__ import annotations

import re
import unicodedata

LOGIN = "os:"
"""Stands before a name that nobody wrote: the operating system's login."""
_BESIDE_HAN = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")


def person(name: str) -> str:
    """Return the name by which a person is compared."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    plain = " ".join(folded.split()).removeprefix(LOGIN).strip()
    return _BESIDE_HAN.sub("", plain)


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are one person's."""
    return person(one) == person(other)
