"""Days at the console in Debian's Chromium: who does what where, from the duty desk to the evaluator, on one seeded city.

Everybody works through pages alone; nobody types an address that the page before does not link to, but for what must be
refused. `CAMSLA_WALK_POINTS` says how many points the city has (`make walks`: a whole city's 11,045).
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

from simulators.city import last_quarter
from tests.console_city import CONTRACT, SUPPLIER, close, seed, yesterday
from tests.servers.chromium import MAX_WAIT_MS
from tests.servers.console import Room, Seat, browsing, serving

POINTS = int(os.environ.get("CAMSLA_WALK_POINTS", "240"))
SLOW = POINTS > 1_000
WAIT_MS = 600_000 if SLOW else MAX_WAIT_MS
pytestmark = pytest.mark.timeout(3_600 if SLOW else 300)
CHINA = timezone(timedelta(hours=8))


class City(NamedTuple):
    """A served city: its files, the browser, and the quarter that is worked on."""

    folder: Path
    room: Room
    quarter: str
    before: str
    """The quarter before service, in which the first prepayment is made."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The city with a quarter settled through the pages of yesterday's server, that day sealed, and today's server open."""
    folder = tmp_path_factory.mktemp("walks")
    camsla = seed(folder, POINTS, closed=False)
    first = last_quarter(datetime.now(CHINA).date())
    quarters = named(first), named(first - timedelta(days=1))
    with serving(yesterday(folder)) as base, browsing(base) as room:
        settles(City(folder, room, *quarters), tmp_path_factory.mktemp("papers"))
    close(camsla)
    with serving(camsla) as base, browsing(base) as room:
        yield City(folder, room, *quarters)


def named(day: Any) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def seated(city: City, name: str, **options: Any) -> Seat:
    seat = city.room.seat(name, **options)
    seat.context.set_default_timeout(WAIT_MS)
    seat.page.on("dialog", lambda dialog: dialog.accept())
    return seat


def menu(page: Page, label: str) -> None:
    page.locator("nav.menu").get_by_role("link", name=label, exact=True).click()


def saved(page: Page, link: Any) -> Path:
    """Follow a download and return the file that came."""
    with page.expect_download(timeout=WAIT_MS) as coming:
        link.click()
    return Path(coming.value.path())


def runs(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the shipped single files as its reader does, without any installed package; it must succeed."""
    command = [sys.executable, "-I", "-S", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_MS / 1000, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def heading(page: Page) -> str:
    return page.locator("h1").inner_text()


def test_the_duty_desk_goes_from_the_overview_to_what_the_probes_saw(city: City) -> None:
    seat = seated(city, "duty")
    page = seat.go("/")
    offline = int(page.locator(".state.bad .value").inner_text().replace(",", ""))
    assert offline > 0
    page.click(".state.bad")
    expect(page.locator("#points .count")).to_contain_text(f"共 {offline:,} 条")
    first = page.locator("#points tbody tr").first
    code = first.locator("code, a").first.inner_text().strip()
    first.locator("a").first.click()
    expect(page.locator("h1")).to_contain_text(code)
    expect(page.locator("#now .badge").first).to_have_text("离线")
    page.locator("#outage-table tbody a").first.click()
    assert "掉线" in heading(page)
    expect(page.locator(".figures")).to_contain_text("仍在离线")
    begun = int(page.url.rsplit("/", 1)[-1])  # its newest result holds two days, but what has not been is not counted
    lasted = int(page.locator(".figure .note", has_text="秒").inner_text().replace(",", "").split()[0])
    assert 0 <= time.time() - begun - lasted < 120
    expect(page.locator("#probes")).to_contain_text("证据日志")
    expect(page.locator("#probes table").first).to_be_visible()
    assert "影响金额" not in page.locator("main").inner_text()
    # finance follows the same address and sees what the outage, open as it is, has cost so far
    handler = seated(city, "handler").go(page.url.removeprefix(seat.base))
    expect(handler.locator("main")).to_contain_text("影响金额")
    expect(handler.locator("th", has_text="因本次掉线多扣")).to_be_visible()


def test_keys_take_the_duty_desk_to_the_map_whose_points_are_drawn(city: City) -> None:
    seat = seated(city, "duty")
    page = seat.go("/points")
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.locator("h1")).to_have_text("值班总览")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.locator("h1")).to_have_text("一张图")
    expect(page.locator("#map canvas").first).to_be_visible()
    drawn = page.wait_for_function(
        """() => [...document.querySelectorAll("#map canvas")].reduce((sum, canvas) => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            let inked = 0;
            for (let n = 3; n < pixels.length; n += 4) if (pixels[n]) inked += 1;
            return sum + inked;
        }, 0)"""
    ).json_value()
    assert drawn > 2_000  # 240 marks of some 80 pixels, some of them over another
    page.locator("#map-side a[data-point]").first.click()
    expect(page.locator("#map-chosen")).to_contain_text("SIM-")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("SIM-00007")
    page.keyboard.press("Enter")
    expect(page.locator("#points .count")).to_contain_text("共 1 条")
    page.get_by_role("button", name="English").click()
    expect(page.locator("h1")).to_have_text("Points")
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("button", name="中文").click()


def drafts(page: Page, quarter: str) -> None:
    """Begin where the quarters are listed, follow this one's next step, and draft it."""
    menu(page, "季度考核结算")
    page.locator("#quarters tr", has=page.get_by_role("link", name=quarter, exact=True)).get_by_role(
        "link", name="起草"
    ).click()
    if page.get_by_role("link", name="起草", exact=True).count():
        page.get_by_role("link", name="起草", exact=True).click()
    page.get_by_role("button", name="起草", exact=True).click()
    expect(page.locator("p.said")).to_contain_text("已起草第 0 版")


