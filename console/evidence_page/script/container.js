// The container: a ZIP of one possible form, and deflate (RFC 1951) with its unused bits. -----------------------------
// An unpacker of one's own, because the browser's tells neither what stands in unused bits nor what follows the data.

const LIMITS = {
  pack: 2 ** 32,
  members: 65534,
  line: 64 * 2 ** 20,
  unpacked: 8 * 2 ** 30,
  days: 2000,
  // Not of the format: what one piece of memory in a browser can be trusted to hold.
  member: 2 ** 30,
};

const FAST_BITS = 10;

// A canonical Huffman code from the lengths of its symbols, to be looked up by the next bits as they stand in the
// stream (lowest bit first). Codes that leave bit patterns unused are refused: no packer writes them, and two packs that
// differ there alone would unpack to the same bytes.
const huffman = (lengths) => {
  const counts = new Uint16Array(16);
  lengths.forEach((length) => counts[length]++);
  counts[0] = 0;
  const next = new Uint16Array(16);
  let left = 1;
  for (let length = 1; length < 16; length++) {
    left = 2 * left - counts[length];
    need(left >= 0, "哈夫曼码过满 an over-full Huffman code");
    next[length] = (next[length - 1] + counts[length - 1]) << 1;
  }
  need(left === 0, "哈夫曼码不完整 an incomplete Huffman code");
  const fast = new Uint16Array(1 << FAST_BITS); // symbol << 4 | length; 0: a longer code
  const long = new Map(); // by length << 16 | reversed code
  lengths.forEach((length, symbol) => {
    if (!length) return;
    let code = next[length]++;
    let reversed = 0;
    for (let n = 0; n < length; n++, code >>= 1) reversed = (reversed << 1) | (code & 1);
    if (length > FAST_BITS) long.set((length << 16) | reversed, symbol);
    else for (let n = reversed; n < fast.length; n += 1 << length) fast[n] = (symbol << 4) | length;
  });
  return { fast, long };
};

