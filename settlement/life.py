"""The life of a quarter's statement: which step leads where, and who may take it.

The rules of this file: TABLE alone says which step is possible in which state and where it leads; APART alone says
whose hands a step may not be in; a state is never stored, it is what the stored steps lead to. The diagram in the
documentation is drawn from TABLE (`mermaid`). The contract's approval chain has any length: each of its links but the
last is the step LINK here, the last one is LAST, whatever word (check, review, approve) the contract gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from monitor.finding import Finding
from monitor.model import Instant
from monitor.period import day_of
from monitor.persons import same_person
from settlement.clauses import ApprovalClause


class State(StrEnum):
    """Where a statement stands. `value` is what is printed in JSON, `STATE_ZH` what is shown."""

    DRAFT = "draft"
    RECONCILED = "reconciled"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    CHECKED = "checked"
    APPROVED = "approved"
    ISSUED = "issued"
    REQUESTED = "payment-requested"
    PAID = "paid"


STATE_ZH: Mapping[State, str] = {
    State.DRAFT: "草稿",
    State.RECONCILED: "已核对",
    State.CONFIRMED: "供应商已确认",
    State.DISPUTED: "有异议",
    State.CHECKED: "已复核",
    State.APPROVED: "已审批",
    State.ISSUED: "已出具",
    State.REQUESTED: "已申请支付",
    State.PAID: "已支付",
}


class Step(StrEnum):
    """What can be done with a statement. The words of the contract's chain are LINK, or LAST where the chain ends."""

    DRAFT = "draft"
    RECONCILE = "reconcile"
    CONFIRM = "confirm"
    SILENCE = "silence"
    """The supplier said nothing until the objection period was over."""
    DISPUTE = "dispute"
    DECIDE = "decide"
    LINK = "link"
    LAST = "last-link"
    RETURN = "return"
    ISSUE = "issue"
    REQUEST = "request-payment"
    PAY = "pay"
    REOPEN = "payment-reversed"


STEP_ZH: Mapping[str, str] = {
    "draft": "起草",
    "reconcile": "核对",
    "confirm": "供应商确认",
    "silence": "逾期未提异议",
    "dispute": "提出异议",
    "decide": "异议复核",
    "check": "复核",
    "review": "分管复核",
    "approve": "审批",
    "return": "退回",
    "issue": "出具并锁定",
    "request-payment": "申请支付",
    "pay": "登记支付",
    "payment-reversed": "支付冲回",
}

TABLE: Mapping[State, Mapping[Step, State]] = {
    State.DRAFT: {Step.RECONCILE: State.RECONCILED},
    State.RECONCILED: {
        Step.CONFIRM: State.CONFIRMED,
        Step.SILENCE: State.CONFIRMED,
        Step.DISPUTE: State.DISPUTED,
        Step.RETURN: State.DRAFT,
    },
    State.CONFIRMED: {Step.LINK: State.CHECKED, Step.LAST: State.APPROVED, Step.RETURN: State.DRAFT},
    # What is contested may be decided at any time from here on; what is not goes on meanwhile.
    State.DISPUTED: {
        Step.DISPUTE: State.DISPUTED,
        Step.DECIDE: State.DISPUTED,
        Step.LINK: State.CHECKED,
        Step.LAST: State.APPROVED,
        Step.RETURN: State.DRAFT,
    },
    State.CHECKED: {
        Step.DECIDE: State.CHECKED,
        Step.LINK: State.CHECKED,
        Step.LAST: State.APPROVED,
        Step.RETURN: State.DRAFT,
    },
    State.APPROVED: {Step.DECIDE: State.APPROVED, Step.ISSUE: State.ISSUED, Step.RETURN: State.DRAFT},
    # From here on nothing leads back: what changes later is a line of a later statement.
    State.ISSUED: {Step.DECIDE: State.ISSUED, Step.REQUEST: State.REQUESTED},
    State.REQUESTED: {Step.DECIDE: State.REQUESTED, Step.PAY: State.PAID},
    State.PAID: {Step.DECIDE: State.PAID, Step.REOPEN: State.REQUESTED},
}

SUPPLIERS = frozenset({Step.CONFIRM, Step.DISPUTE})
"""The supplier's own steps: who takes one takes no step of the purchaser's on any revision, and the other way round."""

