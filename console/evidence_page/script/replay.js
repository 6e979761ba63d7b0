// What the records say together: runs, gaps, corrections, and from them each point's seconds of each day. --------------

class Point {
  constructor(code) {
    this.code = code;
    this.ros = null;
    this.seq = 0;
    this.tip = "";
    this.runs = new Map(); // by vantage, in order of their first instants
    this.cut = new Map(); // the same cut to the cameras' stays, where that changes anything
    this.sums = new Map(); // by day: a place in the store of sums
    this.adj = [];
    this.gaps = [];
    this.blind = new Map(); // by vantage, kept until gaps change
    this.cameras = false; // whether any run names a camera
    this.changed = Infinity; // the earliest instant whose state may be another since the last seal
  }

  touch(instant) {
    this.changed = Math.min(this.changed, instant);
  }

  spans(what) {
    return this.adj.filter((record) => record.what === what).map(({ start, end }) => [floorSecond(start), floorSecond(end)]);
  }

  get excluded() {
    if (!this.excludedSpans) this.excludedSpans = this.adj.length ? normalSpans(this.spans("exclude")) : [];
    return this.excludedSpans;
  }

  get given() {
    return this.adj
      .filter((record) => record.what === "reclassify")
      .map(({ start, end, to }) => ({ start: floorSecond(start), end: floorSecond(end), state: STATES[to] }));
  }

  // A vantage's runs as they count here.
  served(vantage) {
    const runs = this.runs.get(vantage);
    if (!this.cameras) return runs;
    if (!this.cut.has(vantage)) this.cut.set(vantage, inOrder(cutToStays(runs, this.ros ? this.ros.stays : [])));
    return this.cut.get(vantage);
  }
}

// A quarter of a city has a million sums: their numbers and hashes lie in a few arrays, not in a million objects.
class Sums {
  constructor() {
    this.count = 0;
    this.numbers = new Int32Array(5 * 1024); // rev, on, off, un, ex
    this.hashes = new Uint8Array(32 * 1024);
  }

  add({ rev, on, off, un, ex }, hash) {
    if (5 * (this.count + 1) > this.numbers.length) {
      const grown = (array) => {
        const result = new array.constructor(2 * array.length);
        result.set(array);
        return result;
      };
      this.numbers = grown(this.numbers);
      this.hashes = grown(this.hashes);
    }
    const at = 5 * this.count;
    this.numbers[at] = rev;
    this.numbers[at + 1] = on;
    this.numbers[at + 2] = off;
    this.numbers[at + 3] = un;
    this.numbers[at + 4] = ex;
    this.hashes.set(hash, 32 * this.count);
    return this.count++;
  }

  at(place) {
    return Array.from(this.numbers.subarray(5 * place, 5 * place + 5));
  }

  hash(place) {
    return hexOf(this.hashes.subarray(32 * place, 32 * place + 32));
  }
}

class Log {
  // `report(step, message, record)` is told what does not hold; only what makes going on meaningless is thrown.
  constructor(origin, zoneName, report) {
    this.origin = origin;
    this.zone = new Zone(zoneName);
    this.report = report;
    this.points = new Map();
    this.sums = new Sums();
    this.gaps = [];
    this.blind = new Map();
    this.corrections = new Map();
    this.documents = new Map();
    this.key = "";
    this.since = -Infinity; // the first day whose seconds can be told
    this.touched = new Set();
    this.day = null;
    this.beyond = 0; // sums of days before `since`, which nobody can recompute from here
  }

  point(code) {
    let point = this.points.get(code);
    if (!point) this.points.set(code, (point = new Point(code)));
    return point;
  }

  touch(point, instant) {
    point.touch(instant);
    this.touched.add(point);
  }

