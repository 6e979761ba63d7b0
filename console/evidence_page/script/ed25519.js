// Ed25519 signatures (RFC 8032, section 5.1), checked only. -----------------------------------------------------------
// Plain big integers: slow and leaky, which does not matter where nothing is secret.

const P = (1n << 255n) - 19n;
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;

const modP = (value) => {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
};

const powP = (base, exponent) => {
  let result = 1n;
  for (; exponent; exponent >>= 1n, base = modP(base * base)) if (exponent & 1n) result = modP(result * base);
  return result;
};

const CURVE_D = modP(-121665n * powP(121666n, P - 2n));
const ROOT_OF_MINUS_1 = powP(2n, (P - 1n) / 4n);

// Points are (X : Y : Z : T) with x = X/Z, y = Y/Z, xy = T/Z.
const NEUTRAL = [0n, 1n, 1n, 0n];

const plus = ([x1, y1, z1, t1], [x2, y2, z2, t2]) => {
  const a = modP((y1 - x1) * (y2 - x2));
  const b = modP((y1 + x1) * (y2 + x2));
  const c = modP(2n * CURVE_D * t1 * t2);
  const d = modP(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [modP(e * f), modP(g * h), modP(f * g), modP(e * h)];
};

const numberOf = (bytes) => {
  let value = 0n;
  for (let n = bytes.length - 1; n >= 0; n--) value = (value << 8n) | BigInt(bytes[n]);
  return value;
};

// The point of 32 bytes, null if they are none. y of P or more, and a sign for x = 0, are second spellings: refused.
const pointOf = (bytes) => {
  const whole = numberOf(bytes);
  const y = whole & ((1n << 255n) - 1n);
  if (y >= P) return null;
  const u = modP(y * y - 1n);
  const v = modP(CURVE_D * y * y + 1n);
  let x = modP(u * v ** 3n * powP(modP(u * v ** 7n), (P - 5n) / 8n));
  const square = modP(v * x * x);
  if (square !== u) {
    if (square !== modP(-u)) return null;
    x = modP(x * ROOT_OF_MINUS_1);
  }
  const odd = whole >> 255n;
  if (x === 0n && odd) return null;
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, modP(x * y)];
};

const encodedPoint = ([x, y, z]) => {
  const inverse = powP(z, P - 2n);
  let value = modP(y * inverse) | ((modP(x * inverse) & 1n) << 255n);
  const bytes = new Uint8Array(32);
  for (let n = 0; n < 32; n++, value >>= 8n) bytes[n] = Number(value & 255n);
  return bytes;
};

const BASE_POINT = pointOf(Uint8Array.from({ length: 32 }, (_, n) => (n ? 0x66 : 0x58)));

// Whether `signature` (64 bytes) is one of `key` (32 bytes) over `message`: S below the order, R as it is spelt.
const signedBy = (key, signature, message) => {
  if (key.length !== 32 || signature.length !== 64) return false;
  const point = pointOf(key);
  const scalar = numberOf(signature.subarray(32));
  if (!point || scalar >= ORDER) return false;
  // A key of small order would have signed everything.
  let eight = point;
  for (let n = 0; n < 3; n++) eight = plus(eight, eight);
  if (eight[0] === 0n) return false;
  const challenge = numberOf(sha512(signature.subarray(0, 32), key, message)) % ORDER;
  // [S]B − [k]A, both scalars bit by bit together.
  const [x, y, z, t] = point;
  const minus = [modP(-x), y, z, modP(-t)];
  const both = plus(BASE_POINT, minus);
  let sum = NEUTRAL;
  for (let bit = 252n; bit >= 0n; bit--) {
    sum = plus(sum, sum);
    const s = (scalar >> bit) & 1n;
    const k = (challenge >> bit) & 1n;
    if (s || k) sum = plus(sum, s && k ? both : s ? BASE_POINT : minus);
  }
  return sameBytes(encodedPoint(sum), signature.subarray(0, 32));
};