def takes(page: Page, quarter: str, label: str, stage: str) -> None:
    """Take one step of a quarter, found in the list of what waits, and see where it leads."""
    menu(page, "季度考核结算")
    page.get_by_role("link", name=quarter, exact=True).click()
    page.locator("#actions").get_by_role("button", name=label, exact=True).click()
    expect(page.locator(".steps [aria-current=step]")).to_contain_text(stage)


def pays(page: Page, quarter: str, voucher: str, receipt: Path) -> None:
    """Register the whole quarter's payment, line by line in turn."""
    menu(page, "发票与支付")
    page.get_by_role("link", name="登记支付").first.click()
    page.select_option("select[name=due]", quarter)
    expect(page.locator("h1")).to_have_text("登记支付")
    page.fill("input[name=amount]", owed(page))
    page.fill("input[name=voucher]", voucher)
    page.set_input_files("input[name=receipt]", receipt)
    page.get_by_role("button", name="登记", exact=True).click()
    expect(page.locator("p.said")).to_be_visible()


def owed(page: Page) -> str:
    """What the listed lines of the quarter owe together, as the form's own options tell it."""
    options = page.locator("select[name=due] option").all_inner_texts()
    sums = [option.rsplit(" ", 1)[-1].replace(",", "") for option in options if "全季" not in option]
    return f"{sum(float(amount) for amount in sums):.2f}"


def settles(city: City, folder: Path) -> None:
    """Bring the measured quarter from the first prepayment to the payment, by five seats through pages alone."""
    handler, checker, approver = (seated(city, name) for name in ("handler", "checker", "approver"))
    supplier, clerk = seated(city, "supplier"), seated(city, "clerk")
    receipt, letter = folder / "receipt.pdf", folder / "letter.pdf"
    receipt.write_bytes(b"%PDF-1.4\n%%EOF\n")
    letter.write_bytes(b"%PDF-1.4\n% letter\n%%EOF\n")
    for quarter, voucher in ((city.before, "0001"), (city.quarter, "0002")):
        measured = quarter == city.quarter
        if measured:
            brings_the_authoritys_file(city, clerk.page, checker.page)
            compares(handler.page, quarter)
        drafts(handler.page, quarter)
        if measured:
            explains(handler, quarter)
            codes = contests(supplier.page, quarter, letter)
            decides(checker.page, quarter, codes)
        else:
            takes(handler.page, quarter, "核对完毕，送供应商确认", "核对")
            takes(supplier.page, quarter, "确认结算单", "确认")
        takes(checker.page, quarter, "复核通过", "复核")
        takes(approver.page, quarter, "同意（审批）", "审批")
        takes(handler.page, quarter, "出具并锁定", "出具")
        takes(handler.page, quarter, "申请支付", "申请支付")
        pays(handler.page, quarter, voucher, receipt)