  // Begin after the day of a state document.
  begin(document) {
    const fields = "adj,att,day,format,gaps,key,origin,points,size";
    need(Object.keys(document).join() === fields && document.format === "camsla-state/1", "不是状态文档 not a state document");
    need(document.origin === this.origin && isDay(document.day), "状态文档属于另一日志 a state of another log");
    this.day = dayNumber(document.day);
    this.since = this.day - 2;
    this.key = document.key;
    for (const [name, digest] of Object.entries(document.att)) this.documents.set(name, digest);
    for (const [code, its] of Object.entries(document.points)) {
      const point = this.point(code);
      point.ros = its.ros;
      point.seq = its.seq;
      point.tip = its.tip;
      for (const [vantage, first, last, n, state, reason, rung, valid, camera] of its.runs) {
        if (!point.runs.has(vantage)) point.runs.set(vantage, []);
        point.runs.get(vantage).push({ vantage, first, last, n, state, reason, rung, valid, camera });
        if (camera) point.cameras = true;
      }
      for (const runs of point.runs.values()) inOrder(runs);
      for (const [day, [rev, on, off, un, ex, hash]] of Object.entries(its.sums)) {
        point.sums.set(dayNumber(day), this.sums.add({ rev, on, off, un, ex }, bytesOfHex(hash)));
      }
    }
    for (const row of document.gaps) this.addGap(row);
    for (const record of document.adj) this.addCorrection(record);
    this.forgetChanges();
  }

  forgetChanges() {
    for (const point of this.touched) point.changed = Infinity;
    this.touched.clear();
  }

  // Records by kind. A step of the wall clock (`clk`) changes no second; `key` was judged with the signatures; `sum` and
  // `man` close a day.
  feed(record, hash) {
    const take = { tr: "onTr", gap: "onGap", adj: "onAdj", ros: "onRos", att: "onAtt", agt: "onAgt" }[record.k];
    if (take) this[take](record, hash);
  }

  onTr(record, hash) {
    const point = this.point(record.point);
    if (record.seq !== point.seq + 1) this.report(5, `seq 应为 should be ${point.seq + 1}`, recordName(record));
    if (record.prev !== point.tip) this.report(5, "prev 不是上一条转换的指纹 prev is not the hash of the last tr", recordName(record));
    point.seq = record.seq;
    point.tip = hexOf(hash);
    if (!point.runs.has(record.vantage)) point.runs.set(record.vantage, []);
    const runs = point.runs.get(record.vantage);
    const newest = runs[runs.length - 1];
    if (newest && record.last !== null && record.n !== null) {
      if (record.last < newest.last || record.n < newest.n) this.report(5, "一段变短 a run has shrunk", recordName(record));
      else this.grow(point, newest, record.last, record.n);
    }
    let place = runs.length;
    while (place && runs[place - 1].first > record.t) place--;
    const { t, vantage, to, reason, rung, valid, camera } = record;
    const run = { vantage, first: t, last: t, n: 1, state: to, reason, rung, valid, camera };
    if (place === runs.length) runs.push(run);
    else runs.splice(place, 0, run);
    if (camera) point.cameras = true;
    point.cut.delete(vantage);
    this.touch(point, t);
  }

  grow(point, run, last, n) {
    if (run.last === last && run.n === n) return;
    this.touch(point, run.last);
    run.last = last;
    run.n = n;
    point.cut.delete(run.vantage);
  }

  onGap({ vantage, point, start, end, cause }) {
    this.addGap([vantage, point, start, end, cause]);
  }

  addGap([vantage, code, start, end, cause]) {
    need(end === null || end > start, "缺测倒置 a gap ends before it starts", "", `gap ${vantage} ${start}`, 5);
    const list = code === null ? this.gaps : this.point(code).gaps;
    const open = list.find((gap) => gap.end === null && gap.vantage === vantage && gap.start === start && gap.cause === cause);
    if (open && end !== null) open.end = end;
    else list.push({ vantage, point: code, start, end, cause });
    this.blind.delete(vantage);
    const concerned = code === null ? this.points.values() : [this.point(code)];
    for (const point of concerned) {
      point.blind.delete(vantage);
      if (point.runs.has(vantage)) this.touch(point, start);
    }
  }

