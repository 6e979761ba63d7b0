// The statement's amounts from its frozen inputs: readings, the rules that judge a rate, lines, totals. -----------------

const readRate = (row) => row && { good: BigInt(row[0]), counted: BigInt(row[1]), source: row[2] };
const shareOf = (rate) => new Fraction(rate.good, rate.counted);
const beyond = (value, over, limit) => value.compare(limit) > (over === ">" ? 0 : -1);

// What a reading pays of a fee at a rate; `none` leaves everything to rules.
const READINGS = {
  A: (fee, o) => fee.times(o),
  B: (fee, o, { target }) => (o.compare(target) >= 0 ? fee : fee.times(o)),
  C: (fee, o, { target }) => fee.times(ONE.minus(most(ZERO, target.minus(o)))),
  D: (fee, o, { target }) => fee.times(least(ONE, o.over(target))),
  E: (fee, o, { prepayShare }) => fee.times(least(o, prepayShare)),
  G: (fee, o, { prepayShare }) => prepayShare.times(fee).times(o),
  H: (fee, o, { target, surcharge }) => fee.times(most(ZERO, o.minus(surcharge.times(most(ZERO, target.minus(o)))))),
};

const counted = (units, rounding) =>
  rounding === "ceil" ? new Fraction(units.ceil()) : rounding === "floor" ? new Fraction(units.floor()) : units;

// The band of a value: `over` says whether a bound belongs to the band above (≥) or below it (>).
const bandAt = (rows, value, over) => {
  const bands = rows.map((row) => ({ ...row, low: fractionOf(row.from), high: fractionOf(row.to) }));
  bands.sort((a, b) => b.low.compare(a.low));
  if (bands[0].high.compare(ONE) < 0 && beyond(value, over, bands[0].high)) return null;
  return bands.find((row) => beyond(value, over, row.low)) || bands[bands.length - 1];
};

// What a rule takes in a window: `window` has the pool's fee, yearly fee, online rate `o` and the target.
const FAMILIES = {
  "pro-rata": (rule, { fee, o }) =>
    rule.full_from !== null && beyond(o, rule.over, fractionOf(rule.full_from)) ? ZERO : fee.times(ONE.minus(o)),

  "substituted-tiers": (rule, { fee, o }) => {
    const { pays } = bandAt(rule.tiers, o, rule.over);
    return fee.times(ONE.minus(pays === "rate" ? o : fractionOf(pays)));
  },

  "per-percentage-point": (rule, { fee, yearly, o }) => {
    const below = fractionOf(rule.below);
    if (!beyond(below.minus(o), rule.over, ZERO)) return ZERO;
    const line = rule.counted_from === null ? below : fractionOf(rule.counted_from);
    const points = counted(line.minus(o).over(PERCENT), rule.rounding);
    let rows = [[0, rule.share_per_point], ...rule.steps.map((step) => [step.beyond, step.share])];
    rows = rows.map(([start, each]) => [whole(start), fractionOf(each)]);
    if (rule.mode === "bracket") {
      const each = [...rows].reverse().find(([start]) => start.isZero || beyond(points, rule.over, start))[1];
      rows = [[ZERO, each]];
    }
    const parts = rows.map(([start, each], n) => {
      const end = n + 1 < rows.length ? least(rows[n + 1][0], points) : points;
      return points.compare(start) > 0 ? end.minus(start).times(each) : ZERO;
    });
    return (rule.of === "year" ? yearly : fee).times(sumOf(parts));
  },

  "fee-brackets": (rule, { fee, o }) => {
    if (rule.mode !== "marginal") {
      const row = bandAt(rule.brackets, o, rule.over);
      return row ? fee.times(fractionOf(row.deducts)) : ZERO;
    }
    const parts = rule.brackets.map(({ from, to, deducts }) => {
      const width = fractionOf(to).minus(most(fractionOf(from), o));
      return width.compare(ZERO) > 0 ? width.times(fractionOf(deducts)) : ZERO;
    });
    return fee.times(sumOf(parts));
  },

  "excess-surcharge": (rule, { fee, o, target }) => {
    const allowed = rule.allowed === null ? ONE.minus(target) : fractionOf(rule.allowed);
    const fault = ONE.minus(o);
    if (fault.compare(allowed) < 0 || !beyond(fault, rule.over, allowed)) return ZERO;
    const excess = counted((rule.mode === "marginal" ? fault.minus(allowed) : fault).over(PERCENT), rule.rounding);
    return fee.times(fractionOf(rule.factor)).times(excess.times(PERCENT));
  },
};
const MAIN = ["pro-rata", "substituted-tiers"];
// Lateness of payments is no part of a statement's fee.
const NOT_OF_A_FEE = ["late-payment"];

