"""A stranger in the authority's file named like a point that the file lacks is said to be perhaps that point."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from console.authority.renamed import with_namesakes
from settlement.authority import Figure
from settlement.comparing import OwnPhase
from settlement.contract import Terms
from settlement.daycount import parse_quarter
from settlement.matching import LedgerPoint
from settlement.reconcile import Reconciliation, reconcile
from tests.stores.quarters import terms

NAMES = {"P1": "路口一", "P2": "路口 二", "P3": "同名", "P4": "同名"}


def reconciled(*strangers: tuple[str, str]) -> Reconciliation:
    """Four points of ours of which the file has the first, and strangers with these codes and names."""
    its: Terms = terms()
    quarter = parse_quarter("2020Q3")
    ledger = [LedgerPoint(code, "p", f"3601{code}", (), (31, 31, 30), True, its.contract) for code in NAMES]
    figures = [
        Figure("p", "", code, name, "2020Q3", 98, 100, "share", None, "98%", n, "f" * 64)
        for n, (code, name) in enumerate([("3601P1", "路口一"), *strangers])
    ]
    own = {"p": OwnPhase(None, {})}
    return reconcile(its, quarter, figures, ledger, own, lambda _phase, _rate: None, date(2020, 11, 1))


def texts(found: Reconciliation) -> dict[str, str]:
    return {item.theirs: item.text for item in found.items if item.kind == "stranger"}


def test_a_stranger_with_a_lacking_points_name_is_pointed_out() -> None:
    found = with_namesakes(reconciled(("36019", "路口二"), ("36018", "别处")), NAMES)
    said = texts(found)
    assert "名称同 P2，疑为编码变更" in said["36019"]
    assert "疑为编码变更" not in said["36018"]


def test_a_name_that_two_lacking_points_share_says_nothing() -> None:
    found = reconciled(("36019", "同名"))
    assert with_namesakes(found, NAMES) == found
    assert Fraction(98, 100) in {item.figure.value for item in found.items if item.figure is not None}