  onAdj(record) {
    if (record.id !== claimId(record)) this.report(5, "id 不是所申请内容的指纹 id is not the digest of the claim", recordName(record));
    if (record.approver === record.claimed_by) this.report(5, "申请人自批 approved by who claimed it", recordName(record));
    const fits = {
      exclude: !record.to && !record.target,
      reclassify: ["online", "offline"].includes(record.to) && !record.target,
      revoke: !record.to && record.target,
    };
    if (!fits[record.what] || record.end <= record.start) {
      this.report(5, "更正的字段互不相符 its fields do not fit", recordName(record));
      return;
    }
    if (record.what !== "revoke") {
      const { k, at, ...fields } = record;
      this.addCorrection(fields);
      return;
    }
    const target = this.corrections.get(record.target);
    if (!target || target.point !== record.point) {
      this.report(5, "撤销的更正不存在 what it revokes is not there", recordName(record));
      return;
    }
    this.corrections.delete(record.target);
    const point = this.point(target.point);
    point.adj = point.adj.filter((one) => one.id !== record.target);
    point.excludedSpans = null;
    this.touch(point, target.start);
  }

  addCorrection(record) {
    if (this.corrections.has(record.id)) return;
    const point = this.point(record.point);
    this.corrections.set(record.id, record);
    point.adj.push(record);
    point.excludedSpans = null;
    this.touch(point, record.start);
  }

  onRos(record) {
    const point = this.point(record.point);
    const rev = point.ros ? point.ros.rev + 1 : 1;
    if (record.rev !== rev) this.report(5, `rev 应为 should be ${rev}`, recordName(record));
    const stays = point.ros ? point.ros.stays : [];
    const { k, at, ...fields } = record;
    point.ros = fields;
    if (canonical(stays) === canonical(fields.stays)) return;
    point.cut.clear();
    // Where a run is proven again after a gap depends on how long it may be held, and the end of a stay shortens that:
    // so a run counts from its beginning as changed.
    for (const runs of point.runs.values()) {
      for (const run of runs) if (run.camera) this.touch(point, run.first);
    }
  }

  onAtt(record) {
    const name = `${record.what} ${record.id} ${record.version}`;
    const fixed = ["contract", "inputs", "statement", "issued"].includes(record.what);
    if (fixed && this.documents.has(name) && this.documents.get(name) !== record.sha256) {
      this.report(5, "同一版本两份内容 one version with two contents", name);
    }
    this.documents.set(name, record.sha256);
  }

  onAgt(record) {
    if (!record.key && !record.sig) return;
    const { vantage, first, last, n, sha256: digest } = record;
    const [key, signature] = [bytesOfBase64(record.key), bytesOfBase64(record.sig)];
    const text = utf8(`camsla-agent/1\n${vantage}\n${first}\n${last}\n${n}\n${digest}\n`);
    need(key && signature, "不是规范的 base64 not canonical base64", "", recordName(record), 4);
    if (!signedBy(key, signature, text)) {
      this.report(5, "代理的签名无效 the agent's signature is not valid", recordName(record));
    }
  }

  imported(what, lines) {
    let before = null;
    for (const line of lines) {
      const row = new CanonicalText(line, false).whole();
      need((what === "runs" ? isRun : isGap)(row), `导入文件的行不合规 not a line of an import: ${line.slice(0, 80)}`);
      need(before === null || byElements(before, row) <= 0, `导入文件未排序 an import out of order: ${line.slice(0, 80)}`);
      before = row;
      if (what === "gaps") {
        this.addGap(row);
        continue;
      }
      const [code, vantage, first, last, n, state, reason, rung, valid] = row;
      const point = this.point(code);
      if (!point.runs.has(vantage)) point.runs.set(vantage, []);
      const runs = point.runs.get(vantage);
      let place = runs.length;
      while (place && runs[place - 1].first > first) place--;
      runs.splice(place, 0, { vantage, first, last, n, state, reason, rung, valid, camera: "" });
      point.cut.delete(vantage);
      this.touch(point, first);
    }
  }

