// The statement's amounts from its frozen inputs: readings, the rules that judge a rate, lines, totals. -----------------

const shareOf = ([good, counted]) => ratio(good, counted);
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

// What of a contract is not computed here; then no amount is compared, and the reader says so.
const notRecomputed = ({ terms, facts }) => {
  const lacking = [];
  // Lateness of payments is no part of a statement's fee.
  const known = [...Object.keys(FAMILIES), "point-elimination", "late-payment"];
  for (const rule of terms.rules) {
    const odd = [rule.components.length && "components", rule.repeat !== null && "repeat"].filter(Boolean);
    if (!known.includes(rule.kind) || odd.length) lacking.push(`规则 rule ${rule.id}（${[rule.kind, ...odd].join(", ")}）`);
  }
  const singles = terms.rules.filter((rule) => rule.kind === "point-elimination");
  const given = Object.values(facts).some((its) => its.rate && its.rate[2] !== "measured");
  if (singles.length > 1 || (singles.length && (singles[0].pool !== "leaves" || given))) {
    lacking.push(`规则 rule ${singles[0].id}：剔点规则不止一条、不出池或在线率取自外来数 more than one, staying in the pool, or a rate from outside`);
  }
  if (terms.escalations.length) lacking.push("连续未达标加重 escalations");
  if (Object.values(facts).some((its) => its.rate === null && its.months.some((month) => month.rate && month.rate[2] !== "measured"))) {
    lacking.push("由各月合成的季度在线率 a quarter's rate put together from its months");
  }
  return lacking;
};

// One phase's quarter: its facts, what it is charged on, and its windows under the reading and the rules.
class PhaseQuarter {
  constructor(terms, phase, quarter, facts, reading) {
    Object.assign(this, { terms, phase, quarter, facts, reading });
    this.charge = new Charge(terms, phase, quarter, facts);
    this.fee = this.charge.fee();
    this.places = new Map(this.charge.lots.flatMap((lot) => lot.codes.map((code) => [code, lot])));
    const months = new Map(facts.months.map((month) => [month.month, month]));
    this.months = quarter.labels.map((label) => months.get(label) || { rate: null, points: null });
    this.points = this.months.map((month) => new Map((month.points || []).map((row) => [row[0], row])));
    this.rules = terms.rules.filter((rule) => !rule.phases.length || rule.phases.includes(phase.id));
    this.left = new Set(); // points that are judged singly, with the month: `n code`
    this.windows = []; // null where a fee is to be judged by a rate and there is none
    if (this.fee.isZero) return;
    const verdicts = this.verdicts();
    this.windows = verdicts && this.cut(terms.grain).map((its) => this.taken(verdicts, its));
  }

  cut(grain) {
    const windows = grain === "quarter" ? [MONTHS] : MONTHS.map((n) => [n]);
    return windows.filter((months) => !this.charge.fee(months).isZero);
  }

  label(months) {
    return months.length === 3 ? this.quarter.label : this.quarter.labels[months[0]];
  }

  pointFee(code, months, names) {
    const lot = this.places.get(code);
    return lot ? this.charge.lotFee(lot, months, names) : ZERO;
  }

  gone(months) {
    return [...this.left].map((key) => [Number(key[0]), key.slice(2)]).filter(([n]) => months.includes(n));
  }

  // The fee of all points but those that left.
  pool(months, names) {
    return this.charge.fee(months, names).minus(sumOf(this.gone(months).map(([n, code]) => this.pointFee(code, [n], names))));
  }

  rate(months) {
    const all = months.length === 3 ? this.facts.rate : this.months[months[0]].rate;
    if (!all || all[2] !== "measured") return all;
    let [good, counted] = all;
    for (const [n, code] of this.gone(months)) {
      const row = this.points[n].get(code);
      if (row) [good, counted] = [good - row[1], counted - row[2]];
    }
    return counted ? [good, counted, ...all.slice(2)] : null;
  }

  // Twelve months of each point's last price in the window, without those that left in all of their months there.
  yearly(months) {
    return sumOf(this.charge.lots.map((lot) => {
      const parts = months.flatMap((n) => lot.months[n]);
      if (!parts.length) return ZERO;
      const billed = months.filter((n) => lot.months[n].length);
      const gone = lot.codes.filter((code) => billed.every((n) => this.left.has(`${n} ${code}`))).length;
      return new Fraction(12n * BigInt(lot.points - gone) * parts[parts.length - 1].price);
    }));
  }

