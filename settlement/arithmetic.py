"""What a statement's lines say: their arithmetic, with this quarter's figures, as a clerk would check it by hand."""

from __future__ import annotations

from fractions import Fraction

from settlement.charges import Charge, Prepaid
from settlement.contract import Phase, Reading, Terms
from settlement.daycount import Quarter
from settlement.evaluate import Evaluation
from settlement.money import NOTHING, Amount, grouped, round_half_up
from settlement.readings import factor_text, marks_of, percent, rate_text


def mixed(value: Fraction) -> str:
    """Write 3 as "3", 80/31 as "(2 18/31)", 1/2 as "1/2"."""
    whole, rest = divmod(value, 1)
    if not rest:
        return f"{int(whole):,}"
    return f"({int(whole):,} {rest})" if whole else str(rest)


def price(fen: int) -> str:
    """Write a unit price."""
    return f"{grouped(fen)} 元/点/月"


def prepaid_text(terms: Terms, phase: Phase, base: Prepaid, gross_fen: int, quarter: Quarter) -> str:
    """A prepayment: points × price × months × prepaid share."""
    share = percent(terms.prepay_share)
    whole = base.points * base.months
    if not whole or base.fee_fen == phase.unit_price_fen * whole:
        fee = f"{base.points:,} 点 × {price(phase.unit_price_fen)} × {mixed(base.months)} 月"
    elif (base.fee_fen / whole).denominator == 1:
        fee = f"{base.points:,} 点 × {price(int(base.fee_fen / whole))} × {mixed(base.months)} 月"
    else:
        fee = f"{base.points:,} 点的季费 quarter's fee {grouped(round_half_up(base.fee_fen))}"
    return f"{fee} × {share} = {grouped(gross_fen)}（{quarter.start} 计费点位 points billed on that day）"


def _fee_text(basis: Charge, evaluation: Evaluation) -> str:
    """The full fee of a window: points × price × months, or point-months at each price."""
    units = basis.units(evaluation.months)
    if len(basis.priced) == 1:
        fen = basis.priced[0][0]
        if len(basis.lots) == 1:
            points = basis.lots[0].points
            return f"{points:,} 点 × {price(fen)} × {mixed(units / points)} 月"
        return f"{mixed(units)} 点月 point-months × {price(fen)}"
    priced: dict[int, Fraction] = {}
    for lot in basis.lots:
        for part in (part for n in evaluation.months for part in lot.months[n]):
            priced[part.price_fen] = priced.get(part.price_fen, Fraction(0)) + lot.points * part.units
    terms = [f"{mixed(n)} 点月 × {price(fen)}" for fen, n in sorted(priced.items())]
    return terms[0] if len(terms) == 1 else f"({' + '.join(terms)})"


def payable_text(terms: Terms, basis: Charge, evaluation: Evaluation, reading: Reading, gross_fen: int) -> str:
    """A payable: the full fee times the reading's factor, or less what each rule took."""
    fee, rate = _fee_text(basis, evaluation), evaluation.rate
    taken = [result for result in evaluation.results if result.unit == "fen" and result.amount]
    if rate is not None and evaluation.plain:
        text = f"{fee} × {factor_text(reading, rate, marks_of(terms))} = {grouped(gross_fen)}"
    elif not taken:
        text = f"{fee} = {grouped(gross_fen)}"
    else:
        parts = [(round_half_up(result.amount), result.rule) for result in taken]
        off = " − ".join(f"{grouped(fen)}（{rule}）" for fen, rule in parts)
        adds_up = evaluation.fee - sum(fen for fen, _ in parts) == gross_fen
        text = f"{fee} − {off} {'=' if adds_up else '≈'} {grouped(gross_fen)}"
    if rate is None:
        return text
    if rate.source == "measured":
        share = percent(rate.value)
        equals = share if share.startswith("≈") else f"= {share}"
        text += f"（在线率 online rate {rate.good:,} ÷ {rate.counted:,} {equals}）"
    elif rate.reference:
        text += f"（在线率 online rate {percent(rate.value)}，{rate.reference}）"
    elif rate_text(rate).startswith("("):
        text += f"（在线率 online rate {percent(rate.value)}）"
    return text


def deduction_text(full: Amount, payable: Amount) -> str:
    """A deduction: full fee − payable."""
    gross = full.minus(payable).line.gross_fen
    return (
        f"{grouped(full.line.gross_fen)} − {grouped(payable.line.gross_fen)} = {grouped(gross)}"
        "（应计服务费 − 应付 full fee − payable）"
    )


def retention_text(terms: Terms, due: Amount, retained: Amount) -> str:
    """What is kept back: payable × share."""
    clause = terms.retention
    share, day = (percent(clause.share), clause.released_on) if clause else ("", "")
    return (
        f"{grouped(due.line.gross_fen)} × {share} = {grouped(retained.line.gross_fen)}"
        f"（留存，{day} 释放 kept back until then）"
    )


def true_up_text(due: Amount, retained: Amount, prepaid: Amount, basis: Charge) -> str:
    """A true-up: payable − what is kept back − prepayment, and who owes whom."""
    kept = f" − {grouped(retained.line.gross_fen)}（留存 retained）" if retained != NOTHING else ""
    gross = due.minus(retained).minus(prepaid).line.gross_fen
    return (
        f"{grouped(due.line.gross_fen)}{kept} − {grouped(prepaid.line.gross_fen)} = {grouped(gross)}"
        f"（{_settling(gross, basis)}）"
    )


def _settling(true_up_fen: int, basis: Charge) -> str:
    if true_up_fen == 0:
        return "不退不补 even"
    word = "多退 refund" if true_up_fen < 0 else "少补 shortfall paid"
    if basis.following is None:
        return f"{word}，末季现金结清 last quarter, settled in cash"
    return f"{word}，抵扣下季预付 set off against the next prepayment" if true_up_fen < 0 else word