const rulesOf = (terms, phase) =>
  terms.rules.filter((rule) => (!rule.phases.length || rule.phases.includes(phase.id)) && !NOT_OF_A_FEE.includes(rule.kind));

// One phase's quarter: its facts, what it is charged on, and its windows under the reading and the rules.
class PhaseQuarter {
  constructor(terms, phase, quarter, facts, reading) {
    Object.assign(this, { terms, phase, quarter, facts, reading });
    this.charge = new Charge(terms, phase, quarter, facts);
    this.fee = this.charge.fee();
    const months = new Map(facts.months.map((month) => [month.month, month]));
    this.monthRates = quarter.labels.map((label) => (months.has(label) ? readRate(months.get(label).rate) : null));
    this.unsupported = rulesOf(terms, phase).filter((rule) => !(rule.kind in FAMILIES)).map((rule) => `${rule.id} (${rule.kind})`);
    this.evaluations = null;
    if (!this.unsupported.length && !this.fee.isZero) this.evaluations = this.evaluate();
  }

  windows(grain) {
    const cut = grain === "quarter" ? [MONTHS] : MONTHS.map((n) => [n]);
    return cut.filter((months) => !this.charge.fee(months).isZero);
  }

  label(months) {
    return months.length === 3 ? this.quarter.label : this.quarter.labels[months[0]];
  }

  rate(months) {
    return months.length === 3 ? this.quarterRate() : this.monthRates[months[0]];
  }

  // The quarter's rate; where only its months' were given, they are put together by the contract's rule.
  quarterRate() {
    if (this.facts.rate !== null || !this.facts.months.length) return readRate(this.facts.rate);
    const there = MONTHS.filter((n) => !this.charge.fee([n]).isZero);
    const rates = there.map((n) => this.monthRates[n]);
    if (rates.some((rate) => rate && rate.source === "measured") || !rates.some((rate) => rate)) return null;
    return combined(this.terms, this.quarter, this.charge, there, rates);
  }

  // Twelve months of each point's last price in the window.
  yearly(months, names) {
    const parts = this.charge.lots.filter((lot) => months.some((n) => lot.months[n].length)).map((lot) => {
      const all = months.flatMap((n) => lot.months[n]);
      return scopedFee({ ...all[all.length - 1], units: ONE }, names).times(whole(12 * lot.points));
    });
    return sumOf(parts);
  }

  // Null where a window has a fee and no rate: then the phase is not settled.
  verdicts() {
    const { terms, charge, reading } = this;
    const done = [];
    const judge = (months, rule, take) => {
      const fee = charge.fee(months, rule.components);
      if (fee.isZero) return true;
      const rate = this.rate(months);
      if (!rate) return false;
      const o = shareOf(rate);
      const window = { fee, o, target: terms.target, yearly: this.yearly(months, rule.components) };
      done.push({ months, rule, amount: take(window) });
      return true;
    };
    if (reading !== "none") {
      const rule = { components: [], cap_share: null, cap: null, main: true, kind: "reading" };
      const take = ({ fee, o }) => fee.minus(READINGS[reading](fee, o, terms));
      for (const months of this.windows(terms.grain)) if (!judge(months, rule, take)) return null;
    }
    const rules = rulesOf(terms, this.phase).sort((a, b) => MAIN.includes(b.kind) - MAIN.includes(a.kind));
    for (const rule of rules) {
      for (const months of this.windows(rule.grain)) {
        if (!judge(months, rule, (window) => FAMILIES[rule.kind](rule, window))) return null;
      }
    }
    for (const one of done) {
      if (one.rule.main || MAIN.includes(one.rule.kind)) one.amount = one.amount.times(this.escalation(one.months));
    }
    return done;
  }

