"""Where a contract's clauses contradict or pre-empt each other: punished twice, never reached, sums that differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from settlement.contract import Reading, Terms
from settlement.families.family import RuleTerms
from settlement.families.registry import FAMILIES
from settlement.lint.outage import in_points, kinds_of
from settlement.lint.remark import Place, Remark
from settlement.money import grouped


def conflicts(terms: Terms) -> Iterator[Remark]:
    """Yield what does not fit together, whatever the rates are."""
    yield from _twice(terms)
    yield from _scores(terms)
    yield from _sums(terms)
    yield from _instalments(terms)
    yield from _never(terms)


def _place(terms: Terms, rule: RuleTerms) -> Place:
    return ("rules", next(n for n, other in enumerate(terms.rules) if other is rule))


def _shared(terms: Terms, one: RuleTerms, other: RuleTerms) -> list[str]:
    """The phases that both rules apply to."""
    ids = [phase.id for phase in terms.phases]
    return [name for name in ids if all(not rule.phases or name in rule.phases for rule in (one, other))]


def _twice(terms: Terms) -> Iterator[Remark]:
    points = [rule for rule in terms.rules if FAMILIES[rule.kind].stage == "point"]
    for one, other in combinations(points, 2):
        if _shared(terms, one, other):
            yield Remark(
                "warning",
                "punished-twice",
                _place(terms, other),
                f"{one.id} 与 {other.id} 都扣同一次故障，只计较重的一条 both punish the same outage; only the dearer one counts",
                "若本意是叠加或择一，写明 say which of them applies, and when",
            )
    rated = terms.reading is not Reading.NONE or any(FAMILIES[rule.kind].stage == "rate" for rule in terms.rules)
    for rule in points:
        if rated and rule.pool == "stays":
            yield Remark(
                "warning",
                "punished-twice",
                (*_place(terms, rule), "pool"),
                f"{rule.id} 扣过的点位仍留在在线率里，同一故障扣两次 a point that {rule.id} punished stays in the pool, whose rate "
                "punishes the same outage again",
                "pool: leaves",
            )
        if rated and rule.pool == "leaves" and terms.authority.pays != "own":
            yield Remark(
                "info",
                "punished-twice",
                (*_place(terms, rule), "pool"),
                f"公安数按全部点位给出，无法剔除 {rule.id} 扣过的点位：按其全额计扣，再减去这些点位故障所占部分 the authority's figure is "
                f"of all points; what outages of points that {rule.id} punished make up of its deduction is left out",
                "或由公安按剔除后的点位给出 or let the authority give its figure without them",
            )
    for rule in terms.rules:
        family = FAMILIES[rule.kind]
        if family.stage != "event" or not rated or not (family.outages or rule.kind == "unit-fine"):
            continue
        scored = in_points(terms, rule) and family.outages
        if rule.pool == "stays" or scored:
            yield Remark(
                "warning",
                "punished-twice",
                (*_place(terms, rule), "pool"),
                f"{rule.id} 扣过的故障仍计入在线率，同一故障扣两次 an outage that {rule.id} punished still counts in the rate, which "
                "punishes it again",
                "扣分无法与在线率扣款相抵，择一 points and the rate cannot be netted: choose one"
                if scored
                else "pool: leaves",
            )
    rates = [rule for rule in terms.rules if FAMILIES[rule.kind].stage == "rate" and not FAMILIES[rule.kind].main]
    for one, other in combinations(rates, 2):
        if _shared(terms, one, other) and set(one.components or ("",)) & set(other.components or ("",)):
            yield Remark(
                "warning",
                "punished-twice",
                _place(terms, other),
                f"{one.id} 与 {other.id} 都按在线率扣同一费用，逐条相加 both take by the rate from the same fee, and add up",
                "若本意是择一，合成一条 if only one of them is meant, make one rule of them",
            )


def _scores(terms: Terms) -> Iterator[Remark]:
    scoring = [rule for rule in terms.rules if FAMILIES[rule.kind].stage == "score"]
    pointing = [rule for rule in terms.rules if in_points(terms, rule)]
    for rule in pointing:
        if not any(_shared(terms, rule, score) for score in scoring):
            yield Remark(
                "error",
                "never-fires",
                _place(terms, rule),
                f"{rule.id} 扣分，但没有把分数变成钱的条款 takes points off a score that no rule turns into money",
                "加一条 assessment-score，或写明每分多少元 add a rule that turns the score into money",
            )
    for score in scoring:
        if not kinds_of(score) and not any(_shared(terms, rule, score) for rule in pointing):
            yield Remark(
                "warning",
                "never-fires",
                _place(terms, score),
                f"没有条款扣分，{score.id} 永远按满分 no rule takes points off, so {score.id} always sees a full score",
                "加上扣分条款 add the rules that take points off",
            )


def _sums(terms: Terms) -> Iterator[Remark]:
    known = [phase for phase in terms.phases if phase.contracted is not None]
    parts = sum(phase.contracted.total_fen for phase in known if phase.contracted is not None)
    if terms.total_fen is None or not known:
        return
    if terms.instalments is not None:
        parts += terms.instalments.total_fen
    if parts > terms.total_fen or (len(known) == len(terms.phases) and parts != terms.total_fen):
        yield Remark(
            "error",
            "total",
            ("total",),
            f"各期合同价合计 {grouped(parts)} 不等于合同总金额 {grouped(terms.total_fen)} the phases' totals are not the contract's",
            "核对合同 check it against the contract",
            abs(parts - terms.total_fen),
        )


def _instalments(terms: Terms) -> Iterator[Remark]:
    clause = terms.instalments
    if clause is None or clause.each_fen is None:
        return
    rest = clause.total_fen - clause.each_fen * (clause.count - 1)
    if rest != clause.each_fen:
        yield Remark(
            "info",
            "instalments",
            ("instalments", "each"),
            f"{clause.count} × {grouped(clause.each_fen)} 不等于 {grouped(clause.total_fen)}，末期付 {grouped(rest)} equal "
            "instalments do not add up to the total; the last absorbs the rest",
            "",
            rest - clause.each_fen,
        )
    short = clause.each_fen - sum(clause.payers.values())
    if clause.payers and all(clause.payers.values()) and short:
        yield Remark(
            "warning",
            "instalments",
            ("instalments", "payers"),
            f"各付款方合计比一期少 {grouped(short)}，余额无人承担 nobody takes what the payers' shares leave of an instalment",
            "写上承担余额的一方，金额 0 name who takes the rest, with 0",
            short,
        )


def _never(terms: Terms) -> Iterator[Remark]:
    def never(place: Place, text: str, remedy: str) -> Remark:
        return Remark("warning", "never-fires", place, text, remedy)

    for n, rule in enumerate(terms.rules):
        if rule.cap_share == 0 or rule.cap_fen == 0:
            place: Place = ("rules", n, "cap_share" if rule.cap_share == 0 else "cap")
            yield never(
                place, f"封顶为零，{rule.id} 永不生效 a cap of zero: {rule.id} can never fire", "改上限 set a cap"
            )
    for n, clause in enumerate(terms.escalations):
        if clause.factor == 1:
            yield never(
                ("escalations", n, "factor"), "倍数为 1，加重无效 a factor of 1 changes nothing", "改倍数 change it"
            )
    spans = [("escalations", n, each.consecutive, each.grain) for n, each in enumerate(terms.escalations)]
    spans += [("breaches", n, each.consecutive, each.grain) for n, each in enumerate(terms.breaches)]
    for name, n, consecutive, grain in spans:
        months = consecutive * (1 if grain == "month" else 3)
        if all(months > phase.months for phase in terms.phases):
            text = f"连续 {consecutive} 期长于合同期 so many windows do not fit into the contract's term"
            yield never((name, n, "consecutive"), text, "核对期数与周期 check the count and its grain")