const FIXED_SYMBOLS = huffman(Uint8Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8)));
const FIXED_DISTANCES = huffman(new Uint8Array(32).fill(5));
const EXTRA = (n, step) => Math.max(0, (n >> step) - 1);
const LENGTH_BITS = Uint8Array.from({ length: 29 }, (_, n) => (n === 28 ? 0 : EXTRA(n, 2)));
const LENGTH_BASE = new Uint16Array(29);
for (let n = 0, base = 3; n < 28; base += 1 << LENGTH_BITS[n++]) LENGTH_BASE[n] = base;
LENGTH_BASE[28] = 258;
const DISTANCE_BITS = Uint8Array.from({ length: 30 }, (_, n) => EXTRA(n, 1));
const DISTANCE_BASE = new Uint16Array(30);
for (let n = 0, base = 1; n < 30; base += 1 << DISTANCE_BITS[n++]) DISTANCE_BASE[n] = base;
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Inflater {
  constructor(packed, size) {
    this.packed = packed;
    this.out = new Uint8Array(size);
    this.at = 0;
    this.made = 0;
    this.held = 0; // bits read but not used yet, and how many
    this.count = 0;
  }

  // At most 16 at a time, so that 32 bits always suffice.
  bits(count) {
    while (this.count < count) {
      need(this.at < this.packed.length, "压缩数据被截断 the compressed data is cut short");
      this.held |= this.packed[this.at++] << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return value;
  }

  symbol({ fast, long }) {
    while (this.count < 15 && this.at < this.packed.length) {
      this.held |= this.packed[this.at++] << this.count;
      this.count += 8;
    }
    const entry = fast[this.held & ((1 << FAST_BITS) - 1)];
    if (entry) {
      need((entry & 15) <= this.count, "压缩数据被截断 the compressed data is cut short");
      this.held >>>= entry & 15;
      this.count -= entry & 15;
      return entry >> 4;
    }
    for (let length = FAST_BITS + 1; length <= Math.min(15, this.count); length++) {
      const symbol = long.get((length << 16) | (this.held & ((1 << length) - 1)));
      if (symbol !== undefined) {
        this.held >>>= length;
        this.count -= length;
        return symbol;
      }
    }
    throw new Refusal("压缩数据被截断 the compressed data is cut short");
  }

  whole() {
    let last;
    do {
      last = this.bits(1);
      const kind = this.bits(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.coded(FIXED_SYMBOLS, FIXED_DISTANCES);
      else if (kind === 2) this.dynamic();
      else throw new Refusal("未知的压缩块 an unknown kind of block");
    } while (!last);
    need(this.made === this.out.length, "解压后小于所记大小 unpacks to less than its stated size");
    // Whole bytes that were read ahead go back; what then is left is less than a byte and must be zero.
    const ahead = this.count >> 3;
    need(this.at - ahead === this.packed.length, "压缩数据之后还有内容 something follows the compressed data");
    need(this.held === 0, "压缩数据末尾的填充位不为零 the bits behind the compressed data are not zero");
    return this.out;
  }

  room(length) {
    need(this.made + length <= this.out.length, "解压后大于所记大小 unpacks to more than its stated size");
  }

  stored() {
    need(this.bits(this.count & 7) === 0, "填充位不为零 padding bits are not zero");
    const length = this.bits(16);
    need((length ^ this.bits(16)) === 0xffff, "压缩块长度不符 a block's lengths differ");
    this.room(length);
    let n = 0;
    for (; n < length && this.count; n++) this.out[this.made++] = this.bits(8);
    const rest = this.packed.subarray(this.at, this.at + length - n);
    need(rest.length === length - n, "压缩数据被截断 the compressed data is cut short");
    this.out.set(rest, this.made);
    this.at += rest.length;
    this.made += rest.length;
  }

  dynamic() {
    const symbols = this.bits(5) + 257;
    const distances = this.bits(5) + 1;
    need(symbols <= 286 && distances <= 30, "压缩块的码表过大 too many symbols");
    const order = new Uint8Array(19);
    for (let n = this.bits(4) + 4, k = 0; k < n; k++) order[CODE_ORDER[k]] = this.bits(3);
    const code = huffman(order);
    const lengths = new Uint8Array(symbols + distances);
    for (let n = 0; n < lengths.length; ) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        lengths[n++] = symbol;
        continue;
      }
      need(symbol > 16 || n > 0, "压缩块的码表有误 a repeat of nothing");
      const again = symbol === 16 ? lengths[n - 1] : 0;
      const times = symbol === 16 ? 3 + this.bits(2) : symbol === 17 ? 3 + this.bits(3) : 11 + this.bits(7);
      need(n + times <= lengths.length, "压缩块的码表过长 the lengths run over");
      lengths.fill(again, n, n + times);
      n += times;
    }
    this.coded(huffman(lengths.subarray(0, symbols)), huffman(lengths.subarray(symbols)));
  }

  coded(symbols, distances) {
    const { out } = this;
    for (;;) {
      const symbol = this.symbol(symbols);
      if (symbol < 256) {
        if (this.made >= out.length) this.room(1);
        out[this.made++] = symbol;
        continue;
      }
      if (symbol === 256) return;
      need(symbol < 286, "未知的长度码 an unknown length");
      const length = LENGTH_BASE[symbol - 257] + this.bits(LENGTH_BITS[symbol - 257]);
      const place = this.symbol(distances);
      need(place < 30, "未知的距离码 an unknown distance");
      const distance = DISTANCE_BASE[place] + this.bits(DISTANCE_BITS[place]);
      need(distance <= this.made, "距离超出 a distance before the beginning");
      this.room(length);
      let to = this.made;
      let from = to - distance;
      for (const end = to + length; to < end; ) out[to++] = out[from++];
      this.made = to;
    }
  }
}

const inflate = (packed, size) => new Inflater(packed, size).whole();

// A pack in a file of the browser. Every byte of the container is compared with the one that the form asks for before
// anything is unpacked; members are unpacked when they are read, and checked then.
class Pack {
  constructor(file) {
    this.file = file;
    this.members = new Map();
    this.kept = new Map();
  }

  static async open(file) {
    const pack = new Pack(file);
    await pack.directory();
    return pack;
  }

  async slice(start, length) {
    const bytes = new Uint8Array(await this.file.slice(start, start + length).arrayBuffer());
    need(bytes.length === length, "文件被截断 the file is cut short");
    return bytes;
  }

