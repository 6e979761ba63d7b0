"""A lease of four points for tests of the console's money: one database before its first statement, one with it issued."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from click.testing import CliRunner

from console.cli import main

CONTRACT = """
contract: lease
title: 监控点位租赁
purchaser: 甲方
supplier: 乙方
tax_rate: 0.06
target: 0.90
prepay_share: 0.90
total: "120576.00"
authority: {authority}
payment: {{due_days: 30, counted_from: quarter-end, interest_per_day: "0.05%"}}
phases:
  - id: phase-2
    title: 二期
    unit_price: "628.00"
    components: {{line: "122.00", integration: "359.00", platform: "147.00"}}
    in_service_from: 2020-07-01
    months: 48
"""
LOWER = '{pays: lower, level: point, months: simple-mean, tolerance: "0.5%", by_day: 15, if_missing: wait}'
POINTS = """点位编号,设备编码,原设备编码,设备名称,期次,合同编号,终验日期,计费起
P1,36010012001320000001,,路口一,phase-2,lease,2020-07-01,2020-07-01
P2,36010012001320000002,,路口二,phase-2,lease,2020-07-01,2020-07-01
P3,36010012001320000003,36010012001320000903,路口三,phase-2,lease,2020-07-01,2020-07-01
P4,36010012001320000004,,路口四,phase-2,lease,2020-07-01,2020-07-01
"""
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def _run(data: Path, *words: str) -> None:
    done = CliRunner().invoke(main, words, env={"CAMSLA_DATA_DIR": str(data)}, catch_exceptions=False)
    assert done.exit_code == 0, f"{words}: {done.exit_code}\n{done.stdout}\n{done.stderr}"


def _lease(folder: Path, authority: str) -> Path:
    """P2 was down from 1 August on for thirty days, the others never."""
    data = folder / "data"
    (folder / "lease.yaml").write_text(CONTRACT.format(authority=authority))
    (folder / "points.csv").write_text(POINTS)
    rows = ["point,vantage,first,last,count,state,reason,rung,valid_s"]
    for code in ("P1", "P2", "P3", "P4"):
        for first, last, state in (
            ("2020-07-01T00:00:00", "2020-07-31T23:58:00", "online"),
            ("2020-08-01T00:00:00", "2020-08-30T23:58:00", "offline" if code == "P2" else "online"),
            ("2020-08-31T00:00:00", "2020-09-30T23:59:00", "online"),
        ):
            reason = "ok" if state == "online" else "timeout"
            rows.append(f"{code},import,{first}+08:00,{last}+08:00,40000,{state},{reason},describe,600")
    (folder / "runs.csv").write_text("\n".join(rows) + "\n")
    _run(data, "points", "import", str(folder / "points.csv"), "--actor", "甲")
    _run(data, "runs", "import", str(folder / "runs.csv"), "--actor", "甲")
    _run(data, "contract", "add", str(folder / "lease.yaml"), "--actor", "甲")
    _run(data, "contract", "approve", "lease", "1", "--actor", "乙")
    return data


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
"""Held until the interpreter ends, which removes them."""


def _folder() -> Path:
    _FOLDERS.append(tempfile.TemporaryDirectory(prefix="camsla-lease-", ignore_cleanup_errors=True))
    return Path(_FOLDERS[-1].name)


@cache
def _before() -> Path:
    return _lease(_folder(), LOWER)


@cache
def _issued() -> Path:
    data = _lease(_folder(), "{pays: own}")
    _run(data, "statement", "draft", "lease", "2020Q3", "--prepaid", "computed", "--actor", "甲")
    for step, actor in (
        ("reconcile", "甲"),
        ("confirm", "供应商"),
        ("check", "乙"),
        ("approve", "丙"),
        ("issue", "甲"),
    ):
        _run(data, "statement", step, "lease", "2020Q3", "--actor", actor)
    return data


def before(folder: Path) -> Path:
    """A copy of the lease before its first statement; the contract waits for the authority's figures, and the lower pays."""
    return Path(shutil.copytree(_before(), folder / "data"))


def issued(folder: Path) -> Path:
    """A copy of the lease with 2020Q3 issued; its prepayment was made before these books."""
    return Path(shutil.copytree(_issued(), folder / "data"))
