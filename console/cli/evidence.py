"""`camsla evidence`: the log that nobody can rewrite unseen, its keys and witnesses, and packs of it. One file per topic."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

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


class _OnDemand(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click fixes the signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module, name = VERBS[cmd_name]
        command: click.Command = getattr(import_module(f"console.cli.{module}"), name)
        return command


@click.group(cls=_OnDemand)
def evidence() -> None:
    """证据：封存、见证、导出、核验 evidence: seal, witness, export, verify."""
