"""发票与支付: what is due and how late, what was paid, the account statement behind it."""

from __future__ import annotations

from console.pages.settle.payments import account, due, made, register
from console.web.routes import Routes

TABLES: tuple[Routes, ...] = (due.routes, register.routes, made.routes, account.routes)
