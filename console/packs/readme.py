"""README.md of a pack: what is proven and what is not, and how anybody checks it, in plain Chinese and English."""

from __future__ import annotations

from importlib.resources import files

from console.packs.story import Story


def text_of(story: Story) -> bytes:
    """Return the text, UTF-8."""
    terms, sealed = story.terms, story.sealed
    words = {
        "name": f"{terms.title or terms.contract}（{terms.contract}）{story.period}",
        "first": str(sealed.first),
        "last": str(sealed.last),
        "origin": sealed.origin,
        "size": f"{sealed.size:,}",
        "root": sealed.root,
        "software": story.software,
        "n": f"{len(story.subset or ()):,}",
        "all": f"{story.points:,}",
    }
    text = template("readme.md").replace("{part}", "" if story.subset is None else template("readme_part.md"))
    for name, word in words.items():
        text = text.replace(f"{{{name}}}", _plain(word))
    return text.encode()


def template(name: str) -> str:
    """Return a text that lies beside these modules."""
    return (files("console.packs") / "templates" / name).read_text(encoding="utf-8")


def _plain(text: str) -> str:
    """Return a text that stays on its line and names no place of the template."""
    return " ".join("".join(c if c.isprintable() and c not in "{}" else " " for c in text).split())