_BEFORE_APPROVAL = frozenset({Step.DRAFT, Step.RECONCILE, Step.SILENCE, Step.LINK, Step.LAST})
APART: Mapping[Step, frozenset[Step]] = {
    Step.LINK: _BEFORE_APPROVAL,
    Step.LAST: _BEFORE_APPROVAL,
    Step.DECIDE: frozenset({Step.DRAFT}),
}
"""Steps that want another person than whoever took one of these before, in the same round: maker ≠ checker."""

FINAL = frozenset({State.ISSUED, State.REQUESTED, State.PAID})
"""The states of a statement that never changes again."""


class Taken(NamedTuple):
    """A step as it was taken: its stored word, who, when, why, and the digest of the document behind it ("" if none)."""

    step: str
    actor: str
    at: Instant
    reason: str = ""
    document_sha: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """A statement's life so far. `round` are the steps since it was drafted or last returned, the draft among them.

    `links` is how many links of the chain are done in this round.
    """

    state: State
    round: tuple[tuple[Step, Taken], ...]
    links: int

    @property
    def final(self) -> bool:
        """Whether the statement never changes again."""
        return self.state in FINAL


def step_of(word: str, links: int, chain: Sequence[str]) -> Step:
    """Return what a stored word is: a word of the chain is LINK, or LAST if it is the chain's last. ValueError if unknown."""
    if word in {"check", "review", "approve"}:
        return Step.LAST if links + 1 >= len(chain) else Step.LINK
    return Step(word)


def life_of(steps: Sequence[Taken], clause: ApprovalClause) -> Life:
    """Follow the stored steps through the table. The first is the draft; ValueError if they are no life at all."""
    if not steps or steps[0].step != Step.DRAFT:
        raise ValueError("a statement's life begins with its draft")
    start = (Step.DRAFT, steps[0])
    state, done, links = State.DRAFT, [start], 0
    for taken in steps[1:]:
        step = step_of(taken.step, links, clause.chain)
        following = TABLE[state].get(step)
        if following is None:
            raise ValueError(f"{taken.step} is no step of a statement that is {state}")
        state = following
        if step is Step.RETURN:
            done, links = [start], 0
            continue
        done.append((step, taken))
        links += step in {Step.LINK, Step.LAST}
    return Life(state, tuple(done), links)


def objections(
    steps: Sequence[Taken],
    word: str,
    actor: str,
    clause: ApprovalClause,
    *,
    at: Instant,
    zone: str,
    place: str,
    before: Sequence[Taken] = (),
) -> list[Finding]:
    """Say everything that speaks against a step: the state, the chain's order, the person, the objection period.

    `word` is the step as it would be stored; `place` names the statement in the findings; `before` are the steps of the
    quarter's earlier revisions, where a person's side may have been shown. Empty: it may be taken.
    """
    life = life_of(steps, clause)
    step = step_of(word, life.links, clause.chain)
    if step not in TABLE[life.state]:
        return [_not_now(life, word, clause, place)]
    findings = []
    if step in {Step.LINK, Step.LAST} and word != clause.chain[life.links]:
        link = clause.chain[life.links]
        message = (
            f"审批链的下一环是 {STEP_ZH[link]} the chain's next link is {link}（{life.links + 1}/{len(clause.chain)}）"
        )
        findings.append(Finding("", 0, place, message, f"camsla statement {verb(link)}"))
    findings += _persons(life, step, actor, place, [*before, *steps])
    if step is Step.RETURN and not findings:
        findings += _returning(life, actor, clause, place, steps)
    findings += _periods(life, step, clause, at, zone, place)
    return findings


def verb(word: str) -> str:
    """Return the command that takes a step."""
    return {
        "review": "check",
        "silence": "confirm --silence",
        "link": "check",
        "last-link": "approve",
        "pay": "（camsla payment record）",
        "payment-reversed": "（camsla payment reverse）",
    }.get(word, word)