  verdicts() {
    const { terms, reading } = this;
    const done = [];
    for (const rule of this.rules.filter((one) => one.kind === "point-elimination")) {
      for (const months of this.cut(rule.grain)) done.push({ rule, months, items: this.eliminated(rule, months) });
    }
    for (const { months, items } of done) {
      for (const { code, fee } of items) {
        if (!fee.isZero) months.filter((n) => !this.pointFee(code, [n]).isZero).forEach((n) => this.left.add(`${n} ${code}`));
      }
    }
    const byReading = { id: "reading", kind: "reading", grain: terms.grain, cap_share: null, cap: null };
    const judged = this.rules.filter((rule) => rule.kind in FAMILIES).sort((a, b) => MAIN.includes(b.kind) - MAIN.includes(a.kind));
    for (const rule of reading === "none" ? judged : [byReading, ...judged]) {
      for (const months of this.cut(rule.grain)) {
        const fee = this.pool(months);
        const rate = this.rate(months);
        if (fee.isZero) continue;
        if (!rate) return null;
        const window = { fee, o: shareOf(rate), target: terms.target, yearly: this.yearly(months) };
        const amount = rule === byReading ? fee.minus(READINGS[reading](fee, window.o, terms)) : FAMILIES[rule.kind](rule, window);
        done.push({ rule, months, items: null, amount });
      }
    }
    return done;
  }

  // Points whose outages without an excuse lasted too long lose their whole fee. The parts of an outage are one.
  eliminated(rule, months) {
    const items = [];
    const codes = new Set(months.flatMap((n) => [...this.points[n].keys()]).filter((code) => this.places.has(code)));
    for (const code of [...codes].sort(byBytes)) {
      const outages = new Map();
      for (const n of months) {
        for (const [incident, start, , seconds, , , excused] of (this.points[n].get(code) || [])[3] || []) {
          const known = entry(outages, incident, () => ({ incident, start, seconds: 0, excused: true }));
          known.start = Math.min(known.start, start);
          known.seconds += seconds;
          known.excused = known.excused && excused;
        }
      }
      const down = [...outages.values()].filter(({ seconds, excused }) => seconds && !excused);
      down.sort((a, b) => a.start - b.start || byBytes(a.incident, b.incident));
      const seconds = down.reduce((sum, one) => sum + one.seconds, 0);
      if (down.length && beyond(whole(seconds), rule.over, whole(rule.hours * 3600))) {
        items.push({ code, incident: down[0].incident, fee: this.pointFee(code, months) });
      }
    }
    return items;
  }

  // Caps, and what the verdicts take off one of the contract's windows. Of a quarter's verdict each month bears the part
  // of its fee; what is judged by a rate comes off the pool, what is judged singly off the point's own fee.
  taken(verdicts, window) {
    const { charge } = this;
    const fees = charge.componentFees(window);
    if (!fees.size) fees.set("", charge.fee(window));
    const pool = this.pool(window);
    const lost = new Map([...fees.keys()].map((name) => [name, ZERO]));
    const own = new Map();
    const punished = new Map();
    const rules = [];
    let ofPool = ZERO;
    for (const { rule, months, items, amount } of verdicts) {
      const inside = months.filter((n) => window.includes(n));
      if (!inside.length) continue;
      const part = months.length > window.length ? charge.fee(window).over(charge.fee(months)) : ONE;
      const shares = (items || []).map((item) => ({ ...item, fee: this.pointFee(item.code, inside) }));
      const wanted = items ? sumOf(shares.map(({ fee }) => fee)) : amount.times(part);
      const touched = items ? charge.fee(inside) : this.pool(inside);
      const limits = [wanted];
      if (rule.cap_share !== null) limits.push(touched.times(fractionOf(rule.cap_share)));
      if (rule.cap !== null) limits.push(new Fraction(fenOf(rule.cap)).times(part));
      if (!items) limits.push(touched, pool.minus(ofPool));
      const took = least(...limits);
      if (!items) ofPool = ofPool.plus(took);
      for (const { code, fee } of wanted.isZero ? [] : shares) {
        const its = fee.times(took).over(wanted);
        own.set(code, (own.get(code) || ZERO).plus(its));
        for (const name of fee.isZero ? [] : fees.keys()) {
          const named = this.pointFee(code, inside, name ? [name] : []);
          lost.set(name, lost.get(name).plus(its.times(named).over(fee)));
        }
        const names = entry(punished, code, () => []);
        if (!its.isZero && !names.includes(rule.id)) names.push(rule.id);
      }
      rules.push({
        rule: rule.id, kind: rule.kind, window: this.label(months), unit: "fen", amount: yuan(took.rounded()),
        items: shares.map(({ code, incident, fee }) => ({ point: code, incident, amount: yuan(fee.rounded()), suppressed_by: "" })),
      });
    }
    const share = pool.isZero ? ZERO : ofPool.over(pool);
    const left = [...fees].map(([name, fee]) => [name, fee.minus(lost.get(name)).minus(share.times(this.pool(window, name ? [name] : [])))]);
    const payable = sumOf(left.map(([, its]) => its));
    return {
      months: window, label: this.label(window), fee: charge.fee(window), payable, rate: this.rate(window), rules,
      left: left.filter(([name]) => name), points: this.pointShares(window, share, payable, own, punished),
    };
  }