  // Seconds of a point's day: on, off, un, ex.
  seconds(point, day) {
    const [start, end] = [this.zone.start(day), this.zone.start(day + 1)];
    return measured(this.raw(point, start, end), start, end, point.excluded);
  }

  // Most points have no gap of their own: they share one list per vantage.
  blindOf(point, vantage) {
    const own = point.gaps.length ? point.gaps.filter((gap) => gap.vantage === vantage) : point.gaps;
    const kept = own.length ? point.blind : this.blind;
    if (!kept.has(vantage)) {
      kept.set(vantage, blindSpans([...this.gaps.filter((gap) => gap.vantage === vantage), ...own]));
    }
    return kept.get(vantage);
  }

  // Joined pieces of [start, end), or of all time; `authOffline` and `quorum` are a policy's, none for a `sum`.
  raw(point, start = -Infinity, end = Infinity, authOffline = false, quorum = 1) {
    const held = [];
    for (const vantage of point.runs.keys()) {
      held.push(heldBy(point.served(vantage), this.blindOf(point, vantage), authOffline, start, end));
    }
    const known = held.length === 1 && quorum === 1 ? alone(held[0]) : merged(held, quorum);
    return joinedPieces(point.adj.length ? filled(known, point.given) : known);
  }

  // Sums of a day that is sealed now, `rows` of {record, hash}: extents first, then chains, then the seconds.
  extents(rows, lenient) {
    for (const { record } of rows) {
      const point = this.point(record.point);
      const known = point.runs.size === 1 ? [...point.runs.keys()] : [...point.runs.keys()].sort(byBytes);
      const named = record.open.length === known.length && record.open.every(([vantage], n) => vantage === known[n]);
      if (!lenient && !named) {
        this.report(5, "open 与已知的观测点不符 open does not name the vantages that have runs", recordName(record));
      }
      for (const [vantage, last, n] of record.open) {
        const runs = point.runs.get(vantage);
        const run = runs && runs[runs.length - 1];
        if (!run) continue;
        if (last < run.last || n < run.n) {
          if (!lenient) this.report(5, "open 的时段缩短 a run of open has shrunk", recordName(record));
        } else {
          this.grow(point, run, last, n);
        }
      }
    }
  }

  seal(day, rows, visible) {
    const told = { day, earlier: new Set() };
    for (const { record, hash } of rows) this.checkSum(record, hash, told);
    const [start, end] = [this.zone.start(day), this.zone.start(day + 1)];
    const nothing = [0, 0, end - start, 0].join();
    for (const point of this.points.values()) {
      if (point.sums.has(day) || (visible && !visible.has(point.code))) continue;
      const facts = point.ros ? point.ros.facts : [];
      const meets = facts.some(([from, to]) => from < end * SECOND && (to === null || to > start * SECOND));
      const known = (point.runs.size || point.adj.length) && this.seconds(point, day).join() !== nothing;
      if (meets || known) this.report(5, "没有当日的 sum no sum of the day", `${point.code} ${dayText(day)}`);
    }
    for (const point of this.touched) {
      if (!visible || visible.has(point.code)) this.checkEarlier(point, day, told);
    }
    this.forgetChanges();
    this.day = day;
  }

  checkSum(record, hash, told) {
    const point = this.point(record.point);
    const day = dayNumber(record.day);
    if (record.seq !== point.seq || record.tip !== point.tip) {
      this.report(5, "seq 或 tip 不是最后一条转换的 seq or tip is not that of the last tr", recordName(record));
    }
    const place = point.sums.get(day);
    point.sums.set(day, this.sums.add(record, hash));
    if (day < this.since) {
      this.beyond++;
      if (place === undefined) return;
    }
    const rev = place === undefined ? 0 : this.sums.at(place)[0] + 1;
    const prev = place === undefined ? "" : this.sums.hash(place);
    if (record.rev !== rev || record.prev !== prev) {
      this.report(5, `版本链断 the chain of revisions is broken: rev ${rev}`, recordName(record));
    }
    if (day < this.since) return; // nobody can recompute it from here
    if (day < told.day) told.earlier.add(`${day} ${point.code}`);
    const [on, off, un, ex] = this.seconds(point, day);
    if (record.on !== on || record.off !== off || record.un !== un || record.ex !== ex) {
      const written = [record.on, record.off, record.un, record.ex];
      this.report(6, differing(written, [on, off, un, ex]), recordName(record));
    }
  }