def _not_now(life: Life, word: str, clause: ApprovalClause, place: str) -> Finding:
    possible = [
        clause.chain[life.links] if step in {Step.LINK, Step.LAST} else step.value
        for step in TABLE[life.state]
        if step is not (Step.LAST if life.links + 1 < len(clause.chain) else Step.LINK)
    ]
    message = (
        f"结算单{STATE_ZH[life.state]}，不能{STEP_ZH[word]} the statement is {life.state}: {word} is not possible now"
    )
    remedy = "可以 possible: " + ", ".join(verb(name) for name in dict.fromkeys(possible))
    if life.final:
        remedy += "；更正成为未结季度的调整行 corrections become lines of the open quarter"
    return Finding("", 0, place, message, remedy)


def _persons(life: Life, step: Step, actor: str, place: str, ever: Sequence[Taken]) -> list[Finding]:
    """A person's side lasts through all rounds and revisions (`ever`), maker ≠ checker through the round."""
    mine = step in SUPPLIERS
    for taken in ever:
        if same_person(taken.actor, actor) and mine != (taken.step in SUPPLIERS):
            sides = ("采购人一方 the purchaser", "供应商一方 the supplier")
            message = f"{actor} 已代表{sides[not mine]} acted for the other side ({taken.step})"
            return [Finding("", 0, place, message, f"由{sides[mine]}的人办理 let somebody of that side do it")]
    for earlier, taken in life.round:
        if same_person(taken.actor, actor) and earlier in APART.get(step, ()):
            message = (
                f"{actor} 已办理 {STEP_ZH.get(taken.step, taken.step)}，不能再由同一人办理 "
                f"took the step {taken.step}: maker and checker, and each approval, are different persons"
            )
            return [Finding("", 0, place, message, "换一人办理 let another person do it")]
    return []


def _returning(life: Life, actor: str, clause: ApprovalClause, place: str, steps: Sequence[Taken]) -> list[Finding]:
    """Who returns acted on the statement for the purchaser, or is a person whom the chain still waits for."""
    if life.links < len(clause.chain) or any(same_person(taken.actor, actor) for taken in steps):
        return []
    message = f"{actor} 未经办过该结算单，不能退回 took no step of the statement and cannot return it"
    return [Finding("", 0, place, message, "由经办人或审批链中的人退回 its maker or a person of the chain returns it")]


def objection_ends(life: Life, clause: ApprovalClause, zone: str) -> date | None:
    """Return the last day on which the supplier may object: so many days after the reconciliation. None: no limit."""
    sent = next((taken.at for step, taken in life.round if step is Step.RECONCILE), None)
    if clause.objection_days is None or sent is None:
        return None
    return day_of(sent, zone) + timedelta(days=clause.objection_days)


def _periods(life: Life, step: Step, clause: ApprovalClause, at: Instant, zone: str, place: str) -> list[Finding]:
    last = objection_ends(life, clause, zone)
    today = day_of(at, zone)
    if step is Step.SILENCE:
        if clause.silence != "confirms" or last is None:
            message = "合同没有约定逾期视为确认 the contract does not say that silence confirms"
            remedy = "等供应商确认，或在合同中写明 approval.silence: confirms wait, or have the contract say so"
            return [Finding("", 0, place, message, remedy)]
        if today <= last:
            message = f"异议期到 {last} 为止，尚未过 the objection period ends with {last}"
            return [Finding("", 0, place, message, "到期后再办 wait until it is over")]
    if step is Step.DISPUTE and clause.silence == "confirms" and last is not None and today > last:
        message = (
            f"异议期已于 {last} 届满，合同约定逾期视为确认 the objection period ended with {last}, and silence confirms"
        )
        return [Finding("", 0, place, message, "由采购人退回后重新核对 the purchaser may return the statement")]
    return []


def mermaid() -> str:
    """Draw TABLE as a Mermaid state diagram, the same text every time."""
    rows = ["stateDiagram-v2", f"    [*] --> {_node(State.DRAFT)}: {STEP_ZH['draft']} draft"]
    names = {Step.LINK: "审批链的一环 a link of the chain", Step.LAST: "审批链的末环 the chain's last link"}
    for state, steps in TABLE.items():
        for step, following in steps.items():
            word = names.get(step) or f"{STEP_ZH[step]} {step.value}"
            rows.append(f"    {_node(state)} --> {_node(following)}: {word}")
    rows += [f"    {_node(state)}: {STATE_ZH[state]} {state.value}" for state in State]
    return "\n".join(rows) + "\n"


def _node(state: State) -> str:
    return state.name.lower()
