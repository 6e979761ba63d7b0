// What a quarter of a phase is charged on: its exact fee by month and by lot of points that are charged alike. ---------
// Days in frozen inputs are Python's ordinals (1 is 0001-01-01); here they stay so, and only dates are turned into them.

const ORDINAL_1970 = 719163;
const ordinal = (text) => dayNumber(text) + ORDINAL_1970;
const MONTHS = [0, 1, 2];

const readQuarter = (label) => {
  const match = /^([0-9]{4})Q([1-4])$/.exec(label);
  need(match, `不是季度 not a quarter: ${label}`);
  const first = Date.UTC(Number(match[1]), 3 * Number(match[2]) - 3, 1) / 86400000;
  const edges = [0, 1, 2, 3].map((n) => monthStart(first, n) + ORDINAL_1970);
  return {
    label, first, edges, start: edges[0], end: edges[3],
    months: MONTHS.map((n) => [edges[n], edges[n + 1]]),
    labels: MONTHS.map((n) => monthText(monthStart(first, n))),
    next: () => quarterOf(monthStart(first, 3)),
  };
};

const quarterOf = (day) => {
  const month = Number(dayText(day).slice(5, 7));
  return readQuarter(`${dayText(day).slice(0, 4)}Q${Math.ceil(month / 3)}`);
};

// The first and last day of 2020Q3, 2020-07 or 2020-07-01..2020-07-31.
const readPeriod = (text) => {
  if (/^[0-9]{4}Q[1-4]$/.test(text)) {
    const { first } = readQuarter(text);
    return [first, monthStart(first, 3) - 1];
  }
  if (/^[0-9]{4}-[0-9]{2}$/.test(text)) {
    const first = dayNumber(`${text}-01`);
    need(first !== null, `不是期间 not a period: ${text}`);
    return [first, monthStart(first, 1) - 1];
  }
  const days = text.split("..").map(dayNumber);
  need(days.length === 2 && days.every((day) => day !== null), `不是期间 not a period: ${text}`);
  return days;
};

const readComponents = (rows) => rows.map(([name, amount]) => [name, fenOf(amount)]);

const readTerms = (document) => {
  const phases = document.phases.map((phase) => {
    const first = dayNumber(phase.in_service_from);
    return {
      id: phase.id,
      title: phase.title,
      price: fenOf(phase.unit_price),
      components: readComponents(phase.components),
      from: first + ORDINAL_1970,
      until: addMonths(first, phase.months) + ORDINAL_1970,
      prices: phase.prices.map((later) => ({
        from: ordinal(later.from), price: fenOf(later.unit_price), components: readComponents(later.components),
      })),
    };
  });
  const { retention } = document;
  return {
    document,
    contract: document.contract,
    zone: document.zone,
    tax: fractionOf(document.tax_rate),
    target: fractionOf(document.target),
    prepayShare: fractionOf(document.prepay_share),
    surcharge: fractionOf(document.excess_surcharge),
    grain: document.grain,
    dayCount: document.day_count,
    policy: document.policy,
    rules: document.rules,
    pricesFrom: document.prices_from,
    lastQuarter: document.payment.last_quarter,
    retention: retention && { share: fractionOf(retention.share), released: ordinal(retention.released_on) },
    phases,
  };
};

const unitsIn = ([start, end], rule) => ({ actual: end - start, "actual/30": 30, "half-month": 2 }[rule] || 1);

const unitsBilled = (spans, month, rule) => {
  const [start, end] = month;
  const inside = clipped(spans, start, end);
  const billed = total(inside);
  if (billed === 0 || billed === end - start) return billed ? unitsIn(month, rule) : 0;
  if (rule === "half-month") return Number(inside[0][0] < start + 15) + Number(inside[inside.length - 1][1] > start + 15);
  if (rule === "full-month") return 1;
  if (rule === "next-month") return Number(inside[0][0] === start);
  return billed;
};

// The contract's price on a day with its components, and the ledger's where it counts.
const priceOn = (phase, prices, day) => {
  let { price, components } = phase;
  for (const later of phase.prices) if (later.from <= day) ({ price, components } = later);
  for (const [start, fen] of prices) if (start <= day) price = BigInt(fen);
  return { price, components };
};

// Part of a point's month at one price.
const partFee = (part) => part.units.times(new Fraction(part.price));
const scopedFee = (part, names) => {
  const everything = part.components.reduce((sum, [, fen]) => sum + fen, 0n);
  if (!names.length || !everything) return partFee(part);
  const named = part.components.reduce((sum, [name, fen]) => sum + (names.includes(name) ? fen : 0n), 0n);
  return partFee(part).times(new Fraction(named, everything));
};