  escalation(months) {
    const factors = this.terms.escalations.map((clause) => {
      const line = clause.below === null ? this.terms.target : fractionOf(clause.below);
      let run = 0;
      let factor = ONE;
      for (const [label, rate] of this.series(clause.grain)) {
        run = rate && shareOf(rate).compare(line) < 0 ? run + 1 : 0;
        const here = label === this.quarter.label || months.some((n) => this.quarter.labels[n] === label);
        if (here && run >= clause.consecutive) factor = fractionOf(clause.factor);
      }
      return factor;
    });
    return most(ONE, ...factors.filter((factor) => factor !== ONE));
  }

  // Earlier windows and the quarter's own in unbroken order; what is missing between is null.
  series(grain) {
    const rows = [];
    if (grain === "month") {
      for (const month of this.facts.earlier) rows.push([month.month, readRate(month.rate)]);
      MONTHS.forEach((n) => rows.push([this.quarter.labels[n], this.monthRates[n]]));
    } else {
      const groups = new Map();
      for (const month of this.facts.earlier) {
        const { label } = quarterOf(dayNumber(`${month.month}-01`));
        groups.set(label, [...(groups.get(label) || []), month]);
      }
      for (const [label, months] of groups) rows.push([label, this.pastRate(readQuarter(label), months)]);
      rows.push([this.quarter.label, this.quarterRate()]);
    }
    const number = (label) => Number(label.slice(0, 4)) * (grain === "month" ? 12 : 4) + Number(label.slice(5));
    return rows.flatMap((row, n) => (n && number(row[0]) !== number(rows[n - 1][0]) + 1 ? [["", null], row] : [row]));
  }

  pastRate(quarter, months) {
    const rates = new Map(months.map((month) => [month.month, readRate(month.rate)]).filter(([, rate]) => rate));
    const known = [...rates.values()];
    if (known.length && known.every((rate) => rate.source === "measured")) {
      if (known.length < 3) return null;
      return known.reduce((a, b) => ({ good: a.good + b.good, counted: a.counted + b.counted, source: "measured" }));
    }
    const charge = new Charge(this.terms, this.phase, quarter, this.facts);
    const there = MONTHS.filter((n) => !charge.lots.length || charge.lots.some((lot) => lot.months[n].length));
    return combined(this.terms, quarter, charge, there, there.map((n) => rates.get(quarter.labels[n]) || null));
  }

  evaluate() {
    const verdicts = this.verdicts();
    return verdicts && this.windows(this.terms.grain).map((months) => this.taken(verdicts, months));
  }

  // Caps, and what is taken off each component, never more than is there.
  taken(verdicts, months) {
    const { charge } = this;
    const fees = charge.componentFees(months);
    if (!fees.size) fees.set("", charge.fee(months));
    const room = new Map(fees);
    const rules = [];
    for (const { rule, amount, months: its } of verdicts) {
      const inside = its.filter((n) => months.includes(n));
      if (!inside.length) continue;
      const touched = charge.fee(inside, rule.components);
      // Of a quarter's verdict each month bears the part of its fee.
      const of = its.length > months.length ? charge.fee(its, rule.components) : null;
      const part = of === null ? ONE : of.isZero ? ZERO : charge.fee(months, rule.components).over(of);
      const limits = [amount.times(part), touched];
      if (rule.cap_share !== null) limits.push(touched.times(fractionOf(rule.cap_share)));
      if (rule.cap !== null) limits.push(new Fraction(fenOf(rule.cap)).times(part));
      const names = [...fees.keys()].filter((name) => !name || !rule.components.length || rule.components.includes(name));
      rules.push({ rule: rule.id || "reading", window: this.label(its), amount: takeFrom(room, fees, names, least(...limits)) });
    }
    const fee = sumOf([...fees.values()]);
    const payable = sumOf([...room.values()]);
    return { months, window: this.label(months), fee, payable, rate: this.rate(months), rules, room: [...room].filter(([name]) => name) };
  }
}

