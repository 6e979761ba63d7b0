// Keys and signed notes: checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature), trust.json. ---------------

const COLLECTOR_KEY = 1;
const WITNESS_KEY = 4;
const KEY_NAME = /^[^\s+\u0000-\u001f\u007f]+$/;

// `name+<8 hex digits>+base64(kind ‖ 32 bytes)`; the digits must be those of the key itself.
const readKey = (text, kind) => {
  const what = `不是公钥 not a public key: ${String(text).slice(0, 80)}`;
  need(typeof text === "string", what);
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  need(first > 0 && second > first, what);
  const name = text.slice(0, first);
  const body = bytesOfBase64(text.slice(second + 1));
  need(KEY_NAME.test(name) && body && body.length === 33 && body[0] === kind, what);
  const hash = sha256(utf8(`${name}\n`), body).subarray(0, 4);
  need(hexOf(hash) === text.slice(first + 1, second), `公钥指纹不符 not the key's own hash: ${text.slice(0, 80)}`);
  return { text, name, hash, kind, raw: body.subarray(1) };
};

// A note is text that ends with LF, an empty line, and at least one line `— name base64`.
const readNote = (bytes, file) => {
  need(bytes.length <= 65536, "签名文书过大 a note is too large", file);
  const whole = textOf(bytes, file);
  const cut = whole.lastIndexOf("\n\n");
  need(cut > 0 && whole.endsWith("\n"), "不是签名文书 not a signed note", file);
  const text = whole.slice(0, cut + 1);
  need(!/[\u0000-\u0009\u000b-\u001f\u007f]/.test(whole), "签名文书中有控制字符 control characters in a note", file);
  const lines = whole.slice(cut + 2, -1).split("\n");
  need(lines.length <= 64, "签名过多 too many signatures", file);
  const signatures = lines.map((line) => {
    const match = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
    const blob = match && bytesOfBase64(match[2]);
    need(blob && blob.length >= 5 && KEY_NAME.test(match[1]), "签名行不合规 not a signature line", file, line.slice(0, 80));
    return { name: match[1], hash: blob.subarray(0, 4), rest: blob.subarray(4) };
  });
  return { text, signatures };
};

// Whether a note carries a signature of a key: null if not, for a witness the seconds at which it signed. Every signature
// that the note gives for the key must be valid; of several the first one's time counts.
const signedAt = (note, key, file) => {
  const wrong = () => new Refusal(`签名无效 the signature is not valid: ${key.name}`, file, "", 2);
  let found = null;
  for (const { name, hash, rest } of note.signatures) {
    if (name !== key.name || !sameBytes(hash, key.hash)) continue;
    let seconds = 0;
    let message = note.text;
    if (key.kind === WITNESS_KEY) {
      if (rest.length !== 72) throw wrong();
      const view = new DataView(rest.buffer, rest.byteOffset, 8);
      seconds = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
      message = `cosignature/v1\ntime ${seconds}\n${note.text}`;
    }
    const signature = rest.subarray(rest.length - 64);
    const whole = rest.length === (key.kind === WITNESS_KEY ? 72 : 64) && Number.isSafeInteger(seconds);
    if (!whole || !signedBy(key.raw, signature, utf8(message))) throw wrong();
    found = found === null ? seconds : found;
  }
  return found;
};

// The text of a checkpoint that seals a day.
const readCheckpoint = (note, file) => {
  const form = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([^\n]{44})\nday ([0-9]{4}-[0-9]{2}-[0-9]{2})\n(?:sm3 ([^\n]{44})\n)?$/;
  const [, origin, size, root, day, sm3] = form.exec(note.text) || [];
  const [hash, other] = [root && bytesOfBase64(root), sm3 && bytesOfBase64(sm3)];
  need(hash && isDay(day) && (sm3 === undefined || other), "不是每日检查点 not a day's checkpoint", file);
  return { origin, size: Number(size), root: hash, day, sm3: other || null, note };
};

const isTrust = (value) =>
  exactly({
    format: isText, origin: isName, collector: isName, require: Array.isArray,
    witnesses: (rows) => Array.isArray(rows) && rows.every(exactly({ role: isName, key: isName })),
  })(value);

// Whether some object of a JSON text names a key twice: JSON.parse would silently take the last.
const hasDoubledKey = (text) => {
  const open = []; // the keys of each object that is not closed yet, null for an array
  const tokens = text.match(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g) || [];
  return tokens.some((token) => {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token.endsWith(":")) {
      const [keys, key] = [open[open.length - 1], JSON.parse(token.slice(0, token.lastIndexOf('"') + 1))];
      if (keys.has(key)) return true;
      keys.add(key);
    }
    return false;
  });
};

// trust.json comes from the parties, not from the pack, and by hand: any JSON spelling will do. Trust that is void (one
// key in two roles, nobody required) or that reads in two ways (a key twice) is refused.
const readTrust = (text) => {
  try {
    const value = JSON.parse(text);
    need(!hasDoubledKey(text), "重复的键 duplicate key");
    need(isTrust(value) && value.format === "camsla-trust/1", "字段或格式不对 wrong fields or format");
    const collector = readKey(value.collector, COLLECTOR_KEY);
    const witnesses = value.witnesses.map(({ role, key }) => ({ role, key: readKey(key, WITNESS_KEY) }));
    need(collector.name === value.origin, "采集方密钥的名称不是 origin the collector's key has another name than the origin");
    const raws = new Set([collector, ...witnesses.map((one) => one.key)].map((key) => hexOf(key.raw)));
    need(raws.size === witnesses.length + 1, "同一密钥出现两次 one key serves twice");
    need(value.require.length, "未要求任何见证 no witness is required");
    for (const role of value.require) {
      need(witnesses.some((one) => one.role === role), `要求的见证没有密钥 a required witness has no key: ${role}`);
    }
    return { origin: value.origin, collector, witnesses, require: value.require };
  } catch (error) {
    throw new Refusal(`读不懂 cannot be read: ${error.message}`, "trust.json");
  }
};