// A month is cut where a price changes; without a change it is one part.
const monthParts = (terms, phase, spans, prices, month) => {
  const billed = clipped(spans, ...month);
  if (!billed.length) return [];
  const changes = new Set([...phase.prices.map((later) => later.from), ...prices.map(([day]) => day)]);
  const inside = [...changes].filter((day) => month[0] < day && day < month[1]).sort((a, b) => a - b);
  if (!inside.length || terms.dayCount !== "actual") {
    const units = unitsBilled(spans, month, terms.dayCount);
    return units ? [{ units: ratio(units, unitsIn(month, terms.dayCount)), ...priceOn(phase, prices, billed[0][0]) }] : [];
  }
  const cuts = [month[0], ...inside, month[1]];
  return cuts.slice(0, -1).flatMap((start, n) => {
    const days = total(clipped(billed, start, cuts[n + 1]));
    return days ? [{ units: ratio(days, month[1] - month[0]), ...priceOn(phase, prices, start) }] : [];
  });
};

// What is charged alike: days within the phase's term, the ledger's prices where they count, the points.
const alikeLots = (terms, phase, facts) => {
  const together = new Map();
  const add = (billed, prices, code, count) => {
    const spans = clipped(billed, phase.from, phase.until);
    const key = canonical([spans, prices]);
    if (!together.has(key)) together.set(key, { spans, prices, codes: [], points: 0 });
    const lot = together.get(key);
    lot.points += count;
    if (code !== null) lot.codes.push(code);
  };
  for (const [code, place] of facts.roster) {
    const { billed, prices } = facts.lots[place];
    add(billed, terms.pricesFrom === "ledger" ? prices : [], code, 1);
  }
  if (!facts.roster.length) for (const [billed, count] of facts.groups) add(billed, [], null, count);
  const lots = [...together.values()];
  for (const lot of lots) lot.codes.sort(byBytes);
  return lots.sort((a, b) => bySpans(a.spans, b.spans) || bySpans(a.prices, b.prices));
};

const bySpans = (a, b) => byElements(a.flat(), b.flat());

class Charge {
  constructor(terms, phase, quarter, facts) {
    const alike = alikeLots(terms, phase, facts);
    this.lots = [];
    for (const { spans, prices, codes, points } of alike) {
      const months = quarter.months.map((month) => monthParts(terms, phase, spans, prices, month));
      if (!months.some((parts) => parts.length)) continue;
      const on = (day) => clipped(spans, day, day + 1).length > 0;
      this.lots.push({ points, codes, months, opening: on(quarter.start), closing: on(quarter.end - 1) });
    }
    const following = quarter.next();
    this.opening = Charge.prepaid(terms, phase, alike, quarter);
    this.following = phase.until > following.start ? Charge.prepaid(terms, phase, alike, following) : null;
  }

  // Points billed on the quarter's first day, at their fee of a whole quarter within the term.
  static prepaid(terms, phase, alike, quarter) {
    let fee = ZERO;
    let count = 0;
    const byComponent = new Map();
    for (const { spans, prices, points } of alike) {
      if (!clipped(spans, quarter.start, quarter.start + 1).length) continue;
      count += points;
      for (const month of quarter.months) {
        for (const part of monthParts(terms, phase, [[phase.from, phase.until]], prices, month)) {
          fee = fee.plus(partFee(part).times(whole(points)));
          for (const [name] of part.components) {
            const more = scopedFee(part, [name]).times(whole(points));
            byComponent.set(name, (byComponent.get(name) || ZERO).plus(more));
          }
        }
      }
    }
    let shares = [...byComponent];
    if (!shares.some(([, part]) => !part.isZero)) {
      shares = priceOn(phase, [], quarter.start).components.map(([name, fen]) => [name, new Fraction(fen)]);
    }
    return { points: count, fee, shares, fen: fee.times(terms.prepayShare).rounded() };
  }

  lotFee(lot, months, names = []) {
    return sumOf(months.flatMap((n) => lot.months[n].map((part) => scopedFee(part, names))));
  }

  fee(months = MONTHS, names = []) {
    return sumOf(this.lots.map((lot) => this.lotFee(lot, months, names).times(whole(lot.points))));
  }

  units(months = MONTHS) {
    return sumOf(this.lots.flatMap((lot) => months.flatMap((n) => lot.months[n].map((part) => part.units.times(whole(lot.points))))));
  }

  // The full fee by component, in the contract's order; empty where the contract prints none.
  componentFees(months = MONTHS) {
    const fees = new Map();
    for (const n of months) {
      for (const lot of this.lots) {
        for (const part of lot.months[n]) {
          for (const [name] of part.components) {
            fees.set(name, (fees.get(name) || ZERO).plus(scopedFee(part, [name]).times(whole(lot.points))));
          }
        }
      }
    }
    return fees;
  }
}
