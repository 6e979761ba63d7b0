// Exact fractions, fen, and the only rounding. --------------------------------------------------------------------------

const gcd = (a, b) => {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y) [x, y] = [y, x % y];
  return x;
};

class Fraction {
  constructor(top, bottom = 1n) {
    const common = gcd(top, bottom) || 1n;
    this.top = top / common;
    this.bottom = bottom / common;
  }

  plus(other) {
    if (this.bottom === other.bottom) return new Fraction(this.top + other.top, this.bottom);
    return new Fraction(this.top * other.bottom + other.top * this.bottom, this.bottom * other.bottom);
  }

  minus(other) {
    return this.plus(new Fraction(-other.top, other.bottom));
  }

  times(other) {
    return new Fraction(this.top * other.top, this.bottom * other.bottom);
  }

  over(other) {
    const sign = other.top < 0n ? -1n : 1n;
    return new Fraction(sign * this.top * other.bottom, sign * this.bottom * other.top);
  }

  compare(other) {
    const difference = this.top * other.bottom - other.top * this.bottom;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  get isZero() {
    return this.top === 0n;
  }

  floor() {
    const quotient = this.top / this.bottom;
    return quotient * this.bottom > this.top ? quotient - 1n : quotient;
  }

  ceil() {
    return -new Fraction(-this.top, this.bottom).floor();
  }

  // To the nearest whole number, a half away from zero.
  rounded() {
    const size = (2n * (this.top < 0n ? -this.top : this.top) + this.bottom) / (2n * this.bottom);
    return this.top < 0n ? -size : size;
  }
}

const whole = (value) => new Fraction(BigInt(value));
const ratio = (top, bottom) => new Fraction(BigInt(top), BigInt(bottom));
const ZERO = whole(0);
const ONE = whole(1);
const PERCENT = ratio(1, 100);
const sumOf = (parts) => parts.reduce((sum, part) => sum.plus(part), ZERO);
const least = (...parts) => parts.reduce((low, part) => (part.compare(low) < 0 ? part : low));
const most = (...parts) => parts.reduce((high, part) => (part.compare(high) > 0 ? part : high));

// A share, factor or rate of the terms as its document has it: "9/10", "0.06", "1".
const fractionOf = (text) => {
  const match = /^([0-9]+)(?:\.([0-9]+)|\/([0-9]+))?$/.exec(String(text));
  need(match && !(match[3] && BigInt(match[3]) === 0n), `不是比率 not a share: ${String(text).slice(0, 40)}`);
  if (match[3]) return ratio(match[1], match[3]);
  const decimals = match[2] || "";
  return ratio(match[1] + decimals, 10n ** BigInt(decimals.length));
};

// Yuan with two decimals as fen, and back.
const fenOf = (text) => {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]{1,2}))?$/.exec(String(text));
  need(match, `不是金额 not an amount of yuan: ${String(text).slice(0, 40)}`);
  const size = BigInt(match[2]) * 100n + BigInt((match[3] || "").padEnd(2, "0"));
  return match[1] ? -size : size;
};

const yuan = (fen) => {
  const size = String(fen < 0n ? -fen : fen).padStart(3, "0");
  return `${fen < 0n ? "-" : ""}${size.slice(0, -2)}.${size.slice(-2)}`;
};

// Spread an amount by weight: largest remainder, ties to the smaller name; in the order of the weights.
const spread = (amount, weights) => {
  if (amount < 0n) return spread(-amount, weights).map(([name, part]) => [name, -part]);
  const scale = weights.reduce((common, [, weight]) => (common / gcd(common, weight.bottom)) * weight.bottom, 1n);
  const wholes = weights.map(([name, weight]) => [name, (weight.top * scale) / weight.bottom]);
  const everything = wholes.reduce((sum, [, weight]) => sum + weight, 0n);
  need(everything > 0n || amount === 0n, "无法分摊 an amount cannot be spread over weights of zero");
  if (!everything) return wholes.map(([name]) => [name, 0n]);
  const parts = wholes.map(([name, weight]) => [name, (amount * weight) / everything]);
  const rest = wholes.map(([name, weight], n) => [n, name, (amount * weight) % everything]);
  rest.sort((a, b) => (a[2] === b[2] ? byBytes(a[1], b[1]) : a[2] < b[2] ? 1 : -1));
  let missing = amount - parts.reduce((sum, [, part]) => sum + part, 0n);
  for (let n = 0; missing > 0n; n++, missing--) parts[rest[n][0]][1] += 1n;
  return parts;
};

// A line's columns in fen, [gross, net, tax], and those of its components by name.
const NOTHING = { line: [0n, 0n, 0n], parts: [] };
const addColumns = (a, b) => a.map((value, n) => value + b[n]);

const plusAmount = (a, b) => {
  const line = addColumns(a.line, b.line);
  if (!a.parts.length !== !b.parts.length) {
    const unbroken = b.parts.length ? a : b;
    if (unbroken.line.some((value) => value)) return { line, parts: [] };
  }
  const parts = new Map(a.parts);
  for (const [name, columns] of b.parts) parts.set(name, parts.has(name) ? addColumns(parts.get(name), columns) : columns);
  return { line, parts: [...parts] };
};

const negative = ({ line, parts }) => ({
  line: line.map((value) => -value),
  parts: parts.map(([name, columns]) => [name, columns.map((value) => -value)]),
});
const minusAmount = (a, b) => plusAmount(a, negative(b));

// From a rounded gross: tax once for the line, then gross by the components' weights and net by the gross so obtained.
const taxed = (gross, rate, weights) => {
  const net = new Fraction(gross).over(ONE.plus(rate)).rounded();
  const line = [gross, net, gross - net];
  if (!weights.some(([, weight]) => !weight.isZero)) return { line, parts: [] };
  const grosses = spread(gross, weights);
  const nets = spread(net, grosses.map(([name, part]) => [name, new Fraction(part < 0n ? -part : part)]));
  return { line, parts: grosses.map(([name, part], n) => [name, [part, nets[n][1], part - nets[n][1]]]) };
};
