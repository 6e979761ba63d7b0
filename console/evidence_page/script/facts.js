// What the log says of a period, to hold against the frozen inputs: seconds, rates, outages, the roster. ---------------

const FOREVER_ORDINAL = 3652059; // Python's last day, for what has no end

const entry = (map, key, make) => {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
};

// The spans of a point's facts, in seconds within [start, end), in which it belongs to the contract.
const inContract = (point, terms, start, end) => {
  const phases = terms.phases.map((phase) => phase.id);
  return (point.ros ? point.ros.facts : [])
    .filter(([, , facts]) => phases.includes(facts.phase) && ["", terms.contract].includes(facts.contract || ""))
    .map(([from, to, facts]) => ({ from: Math.max(start, floorSecond(from)), to: to === null ? end : Math.min(end, floorSecond(to)), facts }))
    .filter(({ from, to }) => from < to);
};

class Survey {
  // `windows` are {label, start, end} in seconds.
  constructor(log, terms, windows) {
    Object.assign(this, { log, terms, windows });
    this.seconds = new Map(windows.map(({ label }) => [label, new Map()])); // by phase, by point
    this.outages = new Map(windows.map(({ label }) => [label, new Map()]));
    const [start, end] = [Math.min(...windows.map((its) => its.start)), Math.max(...windows.map((its) => its.end))];
    const { policy } = terms;
    const quorum = policy.vantages === "quorum" ? policy.quorum : 1;
    for (const code of [...log.points.keys()].sort(byBytes)) {
      const point = log.points.get(code);
      const stretches = inContract(point, terms, start, end);
      if (!stretches.length) continue;
      const timeline = debounced(log.raw(point, -Infinity, Infinity, policy.auth_rejected === "offline", quorum), policy);
      for (const stretch of stretches) this.account(point, stretch, timeline);
    }
  }

  // Seconds and outages of one point while its facts held: cut by service, acceptance to retirement, then by window.
  account(point, { from, to, facts }, timeline) {
    const at = (text) => (text === null ? Infinity : this.log.zone.start(dayNumber(text)));
    const [accepted, retired] = [at(facts.accepted_on), at(facts.retired_on)];
    const excluded = this.terms.policy.exclusions === "counted" ? [] : point.excluded;
    for (const { label, start, end } of this.windows) {
      const [first, last] = [Math.max(start, from, accepted), Math.min(end, to, retired)];
      const phase = entry(this.seconds.get(label), facts.phase, () => new Map());
      phase.set(point.code, addSeconds(phase.get(point.code) || [0, 0, 0, 0], measured(timeline.pieces, first, last, excluded)));
      for (const outage of first < last ? timeline.outages : []) {
        if (outage.end <= first || outage.start >= last) continue;
        const counting = (a, b) => total(without(clipped(outage.offline, a, b), excluded));
        const inside = counting(first, last);
        if (!inside && !counting(accepted, first)) continue;
        const incident = `${point.code}@${new Date(outage.start * 1000).toISOString().replace(".000", "")}`;
        const excused = total(clipped(point.excluded, outage.start, outage.end)) === outage.end - outage.start;
        const rows = entry(entry(this.outages.get(label), facts.phase, () => new Map()), point.code, () => []);
        rows.push([incident, outage.start, outage.end, inside, excused]);
      }
    }
  }

  total(label, phase) {
    const points = this.seconds.get(label).get(phase);
    return points ? [...points.values()].reduce(addSeconds, [0, 0, 0, 0]) : null;
  }

  rate(seconds) {
    const { good, counted } = rateOf(seconds || [0, 0, 0, 0], this.terms.policy);
    return counted ? [good, counted, "measured", ""] : null;
  }
}

// By phase and point: billed days, category and the ledger's prices, from a quarter's first day to the day after it (whose
// billed points the next prepayment counts). Billed is from 计费起 (without one from 终验) until 计费止 or retirement, less
// the pauses, while the facts held.
const rostersOf = (log, terms, quarter) => {
  const edge = (day) => log.zone.start(day - ORDINAL_1970);
  const rosters = new Map();
  for (const code of [...log.points.keys()].sort(byBytes)) {
    const point = log.points.get(code);
    for (const { from, to, facts } of inContract(point, terms, edge(quarter.start), edge(quarter.end + 1))) {
      const held = [from, to].map((second) => log.zone.dayOf(second) + ORDINAL_1970);
      const start = facts.billed_from || facts.accepted_on;
      const ends = [facts.billed_until, facts.retired_on].filter((day) => day).map(ordinal);
      const pauses = normalSpans(point.ros.pauses.map(([first, until]) => [ordinal(first), until === null ? FOREVER_ORDINAL : ordinal(until)]));
      const days = start ? without(normalSpans([[ordinal(start), Math.min(FOREVER_ORDINAL, ...ends)]]), pauses) : [];
      const row = entry(entry(rosters, facts.phase, () => new Map()), code, () => ({ billed: [], prices: [], category: "" }));
      row.billed = normalSpans([...row.billed, ...clipped(days, ...held)]);
      row.category = facts.category || row.category;
      const price = terms.pricesFrom === "ledger" ? (facts.price || "").trim().replace(/,/g, "") : "";
      const last = row.prices[row.prices.length - 1];
      if (price && (!last || BigInt(last[1]) !== fenOf(price))) row.prices.push([held[0], Number(fenOf(price))]);
    }
  }
  return rosters;
};

