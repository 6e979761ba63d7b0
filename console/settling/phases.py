"""What people call a contract's phases (一期): the titles that its versions give, in place of the ids that the store keeps."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from console.settling.heads import terms_of_version
from settlement.contract import Terms
from settlement.store.tables import contract_versions


@dataclass(frozen=True, slots=True)
class PhaseWords:
    """By contract and phase's id what people read. A phase without a title is called by its id."""

    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def word(self, contract: str, phase: str) -> str:
        """Return what people call a phase."""
        return self.words.get(contract, {}).get(phase, phase)

    def said(self, contract: str, text: str) -> str:
        """Return a sentence that names phases by their ids with their words instead."""
        words = self.words.get(contract, {})
        ids = sorted((phase for phase, word in words.items() if word != phase), key=len, reverse=True)
        if not ids:
            return text
        pattern = rf"(?<![\w-])(?:{'|'.join(map(re.escape, ids))})(?![\w-])"
        return re.sub(pattern, lambda found: words[found[0]], text, flags=re.ASCII)


def words_of(terms: Terms) -> dict[str, str]:
    """Return the words of one version's phases; of two with one title each has its id beside it."""
    titles = [phase.title for phase in terms.phases]
    return {
        phase.id: (f"{phase.title}（{phase.id}）" if titles.count(phase.title) > 1 else phase.title) or phase.id
        for phase in terms.phases
    }


def phase_words(connection: Connection, contracts: Collection[str] | None = None) -> PhaseWords:
    """Return the words of the contracts' phases (None: of all); where versions differ the newest speaks."""
    column = contract_versions.c
    query = select(column.contract, column.version).order_by(column.contract, column.version)
    if contracts is not None:
        query = query.where(column.contract.in_(sorted(contracts)))
    found: dict[str, dict[str, str]] = {}
    for contract, version in connection.execute(query):
        found.setdefault(contract, {}).update(words_of(terms_of_version(connection, contract, version)))
    return PhaseWords(found)


def of_terms(terms: Terms) -> PhaseWords:
    """Return the words of one version."""
    return PhaseWords({terms.contract: words_of(terms)})
