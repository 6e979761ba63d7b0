"""The quarter's close: a statement is computed from frozen inputs and stored once, all of it or nothing.

The same key (contract, quarter) with the same inputs is the statement that stands, byte for byte. With other inputs it is
an error that names what changed; only a statement that is still a draft may be drafted anew, as a further revision.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, insert

from monitor.finding import Finding, InputError, refuse
from monitor.model import Instant
from settlement.adjusting import Correction
from settlement.canonical import canonical, differences
from settlement.contract import Terms
from settlement.document import digest
from settlement.inputs import Inputs, from_document, settle_inputs
from settlement.life import STATE_ZH, Life, State, life_of
from settlement.store import contracts, statements
from settlement.store.audit import AuditSink
from settlement.store.statements import Brief, Stored
from settlement.store.tables import granted_lines


@dataclass(frozen=True, slots=True)
class Computed:
    """A statement ready to be stored, or the one that stands: `standing` is then set, and nothing is to be added.

    `seen` is the row of the newest revision when this was computed.
    """

    inputs: Inputs
    document: Mapping[str, Any]
    findings: tuple[Finding, ...]
    corrections: tuple[Correction, ...]
    seen: int | None
    standing: Stored | None = None


def life(connection: Connection, stored: Stored | Brief) -> Life:
    """Return a statement's life so far, by the approval clause of the terms that it was made under."""
    return life_of(statements.steps(connection, stored.id), terms_of(connection, stored).approval)


def terms_of(connection: Connection, stored: Stored | Brief) -> Terms:
    """Return the terms that a statement was made under: those of its contract version, which never changes."""
    version = contracts.one(connection, stored.contract, stored.version)
    if version is None:
        raise KeyError(f"{stored.contract} v{stored.version}")
    return version.terms


def frozen(stored: Stored) -> Inputs:
    """Return the inputs that a statement froze."""
    return from_document(json.loads(stored.inputs))


def compute(
    newest: Stored | None, state: State | None, inputs: Inputs, corrections: Sequence[Correction], *, redraft: bool
) -> Computed:
    """Settle from inputs under the next free revision, unless what stands was made from the same.

    `newest` is the quarter's newest revision and `state` where it stands. InputError where it was made from other inputs
    and may not be drafted anew, naming what changed; and as from `settle`.
    """
    if newest is None:
        return _settled(inputs, 0, corrections, None)
    same = replace(inputs, revision=newest.revision)
    if same.digest() == newest.inputs_sha:
        return Computed(same, newest.document, (), tuple(corrections), newest.id, newest)
    if state is State.DRAFT and redraft:
        return _settled(inputs, newest.revision + 1, corrections, newest.id)
    raise InputError([_changed(newest, state, same)])


def _settled(inputs: Inputs, revision: int, corrections: Sequence[Correction], seen: int | None) -> Computed:
    numbered = replace(inputs, revision=revision)
    _, document, findings = settle_inputs(numbered)
    return Computed(numbered, document, tuple(findings), tuple(corrections), seen)


def _changed(newest: Stored, state: State | None, now: Inputs) -> Finding:
    said = _told(differences(json.loads(newest.inputs), json.loads(canonical(now.to_document())), MOST_CHANGES))
    where = STATE_ZH[state] if state is not None else ""
    message = f"已有结算单（{where} {state}）按其他输入做成 the statement stands and was made from other inputs: {said}"
    if state is State.DRAFT:
        remedy = "加 --redraft 另起一版 add --redraft for a further revision"
    elif state in {State.ISSUED, State.REQUESTED, State.PAID}:
        remedy = (
            "已出具的不再改变，差额在下一未结季度成为调整行 an issued statement never changes: the difference becomes "
            "an adjustment line of the next open quarter"
        )
    else:
        remedy = (
            f"先退回 camsla statement return {newest.contract} {newest.quarter} --reason …，再 draft --redraft "
            "return it first, then draft it anew"
        )
    return Finding("", 0, newest.name, message, remedy)


