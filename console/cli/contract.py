"""`camsla contract`: what a contract means before it is signed, and its versions afterwards. One file per topic."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

VERBS: Mapping[str, tuple[str, str]] = {
    "lint": ("contract_lint", "lint"),
    "readings": ("contract_readings", "readings"),
    "what-if": ("contract_what_if", "what_if_"),
    "add": ("contract_versions", "add"),
    "approve": ("contract_versions", "approve"),
    "list": ("contract_versions", "list_"),
    "show": ("contract_versions", "show"),
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
def contract() -> None:
    """合同：签订前看清含义，签订后按版本生效 contracts: what they mean, and their versions."""
