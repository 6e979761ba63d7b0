// Bytes, texts and the two ways to fail. ------------------------------------------------------------------------------
// All parts of this script are put together into one function; nothing here touches the page or the network.

// What does not hold: `file` and `record` say where. Everything of this kind is a line under its step, never a crash.
class Refusal extends Error {
  constructor(message, file = "", record = "", step = 0) {
    super(message);
    this.file = file;
    this.record = record;
    this.step = step; // of the nine, where it is not the one that is under way
  }
}

const need = (holds, message, file, record, step) => {
  if (!holds) throw new Refusal(message, file, record, step);
};

const LF = 10;
const encoder = new TextEncoder();

const utf8 = (text) => encoder.encode(text);

// `fatal` refuses every other spelling of a character (overlong, surrogates), so that equal texts are equal bytes.
const textOf = (bytes, file, step) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal("不是 UTF-8 文本 not UTF-8 text", file, "", step);
  }
};

const joined = (...parts) => {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
};

const sameBytes = (a, b) => {
  if (a.length !== b.length) return false;
  for (let n = 0; n < a.length; n++) if (a[n] !== b[n]) return false;
  return true;
};

const HEX = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"));

const hexOf = (bytes) => {
  let text = "";
  for (let n = 0; n < bytes.length; n++) text += HEX[bytes[n]];
  return text;
};

const isDigest = (text) => typeof text === "string" && text.length === 64 && /^[0-9a-f]*$/.test(text);

const bytesOfHex = (text) => {
  const result = new Uint8Array(text.length / 2);
  for (let n = 0; n < result.length; n++) result[n] = parseInt(text.substr(2 * n, 2), 16);
  return result;
};

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_VALUE = new Map(Array.from(BASE64, (sign, n) => [sign, n]));

const base64Of = (bytes) => {
  let text = "";
  for (let n = 0; n < bytes.length; n += 3) {
    const three = (bytes[n] << 16) | ((bytes[n + 1] || 0) << 8) | (bytes[n + 2] || 0);
    const signs = [three >> 18, (three >> 12) & 63, (three >> 6) & 63, three & 63].map((value) => BASE64[value]);
    text += signs.slice(0, Math.min(4, bytes.length - n + 1)).join("").padEnd(4, "=");
  }
  return text;
};

// Null for anything but the one canonical spelling: padding that is missing or whose unused bits are set is a second
// spelling of the same bytes, and a pack has none.
const bytesOfBase64 = (text) => {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const pads = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const result = new Uint8Array((text.length / 4) * 3 - pads);
  let at = 0;
  for (let n = 0; n < text.length; n += 4) {
    let four = 0;
    for (let k = 0; k < 4; k++) four = (four << 6) | (BASE64_VALUE.get(text[n + k]) || 0);
    for (const shift of [16, 8, 0]) if (at < result.length) result[at++] = (four >> shift) & 255;
  }
  return base64Of(result) === text ? result : null;
};

// Texts are sorted by their bytes everywhere in the format. For JavaScript's own order (UTF-16) only characters beyond
// U+FFFF differ, so the slow way is taken for those alone.
const byBytes = (a, b) => {
  if (a === b) return 0;
  if (!/[\ud800-\udfff]/.test(a + b)) return a < b ? -1 : 1;
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let n = 0; n < Math.min(x.length, y.length); n++) {
    const difference = x[n].codePointAt(0) - y[n].codePointAt(0);
    if (difference) return difference;
  }
  return x.length - y.length;
};

// Arrays element by element: null before numbers before texts.
const byElements = (a, b) => {
  const rank = (value) => (value === null ? 0 : typeof value === "string" ? 2 : 1);
  for (let n = 0; n < Math.min(a.length, b.length); n++) {
    if (rank(a[n]) !== rank(b[n])) return rank(a[n]) - rank(b[n]);
    const difference = typeof a[n] === "string" ? byBytes(a[n], b[n]) : Number(a[n] || 0) - Number(b[n] || 0);
    if (difference) return difference;
  }
  return a.length - b.length;
};
