// The kinds of records and their fields. A record has exactly the fields of its kind, each of its type. ----------------

const isInt = (value) => Number.isSafeInteger(value);
const isWhole = (value) => Number.isSafeInteger(value) && value >= 0;
const isText = (value) => typeof value === "string";
const isName = (value) => typeof value === "string" && value !== "";
const isHash = (value) => value === "" || isDigest(value);
const isDay = (value) => dayNumber(value) !== null;
const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const orNull = (fits) => (value) => value === null || fits(value);
const rowsOf = (...fits) => (value) =>
  Array.isArray(value) &&
  value.every((row) => Array.isArray(row) && row.length === fits.length && fits.every((fit, n) => fit(row[n])));
const exactly = (fields) => {
  const names = Object.keys(fields).sort();
  return (value) => isObject(value) && Object.keys(value).sort().join() === names.join() && names.every((name) => fields[name](value[name]));
};

const isState = (value) => ["online", "offline", "unknown"].includes(value);
const isFacts = exactly({
  accepted_on: orNull(isDay), area: orNull(isText), billed_from: orNull(isDay), billed_until: orNull(isDay),
  category: orNull(isText), contract: orNull(isText), phase: orNull(isText), price: orNull(isText),
  retired_on: orNull(isDay), supplier: orNull(isText),
});

const KINDS = {
  tr: {
    t: isInt, point: isName, vantage: isName, from: isState, to: isState, reason: isName, rung: isName, valid: isWhole,
    camera: isText, last: orNull(isInt), n: orNull(isInt), seq: isWhole, prev: isHash, boot: orNull(isText),
    mono: orNull(isInt),
  },
  gap: { vantage: isName, point: orNull(isName), start: isInt, end: orNull(isInt), cause: isText },
  clk: { vantage: isName, t: isInt, step_us: isInt },
  adj: {
    what: isName, point: isName, start: isInt, end: isInt, cause: isText,
    claimed_by: isName, claimed_at: isInt, document: isHash, to: isText, approver: isName,
    id: isDigest, target: isHash,
  },
  ros: {
    point: isName, rev: isWhole, facts: rowsOf(isInt, orNull(isInt), isFacts), pauses: rowsOf(isDay, orNull(isDay)),
    stays: rowsOf(isText, isInt, orNull(isInt)),
  },
  sum: {
    day: isDay, point: isName, rev: isWhole, on: isWhole, off: isWhole, un: isWhole, ex: isWhole, seq: isWhole, tip: isHash,
    open: rowsOf(isName, isInt, isWhole), prev: isHash,
  },
  agt: { vantage: isName, first: isWhole, last: isWhole, n: isWhole, sha256: isDigest, key: isText, sig: isText },
  key: { old: isName, new: isName, old_sig: isName, new_sig: isName },
  att: {
    what: isName, id: isText, version: isWhole, sha256: isHash, media: isText, actor: isText,
    of: (value) => isObject(value) && Object.values(value).every((one) => isInt(one) || isText(one)),
  },
  man: {
    day: isDay, first: isWhole, count: isWhole, prev: exactly({ size: isWhole, root: isHash }), points: isWhole,
    software: isText, zone: isName, archive: orNull(exactly({ sha256: isDigest, rows: isWhole, bytes: isWhole })),
    state: isHash,
  },
};
for (const [kind, fields] of Object.entries(KINDS)) {
  const all = { k: isText, at: isInt, ...fields };
  const names = Object.keys(all).sort();
  KINDS[kind] = { names, fits: names.map((name) => all[name]) };
}

const isRun = (row) =>
  Array.isArray(row) && row.length === 9 && isName(row[0]) && isName(row[1]) && isInt(row[2]) && isInt(row[3]) &&
  isWhole(row[4]) && isState(row[5]) && isName(row[6]) && isName(row[7]) && isWhole(row[8]);
const isGap = (row) =>
  Array.isArray(row) && row.length === 5 && isName(row[0]) && orNull(isName)(row[1]) && isInt(row[2]) &&
  orNull(isInt)(row[3]) && isText(row[4]);

const checkRecord = (record) => {
  const kind = isText(record.k) && Object.prototype.hasOwnProperty.call(KINDS, record.k) ? KINDS[record.k] : null;
  if (!kind) throw new Refusal(`未知的记录种类 unknown kind of record: ${String(record.k).slice(0, 40)}`);
  // Keys of a canonical line come sorted.
  let n = 0;
  for (const name in record) if (name !== kind.names[n++]) n = -1;
  if (n !== kind.names.length) throw new Refusal(`${record.k}：字段缺少或多余 a field is missing or not known`);
  for (n = 0; n < kind.names.length; n++) {
    const value = record[kind.names[n]];
    if (kind.fits[n](value)) continue;
    throw new Refusal(`${record.k}：字段的值不合规 ${kind.names[n]} cannot be ${JSON.stringify(value).slice(0, 80)}`);
  }
  return record;
};

// What a failure calls a record.
const recordName = (record) =>
  [record.k, record.day, record.point, record.vantage, record.what, record.id && String(record.id).slice(0, 40),
    record.seq && `seq ${record.seq}`, isInt(record.rev) && `rev ${record.rev}`]
    .filter((part) => part !== undefined && part !== false && part !== null && part !== "")
    .join(" ");

// What the id of a correction is the digest of: all that was claimed, not who approved it.
const claimId = (record) => {
  const names = ["cause", "claimed_at", "claimed_by", "document", "end", "point", "start", "target", "to", "what"];
  return sha256Hex(utf8(canonical(Object.fromEntries(names.map((name) => [name, record[name]])))));
};
