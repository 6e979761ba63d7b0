"""What a person may do with a statement now, and why not: the table of its life, held against their roles and their name.

Which roles take which step is decided here and nowhere else; whether the life and the person allow it, settlement/life.py
decides, here for the buttons and again when the step is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.web.access import FINANCE, Person, Role, Roles
from console.web.words import N_
from monitor.model import Instant
from settlement.contract import Terms
from settlement.life import TABLE, Life, State, Step, Taken, objections, step_of

HANDLERS: Roles = frozenset({Role.HANDLER})
CHECKERS: Roles = frozenset({Role.CHECKER})
APPROVERS: Roles = frozenset({Role.APPROVER})
SUPPLIERS: Roles = frozenset({Role.SUPPLIER})

WHO: Mapping[str, Roles] = {
    "draft": HANDLERS,
    "reconcile": HANDLERS,
    "confirm": SUPPLIERS,
    "silence": HANDLERS,
    "dispute": SUPPLIERS,
    "decide": CHECKERS | APPROVERS,
    "check": CHECKERS,
    "review": CHECKERS | APPROVERS,
    "approve": APPROVERS,
    "return": FINANCE,
    "issue": HANDLERS,
    "request-payment": HANDLERS,
}
"""The roles that take each step; payments are registered elsewhere."""

LABELS: Mapping[str, str] = {
    "draft": N_("重新起草"),
    "reconcile": N_("核对完毕，送供应商确认"),
    "confirm": N_("确认结算单"),
    "silence": N_("异议期满，视为确认"),
    "dispute": N_("提出异议"),
    "decide": N_("复核异议"),
    "check": N_("复核通过"),
    "review": N_("分管复核通过"),
    "approve": N_("同意（审批）"),
    "return": N_("退回"),
    "issue": N_("出具并锁定"),
    "request-payment": N_("申请支付"),
}
"""What the buttons say."""
NEXT: Mapping[str, str] = {
    "draft": N_("起草"),
    "reconcile": N_("核对"),
    "confirm": N_("供应商确认"),
    "decide": N_("异议复核"),
    "check": N_("复核"),
    "review": N_("分管复核"),
    "approve": N_("审批"),
    "issue": N_("出具"),
    "request-payment": N_("申请支付"),
    "pay": N_("登记支付"),
}
"""What a list calls the next step."""
FORMS_OF_THEIR_OWN = frozenset({"draft", "dispute", "decide"})
"""Steps that want more than a reason and a paper."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A step that the life allows now: `word` as it is stored, the roles that take it, and what speaks against this person.

    `here` tells whether one of the person's roles takes it; `against` is empty where they may.
    """

    word: str
    roles: Roles
    here: bool
    against: tuple[str, ...] = ()

    @property
    def may(self) -> bool:
        """Whether this person may take it now."""
        return self.here and not self.against

    @property
    def label(self) -> str:
        """What its button says; a message id."""
        return LABELS[self.word]


def choices(
    steps: Sequence[Taken],
    life: Life,
    terms: Terms,
    person: Person,
    *,
    at: Instant,
    place: str,
    before: Sequence[Taken] = (),
    open_disputes: int = 0,
) -> list[Choice]:
    """Return what the statement's state allows, in the order of the life, with what speaks against this person."""
    found: list[Choice] = []
    for word in _words(life, terms, open_disputes):
        roles = WHO[word]
        against: tuple[str, ...] = ()
        if person.may(roles):
            findings = objections(
                steps,
                word,
                person.name,
                terms.approval,
                at=at,
                zone=terms.zone,
                place=place,
                before=before,
            )
            against = tuple(finding.message for finding in findings)
        found.append(Choice(word, roles, person.may(roles), against))
    if life.state is State.DRAFT:
        found.append(Choice("draft", WHO["draft"], person.may(WHO["draft"])))
    return found


def _words(life: Life, terms: Terms, open_disputes: int) -> list[str]:
    words: list[str] = []
    chain = terms.approval.chain
    for step in TABLE[life.state]:
        if step in {Step.LINK, Step.LAST}:
            if life.links < len(chain) and step_of(chain[life.links], life.links, chain) is step:
                words.append(chain[life.links])
        elif step is Step.DECIDE:
            words += ["decide"] if open_disputes else []
        elif step is Step.SILENCE:
            words += ["silence"] if terms.approval.silence == "confirms" else []
        elif step not in {Step.PAY, Step.REOPEN}:
            words.append(step.value)
    return words


def next_word(life: Life, terms: Terms) -> str:
    """Return the step that carries a statement on; "" where nothing is left to do."""
    chain = terms.approval.chain
    match life.state:
        case State.DRAFT:
            return "reconcile"
        case State.RECONCILED:
            return "confirm"
        case State.CONFIRMED | State.DISPUTED | State.CHECKED:
            return chain[min(life.links, len(chain) - 1)]
        case State.APPROVED:
            return "issue"
        case State.ISSUED:
            return "request-payment"
        case State.REQUESTED:
            return "pay"
        case State.PAID:
            return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A field of the strip of steps: a state's name, whether it is done or now, and who brought it about."""

    key: str
    label: str
    done: bool
    now: bool
    actor: str = ""
    at: Instant | None = None
    note: str = ""


STAGES: Mapping[str, str] = {
    "draft": N_("草稿"),
    "reconciled": N_("已核对"),
    "confirmed": N_("供应商已确认"),
    "disputed": N_("有异议"),
    "checked": N_("已复核"),
    "reviewed": N_("已分管复核"),
    "approved": N_("已审批"),
    "issued": N_("已出具"),
    "payment-requested": N_("已申请支付"),
    "paid": N_("已支付"),
}
"""The strip's fields, message ids."""
_LINK_STAGE = {"check": "checked", "review": "reviewed", "approve": "approved"}


def strip(life: Life, terms: Terms) -> list[Stage]:
    """Return the strip of steps of the present round: what is done by whom, what is now, what comes."""
    last: dict[str, Taken] = {}
    links: list[Taken] = []
    for step, taken in life.round:
        if step in {Step.LINK, Step.LAST}:
            links.append(taken)
        else:
            last[step.value] = taken
    answer = last.get("dispute") or last.get("confirm") or last.get("silence")
    rows: list[tuple[str, Taken | None]] = [
        ("draft", last.get("draft")),
        ("reconciled", last.get("reconcile")),
        ("disputed" if "dispute" in last else "confirmed", answer),
    ]
    for n, word in enumerate(terms.approval.chain):
        rows.append((_LINK_STAGE[word], links[n] if n < len(links) else None))
    paid = last.get("pay") if life.state is State.PAID else None
    rows += [("issued", last.get("issue")), ("payment-requested", last.get("request-payment")), ("paid", paid)]
    done = [n for n, (_, taken) in enumerate(rows) if taken is not None]
    reached = max(done, default=0)
    return [
        Stage(
            key,
            STAGES[key],
            taken is not None and n < reached,
            n == reached,
            taken.actor if taken else "",
            taken.at if taken else None,
            taken.reason if taken else "",
        )
        for n, (key, taken) in enumerate(rows)
    ]