  // A point bears its own deductions, then the pool's by its fee in the pool; what is left over or short, all bear alike.
  pointShares(window, share, payable, own, punished) {
    const points = [];
    const alone = new Set([...own.keys(), ...this.gone(window).map(([, code]) => code)]);
    for (const lot of this.charge.lots) {
      const full = this.charge.lotFee(lot, window);
      if (full.isZero) continue;
      const usual = full.times(ONE.minus(share));
      for (const code of lot.codes) {
        let rest = usual;
        if (alone.has(code)) {
          const inPool = this.pointFee(code, window.filter((n) => !this.left.has(`${n} ${code}`)));
          rest = most(ZERO, full.minus(own.get(code) || ZERO).minus(share.times(inPool)));
        }
        const rows = window.flatMap((n) => (this.points[n].get(code) || [])[3] || []).filter((row) => row[3]);
        points.push({
          code, full, rest, outages: new Set(rows.map((row) => row[0])).size,
          offline: rows.reduce((sum, row) => sum + row[3], 0), rules: punished.get(code) || [],
        });
      }
    }
    const have = sumOfMany(points.map(({ rest }) => rest));
    const factor = have.isZero ? ZERO : payable.over(have);
    if (factor.compare(ONE)) for (const point of points) point.rest = point.rest.times(factor);
    return points;
  }
}

// Thousands of points share few denominators: their numerators add up as integers.
const sumOfMany = (parts) => {
  const byBottom = new Map();
  for (const { top, bottom } of parts) byBottom.set(bottom, (byBottom.get(bottom) || 0n) + top);
  return sumOf([...byBottom].map(([bottom, top]) => new Fraction(top, bottom)));
};

// Lines and the document. -----------------------------------------------------------------------------------------------

const readAmount = ({ line, components }) => ({
  line: line.map(BigInt),
  parts: components.map(([name, ...columns]) => [name, columns.map(BigInt)]),
});
const hasLine = (row) => Boolean(row) && row.line.some((value) => BigInt(value));
const componentWeights = (amount) => amount.parts.map(([name, columns]) => [name, new Fraction(columns[0])]);

const columnsOf = (terms, charge, window) => {
  const fees = [...charge.componentFees(window.months)];
  const left = window.left.some(([, part]) => !part.isZero) ? window.left : fees;
  return [taxed(window.fee.rounded(), terms.tax, fees), taxed(window.payable.rounded(), terms.tax, left)];
};

const phaseLines = (one, before) => {
  const { terms, phase, quarter, charge } = one;
  const windows = one.windows || [];
  const lines = [];
  const add = (kind, amount, window = "") => lines.push({ kind, window, amount });
  const prepays = (when) => terms.lastQuarter === "cash" || phase.until > when.end;
  const issued = before.prepaid[phase.id];
  if (windows.length || (hasLine(issued) && one.fee.isZero)) {
    const none = taxed(0n, terms.tax, charge.opening.shares);
    const rows = windows.map((window) => [terms.grain === "month" ? window.label : "", ...columnsOf(terms, charge, window)]);
    if (!rows.length) rows.push(["", none, none]);
    const due = rows.reduce((sum, [, , payable]) => plusAmount(sum, payable), NOTHING);
    const prepaid = issued ? readAmount(issued) : taxed(prepays(quarter) ? charge.opening.fen : 0n, terms.tax, charge.opening.shares);
    add("prepayment", prepaid);
    for (const [window, , payable] of rows) add("payable", payable, window);
    for (const [window, full, payable] of rows) add("deduction", minusAmount(full, payable), window);
    let kept = NOTHING;
    if (terms.retention && terms.retention.released > quarter.end) {
      kept = taxed(new Fraction(due.line[0]).times(terms.retention.share).rounded(), terms.tax, componentWeights(due));
      add("retention", kept);
    }
    add("true_up", minusAmount(minusAmount(due, kept), prepaid));
  }
  const { following } = charge;
  if (following && (lines.length || following.points) && prepays(quarter.next())) {
    add("next_prepayment", taxed(following.fen, terms.tax, following.shares));
  }
  return lines;
};

