// Canonical JSON (RFC 8785 restricted), read by one pass that knows no other spelling. --------------------------------
// What this accepts has exactly one text, so nothing has to be written again and compared: no space, sorted keys (hence
// none twice), shortest escapes, integers without sign of zero, leading zero, point or exponent.

const MAX_DEPTH = 64;
const MAX_DIGITS = 4000;

// Lines have ASCII keys and integers below 2^53. Documents (`wide`: frozen inputs, statements) come from the settlement:
// their keys may be Chinese, and the counts of a rate that was put together from months may be long; those are BigInt.
class CanonicalText {
  constructor(text, wide) {
    this.text = text;
    this.wide = wide;
    this.at = 0;
  }

  fail(message) {
    throw new Refusal(`${message}（第 ${this.at + 1} 字符 character）`);
  }

  whole() {
    const value = this.value(0);
    if (this.at !== this.text.length) this.fail("其后多出内容 something follows the value");
    return value;
  }

  value(depth) {
    if (depth > MAX_DEPTH) this.fail("嵌套过深 nested too deeply");
    const code = this.text.charCodeAt(this.at);
    if (code === 34) return this.string();
    if (code === 123) return this.object(depth);
    if (code === 91) return this.array(depth);
    if (code === 45 || (code >= 48 && code <= 57)) return this.integer();
    for (const [word, value] of [["null", null], ["true", true], ["false", false]]) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.fail("不是规范的 JSON not canonical JSON");
  }

  object(depth) {
    const { text } = this;
    const result = this.wide ? Object.create(null) : {};
    let before = null;
    this.at++;
    if (text.charCodeAt(this.at) === 125) {
      this.at++;
      return result;
    }
    for (;;) {
      if (text.charCodeAt(this.at) !== 34) this.fail("缺少键 a key is missing");
      const key = this.string();
      if (before !== null) {
        if (key === before) this.fail(`重复的键 duplicate key: ${key}`);
        if (this.wide ? byBytes(before, key) > 0 : key < before) this.fail(`键未排序 keys are not sorted: ${key}`);
      }
      // On an ordinary object this name would set the prototype instead of a value.
      if (!this.wide && (key === "__proto__" || !/^[\x20-\x7e]*$/.test(key))) this.fail(`键不可用 not a key: ${key}`);
      before = key;
      if (text.charCodeAt(this.at) !== 58) this.fail("缺少冒号 a colon is missing");
      this.at++;
      result[key] = this.value(depth + 1);
      const next = text.charCodeAt(this.at++);
      if (next === 125) return result;
      if (next !== 44) this.fail("缺少逗号 a comma is missing");
    }
  }

  array(depth) {
    const { text } = this;
    const result = [];
    this.at++;
    if (text.charCodeAt(this.at) === 93) {
      this.at++;
      return result;
    }
    for (;;) {
      result.push(this.value(depth + 1));
      const next = text.charCodeAt(this.at++);
      if (next === 93) return result;
      if (next !== 44) this.fail("缺少逗号 a comma is missing");
    }
  }

  integer() {
    const { text } = this;
    const start = this.at;
    if (text.charCodeAt(this.at) === 45) this.at++;
    const first = this.at;
    while (text.charCodeAt(this.at) >= 48 && text.charCodeAt(this.at) <= 57) this.at++;
    const digits = this.at - first;
    const next = text[this.at];
    if (next === "." || next === "e" || next === "E") this.fail("浮点数 a float");
    if (!digits || digits > MAX_DIGITS) this.fail("不是整数 not an integer");
    if (text.charCodeAt(first) === 48 && (digits > 1 || first > start)) this.fail("多余的零 a needless zero");
    const value = digits < 17 ? Number(text.slice(start, this.at)) : Infinity;
    if (Number.isSafeInteger(value)) return value;
    if (!this.wide) this.fail("整数过大 an integer of 2^53 or more");
    return BigInt(text.slice(start, this.at));
  }

  string() {
    const { text } = this;
    const start = ++this.at;
    for (;;) {
      const code = text.charCodeAt(this.at);
      if (code === 34) return text.slice(start, this.at++);
      if (code === 92) break;
      if (code < 32 || code !== code) this.fail("字符串中有控制字符或未结束 a control character, or no end");
      this.at++;
    }
    let result = text.slice(start, this.at);
    for (;;) {
      const code = text.charCodeAt(this.at++);
      if (code === 34) return result;
      if (code < 32 || code !== code) this.fail("字符串中有控制字符或未结束 a control character, or no end");
      result += code === 92 ? this.escaped() : text[this.at - 1];
    }
  }

  escaped() {
    const sign = this.text[this.at++];
    const short = { '"': '"', "\\": "\\", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }[sign];
    if (short !== undefined) return short;
    const digits = this.text.substr(this.at, 4);
    const code = /^00[01][0-9a-f]$/.test(digits) && sign === "u" ? parseInt(digits, 16) : 8;
    if ([8, 9, 10, 12, 13].includes(code)) this.fail("不是最短的转义 not the shortest escape");
    this.at += 4;
    return String.fromCharCode(code);
  }
}

const parseLine = (text) => {
  const value = new CanonicalText(text, false).whole();
  need(value !== null && typeof value === "object" && !Array.isArray(value), "不是对象 not an object");
  return value;
};

const parseDocument = (text) => new CanonicalText(text, true).whole();

// The canonical text of a value made here (state documents, corrections' ids).
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value).sort(byBytes);
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
};
