// The nine steps, in the order of docs/evidence-format.md, and what each of them found. --------------------------------

const STEPS = [
  ["容器与清单", "container and manifest"],
  ["签名与见证", "signatures and witnesses"],
  ["Merkle 树", "Merkle tree"],
  ["逐行记录", "lines and records"],
  ["链", "chains"],
  ["每日秒数", "seconds of every day"],
  ["月末状态", "state documents"],
  ["在线率", "rates of the period"],
  ["应付金额", "amounts of the statement"],
];
const SHOWN = 20;

class Report {
  constructor(progress) {
    this.steps = STEPS.map(([zh, en], n) => ({ number: n + 1, zh, en, reached: false, count: 0, failures: [], missing: [], facts: [] }));
    this.notes = [];
    this.tables = { rates: [], amounts: [] };
    this.identity = {};
    this.progress = progress;
  }

  step(number) {
    return this.steps[number - 1];
  }

  fail(number, message, file = "", record = "") {
    const step = this.step(number);
    step.reached = true;
    step.count++;
    if (step.failures.length < SHOWN) step.failures.push({ file, record, message });
  }

  // What cannot be recomputed here: the pack then never passes with 0.
  lack(number, message) {
    const step = this.step(number);
    if (!step.missing.includes(message)) step.missing.push(message);
  }

  fact(number, message) {
    this.step(number).facts.push(message);
  }

  // Whatever goes wrong inside is a named failure of the step, a fault of this page included: never silence.
  async run(number, file, action) {
    this.step(number).reached = true;
    try {
      await action();
      return true;
    } catch (error) {
      const known = error instanceof Refusal;
      const message = known ? error.message : `无法理解 cannot be understood: ${error && error.name}: ${error && error.message}`;
      this.fail((known && error.step) || number, message, (known && error.file) || file, known ? error.record : "");
      return false;
    }
  }

  get failures() {
    return this.steps.reduce((sum, step) => sum + step.count, 0);
  }

  get exit() {
    if (this.failures || this.steps.some((step) => !step.reached)) return 1;
    return this.steps.some((step) => step.missing.length) ? 3 : 0;
  }

  plain() {
    const { steps, notes, tables, identity, exit, failures } = this;
    return { steps, notes, tables, identity, exit, failures };
  }
}

const placeOf = ({ number, leaf }) => `第 ${number} 行 line，叶 leaf ${leaf}`;
const DAY_FILES = ["records.ndjson", "frontier.json", "prev.note", "checkpoint.note"];
const isManifest = exactly({
  format: isText, origin: isName, contract: isText, period: isName, zone: isName,
  days: (value) => Array.isArray(value) && value.length > 0 && value.every(isDay),
  first_size: isWhole, state: isHash,
  statement: orNull(exactly({ id: isName, version: isWhole, sha256: isDigest, inputs_sha256: isDigest })),
  points: orNull((value) => Array.isArray(value) && value.every(isText)),
  files: (value) => isObject(value) && Object.values(value).every(isDigest),
  software: isText,
});

class Verification {
  constructor(pack, trustText, progress) {
    this.file = pack;
    this.trustText = trustText;
    this.report = new Report(progress);
    this.notes = []; // every checkpoint with its file and the key that should have signed it
    this.counted = { lines: 0, tr: 0, sum: 0 };
    this.differences = [];
  }

  async verify() {
    const { report } = this;
    // Without a readable container and manifest there is nothing to go on with.
    if (!(await report.run(1, "pack.zip", () => this.container()))) return report.plain();
    await report.run(2, "manifest.sig", () => this.manifestSignature());
    if (this.trust) await this.days();
    if (this.trust) await report.run(2, "trust.json", () => this.signatures());
    // What follows from records that do not hold says nothing.
    if (report.failures) return report.plain();
    await report.run(8, "", () => this.rates());
    await report.run(9, "", () => this.amounts());
    return report.plain();
  }

  // 1 -------------------------------------------------------------------------------------------------------------------

