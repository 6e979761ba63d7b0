"""`camsla authority`: the authority's figures brought in, checked, listed, and reconciled with our own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

VERBS: Mapping[str, tuple[str, str]] = {
    "import": ("authority_import", "import_"),
    "check": ("authority_files", "check"),
    "withdraw": ("authority_files", "withdraw"),
    "list": ("authority_files", "list_"),
    "show": ("authority_files", "show"),
    "reconcile": ("authority_reconcile", "reconcile"),
    "mapping": ("authority_mapping", "mapping"),
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
def authority() -> None:
    """公安数据：导入、核对、与系统监测对账 the authority's figures."""