// Given months put together as the contract says; null if a month in which the phase was there is missing.
const combined = (terms, quarter, charge, there, rates) => {
  if (!there.length || rates.some((rate) => !rate)) return null;
  const points = (n) => charge.lots.reduce((sum, lot) => sum + (lot.months[n].length ? lot.points : 0), 0);
  const days = (n) => quarter.months[n][1] - quarter.months[n][0];
  const weigh = {
    "simple-mean": () => 1n,
    "by-points": (n) => BigInt(points(n)),
    "by-point-days": (n) => charge.units([n]).times(whole(days(n))).floor() || BigInt(days(n)),
  }[terms.authorityMonths];
  let weights = there.map(weigh);
  if (!weights.some((weight) => weight)) weights = there.map(() => 1n);
  const value = sumOf(rates.map((rate, n) => shareOf(rate).times(new Fraction(weights[n]))));
  const share = value.over(new Fraction(weights.reduce((a, b) => a + b)));
  return { good: share.top, counted: share.bottom, source: rates[0].source };
};

// Take an amount by the components' fees, no part beyond its room; what one cannot bear goes to the others.
const takeFrom = (room, fees, names, amount) => {
  let left = amount;
  let open = names.filter((name) => !fees.get(name).isZero && room.get(name).compare(ZERO) > 0);
  while (open.length && left.compare(ZERO) > 0) {
    const everything = sumOf(open.map((name) => fees.get(name)));
    const wanted = new Map(open.map((name) => [name, left.times(fees.get(name)).over(everything)]));
    const full = open.filter((name) => wanted.get(name).compare(room.get(name)) >= 0);
    for (const name of full.length ? full : open) {
      const part = least(wanted.get(name), room.get(name));
      left = left.minus(part);
      room.set(name, room.get(name).minus(part));
    }
    if (!full.length) break;
    open = open.filter((name) => !full.includes(name));
  }
  return amount.minus(left);
};

// Lines. ----------------------------------------------------------------------------------------------------------------

const readAmount = ({ line, components }) => ({
  line: line.map(BigInt),
  parts: components.map(([name, ...columns]) => [name, columns.map(BigInt)]),
});
const hasLine = (amount) => amount.line.some((value) => value);
const componentWeights = (amount) => amount.parts.map(([name, columns]) => [name, new Fraction(columns[0])]);

const columnsOf = (terms, charge, evaluation) => {
  const fees = [...charge.componentFees(evaluation.months)];
  const left = evaluation.room.some(([, part]) => !part.isZero) ? evaluation.room : fees;
  return [taxed(evaluation.fee.rounded(), terms.tax, fees), taxed(evaluation.payable.rounded(), terms.tax, left)];
};

const phaseLines = (one, before) => {
  const { terms, phase, quarter, charge, evaluations } = one;
  const lines = [];
  const add = (kind, amount, window = "") => lines.push({ phase: phase.id, kind, window, amount });
  const prepays = (when) => terms.lastQuarter === "cash" || phase.until > when.end;
  const issued = before.prepaid[phase.id] ? readAmount(before.prepaid[phase.id]) : null;
  if ((evaluations && evaluations.length) || (issued && hasLine(issued) && one.fee.isZero)) {
    let due = NOTHING;
    const [payables, deductions] = [[], []];
    if (!evaluations || !evaluations.length) {
      due = taxed(0n, terms.tax, charge.opening.shares);
      payables.push([due, ""]);
      deductions.push([due, ""]);
    }
    for (const evaluation of evaluations || []) {
      const window = terms.grain === "quarter" ? "" : evaluation.window;
      const [full, payable] = columnsOf(terms, charge, evaluation);
      payables.push([payable, window]);
      deductions.push([minusAmount(full, payable), window]);
      due = plusAmount(due, payable);
    }
    const prepaid = issued || taxed(prepays(quarter) ? charge.opening.fen : 0n, terms.tax, charge.opening.shares);
    add("prepayment", prepaid);
    for (const [amount, window] of payables) add("payable", amount, window);
    for (const [amount, window] of deductions) add("deduction", amount, window);
    let retained = NOTHING;
    if (terms.retention && terms.retention.released > quarter.end) {
      const gross = new Fraction(due.line[0]).times(terms.retention.share).rounded();
      retained = taxed(gross, terms.tax, componentWeights(due));
      add("retention", retained);
    }
    add("true_up", minusAmount(minusAmount(due, retained), prepaid));
  }
  const { following } = charge;
  if (following && (lines.length || following.points) && prepays(quarter.next())) {
    add("next_prepayment", taxed(following.fen, terms.tax, following.shares));
  }
  return lines;
};