  async directory() {
    const { size } = this.file;
    need(size <= LIMITS.pack, "超过 4 GiB the pack is too large");
    need(size >= 22, "不是证据包，或被截断 not a pack, or cut short");
    const end = new DataView((await this.slice(size - 22, 22)).buffer);
    need(end.getUint32(0) === 0x504b0506, "末尾不是结束记录：被截断或有附加内容 no end record: cut short, or more behind it");
    const count = end.getUint16(10, true);
    const length = end.getUint32(12, true);
    const start = end.getUint32(16, true);
    const canonicalEnd = !end.getUint32(4) && end.getUint16(8, true) === count && !end.getUint16(20);
    need(canonicalEnd && count <= LIMITS.members, "结束记录不合规 the end record is not canonical");
    need(start + length + 22 === size, "目录与结束记录不相接 the directory does not end at the end record");
    const bytes = await this.slice(start, length);
    const view = new DataView(bytes.buffer);
    let place = 0;
    let offset = 0;
    let total = 0;
    let before = "";
    for (let n = 0; n < count; n++) {
      need(place + 46 <= length, "目录被截断 the directory is cut short");
      const entry = Pack.entry(bytes, view, place);
      need(before < entry.name || !n, `重名或未按名称排序 twice, or out of order`, entry.name);
      need(view.getUint32(place + 42, true) === offset, "成员之间有空隙 a gap between members", entry.name);
      entry.header = offset;
      entry.start = offset + 30 + entry.name.length;
      total += entry.size;
      need(total <= LIMITS.unpacked, "解压后超过 8 GiB unpacks to too much", entry.name);
      this.members.set(entry.name, entry);
      before = entry.name;
      offset = entry.start + entry.packed;
      place += 46 + entry.name.length;
    }
    need(place === length && offset === start, "成员与目录之间有空隙 something between the members and the directory");
    for (const entry of this.members.values()) await this.localHeader(entry);
  }

  static entry(bytes, view, place) {
    const length = view.getUint16(place + 28, true);
    const name = String.fromCharCode(...bytes.subarray(place + 46, place + 46 + Math.min(length, 201)));
    const parts = name.split("/");
    const usable = name.length === length && length <= 200 && parts.every((part) => /^[A-Za-z0-9._-]+$/.test(part));
    need(usable && !parts.includes(".") && !parts.includes(".."), `成员名不合规 an unusable name: ${JSON.stringify(name)}`);
    const fields = (at) => view.getUint16(place + at, true);
    const [method, packed, size] = [fields(10), view.getUint32(place + 20, true), view.getUint32(place + 24, true)];
    const fixed =
      view.getUint32(place) === 0x504b0102 && fields(4) === 20 && fields(6) === 20 && fields(8) === 0x0800 &&
      fields(12) === 0 && fields(14) === 0x21 && [30, 32, 34, 36, 38, 40].every((at) => fields(at) === 0);
    need(fixed && (method === 0 || method === 8), "目录项不合规 its entry in the directory is not canonical", name);
    need(method === 8 || packed === size, "大小不符 its two sizes differ", name);
    return { name, method, packed, size, crc: view.getUint32(place + 16, true), common: bytes.slice(place + 6, place + 30) };
  }

  // A local header says what the directory says: from the needed version to the length of the name byte for byte.
  async localHeader(entry) {
    const found = await this.slice(entry.header, 30 + entry.name.length);
    const wanted = joined(Uint8Array.of(0x50, 0x4b, 3, 4), entry.common, Uint8Array.of(0, 0), utf8(entry.name));
    need(sameBytes(found, wanted), "文件头与目录不符 its local header is not that of the directory", entry.name);
  }

  async bytes(name) {
    const entry = this.members.get(name);
    need(entry, "缺少成员 no such member", name);
    if (this.kept.has(name)) return this.kept.get(name);
    need(entry.size <= LIMITS.member, "成员过大，浏览器无法核验，请用 verifier.py too large for a browser: use verifier.py", name);
    const packed = await this.slice(entry.start, entry.packed);
    let result = packed;
    try {
      if (entry.method === 8) result = inflate(packed, entry.size);
    } catch (error) {
      if (error instanceof Refusal) error.file = name;
      throw error;
    }
    need(crc32(result) === entry.crc, "校验和不符 the checksum differs", name);
    if (result.length <= 65536) this.kept.set(name, result);
    return result;
  }

  async text(name) {
    return textOf(await this.bytes(name), name);
  }

  // A file of one canonical line, read as `parse` reads it.
  async line(name, parse) {
    const text = await this.text(name);
    need(text.endsWith("\n"), "最后一行不完整 the last line is cut short", name);
    return within(name, "", () => parse(text.slice(0, -1)));
  }
}

// Gives an error of `action` the place at which it happened.
const within = (file, record, action) => {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refusal) {
      error.file = error.file || file;
      error.record = error.record || record;
    }
    throw error;
  }
};
