"""What `make screenshots` takes: every page of the console, by somebody who works with it, and what is done on it first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page

from tests.camsla_command import Camsla
from tests.console_city import CONTRACT
from tests.screenshot_steps import (
    changed_ledger,
    opens_columns,
    pays_nothing,
    signs_in_wrongly,
    tries_a_price,
    uploads,
)

EVERYWHERE = ("desk", "dark", "phone")


class Shot(NamedTuple):
    """A page to be taken: its picture's name, who looks, the address, the status it must answer with."""

    name: str
    who: str
    path: str
    status: int = 200
    opens: str = ""
    """Links (CSS, one after the other by "|") that are followed first, or "+" and what is put to the address then reached.

    Where a link is not there the picture is missing, which is told.
    """
    does: Callable[[Page], None] | None = None
    """What is done on the page before it is taken."""
    kinds: tuple[str, ...] = EVERYWHERE


def shots(camsla: Camsla, quarter: str, before: str) -> list[Shot]:
    """Every page, in the menu's order, by somebody who works with it; then some on paper and some in English."""
    made = camsla.folder / "city"
    pages = [*_watching(made), *_settling(made, quarter, before), *_proving(quarter), *_governing()]
    return [*pages, *_papers(quarter, before), *_english(quarter)]


def _watching(made: Path) -> list[Shot]:
    ledger = made / "points.csv"
    changed, wrong = changed_ledger(ledger, "127.200.0.1"), changed_ledger(ledger, "")
    return [
        Shot("login", "", "/login"),
        Shot("login-wrong", "", "/login", does=signs_in_wrongly),
        Shot("overview", "duty", "/"),
        Shot("overview-wall", "duty", "/?wall=1"),
        Shot("keys", "duty", "/", does=lambda page: page.keyboard.press("?")),
        Shot("menu", "handler", "/settlement", does=lambda page: page.click(".menu-button"), kinds=("phone",)),
        Shot("map", "duty", "/map"),
        Shot("map-offline", "duty", "/map?state=offline"),
        Shot("points", "duty", "/points"),
        Shot("points-columns", "duty", "/points", does=opens_columns, kinds=("desk", "phone")),
        Shot("points-offline", "duty", "/points?state=offline&sort=since"),
        Shot("points-none", "duty", "/points?q=nothing-like-that"),
        Shot("points-import", "duty", "/points/import"),
        Shot("points-preview", "duty", "/points/import", does=uploads(changed, "比对，先不写入")),
        Shot("points-wrong", "duty", "/points/import", does=uploads(wrong, "比对，先不写入")),
        Shot("point", "handler", "/points?state=offline", opens="#points tbody a"),
        Shot("point-supplier", "supplier", "/points/SIM-00001"),
        Shot("outage", "handler", "/points?state=offline", opens="#points tbody a|#outage-table tbody a"),
        Shot("probes", "duty", "/points?state=offline", opens="#points tbody a|#outage-table tbody a|+/probes"),
        Shot("changes", "duty", "/changes"),
    ]


def _settling(made: Path, quarter: str, before: str) -> list[Shot]:
    at, year = f"/settlement/{CONTRACT}/{quarter}", quarter[:4]
    return [
        Shot("authority", "clerk", "/authority"),
        Shot("authority-import", "clerk", "/authority/import"),
        Shot("authority-preview", "clerk", "/authority/import", does=uploads(made / "authority.csv", "上传并预览")),
        Shot("authority-typed", "clerk", "/authority/typed"),
        Shot("authority-mappings", "clerk", "/authority/mappings"),
        Shot("authority-file", "clerk", "/authority", opens="#files tbody a"),
        Shot("authority-reconcile", "handler", f"/authority/{CONTRACT}/{quarter}"),
        Shot("authority-items", "handler", f"/authority/{CONTRACT}/{quarter}?show=items"),
        Shot("contracts", "handler", "/contracts"),
        Shot("contract", "handler", f"/contracts/{CONTRACT}"),
        Shot("contract-readings", "handler", f"/contracts/{CONTRACT}/readings"),
        Shot("contract-what-if", "handler", f"/contracts/{CONTRACT}/what-if"),
        Shot("contract-what-if-result", "handler", f"/contracts/{CONTRACT}/what-if", does=tries_a_price),
        Shot("contract-next", "handler", f"/contracts/{CONTRACT}/new"),
        Shot("contract-compare", "handler", f"/contracts/{CONTRACT}/compare"),
        Shot("contract-new", "handler", "/new-contract"),
        Shot("settlement", "handler", "/settlement"),
        Shot("statement", "handler", at),
        Shot("statement-none", "handler", f"/settlement/{CONTRACT}/{int(year) + 1}Q1"),
        Shot("statement-points", "handler", f"{at}/points"),
        Shot("statement-point", "supplier", f"{at}/points/SIM-00001"),
        Shot("statement-measured", "handler", f"{at}/measured"),
        Shot("statement-rules", "handler", f"{at}/rules"),
        Shot("statement-disputes", "checker", f"{at}/disputes"),
        Shot("statement-dispute-new", "supplier", f"{at}/disputes?points=SIM-00001"),
        Shot("statement-history", "leader", f"{at}/history"),
        Shot("statement-money", "handler", f"/settlement/{CONTRACT}/{before}/money"),
        Shot("why-payable", "handler", f"{at}/why/payable"),
        Shot("why-line", "handler", f"{at}/why/2"),
        Shot("statement-redraft", "handler", f"{at}/draft"),
        Shot("payments", "handler", "/payments"),
        Shot("payment-due", "handler", "/payments", opens="#dues tbody a"),
        Shot("payment-new", "handler", "/payments/new"),
        Shot("payment-wrong", "handler", "/payments/new", does=pays_nothing),
        Shot("payments-made", "handler", "/payments/made"),
        Shot("payment", "handler", "/payments/made/1"),
        Shot("invoices", "handler", "/payments/invoices"),
        Shot("invoice-new", "handler", "/payments/invoices/new"),
        Shot("invoice", "handler", "/payments/invoices", opens="#invoices tbody a"),
        Shot("payment-account", "handler", "/payments/account"),
        Shot("budget", "handler", "/budget"),
        Shot("budget-new", "handler", "/budget/new"),
        Shot("budget-year", "handler", "/budget", opens="main tbody a"),
        Shot("budget-advice", "leader", f"/budget/advice/{CONTRACT}/{year}"),
    ]


