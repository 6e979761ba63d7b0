// Digests: SHA-256 and SHA-512 (FIPS 180-4), SM3 (GB/T 32905), CRC-32. ------------------------------------------------
// Own code, because the browser's digests are asynchronous (one promise for each of a million leaves) and know no SM3.

// The constants are what the standard says they are: the first bits of roots of the first primes, computed, not typed.
const PRIMES = [];
for (let n = 2; PRIMES.length < 80; n++) if (PRIMES.every((prime) => n % prime)) PRIMES.push(n);

const integerRoot = (value, power) => {
  let low = 0n;
  let high = 1n << 80n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** power > value) high = middle;
    else low = middle;
  }
  return low;
};
const MASK_64 = (1n << 64n) - 1n;
const K_64 = PRIMES.map((prime) => integerRoot(BigInt(prime) << 192n, 3n) & MASK_64);
const H_64 = PRIMES.slice(0, 8).map((prime) => integerRoot(BigInt(prime) << 128n, 2n) & MASK_64);
const K_32 = Int32Array.from(K_64.slice(0, 64), (value) => Number(value >> 32n) | 0);
const H_32 = Int32Array.from(H_64, (value) => Number(value >> 32n) | 0);

// A digest over 64-byte blocks with a 64-bit big-endian length at the end: SHA-256 and SM3 differ in `compress` alone.
class BlockDigest {
  constructor(start, compress) {
    this.start = start;
    this.compress = compress;
    this.tail = new Uint8Array(64);
    this.reset();
  }

  reset() {
    this.state = Int32Array.from(this.start);
    this.held = 0;
    this.length = 0;
    return this;
  }

  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.held) {
      at = Math.min(64 - this.held, bytes.length);
      this.tail.set(bytes.subarray(0, at), this.held);
      this.held += at;
      if (this.held < 64) return this;
      this.compress(this.state, this.tail, 0);
      this.held = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.compress(this.state, bytes, at);
    this.tail.set(bytes.subarray(at), 0);
    this.held = bytes.length - at;
    return this;
  }

  digest() {
    const { tail } = this;
    tail[this.held] = 0x80;
    tail.fill(0, this.held + 1);
    if (this.held >= 56) {
      this.compress(this.state, tail, 0);
      tail.fill(0);
    }
    const bits = new DataView(tail.buffer);
    bits.setUint32(56, Math.floor(this.length / 0x20000000));
    bits.setUint32(60, (this.length << 3) >>> 0);
    this.compress(this.state, tail, 0);
    const result = new Uint8Array(32);
    const view = new DataView(result.buffer);
    this.state.forEach((word, n) => view.setInt32(4 * n, word));
    return result;
  }
}

const W = new Int32Array(68);

const compressSha256 = (state, bytes, at) => {
  for (let n = 0; n < 16; n++, at += 4) {
    W[n] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let n = 16; n < 64; n++) {
    const x = W[n - 15];
    const y = W[n - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[n] = (W[n - 16] + s0 + W[n - 7] + s1) | 0;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let n = 0; n < 64; n++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K_32[n] + W[n]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
};

const SM3_START = Int32Array.from([
  0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e,
]);
const turned = (x, n) => (n ? (x << n) | (x >>> (32 - n)) : x);
const SM3_T = Int32Array.from({ length: 64 }, (_, n) => turned(n < 16 ? 0x79cc4519 : 0x7a879d8a, n % 32));

const compressSm3 = (state, bytes, at) => {
  for (let n = 0; n < 16; n++, at += 4) {
    W[n] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let n = 16; n < 68; n++) {
    const x = W[n - 16] ^ W[n - 9] ^ ((W[n - 3] << 15) | (W[n - 3] >>> 17));
    const p = x ^ ((x << 15) | (x >>> 17)) ^ ((x << 23) | (x >>> 9));
    W[n] = p ^ ((W[n - 13] << 7) | (W[n - 13] >>> 25)) ^ W[n - 6];
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let n = 0; n < 64; n++) {
    const a12 = (a << 12) | (a >>> 20);
    const sum = (a12 + e + SM3_T[n]) | 0;
    const ss1 = (sum << 7) | (sum >>> 25);
    const ff = n < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
    const gg = n < 16 ? e ^ f ^ g : (e & f) | (~e & g);
    const tt1 = (ff + d + (ss1 ^ a12) + (W[n] ^ W[n + 4])) | 0;
    const tt2 = (gg + h + ss1 + W[n]) | 0;
    d = c;
    c = (b << 9) | (b >>> 23);
    b = a;
    a = tt1;
    h = g;
    g = (f << 19) | (f >>> 13);
    f = e;
    e = tt2 ^ ((tt2 << 9) | (tt2 >>> 23)) ^ ((tt2 << 17) | (tt2 >>> 15));
  }
  state[0] ^= a;
  state[1] ^= b;
  state[2] ^= c;
  state[3] ^= d;
  state[4] ^= e;
  state[5] ^= f;
  state[6] ^= g;
  state[7] ^= h;
};

const newSha256 = () => new BlockDigest(H_32, compressSha256);
const newSm3 = () => new BlockDigest(SM3_START, compressSm3);
const sha256 = (...parts) => parts.reduce((digest, part) => digest.update(part), newSha256()).digest();
const sha256Hex = (...parts) => hexOf(sha256(...parts));

// SHA-512 is asked of a few hundred short messages only (Ed25519), so plain big integers will do.
const sha512 = (...parts) => {
  const message = joined(...parts);
  const blocks = new Uint8Array((Math.floor((message.length + 16) / 128) + 1) * 128);
  blocks.set(message);
  blocks[message.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setBigUint64(blocks.length - 8, BigInt(message.length) * 8n);
  const rotate = (x, n) => ((x >> n) | (x << (64n - n))) & MASK_64;
  const state = [...H_64];
  for (let at = 0; at < blocks.length; at += 128) {
    const w = [];
    for (let n = 0; n < 16; n++) w.push(view.getBigUint64(at + 8 * n));
    for (let n = 16; n < 80; n++) {
      const s0 = rotate(w[n - 15], 1n) ^ rotate(w[n - 15], 8n) ^ (w[n - 15] >> 7n);
      const s1 = rotate(w[n - 2], 19n) ^ rotate(w[n - 2], 61n) ^ (w[n - 2] >> 6n);
      w.push((w[n - 16] + s0 + w[n - 7] + s1) & MASK_64);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let n = 0; n < 80; n++) {
      const s1 = rotate(e, 14n) ^ rotate(e, 18n) ^ rotate(e, 41n);
      const t1 = h + s1 + ((e & f) ^ (~e & MASK_64 & g)) + K_64[n] + w[n];
      const s0 = rotate(a, 28n) ^ rotate(a, 34n) ^ rotate(a, 39n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK_64, c, b, a, (t1 + t2) & MASK_64];
    }
    [a, b, c, d, e, f, g, h].forEach((value, n) => (state[n] = (state[n] + value) & MASK_64));
  }
  const result = new Uint8Array(64);
  state.forEach((value, n) => new DataView(result.buffer).setBigUint64(8 * n, value));
  return result;
};

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

const crc32 = (bytes) => {
  let crc = ~0;
  for (let n = 0; n < bytes.length; n++) crc = CRC_TABLE[(crc ^ bytes[n]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
};