  // Days before the sealed one that its records touched: their newest sum must still be true.
  checkEarlier(point, day, told) {
    const begins = [...point.runs.values()].map((runs) => runs[0].first).concat(point.adj.map((one) => one.start));
    const from = Math.max(point.changed, Math.min(...begins, point.changed === -Infinity ? Infinity : this.zone.start(day) * SECOND));
    for (let earlier = Math.max(this.since, this.zone.dayOf(floorSecond(from))); earlier < day; earlier++) {
      if (told.earlier.has(`${earlier} ${point.code}`)) continue;
      const place = point.sums.get(earlier);
      const known = place === undefined ? [0, 0, this.zone.length(earlier), 0] : this.sums.at(place).slice(1);
      const found = this.seconds(point, earlier);
      if (found.join() !== known.join()) {
        const message = `${dayText(earlier)} 的 sum 未更正 its sum of that day was not corrected：${differing(known, found)}`;
        this.report(6, message, `${point.code} ${dayText(earlier)}`);
      }
    }
  }

  // The state document after a day, byte for byte the one whose digest `man` names.
  document(day, size) {
    const horizon = this.zone.start(day - 2) * SECOND;
    const points = {};
    for (const point of this.points.values()) {
      const sums = {};
      for (let one = day - 2; one <= day; one++) {
        const place = point.sums.get(one);
        if (place === undefined) continue;
        const [rev, ...numbers] = this.sums.at(place);
        sums[dayText(one)] = [rev, ...numbers, this.sums.hash(place)];
      }
      points[point.code] = { ros: point.ros, seq: point.seq, tip: point.tip, runs: keptRuns(point, horizon), sums };
    }
    const gaps = [...this.gaps, ...[...this.points.values()].flatMap((point) => point.gaps)];
    return {
      format: "camsla-state/1",
      origin: this.origin,
      day: dayText(day),
      size,
      points,
      gaps: gaps.map((gap) => [gap.vantage, gap.point, gap.start, gap.end, gap.cause]).sort(byElements),
      adj: [...this.corrections.values()].sort((a, b) => byBytes(a.id, b.id)),
      att: Object.fromEntries(this.documents),
      key: this.key,
    };
  }
}

const differing = (written, found) => {
  const told = (numbers) => ["在线 on", "离线 off", "缺失 un", "剔除 ex"].map((name, n) => `${name} ${numbers[n]}`).join("、");
  return `记 written ${told(written)}；重算 recomputed ${told(found)}`;
};

// The runs that decide about days from H on: from the newest lasting online run that begins at or before H, of each other
// vantage from the run before that; all, if there is none.
const keptRuns = (point, horizon) => {
  const vantages = [...point.runs.keys()].sort(byBytes);
  let lasting = null;
  for (const vantage of vantages) {
    for (const run of point.runs.get(vantage)) {
      const lasts = run.state === "online" && run.n >= 10 && run.last - run.first >= 3600 * SECOND;
      if (lasts && run.first <= horizon && (!lasting || run.first > lasting.first)) lasting = run;
    }
  }
  return vantages.flatMap((vantage) => {
    const runs = point.runs.get(vantage);
    let from = 0;
    if (lasting) {
      from = runs.findIndex((run) => run.first >= lasting.first);
      if (from < 0) from = runs.length;
      if (vantage !== lasting.vantage) from = Math.max(0, from - 1);
    }
    return runs.slice(from).map((run) => [
      vantage, run.first, run.last, run.n, run.state, run.reason, run.rung, run.valid, run.camera,
    ]);
  });
};
