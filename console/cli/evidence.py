"""`camsla evidence`: the log that nobody can rewrite unseen, its keys and witnesses, and packs of it. One file per topic."""

from __future__ import annotations

from collections.abc import Mapping

import click

from console.cli.on_demand import OnDemand

VERBS: Mapping[str, tuple[str, str]] = {
    "keygen": ("evidence_keys", "keygen"),
    "rotate": ("evidence_keys", "rotate"),
    "trust": ("evidence_keys", "trust"),
    "seal": ("evidence_log", "seal"),
    "log": ("evidence_log", "log_"),
    "checkpoint": ("evidence_log", "checkpoint"),
    "cosign": ("evidence_witness", "cosign_"),
    "add-signature": ("evidence_witness", "add_signature"),
    "export": ("evidence_export", "export"),
    "verify": ("evidence_export", "verify"),
    "show": ("evidence_show", "show"),
    "sample": ("evidence_sample", "sample"),
}
"""Each verb's module here and the command's name in it, loaded when it is asked for."""


@click.group(cls=OnDemand, verbs=VERBS)
def evidence() -> None:
    """证据：封存、见证、导出、核验 evidence: seal, witness, export, verify."""
