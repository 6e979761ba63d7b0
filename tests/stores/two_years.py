"""A scripted contract of two years, through the store's own functions: eight quarters, disputes, corrections, late
payments, a payment taken back, a credit invoice, retention and its release, interest, and a last refund in cash."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import Instant
from monitor.store.writer import Writer
from settlement.adjusting import amount_of
from settlement.budget import BudgetYear
from settlement.contract import Terms
from settlement.daycount import Quarter, parse_quarter
from settlement.inputs import Inputs, settle_inputs
from settlement.lines import Adjustment, Before, Issued
from settlement.money import NOTHING, taxed
from settlement.rules import count_facts, parse_rate
from settlement.store import budgets, contracts, disputes, invoices, ledger, movements, payments, statements, workdays
from settlement.store.interest import interest_lines
from settlement.store.payment_checks import Order

CONTRACT = "two-years"
INVOICE, CREDIT = "24312000000012345678", "24312000000012345679"
QUARTERS = tuple(Quarter(year, n) for year in (2020, 2021) for n in (1, 2, 3, 4))
RATES = {
    "2020Q1": ("83.62%", "97.5%"),
    "2020Q2": ("95%", "99%"),
    "2020Q3": ("81.36%", "87.71%"),
    "2020Q4": ("99.9%", "92%"),
    "2021Q1": ("90%", "89.99%"),
    "2021Q2": ("100%", "88%"),
    "2021Q3": ("91.37%", "96.2%"),
    "2021Q4": ("70%", "60.5%"),
}


def terms(months: int = 24, **more: object) -> Terms:
    body = {
        "contract": CONTRACT,
        "title": '两年期“监控”租赁 \\ "两年"',
        "purchaser": "甲方",
        "supplier": "乙方",
        "tax_rate": "0.06",
        "target": "0.9",
        "prepay_share": "0.9",
        "total": "50000000.00",
        "payment": {
            "due_days": 10,
            "days": "workday",
            "counted_from": "quarter-start",
            "interest_per_day": "0.0005",
            "interest_cap": "0.1",
            "tax_rates": [{"component": "line", "from": "2021-01-01", "rate": "0.09"}],
        },
        "retention": {"share": "0.02", "released_on": "2021-12-31"},
        "phases": [
            {"id": "phase-1", "unit_price": "850.00", "in_service_from": date(2020, 1, 1), "months": months},
            {
                "id": "二期",
                "unit_price": "628.00",
                "components": {"line": "122.00", "integration": "359.00", "platform": "147.00"},
                "in_service_from": date(2020, 1, 1),
                "months": months,
            },
        ],
    }
    return Terms.model_validate({**body, **more})


def instant(day: date) -> Instant:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
    return Instant(int(noon.timestamp()) * 1_000_000)


@dataclass
class Run:
    """The run's books as it goes: documents as issued, and what was done."""

    writer: Writer
    terms: Terms = field(default_factory=terms)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    paid: int = 0

    def begin(self) -> None:
        day = date(2019, 12, 1)
        with self.writer.transaction() as connection:
            audit = self.writer.audit
            version, _ = contracts.add(connection, audit, self.terms, None, (), at=instant(day), actor="甲")
            contracts.approve(connection, audit, CONTRACT, version.version, (), at=instant(day), actor="乙")
            for year in (2020, 2021, 2022):
                budget = BudgetYear(
                    "P-01",
                    year,
                    2_000_000_000,
                    2_500_000_000,
                    2_500_000_000,
                    "平安城市",
                    "公安局",
                    contracts=(CONTRACT,),
                )
                budgets.save(connection, audit, budget, at=instant(day), actor="甲")

    def draft(self, quarter: Quarter, adjustments: tuple[Adjustment, ...] = ()) -> dict[str, Any]:
        one, two = RATES[quarter.label]
        facts = {"phase-1": count_facts(300, parse_rate(one)), "二期": count_facts(1_000, parse_rate(two))}
        inputs = Inputs(self.terms, 1, quarter.label, facts, before=self.before(quarter, adjustments), software="test")
        return settle_inputs(inputs)[1]

    def before(self, quarter: Quarter, adjustments: tuple[Adjustment, ...]) -> Before:
        prepaid: dict[str, Issued] = {}
        retained: dict[str, Issued] = {}
        for label, document in self.documents.items():
            ahead = parse_quarter(label).following() == quarter
            for phase in document["phases"]:
                for line in phase["lines"]:
                    if line["kind"] == "next_prepayment" and ahead:
                        prepaid[phase["phase"]] = Issued(amount_of(line), f"{label}/0")
                    if line["kind"] == "retention":
                        known = retained.get(phase["phase"], Issued(NOTHING, ""))
                        retained[phase["phase"]] = Issued(known.amount.plus(amount_of(line)), label)
        return Before(prepaid, retained, adjustments)

    def issue(
        self,
        quarter: Quarter,
        adjustments: tuple[Adjustment, ...] = (),
        claims: tuple[tuple[int, int], ...] = (),
        until: str = "request-payment",
    ) -> int:
        """Take a quarter from the draft to the payment request; `claims` are (line, fen) that the supplier contests."""
        document = self.draft(quarter, adjustments)
        day = quarter.end + timedelta(days=14)
        at, audit, approval = instant(day), self.writer.audit, self.terms.approval
        with self.writer.transaction() as connection:
            body = json.dumps(document, ensure_ascii=False, sort_keys=True)
            number = statements.save(
                connection, audit, contract=CONTRACT, quarter=quarter.label, revision=0, version=1, inputs="{}",
                inputs_sha="0" * 64, body=body, body_sha="0" * 64, document=document, reason="", at=at, actor="经办",
            )  # fmt: skip
            stored = statements.by_id(connection, number)
            steps = [("reconcile", "经办"), ("confirm", "供应商"), ("check", "复核"), ("approve", "审批")]
            if claims:
                steps[1] = ("dispute", "供应商")
            for word, actor in steps:
                statements.take(connection, audit, stored, word, approval, "Asia/Shanghai", at=at, actor=actor)
            for line, claimed in claims:
                disputes.add(
                    connection, number, line=line, point="", contested_fen=claimed, reason="口径", document_sha="",
                    at=at, actor="供应商",
                )  # fmt: skip
            statements.take(connection, audit, stored, "issue", approval, "Asia/Shanghai", at=at, actor="经办")
            ledger.post_issue(connection, statement_id=number, document=document, day=day, at=at, actor="经办")
            ledger.post_issue(connection, statement_id=number, document=document, day=day, at=at, actor="经办")
            if until == "request-payment":
                statements.take(connection, audit, stored, until, approval, "Asia/Shanghai", at=at, actor="经办")
        self.documents[quarter.label] = document
        return number

    def pay(self, due: str, amount: int, first: date, last: date | None = None, year: int | None = None) -> int:
        self.paid += 1
        order = Order(
            CONTRACT, due, amount, first, last or first, f"凭证-{self.paid:03d}", project="P-01", budget_year=year
        )
        return self.order(order)

    def order(self, order: Order) -> int:
        with self.writer.transaction() as connection:
            done = payments.record(connection, self.writer.audit, order, at=instant(order.last), actor="出纳")
        return done.id

    def open(self) -> list[tuple[str, int]]:
        with self.writer.transaction() as connection:
            return [(due.id, left) for due, left in movements.open_dues(connection, CONTRACT) if left]

    def take_back(self, number: int, day: date) -> None:
        with self.writer.transaction() as connection:
            audit = self.writer.audit
            payments.reverse(connection, audit, number, day, "重复支付", at=instant(day), actor="出纳")

    def interest(self, day: date) -> tuple[Adjustment, ...]:
        with self.writer.transaction() as connection:
            found = tuple(interest_lines(connection, self.terms, workdays.calendar(connection), day))
        assert found
        return found

    def decide(self, statement: int, granted: int, day: date) -> None:
        with self.writer.transaction() as connection:
            [found] = disputes.of_statement(connection, statement)
            disputes.decide(
                connection, found.id, "partly", granted, "amount", "部分采纳", at=instant(day), actor="复核"
            )

    def invoices(self, day: date) -> None:
        """An invoice of last quarter's largest line, and a credit invoice over a seventh of it."""
        at, audit = instant(day), self.writer.audit
        with self.writer.transaction() as connection:
            due = max((due for due, _ in movements.open_dues(connection, CONTRACT)), key=lambda due: due.fen)
            invoices.add(
                connection,
                audit,
                number=INVOICE,
                contract=CONTRACT,
                due=due.id,
                gross_fen=None,
                tax_fen=None,
                issued_on=day,
                at=at,
                actor="会计",
            )
            invoices.credit(
                connection,
                audit,
                number=CREDIT,
                of=INVOICE,
                gross_fen=due.fen // 7,
                issued_on=day + timedelta(days=11),
                at=at,
                actor="会计",
            )

    def pay_all(self, first: date, last: date | None = None) -> None:
        for due, left in self.open():
            if left > 0:
                self.pay(due, left, first, last)


