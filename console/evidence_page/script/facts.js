// What the log says of a quarter, to hold against the frozen inputs: seconds, rates, outages, the roster. --------------

const FOREVER_ORDINAL = 3652059; // Python's last day, for what has no end

class Survey {
  constructor(log, terms, quarter) {
    this.log = log;
    this.terms = terms;
    this.quarter = quarter;
    this.windows = [quarter.label, ...quarter.labels].map((label, n) => {
      const [first, end] = n ? quarter.months[n - 1] : [quarter.start, quarter.end];
      return { label, start: log.zone.start(first - ORDINAL_1970), end: log.zone.start(end - ORDINAL_1970) };
    });
    this.seconds = new Map(this.windows.map(({ label }) => [label, new Map()])); // by phase, by point
    this.outages = new Map(this.windows.map(({ label }) => [label, new Map()]));
    this.rosters = new Map(); // by phase, by point: {billed, prices, category}
    const { policy } = terms;
    const quorum = policy.vantages === "quorum" ? policy.quorum : 1;
    for (const code of [...log.points.keys()].sort(byBytes)) {
      const point = log.points.get(code);
      const stretches = this.stretches(point);
      if (!stretches.length) continue;
      const timeline = debounced(log.raw(point, -Infinity, Infinity, policy.auth_rejected === "offline", quorum), policy);
      for (const stretch of stretches) this.account(point, stretch, timeline);
    }
  }

  // Spans of a point's facts, in seconds, in which it belongs to the contract and which meet the quarter or the day after
  // it (whose billed points the next prepayment counts).
  stretches(point) {
    const phases = this.terms.phases.map((phase) => phase.id);
    const { start } = this.windows[0];
    const after = this.log.zone.start(this.quarter.end - ORDINAL_1970 + 1);
    return (point.ros ? point.ros.facts : [])
      .filter(([, , facts]) => phases.includes(facts.phase) && ["", this.terms.contract].includes(facts.contract || ""))
      .map(([from, to, facts]) => ({ from: floorSecond(from), to: to === null ? Infinity : floorSecond(to), facts, instants: [from, to] }))
      .filter(({ from, to }) => from < after && to > start);
  }

  account(point, { from, to, facts, instants }, timeline) {
    const { zone } = this.log;
    const day = (text) => zone.start(dayNumber(text));
    const service = [
      facts.accepted_on === null ? Infinity : day(facts.accepted_on),
      facts.accepted_on === null || facts.retired_on === null ? Infinity : day(facts.retired_on),
    ];
    const excluded = this.terms.policy.exclusions === "counted" ? [] : point.excluded;
    for (const { label, start, end } of this.windows) {
      if (from >= end || to <= start) continue;
      const phase = entry(this.seconds.get(label), facts.phase, () => new Map());
      const [first, last] = [Math.max(start, from, service[0]), Math.min(end, to, service[1])];
      const its = measured(timeline.pieces, first, last, excluded);
      phase.set(point.code, addSeconds(phase.get(point.code) || [0, 0, 0, 0], its));
      if (label === this.quarter.label || first >= last) continue;
      for (const outage of timeline.outages) {
        if (outage.end <= first || outage.start >= last) continue;
        const counting = (a, b) => total(without(clipped(outage.offline, a, b), excluded));
        const [inside, before] = [counting(first, last), counting(service[0], first)];
        if (!inside && !before) continue;
        const stamp = new Date(outage.start * 1000).toISOString().replace(".000", "");
        const wholly = total(clipped(point.excluded, outage.start, outage.end)) === outage.end - outage.start;
        const rows = entry(entry(this.outages.get(label), facts.phase, () => new Map()), point.code, () => []);
        rows.push({ incident: `${point.code}@${stamp}`, start: outage.start, end: outage.end, inside, before, wholly });
      }
    }
    this.enroll(point, facts, instants);
  }

  // Billed days: from 计费起 (without one from 终验) until 计费止 or retirement, less the pauses, while these facts held.
  enroll(point, facts, [from, to]) {
    const roster = entry(this.rosters, facts.phase, () => new Map());
    const known = roster.get(point.code) || { billed: [], prices: [], category: "" };
    const dayAt = (instant) => this.log.zone.dayOf(floorSecond(instant)) + ORDINAL_1970;
    const held = [dayAt(from), to === null ? FOREVER_ORDINAL : dayAt(to)];
    const start = facts.billed_from === null ? facts.accepted_on : facts.billed_from;
    let spans = [];
    if (start !== null) {
      const ends = [facts.billed_until, facts.retired_on].filter((day) => day !== null).map(ordinal);
      const pauses = point.ros.pauses.map(([first, until]) => [ordinal(first), until === null ? FOREVER_ORDINAL : ordinal(until)]);
      spans = without(normalSpans([[ordinal(start), Math.min(FOREVER_ORDINAL, ...ends)]]), normalSpans(pauses));
    }
    const { prices } = known;
    const price = (facts.price || "").trim().replace(/,/g, "");
    if (this.terms.pricesFrom === "ledger" && price) {
      const fen = Number(fenOf(price));
      if (!prices.length || prices[prices.length - 1][1] !== fen) prices.push([held[0], fen]);
    }
    roster.set(point.code, {
      billed: normalSpans([...known.billed, ...clipped(spans, ...held)]),
      prices,
      category: facts.category || known.category,
    });
  }