const LINE_KINDS = ["payable", "deduction", "retention", "true_up", "retention_release", "interest", "adjustment", "next_prepayment"];
const MOVING = ["true_up", "retention_release", "interest", "adjustment", "next_prepayment"];
const NO_FACTS = { groups: [], lots: [], roster: [], rate: null, own_rate: null, authority_rate: null, seconds: null, months: [] };

const columnsText = ([gross, net, tax]) => ({ gross: yuan(gross), net: yuan(net), tax: yuan(tax) });
const amountText = ({ line, parts }) => ({
  ...columnsText(line), components: Object.fromEntries(parts.map(([name, columns]) => [name, columnsText(columns)])),
});
const rateText = (rate) =>
  rate && { source: rate[2], good: rate[0], counted: rate[1], value: sixPlaces(shareOf(rate)), reference: rate[3] };
const sixPlaces = (share) => {
  const text = String(share.times(whole(1000000)).rounded()).padStart(7, "0");
  return `${text.slice(0, -6)}.${text.slice(-6)}`;
};
const mixedText = (value) => {
  const [full, rest] = [value.floor(), value.minus(new Fraction(value.floor()))];
  return rest.isZero ? String(full) : `${full} ${rest.top}/${rest.bottom}`;
};

// The statement's document from its frozen inputs, texts apart.
const settle = (inputs) => {
  const terms = readTerms(inputs.terms);
  const quarter = readQuarter(inputs.quarter);
  const { before } = inputs;
  const phases = [];
  const settled = new Set();
  const everything = [];
  let number = 0;
  for (const phase of terms.phases) {
    const owed = hasLine(before.prepaid[phase.id]) || hasLine(before.retained[phase.id]);
    const facts = inputs.facts[phase.id] || (owed ? NO_FACTS : null);
    if (!facts) continue;
    const alone = before.prepay_alone.includes(phase.id);
    const one = new PhaseQuarter(terms, phase, quarter, facts, inputs.reading);
    if (alone && facts.rate === null) one.windows = null;
    const lines = one.windows || alone ? phaseLines(one, before) : [];
    const done = lines.length && one.windows;
    const kept = before.retained[phase.id];
    if (hasLine(kept) && (!terms.retention || terms.retention.released <= quarter.end)) {
      lines.push({ kind: "retention_release", window: "", amount: readAmount(kept) });
    }
    if (!lines.length) continue;
    if (done) settled.add(phase.id);
    const rows = lines.map(({ kind, window, amount }) => ({ n: ++number, kind, window, ...amountText(amount), parent: "" }));
    everything.push(...lines);
    phases.push(phaseText(one, rows, lines));
  }
  const adjustments = before.adjustments.map((row) => {
    const amount = readAmount(row);
    everything.push({ kind: row.kind, amount });
    return { n: ++number, phase: row.phase, kind: row.kind, ...amountText(amount), parent: row.parent };
  });
  const sum = (...kinds) =>
    everything.filter(({ kind }) => kinds.includes(kind)).reduce((total, { amount }) => addColumns(total, amount.line), [0n, 0n, 0n]);
  const totals = Object.fromEntries(LINE_KINDS.map((kind) => [kind, yuan(sum(kind)[0])]));
  const [total, net, tax] = sum(...MOVING).map(yuan);
  Object.assign(totals, { prepaid: yuan(sum("prepayment")[0]), fault_deduction: totals.deduction, other_deduction: "0.00", total, net, tax });
  const { document } = terms;
  return {
    format: "camsla-statement/1", quarter: quarter.label, revision: inputs.revision, reading: inputs.reading,
    contract: {
      id: terms.contract, title: document.title, version: inputs.contract_version, purchaser: document.purchaser,
      supplier: document.supplier,
    },
    phases, adjustments, totals,
    not_settled: terms.phases.filter(({ id }) => !settled.has(id)).map(({ id }) => ({ phase: id })),
  };
};

