"""All families, found by their files: a family is added by adding its file and its test."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules

from settlement import families
from settlement.families.family import AnyFamily

NOT_FAMILIES = {"bands", "family", "registry", "timed", "windows"}


def _found() -> dict[str, AnyFamily]:
    known: dict[str, AnyFamily] = {}
    for module in sorted(info.name for info in iter_modules(families.__path__)):
        if module in NOT_FAMILIES:
            continue
        family: AnyFamily = import_module(f"{families.__name__}.{module}").FAMILY
        if family.kind in known:
            raise RuntimeError(f"two rule families are called {family.kind!r}")
        known[family.kind] = family
    return dict(sorted(known.items(), key=lambda pair: pair[1].number))


FAMILIES: Mapping[str, AnyFamily] = _found()
"""By kind, in the order of their numbers."""