  total(label, phase) {
    const points = this.seconds.get(label).get(phase);
    return points ? [...points.values()].reduce(addSeconds, [0, 0, 0, 0]) : null;
  }

  rate(seconds) {
    const { good, counted } = rateOf(seconds || [0, 0, 0, 0], this.terms.policy);
    return counted ? [good, counted, "measured", ""] : null;
  }

  // Differences between what the log says and what was frozen, each told to `differs(phase, what, frozen, found)`.
  compare(inputs, differs) {
    const same = (phase, what, frozen, found) => {
      if (canonical(frozen) !== canonical(found)) differs(phase, what, frozen, found);
    };
    const { label } = this.quarter;
    for (const phase of new Set([...this.rosters.keys(), ...Object.keys(inputs.facts)])) {
      const facts = inputs.facts[phase];
      const roster = this.rosters.get(phase);
      if (!facts || !roster) {
        if (roster || facts.roster.length) differs(phase, "期次的点位 its points", facts ? "+" : "–", roster ? "+" : "–");
        continue;
      }
      const seconds = this.total(label, phase);
      same(phase, "秒数 seconds", facts.seconds, seconds);
      same(phase, "自测在线率 own rate", facts.own_rate, this.rate(seconds));
      if (facts.rate && facts.rate[2] === "measured") same(phase, "在线率 rate", facts.rate, this.rate(seconds));
      this.compareRoster(phase, facts, roster, same);
      for (const month of facts.months) this.compareMonth(phase, month, same);
    }
  }

  compareRoster(phase, facts, roster, same) {
    const found = [...roster].map(([code, { billed, prices, category }]) => [code, billed, prices, category]);
    const frozen = facts.roster.map(([code, place, category]) => [code, facts.lots[place].billed, facts.lots[place].prices, category]);
    same(phase, "点位名册 roster", frozen.map(([code]) => code), found.map(([code]) => code));
    const known = new Map(found.map((row) => [row[0], row]));
    for (const row of frozen) if (known.has(row[0])) same(phase, `点位 point ${row[0]}`, row, known.get(row[0]));
    const groups = new Map();
    for (const [, billed] of frozen) {
      const key = canonical(billed);
      groups.set(key, [billed, (groups.has(key) ? groups.get(key)[1] : 0) + 1]);
    }
    same(phase, "计费分组 groups", facts.groups, [...groups.values()].sort((a, b) => bySpans(a[0], b[0])));
  }

  compareMonth(phase, month, same) {
    const name = `${month.month}`;
    if (!this.seconds.has(name)) {
      same(phase, name, "月份 month", "期外 outside the quarter");
      return;
    }
    const seconds = this.total(name, phase);
    same(phase, `${name} 秒数 seconds`, month.seconds || [0, 0, 0, 0], seconds || [0, 0, 0, 0]);
    if (month.rate === null || month.rate[2] === "measured") same(phase, `${name} 在线率 rate`, month.rate, this.rate(seconds));
    if (month.points === null) return;
    const outages = this.outages.get(name).get(phase) || new Map();
    same(phase, `${name} 有故障的点位 points with outages`, month.points.map(([code]) => code), [...outages.keys()].sort(byBytes));
    for (const [code, good, counted, rows] of month.points) {
      const points = this.seconds.get(name).get(phase);
      const own = rateOf((points && points.get(code)) || [0, 0, 0, 0], this.terms.policy);
      same(phase, `${name} ${code}`, [good, counted], [own.good, own.counted]);
      const found = [...(outages.get(code) || [])].sort((a, b) => a.start - b.start);
      const shown = ({ incident, start, end, inside }) => [incident, start, end, inside];
      same(phase, `${name} ${code} 故障 outages`, rows.map((row) => row.slice(0, 4)), found.map(shown));
      // A written excuse is no record of the log; but what is wholly excluded is excused.
      found.forEach(({ wholly }, n) => wholly && rows[n] && same(phase, `${name} ${code} 剔除 excused`, rows[n][6], true));
    }
  }
}

const entry = (map, key, make) => {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
};