def test_finance_brings_a_quarter_from_the_first_prepayment_to_its_payment(city: City) -> None:
    page = seated(city, "leader").go("/settlement")
    for quarter in (city.before, city.quarter):
        row = page.locator("#quarters tr", has=page.get_by_role("link", name=quarter, exact=True))
        expect(row).to_contain_text("已支付")
    papers(page, city.quarter)


def brings_the_authoritys_file(city: City, clerk: Page, checker: Page) -> None:
    """The clerk imports the file as it came; somebody else, and only somebody else, checks it."""
    menu(clerk, "公安数据")
    clerk.get_by_role("link", name="导入文件").first.click()
    clerk.set_input_files("input[name=file]", city.folder / "city" / "authority.csv")
    clerk.get_by_role("button", name="上传并预览").click()
    expect(clerk.locator(".figures")).to_contain_text("读出的数")
    clerk.get_by_role("button", name="确认导入").click()
    expect(clerk.locator("h1")).to_have_text("authority.csv")
    expect(clerk.locator("main")).to_contain_text("须由另一人核对")
    menu(checker, "公安数据")
    checker.get_by_role("link", name="有 1 个文件待另一人核对").click()
    checker.get_by_role("link", name="authority.csv").click()
    checker.get_by_label("已对照原件").check()
    checker.get_by_role("button", name="核对完毕，计入").click()
    expect(checker.locator("p.under .badge")).not_to_have_text("待核对")


def compares(page: Page, quarter: str) -> None:
    """Both sides by phase: the files' own figures are what the page shows, and each phase lies within a point of ours."""
    menu(page, "公安数据")
    row = page.locator("tr", has=page.get_by_role("cell", name=quarter, exact=True)).first
    row.get_by_role("link", name="对账").click()
    both = page.locator("table.both-sides tbody tr")
    expect(both).to_have_count(2, timeout=WAIT_MS)
    for n in range(2):
        own, theirs = (both.nth(n).locator("td.percent").nth(at).inner_text().split("%")[0] for at in (0, 1))
        assert abs(float(own) - float(theirs)) < 1.0


def explains(seat: Seat, quarter: str) -> None:
    """Both sides lie apart, so the quarter is not sent on without a reason; what was refused says so at the button."""
    page = seat.page
    menu(page, "季度考核结算")
    page.get_by_role("link", name=quarter, exact=True).click()
    send = page.get_by_role("button", name="核对完毕，送供应商确认", exact=True)
    with seat.refused(422):
        send.click()
        expect(page.locator("[role=alert]")).to_contain_text("超出容差")
    page.locator("textarea[name=reason]:visible").fill("按合同以系统监测为准，差异已函告")
    send.click()
    expect(page.locator(".steps [aria-current=step]")).to_contain_text("核对")


def contests(page: Page, quarter: str, letter: Path) -> list[str]:
    """The supplier opens two of its points with deductions and contests them together, with reason and paper."""
    menu(page, "季度考核结算")
    page.get_by_role("link", name=quarter, exact=True).click()
    page.get_by_role("link", name="点位明细").first.click()
    links = page.locator("#lines tbody a[href*='/points/']")
    codes = list(dict.fromkeys(code for code in links.all_inner_texts() if code.startswith("SIM-")))[:2]
    assert len(codes) == 2
    page.get_by_role("link", name=codes[0], exact=True).first.click()
    page.get_by_role("link", name="就此点位提出异议").click()
    line = page.locator("select[name=line] option", has_text="一期").filter(has_text="扣款").get_attribute("value")
    assert line
    page.select_option("select[name=line]", line)
    page.fill("textarea[name=points]", " ".join(codes))
    page.fill("textarea[name=reason]", "八月市政施工断电，附来函")
    page.set_input_files("input[name=paper]", letter)
    page.get_by_role("button", name="提出异议", exact=True).click()
    expect(page.locator("p.said")).to_contain_text("已提出异议")
    expect(page.locator("section.card h2 .badge")).to_have_text(["待复核", "待复核"])
    return codes