  async container() {
    const { report } = this;
    const pack = (this.pack = await Pack.open(this.file));
    const manifest = (this.manifest = await pack.line("manifest.json", parseLine));
    need(isManifest(manifest) && manifest.format === "camsla-pack/1", "清单的字段不合规 its fields are not those of a manifest", "manifest.json");
    const { days, files, points } = manifest;
    report.identity = { origin: manifest.origin, contract: manifest.contract, period: manifest.period, days: [days[0], days[days.length - 1]] };
    need(days.length <= LIMITS.days, "日数过多 too many days", "manifest.json");
    const following = days.every((day, n) => !n || dayNumber(day) === dayNumber(days[n - 1]) + 1);
    need(following, "缺日或次序不对 a day is missing or out of order", "manifest.json");
    const whole = !manifest.first_size || dayNumber(days[0]) <= readPeriod(manifest.period)[0];
    need(whole, "缺期初各日 the period's first days are missing", "manifest.json");
    need(!points || points.every((code, n) => !n || byBytes(points[n - 1], code) < 0), "点位未排序 points are not sorted", "manifest.json");
    const there = [...pack.members.keys()].filter((name) => name !== "manifest.json" && name !== "manifest.sig");
    for (const name of there) need(Object.prototype.hasOwnProperty.call(files, name), "清单中没有 not in the manifest", name);
    for (const name of Object.keys(files)) need(pack.members.has(name), "缺少成员 missing from the pack", name);
    const wanted = new Set(days.flatMap((day) => DAY_FILES.map((file) => `log/${day}/${file}`)));
    if (manifest.first_size) for (const name of ["log/state.json", "log/state.proof.json"]) wanted.add(name);
    for (const name of there) need(!name.startsWith("log/") || wanted.has(name), "日志多文件 the log has one file too many", name);
    for (const name of wanted) need(pack.members.has(name), "日志缺文件 the log lacks this file", name);
    for (const [n, name] of there.entries()) {
      await this.report.progress(1, n, there.length);
      need(sha256Hex(await pack.bytes(name)) === files[name], "内容与清单不符 its content is not that of the manifest", name);
      need(!name.startsWith("blobs/") || name === `blobs/${files[name]}`, "内容与名称不符 its content is not that of its name", name);
    }
    report.fact(1, `${pack.members.size.toLocaleString("en")} 个文件 files，${days.length} 日 days`);
  }

  // 2 -------------------------------------------------------------------------------------------------------------------

  async manifestSignature() {
    const { pack, manifest } = this;
    const trust = readTrust(this.trustText);
    this.trust = trust;
    need(trust.origin === manifest.origin, `证据包属于另一来源 a pack of another origin: ${manifest.origin}`, "trust.json");
    const { method } = pack.members.get("manifest.sig") || {};
    need(method === 0, "缺少，或被压缩 missing, or deflated", "manifest.sig");
    const note = readNote(await pack.bytes("manifest.sig"), "manifest.sig");
    const packed = newSha256();
    for (const [name, entry] of pack.members) if (name !== "manifest.sig") packed.update(await pack.slice(entry.start, entry.packed));
    const digest = sha256Hex(await pack.bytes("manifest.json"));
    const text = `camsla-pack/1\n${manifest.origin}\n${manifest.contract} ${manifest.period}\n${digest}\n${hexOf(packed.digest())}\n`;
    need(note.text === text, "签名不是对本包内容的 it signs other content than this pack's", "manifest.sig");
    need(note.signatures.length === 1, "须有且只有一个签名 one signature and no other", "manifest.sig");
    this.manifestNote = note;
  }