def line(document: dict[str, Any], phase: str, kind: str) -> dict[str, Any]:
    return next(
        row for its in document["phases"] if its["phase"] == phase for row in its["lines"] if row["kind"] == kind
    )


def two_years(writer: Writer) -> Run:
    run = Run(writer)
    run.begin()
    one, two, three, four, five, six, seven, eight = QUARTERS

    run.issue(one)
    first = next(found for found in run.open() if found[1] > 0)
    run.pay(first[0], first[1] // 3, date(2020, 4, 20))
    run.take_back(run.pay(first[0], first[1] // 3, date(2020, 4, 21)), date(2020, 4, 22))
    run.pay_all(date(2020, 4, 23))

    run.issue(two)
    run.pay_all(date(2020, 9, 24), date(2020, 9, 29))  # late, and known as a range only

    interest = run.interest(date(2020, 10, 15))
    contested = line(run.draft(three, interest), "二期", "deduction")["n"]
    number = run.issue(three, interest, claims=((contested, 1_000_000),))
    run.pay_all(date(2020, 12, 15))
    run.decide(number, 600_000, date(2020, 12, 20))

    parts = [("line", 122), ("integration", 359), ("platform", 147)]
    granted = taxed(600_000, run.terms.tax_rate, parts)
    run.issue(four, (Adjustment("二期", "adjustment", granted, "异议部分采纳", f"2020Q3/0/{contested}"),))
    run.pay_all(date(2021, 1, 20))  # last year's true-up from this year's budget
    run.invoices(date(2021, 1, 21))

    parent = f"2020Q2/0/{line(run.documents['2020Q2'], 'phase-1', 'payable')['n']}"
    correction = taxed(-1_234_567, run.terms.tax_rate, ())
    run.issue(five, (Adjustment("phase-1", "adjustment", correction, "补判", parent),))
    run.pay_all(date(2021, 4, 19))
    run.issue(six)
    run.pay_all(date(2021, 7, 30))
    run.issue(seven)
    run.pay_all(date(2021, 10, 25))
    run.issue(eight)
    run.pay_all(date(2022, 1, 25))
    for due, left in run.open():
        run.pay(due, -left, date(2022, 2, 8), year=2021)  # the supplier's refund in cash, of last year's budget
    return run