def decides(page: Page, quarter: str, codes: list[str]) -> None:
    """The checker reads the paper, accepts one claim and upholds the deduction of the other."""
    for code, word in zip(codes, ("accepted", "upheld"), strict=True):
        menu(page, "季度考核结算")
        page.get_by_role("link", name=quarter, exact=True).click()
        page.get_by_role("link", name="复核异议").click()
        claim = page.locator("section.card", has_text=code).filter(has=page.locator("details"))
        assert saved(page, claim.get_by_role("link", name="letter.pdf")).read_bytes().startswith(b"%PDF-1.4")
        claim.get_by_text("复核此异议").click()
        claim.locator("select[name=decision]").select_option(word)
        claim.locator("textarea[name=opinion]").fill("核对来函与故障记录")
        claim.get_by_role("button", name="提交复核意见").click()
        expect(page.locator("p.said")).to_contain_text("异议")


def papers(page: Page, quarter: str) -> None:
    """The workbook and the PDF of an issued statement, opened."""
    page.get_by_role("link", name=quarter, exact=True).click()
    total = page.locator(".figure.plan .value").inner_text()
    workbook = CalamineWorkbook.from_path(saved(page, page.get_by_role("link", name="XLSX", exact=True)))
    cells = [
        cell for name in workbook.sheet_names for row in workbook.get_sheet_by_name(name).to_python() for cell in row
    ]
    assert float(total.replace(",", "")) in [cell for cell in cells if isinstance(cell, float)]
    body = saved(page, page.get_by_role("link", name="PDF", exact=True)).read_bytes()
    assert body.startswith(b"%PDF-") and body.rstrip().endswith(b"%%EOF")


def test_a_supplier_sees_its_own_points_and_statement_and_nothing_of_others(city: City) -> None:
    with (city.folder / "city" / "points.csv").open(encoding="utf-8") as file:
        ledger = list(csv.DictReader(file))
    own = {row["code"] for row in ledger if row["supplier"] == SUPPLIER}
    foreign = next(row["code"] for row in ledger if row["supplier"] != SUPPLIER)
    seat = seated(city, "supplier")
    page = seat.go("/points")
    expect(page.locator("#points .count")).to_contain_text(f"共 {len(own):,} 条")
    exported = saved(page, page.locator("#points .exports").get_by_role("link", name="CSV"))
    assert set(re.findall(r"SIM-\d{5}", exported.read_text("utf-8-sig"))) == own
    page.fill("#search", foreign)
    page.press("#search", "Enter")
    expect(page.locator("#points")).to_contain_text("没有符合条件的点位")
    drawn = page.request.get(f"{seat.base}/map/points.json")
    assert drawn.ok
    assert set(re.findall(r"SIM-\d{5}", drawn.text())) == own
    assert seat.tries(f"/points/{foreign}") == 404
    assert "没有这个页面或对象" in heading(page)
    assert page.request.get(f"{seat.base}/api/v1/points/{foreign}").status == 404
    seat.go("/settlement")
    page.get_by_role("link", name=city.quarter, exact=True).click()
    page.get_by_role("link", name="点位明细").first.click()
    lines = saved(page, page.locator(".exports").get_by_role("link", name="CSV"))
    assert set(re.findall(r"SIM-\d{5}", lines.read_text("utf-8-sig"))) == own
    assert seat.tries(f"/settlement/{CONTRACT}/{city.quarter}/points/{foreign}") == 404


def test_a_leader_reads_and_a_wrong_role_is_told_whom_to_ask(city: City) -> None:
    leader = seated(city, "leader")
    page = leader.go(f"/settlement/{CONTRACT}/{city.quarter}")
    assert page.locator("#actions form").count() == 0
    leader.go("/payments")
    assert page.get_by_role("link", name="登记支付").count() == 0
    posts = page.locator("main form[method=post]")
    for path in (
        "/",
        "/map",
        "/points",
        "/contracts",
        f"/contracts/{CONTRACT}",
        "/budget",
        "/authority",
        "/settlement",
    ):
        leader.go(path)
        if path != "/points":  # a filter saved under a name is the reader's own
            assert posts.count() == 0, path
    assert leader.tries("/payments/new") == 403
    assert heading(page) == "没有权限"
    expect(page.locator(".refused")).to_contain_text("财务经办")
    expect(page.locator(".refused")).to_contain_text("联系系统管理员")
    duty = seated(city, "duty")
    assert duty.tries(f"/settlement/{CONTRACT}/{city.quarter}") == 403
    expect(duty.page.locator(".refused")).to_contain_text("财务")