  // The keys in force, from the rotations that the log tells, and every note's signature by the one of its time.
  async signatures() {
    const { trust, report, manifestNote, notes } = this;
    const keys = this.keys.map((text) => readKey(text, COLLECTOR_KEY));
    const known = keys.some((key) => key.text === trust.collector.text);
    need(known, "日志的密钥不是 trust.json 的，也没有换钥记录相连 the log's key is not that of trust.json, nor linked to it", "trust.json");
    const witnesses = trust.witnesses.map((one) => one.key);
    for (const { file, note, key, isFirst } of notes) {
      // A witness need not have signed yet; but where a trusted key stands, its signature is valid.
      for (const witness of witnesses) signedAt(note, witness, file);
      const at = signedAt(note, keys[key], file);
      need(at !== null || isFirst, "没有采集方的签名 not signed by the collector", file);
    }
    if (manifestNote) {
      const signed = keys.some((key) => signedAt(manifestNote, key, "manifest.sig") !== null);
      need(signed, "没有采集方的签名 not signed by the collector", "manifest.sig");
    }
    if (!this.whole) return; // the last checkpoint was not reached
    const last = notes[notes.length - 1];
    const began = this.log.zone.start(dayNumber(this.manifest.days[this.manifest.days.length - 1]));
    for (const role of trust.require) {
      const times = trust.witnesses.filter((one) => one.role === role).map(({ key }) => signedAt(last.note, key, last.file));
      const at = Math.max(...times.map((time) => (time === null ? -1 : time)));
      need(at >= 0, `缺少见证 no co-signature of the required witness: ${role}`, last.file);
      need(at >= began, `见证时钟相差过大 the witness's clock is far off, it signed before the day began: ${role}`, last.file);
      report.fact(2, `${role} ${new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")}Z`);
    }
  }

  // 3 to 7 --------------------------------------------------------------------------------------------------------------

  async days() {
    const { manifest, trust, report } = this;
    this.where = "";
    this.visible = manifest.points && new Set(manifest.points);
    try {
      await this.readInputs();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      report.fail(8, error.message, error.file);
    }
    this.tell = (step, message, record) => report.fail(step, message, this.where, record);
    this.keys = [await this.firstKey()];
    this.log = new Log(manifest.origin, manifest.zone, this.tell);
    this.whole = false;
    for (const [n, day] of manifest.days.entries()) {
      await report.progress(3, n, manifest.days.length);
      let whole = false;
      await report.run(3, `log/${day}`, async () => {
        whole = await this.readDay(day, n === 0);
      });
      this.whole = whole && n + 1 === manifest.days.length;
      if (!whole) break; // the tree is broken here, and whatever follows hangs on it
    }
    const { lines, tr, sum } = this.counted;
    for (const number of [4, 5, 6, 7]) report.step(number).reached = true;
    const size = (value) => value.toLocaleString("en");
    report.fact(3, `${size(lines)} 条记录 records${this.sm3 ? "，SM3" : ""}`);
    report.fact(5, `${size(tr)} 次转换 transitions`);
    report.fact(6, `${size(sum - this.log.beyond)} 个点日 point days`);
    if (this.log.beyond) {
      report.fact(6, `另有 ${size(this.log.beyond)} 个在状态文档之前的日子 more of days before the state document`);
    }
    if (this.visible) {
      report.lack(7, "所选点位之外不可见 the state document holds points that this pack leaves out");
    }
  }

