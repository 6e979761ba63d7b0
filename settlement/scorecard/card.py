"""A rubric and its inputs: the score of every indicator with its arithmetic, group sums, total and grade.

What the report does not print stays visibly unprinted and counts only through the `rests`, which are differences of
printed totals. No I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from settlement.scorecard.formulas import Status, judged
from settlement.scorecard.inputs import TOTAL, Given, Measured, Rest, ScoreInputs
from settlement.scorecard.printed import exact_text
from settlement.scorecard.rubric import Group, Indicator, Measure, Rubric


@dataclass(frozen=True, slots=True)
class Scored:
    """One indicator's result. `by_rule` is what its formula gives, where that can be computed; `score` what counts."""

    indicator: Indicator
    status: Status
    score: Fraction | None
    by_rule: Fraction | None
    value: str
    arithmetic: str
    reason: str
    evidence: tuple[str, ...]
    source: str
    measured: bool


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group's rows, its rest if there is one, and the sum of what is known.

    `missing`: some indicator has no usable input. `silent`: some of its points are not printed and no rest of the group
    holds them, so that the sum is not the group's score.
    """

    group: Group
    rows: tuple[Scored, ...]
    rest: Rest | None
    score: Fraction
    missing: bool
    silent: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A filled scorecard. `grade` is empty as long as something is missing."""

    rubric: Rubric
    inputs: ScoreInputs
    groups: tuple[GroupScore, ...]
    rest: Rest | None
    total: Fraction
    grade: str
    complete: bool


def fill(rubric: Rubric, inputs: ScoreInputs, measured: Mapping[Measure, Measured] | None = None) -> Card:
    """Score a rubric. What the file of inputs does not give and the product measures is taken from `measured`.

    Indicators without input are `missing`: they count nothing, and the card is not complete. Values for which the
    rubric has no band are `undefined`, likewise.
    """
    found = measured or {}
    groups: list[GroupScore] = []
    for group in rubric.groups:
        rows = tuple(_scored(rubric, row, inputs, found) for row in group.indicators)
        rest = inputs.rests.get(group.id)
        score = sum((row.score for row in rows if row.score is not None), rest.score if rest else Fraction(0))
        missing = any(row.status in {"missing", "undefined"} for row in rows)
        silent = rest is None and (any(row.status == "not-printed" for row in rows) or group.unlisted != 0)
        groups.append(GroupScore(group, rows, rest, score, missing, silent))
    last = inputs.rests.get(TOTAL)
    total = sum((g.score for g in groups if not g.group.contained), last.score if last else Fraction(0))
    silent = rubric.unlisted > 0 or any(g.silent for g in groups if not g.group.contained)
    complete = not any(g.missing for g in groups) and (not silent or last is not None)
    grade = rubric.grade(total) if complete else ""
    return Card(rubric, inputs, tuple(groups), last, total, grade, complete)


def _scored(rubric: Rubric, row: Indicator, inputs: ScoreInputs, found: Mapping[Measure, Measured]) -> Scored:
    given = inputs.values.get(row.id)
    measured = False
    own = found[row.auto].given if row.auto is not None and row.auto in found else None
    if own is not None and (given is None or not (given.has_data or given.score is not None)):
        keep = given or Given()
        given = own.model_copy(
            update={"reason": keep.reason, "evidence": (*own.evidence, *keep.evidence), "stated": keep.stated}
        )
        measured = True
    if given is None:
        return Scored(row, "missing", None, None, "", "缺少数据 no input", "", (), "", False)
    ruled = judged(row, given, rubric.places)
    score, arithmetic, status = ruled.score, ruled.arithmetic, ruled.status
    if given.score is not None:
        score, status = given.score, "scored"
        if ruled.score is not None and ruled.score != given.score:
            arithmetic = f"{ruled.arithmetic}；评定 awarded {exact_text(given.score)}"
        elif ruled.score is None:
            arithmetic = f"{f'{ruled.arithmetic}；' if given.has_data else ''}评定 awarded {exact_text(given.score)}"
    elif given.not_printed:
        score, status = None, "not-printed"
        arithmetic = ruled.arithmetic if given.has_data else "得分未印出 the score is not printed"
    reason = given.reason
    if not reason and score is not None and row.weight is not None and score < row.weight and given.has_data:
        reason = arithmetic
    source = given.source or inputs.source
    shown = given.shown or "；".join(f"{name} {figure.shown}" for name, figure in given.values.items())
    shown = shown or "；".join(f"{name} × {number}" for name, number in given.events.items())
    return Scored(row, status, score, ruled.score, shown, arithmetic, reason, given.evidence, source, measured)


def card_document(card: Card) -> dict[str, Any]:
    """Return the card as JSON data; scores and weights are decimal texts, null where they are not known."""

    def text(points: Fraction | None) -> str | None:
        return None if points is None else exact_text(points)

    def rest(given: Rest | None) -> dict[str, Any] | None:
        return None if given is None else {"score": text(given.score), "why": given.why, "source": given.source}

    return {
        "rubric": card.rubric.rubric,
        "title": card.rubric.title,
        "subject": card.inputs.subject,
        "period": card.inputs.period,
        "groups": [
            {
                "id": group.group.id,
                "title": group.group.title,
                "weight": text(group.group.whole),
                "score": None if group.missing or group.silent else text(group.score),
                "known": text(group.score),
                "contained": group.group.contained,
                "unlisted": group.group.unlisted,
                "indicators": [
                    {
                        "id": row.indicator.id,
                        "title": row.indicator.title,
                        "second_level": row.indicator.second_level,
                        "weight": text(row.indicator.weight),
                        "kind": row.indicator.formula.kind,
                        "status": row.status,
                        "value": row.value,
                        "score": text(row.score),
                        "by_rule": text(row.by_rule),
                        "arithmetic": row.arithmetic,
                        "reason": row.reason,
                        "evidence": list(row.evidence),
                        "source": row.source,
                        "measured": row.measured,
                    }
                    for row in group.rows
                ],
                "rest": rest(group.rest),
            }
            for group in card.groups
        ],
        "rest": rest(card.rest),
        "total": text(card.total),
        "out_of": text(card.rubric.total),
        "grade": card.grade or None,
        "complete": card.complete,
        "stated": {"total": text(card.inputs.stated.total), "grade": card.inputs.stated.grade},
    }
