"""Scope: whose points a reader may see. Every read of the store takes one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The points a reader may see; None means no restriction on that side. All given sides must hold."""

    contracts: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    supplier: str | None = None


EVERYTHING = Scope()
"""The scope of whoever sits at the machine itself."""