  // The key in force at the log's beginning: that of trust.json, or the one that a rotation in these days replaced.
  async firstKey() {
    const { trust, manifest } = this;
    const { signatures } = await this.note(`log/${manifest.days[0]}/checkpoint.note`).catch(() => ({ signatures: [] }));
    if (signatures.some(({ hash }) => sameBytes(hash, trust.collector.hash))) return trust.collector.text;
    for (const day of manifest.days) {
      const text = await this.pack.text(`log/${day}/records.ndjson`).catch(() => "");
      const found = /^\{"at":[0-9]+,"k":"key",.*$/m.exec(text);
      const record = found && parseLine(found[0]);
      if (record && isName(record.old)) return record.old;
    }
    return trust.collector.text;
  }

  async note(name) {
    return readNote(await this.pack.bytes(name), name);
  }

  async readDay(day, isFirst) {
    const folder = `log/${day}`;
    this.where = `${folder}/frontier.json`;
    const frontier = readFrontier(await this.pack.line(this.where, parseLine));
    const previous = await this.previous(folder, frontier, isFirst);
    if (isFirst && !(await this.begin(day, previous))) return false;
    const first = this.tree.size;
    this.where = `${folder}/records.ndjson`;
    const records = await this.lines(day, this.where);
    await this.closeDay(day, records, first, previous);
    const file = `${folder}/checkpoint.note`;
    const said = readCheckpoint(await this.note(file), file);
    this.notes.push({ file, note: said.note, key: this.keyBefore, said });
    const { tree, sm3, manifest } = this;
    need(said.origin === manifest.origin && said.day === day, "不是本日志本日的检查点 not this log's checkpoint of the day", file);
    const holds = said.size === tree.size && sameBytes(said.root, tree.root());
    need(holds, "大小或根与当日各行不符 its size or root is not that of the day's lines", file);
    need(!said.sm3 || !sm3 || sameBytes(said.sm3, sm3.root()), "SM3 根不符 its SM3 root is not that of the lines", file);
    return true;
  }

  // The tree so far against frontier.json, and prev.note against the checkpoint before.
  async previous(folder, frontier, isFirst) {
    const file = `${folder}/prev.note`;
    if (isFirst) {
      this.tree = frontier.tree;
      this.sm3 = this.visible ? null : frontier.sm3;
    } else {
      const same = (a, b) => a.size === b.size && a.hashes.length === b.hashes.length && a.hashes.every((hash, n) => sameBytes(hash, b.hashes[n]));
      need(same(this.tree, frontier.tree), "与前一日之后的树不符 not the tree after the day before", this.where);
      need(!this.sm3 || !frontier.sm3 || same(this.sm3, frontier.sm3), "SM3 子树不符 not the SM3 tree after the day before", this.where);
      if (!this.visible && !this.sm3) this.sm3 = frontier.sm3;
      else if (!frontier.sm3) this.sm3 = null;
    }
    const bytes = await this.pack.bytes(file);
    if (!frontier.size) {
      need(!bytes.length, "首日之前不应有检查点 there is a checkpoint before the first", file);
      return null;
    }
    const said = readCheckpoint(readNote(bytes, file), file);
    const { notes, tree } = this;
    need(isFirst || said.note.text === notes[notes.length - 1].note.text, "不是前一日的检查点 not the checkpoint of the day before", file);
    need(said.origin === this.manifest.origin, "不是本日志的检查点 not a checkpoint of this log", file);
    const holds = said.size === tree.size && sameBytes(said.root, tree.root());
    need(holds, "与之前的树不符 not the checkpoint of the tree before the day", file);
    return { file, ...said };
  }

  // Before the first day: its place in the log, and the state document by its inclusion.
  async begin(day, previous) {
    const { manifest, log, tree, pack } = this;
    const placed = tree.size === manifest.first_size && Boolean(tree.size) === Boolean(manifest.state);
    need(placed, "first_size 或 state 不对 first_size or state is not that of the log", "manifest.json");
    if (!previous) {
      log.key = this.keys[0];
      return true;
    }
    const before = dayText(dayNumber(day) - 1);
    need(previous.day === before, "不是前一日的检查点 not the checkpoint of the day before", previous.file);
    const loaded = await this.report.run(7, "log/state.proof.json", async () => {
      const proof = await pack.line("log/state.proof.json", parseLine);
      const shaped = exactly({ line: isText, leaf: isWhole, path: (value) => Array.isArray(value) && value.every(isDigest) });
      need(shaped(proof), "包含证明不合规 not an inclusion proof");
      const man = checkRecord(parseLine(proof.line));
      const root = rootOf(leafHash(utf8(proof.line)), proof.leaf, previous.size, proof.path.map(bytesOfHex));
      const included = man.k === "man" && man.day === before && sameBytes(root, previous.root);
      need(included, "不在起点的树中 not in the tree before the first day");
      const text = await pack.text("log/state.json");
      need(text.endsWith("\n"), "最后一行不完整 the last line is cut short", "log/state.json");
      const digest = sha256Hex(utf8(text.slice(0, -1)));
      need(digest === man.state && digest === manifest.state, "与其指纹不符 not the state document of its digest", "log/state.json");
      const document = within("log/state.json", "", () => parseDocument(text.slice(0, -1)));
      need(document.day === before && document.size === previous.size, "不是此日的状态 not the state after that day", "log/state.json");
      log.begin(document);
      this.keys = [log.key];
    });
    this.notes.push({ file: previous.file, note: previous.note, key: 0, isFirst: true });
    return loaded;
  }

  // The day's lines: form, order, leaves. Returns [{record, hash, number}] without those that are hidden.
  async lines(day, file) {
    const { tree, sm3, visible, log } = this;
    const bytes = await this.pack.bytes(file);
    need(!bytes.length || bytes[bytes.length - 1] === LF, "最后一行不完整 the last line is cut short", file, "", 4);
    const end = log.zone.start(dayNumber(day) + 1) * SECOND;
    const records = [];
    let text = null; // the whole day is decoded at once, unless a line of it is no text
    try {
      text = textOf(bytes, file);
    } catch {
      // That line is told below.
    }
    let rank = 0;
    let from = 0; // the same line in text and in bytes: they differ in length where it is not ASCII
    let start = 0;
    for (let number = 1; start < bytes.length; number++) {
      const stop = bytes.indexOf(LF, start);
      const line = bytes.subarray(start, stop);
      const to = text === null ? 0 : text.indexOf("\n", from);
      const hidden = visible && line.length === 65 && line[0] === 126;
      const hash = hidden ? hiddenHash(line) : null;
      tree.append(hash || tree.leaf(line));
      this.counted.lines++;
      if (sm3) sm3.append(sm3.leaf(line));
      if (!hash) {
        const leaf = tree.size - 1;
        try {
          need(line.length <= LIMITS.line, "行过长 a line is too long");
          const record = checkRecord(parseLine(text === null ? textOf(line) : text.slice(from, to)));
          const its = { ros: 1, sum: 2, man: 3 }[record.k] || 0;
          need(rank < 3, "man 之后还有记录 something follows the man record");
          const fits = its >= rank && (its ? record.at === end - 1 : record.at < end);
          need(fits, "次序或 at 不对 out of order, or its at is not of this day");
          need(!isInt(record.t) || record.t < end + 86400 * SECOND, "时钟相差过大 a clock far off: t lies more than a day ahead");
          need(its !== 2 || record.day <= day, "未来的 sum a sum of a day to come");
          const shown = !visible || !["tr", "ros", "sum"].includes(record.k) || visible.has(record.point);
          need(shown, "不在所选点位之列 a point that is not among the pack's");
          rank = its;
          if (record.k === "tr" || record.k === "sum") this.counted[record.k]++;
          records.push({ record, hash: tree.last, number, leaf });
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          this.report.fail(4, error.message, file, placeOf({ number, leaf }));
        }
      }
      start = stop + 1;
      from = to + 1;
    }
    return records;
  }

  // Feed the day's records, then hold its sums and its `man` against them.
  async closeDay(day, records, first, previous) {
    const { log, visible, report, tree, manifest } = this;
    const of = (...kinds) => records.filter(({ record }) => kinds.includes(record.k));
    const sums = of("sum");
    const number = dayNumber(day);
    this.keyBefore = this.keys.length - 1;
    // What the statement was made from was known with the day's growth and ledger, but without what came after it.
    const frozen = records.findIndex(({ record }) => this.isInputs(record));
    const isLate = ({ record }, n) =>
      frozen >= 0 && n > frozen && (["adj", "gap"].includes(record.k) || (record.k === "att" && ["runs", "gaps"].includes(record.what)));
    const late = records.filter(isLate);
    for (const item of records) {
      if (item.record.k !== "sum" && item.record.k !== "man" && !late.includes(item)) await this.feed(item);
    }
    if (frozen >= 0) {
      log.extents(sums, true);
      this.survey();
    }
    for (const item of late) await this.feed(item);
    log.extents(sums, false);
    log.seal(number, sums, visible);
    const [man] = of("man");
    await report.run(4, this.where, () => {
      need(man, "没有 man no man record ends the day");
      const { record } = man;
      const prev = previous ? { root: hexOf(previous.root), size: previous.size } : { root: "", size: 0 };
      const revisions = sums.filter((one) => one.record.rev === 0).length;
      const fits =
        record.day === day && record.first === first && record.count === tree.size - first &&
        canonical(record.prev) === canonical(prev) && record.zone === manifest.zone && (visible || record.points === revisions);
      need(fits, "man 与当日不符 the man record is not that of the day", this.where, placeOf(man));
    });
    if (man) await report.run(7, this.where, () => {
      const { record } = man;
      const place = placeOf(man);
      const due = first === 0 || monthStart(number + 1) === number + 1;
      need(Boolean(record.state) === due, "月末与首日才有状态指纹 a state digest belongs to month ends and the first day", this.where, place);
      if (!record.state || visible) return;
      const digest = sha256Hex(utf8(canonical(log.document(number, tree.size))));
      need(digest === record.state, "状态文档重算不符 the state document, made again, has another digest", this.where, place);
      report.fact(7, day);
    });
  }

  async feed(item) {
    const { where } = this;
    const { record, hash } = item;
    try {
      if (record.k === "key" || (record.k === "att" && ["runs", "gaps"].includes(record.what))) await this.take(item);
      this.log.feed(record, hash);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.report.fail(error.step || 4, error.message, error.file || this.where, error.record || placeOf(item));
    }
    this.where = where;
  }

  async take(item) {
    const { record } = item;
    if (record.k === "key") {
      this.rotate(record);
      return;
    }
    this.where = `blobs/${record.sha256}`;
    need(this.pack.members.has(this.where), "缺少导入的原始记录 an import's lines are missing", this.where, placeOf(item), 1);
    this.log.imported(record.what, (await this.pack.text(this.where)).split("\n").slice(0, -1));
  }

  rotate(record) {
    const text = utf8(`camsla-key/1\n${record.old}\n${record.new}\n`);
    const signs = (key, signature) => {
      const bytes = bytesOfBase64(signature);
      need(bytes, "不是规范的 base64 not canonical base64", "", "key", 4);
      return signedBy(readKey(key, COLLECTOR_KEY).raw, bytes, text);
    };
    const { keys, log } = this;
    const holds = record.old === keys[keys.length - 1] && signs(record.old, record.old_sig) && signs(record.new, record.new_sig);
    if (!holds) this.tell(5, "换钥无效 the rotation is not one from the key in force, signed by both", "key");
    keys.push(record.new);
    log.key = record.new;
  }

  // 8 -------------------------------------------------------------------------------------------------------------------

  isInputs(record) {
    const { statement } = this.manifest;
    return (
      statement !== null && record.k === "att" && record.what === "inputs" && record.id === statement.id &&
      record.version === statement.version && record.sha256 === statement.inputs_sha256
    );
  }

  async blob(digest, step, what) {
    const name = `blobs/${digest}`;
    need(this.pack.members.has(name), `缺少 missing: ${what}`, name, "", step);
    return within(name, "", async () => parseDocument(await this.pack.text(name)));
  }

  // The statement's frozen inputs, read before the log: what they are compared with is known at the end of one day.
  async readInputs() {
    const { statement } = this.manifest;
    this.inputs = statement && !this.visible ? await this.blob(statement.inputs_sha256, 8, "冻结的输入 frozen inputs") : null;
  }

  survey() {
    if (!this.inputs || this.comparison) return;
    const { inputs, report } = this;
    const file = `blobs/${this.manifest.statement.inputs_sha256}`;
    within(file, "", () => {
      this.comparison = new Comparison(
        this.log, readTerms(inputs.terms), readQuarter(inputs.quarter),
        (place, written, found) => this.differences.push(`${place}：冻结 frozen ${written}，重算 recomputed ${found}`),
        (what) => report.lack(9, what),
      );
      this.comparison.phases(inputs.facts);
    });
  }

  async rates() {
    const { report, manifest, inputs, log } = this;
    const { statement } = manifest;
    if (this.visible) {
      report.lack(8, "只含部分点位 a pack of some points: rates of whole phases");
      return;
    }
    if (!statement) {
      await this.ratesAlone();
      return;
    }
    const file = `blobs/${statement.inputs_sha256}`;
    need(this.comparison, "这些天的日志没有这份输入 the log of these days has no record of these inputs", file);
    const { terms, survey } = this.comparison;
    const name = `contract ${terms.contract} ${inputs.contract_version}`;
    const known = log.documents.get(name) === sha256Hex(utf8(canonical(inputs.terms)));
    need(known, `条款不是记录的版本 the terms are not those of the log's record: ${name}`, file);
    const { quarter, revision, format } = inputs;
    const fits = canonical([`${terms.contract}/${quarter}`, revision, quarter, terms.contract, format]) ===
      canonical([statement.id, statement.version, manifest.period, manifest.contract, "camsla-inputs/1"]);
    need(fits, "不是这一季的输入 not the inputs of this quarter", file);
    this.limits(terms, dayNumber(dayText(survey.log.zone.dayOf(survey.windows[0].end - 1))));
    for (const difference of this.differences) report.fail(8, difference, file, statement.id);
    this.tabulate(survey);
  }

  // What keeps the period's rates from being told at all, or to their end.
  limits({ policy, zone }, lastDay) {
    const { report, manifest } = this;
    if (manifest.first_size && (policy.recovery_samples > 10 || policy.minimum_recovery_s > 3600)) {
      report.lack(8, "恢复条件超过状态文档所存，须从日志起点核验 a recovery beyond what the state document holds: needs the log from its beginning");
    }
    if (zone !== manifest.zone) report.lack(8, "合同与日志的时区不同 the contract's time zone is not the log's");
    if (dayText(lastDay) > manifest.days[manifest.days.length - 1]) report.lack(8, "期间未封存完 the period is not sealed to its end");
  }

  tabulate(survey) {
    const { report } = this;
    for (const { id } of survey.terms.phases) {
      for (const { label } of survey.windows) {
        const seconds = survey.total(label, id);
        if (!seconds) continue;
        const { good, counted } = rateOf(seconds, survey.terms.policy);
        report.tables.rates.push({ phase: id, window: label, seconds, good, counted, value: counted ? sixPlaces(ratio(good, counted)) : "" });
      }
    }
    const whole = report.tables.rates.filter((row) => row.window === survey.windows[0].label);
    for (const { phase, value } of whole) report.fact(8, `${phase} ${value || "无可计 nothing counted"}`);
  }

  // Without a statement there is nothing to hold the rates against; they are shown under the newest terms of the contract.
  async ratesAlone() {
    const { manifest, log, report } = this;
    const versions = [...log.documents.keys()].filter((name) => name.startsWith(`contract ${manifest.contract} `));
    const number = (name) => Number(name.slice(name.lastIndexOf(" ")));
    const [newest] = versions.sort((a, b) => number(b) - number(a));
    if (!newest) {
      report.lack(8, "日志中没有这份合同 the log has no record of the contract");
      return;
    }
    const terms = readTerms(await this.blob(log.documents.get(newest), 8, newest));
    const [first, last] = readPeriod(manifest.period);
    this.limits(terms, last);
    if (terms.zone !== manifest.zone) return;
    const [start, end] = [log.zone.start(first), log.zone.start(last + 1)];
    this.tabulate(new Survey(log, terms, [{ label: manifest.period, start, end }]));
  }

  async amounts() {
    const { report, manifest, inputs, log } = this;
    const { statement } = manifest;
    if (this.visible) {
      report.lack(9, "只含部分点位 a pack of some points: amounts");
      return;
    }
    if (!statement) {
      report.fact(9, "本包没有结算单 the pack has no statement");
      return;
    }
    const file = `blobs/${statement.sha256}`;
    const name = `${statement.id} ${statement.version}`;
    const recorded = log.documents.get(`statement ${name}`) === statement.sha256;
    need(recorded, "日志中没有这份结算单 the log has no record of this statement", file);
    const issued = [...log.documents].filter(([key]) => key.startsWith(`issued ${statement.id} `));
    const same = issued.every(([key, digest]) => key === `issued ${name}` && digest === statement.sha256);
    need(same, "出具的是另一份 another one was issued", file);
    const document = await this.blob(statement.sha256, 9, "结算单 the statement");
    need(inputs.reading === inputs.terms.reading, "口径不是合同的 the reading is not the contract's", file);
    const digests = new Set(log.documents.values());
    for (const one of (inputs.evidence.authority && inputs.evidence.authority.files) || []) {
      need(digests.has(one.sha256), `公安文件未入日志 the authority's file is not in the log: ${one.sha256.slice(0, 12)}`, file);
    }
    for (const [phase, its] of Object.entries(inputs.before.prepaid)) await this.prepaid(phase, its);
    if (Object.keys(inputs.before.retained).length) report.lack(9, "以前留存取自冻结的输入 what was retained before is taken as frozen");
    if (inputs.before.adjustments.length) report.lack(9, "以前期调整、利息取自冻结的输入 adjustments and interest are taken as frozen");
    const looksBack = inputs.terms.breaches.some(({ consecutive }) => consecutive > 1);
    if (looksBack && Object.values(inputs.facts).some((its) => its.earlier.length)) {
      report.lack(9, "本期之前各月取自冻结的输入 months before the period are taken as frozen");
    }
    const lacking = notRecomputed(inputs);
    for (const what of lacking) report.lack(9, what);
    if (!lacking.length) {
      const found = { ...settle(inputs), inputs_sha256: statement.inputs_sha256 };
      documentDifferences(document, found, (place, written, mine) => {
        report.fail(9, `${place}：记 written ${written}，重算 recomputed ${mine}`, file, name);
      });
      for (const { phase, lines } of [...found.phases, { lines: found.adjustments }]) {
        for (const row of lines) {
          report.tables.amounts.push({ phase: phase || row.phase, kind: row.kind, window: row.window || "", amount: [row.gross, row.net, row.tax] });
        }
      }
    }
    Object.assign(report.identity, { statement: `${statement.id} 第 ${statement.version} 版 revision（${issued.length ? "已出具 issued" : "尚未出具 NOT ISSUED"}）`, reading: inputs.reading, total: document.totals.total });
    report.fact(9, `应付 payable ${document.totals.payable}，合计 total ${document.totals.total}`);
  }

  // What an earlier statement prepaid must be that statement's line; where it is not in the pack it is named.
  async prepaid(phase, its) {
    const { report, inputs, log, pack } = this;
    const cut = its.source.lastIndexOf("/");
    const digest = log.documents.get(`issued ${inputs.terms.contract}/${its.source.slice(0, cut)} ${its.source.slice(cut + 1)}`);
    if (!hasLine(its) && digest === undefined) return;
    if (!pack.members.has(`blobs/${digest}`)) {
      report.lack(9, `${phase}：已预付取自冻结的输入 what was prepaid is taken as frozen（${its.source}）`);
      return;
    }
    const document = await this.blob(digest, 9, its.source);
    const lines = document.phases.filter((one) => one.phase === phase).flatMap((one) => one.lines);
    const line = lines.find(({ kind }) => kind === "next_prepayment");
    const told = line ? { gross: line.gross, net: line.net, tax: line.tax, components: line.components } : amountText(NOTHING);
    documentDifferences(amountText(readAmount(its)), told, (place, written, found) => {
      report.fail(9, `已预付 prepaid ${place}：冻结 frozen ${written}，${its.source} ${found}`, `blobs/${digest}`, phase);
    });
  }
}