const MOVING = ["true_up", "retention_release", "interest", "adjustment", "next_prepayment"];

// The phases that stand on a statement, each with its lines; then the adjustments. `unsupported` names rules in whose
// stead nothing is computed here.
const settle = (inputs) => {
  const terms = readTerms(inputs.terms);
  const quarter = readQuarter(inputs.quarter);
  const { before } = inputs;
  const phases = [];
  const unsupported = [];
  const owed = (id) => ["prepaid", "retained"].some((name) => before[name][id] && hasLine(readAmount(before[name][id])));
  for (const phase of terms.phases) {
    const facts = inputs.facts[phase.id] || (owed(phase.id) ? NO_FACTS : null);
    if (!facts) continue;
    const waits = before.prepay_alone.includes(phase.id) && facts.rate === null;
    const one = new PhaseQuarter(terms, phase, quarter, facts, inputs.reading);
    if (one.unsupported.length && !waits) {
      unsupported.push(...one.unsupported.map((name) => `${phase.id}: ${name}`));
      continue;
    }
    if (waits) one.evaluations = null;
    const unsettled = waits || (!one.fee.isZero && one.evaluations === null);
    let lines = [];
    if (!unsettled || before.prepay_alone.includes(phase.id)) lines = phaseLines(one, before);
    const kept = before.retained[phase.id] ? readAmount(before.retained[phase.id]) : null;
    if (kept && hasLine(kept) && (!terms.retention || terms.retention.released <= quarter.end)) {
      lines.push({ phase: phase.id, kind: "retention_release", window: "", amount: kept });
    }
    if (lines.length) phases.push({ id: phase.id, one, lines });
  }
  const adjustments = before.adjustments.map((row) => ({ phase: row.phase, kind: row.kind, window: "", amount: readAmount(row) }));
  return { terms, quarter, phases, adjustments, unsupported };
};

const NO_FACTS = { groups: [], lots: [], roster: [], rate: null, months: [], earlier: [] };

// One point's part of the rounded lines, by largest remainder in each window.
const pointAmounts = ({ charge, evaluations }) => {
  const sums = new Map();
  for (const { months, fee, payable } of evaluations || []) {
    const fees = charge.lots.flatMap((lot) => {
      const its = charge.lotFee(lot, months);
      return its.isZero ? [] : lot.codes.map((code) => [code, its]);
    });
    if (!fees.length) continue;
    const factor = fee.isZero ? ZERO : payable.over(fee);
    const fulls = spread(fee.rounded(), fees);
    const payables = spread(payable.rounded(), fees.map(([code, its]) => [code, its.times(factor)]));
    fulls.forEach(([code, full], n) => {
      const [a, b] = sums.get(code) || [0n, 0n];
      sums.set(code, [a + full, b + payables[n][1]]);
    });
  }
  return sums;
};