MOST_CHANGES = 2_000
"""So many changes of the inputs are looked at, so that many of one kind do not hide another."""
CHANGES_SHOWN = 2
_WHAT = (
    ("terms", "合同条款"),
    ("contract_version", "合同版本"),
    ("evidence.exclusions", "剔除"),
    ("evidence.reclassified", "补判"),
    ("evidence.authority", "公安数据"),
    ("evidence", "依据"),
    ("before.prepaid", "已预付"),
    ("before.retained", "留存"),
    ("before.adjustments", "以前期调整"),
    ("notes", "说明"),
    ("software", "软件版本"),
    ("reading", "口径"),
)


def _told(changes: Sequence[str]) -> str:
    """Name each kind of input that changed, with its first changes and how many there are."""
    kinds: dict[str, list[str]] = {}
    for change in changes:
        if change != "…":
            kinds.setdefault(_what(change), []).append(change)
    texts = []
    for kind, its in kinds.items():
        more = len(its) - CHANGES_SHOWN
        text = "; ".join(its[:CHANGES_SHOWN])
        texts.append(f"{kind} {text}" + (f"; 另有 {more:,} 处 {more:,} more" if more > 0 else ""))
    return "；".join([*texts, "…"] if "…" in changes else texts)


def _what(change: str) -> str:
    named = next((word for start, word in _WHAT if change.startswith(start)), None)
    if named is None:
        roster = any(part in change.partition(":")[0] for part in (".roster", ".groups", ".lots"))
        named = "点位名册" if roster else "监测数据"
    return f"[{named}]"


def store(
    connection: Connection, audit: AuditSink, computed: Computed, *, reason: str, at: Instant, actor: str
) -> tuple[Stored, bool]:
    """Store a computed statement in the caller's transaction and tell whether it was added.

    InputError if another revision was stored since it was computed.
    """
    contract, quarter = computed.inputs.terms.contract, computed.inputs.quarter
    newest = statements.find(connection, contract, quarter)
    if (None if newest is None else newest.id) != computed.seen:
        raise refuse(
            f"计算期间已有人起草 somebody else drafted {contract} {quarter} meanwhile",
            "重试 try again",
            column="quarter",
        )
    if computed.standing is not None:
        return computed.standing, False
    body = canonical(computed.document)
    number = statements.save(
        connection,
        audit,
        contract=contract,
        quarter=quarter,
        revision=computed.inputs.revision,
        version=computed.inputs.contract_version,
        inputs=canonical(computed.inputs.to_document()),
        inputs_sha=computed.inputs.digest(),
        body=body,
        body_sha=digest(computed.document),
        document=computed.document,
        reason=reason,
        at=at,
        actor=actor,
    )
    rows = _granted(number, computed)
    if rows:
        connection.execute(insert(granted_lines), rows)
    return statements.by_id(connection, number), True


def _granted(number: int, computed: Computed) -> list[dict[str, int]]:
    """Find the lines that bring what disputes were granted: each says the dispute's number in its arithmetic."""
    of = {(c.adjustment.phase, c.adjustment.parent, c.adjustment.why): c.dispute for c in computed.corrections}
    rows = []
    for line in computed.document["adjustments"]:
        dispute = of.get((line["phase"], line["parent"], line["why"]))
        if dispute is not None:
            rows.append({"statement_id": number, "n": line["n"], "dispute_id": dispute})
    return rows


def verified(stored: Stored) -> list[Finding]:
    """Recompute a statement from what it froze; findings where bytes or digests differ, none if all hold."""
    inputs = frozen(stored)
    _, document, _ = settle_inputs(inputs)
    text = canonical(document)
    wrong = []
    if inputs.digest() != stored.inputs_sha:
        wrong.append("冻结的输入与其指纹不符 the frozen inputs are not those of the digest")
    if digest(stored.document) != stored.body_sha:
        wrong.append("结算单与其指纹不符 the document is not that of the digest")
    if text != stored.body:
        changes = "; ".join(differences(stored.document, json.loads(text)))
        wrong.append(f"重算不一致 recomputed from its inputs it reads otherwise: {changes}")
    remedy = "退回并重新起草，或从备份恢复 return it and draft it anew, or restore the database"
    return [Finding("", 0, stored.name, message, remedy) for message in wrong]