def test_an_evaluator_takes_a_pack_verifies_it_draws_a_sample_and_fills_a_scorecard(city: City) -> None:
    seat = seated(city, "evaluator")
    page = seat.page
    menu(page, "佐证材料")
    expect(page.locator("main")).to_contain_text("不能证明的")
    trust = saved(page, page.get_by_role("link", name="trust.json"))
    verifier = saved(page, page.get_by_role("link", name="verifier.py"))
    note = saved(page, page.get_by_role("link", name="下载检查点"))
    for role, whose in (("evaluator", "duty"), ("supplier", "supplier")):
        # each signs on a machine of their own, with one file; who may write here brings the line in
        line = runs(verifier, "cosign", note, "--key", city.folder / f"{role}.key").stdout
        brought = seated(city, whose).go("/evidence")
        brought.fill("textarea[name=note]", line)
        brought.get_by_role("button", name="核对并收入").click()
        expect(brought.locator("p.said")).to_contain_text("已收入见证签名")
    page.get_by_role("link", name="证据包").first.click()
    form = page.locator("#order form[method=post]")
    form.locator("select[name=period]").select_option(city.quarter)
    form.get_by_role("button", name="打包").click()
    expect(page.get_by_role("link", name="下载").or_(page.get_by_role("link", name="打开证据包")).first).to_be_visible(
        timeout=WAIT_MS
    )
    if page.get_by_role("link", name="打开证据包").count():
        page.get_by_role("link", name="打开证据包").click()
    pack = saved(page, page.get_by_role("link", name="下载"))
    assert hashlib.sha256(pack.read_bytes()).hexdigest() == page.locator("dd.digest code").first.inner_text()
    assert "全部成立" in runs(verifier, pack, "--trust", trust).stdout

    menu(page, "佐证材料")
    page.get_by_role("link", name="抽样核查").first.click()
    page.fill("input[name=period]", city.quarter)
    page.fill("input[name=seed]", "评价方当场给出的种子")
    page.fill("input[name=n]", "12")
    page.get_by_role("button", name="抽取并记录快照").click()
    expect(page.locator("#points .count")).to_contain_text("共 12 条")

    menu(page, "考核评分")
    page.get_by_role("link", name="lease").first.click()
    page.fill("input[name=period]", city.quarter)
    page.get_by_role("button", name="取数评分").click()
    expect(page.locator(".score")).to_contain_text("自动取数", timeout=WAIT_MS)
    sheet = saved(page, page.get_by_role("link", name="XLSX"))
    assert CalamineWorkbook.from_path(sheet).sheet_names


def test_an_evaluators_link_opens_one_contract_until_it_ends(city: City) -> None:
    page = seated(city, "handler").go("/links")
    page.fill("input[name=label]", "评价机构丁")
    page.fill("input[name=period]", city.quarter)
    page.fill("input[name=days]", "1")
    page.get_by_role("button", name="新建链接").click()
    address = page.locator("p.once").inner_text()
    guest = seated(city, "")
    guest.page.goto(address)
    guest.go(f"/settlement/{CONTRACT}/{city.quarter}")
    assert guest.page.locator("main form[method=post]").count() == 0
    assert guest.tries(f"/settlement/{CONTRACT}/{city.before}") == 404
    # a link lasts a day at least: its last instant is moved to the past instead of waiting for it
    with closing(sqlite3.connect(city.folder / "data" / "camsla.db", timeout=30)) as database, database:
        database.execute("UPDATE links SET expires_at = created_at + 1 WHERE label = '评价机构丁'")
    assert guest.tries(f"/settlement/{CONTRACT}/{city.quarter}") == 410
    assert guest.tries(address.removeprefix(guest.base)) == 410
    assert heading(guest.page) == "链接已过期"