const phaseText = (one, rows, lines) => {
  const { terms, phase, charge, facts } = one;
  const windows = one.windows || [];
  const full = windows.reduce((sum, window) => plusAmount(sum, columnsOf(terms, charge, window)[0]), NOTHING);
  const months = charge.units();
  const payable = lines.reduce((sum, { kind, amount }) => sum + (kind === "payable" ? amount.line[0] : 0n), 0n);
  const prices = new Set(charge.lots.flatMap((lot) => lot.months.flat().map((part) => part.price)));
  const count = (which) => charge.lots.reduce((sum, lot) => sum + (which(lot) ? lot.points : 0), 0);
  return {
    phase: phase.id, title: phase.title, target: sixPlaces(terms.target), lines: rows,
    unit_price: yuan(prices.size === 1 ? [...prices][0] : phase.price),
    points: {
      opening: count((lot) => lot.opening), added: count((lot) => !lot.opening), removed: count((lot) => !lot.closing),
      point_months: mixedText(months),
    },
    full_fee: columnsText(full.line),
    component_names: full.parts.map(([name]) => name),
    rate: rateText(windows.length === 1 ? windows[0].rate : facts.rate),
    own_rate: rateText(facts.own_rate),
    authority_rate: rateText(facts.authority_rate),
    seconds: facts.seconds && Object.fromEntries(["online", "offline", "unknown", "excluded"].map((name, n) => [name, facts.seconds[n]])),
    windows: windows.map(({ label, fee, payable: due, rate }) => ({
      window: label, fee: yuan(fee.rounded()), payable: yuan(due.rounded()), rate: rateText(rate),
    })),
    rules: windows.flatMap((window) => window.rules),
    unit_price_after_deduction: windows.length && !months.isZero ? yuan(new Fraction(payable).over(months).rounded()) : null,
    point_lines: pointLines(windows),
  };
};

// One point's part of each window's rounded fee and payable, by largest remainder.
const pointLines = (windows) => {
  const sums = new Map();
  for (const { fee, payable, points } of windows) {
    if (!points.length) continue;
    const fulls = spread(fee.rounded(), points.map(({ code, full }) => [code, full]));
    const dues = spread(payable.rounded(), points.map(({ code, rest }) => [code, rest]));
    points.forEach(({ code, outages, offline, rules }, n) => {
      const row = entry(sums, code, () => ({ full: 0n, due: 0n, outages: 0, offline: 0, rules: [] }));
      row.full += fulls[n][1];
      row.due += dues[n][1];
      row.outages += outages;
      row.offline += offline;
      row.rules = [...new Set([...row.rules, ...rules])];
    });
  }
  return [...sums].sort(([a], [b]) => byBytes(a, b)).map(([code, { full, due, outages, offline, rules }]) => ({
    code, full: yuan(full), payable: yuan(due), deduction: yuan(full - due), outages, offline_s: offline, rules,
  }));
};

// Where a document differs from the recomputed one, texts apart: each place is told to `differs`.
const TEXTS = ["why", "formula", "reason", "notices", "software"];
const documentDifferences = (written, found, differs, place = "") => {
  if (isObject(written) && isObject(found)) {
    for (const key of new Set([...Object.keys(written), ...Object.keys(found)])) {
      if (TEXTS.includes(key) || (key === "title" && "rule" in found) || (key === "inputs_sha256" && !place)) continue;
      documentDifferences(written[key], found[key], differs, place ? `${place}.${key}` : key);
    }
  } else if (Array.isArray(written) && Array.isArray(found) && written.length === found.length) {
    written.forEach((one, n) => {
      const name = (isObject(found[n]) && (found[n].code || found[n].phase || found[n].kind)) || n;
      documentDifferences(one, found[n], differs, `${place}[${name}]`);
    });
  } else if (written === undefined || found === undefined || canonical(written) !== canonical(found)) {
    const shown = (value) => (value === undefined ? "（无 none）" : canonical(value).slice(0, 100));
    differs(place, shown(written), shown(found));
  }
};
