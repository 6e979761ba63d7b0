"""`camsla contract`: what a contract means before it is signed, and its versions afterwards. One file per topic."""

from __future__ import annotations

from collections.abc import Mapping

import click

from console.cli.on_demand import OnDemand

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


@click.group(cls=OnDemand, verbs=VERBS)
def contract() -> None:
    """合同：签订前看清含义，签订后按版本生效 contracts: what they mean, and their versions."""
