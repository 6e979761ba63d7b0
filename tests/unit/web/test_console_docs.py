"""The console's two documents, Chinese and English, say the same things in the same order, and name the roles that there are."""

from __future__ import annotations

import re
from pathlib import Path

from console.web.access import ROLE_ZH, Role

DOCS = Path(__file__).resolve().parents[3] / "docs"
CHINESE, ENGLISH = ((DOCS / name).read_text("utf-8") for name in ("console.zh-CN.md", "console.md"))
COMMENT = re.compile(r"\s*#.*$", re.MULTILINE)


def blocks(text: str) -> list[str]:
    """Its blocks of code without comments and what a reader puts in."""
    found = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return [re.sub(r"https://\S+?/", "https://ADDRESS/", COMMENT.sub("", block)) for block in found]


def shape(text: str) -> list[tuple[str, int]]:
    """The kinds of lines that give a document its order, with how many follow each other under every heading."""
    bare = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found: list[tuple[str, int]] = []
    for part in re.split(r"^#+ ", bare, flags=re.MULTILINE)[1:]:
        for kind, pattern in (("row", r"^\|"), ("step", r"^\d\. ")):
            found.append((kind, len(re.findall(pattern, part, re.MULTILINE))))
    return found


def test_both_have_the_same_sections_steps_tables_and_commands() -> None:
    assert shape(CHINESE) == shape(ENGLISH)
    assert blocks(CHINESE) == blocks(ENGLISH)
    for known in (r"`(camsla [a-z|]+)", r"\]\(([a-z-]+\.md)\)", r"`(serve\.\w+)`"):
        chinese, english = (set(re.findall(known, text)) for text in (CHINESE, ENGLISH))
        assert chinese - {"console.md"} == english - {"console.zh-CN.md"}, known


def test_both_name_every_role_as_screens_do() -> None:
    for text in (CHINESE, ENGLISH):
        rows = re.findall(r"^\| (\S+) (\w+) \|", text, re.MULTILINE)
        told = {english: chinese for chinese, english in rows if english in set(Role)}
        assert told.keys() == {role.value for role in Role}
        for role, word in told.items():
            assert ROLE_ZH[Role(role)].startswith(word)