// A phase's roster as frozen inputs write it: points by lots of equal billed days and prices, and groups of equal days.
const rosterText = (roster) => {
  const distinct = (rows) => [...new Map(rows.map((row) => [canonical(row), row])).values()];
  const rows = [...roster.values()];
  const lots = distinct(rows.map(({ billed, prices }) => ({ billed, prices })));
  lots.sort((a, b) => bySpans(a.billed, b.billed) || bySpans(a.prices, b.prices));
  const places = new Map(lots.map((lot, n) => [canonical(lot), n]));
  const groups = distinct(rows.map(({ billed }) => billed)).sort(bySpans);
  const counts = new Map();
  for (const { billed } of rows) counts.set(canonical(billed), (counts.get(canonical(billed)) || 0) + 1);
  return {
    groups: groups.map((billed) => [billed, counts.get(canonical(billed))]),
    lots,
    roster: [...roster].map(([code, { billed, prices, category }]) => [code, places.get(canonical({ billed, prices })), category]),
  };
};

// The frozen facts of a quarter's phases against what the log shows. `differs(place, written, found)` is told each
// difference, `lacks(what)` what no log holds.
class Comparison {
  constructor(log, terms, quarter, differs, lacks) {
    Object.assign(this, { terms, quarter, differs, lacks });
    const at = (day) => log.zone.start(day - ORDINAL_1970);
    this.monthly = terms.grain === "month" || [terms.rules, terms.document.escalations, terms.document.breaches].some((its) => its.length);
    const windows = [{ label: quarter.label, start: at(quarter.start), end: at(quarter.end) }];
    if (this.monthly) quarter.months.forEach(([first, end], n) => windows.push({ label: quarter.labels[n], start: at(first), end: at(end) }));
    this.survey = new Survey(log, terms, windows);
    this.rosters = rostersOf(log, terms, quarter);
  }

  phases(facts) {
    for (const phase of new Set([...this.rosters.keys(), ...Object.keys(facts)])) {
      const [frozen, roster] = [facts[phase], this.rosters.get(phase)];
      // A phase without points: an earlier statement left something to it.
      if (!roster && frozen && ![frozen.roster, frozen.groups, frozen.lots].some((its) => its.length)) continue;
      if (frozen && roster) this.phase(phase, frozen, roster);
      else this.differs(`facts.${phase}`, frozen ? "有 there" : "无 none", roster ? "有 there" : "无 none");
    }
  }

  phase(phase, frozen, roster) {
    const { survey, terms, quarter } = this;
    const same = (place, written, found) => documentDifferences(written, found, this.differs, `facts.${phase}.${place}`);
    for (const [name, found] of Object.entries(rosterText(roster))) same(name, frozen[name], found);
    const seconds = survey.total(quarter.label, phase);
    same("seconds", frozen.seconds, seconds);
    same("own_rate", frozen.own_rate, survey.rate(seconds));
    const { pays } = terms.document.authority;
    if (pays === "own") same("rate", frozen.rate, survey.rate(seconds));
    if (pays !== "own" || (frozen.rate && frozen.rate[2] !== "measured")) {
      const told = frozen.rate ? `${frozen.rate[0]}/${frozen.rate[1]} ${frozen.rate[3]}` : "—";
      this.lacks(`${phase}：公安核定数取自其文件 the authority's figure is taken from its sealed file, compare it: ${told}`);
    }
    const there = this.monthly && quarter.labels.some((label) => survey.total(label, phase)) ? quarter.labels : [];
    const months = frozen.months.filter((month) => month.seconds !== null);
    same("months", months.map(({ month }) => month), there);
    for (const month of months) if (there.includes(month.month)) this.month(phase, month, same, pays);
  }

  month(phase, frozen, same, pays) {
    const { survey } = this;
    const place = `months.${frozen.month}`;
    const seconds = survey.total(frozen.month, phase) || [0, 0, 0, 0];
    same(`${place}.seconds`, frozen.seconds, seconds);
    if (pays === "own") same(`${place}.rate`, frozen.rate, survey.rate(seconds));
    if (frozen.points === null) {
      // Without a rule that judges single points nobody asks for them.
      same(`${place}.points`, false, this.terms.rules.some(({ kind }) => kind === "point-elimination"));
      return;
    }
    const outages = survey.outages.get(frozen.month).get(phase) || new Map();
    same(`${place}.points`, frozen.points.map(([code]) => code), [...outages.keys()]);
    for (const [code, good, counted, rows] of frozen.points) {
      if (!outages.has(code)) continue;
      const own = rateOf(survey.seconds.get(frozen.month).get(phase).get(code), this.terms.policy);
      same(`${place}.${code}`, [good, counted], [own.good, own.counted]);
      const [written, found] = [incidents(rows, 6), incidents(outages.get(code), 4)];
      const told = (its) => [...its].sort(([a], [b]) => byBytes(a, b)).map(([name, [start, end, inside]]) => [name, start, end, inside]);
      same(`${place}.${code}.outages`, told(written), told(found));
      for (const [name, [, , , excused]] of written) {
        const wholly = found.has(name) && found.get(name)[3];
        if (excused && !wholly) this.lacks("日志不含的免责 excuses of outages that the log does not hold");
        // What is wholly excluded is excused, whoever says otherwise.
        if (!excused && wholly) same(`${place}.${name}.excused`, false, true);
      }
    }
  }
}

// The parts of each outage put together: start, end, counted seconds, whether excused.
const incidents = (rows, place) => {
  const found = new Map();
  for (const row of rows) {
    const known = entry(found, row[0], () => [row[1], row[2], 0, false]);
    known[2] += row[3];
    known[3] = known[3] || row[place];
  }
  return found;
};
