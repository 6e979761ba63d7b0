"""Statements as their endpoints answer them: made from the same read models that the pages show."""

from __future__ import annotations

from console.api.settle.answers import Share, money, rate
from console.api.settle.statement_shapes import (
    ChoiceAnswer,
    DisputeAnswer,
    ItemAnswer,
    LineAnswer,
    PhaseAnswer,
    PointAnswer,
    QuarterAnswer,
    RatesAnswer,
    RuleAnswer,
    StatementAnswer,
    StepAnswer,
)
from console.settling.board import Row
from console.settling.page import Shown
from console.settling.view import Line, PhaseView, PointLine, RuleItem, RuleResult
from console.web.paging import instant
from settlement.store.disputes import Dispute


def quarter_answer(row: Row) -> QuarterAnswer:
    """Return a quarter of the board."""
    return QuarterAnswer(
        contract=row.contract,
        quarter=row.quarter,
        state=row.state,
        revision=row.revision,
        payable=money(row.payable_fen),
        true_up=money(row.true_up_fen),
        total=money(row.total_fen),
        contested=money(row.contested_fen),
        undisputed=money(row.undisputed_fen),
        next_step=row.following,
        next_roles=sorted(row.roles),
        waits_for_you=row.waits,
        due=row.due,
    )


def line_answer(line: Line) -> LineAnswer:
    """Return a line."""
    return LineAnswer(
        n=line.n,
        phase=line.phase,
        window=line.window,
        kind=line.kind,
        gross=money(line.gross_fen),
        net=money(line.net_fen),
        tax=money(line.tax_fen),
        components={name: money(fen) for name, fen in line.components},
        why=line.why,
        parent=line.parent,
    )


def phase_answer(phase: PhaseView) -> PhaseAnswer:
    """Return a settled phase."""
    rates, counts = phase.rates, phase.rates.own_counts
    own = None if counts is None else Share(good=counts[0], counted=counts[1], rate=rate(rates.own))
    return PhaseAnswer(
        phase=phase.phase,
        title=phase.title,
        points=dict(phase.data["points"]),
        unit_price=phase.data["unit_price"],
        full_fee=money(phase.full_fen),
        fault_deduction=money(phase.fault_fen),
        other_deduction=money(phase.other_fen),
        payable=money(phase.payable_fen),
        target=phase.data["target"],
        seconds=phase.data["seconds"],
        rates=RatesAnswer(
            own=own,
            worst=rate(rates.worst),
            best=rate(rates.best),
            authority=rate(rates.theirs),
            reference=rates.reference,
            used=rate(rates.used),
            source=rates.source,
            why=rates.why,
        ),
    )


def dispute_answer(dispute: Dispute) -> DisputeAnswer:
    """Return a dispute."""
    return DisputeAnswer(
        number=dispute.id,
        line=dispute.line,
        point=dispute.point,
        contested=money(dispute.contested_fen),
        reason=dispute.reason,
        actor=dispute.actor,
        at=instant(dispute.at),
        document_sha256=dispute.document_sha or None,
        decision=dispute.decision or None,
        granted=money(dispute.granted_fen),
        effect=dispute.effect or None,
        opinion=dispute.opinion,
        decided_by=dispute.decided_by or None,
        decided_at=instant(dispute.decided_at),
    )


def statement_answer(s: Shown) -> StatementAnswer:
    """Return a statement's revision."""
    document = s.view.document
    return StatementAnswer(
        contract=s.head.contract,
        quarter=s.head.quarter,
        revision=s.head.revision,
        newest=s.newest,
        version=s.head.version,
        reading=s.head.reading,
        state=s.life.state.value,
        inputs_sha256=s.head.inputs_sha,
        body_sha256=s.head.body_sha,
        software=s.head.software,
        maker=s.head.actor,
        recorded_at=instant(s.head.recorded_at),
        seen={"revision": s.head.revision, "steps": len(s.steps)},
        totals={name: money(fen) for name, fen in s.view.totals.items()},
        contested=money(s.contested_fen),
        undisputed=money(s.undisputed_fen),
        phases=[phase_answer(phase) for phase in s.view.phases],
        lines=[line_answer(line) for line in s.view.lines],
        not_settled=list(document["not_settled"]),
        notices=list(document["notices"]),
        steps=[
            StepAnswer(
                step=taken.step,
                actor=taken.actor,
                at=instant(taken.at),
                reason=taken.reason,
                document_sha256=taken.document_sha or None,
            )
            for taken in s.steps
        ],
        choices=[
            ChoiceAnswer(step=c.word, roles=sorted(c.roles), may=c.may, against=list(c.against)) for c in s.choices
        ],
        disputes=[dispute_answer(dispute) for dispute in s.disputes],
        revisions=[head.revision for head in s.revisions],
    )


def point_answer(line: PointLine) -> PointAnswer:
    """Return a point's line."""
    return PointAnswer(
        phase=line.phase,
        code=line.code,
        full=money(line.full_fen),
        payable=money(line.payable_fen),
        deduction=money(line.deduction_fen),
        outages=line.outages,
        offline_s=line.offline_s,
        rules=line.rules,
    )


def rule_answer(rule: RuleResult) -> RuleAnswer:
    """Return a rule's result."""
    return RuleAnswer(**{name: getattr(rule, name) for name in RuleAnswer.model_fields})


def item_answer(item: RuleItem) -> ItemAnswer:
    """Return an item."""
    return ItemAnswer(**{name: getattr(item, name) for name in ItemAnswer.model_fields})