def _proving(quarter: str) -> list[Shot]:
    return [
        Shot("evidence", "evaluator", "/evidence"),
        Shot("packs", "evaluator", "/evidence/packs"),
        Shot("pack", "evaluator", "/evidence/packs", opens="#packs tbody a"),
        Shot("samples", "evaluator", "/evidence/samples"),
        Shot("sample", "evaluator", "/evidence/samples", opens="#samples tbody a"),
        Shot("challenges", "evaluator", "/evidence/challenges"),
        Shot("corrections", "handler", "/evidence/corrections"),
        Shot("scorecards", "evaluator", "/scorecards"),
        Shot("scorecard", "evaluator", f"/scorecards/lease?contract={CONTRACT}&period={quarter}"),
    ]


def _governing() -> list[Shot]:
    return [
        Shot("links", "handler", "/links"),
        Shot("system", "admin", "/system"),
        Shot("backup", "admin", "/system/backup"),
        Shot("accounts", "admin", "/system/accounts"),
        Shot("account-one", "admin", "/system/accounts/supplier"),
        Shot("account-new", "admin", "/system/new-account"),
        Shot("audit", "admin", "/system/audit"),
        Shot("audit-one", "admin", "/system/audit", opens="main tbody a"),
        Shot("account", "handler", "/account"),
        Shot("password", "handler", "/account/password"),
        Shot("reference", "handler", "/reference"),
        Shot("refused", "leader", "/system", 403),
        Shot("not-found", "duty", "/points/NOBODY", 404),
        Shot("reporter", "reporter", "/account"),
    ]


def _papers(quarter: str, before: str) -> list[Shot]:
    """What is printed from the browser, as it lies on A4."""
    at = f"/settlement/{CONTRACT}/{quarter}"
    pages = [
        ("overview", "duty", "/"),
        ("statement", "handler", at),
        ("why-payable", "handler", f"{at}/why/payable"),
        ("statement-money", "handler", f"/settlement/{CONTRACT}/{before}/money"),
        ("point", "duty", "/points/SIM-00001"),
        ("scorecard", "evaluator", f"/scorecards/lease?contract={CONTRACT}&period={quarter}"),
    ]
    return [Shot(name, who, path, kinds=("print",)) for name, who, path in pages]


def _english(quarter: str) -> list[Shot]:
    """Pages whose English is longest where room is least."""
    at = f"/settlement/{CONTRACT}/{quarter}"
    pages = [
        ("login", "", "/login"),
        ("overview", "duty", "/"),
        ("map", "duty", "/map"),
        ("points", "duty", "/points"),
        ("point", "duty", "/points/SIM-00001"),
        ("statement", "handler", at),
        ("contract", "handler", f"/contracts/{CONTRACT}"),
        ("packs", "evaluator", "/evidence/packs"),
        ("account-one", "admin", "/system/accounts/supplier"),
        ("system", "admin", "/system"),
    ]
    return [Shot(name, who, path, kinds=("english", "english-phone")) for name, who, path in pages]


def readme_shots(quarter: str) -> list[Shot]:
    """The pages that README shows."""
    pages = [
        Shot("overview", "duty", "/"),
        Shot("map", "duty", "/map"),
        Shot("point", "handler", "/points?state=offline", opens="#points tbody a"),
        Shot("statement", "leader", f"/settlement/{CONTRACT}/{quarter}"),
        Shot("pack", "evaluator", "/evidence/packs", opens="#packs tbody a"),
    ]
    return [*(shot._replace(kinds=("readme",)) for shot in pages), Shot("phone", "duty", "/", kinds=("readme-phone",))]


def empty_shots() -> list[Shot]:
    """Pages of an installation in which nothing has been done yet."""
    pages = (
        "points",
        "map",
        "changes",
        "authority",
        "contracts",
        "settlement",
        "payments",
        "budget",
        "evidence",
        "scorecards",
    )
    whose = {"points": "duty", "map": "duty", "changes": "duty", "authority": "clerk"}
    return [
        Shot("empty-overview", "duty", "/"),
        Shot("empty-packs", "evaluator", "/evidence/packs"),
        Shot("empty-samples", "evaluator", "/evidence/samples"),
        Shot("empty-backup", "admin", "/system/backup"),
        *(Shot(f"empty-{page}", whose.get(page, "handler"), f"/{page}") for page in pages),
    ]
