// From runs to seconds: the data model's steps 1 to 11. ---------------------------------------------------------------
// Runs and gaps are in microseconds; everything from `held` on is whole seconds, half-open [start, end).

const UNKNOWN = 0;
const ONLINE = 1;
const OFFLINE = 2;
const STATES = { unknown: UNKNOWN, online: ONLINE, offline: OFFLINE };
const floorSecond = (instant) => Math.floor(instant / SECOND);

// Spans sorted and apart; empty ones vanish.
const normalSpans = (spans) => {
  const result = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (end <= start) continue;
    const last = result[result.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
};

// What of [start, end) lies in normal spans; where the spans begin to matter is found, not walked to.
const clipped = (spans, start, end) => {
  const result = [];
  let low = 0;
  for (let high = spans.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (spans[middle][1] <= start) low = middle + 1;
    else high = middle;
  }
  for (; low < spans.length && spans[low][0] < end; low++) {
    const from = Math.max(spans[low][0], start);
    const to = Math.min(spans[low][1], end);
    if (from < to) result.push([from, to]);
  }
  return result;
};

const total = (spans) => spans.reduce((sum, [start, end]) => sum + end - start, 0);

const without = (spans, others) => {
  const result = [];
  for (const [start, end] of spans) {
    let rest = start;
    for (const [from, to] of clipped(others, start, end)) {
      if (rest < from) result.push([rest, from]);
      rest = to;
    }
    if (rest < end) result.push([rest, end]);
  }
  return result;
};

// Camera runs are worth what lies in the stays of their camera at the point; the verdict is not held beyond a stay.
const cutToStays = (runs, stays) => {
  const result = [];
  for (const run of runs) {
    if (!run.camera) {
      result.push(run);
      continue;
    }
    for (const [camera, from, to] of stays) {
      const end = to === null ? Infinity : to;
      if (String(camera) !== run.camera || run.last < from || run.first >= end) continue;
      const last = Math.min(run.last, end - 1);
      const valid = end === Infinity ? run.valid : Math.min(run.valid, Math.ceil((end - last) / SECOND));
      result.push({ ...run, first: Math.max(run.first, from), last, valid });
    }
  }
  return result;
};

const inOrder = (runs) =>
  runs.sort((a, b) => a.first - b.first || a.last - b.last || a.n - b.n || a.valid - b.valid || byBytes(a.state, b.state));

// The whole seconds that touching gaps touch, and the instant at which the last of them ends.
const blindSpans = (gaps) => {
  const result = [];
  for (const gap of [...gaps].sort((a, b) => a.start - b.start)) {
    const start = floorSecond(gap.start);
    const until = gap.end === null ? Infinity : gap.end;
    const end = Math.ceil(until / SECOND);
    const last = result[result.length - 1];
    if (end <= start) continue;
    if (last && start <= last.end) {
      last.end = Math.max(last.end, end);
      last.until = Math.max(last.until, until);
    } else {
      result.push({ start, end, until });
    }
  }
  return result;
};

// Of `samples` spaced evenly from second `first` to second `last`, how many lie before a second.
const samplesBefore = (held, second) => {
  if (second <= held.first) return 0;
  if (second > held.last || held.samples === 1) return held.samples;
  return Math.ceil(((second - held.first) * (held.samples - 1)) / (held.last - held.first));
};

// Steps 1 to 3 for one vantage: where its runs hold. A run ends where the next begins, where its last sample is no
// longer valid, or where a gap begins; after a gap it holds again from its next sample on, at the latest `valid` later.
// Whether a sample came after a gap is asked of instants: the gap of a crash ends with the first result after it.
const heldBy = (runs, gaps, authOffline, from = -Infinity, to = Infinity) => {
  const result = [];
  let place = 0;
  if (from > -Infinity) {
    for (let high = runs.length; place < high; ) {
      const middle = (place + high) >> 1;
      if (floorSecond(runs[middle].first) <= from) place = middle + 1;
      else high = middle;
    }
    place = Math.max(0, place - 1); // an earlier run ends where this one begins, which is not after `from`
  }
  for (; place < runs.length; place++) {
    const run = runs[place];
    const first = floorSecond(run.first);
    if (first >= to) break;
    const last = floorSecond(run.last);
    const following = place + 1 < runs.length ? floorSecond(runs[place + 1].first) : Infinity;
    const state = authOffline && run.reason === "auth-rejected" ? OFFLINE : STATES[run.state];
    const end = Math.min(following, last + run.valid);
    if (first < end && state !== UNKNOWN) {
      const whole = { start: first, end, state, low: 0, high: run.n, first, last, samples: run.n };
      outsideGaps(whole, run, gaps, result);
    }
  }
  return result;
};

const outsideGaps = (whole, run, gaps, result) => {
  let { start, end, low, high } = whole;
  let nearest = 0;
  for (let top = gaps.length; nearest < top; ) {
    const middle = (nearest + top) >> 1;
    if (gaps[middle].end <= whole.first) nearest = middle + 1;
    else top = middle;
  }
  for (; start < end && nearest < gaps.length; nearest++) {
    const gap = gaps[nearest];
    if (gap.start >= end) {
      high = samplesBefore(whole, gap.start);
      break;
    }
    if (gap.start > start) result.push({ ...whole, start, end: gap.start, low, high: samplesBefore(whole, gap.start) });
    if (gap.until <= run.first) start = Math.max(start, gap.end); // rounding alone let them share a second
    else if (gap.until > run.last) return;
    else {
      low = Math.min(samplesBefore(whole, gap.end), run.n - 1);
      start = Math.max(gap.end, Math.min(whole.last, gap.end + run.valid));
    }
  }
  if (start < end) result.push({ ...whole, start, low, high });
};

// Step 4: what the vantages say together, as pieces [start, end, state, samples] without the unknown.
const merged = (vantages, quorum) => {
  const changes = [];
  for (const held of vantages) {
    for (const { start, end, state } of held) changes.push([start, state, 1], [end, state, -1]);
  }
  changes.sort((a, b) => a[0] - b[0]);
  const pieces = [];
  const count = [0, 0, 0];
  let state = UNKNOWN;
  let since = 0;
  changes.forEach(([at, of, step], n) => {
    count[of] += step;
    if (n + 1 < changes.length && changes[n + 1][0] === at) return;
    const now = count[ONLINE] ? ONLINE : count[OFFLINE] >= quorum ? OFFLINE : UNKNOWN;
    if (now === state) return;
    if (state !== UNKNOWN) pieces.push([since, at, state, 1]);
    state = now;
    since = at;
  });
  // A stretch has the samples of its largest vantage that fall within it, at least one.
  const places = vantages.map(() => 0);
  for (const piece of pieces) {
    vantages.forEach((held, number) => {
      while (places[number] < held.length && held[places[number]].end <= piece[0]) places[number]++;
      let samples = 0;
      for (let n = places[number]; n < held.length && held[n].start < piece[1]; n++) {
        if (held[n].state === piece[2]) samples += samplesWithin(held[n], piece[0], piece[1]);
      }
      piece[3] = Math.max(piece[3], samples);
    });
  }
  return pieces;
};

// What `merged` says of one vantage, which nearly every point of a city is seen from.
const alone = (held) => {
  const pieces = [];
  for (const { start, end, state, low, high } of held) {
    const last = pieces[pieces.length - 1];
    if (last && last[1] === start && last[2] === state) {
      last[1] = end;
      last[3] += Math.max(0, high - low);
    } else {
      pieces.push([start, end, state, Math.max(0, high - low)]);
    }
  }
  for (const piece of pieces) piece[3] = Math.max(1, piece[3]);
  return pieces;
};

const samplesWithin = (held, start, end) => {
  const low = start <= held.start ? held.low : Math.max(held.low, samplesBefore(held, start));
  const high = end >= held.end ? held.high : Math.min(held.high, samplesBefore(held, end));
  return Math.max(0, high - low);
};

// Reclassification: given states fill what is unknown, online before offline, with unlimited samples (null).
const filled = (pieces, given) => {
  if (!given.length) return pieces;
  const result = [...pieces];
  let known = normalSpans(pieces.map(([start, end]) => [start, end]));
  for (const state of [ONLINE, OFFLINE]) {
    const spans = without(normalSpans(given.filter((one) => one.state === state).map((one) => [one.start, one.end])), known);
    for (const [start, end] of spans) result.push([start, end, state, null]);
    known = normalSpans([...known, ...spans]);
  }
  return result.sort((a, b) => a[0] - b[0]);
};

// Step 5: one unbroken row; equal neighbours merged, holes filled with unknown, which has no samples.
const joinedPieces = (pieces) => {
  const result = [];
  for (const [start, end, state, samples] of pieces) {
    if (end <= start) continue;
    let last = result[result.length - 1];
    if (last && last[1] < start) {
      if (last[2] === UNKNOWN) last[1] = start;
      else result.push([last[1], start, UNKNOWN, 0]);
      last = result[result.length - 1];
    }
    if (last && last[2] === state) {
      last[1] = end;
      last[3] = last[3] === null || samples === null ? null : last[3] + samples;
    } else if (last || state !== UNKNOWN) {
      result.push([start, end, state, state === UNKNOWN ? 0 : samples]);
    }
  }
  while (result.length && result[result.length - 1][2] === UNKNOWN) result.pop();
  return result;
};

// Steps 6 and 7: what the pieces of an unconfirmed chain become. A chain runs from a piece of its state to the last one
// before a piece of the opposite state; unknown may lie between. Enclosed: the opposite directly on both sides.
const settledPieces = (pieces, of, opposite, enclosed, exposed, leastSeconds, leastSamples) => {
  const becomes = new Map();
  const judge = (chain) => {
    if (!chain.length) return;
    const seconds = chain.reduce((sum, n) => sum + pieces[n][1] - pieces[n][0], 0);
    const unlimited = chain.some((n) => pieces[n][3] === null);
    const samples = chain.reduce((sum, n) => sum + (pieces[n][3] || 0), 0);
    if (seconds >= leastSeconds && (unlimited || samples >= leastSamples)) return;
    const before = pieces[chain[0] - 1];
    const after = pieces[chain[chain.length - 1] + 1];
    const state = before && after && before[2] === opposite && after[2] === opposite ? enclosed : exposed;
    chain.forEach((n) => becomes.set(n, state));
  };
  let chain = [];
  pieces.forEach((piece, n) => {
    if (piece[2] === of) chain.push(n);
    else if (piece[2] === opposite) {
      judge(chain);
      chain = [];
    }
  });
  judge(chain);
  const changed = pieces.map(([start, end, state, samples], n) => [start, end, becomes.has(n) ? becomes.get(n) : state, samples]);
  return becomes.size ? joinedPieces(changed) : pieces;
};

// Step 8: every chain of offline is an outage.
const outagesOf = (pieces) => {
  const result = [];
  let spans = [];
  const close = () => {
    if (spans.length) result.push({ start: spans[0][0], end: spans[spans.length - 1][1], offline: spans });
    spans = [];
  };
  for (const [start, end, state] of pieces) {
    if (state === OFFLINE) spans.push([start, end]);
    else if (state === ONLINE) close();
  }
  close();
  return result;
};

const debounced = (pieces, policy) => {
  const first = settledPieces(
    pieces, OFFLINE, ONLINE, ONLINE, UNKNOWN, policy.minimum_outage_s, policy.confirm_samples,
  );
  const second = settledPieces(
    first, ONLINE, OFFLINE, OFFLINE, ONLINE, policy.minimum_recovery_s, policy.recovery_samples,
  );
  return { pieces: second, outages: outagesOf(second) };
};

// Step 10 on [start, end): seconds online, offline, unknown, excluded; `excluded` is a normal list of spans.
const measured = (pieces, start, end, excluded) => {
  const result = [0, 0, 0, 0];
  if (start >= end) return result;
  const out = clipped(excluded, start, end);
  result[3] = total(out);
  let low = 0;
  for (let high = pieces.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (pieces[middle][1] <= start) low = middle + 1;
    else high = middle;
  }
  for (; low < pieces.length && pieces[low][0] < end; low++) {
    const [from, to] = [Math.max(pieces[low][0], start), Math.min(pieces[low][1], end)];
    const state = pieces[low][2];
    if (state === UNKNOWN || from >= to) continue;
    result[state - 1] += to - from - (out.length ? total(clipped(out, from, to)) : 0);
  }
  result[2] = end - start - result[0] - result[1] - result[3];
  return result;
};

const addSeconds = (a, b) => a.map((value, n) => value + b[n]);

// good and counted under a policy.
const rateOf = ([on, off, un, ex], policy) => {
  const extra = policy.exclusions === "online" ? ex : 0;
  const good = on + extra + (policy.unknown === "online" ? un : 0);
  const counted = on + off + extra + (policy.unknown === "excluded" ? 0 : un);
  return { good, counted };
};
