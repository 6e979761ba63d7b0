"""`camsla statement`: a quarter's statement from the draft to the payment. One file per topic."""

from __future__ import annotations

from collections.abc import Mapping

import click

from console.cli.on_demand import OnDemand

VERBS: Mapping[str, tuple[str, str]] = {
    "draft": ("statement_draft", "draft"),
    "reconcile": ("statement_steps", "reconcile"),
    "confirm": ("statement_steps", "confirm"),
    "dispute": ("statement_disputes", "dispute"),
    "decide": ("statement_disputes", "decide"),
    "check": ("statement_steps", "check"),
    "approve": ("statement_steps", "approve"),
    "return": ("statement_steps", "return_"),
    "issue": ("statement_steps", "issue"),
    "request-payment": ("statement_steps", "request_payment"),
    "list": ("statement_show", "list_"),
    "show": ("statement_show", "show"),
    "diff": ("statement_show", "diff"),
    "as-known": ("statement_known", "as_known"),
    "recompute": ("statement_known", "recompute"),
    "export": ("statement_export", "export"),
}
"""Each verb's module here and the command's name in it, loaded when it is asked for."""


@click.group(cls=OnDemand, verbs=VERBS)
def statement() -> None:
    """费用结算单：起草、核对、确认或异议、复核、审批、出具、申请支付 a statement's life."""
