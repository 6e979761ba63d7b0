from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Instant
from settlement.clauses import ApprovalClause
from settlement.life import APART, FINAL, SUPPLIERS, TABLE, State, Step, Taken, life_of, mermaid, objections, step_of

CLAUSE = ApprovalClause()
DAY = 86_400_000_000
T0 = 1_604_160_000_000_000  # 2020-11-01 00:00 in Shanghai
ROOT = Path(__file__).parents[3]


def steps(*rows: str, start: int = T0) -> list[Taken]:
    """`word:actor` each, one an hour after the other."""
    return [
        Taken(word, actor, Instant(start + n * 3_600_000_000))
        for n, (word, _, actor) in enumerate(row.partition(":") for row in rows)
    ]


def said(taken: list[Taken], word: str, actor: str, clause: ApprovalClause = CLAUSE, at: int = T0 + DAY) -> str:
    found = objections(taken, word, actor, clause, at=Instant(at), zone="Asia/Shanghai", place="xj 2020Q3 r0")
    assert all(f.column == "xj 2020Q3 r0" and f.remedy for f in found)
    return " ".join(str(f) for f in found)


WHOLE = (
    ("draft:a", State.DRAFT),
    ("reconcile:a", State.RECONCILED),
    ("confirm:s", State.CONFIRMED),
    ("check:b", State.CHECKED),
    ("approve:c", State.APPROVED),
    ("issue:a", State.ISSUED),
    ("request-payment:a", State.REQUESTED),
    ("pay:a", State.PAID),
)


def test_the_whole_way_step_by_step() -> None:
    rows = [row for row, _ in WHOLE]
    for n, (_, state) in enumerate(WHOLE, 1):
        taken = steps(*rows[:n])
        assert life_of(taken, CLAUSE).state is state
        assert life_of(taken, CLAUSE).final is (state in FINAL)
        if n < len(rows):
            word, _, actor = rows[n].partition(":")
            assert said(taken, word, actor) == ""


def test_no_step_can_be_left_out() -> None:
    rows = [row for row, _ in WHOLE]
    for n in range(1, len(rows) - 1):
        word, _, actor = rows[n + 1].partition(":")
        text = said(steps(*rows[:n]), word, actor)
        assert ("the chain's next link is check" if word == "approve" else "not possible now") in text


@pytest.mark.parametrize(
    ("before", "word", "actor", "text"),
    [
        (("draft:a", "reconcile:a", "confirm:s"), "check", "a", "maker and checker"),
        (("draft:a", "reconcile:b", "confirm:s"), "check", "b", "maker and checker"),
        (("draft:a", "reconcile:a", "confirm:s", "check:b"), "approve", "b", "each approval"),
        (("draft:a", "reconcile:a", "confirm:s", "check:b"), "approve", "a", "each approval"),
        (("draft:a", "reconcile:a"), "confirm", "a", "acted for the other side"),
        (("draft:a", "reconcile:a"), "dispute", "a", "acted for the other side"),
        (("draft:a", "reconcile:a", "confirm:s"), "check", "s", "acted for the other side"),
        (("draft:a", "reconcile:a", "confirm:s", "check:b", "approve:c"), "issue", "s", "acted for the other side"),
        (("draft:a", "reconcile:a", "dispute:s"), "decide", "a", "maker and checker"),
        (("draft:a", "reconcile:a", "dispute:s"), "decide", "s", "acted for the other side"),
        (("draft:a", "reconcile:a", "confirm:s"), "approve", "c", "the chain's next link is check"),
        (("draft:a", "reconcile:a", "confirm:s", "check:b"), "check", "c", "the chain's next link is approve"),
    ],
)
def test_who_may_not(before: tuple[str, ...], word: str, actor: str, text: str) -> None:
    assert text in said(steps(*before), word, actor)


@pytest.mark.parametrize("spelling", ["Zhang San", "zhang san", "ZHANG  SAN", "Ｚhang San", "os:zhang san"])
def test_another_spelling_is_no_other_person(spelling: str) -> None:
    drawn = ("draft:Zhang San", "reconcile:a", "confirm:s")
    assert "maker and checker" in said(steps(*drawn), "check", spelling)
    assert "each approval" in said(steps("draft:a", *drawn[1:], "check:Zhang San"), "approve", spelling)
    assert "other side" in said(steps("draft:Zhang San", "reconcile:a"), "confirm", spelling)
    assert "other side" in said(steps("draft:a", "reconcile:a", "confirm:Zhang San"), "check", spelling)
    assert said(steps(*drawn), "check", "Zhang Si") == ""


def test_a_side_lasts_through_returns_and_revisions() -> None:
    rows = ("draft:a", "reconcile:a", "confirm:s", "return:b")
    for word, actor in (("reconcile", "s"), ("reconcile", "S")):
        assert "the supplier" in said(steps(*rows), word, actor)
    again = (*rows, "reconcile:a", "confirm:t")
    assert "the supplier" in said(steps(*again), "check", "s")
    assert "the purchaser" in said(steps(*rows, "reconcile:a"), "confirm", "b")
    for before, word, actor in (("confirm:s", "check", "s"), ("dispute:s", "check", "S"), ("check:c", "approve", "s")):
        found = objections(
            steps("draft:a", "reconcile:a", "confirm:t", *(["check:d"] if word == "approve" else [])),
            word,
            actor,
            CLAUSE,
            at=Instant(T0 + DAY),
            zone="Asia/Shanghai",
            place="xj 2020Q3 r1",
            before=steps("draft:a", "reconcile:a", before, *(["confirm:s"] if before == "check:c" else [])),
        )
        assert "the supplier" in " ".join(str(f) for f in found)


