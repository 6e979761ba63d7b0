// The Merkle tree over the log's lines (RFC 9162, section 2.1), once by SHA-256 and once by SM3. ----------------------

const ZERO_BYTE = Uint8Array.of(0);
const ONE_BYTE = Uint8Array.of(1);

const leafHash = (line) => sha256(ZERO_BYTE, line);

// A tree as the hashes of its perfect subtrees, largest first: as many as its size has bits set.
class Tree {
  constructor(size, hashes, digest) {
    this.size = size;
    this.hashes = hashes;
    this.digest = digest;
    this.last = null; // the leaf that was appended last
  }

  node(left, right) {
    return this.digest.reset().update(ONE_BYTE).update(left).update(right).digest();
  }

  append(leaf) {
    let hash = leaf;
    this.last = leaf;
    for (let rest = this.size; rest % 2; rest = Math.floor(rest / 2)) hash = this.node(this.hashes.pop(), hash);
    this.hashes.push(hash);
    this.size++;
  }

  leaf(line) {
    return this.digest.reset().update(ZERO_BYTE).update(line).digest();
  }

  root() {
    if (!this.hashes.length) return this.digest.reset().digest();
    return this.hashes.reduceRight((right, left) => this.node(left, right));
  }
}

// The leaf hash that stands for a record of a point that the pack leaves out; null if the line is none such.
const hiddenHash = (line) => {
  const digits = String.fromCharCode(...line.subarray(1));
  return isDigest(digits) ? bytesOfHex(digits) : null;
};

const hashesOf = (value, size) => {
  let bits = 0;
  for (let rest = size; rest; rest = Math.floor(rest / 2)) bits += rest % 2;
  need(
    Array.isArray(value) && value.length === bits && value.every(isDigest),
    `${size} 片叶的树有 ${bits} 个整子树 a tree of so many leaves has that many perfect subtrees`,
  );
  return value.map(bytesOfHex);
};

// frontier.json: the two trees before a day; the second is null where the collector's OpenSSL had no SM3.
const readFrontier = (value) => {
  const keys = Object.keys(value).join();
  need(keys === "sha256,size,sm3" && Number.isSafeInteger(value.size) && value.size >= 0, "不是树的前沿 not a frontier");
  return {
    size: value.size,
    tree: new Tree(value.size, hashesOf(value.sha256, value.size), newSha256()),
    sm3: value.sm3 === null ? null : new Tree(value.size, hashesOf(value.sm3, value.size), newSm3()),
  };
};

// The root that an inclusion path proves (RFC 9162, section 2.1.3.2).
const rootOf = (leaf, index, size, path) => {
  need(index >= 0 && index < size, "叶不在树内 the leaf is outside the tree");
  const half = (value) => Math.floor(value / 2);
  let place = index;
  let last = size - 1;
  let hash = leaf;
  for (const other of path) {
    need(last > 0, "包含路径过长 the path is too long");
    if (place % 2 || place === last) {
      hash = sha256(ONE_BYTE, other, hash);
      while (place && place % 2 === 0) [place, last] = [half(place), half(last)];
    } else {
      hash = sha256(ONE_BYTE, hash, other);
    }
    [place, last] = [half(place), half(last)];
  }
  need(last === 0, "包含路径过短 the path is too short");
  return hash;
};