// The statement's document against what was recomputed: every amount in it, each told to `differs(what, written, found)`.
const compareStatement = (document, inputs, settled, differs) => {
  const same = (what, written, found) => {
    if (canonical(written) !== canonical(found)) differs(what, canonical(written).slice(0, 120), canonical(found).slice(0, 120));
  };
  const columns = ([gross, net, tax]) => ({ gross: yuan(gross), net: yuan(net), tax: yuan(tax) });
  const written = ({ gross, net, tax, components }) => ({ gross, net, tax, components });
  const shown = ({ line, parts }) => ({ ...columns(line), components: Object.fromEntries(parts.map(([name, its]) => [name, columns(its)])) });
  same("季度 quarter", document.quarter, inputs.quarter);
  same("口径 reading", document.reading, inputs.reading);
  same("合同 contract", document.contract.id, inputs.terms.contract);
  const phases = document.phases.map((phase) => phase.phase);
  if (!settled.unsupported.length) same("期次 phases", phases, settled.phases.map(({ id }) => id));
  const all = [];
  for (const { id, one, lines } of settled.phases) {
    const phase = document.phases.find((its) => its.phase === id);
    if (!phase) continue;
    all.push(...lines);
    same(`${id} 各行 lines`, phase.lines.map(({ kind, window }) => [kind, window]), lines.map(({ kind, window }) => [kind, window]));
    lines.forEach(({ kind, window, amount }, n) => {
      if (phase.lines[n]) same(`${id} ${kind} ${window}`.trim(), written(phase.lines[n]), shown(amount));
    });
    comparePhase(id, phase, one, same, columns);
  }
  same("调整 adjustments", document.adjustments.map(written), settled.adjustments.map(({ amount }) => shown(amount)));
  if (settled.unsupported.length) return;
  all.push(...settled.adjustments);
  const sum = (...kinds) => all.filter(({ kind }) => kinds.includes(kind)).reduce((total, { amount }) => addColumns(total, amount.line), [0n, 0n, 0n]);
  const names = ["payable", "deduction", "retention", "retention_release", "true_up", "adjustment", "interest", "next_prepayment"];
  const totals = Object.fromEntries(names.map((kind) => [kind, yuan(sum(kind)[0])]));
  const moved = sum(...MOVING);
  Object.assign(totals, {
    prepaid: yuan(sum("prepayment")[0]), fault_deduction: totals.deduction, other_deduction: "0.00",
    total: yuan(moved[0]), net: yuan(moved[1]), tax: yuan(moved[2]),
  });
  for (const [name, value] of Object.entries(totals)) same(`合计 totals ${name}`, document.totals[name], value);
};

const comparePhase = (id, phase, one, same, columns) => {
  const evaluations = one.evaluations || [];
  const full = evaluations.reduce((sum, evaluation) => plusAmount(sum, columnsOf(one.terms, one.charge, evaluation)[0]), NOTHING);
  same(`${id} 应计服务费 full fee`, phase.full_fee, columns(full.line));
  const windows = phase.windows.map(({ window, fee, payable }) => [window, fee, payable]);
  const found = evaluations.map(({ window, fee, payable }) => [window, yuan(fee.rounded()), yuan(payable.rounded())]);
  same(`${id} 各窗口 windows`, windows, found);
  const rules = phase.rules.filter((rule) => rule.unit === "fen").map(({ rule, amount }) => [rule, amount]);
  const taken = evaluations.flatMap((evaluation) => evaluation.rules.map(({ rule, amount }) => [rule, yuan(amount.rounded())]));
  same(`${id} 各规则 rules`, rules, taken);
  const months = one.charge.units();
  const payable = phase.lines.filter((line) => line.kind === "payable").reduce((sum, line) => sum + fenOf(line.gross), 0n);
  const price = evaluations.length && !months.isZero ? yuan(new Fraction(payable).over(months).rounded()) : null;
  same(`${id} 核减后单价 unit price after deduction`, phase.unit_price_after_deduction, price);
  const points = pointAmounts(one);
  same(`${id} 点位数 points`, phase.point_lines.map((row) => row.code), [...points.keys()].sort(byBytes));
  for (const { code, full: itsFull, payable: itsPayable, deduction } of phase.point_lines) {
    const [a, b] = points.get(code) || [0n, 0n];
    same(`${id} 点位 point ${code}`, [itsFull, itsPayable, deduction], [yuan(a), yuan(b), yuan(a - b)]);
  }
};
