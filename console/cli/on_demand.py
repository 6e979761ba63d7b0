"""A group of commands whose modules are loaded when they are asked for: a command line should start fast."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class OnDemand(click.Group):
    """Takes `verbs`: each verb's module in this folder and the command's name in it."""

    def __init__(self, *args: Any, verbs: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click fixes the signature
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._verbs:
            return None
        module, name = self._verbs[cmd_name]
        command: click.Command = getattr(import_module(f"console.cli.{module}"), name)
        return command
