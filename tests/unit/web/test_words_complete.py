"""Every message that screens show has its English, with the same placeholders, once.

Extracted from the sources as they are, and, for words that are only known at run time, from pages read in English. When a
line fails: add the message to a .po file of its chapter in console/locale/en.
"""

from __future__ import annotations

import ast
import gettext
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
from babel.messages.pofile import read_po
from jinja2 import nodes

from console.app.site import every_route
from console.web import visit as visits
from console.web.templating import FOLDER as TEMPLATES
from console.web.words import FOLDER, LANGUAGES, catalogue_files, translations
from tests import two_suppliers as city
from tests.site_app import WHO, settings_at

CONSOLE = FOLDER.parent
ROOMS = ("web", "pages", "api", "board", "settling", "charts")
CALLS = {"_", "N_", "say", "gettext"}
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2,}")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
REMEDY = "→ add msgid and msgstr to a .po file in console/locale/en"


@cache
def english() -> dict[str, str]:
    """Every message of the catalogues by its Chinese."""
    return {message: text for message, text, _ in _messages()}


def _messages() -> Iterator[tuple[str, str, str]]:
    for path in catalogue_files("en"):
        with path.open("rb") as file:
            for message in read_po(file, locale="en", abort_invalid=True):
                if message.id:
                    assert not message.fuzzy, (
                        f"{path.name}: {message.id!r} is marked fuzzy → read it again, remove the mark"
                    )
                    yield str(message.id), str(message.string), path.name


def environment() -> jinja2.Environment:
    return jinja2.Environment(
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], trim_blocks=True, lstrip_blocks=True, autoescape=True
    )


def of_template(path: Path) -> tuple[set[str], list[str]]:
    """The Chinese strings within a template's expressions, and Chinese text that stands outside of them."""
    tree = environment().parse(path.read_text(encoding="utf-8"))
    words = {c.value for c in tree.find_all(nodes.Const) if isinstance(c.value, str) and HAN.search(c.value)}
    bare = [d.data.strip() for d in tree.find_all(nodes.TemplateData) if HAN.search(d.data)]
    return words, bare


def of_module(path: Path) -> tuple[set[str], list[str]]:
    """The messages of a module, and f-strings that ask for a translation: those are never found."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found, wrong = set(), []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in CALLS:
            continue
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            found.add(first.value)
        elif isinstance(first, ast.JoinedStr):
            wrong.append(f"{path.name}:{node.lineno}")
    return found, wrong


def literals(path: Path) -> set[str]:
    """Strings of a module in Chinese alone, docstrings apart: what a screen shows without English beside it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    notes = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in ast.walk(n)}
    return {
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant)
        and isinstance(n.value, str)
        and id(n) not in notes | parts
        and HAN.search(n.value)
        and not LATIN.search(PLACEHOLDER.sub("", n.value))
    }


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (CONSOLE / room).rglob("*.py"))


def templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


def name_of(path: Path) -> str:
    return str(path.relative_to(CONSOLE))


@pytest.mark.parametrize("path", templates(), ids=name_of)
def test_a_template_says_nothing_without_its_english(path: Path) -> None:
    words, bare = of_template(path)
    assert bare == [], f'{name_of(path)}: Chinese outside of _(…) → put it into {{{{ _("…") }}}}: {bare}'
    missing = sorted(word for word in words if not english().get(word) and not LATIN.search(PLACEHOLDER.sub("", word)))
    assert missing == [], f"{name_of(path)} {REMEDY}: {missing}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_says_nothing_without_its_english(path: Path) -> None:
    found, wrong = of_module(path)
    assert wrong == [], f'an f-string is no message → say("… {{name}}").format(name=…): {wrong}'
    if path.parent.name in {"web", "board"} or "pages" in path.parts or "api" in path.parts:
        found |= {word for word in literals(path) if path.name != "problem.py"} - set(LANGUAGES.values())
    missing = sorted(
        word
        for word in found
        if HAN.search(word) and not english().get(word) and not LATIN.search(PLACEHOLDER.sub("", word))
    )
    assert missing == [], f"{name_of(path)} {REMEDY}: {missing}"


def test_both_languages_have_the_same_placeholders() -> None:
    wrong = [
        f"{file}: {message!r} / {text!r}"
        for message, text, file in _messages()
        if text and sorted(PLACEHOLDER.findall(message)) != sorted(PLACEHOLDER.findall(text))
    ]
    assert wrong == [], f"placeholders differ → name the same ones in both: {wrong}"


def test_no_message_is_translated_in_two_ways() -> None:
    seen: dict[str, dict[str, str]] = defaultdict(dict)
    for message, text, file in _messages():
        seen[message][file] = text
    wrong = {message: its for message, its in seen.items() if len(set(its.values())) > 1}
    assert wrong == {}, (
        f"one message, two translations; which is shown depends on the files' names → make them equal: {wrong}"
    )


def test_no_translation_is_empty_or_chinese() -> None:
    wrong = [(file, message, text) for message, text, file in _messages() if not text.strip() or HAN.search(text)]
    assert wrong == [], f"{REMEDY}: {wrong}"


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    template = tmp_path / "a.html"
    template.write_text('<p title="{{ _("一") }}">外{% if x %}{{ f("二") }}{% endif %}</p>{# 注 #}', encoding="utf-8")
    assert of_template(template) == ({"一", "二"}, ['">外'])
    module = tmp_path / "a.py"
    module.write_text(
        '"""说"""\nN_("三")\nvisit.say("四 {n}")\nsay(f"五 {n}")\nx = {"六": "七 seven"}\n', encoding="utf-8"
    )
    assert of_module(module) == ({"三", "四 {n}"}, ["a.py:4"])
    assert literals(module) == {"三", "四 {n}", "六"}


class Recording(gettext.NullTranslations):
    """English that notes every message it does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str, str] = {}
        self.page = ""

    def gettext(self, message: str) -> str:
        text = translations("en").gettext(message)
        if text == message and HAN.search(message) and not LATIN.search(PLACEHOLDER.sub("", message)):
            self.missing.setdefault(message, self.page)
        return text


async def test_pages_read_in_english_ask_for_no_word_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words that are known only at run time: states, kinds, roles, columns of tables."""
    recording = Recording()
    monkeypatch.setattr(visits, "translations", lambda _language: recording)
    settings = settings_at(tmp_path)
    city.seed(settings)
    async with city.serving(settings) as client:
        for route in every_route():
            if route.mutating or route.kind in {"stream", "endpoint"} or route.allow is None:
                continue
            who = next(
                (w for w, person in city.WHOLE.items() if w != "supplier" and person.may(route.allow)), "supplier"
            )
            recording.page = f"{route.method} {route.path}"
            headers: dict[str, Any] = {WHO: who, "Accept-Language": "en"}
            async with client.get(city.address(route), headers=headers, allow_redirects=False) as response:
                await response.read()
                assert response.status < 500, f"{recording.page} fails in English: {response.status}"
    named_by_users = {text for side in city.SIDES.values() for text in side.values()}
    missing = {page: word for word, page in recording.missing.items() if not any(u in word for u in named_by_users)}
    assert missing == {}, f"shown in Chinese on an English page {REMEDY}: {missing}"