def test_who_may_return() -> None:
    waiting = ("draft:a", "reconcile:a", "confirm:s")
    assert said(steps(*waiting), "return", "b") == "", "the chain still waits for somebody"
    assert "the supplier" in said(steps(*waiting), "return", "s")
    approved = (*waiting, "check:b", "approve:c")
    for actor in "abc":
        assert said(steps(*approved), "return", actor) == ""
    assert "took no step" in said(steps(*approved), "return", "z")
    assert "the supplier" in said(steps(*approved), "return", "s")


def test_what_is_contested_goes_on_and_is_decided_at_any_time() -> None:
    rows = ["draft:a", "reconcile:a", "dispute:s"]
    for row in ("decide:d", "check:d", "decide:e", "approve:c", "decide:e", "issue:a", "decide:e"):
        word, _, actor = row.partition(":")
        assert said(steps(*rows), word, actor) == "", row
        rows.append(row)
    assert life_of(steps(*rows), CLAUSE).state is State.ISSUED


def test_returned_begins_a_new_round_in_which_others_may_act() -> None:
    rows = ("draft:a", "reconcile:a", "confirm:s", "check:b", "return:c")
    assert life_of(steps(*rows), CLAUSE).state is State.DRAFT
    assert life_of(steps(*rows), CLAUSE).links == 0
    rows += ("reconcile:b", "confirm:s")
    assert said(steps(*rows), "check", "c") == ""
    assert "maker" in said(steps(*rows), "check", "a"), "the maker stays the maker"
    for final in (*WHOLE[5:],):
        upto = [row for row, _ in WHOLE[: WHOLE.index(final) + 1]]
        assert "corrections become lines of the open quarter" in said(steps(*upto), "return", "z")


@given(st.lists(st.sampled_from(["check", "review", "approve"]), min_size=1, max_size=10))
def test_a_chain_of_any_length_takes_as_many_persons(chain: list[str]) -> None:
    clause = ApprovalClause(chain=tuple(chain))  # type: ignore[arg-type]
    rows = ["draft:a", "reconcile:a", "confirm:s"]
    for n, word in enumerate(chain):
        assert life_of(steps(*rows), clause).state is (State.CONFIRMED if n == 0 else State.CHECKED)
        for known in {row.partition(":")[2] for row in rows}:
            assert said(steps(*rows), word, known, clause) != ""
        assert said(steps(*rows), word, f"p{n}", clause) == ""
        rows.append(f"{word}:p{n}")
    assert life_of(steps(*rows), clause).state is State.APPROVED


SILENT = ApprovalClause(objection_days=5, silence="confirms")


def test_silence_confirms_only_where_the_contract_says_so_and_the_period_is_over() -> None:
    taken = steps("draft:a", "reconcile:a")  # reconciled on 1 November
    last = T0 + 5 * DAY  # the sixth day is still within
    assert "the objection period ends with 2020-11-06" in said(taken, "silence", "a", SILENT, last + DAY - 1)
    assert said(taken, "silence", "a", SILENT, last + DAY) == ""
    assert "does not say that silence confirms" in said(taken, "silence", "a", CLAUSE, last + 99 * DAY)
    waits = ApprovalClause(objection_days=5, silence="waits")
    assert "does not say that silence confirms" in said(taken, "silence", "a", waits, last + 99 * DAY)
    assert life_of([*taken, Taken("silence", "a", Instant(last + DAY))], SILENT).state is State.CONFIRMED


def test_a_late_objection_is_refused_only_where_silence_confirms() -> None:
    taken = steps("draft:a", "reconcile:a")
    late = T0 + 7 * DAY
    assert "the objection period ended with 2020-11-06" in said(taken, "dispute", "s", SILENT, late)
    assert said(taken, "dispute", "s", SILENT, late - DAY - 1) == ""
    assert said(taken, "dispute", "s", ApprovalClause(objection_days=5), late) == ""
    assert said(taken, "confirm", "s", SILENT, late) == "", "a late agreement is still one"


def test_every_state_is_reached_and_paid_is_the_end_but_for_a_reversal() -> None:
    reached = {State.DRAFT}
    for _ in State:
        reached |= {following for state in reached for following in TABLE[state].values()}
    assert reached == set(State) == set(TABLE)
    for state, step in itertools.product(FINAL, Step):
        following = TABLE[state].get(step)
        assert following is None or following in FINAL, "nothing leads back from an issued statement"


def test_steps_that_no_table_knows_are_a_bug_not_a_state() -> None:
    with pytest.raises(ValueError, match="begins with its draft"):
        life_of([], CLAUSE)
    with pytest.raises(ValueError, match="no step of a statement that is draft"):
        life_of(steps("draft:a", "issue:a"), CLAUSE)
    with pytest.raises(ValueError, match="nonsense"):
        step_of("nonsense", 0, CLAUSE.chain)


def test_no_rule_about_persons_names_a_step_that_cannot_have_come_before() -> None:
    for step, others in APART.items():
        assert step not in SUPPLIERS
        assert not others & SUPPLIERS


def test_the_diagram_in_the_documentation_is_the_tables() -> None:
    text = (ROOT / "docs" / "statement-life.md").read_text("utf-8")
    assert f"```mermaid\n{mermaid()}```" in text
    assert mermaid().count("-->") == 1 + sum(len(following) for following in TABLE.values())
