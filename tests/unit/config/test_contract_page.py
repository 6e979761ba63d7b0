"""The page on contracts: its examples are contracts, and it names every key that a contract may have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from config.contracts import load_contract
from settlement import clauses
from settlement.contract import Contracted, Phase, Terms

PAGE = Path(__file__).parents[3] / "docs" / "contract.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
CLAUSES = [
    value
    for value in vars(clauses).values()
    if isinstance(value, type) and issubclass(value, clauses.Clause) and value is not clauses.Clause
]


@pytest.mark.parametrize("n", range(len(EXAMPLES)))
def test_examples_are_contracts(n: int, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(EXAMPLES[n], encoding="utf-8")
    terms = load_contract(path)
    assert Terms.model_validate(terms.document()) == terms


def test_there_are_examples_and_clauses() -> None:
    assert len(EXAMPLES) >= 2
    assert len(CLAUSES) >= 9


@pytest.mark.parametrize("model", [Terms, Phase, Contracted, *CLAUSES])
def test_every_key_stands_on_the_page(model: type[BaseModel]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if not re.search(rf"\b{key}\b", text)} == set()
