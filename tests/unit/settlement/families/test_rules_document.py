"""The rules' document is true: its examples are read as rules, and it names every key of every kind."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from config.load import load_yaml
from settlement.families.family import RuleTerms
from settlement.families.registry import FAMILIES

DOCUMENT = (Path(__file__).parents[4] / "docs" / "rules.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (\d+) (.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE)

REFUSED = {"class-allowance": {"free_hours"}}
"""Keys that a kind shares with others and refuses."""


def examples(text: str, folder: Path) -> list[dict[str, Any]]:
    file = folder / "rules.yaml"
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    file.write_text("rules:\n" + "".join(blocks), encoding="utf-8")
    return list(load_yaml(file)[0]["rules"])


def test_every_family_has_a_section() -> None:
    assert [int(number) for number, _ in SECTIONS] == [family.number for family in FAMILIES.values()]


@pytest.mark.parametrize(("number", "text"), SECTIONS, ids=[number for number, _ in SECTIONS])
def test_examples_are_rules_and_show_every_key(number: str, text: str, tmp_path: Path) -> None:
    family = next(family for family in FAMILIES.values() if family.number == int(number))
    rows = examples(text, tmp_path)
    assert rows
    for row in rows:
        assert row["kind"] == family.kind
        family.terms.model_validate(row)
    own = {
        field.alias or name for name, field in family.terms.model_fields.items() if name not in RuleTerms.model_fields
    }
    assert own - REFUSED.get(family.kind, set()) <= {key for row in rows for key in row}


def test_what_every_rule_may_say_is_named() -> None:
    general = DOCUMENT[: DOCUMENT.index("## 1 ")]
    for name, field in RuleTerms.model_fields.items():
        assert f"`{field.alias or name}`" in general
