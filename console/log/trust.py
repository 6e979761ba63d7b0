"""trust.json: what an evaluator pins, handed over apart from any pack: the log's name, its key, who must have witnessed it."""

from __future__ import annotations

from config.settings import Settings
from monitor.evidence.keys import PublicKey

FORMAT = "camsla-trust/1"


def trust_of(settings: Settings, collector: PublicKey) -> dict[str, object]:
    """Return the document for the settings' witnesses, all of whom it requires."""
    witnesses = settings.evidence.witnesses
    return {
        "format": FORMAT,
        "origin": settings.evidence.origin,
        "collector": collector.text(),
        "witnesses": [{"role": one.role, "key": one.key} for one in witnesses],
        "require": [one.role for one in witnesses],
    }
